"""What ``ip -j addr``, ``ip -j route``, ``ip -j rule`` and ``ip -j maddr`` print, as parts of a node.

The shapes are those of iproute2 4.19 to 6.x; keys that are not named here play no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final, TypeVar

from iptc_sim.diagnostics import Diagnostic, InputError
from iptc_sim.node import (
    EVERYWHERE,
    ROUTE_KINDS,
    InterfaceAddress,
    Link,
    NextHop,
    Route,
    RoutingRule,
    table_name,
)
from iptc_sim.protocols import protocol_number
from iptc_sim.records import dataclass
from iptc_sim.values import Address, NumberRange, Prefix

T = TypeVar("T")

_WHOLE: Final = {4: 32, 6: 128}
_WITHOUT_INTERFACE: Final = {"blackhole", "unreachable", "prohibit", "throw"}
_RULE_ACTIONS: Final = {"unreachable", "prohibit", "blackhole"}


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a file, with its place for errors.

    Args:
        values: the object.
        place: ``addr.json[3]``.
        command: what prints such files.
    """

    values: Mapping[str, Any]
    place: str
    command: str

    def wrong(self, key: str, message: str) -> InputError:
        """Return the error about one of its values."""
        expected = f"the output of {self.command}"
        return InputError(Diagnostic("IPT042", message, subject=f"{self.place}.{key}", expected=expected))

    def _of(self, key: str, kind: type[T], what: str) -> T | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.wrong(key, f"{str(value)[:40]} is not {what}")
        return value

    def text(self, key: str, default: str = "") -> str:
        """Return a text.

        Raises:
            InputError: IPT042; so for all of these.
        """
        return self._of(key, str, "a text") or default

    def number(self, key: str, default: int = 0) -> int:
        """Return a number, also one that is written as a text (``0x10``)."""
        value = self.values.get(key)
        if isinstance(value, str):
            try:
                return int(value, 0)
            except ValueError:
                raise self.wrong(key, f"{value[:40]} is not a number") from None
        found = self._of(key, int, "a number")
        return default if found is None else found

    def items(self, key: str) -> Iterator[Item]:
        """Yield the objects of a list."""
        for number, value in enumerate(self._of(key, list, "a list") or ()):
            if not isinstance(value, dict):
                raise self.wrong(f"{key}[{number}]", "this is not an object")
            # ip prints an empty object for what its filter leaves out.
            if value:
                yield Item(value, f"{self.place}.{key}[{number}]", self.command)

    def item(self, key: str) -> Item:
        """Return an object; an empty one where there is none."""
        return Item(self._of(key, dict, "an object") or {}, f"{self.place}.{key}", self.command)

    def flags(self) -> frozenset[str]:
        """Return its flags."""
        return frozenset(map(str, self._of("flags", list, "a list") or ()))

    def address(self, key: str) -> Address | None:
        """Return an address."""
        text = self.text(key)
        try:
            return _address(text) if text else None
        except ValueError:
            raise self.wrong(key, f"{text[:60]} is not an address") from None

    def prefix(self, key: str, default: int | None = None) -> Prefix | None:
        """Return a prefix, ``default`` being the family of the word ``default``."""
        text = self.text(key)
        try:
            if text in {"default", "all", "any"}:
                return Prefix.parse(EVERYWHERE[default]) if default else None
            return Prefix.parse(text) if text else None
        except ValueError as error:
            raise self.wrong(key, str(error)) from None


@lru_cache(maxsize=1 << 10)
def _address(text: str) -> Address:
    """Read an address; the same few gateways stand in many routes."""
    return ip_address(text)


def read_link(item: Item) -> Link:
    """Read an interface of ``ip -j [-d] addr``.

    Raises:
        InputError: IPT042; so for all of these.
    """
    name = item.text("ifname")
    if not name:
        raise item.wrong("ifname", "an interface needs a name")
    mac, info = item.text("address"), item.item("linkinfo")
    try:
        address = bytes.fromhex(mac.replace(":", "")) if item.text("link_type", "ether") == "ether" and mac else None
    except ValueError:
        raise item.wrong("address", f"{mac[:40]} is not the address of an interface") from None
    data = info.item("info_data")
    return Link(
        name=name,
        index=item.number("ifindex"),
        mac=address,
        group=item.text("group", "default"),
        master=item.text("master") or None,
        kind=info.text("info_kind"),
        up="UP" in item.flags() or "flags" not in item.values,
        mtu=item.number("mtu", 1500),
        table=table_name(str(data.values["table"])) if "table" in data.values else "",
    )


def read_addresses(item: Item) -> Iterator[InterfaceAddress]:
    """Yield the addresses of an interface of ``ip -j addr``."""
    name = item.text("ifname")
    for info in item.items("addr_info"):
        local, peer = info.address("local"), info.address("address")
        if local is None:
            raise info.wrong("local", "an address is missing")
        length = info.number("prefixlen", _WHOLE[local.version])
        if not 0 <= length <= _WHOLE[local.version]:
            raise info.wrong("prefixlen", f"{length} is not a prefix length of an IPv{local.version} address")
        yield InterfaceAddress(
            interface=name,
            address=local,
            network=Prefix.of(peer or local, length),
            scope=info.text("scope"),
            secondary=local.version == 4 and bool(info.values.get("secondary")),
            broadcast=info.address("broadcast"),
            peer=peer,
            deprecated=bool(info.values.get("deprecated")),
            tentative=bool(info.values.get("tentative") or info.values.get("dadfailed")),
        )


def read_route(item: Item, family: int) -> Route | None:
    """Read a route of ``ip -j route``; None for one that is out of order (dead) or of a kind that plays no part.

    Args:
        item: the object.
        family: of a ``default`` that does not tell it otherwise.
    """
    kind = item.text("type", "unicast")
    if kind not in ROUTE_KINDS or "dead" in item.flags():
        return None
    hops = tuple(hop for one in item.items("nexthops") if (hop := _hop(one)) is not None)
    if item.values.get("nexthops") and not hops:
        return None
    only = hops[0] if len(hops) == 1 else NextHop(item.text("dev") or None, _gateway(item))
    source = item.address("prefsrc")
    # IPv6 routes have a preference; "via" is where the next hop is of another family than the route.
    told = item.address("gateway") or source
    own = told.version if told is not None else 6 if "pref" in item.values else family
    destination = item.prefix("dst", own)
    if destination is None:
        raise item.wrong("dst", "a route needs a destination")
    return Route(
        destination=destination,
        interface=only.interface if kind not in _WITHOUT_INTERFACE else None,
        gateway=only.gateway,
        kind=kind,
        metric=item.number("metric"),
        source=source,
        table=table_name(str(item.values.get("table", "main"))),
        tos=item.number("tos"),
        ways=hops if len(hops) > 1 else (),
        realm=_realm(item.item("flow")),
        sources=item.prefix("src"),
        scope=item.text("scope"),
    )


def _hop(item: Item) -> NextHop | None:
    if "dead" in item.flags():
        return None
    return NextHop(item.text("dev") or None, _gateway(item), item.number("weight", 1))


def _gateway(item: Item) -> Address | None:
    return item.address("gateway") or item.item("via").address("host")


def _realm(flow: Item) -> int:
    """Return the realm of the destination; a name of /etc/iproute2/rt_realms counts as not told."""
    text = str(flow.values.get("to", "0"))
    return int(text) if text.isdigit() else 0


def read_rule(item: Item, family: int) -> RoutingRule:
    """Read a rule of ``ip -j rule``."""
    action = item.text("action", "lookup")
    for other in ("goto", "nop", "l3mdev"):
        action = other if other in item.values else action
    if action not in _RULE_ACTIONS | {"lookup", "goto", "nop", "l3mdev", "to_tbl"}:
        raise item.wrong("action", f"{action[:40]} is not an action of a rule")
    mark = item.number("fwmark")
    return RoutingRule(
        priority=item.number("priority"),
        action="lookup" if action == "to_tbl" else action,
        table=table_name(str(item.values.get("table", "main"))),
        target=item.number("goto"),
        source=_side(item, "src", family),
        destination=_side(item, "dst", family),
        in_interface=item.text("iif") or None,
        out_interface=item.text("oif") or None,
        mark=mark,
        mask=item.number("fwmask", 0xFFFFFFFF if mark else 0),
        tos=item.number("tos"),
        protocol=_protocol(item),
        sports=_range(item, "sport", "sport_start", "sport_end"),
        dports=_range(item, "dport", "dport_start", "dport_end"),
        uids=_range(item, "", "uid_start", "uid_end"),
        inverted="not" in item.values,
        suppress_length=item.number("suppress_prefixlen") if "suppress_prefixlen" in item.values else None,
        suppress_group=str(item.values["suppress_ifgroup"]) if "suppress_ifgroup" in item.values else None,
        realm=item.number("flow_to") if str(item.values.get("flow_to", "")).isdigit() else 0,
    )


def _side(item: Item, key: str, family: int) -> Prefix | None:
    """Return ``from`` or ``to``; None for ``all``."""
    if item.text(key, "all") == "all":
        return None
    address = item.address(key)
    if address is None or address.version != family:
        raise item.wrong(key, f"this is not an IPv{family} address")
    return Prefix.of(address, item.number(f"{key}len", _WHOLE[family]))


def _protocol(item: Item) -> int | None:
    text = item.text("ipproto").removeprefix("ipproto-")
    if not text:
        return None
    try:
        return int(text) if text.isdigit() else protocol_number(text)
    except ValueError as error:
        raise item.wrong("ipproto", str(error)) from None


def _range(item: Item, single: str, first: str, last: str) -> NumberRange | None:
    if first in item.values:
        return NumberRange(item.number(first), item.number(last))
    return NumberRange(item.number(single), item.number(single)) if single in item.values else None


def read_groups(items: Sequence[Item]) -> frozenset[tuple[str, Address]]:
    """Read the multicast groups of ``ip -j maddr``, by interface."""
    found = set()
    for item in items:
        for one in item.items("maddr"):
            if "family" in one.values and (group := one.address("address")) is not None:
                found.add((item.text("ifname"), group))
    return frozenset(found)
