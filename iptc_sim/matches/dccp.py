"""``-m dccp``: ports, packet types, options of a DCCP header (xt_dccp.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._asked import number_in, protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, option
from iptc_sim.value_types.choice import NameList
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.port import PortRangeType, read_service
from iptc_sim.values import Names, Negatable, PortRange

DCCP = 33
PORTS = PortRangeType(ordered=False, vanishes=False, number=read_service)
TYPES = (
    "REQUEST",
    "RESPONSE",
    "DATA",
    "ACK",
    "DATAACK",
    "CLOSEREQ",
    "CLOSE",
    "RESET",
    "SYNC",
    "SYNCACK",
    "INVALID",
)
#: How long each type's own part of the header is, between the common part and the options (RFC 4340, 5).
_FIXED = (4, 12, 0, 8, 8, 8, 8, 12, 8, 8, 12)
#: All types from here on.
_INVALID = 10


class TypeList(NameList):
    """A comma list of packet types; empty words between the commas count for nothing."""

    def read(self, words: tuple[str, ...], context: Reading) -> Names:
        """Return the set of types."""
        given = ",".join(filter(None, words[0].split(",")))
        return super().read((given,), context) if given else Names(())


@extension
class Dccp(HeaderMatch):
    """Needs ``-p dccp``."""

    NAME = "dccp"
    PROTOCOLS = frozenset({DCCP})

    sport: Negatable[PortRange] | None = option(PORTS, "--sport", "--source-port", negatable=True)
    dport: Negatable[PortRange] | None = option(PORTS, "--dport", "--destination-port", negatable=True)
    types: Negatable[Names] | None = option(TypeList(TYPES), "--dccp-types", negatable=True)
    dccp_option: Negatable[int] | None = option(Integer(1, 255), "--dccp-option", negatable=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare ports, packet type and options, as dccp_mt does."""
        packet = at.packet
        if packet.protocol != DCCP:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        header = self.transport(at, 12, "DCCP")
        if isinstance(header, No | Unclear):
            return header
        kind = header[8] >> 1 & 15
        return decide(
            self.test("sport", packet.sport, "source port"),
            self.test("dport", packet.dport, "destination port"),
            self.test("types", TYPES[min(kind, _INVALID)], "DCCP packet type"),
            self._option(header, kind),
        )

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the tests of the ports; packet types and options are not reasoned about."""
        return both(
            [
                protocol_is(DCCP),
                number_in(Field.SPORT, self.sport),
                number_in(Field.DPORT, self.dport),
                self.free("types"),
                self.free("dccp_option"),
            ]
        )

    def _option(self, header: bytes, kind: int) -> No | None:
        wanted = self.dccp_option
        if wanted is None:
            return None
        from iptc_sim.wire.headers import tcp_options  # noqa: PLC0415 - what reads rules does not need it

        fixed = (16 if header[8] & 1 else 12) + _FIXED[min(kind, _INVALID)]
        end = header[4] * 4
        if not fixed <= end <= len(header):
            return No(self, "dccp_option", "the DCCP header is wrong: the kernel drops the packet", drops=True)
        kinds = [option for option, _, _ in tcp_options(header[fixed:end])]
        if (wanted.value in kinds) != wanted.negated:
            return None
        return No(self, "dccp_option", f"its DCCP options are {', '.join(map(str, kinds)) or 'none'}")
