"""The node bundle: a folder with what ``ip``, ``sysctl``, ``ipset``, ``ss`` and ``conntrack`` print of a node."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from iptc_sim.connection import Connection
from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile, Span, read_source
from iptc_sim.flows.conntrack_text import read_connections
from iptc_sim.flows.ip_json import Item, read_addresses, read_groups, read_link, read_route, read_rule
from iptc_sim.node import InterfaceAddress, Listener, Node, Route, RoutingRule, Sysctls
from iptc_sim.node.tables import derived_routes
from iptc_sim.protocols import TCP, UDP
from iptc_sim.records import dataclass
from iptc_sim.values import Family

if TYPE_CHECKING:
    from iptc_sim.ipsets.model import IpSet

T = TypeVar("T")

#: The files that hold rulesets.
RULES: Final = {4: "iptables-save.txt", 6: "ip6tables-save.txt"}


@dataclass(frozen=True, slots=True)
class BundleFile:
    """One file of a bundle.

    Args:
        name: its name.
        command: what prints it, word by word.
        gives: what it tells.
    """

    name: str
    command: tuple[str, ...]
    gives: str


#: Every file of a bundle; all but the first may be missing.
FILES: Final = (
    BundleFile("addr.json", ("ip", "-j", "-d", "addr"), "interfaces and addresses"),
    BundleFile("route.json", ("ip", "-j", "route", "show", "table", "all"), "routes"),
    BundleFile("route6.json", ("ip", "-6", "-j", "route", "show", "table", "all"), "IPv6 routes"),
    BundleFile("rule.json", ("ip", "-j", "rule"), "rules of policy routing"),
    BundleFile("rule6.json", ("ip", "-6", "-j", "rule"), "IPv6 rules of policy routing"),
    BundleFile("maddr.json", ("ip", "-j", "maddr"), "multicast groups"),
    BundleFile("sysctl.txt", ("sysctl", "-a"), "switches"),
    BundleFile("ipset.txt", ("ipset", "save"), "sets"),
    BundleFile(RULES[4], ("iptables-save",), "rules"),
    BundleFile(RULES[6], ("ip6tables-save",), "IPv6 rules"),
    BundleFile("conntrack.txt", ("conntrack", "-L"), "connections"),
    BundleFile("conntrack6.txt", ("conntrack", "-L", "-f", "ipv6"), "IPv6 connections"),
    BundleFile("ss.txt", ("ss", "-lntup"), "sockets that listen"),
)
_COMMANDS: Final = {item.name: " ".join(item.command) for item in FILES}
#: How the text looks that these commands print without -j.
_PLAIN: Final = re.compile(
    r"\s*(\d+:\s|default\b|(unicast|local|broadcast|unreachable)\s|[\d.]+(/\d+)?\s|\[?[\da-f]*:)"
)


def read_bundle(folder: Path) -> Node:
    """Read a bundle.

    Args:
        folder: with ``addr.json`` and whatever else of :data:`FILES` there is.

    Raises:
        InputError: IPT001, there is no ``addr.json``; IPT042, a file is not what it should be.
    """
    items = _items(folder, "addr.json", needed=True)
    links = tuple(map(read_link, items))
    addresses = tuple(address for item in items for address in read_addresses(item))
    switches = _text(folder, "sysctl.txt", lambda source: Sysctls.parse(source.text))
    groups = read_groups(_items(folder, "maddr.json")) if (folder / "maddr.json").exists() else None
    return Node(
        addresses=addresses,
        routes=tuple(_routes(folder, addresses, switches or Sysctls())),
        sysctls=switches or Sysctls(),
        known=True,
        links=links,
        rules=_rules(folder, "rule.json", 4),
        rules6=_rules(folder, "rule6.json", 6),
        derived=False,
        sets=_text(folder, "ipset.txt", _sets),
        listeners=_text(folder, "ss.txt", _listeners),
        connections=_connections(folder),
        groups=groups,
        assumed=_assumed(switches),
    )


def _assumed(switches: Sysctls | None) -> tuple[str, ...]:
    if switches is None:
        return ("the node's sysctls were not given: it is taken to forward, without rp_filter",)
    return ()


def _text(folder: Path, name: str, read: Callable[[SourceFile], T]) -> T | None:
    """Read a file; None where it is not there."""
    path = folder / name
    return read(read_source(str(path), path)) if path.exists() else None


def _items(folder: Path, name: str, *, needed: bool = False) -> list[Item]:
    """Return the objects of a JSON file; none where it is not there and needs not be."""
    path = folder / name
    if not needed and not path.exists():
        return []
    source = read_source(str(path), path)
    expected = f"the output of {_COMMANDS[name]}"
    try:
        found = json.loads(source.text or "[]")
    except json.JSONDecodeError as error:
        hint = f"this is the text for people: {_COMMANDS[name]} > {name}" if _PLAIN.match(source.text) else ""
        span = Span(source, error.lineno, error.colno, 1)
        raise InputError(Diagnostic("IPT042", "this is not JSON", span=span, expected=expected, hint=hint)) from error
    except (ValueError, RecursionError) as error:
        raise _refuse(source, "this is not JSON", expected) from error
    if not isinstance(found, list):
        raise _refuse(source, "this is not a list of objects", expected)
    for number, item in enumerate(found):
        if not isinstance(item, dict):
            raise _refuse(source, f"{str(item)[:40]}, item {number}, is not an object", expected)
    return [Item(item, f"{path}[{number}]", _COMMANDS[name]) for number, item in enumerate(found) if item]


def _refuse(source: SourceFile, message: str, expected: str) -> InputError:
    return InputError(Diagnostic("IPT042", message, subject=source.name, expected=expected))


def _routes(folder: Path, addresses: tuple[InterfaceAddress, ...], switches: Sysctls) -> Iterator[Route]:
    """Yield the routes; what a listing leaves out (``ip route`` shows ``main`` alone) is made from the addresses."""
    told = [
        route
        for name, family in (("route.json", 4), ("route6.json", 6))
        for item in _items(folder, name)
        if (route := read_route(item, family)) is not None
    ]
    yield from told
    full = {route.destination.family for route in told if route.table == "local"}
    mains = {route.destination.family for route in told if route.table == "main"}
    forwards6 = not switches.forwards(Family.IPV6, None)
    for route in derived_routes(addresses, forwards6=forwards6):
        family = route.destination.family
        if family not in (full if route.table == "local" else full | mains):
            yield route


def _rules(folder: Path, name: str, family: int) -> tuple[RoutingRule, ...]:
    return tuple(read_rule(item, family) for item in _items(folder, name))


def _connections(folder: Path) -> tuple[Connection, ...] | None:
    found = [_text(folder, name, read_connections) for name in ("conntrack.txt", "conntrack6.txt")]
    return None if found == [None, None] else tuple(one for part in found for one in part or ())


def _sets(source: SourceFile) -> dict[str, IpSet]:
    from iptc_sim.ipsets.text import read_ipsets  # noqa: PLC0415 - only who has sets needs it

    try:
        return read_ipsets(source.text)
    except ValueError as error:
        place, _, why = str(error).partition(": ")
        line = int(place.removeprefix("line ") or 1)
        span = Span(source, line, 1, len(source.line(line)))
        expected = f"the output of {_COMMANDS['ipset.txt']}"
        raise InputError(Diagnostic("IPT042", f"this cannot be read: {why}", span=span, expected=expected)) from error


def _listeners(source: SourceFile) -> tuple[Listener, ...]:
    """Read ``ss -lntu``: TCP sockets that listen and unconnected UDP ones."""
    found = []
    for number, line in enumerate(source.text.split("\n"), 1):
        words = line.split()
        if len(words) < 6 or (words[0], words[1]) not in {("tcp", "LISTEN"), ("udp", "UNCONN")}:
            continue
        try:
            found.append(_listener(words))
        except ValueError as error:
            span = Span(source, number, 1, len(line))
            expected = f"lines as {_COMMANDS['ss.txt']} prints them"
            raise InputError(
                Diagnostic("IPT042", f"this is not a socket: {error}", span=span, expected=expected)
            ) from error
    return tuple(found)


def _listener(words: list[str]) -> Listener:
    """Read ``0.0.0.0:80``, ``127.0.0.1%lo:53``, ``[::]:8080`` or ``*:8080`` (both families)."""
    where, _, port = words[4].rpartition(":")
    address, _, interface = where.strip("[]").partition("%")
    process = re.search(r'users:\(\("([^"]*)"', " ".join(words[6:]))
    own = None if address == "*" else ip_address(address.strip("[]"))
    return Listener(
        protocol=TCP if words[0] == "tcp" else UDP,
        address=None if own is None or own.is_unspecified else own,
        port=int(port),
        families=frozenset({4, 6}) if own is None else frozenset({own.version}),
        interface=interface.strip("]") or None,
        process=process[1] if process else "",
    )
