#!/usr/bin/env python3
"""A second reader of the vectors, written from docs/src/spec and sharing no code with weft.

Usage: verify.py [index.json]. Needs PyPI's `cryptography`. Prints how many cases agree; ends with 1 if one does not, or
if none was checked.
"""

import base64
import hashlib
import json
import pathlib
import re
import struct
import sys
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

sys.dont_write_bytecode = True
import layout  # noqa: E402, the one module beside this file

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SAFE = 2**53 - 1
IN_TOTO = "application/vnd.in-toto+json"
PREDICATE = "https://github.com/cargo-weft/cargo-weft/predicate/"
SPKI = bytes.fromhex("302a300506032b6570032100")


class Refused(Exception):
    """The verifier says no."""


def demand(condition, why):
    if not condition:
        raise Refused(why)


# Strict JSON


def read_json(data, limits="record", size=16 << 20, depth=None):
    demand(len(data) <= size, "too large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8") from error
    bound = depth or (64 if limits == "record" else 128)
    level = deepest = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text, re.DOTALL):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.group(), 0)
        deepest = max(deepest, level)
    demand(deepest <= bound, "too deep")

    def members(pairs):
        names = [name for name, _ in pairs]
        demand(len(names) == len(set(names)), "a member stands twice")
        return dict(pairs)

    def integer(digits):
        if limits == "record":
            demand(digits != "-0" and abs(int(digits)) <= SAFE, "integer")
            return int(digits)
        return int(digits) if abs(int(digits)) <= SAFE and digits != "-0" else double(digits)

    def double(digits):
        demand(limits != "record", "a fraction")
        demand(abs(float(digits)) != float("inf"), "too large for a double")
        return float(digits)

    def constant(name):
        raise Refused(name)

    try:
        demand(not text.startswith("\ufeff"), "byte order mark")
        value = json.loads(
            text, object_pairs_hook=members, parse_int=integer, parse_float=double, parse_constant=constant
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from error
    return value


def canonical(value):
    """RFC 8785, for what the vectors hold: no doubles."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def digest(value):
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def typed(value, kind, names=None, optional=()):
    demand(isinstance(value, kind) and not (kind is int and isinstance(value, bool)), f"not {kind.__name__}")
    if names is not None:
        demand(set(value) <= set(names) | set(optional) and set(names) <= set(value), "members")
    return value


# Keys and signatures


def point(data):
    """Decompresses a point, in canonical form only."""
    y = int.from_bytes(data, "little") & (2**255 - 1)
    demand(y < P, "not canonical")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    demand(x * x % P == square, "not a point")
    demand(x != 0 or data[31] >> 7 == 0, "not canonical")
    return (P - x if x % 2 != data[31] >> 7 else x, y)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, P - 2, P) % P
    return x, (y1 * y2 + x1 * x2) * pow(1 - product, P - 2, P) % P


def is_small(p):
    for _ in range(3):
        p = add(p, p)
    return p == (0, 1)


def load(data):
    demand(len(data) == 32, "32 bytes")
    demand(not is_small(point(data)), "a weak key")
    return data


def public_key(text):
    if text.startswith("-----"):
        try:
            key = serialization.load_pem_public_key(text.encode())
        except Exception as error:
            raise Refused("not a public key") from error
        demand(isinstance(key, Ed25519PublicKey), "another scheme")
        return load(key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))
    demand(re.fullmatch(r"ed25519:[0-9a-f]{64}", text), "not a public key")
    return load(bytes.fromhex(text[8:]))


def key_id(key):
    return hashlib.sha256(SPKI + key).hexdigest()


def signed(key, message, signature):
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= ORDER:
        return False
    try:
        if is_small(point(signature[:32])):
            return False
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, Refused):
        return False
    return True


def unbase64(text):
    typed(text, str)
    for alphabet in (None, b"-_"):
        try:
            data = base64.b64decode(text, altchars=alphabet, validate=True)
        except ValueError:
            continue
        if base64.b64encode(data, altchars=alphabet).decode() == text:
            return data
    raise Refused("not canonical base64")


def envelope(text, strict=True):
    wire = typed(read_json(text.encode() if isinstance(text, str) else text, "foreign"), dict)
    if strict:
        typed(wire, dict, ["payload", "payloadType", "signatures"])
    demand({"payload", "payloadType", "signatures"} <= set(wire), "members")
    signatures = typed(wire["signatures"], list)
    demand(1 <= len(signatures) <= 256, "number of signatures")
    out = []
    for signature in signatures:
        typed(signature, dict, ["keyid", "sig"] if strict else None)
        demand("sig" in signature, "members")
        name = signature.get("keyid") or None
        demand(name is not None or not strict, "no key id")
        out.append((name, unbase64(signature["sig"])))
    return typed(wire["payloadType"], str), unbase64(wire["payload"]), out


def pae(kind, payload):
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


def count(keys, role, threshold, kind, payload, signatures, at):
    """How many distinct keys signed; `at` is None where windows are not judged."""
    demand(kind == IN_TOTO, "payload type")
    demand(threshold > 0, "threshold zero")
    demand(len({key["key"] for key in keys if role in key["roles"]}) >= threshold, "threshold unreachable")
    counted = set()
    for name, signature in signatures:
        for key in keys:
            if name not in (None, key["id"]) or not signed(key["key"], pae(kind, payload), signature):
                continue
            if valid(key, role, at):
                counted.add(key["key"])
    demand(len(counted) >= threshold, "threshold not met")


def valid(key, role, at):
    revoked = key.get("revoked_at")
    if revoked is not None and (at is None or at >= revoked):
        return False
    first, last = key.get("not_before"), key.get("not_after")
    window = at is None or ((first is None or first <= at) and (last is None or at <= last))
    return role in key["roles"] and window


# Statements


def statement(data, artifact=None, predicate_type=None):
    found = typed(read_json(data, "foreign"), dict)
    demand({"_type", "predicateType", "subject"} <= set(found), "members")
    versions = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"]
    demand(found["_type"] in versions, "statement type")
    demand(predicate_type in (None, found["predicateType"]), "predicate type")
    demand(found["subject"], "no subject")
    matches = False
    for subject in found["subject"]:
        digests = subject.get("digest")
        demand(digests, "name only")
        strong = {name: digests[name] for name in ("sha256", "sha384", "sha512") if name in digests}
        for name, digits in strong.items():
            demand(re.fullmatch("[0-9a-f]{%d}" % (int(name[3:]) // 4), digits), "digest")
        if artifact:
            same = {name for name in strong if artifact.get(name) == strong[name]}
            other = {name for name in strong if name in artifact} - same
            demand(not (same and other), "conflicting")
            matches = matches or bool(same)
    demand(matches or not artifact, "no subject is the artifact")
    return found


def artifact(case, folder):
    if "artifact_digest" in case and "artifact" not in case:
        name, digits = case["artifact_digest"].split(":")
        return {name: digits}
    if "artifact" in case:
        data = (folder / case["artifact"]).read_bytes()
    else:
        data = base64.b64decode(case["artifact_base64"])
    return {name: getattr(hashlib, name)(data).hexdigest() for name in ("sha256", "sha384", "sha512")}


# Roles

NAME = re.compile(r"[a-z0-9._@-]{1,64}")
FRESHNESS = {"override": [], "release": 0, "routine": 8, "sensitive": 2}


def roles(value):
    required = ["roles", "schema", "version"]
    typed(value, dict, required, ["freshness", "keys", "previous", "revocations", "witnesses"])
    demand(value["schema"] == 1 and typed(value["version"], int) >= 1, "version")
    demand(("previous" in value) == (value["version"] > 1), "previous")
    value.setdefault("keys", [])
    value.setdefault("witnesses", [])
    value.setdefault("revocations", {"keys": [], "number": 0}).setdefault("keys", [])
    value["freshness"] = {**FRESHNESS, **value.get("freshness", {})}
    revoked = {}
    for entry in value["revocations"]["keys"]:
        typed(entry, dict, ["at", "key", "reason"])
        demand(entry["reason"].strip() and entry["key"] not in revoked, "revocation")
        revoked[entry["key"]] = entry["at"]
    demand(value["revocations"]["number"] >= len(revoked), "revocation number")
    keys, names = [], set()
    for entry in value["keys"]:
        typed(entry, dict, ["name", "public", "roles"], ["not-after", "not-before"])
        entry["roles"] = sorted(set(entry["roles"]))
        key = public_key(entry["public"])
        demand(NAME.fullmatch(entry["name"]) and entry["name"] not in names, "name")
        demand(all(key != other["key"] for other in keys), "key repeated")
        demand(set(entry["roles"]) <= set(value["roles"]) - {"witness"}, "role")
        first, last = entry.get("not-before"), entry.get("not-after")
        demand(first is None or last is None or first <= last, "validity")
        names.add(entry["name"])
        window = {"not_before": first, "not_after": last, "revoked_at": revoked.get(key_id(key))}
        keys.append({"id": key_id(key), "key": key, "roles": entry["roles"], **window})
    demand("maintainer" in value["roles"], "no maintainer")
    for name, role in value["roles"].items():
        typed(role, dict, ["threshold"])
        held = sum(name in key["roles"] for key in keys)
        held = len(value["witnesses"]) if name == "witness" else held
        demand(NAME.fullmatch(name) and 1 <= role["threshold"] <= held, "threshold")
    taken = {key["key"] for key in keys}
    for witness in value["witnesses"]:
        name, algorithm, key = vkey(witness["vkey"])
        demand(algorithm == 4 and key not in taken and name not in names, "witness")
        names.add(name)
        taken.add(key)
    return value, keys


def chain(texts, anchor=None, at=None):
    current, anchored = None, anchor is None
    for number, text in enumerate(texts):
        kind, payload, signatures = envelope(text)
        found = statement(payload, None, PREDICATE + "roles/v1")
        record, keys = roles(found["predicate"])
        statement(payload, {"sha256": digest(record)})
        moment = at if number == len(texts) - 1 else None
        demand(record["version"] == number + 1, "version")
        quorum = [(record, keys)]
        if current:
            demand(record["previous"] == digest(current[0]), "previous")
            old, new = current[0]["revocations"], record["revocations"]
            demand(new["number"] >= old["number"], "number fell")
            demand(all(entry in new["keys"] for entry in old["keys"]), "taken back")
            demand(len(new["keys"]) == len(old["keys"]) or new["number"] > old["number"], "unnumbered")
            quorum.append(current)
        for holder, signers in quorum:
            threshold = holder["roles"]["maintainer"]["threshold"]
            for when in {moment, None}:
                count(signers, "maintainer", threshold, kind, payload, signatures, when)
        anchored = anchored or digest(record) == anchor
        current = (record, keys)
    demand(anchored and current, "anchor")
    return current[0]


# Notes and proofs


def vkey(text):
    parts = text.split("+", 2)
    demand(len(parts) == 3 and parts[0] and not re.search(r"\s", parts[0]), "vkey")
    data = unbase64(parts[2])
    demand(data[:1] in (b"\1", b"\4") and len(data) == 33, "vkey type")
    demand(hashlib.sha256(parts[0].encode() + b"\n" + data).hexdigest()[:8] == parts[1], "vkey hash")
    return parts[0], data[0], load(data[1:])


def note(data, keys, first=True):
    """The text, and for each key that signed it the time of its cosignature, or 0."""
    text = data.decode()
    demand(not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text) and text.endswith("\n"), "note")
    body, blank, lines = text.rpartition("\n\n")
    demand(blank and lines, "note")
    body, by = body + "\n", {}
    for line in lines[:-1].split("\n"):
        match = re.fullmatch("\u2014 ([^ +]+) ([^ ]+)", line)
        demand(match, "signature line")
        data = unbase64(match[2])
        demand(len(data) > 4, "signature line")
        for name, algorithm, key in keys:
            packed = name.encode() + b"\n" + bytes([algorithm]) + key
            if name != match[1] or hashlib.sha256(packed).digest()[:4] != data[:4]:
                continue
            message, signature, time = body.encode(), data[4:], 0
            if algorithm == 4:
                time = struct.unpack(">Q", data[4:12])[0]
                message, signature = f"cosignature/v1\ntime {time}\n{body}".encode(), data[12:]
            demand(signed(key, message, signature), "a known key's signature fails")
            by[key] = time
    demand(not first or keys[0][2] in by, "not signed by the log")
    return body, by


def tree_head(body):
    lines = body[:-1].split("\n")
    demand(len(lines) >= 3 and all(lines) and re.fullmatch("0|[1-9][0-9]*", lines[1]), "checkpoint")
    root = unbase64(lines[2])
    demand(len(root) == 32 and int(lines[1]) < 1 << 64, "checkpoint")
    return lines[0], int(lines[1]), root


def checkpoint(data, log, witnesses, quorum, at):
    keys = [vkey(text) for text in [log, *witnesses]]
    demand([algorithm for _, algorithm, _ in keys] == [1] + [4] * len(witnesses), "type of a key")
    demand(len({key for _, _, key in keys}) == len(keys), "a key is used twice")
    body, by = note(data, keys)
    demand(tree_head(body)[0] == keys[0][0], "checkpoint")
    demand(all(time <= at for time in by.values()), "from the future")
    demand(len(by) - 1 >= quorum, "quorum")


def octets(text):
    """Names are bytes to a policy, and latin-1 keeps each of them apart."""
    return text.encode("latin-1")


def log_policy(data):
    """The vkeys of the logs, those of the witnesses by name, the groups by name, and the quorum."""
    text = data.decode("latin-1")
    demand(len(data) <= 1 << 20 and text.endswith("\n"), "cut or too large")
    demand(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text), "control character")
    logs, witnesses, groups, quorum, members = [], {}, {}, [], []
    for line in text[:-1].split("\n"):
        kind, *rest = re.split("[ \t]+", line.strip(" \t"))
        known = set(witnesses) | set(groups)
        if kind == "" or kind.startswith("#"):
            continue
        if kind == "log" and len(rest) in (1, 2):
            logs.append(vkey(octets(rest[0]).decode()))
            demand(logs[-1][1] == 1, "type of a log's key")
        elif kind == "witness" and len(rest) in (2, 3):
            demand(rest[0] not in known | {"none"}, "name")
            witnesses[rest[0]] = vkey(octets(rest[1]).decode())
            demand(witnesses[rest[0]][1] == 4, "type of a witness's key")
        elif kind == "group" and len(rest) >= 3:
            name, k, *of = rest
            demand(name not in known | {"none"} and known.issuperset(of), "names")
            k = {"any": "1", "all": str(len(of))}.get(k, k)
            demand(re.fullmatch("[1-9][0-9]*", k) and int(k) <= len(of), "threshold")
            groups[name] = int(k), of
            members += of
        elif kind == "quorum" and len(rest) == 1:
            demand(rest[0] in known | {"none"}, "quorum")
            quorum += rest
        else:
            raise Refused("line")
    keys = [key for _, _, key in [*logs, *witnesses.values()]]
    demand(len(keys) == len(set(keys)) and len(members) == len(set(members)), "twice")
    demand(len(quorum) == 1 and max(map(len, (logs, witnesses, groups))) <= 256, "quorum or bounds")
    return logs, witnesses, groups, quorum[0]


def witnessed(data, text, at, least=None, log_keys=()):
    logs, witnesses, groups, quorum = log_policy(text)
    demand(not {load(bytes.fromhex(k.removeprefix("ed25519:"))) for k in log_keys} & {k for _, _, k in witnesses.values()}, "a log's key")
    body, by = note(data, [*logs, *witnesses.values()], False)
    origin, _, _ = tree_head(body)
    demand(any(name == origin and key in by for name, _, key in logs) or not logs and least is not None, "log")
    seen = {name for name, (_, _, key) in witnesses.items() if key in by}
    demand(all(by[witnesses[name][2]] <= at for name in seen), "from the future")

    def holds(name):
        k, of = groups.get(name, (1, []))
        return name in seen or name == "none" or name in groups and sum(map(holds, of)) >= k

    demand(holds(quorum) and len(seen) >= (least or 0), "quorum")


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def hashes(texts):
    out = [base64.b64decode(text) for text in texts or []]
    demand(all(len(value) == 32 for value in out), "length")
    return out


def tree(leaves):
    """RFC 9162 §2.1.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node(tree(leaves[:half]), tree(leaves[half:]))


def head(text, log):
    name, algorithm, key = vkey(log)
    demand(algorithm == 1, "type of a log's key")
    body, _ = note(text, [(name, algorithm, key)])
    origin, size, root = tree_head(body)
    demand(origin == name, "origin")
    demand(size or root == tree([]), "the empty tree")
    return origin, size, root


def tiles(data, log, files, entries):
    """All leaves from the lowest tiles, and the root from them alone; then what the other tiles should be."""
    _, size, root = head(data, log)

    def tile(place, index, width):
        path = f"tile/{place}/{index:03}"
        for wide in range(width, 257):
            data = files.get(path if wide == 256 else f"{path}.p/{wide}")
            if data is not None:
                return base64.b64decode(data), wide
        raise Refused(f"{path} is missing")

    def row(level):
        count, out = size >> 8 * level, []
        demand(count < 1 << 16, "tiles are missing")
        for index in range((count + 255) // 256):
            width = min(256, count - 256 * index)
            data, wide = tile(level, index, width)
            demand(len(data) == 32 * wide, "length of a tile")
            out += [data[at : at + 32] for at in range(0, 32 * width, 32)]
        return out

    leaves = row(0)
    demand(tree(leaves) == root, "root")
    below = leaves
    for level in (1, 2):
        full = [tree(below[at : at + 256]) for at in range(0, len(below) - 255, 256)]
        below = row(level)
        demand(below == full, "a level above")
    for index in range((size + 255) // 256) if entries else ():
        data, wide = tile("entries", index, min(256, size - 256 * index))
        found = []
        while data:
            length = int.from_bytes(data[:2], "big") + 2
            demand(2 <= len(data) >= length, "an entry is cut")
            found.append(hashlib.sha256(b"\0" + data[2:length]).digest())
            data = data[length:]
        demand(len(found) == wide, "number of entries")
        demand(found[: size - 256 * index] == leaves[256 * index : 256 * index + 256], "entries")


def fork(data, log):
    record = read_json(data)
    demand(canonical(record).encode() == data, "not canonical")
    members = {"first", "origin", "reason", "schema", "second"}
    inconsistent = record["reason"] == "inconsistent"
    demand(record.keys() == members | ({"prefix"} if inconsistent else set()), "members")
    demand(record["schema"] == 1 and record["reason"] in ("same-size", "inconsistent"), "schema")
    sides = []
    for side in (record["first"], record["second"]):
        demand(side.keys() == {"note", "root", "size"}, "members")
        origin, size, root = head(side["note"].encode(), log)
        demand((record["origin"], side["size"], unbase64(side["root"])) == (origin, str(size), root), "said")
        sides.append((size, root))
    (size1, root1), (size2, root2) = sides
    if not inconsistent:
        demand(size1 == size2 and root1 != root2, "no fork")
        return
    prefix = record["prefix"]
    demand(prefix.keys() == {"proof", "root"}, "members")
    root = unbase64(prefix["root"])
    demand(len(root) == 32 and root != root1, "no fork")
    row = {"size1": size1, "size2": size2, "root1": prefix["root"], "root2": record["second"]["root"]}
    consistency({**row, "proof": prefix["proof"]})


def inclusion(row):
    """RFC 9162 §2.1.3.2, the other way round: what the path to a leaf has to look like."""

    def climb(index, size, path):
        if size == 1:
            demand(not path, "too many")
            return hashes([row["leafHash"]])[0]
        demand(path, "too few")
        half = 1 << (size - 1).bit_length() - 1
        if index < half:
            return node(climb(index, half, path[:-1]), path[-1])
        return node(path[-1], climb(index - half, size - half, path[:-1]))

    demand(row["leafIdx"] < row["treeSize"], "outside")
    demand(climb(row["leafIdx"], row["treeSize"], hashes(row["proof"])) == hashes([row["root"]])[0], "root")


def consistency(row):
    """RFC 9162 §2.1.4.1, the other way round: the roots that a proof leads to."""
    first, second = row["size1"], row["size2"]
    root1, root2 = hashes([row["root1"], row["root2"]])

    def climb(m, n, path, whole):
        if m == n:
            if whole:
                demand(not path, "too many")
                return root1, root1
            demand(len(path) == 1, "number of hashes")
            return path[0], path[0]
        demand(path, "too few")
        half = 1 << (n - 1).bit_length() - 1
        if m <= half:
            old, new = climb(m, half, path[:-1], whole)
            return old, node(new, path[-1])
        old, new = climb(m - half, n - half, path[:-1], False)
        return node(path[-1], old), node(path[-1], new)

    demand(0 < first <= second, "sizes")
    demand(climb(first, second, hashes(row["proof"]), True) == (root1, root2), "roots")


# Cases


def seconds(time):
    if isinstance(time, str):
        return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())
    return time


def decide(case, folder):
    """Raises Refused; returns False for a kind that is not known."""
    kind = case["kind"]
    data = None
    if "text" in case:
        data = case["text"].encode()
    elif "base64" in case:
        data = base64.b64decode(case["base64"])
    elif "file" in case:
        data = (folder / case["file"]).read_bytes()
    at = seconds(case.get("time", 4_000_000_000))
    if kind == "json":
        value = read_json(data, case["limits"], case.get("size", 16 << 20), case.get("depth"))
        if case.get("canonical"):
            expected = data.decode() if case["canonical"] is True else case["canonical"]
            demand(canonical(value) == expected, "not canonical")
    elif kind == "envelope":
        envelope(data)
    elif kind == "dsse-threshold":
        policy = case["key_policy"]
        role = policy.get("required_role", "any")
        keys = [
            {
                "id": key["keyid"],
                "key": load(bytes.fromhex(key["ed25519_hex"])),
                "roles": [key.get("role", "any")],
                **{name: seconds(key.get(name)) for name in ("not_before", "not_after", "revoked_at")},
            }
            for key in policy["keys"]
        ]
        payload_type, payload, signatures = envelope(data, strict=False)
        count(keys, role, policy["threshold"], payload_type, payload, signatures, at)
        statement(payload, artifact(case, folder), case.get("predicate_type"))
    elif kind == "statement":
        found = statement(data, artifact(case, folder), case.get("predicate_type"))
        if "role" in case:
            predicate = typed(found["predicate"], dict, ["revocations", "role", "roles"])
            demand(predicate["role"] == case["role"], "another role")
    elif kind == "public-key":
        public_key(case["text"])
    elif kind == "private-key":
        private_key(data, case["passphrase"])
    elif kind == "roles":
        roles(read_json(data))
    elif kind == "roles-chain":
        chain(case["envelopes"], case.get("anchor"), case.get("time"))
    elif kind == "roles-file":
        record, _ = roles(read_json(case["record"].encode()))
        demand(record == chain(case["envelopes"]), "uncommitted")
    elif kind == "freshness":
        record, _ = roles(read_json(case["roles"].encode()))
        freshness, tier = record["freshness"], case["tier"]
        demand(tier in ("routine", "sensitive", "release"), "tier")
        behind = case["newest"] - record["revocations"]["number"]
        override = case.get("reason", "").strip() and tier in freshness["override"]
        demand(behind <= freshness[tier] or override, "stale")
    elif kind == "proposal":
        _, keys = roles(read_json(case["roles"].encode()))
        value = statement(data)
        demand(canonical(value).encode() == data, "not canonical")
        gathered = []
        for text in case["attestations"]:
            payload_type, payload, signatures = envelope(text)
            demand((payload_type, payload) == (IN_TOTO, data), "another payload")
            gathered += signatures
        count(keys, case["role"], case["threshold"], IN_TOTO, data, gathered, at)
    elif kind == "vkey":
        vkey(case["text"])
    elif kind == "signed-note":
        note(data, [vkey(case["note_vkey"])])
    elif kind == "checkpoint":
        checkpoint(data, case["log_vkey"], case["witnesses"], case["quorum"], at)
    elif kind == "tlog-policy":
        log_policy(data)
    elif kind == "witnessed":
        witnessed(data, case["policy"].encode(), at, case.get("least"), case.get("log_keys", ()))
    elif kind == "tlog-tiles":
        tiles(data, case["log_vkey"], case["tiles"], case["entries"])
    elif kind == "fork-record":
        fork(data, case["log_vkey"])
    elif kind == "tlog-inclusion":
        inclusion(json.loads(data))
    elif kind == "tlog-consistency":
        consistency(json.loads(data))
    elif kind == "in-toto-layout":
        layout.supply_chain(case, data, folder, at, sys.modules[__name__])
    elif kind == "tuf-root":
        layout.root(data, at, sys.modules[__name__])
    else:
        return False
    return True


def private_key(data, passphrase):
    demand(data.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"), "not encrypted")
    der = base64.b64decode(b"".join(data.splitlines()[1:-1]))
    cost = re.search(rb"\x02\x02(..)\x02\x01(.)\x02\x01(.)", der, re.DOTALL)
    n, r, p = (int.from_bytes(part, "big") for part in cost.groups())
    demand(n * r * 128 <= 256 << 20 and n * r * 128 * p <= 1 << 30, "too costly")
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode())
    except (ValueError, TypeError) as error:
        raise Refused("locked") from error
    demand(isinstance(key, Ed25519PrivateKey), "another scheme")


def main():
    index = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "index.json")
    agreed = unknown = 0
    wrong = []
    for case in json.loads(index.read_text())["cases"]:
        try:
            if not decide(case, index.parent):
                unknown += 1
                continue
            found, why = "pass", ""
        except Refused as refused:
            found, why = "fail", str(refused)
        if found == case["expected"]:
            agreed += 1
        else:
            wrong.append(f"{case['id']}: expected {case['expected']}, found {found} {why}")
    print(f"{agreed} agreed, {len(wrong)} disagreed, {unknown} not of a kind it knows")
    print("\n".join(wrong))
    sys.exit(1 if wrong or not agreed else 0)


main()
