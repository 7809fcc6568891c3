"""Which source address a packet of the node gets that has none, and which one MASQUERADE takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from iptc_sim.node.parts import InterfaceAddress
from iptc_sim.values import Address, Prefix

#: Scopes from the widest to the narrowest: an address of a narrower scope than the route's is not taken.
_SCOPES: Final = ("global", "site", "link", "host")

#: The default policy of RFC 6724: addresses with the same label go together.
_LABELS: Final = (
    ("::1/128", 0),
    ("::ffff:0:0/96", 4),
    ("::/96", 3),
    ("2001:10::/28", 7),
    ("2001::/32", 6),
    ("2002::/16", 2),
    ("fc00::/7", 5),
)


def choose_source(
    addresses: Sequence[InterfaceAddress], interface: str | None, towards: Address, destination: Address, scope: str
) -> Address | None:
    """Return the source address of a packet.

    Args:
        addresses: of all interfaces, in the order in which ``ip addr`` prints them.
        interface: the way out.
        towards: the next hop, or the destination where there is none.
        destination: the destination.
        scope: the scope of the route.

    Returns:
        None where the node has no address that will do.
    """
    if destination.version == 6:
        return _choose6(addresses, interface, destination)
    return _choose4(addresses, interface, towards, scope)


def _choose4(
    addresses: Sequence[InterfaceAddress], interface: str | None, towards: Address, scope: str
) -> Address | None:
    """``inet_select_addr``: the interface's in the subnet of the next hop, its first, or another interface's."""
    reach = _SCOPES.index(scope or "global")
    usable = [
        item
        for item in addresses
        if item.address.version == 4 and not item.secondary and _SCOPES.index(_scope(item)) <= reach
    ]
    own = [item for item in usable if item.interface == interface]
    near = [item for item in own if towards in item.network]
    others = [item for item in usable if _scope(item) != "link"]
    return next((item.address for item in (*near, *own, *others)), None)


def _scope(item: InterfaceAddress) -> str:
    return item.reach if item.reach in _SCOPES else "global"


def _choose6(addresses: Iterable[InterfaceAddress], interface: str | None, destination: Address) -> Address | None:
    """RFC 6724, section 5, without home addresses and temporary ones."""
    strict = destination.is_multicast or destination.is_link_local
    usable = [
        item
        for item in addresses
        if item.address.version == 6 and not item.tentative and (not strict or item.interface == interface)
    ]
    reach = _reach6(destination)

    def rank(item: InterfaceAddress) -> tuple[bool, int, bool, bool, bool, int]:
        own = _reach6(item.address)
        return (
            item.address == destination,
            -own if own >= reach else own - 128,
            not item.deprecated,
            item.interface == interface,
            _label(item.address) == _label(destination),
            min(128 - (int(item.address) ^ int(destination)).bit_length(), item.network.length or 0),
        )

    return max(usable, key=rank).address if usable else None


def _reach6(address: Address) -> int:
    if address.is_multicast:
        return int(address) >> 112 & 0xF
    return 2 if address.is_link_local or address.is_loopback else 14


def _label(address: Address) -> int:
    return next((label for text, label in _LABELS if address in Prefix.parse(text)), 1)
