#!/usr/bin/env python3
"""Runs a command that is killed, with whatever it starts, as soon as it opens a socket.

Usage: without_sockets.py COMMAND [ARGUMENT]...

A seccomp filter (Linux 4.14, x86_64 and aarch64) is installed and inherited by every program that the command starts;
no program can lift it. It kills the process that calls socket, connect, bind, listen or accept, whatever the family, or
io_uring_setup, by which these could be reached, or any call of another instruction set.
A socketpair is allowed if it is local and of a kind with connections: its two ends are joined to each other and to
nothing else. Cargo's copy of libcurl makes one to wake itself, and Rust's standard library one to start a program.
Ends with 125, and a reason, where there is no such filter: what is not confined is not run.
"""

import ctypes
import os
import platform
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000

# linux/audit.h: the machine, in 64 bits and little endian; then the numbers of
# socketpair, and those of socket, connect, bind, listen, accept, accept4 and io_uring_setup.
MACHINES = {
    "x86_64": (0xC000003E, 53, [41, 42, 49, 50, 43, 288, 425]),
    "aarch64": (0xC00000B7, 199, [198, 203, 200, 201, 202, 242, 425]),
}

# linux/bpf_common.h, and the offsets of struct seccomp_data.
LOAD, AND, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
NUMBER, ARCHITECTURE, FAMILY, TYPE = 0, 4, 16, 24
X32 = 0x40000000
AF_UNIX, SOCK_STREAM, SOCK_SEQPACKET, TYPE_MASK = 1, 1, 5, 0xF


class Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def instructions(architecture, socketpair, calls):
    """Returns the filter, its jumps as the instruction to go on with if it holds, and if not; `None` is the next."""
    rows = [
        (LOAD, None, None, ARCHITECTURE),
        (JUMP_EQUAL, None, "kill", architecture),
        (LOAD, None, None, NUMBER),
        (JUMP_AT_LEAST, "kill", None, X32),
        *[(JUMP_EQUAL, "kill", None, call) for call in calls],
        (JUMP_EQUAL, None, "allow", socketpair),
        (LOAD, None, None, FAMILY),
        (JUMP_EQUAL, None, "kill", AF_UNIX),
        (LOAD, None, None, TYPE),
        (AND, None, None, TYPE_MASK),
        (JUMP_EQUAL, "allow", None, SOCK_STREAM),
        (JUMP_EQUAL, None, "kill", SOCK_SEQPACKET),
        (RETURN, None, None, ALLOW),
        (RETURN, None, None, KILL_PROCESS),
    ]
    places = {"allow": len(rows) - 2, "kill": len(rows) - 1}
    for index, (code, true, false, operand) in enumerate(rows):
        jumps = [places[label] - index - 1 if label else 0 for label in (true, false)]
        yield code, *jumps, operand


def confine():
    if sys.platform != "linux" or platform.machine() not in MACHINES or sys.maxsize < 2**32:
        raise OSError(f"no filter is known for {sys.platform} on {platform.machine()}")
    code = b"".join(struct.pack("=HBBI", *each) for each in instructions(*MACHINES[platform.machine()]))
    program = Program(len(code) // 8, ctypes.cast(ctypes.create_string_buffer(code, len(code)), ctypes.c_void_p))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for arguments in [
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
    ]:
        if prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "the filter cannot be installed")


def main():
    command = sys.argv[1:]
    if not command:
        sys.exit(__doc__)
    try:
        confine()
    except OSError as error:
        print(f"without_sockets.py: {error}", file=sys.stderr)
        sys.exit(125)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
