"""``-m tcp``: ports, flags, options of a TCP header (xt_tcpudp.c, tcp_mt)."""

from __future__ import annotations

from iptc_sim.constraint import ALWAYS, Asked, Constraint, Field, bits, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._asked import number_in, protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import TCP, TCP_FLAGS
from iptc_sim.records import dataclass, replace
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.port import NO_PORT, PortRangeType, read_port
from iptc_sim.values import Negatable, PortRange, Variant

PORTS = PortRangeType(ordered=True, number=lambda text: read_port(text, "tcp"))


@dataclass(frozen=True, slots=True)
class FlagTest:
    """``--tcp-flags mask set``: of the flags in ``mask``, those in ``set`` are on and all others off."""

    mask: frozenset[str]
    set: frozenset[str]

    def __contains__(self, flags: object) -> bool:
        return isinstance(flags, frozenset) and flags & self.mask == self.set

    def __str__(self) -> str:
        return f"{_flag_list(self.mask)} {_flag_list(self.set)}"


#: ``--tcp-flags NONE SYN``: no flag is looked at, yet one is to be on. It never fits and is not printed.
NO_FLAGS = Negatable(FlagTest(frozenset(), frozenset(TCP_FLAGS)))


def _flag_list(flags: frozenset[str]) -> str:
    return ",".join(name for name in TCP_FLAGS if name in flags) or "NONE"


class FlagTestType(ValueType[FlagTest]):
    """Two comma lists of flags, ALL or NONE; the second must lie within the first."""

    words = 2
    expected = f"two comma lists of {', '.join(TCP_FLAGS)}, ALL or NONE"

    def read(self, words: tuple[str, ...], context: Reading) -> FlagTest | None:
        """Return the test; one that looks at no flag and wants none says nothing, one that wants some never fits."""
        test = FlagTest(_read_flags(words[0]), _read_flags(words[1]))
        if test.mask or context.negated:
            return test
        return NO_FLAGS.value if test.set else None

    def write(self, value: FlagTest) -> tuple[str, ...]:
        """Return the two lists."""
        return tuple(str(value).split(" "))


def _read_flags(text: str) -> frozenset[str]:
    found: set[str] = set()
    for name in text.upper().split(","):
        if name == "ALL":
            found |= set(TCP_FLAGS)
        elif name in TCP_FLAGS:
            found.add(name)
        elif name not in {"NONE", ""}:
            raise ValueError(f"{name} is not a TCP flag")
    return frozenset(found)


class Syn(ValueType[FlagTest]):
    """``--syn``: a connection's first packet."""

    words = 0

    def read(self, words: tuple[str, ...], context: Reading) -> FlagTest:  # noqa: ARG002 - the interface
        """Return SYN alone out of FIN, SYN, RST, ACK."""
        return FlagTest(frozenset({"FIN", "SYN", "RST", "ACK"}), frozenset({"SYN"}))


def _of_flags(wanted: Negatable[FlagTest]) -> Constraint:
    """Return the test as one of the flags byte, in which the flags lie in order from the lowest bit up."""
    mask, on = (sum(1 << TCP_FLAGS.index(name) for name in names) for names in (wanted.value.mask, wanted.value.set))
    return bits(Field.FLAGS, on, mask, negated=wanted.negated)


@extension
class Tcp(HeaderMatch):
    """Needs ``-p tcp``."""

    NAME = "tcp"
    PROTOCOLS = frozenset({TCP})
    PATTERNS_SUFFICE = True

    sport: Negatable[PortRange] | None = option(PORTS, "--sport", "--source-port", negatable=True, hidden=NO_PORT)
    dport: Negatable[PortRange] | None = option(PORTS, "--dport", "--destination-port", negatable=True, hidden=NO_PORT)
    tcp_option: Negatable[int] | None = option(Integer(1, 255), "--tcp-option", negatable=True)
    flags: Negatable[FlagTest] | None = option(
        FlagTestType(), "--tcp-flags", negatable=True, hidden=NO_FLAGS, also={"--syn": Syn()}
    )

    @property
    def is_native(self) -> bool:
        """Whether iptables-nft says it in nf_tables expressions: it has conditions, and none on TCP options."""
        return self.tcp_option is None and bool(self.sport or self.dport or self.flags)

    def check(self, context: Reading) -> None:
        """Refuse conditions without the protocol, as iptables-nft does when it turns them into expressions."""
        if context.variant is Variant.NFT and self.is_native and TCP not in {context.protocol, context.other_than}:
            raise ValueError("tcp needs -p with tcp")

    def kept(self, context: Reading) -> Tcp | None:
        """Drop ``! --dport 0:65535`` and ``--tcp-flags NONE ...``: iptables-nft makes no expression of them."""
        if context.variant is Variant.LEGACY or not self.is_native:
            return self
        ports = {name: None for name in ("sport", "dport") if getattr(self, name) == NO_PORT}
        flags = self.flags if self.flags is None or self.flags.value.mask else None
        kept = replace(self, **ports, flags=flags)
        return kept if kept.is_native else None

    def judge(self, at: Moment) -> Outcome:
        """Compare ports, then flags, then options, as tcp_mt does."""
        packet = at.packet
        if packet.protocol != TCP:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        if packet.sport is None and packet.raw is not None:
            header = self.of_later_fragment(at, 14 if self.flags else 4 if self.dport else 2)
            if header is None:
                return self.absent(at, "TCP")
            flags = frozenset(
                name for at_bit, name in enumerate(TCP_FLAGS) if int.from_bytes(header[13:14]) >> at_bit & 1
            )
            packet = replace(packet, sport=int.from_bytes(header[:2]), dport=int.from_bytes(header[2:4]), flags=flags)
        return decide(
            self.test("sport", packet.sport, "source port"),
            self.test("dport", packet.dport, "destination port"),
            self._flags(packet.flags),
            self._option(at),
        )

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the tests of ports and flags; options lie where rules may change them."""
        return both(
            [
                protocol_is(TCP),
                number_in(Field.SPORT, self.sport),
                number_in(Field.DPORT, self.dport),
                ALWAYS if self.flags is None else _of_flags(self.flags),
                self.free("tcp_option", reads=None),
            ]
        )

    def _flags(self, actual: frozenset[str]) -> No | None:
        if self.flags is None or (actual in self.flags.value) != self.flags.negated:
            return None
        return No(self, "flags", f"the flags are {_flag_list(actual)}")

    def _option(self, at: Moment) -> No | Unclear | None:
        wanted = self.tcp_option
        if wanted is None:
            return None
        from iptc_sim.wire.headers import tcp_options  # noqa: PLC0415 - what reads rules does not need it

        found = self.octets(at).datagram
        options = None if found is None else found.tcp_options
        if options is None:
            return self.absent(at, "TCP")
        kinds = [kind for kind, _, _ in tcp_options(options)]
        if (wanted.value in kinds) != wanted.negated:
            return None
        listed = ", ".join(map(str, kinds))
        return No(self, "tcp_option", f"its TCP options are {listed}" if kinds else "it has no TCP options")
