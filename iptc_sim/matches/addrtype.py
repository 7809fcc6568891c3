"""``-m addrtype``: what the node's local table says of an address (xt_addrtype.c)."""

from __future__ import annotations

from iptc_sim.constraint import (
    ADDRESS_TYPES,
    ALWAYS,
    NEVER,
    Asked,
    Constraint,
    Field,
    Free,
    both,
    one_of,
    opposite,
    within,
)
from iptc_sim.extension import Placement, extension, misplaced
from iptc_sim.match import Match, No, Outcome, Unclear, decide
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.value_types.short_names import ShortNameList
from iptc_sim.values import UNKNOWN, Address, Family, Names, Negatable, Unknown

TYPES = (
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
)
#: What an IPv6 route cannot be, or what the kernel does not look for.
NOT_IPV6 = frozenset({"BROADCAST", "BLACKHOLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"})

_CLASSES = frozenset({"UNICAST", "MULTICAST", "UNSPEC"})

#: The types that an IPv4 address has by an interface; limited to another one it is UNICAST.
_BY_INTERFACE = frozenset({"LOCAL", "BROADCAST", "ANYCAST"})
_GROUPS = 0xFF << 120
#: The addresses of the classes in IPv6 (``ipv6_addr_type``).
_OF_CLASS = {"UNSPEC": [(0, 0)], "UNICAST": [(1, _GROUPS - 1)], "MULTICAST": [(_GROUPS, (1 << 128) - 1)]}

_IN = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})
_OUT = frozenset({Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING})


_TYPES = ShortNameList(TYPES)


@extension
class Addrtype(Match):
    """Looks at the local table only: an address without a route is UNICAST too."""

    NAME = "addrtype"

    src_type: Negatable[Names] | None = option(_TYPES, "--src-type", negatable=True)
    dst_type: Negatable[Names] | None = option(_TYPES, "--dst-type", negatable=True)
    limit_iface_in: bool = flag("--limit-iface-in")
    limit_iface_out: bool = flag("--limit-iface-out")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a rule that asks for nothing, or for both interfaces."""
        if self.src_type is None and self.dst_type is None:
            raise ValueError("-m addrtype needs --src-type or --dst-type")
        if self.limit_iface_in and self.limit_iface_out:
            raise ValueError("--limit-iface-in and --limit-iface-out exclude each other")

    def refusal(self, place: Placement) -> str:
        """Where there is no such interface yet or any more, it cannot limit; and IPv6 lacks some types."""
        asked = {name for given in (self.src_type, self.dst_type) if given for name in given.value.names}
        if place.family is Family.IPV6 and asked & NOT_IPV6:
            return f"IPv6 addresses have no type {' or '.join(sorted(asked & NOT_IPV6))}"
        wrong = misplaced("--limit-iface-in", place, _IN) if self.limit_iface_in else ""
        wrong = wrong or (misplaced("--limit-iface-out", place, _OUT) if self.limit_iface_out else "")
        return wrong or Match.refusal(self, place)

    def judge(self, at: Moment) -> Outcome:
        """Compare the types of source and destination."""
        packet = at.packet
        interface = None
        if self.limit_iface_in or self.limit_iface_out:
            limit = packet.in_interface if self.limit_iface_in else packet.out_interface
            if limit is UNKNOWN:
                return Unclear(
                    self, f"-m addrtype: the {'in' if self.limit_iface_in else 'out'} interface is not known"
                )
            interface = limit
        return decide(
            self._test("src_type", at, packet.source, interface, "source"),
            self._test("dst_type", at, packet.destination, interface, "destination"),
        )

    def constraint(self, asked: Asked) -> Constraint:
        """Return the tests of both types."""
        return both(
            [
                self._types(asked, self.src_type, Field.SOURCE_TYPE, Field.SOURCE),
                self._types(asked, self.dst_type, Field.DESTINATION_TYPE, Field.DESTINATION),
            ]
        )

    def _types(self, asked: Asked, wanted: Negatable[Names] | None, kind: Field, address: Field) -> Constraint:
        if wanted is None:
            return ALWAYS
        names = frozenset(wanted.value.names)
        if asked.family is Family.IPV6:
            classes = [within(address, _OF_CLASS[name]) for name in sorted(names & _CLASSES)]
            fits = both([*classes, self._routed6(names - _CLASSES, kind, address)])
        else:
            here = one_of([_type_in(kind, frozenset(TYPES) - _BY_INTERFACE), self._by_interface(address)])
            other = opposite(here) if "UNICAST" in names else NEVER
            fits = one_of([both([_type_in(kind, names), here]), other])
        return opposite(fits) if wanted.negated else fits

    def _by_interface(self, address: Field, *also: str) -> Constraint:
        """Return that the route to an address is by the interface that counts."""
        if not (self.limit_iface_in or self.limit_iface_out):
            return ALWAYS
        interface = Field.IN_INTERFACE if self.limit_iface_in else Field.OUT_INTERFACE
        return Free((self.NAME, address, interface, *also), frozenset({address, interface}))

    def _routed6(self, names: frozenset[str], kind: Field, address: Field) -> Constraint:
        """Return that an IPv6 address has a route of one of these types; by one interface it may be another route."""
        if not names or not (self.limit_iface_in or self.limit_iface_out):
            return _type_in(kind, names) if names else ALWAYS
        return self._by_interface(address, *sorted(names))

    def _test(
        self, field: str, at: Moment, address: Address | Unknown, interface: str | None, side: str
    ) -> No | Unclear | None:
        if getattr(self, field) is None:
            return None
        what = f"type of the {side} {address}"
        if address is UNKNOWN or address.version == 4:
            return self.test(field, at.node.address_type(address, interface), what)
        return self.test(field, self._type6(field, at.node.address_types6(address, interface)), what)

    def _type6(self, field: str, has: tuple[str, str]) -> str:
        """Return one of the types asked for if an IPv6 address has them, else what it is.

        Of the classes (UNICAST, MULTICAST, UNSPEC) it has to be all that are asked for, of the others one.
        """
        asked = set(getattr(self, field).value.names)
        routes = asked - _CLASSES
        fits = asked & _CLASSES <= {has[0]} and (not routes or has[1] in routes)
        return min(asked) if fits else " and ".join(filter(None, has)) if has[1] else f"{has[0]} alone"


def _type_in(field: Field, names: frozenset[str]) -> Constraint:
    """Return that the type is one of these."""
    return within(field, [(place, place) for place, name in enumerate(ADDRESS_TYPES) if name in names])
