"""A node described by hand (``--local``, ``--iface``, ``--route``) or by what ``ip -j`` and ``sysctl`` print."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError, read_source
from iptc_sim.node import InterfaceAddress, Node, Route, interface_address
from iptc_sim.records import dataclass
from iptc_sim.values import Address, Prefix

_ROUTE_KINDS: Final = frozenset(
    {"unicast", "local", "broadcast", "blackhole", "unreachable", "prohibit", "throw", "multicast"}
)
_DEFAULT: Final = {4: "0.0.0.0/0", 6: "::/0"}


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The options of the command line that describe a node; see :func:`read_node`."""

    local: tuple[str, ...] = ()
    iface: tuple[str, ...] = ()
    route: tuple[str, ...] = ()
    folder: Path | None = None


def _refuse(subject: str, message: str, expected: str) -> InputError:
    return InputError(Diagnostic("IPT042", message, subject=subject, expected=expected))


def read_node(options: NodeOptions) -> Node:
    """Return the node that the options describe; without any, one of which nothing is known.

    Args:
        options: ``local``: addresses that are this node's; ``iface``: ``NAME=ADDRESS/LENGTH[,...]``; ``route``:
            ``PREFIX|default [via GATEWAY] [dev IFACE]``; ``folder``: a node bundle with ``addr.json`` (``ip -j addr``)
            and, where there are any, ``route.json`` (``ip -j route show table all``) and ``sysctl.txt``.

    Raises:
        InputError: IPT042 or IPT001.
    """
    addresses: list[InterfaceAddress] = []
    routes: list[Route] = []
    forward, localnet = True, frozenset[str]()
    if options.folder is not None:
        addresses += _read_addresses(options.folder)
        routes += _read_routes(options.folder)
        forward, localnet = _read_sysctl(options.folder)
    for text in options.iface:
        addresses += _iface(text)
    routes += [_route(text) for text in options.route]
    known = bool(options.folder or options.iface or options.route)
    for text in options.local:
        try:
            addresses.append(interface_address("", text))
        except ValueError as error:
            raise _refuse("--local", str(error), "an address") from error
    return Node(tuple(addresses), tuple(routes), forward, localnet, known)


def _iface(text: str) -> list[InterfaceAddress]:
    name, equals, rest = text.partition("=")
    expected = "NAME=ADDRESS/LENGTH, several addresses between commas: eth0=192.0.2.10/24"
    if not name or (equals and not rest):
        raise _refuse("--iface", f"{text or 'an empty word'} is not an interface", expected)
    try:
        return [interface_address(name, item) for item in rest.split(",") if item]
    except ValueError as error:
        raise _refuse("--iface", str(error), expected) from error


def _route(text: str) -> Route:
    expected = "PREFIX [via GATEWAY] [dev IFACE], as in: default via 192.0.2.1 dev eth0"
    words = text.split()
    kind = words.pop(0) if words and words[0] in _ROUTE_KINDS else "unicast"
    destination = words.pop(0) if words else ""
    options = dict(zip(words[::2], words[1::2], strict=False))
    if not destination or len(words) % 2 or set(options) - {"via", "dev", "src", "metric"}:
        raise _refuse("--route", f"{text or 'an empty text'} is not a route", expected)
    try:
        gateway = ip_address(options["via"]) if "via" in options else None
        source = ip_address(options["src"]) if "src" in options else None
        family = (gateway or source).version if (gateway or source) else 4  # type: ignore[union-attr]
        prefix = Prefix.parse(_DEFAULT[family] if destination == "default" else destination)
        return Route(prefix, options.get("dev"), gateway, kind, int(options.get("metric", "0")), source)
    except ValueError as error:
        raise _refuse("--route", str(error), expected) from error


def _load(path: Path) -> list[dict[str, object]]:
    source = read_source(str(path), path)
    expected = "the JSON list that ip -j prints"
    try:
        items = json.loads(source.text or "[]")
    except (ValueError, RecursionError) as error:
        raise _refuse(str(path), "this is not JSON", expected) from error
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _refuse(str(path), "this is not a list of objects", expected)
    return items


def _read_addresses(folder: Path) -> list[InterfaceAddress]:
    path = folder / "addr.json"
    found: list[InterfaceAddress] = []
    for item in _load(path):
        infos = item.get("addr_info", [])
        for info in infos if isinstance(infos, list) else []:
            text = f"{info.get('local')}/{info.get('prefixlen')}" if isinstance(info, dict) else ""
            try:
                found.append(interface_address(str(item.get("ifname", "")), text))
            except ValueError as error:
                raise _refuse(str(path), f"{text} is not an address", "the output of ip -j addr") from error
    return found


def _read_routes(folder: Path) -> list[Route]:
    """Read the main and local tables; further tables need rules, which are not looked at."""
    path = folder / "route.json"
    if not path.exists():
        return []
    return [
        _json_route(path, item)
        for item in _load(path)
        if item.get("table", "main") in {"main", "local", "default"} and item.get("type", "unicast") in _ROUTE_KINDS
    ]


def _json_route(path: Path, item: dict[str, object]) -> Route:
    try:
        gateway = _optional(item.get("gateway"))
        source = _optional(item.get("prefsrc"))
        destination = str(item.get("dst", ""))
        if destination == "default":
            destination = _DEFAULT[gateway.version if gateway else 4]
        device = item.get("dev")
        metric = item.get("metric", 0)
        kind = str(item.get("type", "unicast"))
        return Route(
            Prefix.parse(destination),
            device if isinstance(device, str) else None,
            gateway,
            kind,
            metric if isinstance(metric, int) else 0,
            source,
        )
    except ValueError as error:
        raise _refuse(str(path), str(error), "the output of ip -j route show table all") from error


def _optional(text: object) -> Address | None:
    return ip_address(text) if isinstance(text, str) else None


def _read_sysctl(folder: Path) -> tuple[bool, frozenset[str]]:
    path = folder / "sysctl.txt"
    if not path.exists():
        return True, frozenset()
    forward, localnet = True, set()
    for line in read_source(str(path), path).text.splitlines():
        name, _, value = (part.strip() for part in line.partition("="))
        words = name.split(".")
        if name == "net.ipv4.ip_forward":
            forward = value != "0"
        elif len(words) == 5 and words[:3] == ["net", "ipv4", "conf"] and words[4] == "route_localnet" and value == "1":
            localnet.add(words[3].replace("/", "."))
    return forward, frozenset(localnet)
