"""A node described by hand (``--local``, ``--iface``, ``--route``), by a bundle, or by both."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from iptc_sim.diagnostics import Diagnostic, InputError
from iptc_sim.node import (
    EVERYWHERE,
    ROUTE_KINDS,
    InterfaceAddress,
    Node,
    Route,
    in_order,
    interface_address,
    table_name,
)
from iptc_sim.node.tables import derived_routes
from iptc_sim.records import dataclass, replace
from iptc_sim.values import Prefix

_ROUTE_WORDS = frozenset({"via", "dev", "src", "metric", "table"})


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
            ``PREFIX|default [via GATEWAY] [dev IFACE] [table TABLE]``; ``folder``: a node bundle, see
            :mod:`iptc_sim.flows.bundle`. What is said by hand comes on top of the bundle.

    Raises:
        InputError: IPT042 or IPT001.
    """
    node = Node() if options.folder is None else _bundle(options.folder)
    added = [address for text in options.iface for address in _iface(text)]
    for text in options.local:
        try:
            added.append(interface_address("", text))
        except ValueError as error:
            raise _refuse("--local", str(error), "an address") from error
    routes = [_route(text) for text in options.route]
    if options.folder is not None:
        # The bundle lists what the kernel has made of its addresses; of these it knows nothing.
        routes = [*derived_routes(in_order(added)), *routes] if added else routes
    return replace(
        node,
        addresses=(*node.addresses, *in_order(added)),
        routes=(*node.routes, *routes),
        known=bool(options.folder or options.iface),
    )


def _bundle(folder: Path) -> Node:
    from iptc_sim.flows.bundle import read_bundle  # noqa: PLC0415 - only who has one needs it

    return read_bundle(folder)


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
    kind = words.pop(0) if words and words[0] in ROUTE_KINDS else "unicast"
    destination = words.pop(0) if words else ""
    options = dict(zip(words[::2], words[1::2], strict=False))
    if not destination or len(words) % 2 or set(options) - _ROUTE_WORDS:
        raise _refuse("--route", f"{text or 'an empty text'} is not a route", expected)
    try:
        gateway = ip_address(options["via"]) if "via" in options else None
        source = ip_address(options["src"]) if "src" in options else None
        told = gateway or source
        prefix = Prefix.parse(EVERYWHERE[told.version if told else 4] if destination == "default" else destination)
        table = table_name(options.get("table", "local" if kind in {"local", "broadcast"} else "main"))
        metric = int(options.get("metric", "0"))
        return Route(prefix, options.get("dev"), gateway, kind, metric, source, table)
    except ValueError as error:
        raise _refuse("--route", str(error), expected) from error
