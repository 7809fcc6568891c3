"""The parts of a rule that need no extension: the options of iptables itself, jumps, and what is not modelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iptc_sim.constraint import ALWAYS, NEVER, Asked, Constraint, Field, NamedInterface, bits, both, within
from iptc_sim.extension import Extension, Placement, extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear, decide
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import flag, option
from iptc_sim.packet import Packet
from iptc_sim.protocols import AH, IPV6_EXTENSIONS, NO_NEXT_HEADER, protocol_name
from iptc_sim.records import dataclass, replace
from iptc_sim.target import Effect, Goto, Jump, Same, UniformTarget
from iptc_sim.value_types.address import PREFIX
from iptc_sim.value_types.interface import INTERFACE
from iptc_sim.value_types.protocol import PROTOCOL
from iptc_sim.values import Family, InterfacePattern, Negatable, Prefix, Variant

#: No packet fits.
_NO_INTERFACE = Negatable(InterfacePattern("+"), negated=True)


@extension
class BaseMatch(Match):
    """``-s -d -i -o -p -f``; judged before every ``-m`` wherever they stand (``ip_packet_match`` in ip_tables.c)."""

    PATTERNS_SUFFICE = True

    source: Negatable[Prefix] | None = option(PREFIX, "-s", "--source", "--src", negatable=True)
    destination: Negatable[Prefix] | None = option(PREFIX, "-d", "--destination", "--dst", negatable=True)
    in_interface: Negatable[InterfacePattern] | None = option(INTERFACE, "-i", "--in-interface", negatable=True)
    out_interface: Negatable[InterfacePattern] | None = option(INTERFACE, "-o", "--out-interface", negatable=True)
    protocol: Negatable[int] | None = option(PROTOCOL, "-p", "--protocol", negatable=True)
    fragment: Negatable[bool] | None = flag("-f", "--fragments", negatable=True)

    def words(self, variant: Variant = Variant.NFT) -> tuple[str, ...]:
        """Return the options; ``! -i +`` is kept by both (it never fits), but iptables-legacy prints nothing of it."""
        shown = self
        if variant is Variant.LEGACY and _NO_INTERFACE in {self.in_interface, self.out_interface}:
            ways = ("in_interface", "out_interface")
            shown = replace(self, **{way: None for way in ways if getattr(self, way) == _NO_INTERFACE})
        return Match.words(shown, variant)

    def refusal(self, place: Placement) -> str:
        """Return why nf_tables refuses ``! -s 0.0.0.0/0``, a comparison with nothing; the old interface takes it."""
        sides = {"-s": self.source, "-d": self.destination}
        never = [name for name, side in sides.items() if side is not None and not side.value.mask]
        if never and place.variant is Variant.NFT:
            return f"! {never[0]} with an address that every packet has never fits"
        return ""

    def judge(self, at: Moment) -> Outcome:
        """Compare the header and the interfaces, in the kernel's order."""
        packet = at.packet
        source = self.test("source", packet.source, "source")
        destination = self.test("destination", packet.destination, "destination")
        if isinstance(source, No) or isinstance(destination, No):
            return source if isinstance(source, No) else destination or YES
        return decide(
            source,
            destination,
            self.test("in_interface", packet.in_interface, "in interface"),
            self.test("out_interface", packet.out_interface, "out interface"),
            self._protocol(at),
            self._fragment(packet),
        )

    def constraint(self, asked: Asked) -> Constraint:
        """Return the tests of the header and the interfaces. Packets are whole: none is a later fragment."""
        if self.fragment is not None and not self.fragment.negated:
            return NEVER
        return both(
            [
                _address(Field.SOURCE, self.source),
                _address(Field.DESTINATION, self.destination),
                _interface(Field.IN_INTERFACE, self.in_interface, there=asked.hook is not Hook.OUTPUT),
                _interface(Field.OUT_INTERFACE, self.out_interface, there=asked.hook not in _NOT_ROUTED),
                self._protocols(asked),
            ]
        )

    def _protocols(self, asked: Asked) -> Constraint:
        """Return the test of :meth:`_protocol`: IPv6 packets that end in a header count as having nothing in them."""
        if self.protocol is None:
            return ALWAYS
        ends = set(IPV6_EXTENSIONS) if asked.family is Family.IPV6 else set()
        ends -= {AH} if asked.variant is Variant.NFT else set()
        wanted = self.protocol.value
        numbers = ends if ends and wanted == NO_NEXT_HEADER else {wanted} - ends
        return within(Field.PROTOCOL, [(number, number) for number in numbers], negated=self.protocol.negated)

    def _protocol(self, at: Moment) -> No | None:
        """Compare the last header; in IPv6 it is behind all extension headers, ah included but for nf_tables."""
        wanted, actual = self.protocol, at.packet.protocol
        if wanted is not None and at.packet.ends_in_header and (actual != AH or at.variant is Variant.LEGACY):
            actual = NO_NEXT_HEADER
        if wanted is None or (wanted.value == actual) != wanted.negated:
            return None
        return No(self, "protocol", f"the protocol is {protocol_name(actual)}")

    def _fragment(self, packet: Packet) -> No | None:
        """A packet described in words is whole; conntrack, where it is in use, puts fragments together before raw."""
        if self.fragment is None:
            return None
        is_later = False
        if packet.raw is not None:
            from iptc_sim.wire.headers import Datagram  # noqa: PLC0415 - what reads rules does not need it

            found = Datagram.of(packet.raw)
            is_later = found is not None and found.offset > 0
        if is_later != self.fragment.negated:
            return None
        return No(self, "fragment", f"the packet is {'' if is_later else 'not '}a later fragment")


#: Before routing, and where a packet has arrived, no out interface is known.
_NOT_ROUTED = frozenset({Hook.PREROUTING, Hook.INPUT})


def _address(field: Field, wanted: Negatable[Prefix] | None) -> Constraint:
    if wanted is None:
        return ALWAYS
    prefix, negated = wanted.value, wanted.negated
    if prefix.length is None:
        return bits(field, prefix.network, prefix.mask, negated=negated)
    if not prefix.mask:
        return NEVER if negated else ALWAYS
    size = 1 << prefix.family.bits - prefix.length
    return within(field, [(prefix.network, prefix.network + size - 1)], negated=negated)


def _interface(field: Field, wanted: Negatable[InterfacePattern] | None, *, there: bool) -> Constraint:
    """Return the test of an interface, which is not ``there`` in some hooks."""
    if wanted is None:
        return ALWAYS
    name, negated = wanted.value.text, wanted.negated
    if name == "+" or not there:
        return ALWAYS if (name == "+") != negated else NEVER
    return NamedInterface(field, name.removesuffix("+"), name.endswith("+"), negated)


_ABSENT: Mapping[str, Any] = {}

#: A rule without any of them.
ANY = BaseMatch(**_ABSENT)


@dataclass(frozen=True, slots=True)
class _ToChain(UniformTarget):
    """What leads to a chain."""

    chain: str

    @property
    def name(self) -> str:
        """The chain."""
        return self.chain


@dataclass(frozen=True, slots=True)
class JumpTo(_ToChain):
    """``-j CHAIN``."""

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Walk the chain."""
        return Jump(self.chain)


@dataclass(frozen=True, slots=True)
class GoTo(_ToChain):
    """``-g CHAIN``."""

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Walk the chain without coming back here."""
        return Goto(self.chain)


@dataclass(frozen=True, slots=True)
class _Foreign(Extension):
    """An extension that is not known: kept word for word, quotes included."""

    module: str
    raw: tuple[str, ...] = ()

    @classmethod
    def is_modelled(cls) -> bool:
        """It is not."""
        return False

    @property
    def name(self) -> str:
        """As after ``-m`` or ``-j``."""
        return self.module

    def words(self, variant: Variant = Variant.NFT) -> tuple[str, ...]:  # noqa: ARG002 - the interface
        """Return the words as they stood."""
        return self.raw


@dataclass(frozen=True, slots=True)
class ForeignMatch(_Foreign, Match):
    """A ``-m`` that is not known."""

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Say that it cannot be judged."""
        return Unclear(self, f"-m {self.module} is not modelled")


@dataclass(frozen=True, slots=True)
class ForeignTarget(_Foreign, UniformTarget):
    """A ``-j`` that is not known."""

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Say that its effect cannot be told."""
        return Effect(f"-j {self.module} is not modelled")
