"""``-m udp``: ports of a UDP header (xt_tcpudp.c, udp_mt)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, decide
from iptc_sim.matches._asked import number_in, protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, option
from iptc_sim.protocols import UDP
from iptc_sim.records import replace
from iptc_sim.value_types.port import NO_PORT, PortRangeType, read_service
from iptc_sim.values import Negatable, PortRange, Variant

#: Unlike tcp, a range that ends before it begins is accepted (and never fits).
PORTS = PortRangeType(ordered=False, number=read_service)


@extension
class Udp(HeaderMatch):
    """Needs ``-p udp``."""

    NAME = "udp"
    PROTOCOLS = frozenset({UDP})
    PATTERNS_SUFFICE = True

    sport: Negatable[PortRange] | None = option(PORTS, "--sport", "--source-port", negatable=True, hidden=NO_PORT)
    dport: Negatable[PortRange] | None = option(PORTS, "--dport", "--destination-port", negatable=True, hidden=NO_PORT)

    @property
    def is_native(self) -> bool:
        """Whether iptables-nft says it in nf_tables expressions: it has conditions."""
        return bool(self.sport or self.dport)

    def check(self, context: Reading) -> None:
        """Refuse conditions without the protocol, as iptables-nft does when it turns them into expressions."""
        if context.variant is Variant.NFT and self.is_native and UDP not in {context.protocol, context.other_than}:
            raise ValueError("udp needs -p with udp")

    def kept(self, context: Reading) -> Udp | None:
        """Drop ``! --dport 0:65535``: iptables-nft makes no expression of it, so every packet fits."""
        if context.variant is Variant.LEGACY or NO_PORT not in {self.sport, self.dport}:
            return self
        ports = {name: None for name in ("sport", "dport") if getattr(self, name) == NO_PORT}
        kept = replace(self, **ports)
        return kept if kept.is_native else None

    def judge(self, at: Moment) -> Outcome:
        """Compare the ports."""
        packet = at.packet
        if packet.protocol != UDP:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        if packet.sport is None and packet.raw is not None:
            ports = self.of_later_fragment(at, 4 if self.dport else 2)
            if ports is None:
                return self.absent(at, "UDP")
            packet = replace(packet, sport=int.from_bytes(ports[:2]), dport=int.from_bytes(ports[2:4]))
        return decide(
            self.test("sport", packet.sport, "source port"),
            self.test("dport", packet.dport, "destination port"),
        )

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the tests of the ports."""
        return both([protocol_is(UDP), number_in(Field.SPORT, self.sport), number_in(Field.DPORT, self.dport)])
