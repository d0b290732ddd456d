"""The second reader's part for in-toto layouts and TUF roots.

Written from the in-toto specification 1.0 (§4.3 to §5.2), the TUF specification 1.0 (§4.2.1, §4.3) and, where these leave
a choice, docs/src/spec/layout.md. `base` is the reader of the rest, verify.py: strict JSON, envelopes and signatures.
"""

import fnmatch
import re
from datetime import datetime

STRONG = {"sha256": 64, "sha384": 96, "sha512": 128}
DEEPEST = 8
MOST_LINKS = 1024
PARAMETER = re.compile(r"\{[A-Za-z0-9_-]+\}")


class TooDeep(Exception):
    """Refuses everything above it as well."""


# Wrappings


def olpc(value, base):
    """The canonical JSON of OLPC, which escapes two characters and knows no fractions."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(olpc(item, base) for item in value) + "]"
    base.demand(isinstance(value, dict), "a fraction")
    return "{" + ",".join(olpc(name, base) + ":" + olpc(value[name], base) for name in sorted(value)) + "}"


def unwrap(data, base):
    """What is said, the bytes that are signed, and the signatures with the ids of their keys."""
    outer = base.typed(base.read_json(data, "foreign"), dict)
    base.demand(not {"payload", "signed"} <= set(outer), "both wrappings")
    if "payload" in outer:
        kind, payload, signatures = base.envelope(data, strict=False)
        base.demand(kind == base.IN_TOTO, "payload type")
        said = base.typed(base.read_json(payload, "foreign"), dict)
        return said, base.pae(kind, payload), signatures
    base.typed(outer, dict, ["signatures", "signed"])
    said = base.typed(outer["signed"], dict)
    signatures = []
    base.demand(1 <= len(base.typed(outer["signatures"], list)) <= 256, "number of signatures")
    for signature in outer["signatures"]:
        base.demand("sig" in base.typed(signature, dict), "members")
        digits = base.typed(signature["sig"], str)
        base.demand(re.fullmatch("(?:[0-9a-f]{2})*", digits), "signature")
        signatures.append((signature.get("keyid"), bytes.fromhex(digits)))
    return said, olpc(said, base).encode(), signatures


def expiry(value, base):
    base.typed(value, str)
    base.demand(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value, re.ASCII), "expires")
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError as error:
        raise base.Refused("expires") from error
    base.demand(moment.timestamp() >= 0, "expires")
    return moment.timestamp()


def public_key(value, base):
    base.typed(value, dict)
    base.demand(value.get("keytype") == value.get("scheme") == "ed25519", "scheme")
    public = base.typed(base.typed(value.get("keyval"), dict).get("public"), str)
    base.demand(re.fullmatch("[0-9a-f]{64}", public), "key")
    return base.load(bytes.fromhex(public))


# Artifacts and rules


def is_plain(path):
    parts = path.split("/")
    return not (set(parts) & {"", ".", ".."} or "\\" in path or "\0" in path or re.match("[A-Za-z]:", path))


def artifacts(value, base):
    base.typed(value, dict)
    for path, digests in value.items():
        base.demand(is_plain(path), "path")
        for name, digits in base.typed(digests, dict).items():
            length = STRONG.get(name)
            base.typed(digits, str)
            base.demand(length is None or re.fullmatch("[0-9a-f]{%d}" % length, digits), "digest")
    return value


def compare(one, other):
    """True, False, or None if nothing is known."""
    common = set(one) & set(other)
    if not common & set(STRONG):
        return None
    agreeing = {name for name in common if one[name] == other[name]}
    if agreeing == common:
        return True
    return None if agreeing else False


def prefix(value, base):
    value = base.typed(value, str).removesuffix("/")
    base.demand(not value or is_plain(value), "prefix")
    return value + "/" if value else ""


def parse_rule(words, names, base):
    """The keyword in capitals, the pattern, and for MATCH the prefixes, the kind of list and the step."""
    base.demand(len(base.typed(words, list)) >= 2 and all(isinstance(word, str) for word in words), "rule")
    base.demand(not any(PARAMETER.search(word) for word in words), "parameter")
    keyword, pattern, rest = words[0].upper(), words[1], words[2:]
    if keyword != "MATCH":
        simple = ("CREATE", "DELETE", "MODIFY", "ALLOW", "REQUIRE", "DISALLOW")
        base.demand(keyword in simple and not rest, "rule")
        return keyword, pattern, None

    def optional(place):
        if len(rest) > 1 and rest[0].upper() == "IN":
            found = prefix(rest[1], base)
            del rest[:2]
            return found
        return ""

    source = optional("source")
    base.demand(len(rest) >= 2 and rest[0].upper() == "WITH", "rule")
    kind = rest[1].lower()
    del rest[:2]
    destination = optional("destination")
    base.demand(kind in ("materials", "products") and len(rest) == 2 and rest[0].upper() == "FROM", "rule")
    base.demand(rest[1] in names, "a step that is not there")
    return keyword, pattern, (source, kind, destination, rest[1])


def apply_rules(rules, kind, step, done, base):
    materials, products = done[step]["materials"], done[step]["products"]
    listed = done[step][kind]
    queue = set(listed)
    for keyword, pattern, match in rules:
        found = {path for path in queue if fnmatch.fnmatchcase(path, pattern)}
        if keyword == "MATCH":
            source, other_kind, destination, other = match
            taken = set()
            for path in queue:
                rest = path[len(source):]
                if not path.startswith(source) or not fnmatch.fnmatchcase(rest, pattern):
                    continue
                counterpart = done[other][other_kind].get(destination + rest)
                if counterpart is not None and compare(listed[path], counterpart):
                    taken.add(path)
            queue -= taken
        elif keyword == "CREATE":
            queue -= {path for path in found if path in products and path not in materials}
        elif keyword == "DELETE":
            queue -= {path for path in found if path in materials and path not in products}
        elif keyword == "MODIFY":
            both = {path for path in found if path in materials and path in products}
            queue -= {path for path in both if compare(materials[path], products[path]) is False}
        elif keyword == "ALLOW":
            queue -= found
        elif keyword == "REQUIRE":
            base.demand(pattern in queue, "required")
        else:
            base.demand(not found, "disallowed")


# Layouts


def read_layout(said, base):
    base.demand(said.get("_type") == "layout", "no layout")
    base.demand({"expires", "keys", "steps"} <= set(said), "members")
    steps = base.typed(said["steps"], list)
    base.demand(steps, "no step")
    names = []
    for item in steps + base.typed(said.get("inspect", []), list):
        name = base.typed(base.typed(item, dict).get("name"), str)
        base.demand(name and name not in names, "name")
        names.append(name)
    names = names[: len(steps)]
    known = base.typed(said["keys"], dict)
    read = []
    for name, step in zip(names, steps):
        keys = {}
        for key_id in base.typed(step.get("pubkeys"), list):
            base.demand(key_id in known, "a key that is not there")
            keys[key_id] = public_key(known[key_id], base)
        threshold = base.typed(step.get("threshold"), int)
        base.demand(1 <= threshold <= len(set(keys.values())), "threshold")
        command = base.typed(step.get("expected_command", []), list)
        base.demand(not any(PARAMETER.search(base.typed(word, str)) for word in command), "parameter")
        rules = {
            kind: [parse_rule(rule, names, base) for rule in base.typed(step.get(f"expected_{kind}"), list)]
            for kind in ("materials", "products")
        }
        read.append((name, keys, threshold, rules))
    return expiry(said["expires"], base), read


def read_link(said, step, base):
    base.demand(said.get("_type") == "link", "neither a link nor a layout")
    base.demand(said.get("name") == step, "of another step")
    base.typed(said.get("command", []), list)
    return {kind: artifacts(said.get(kind), base) for kind in ("materials", "products")}


def performed(name, keys, threshold, directory, at, level, base):
    """The links of a step that count, which have to agree; returns one of them."""
    by = {}
    for file, text in sorted(directory.items()):
        match = isinstance(text, str) and re.fullmatch(re.escape(name) + r"\.(.{8})\.link", file, re.DOTALL)
        if not match:
            continue
        try:
            data = text.encode()
            said, message, signatures = unwrap(data, base)
            candidates = {key for key_id, key in keys.items() if key_id.startswith(match[1])}
            signers = [
                key for key in sorted(candidates) if any(base.signed(key, message, made) for _, made in signatures)
            ]
            base.demand(signers, "not signed by a functionary")
            if said.get("_type") == "layout":
                below = directory.get(f"{name}.{match[1]}", {})
                link = verify(data, [signers[0]], base.typed(below, dict), at, level + 1, base)
            else:
                link = read_link(said, name, base)
        except base.Refused:
            continue
        by.setdefault(signers[0], link)
    base.demand(len(by) >= threshold, "too few links")
    first, *others = by.values()
    for other in others:
        for kind in ("materials", "products"):
            base.demand(set(first[kind]) == set(other[kind]), "links disagree")
            same = all(compare(first[kind][path], other[kind][path]) for path in first[kind])
            base.demand(same, "links disagree")
    return first


def verify(data, trusted, directory, at, level, base):
    """Verifies a layout; returns what stands for it as a link."""
    if level > DEEPEST:
        raise TooDeep
    base.demand(trusted, "no key")
    base.demand(len(set(trusted)) == len(trusted), "a key twice")
    said, message, signatures = unwrap(data, base)
    for key in trusted:
        base.demand(any(base.signed(key, message, made) for _, made in signatures), "unsigned")
    expires, steps = read_layout(said, base)
    base.demand(at <= expires, "expired")
    done = {}
    for name, keys, threshold, _ in steps:
        done[name] = performed(name, keys, threshold, directory, at, level, base)
    for name, _, _, rules in steps:
        for kind in ("materials", "products"):
            apply_rules(rules[kind], kind, name, done, base)
    return {"materials": done[steps[0][0]]["materials"], "products": done[steps[-1][0]]["products"]}


def count(directory, level, base):
    if level > DEEPEST:
        raise TooDeep
    below = [count(value, level + 1, base) for value in directory.values() if isinstance(value, dict)]
    return sum(isinstance(value, str) for value in directory.values()) + sum(below)


def directory_of(case, folder):
    """Links by the names of their files: of the case itself, or of a folder that it names."""
    if "directory" in case:
        return case["directory"]
    return {path.name: path.read_text() for path in (folder / case["link_dir"]).iterdir() if path.suffix == ".link"}


def supply_chain(case, data, folder, at, base):
    """Decides a case of the kind in-toto-layout."""
    directory = directory_of(case, folder)
    try:
        base.demand(count(directory, 0, base) <= MOST_LINKS, "too many links")
        keys = [base.load(bytes.fromhex(key["ed25519_hex"])) for key in case["layout_keys"]]
        verify(data, keys, directory, at, 0, base)
    except TooDeep as error:
        raise base.Refused("too deep") from error


# TUF


def root(data, at, base):
    """Decides a case of the kind tuf-root: enough of its own keys, each counted once."""
    said, message, signatures = unwrap(data, base)
    base.demand(said.get("_type") == "root", "no root")
    role = base.typed(base.typed(said.get("roles"), dict).get("root"), dict)
    keys = base.typed(said.get("keys"), dict)
    threshold = base.typed(role.get("threshold"), int)
    base.demand(threshold >= 1, "threshold")
    counted = set()
    for key_id, made in signatures:
        if key_id not in base.typed(role.get("keyids"), list) or key_id not in keys:
            continue
        try:
            key = public_key(keys[key_id], base)
        except base.Refused:
            continue
        if base.signed(key, message, made):
            counted.add(key)
    base.demand(len(counted) >= threshold, "threshold not met")
    base.demand(at <= expiry(said.get("expires"), base), "expired")
