"""Reads what ``ipset save`` prints."""

from __future__ import annotations

import shlex
from collections.abc import Hashable
from ipaddress import ip_address, ip_network

from iptc_sim.ipsets.model import MAX_ELEMENTS, Element, Entry, IpSet
from iptc_sim.protocols import ICMP, ICMPV6, parse_integer, protocol_number
from iptc_sim.records import replace
from iptc_sim.value_types.icmp import ICMP_TYPES, ICMPV6_TYPES
from iptc_sim.values import Family

#: Words that stand alone; every other one has a value behind it.
_FLAGS = frozenset({"counters", "comment", "skbinfo", "forceadd", "nomatch", "wildcard"})
_WITHOUT_FAMILY = frozenset({"bitmap:port", "hash:mac", "list:set"})


def read_ipsets(text: str) -> dict[str, IpSet]:
    """Return the sets that a text for ``ipset restore`` makes, by name.

    Raises:
        ValueError: a line is none of these; the message begins with its number.
    """
    found: dict[str, IpSet] = {}
    elements: dict[str, dict[Element, Entry]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line)
            if not words or words[0].startswith("#"):
                continue
            verb = {"-N": "create", "-A": "add"}.get(words[0], words[0])
            if verb == "create":
                found[words[1]] = _created(words[1], words[2], words[3:])
                elements[words[1]] = {}
            elif verb == "add":
                elements[words[1]][read_element(found[words[1]], words[2])] = _entry(words[3:])
            elif verb != "COMMIT":
                raise ValueError(f"{words[0]} is neither create nor add")
        except (ValueError, IndexError, KeyError) as error:
            why = f"there is no set {error}" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"line {number}: {why}") from error
    return {name: replace(one, elements=elements[name]) for name, one in found.items()}


def _created(name: str, kind: str, words: list[str]) -> IpSet:
    options = _options(words, add=False)
    family = None if kind in _WITHOUT_FAMILY else Family.IPV6 if options.get("family") == "inet6" else Family.IPV4
    mask = None
    if family is not None and "netmask" in options:
        mask = ((1 << int(options["netmask"])) - 1) << (family.bits - int(options["netmask"]))
    if "bitmask" in options:
        mask = int(ip_address(options["bitmask"]))
    first, last = _range(options["range"]) if "range" in options else (None, None)
    return IpSet(
        name,
        kind,
        family,
        timeout=int(options["timeout"]) if "timeout" in options else None,
        counters="counters" in options,
        mask=mask,
        mark_mask=int(options.get("markmask", "0xffffffff"), 0),
        first=first,
        last=last,
        most=int(options.get("maxelem", MAX_ELEMENTS)) or MAX_ELEMENTS,
    )


def _entry(words: list[str]) -> Entry:
    options = _options(words, add=True)
    mark, _, mask = options.get("skbmark", "").partition("/")
    major, _, minor = options.get("skbprio", "").partition(":")
    return Entry(
        packets=int(options.get("packets", 0)),
        size=int(options.get("bytes", 0)),
        nomatch="nomatch" in options,
        wildcard="wildcard" in options,
        mark=(int(mark, 16), int(mask or "0xffffffff", 16)) if mark else None,
        priority=int(major, 16) << 16 | int(minor or "0", 16) if major else None,
        queue=int(options["skbqueue"]) if "skbqueue" in options else None,
    )


def _options(words: list[str], *, add: bool) -> dict[str, str]:
    found, left = {}, iter(words)
    for word in left:
        flag = word in _FLAGS and not (add and word == "comment")
        found[word] = "" if flag else next(left, "")
    return found


def _range(text: str) -> tuple[int, int]:
    if "." not in text:
        first, _, last = text.partition("-")
        return int(first), int(last or first)
    if "/" in text:
        network = ip_network(text, strict=False)
        return int(network[0]), int(network[-1])
    first, _, last = text.partition("-")
    return int(ip_address(first)), int(ip_address(last or first))


def read_element(known: IpSet, text: str) -> Element:
    """Return an element of a set as it is written.

    Raises:
        ValueError: it is none.
    """
    parts = text.split(",")
    dimensions = known.dimensions
    if known.kind == "bitmap:ip,mac" and len(parts) == 1:
        parts.append("")
    if len(parts) != len(dimensions):
        raise ValueError(f"{text} is no element of a {known.kind}")
    return tuple(_item(known, name, part) for name, part in zip(dimensions, parts, strict=True))


def _item(known: IpSet, name: str, text: str) -> Hashable:
    family = known.family or Family.IPV4
    if name == "ip":
        number = int(ip_address(text))
        return number if known.mask is None else number & known.mask
    if name == "net":
        address, _, length = text.partition("/")
        return known.network(int(ip_address(address)), int(length or family.bits))
    if name == "port":
        return _port(text) if known.kind.startswith("hash") else (0, int(text))
    if name == "mac":
        return bytes.fromhex(text.replace(":", "")) if text else None
    if name == "mark":
        return int(text, 0) & known.mark_mask
    if name == "iface":
        return text.startswith("physdev:"), text.removeprefix("physdev:")
    return text


def _port(text: str) -> tuple[int, int]:
    """Read ``tcp:80``, ``icmp:echo-request``, ``icmp:200/3``, ``vrrp:0``; a port alone is one of TCP."""
    protocol, colon, port = text.rpartition(":")
    number = protocol_number(protocol) if colon else 6
    types = {ICMP: ICMP_TYPES, ICMPV6: ICMPV6_TYPES}.get(number)
    if types is None:
        return number, int(port)
    kind, slash, code = port.partition("/")
    if slash:
        return number, int(kind) << 8 | int(code)
    plain = parse_integer(port)
    if plain is not None:
        return number, plain
    for name, kind_number, kind_code in types:
        if name == port:
            return number, kind_number << 8 | (kind_code or 0)
    raise ValueError(f"{port} is not a type of ICMP")
