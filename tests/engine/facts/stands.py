"""The node of a case, as the simulator takes it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Final

from iptc_sim.ipsets.text import read_ipsets
from iptc_sim.node import Link, Listener, Node, Route, RoutingRule
from iptc_sim.protocols import TCP
from iptc_sim.values import Prefix
from tests.engine.facts.case import Stand

_KINDS: Final = frozenset({"local", "blackhole", "unreachable", "prohibit"})
_ALL_BITS: Final = 0xFFFFFFFF


def route(text: str, family: int = 4) -> Route:
    """Read a route as ``ip route add`` takes it."""
    words = text.split()
    kind = words.pop(0) if words[0] in _KINDS else "unicast"
    destination = words.pop(0)
    told = dict(zip(words[::2], words[1::2], strict=True))
    if destination == "default":
        destination = "0.0.0.0/0" if family == 4 else "::/0"
    gateway = ip_address(told["via"]) if "via" in told else None
    source = ip_address(told["src"]) if "src" in told else None
    table = told.get("table", "main")
    return Route(Prefix.parse(destination), told.get("dev"), gateway, kind, source=source, table=table)


def _rule(text: str) -> RoutingRule:
    words = text.split()
    told = dict(zip(words[::2], words[1::2], strict=True))
    mask = _ALL_BITS if "fwmark" in told else 0
    return RoutingRule(int(told["priority"]), table=told["lookup"], mark=int(told["fwmark"], 0), mask=mask)


def routes_of(stand: Stand) -> tuple[Route, ...]:
    """Return the routes beside those of the connected networks."""
    six = any(":" in text for texts in stand.interfaces.values() for text in texts)
    return tuple(route(text, 6 if six else 4) for text in stand.routes)


def node_of(stand: Stand, sets: str = "", listens: tuple[int, ...] = ()) -> Node:
    """Return the node, fully known.

    Args:
        stand: what it is.
        sets: what ``ipset save`` would print.
        listens: TCP ports at which somebody waits.
    """
    more = tuple(route(line.removeprefix("route add ")) for line in stand.setup if line.startswith("route add "))
    rules = tuple(_rule(line.removeprefix("rule add ")) for line in stand.setup if line.startswith("rule add "))
    node = Node.of(
        {name: list(texts) for name, texts in stand.interfaces.items()},
        (*routes_of(stand), *more),
        sysctls=stand.sysctls,
        rules=rules,
    )
    ports = [
        Link(port, 10 + n, master=bridge) for bridge, names in stand.bridges.items() for n, port in enumerate(names)
    ]
    links = tuple(replace(link, kind="bridge") if link.name in stand.bridges else link for link in node.links)
    node = replace(node, links=(*links, *ports))
    listeners = tuple(Listener(TCP, None, port, frozenset({4})) for port in listens)
    return replace(node, sets=read_ipsets(sets), listeners=listeners)
