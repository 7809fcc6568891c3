"""``-j ECN``: change the bits of explicit congestion notification (ipt_ECN.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import Placement, extension, without_protocol
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.packet import Packet
from iptc_sim.protocols import TCP
from iptc_sim.records import replace
from iptc_sim.target import Action, Alter, Change, Deed, Drop, Target
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family

_BIT = Integer(0, 1)
_NO_BITS = (False, None, None)
_TCP_HEADER = 20


@extension
class EcnTarget(Target):
    """IPv4 only, in mangle; both TCP bits off and nothing else is what ``--ecn-tcp-remove`` says."""

    NAME = "ECN"
    FAMILIES = frozenset({Family.IPV4})
    TABLES = frozenset({"mangle"})

    tcp_remove: bool = flag("--ecn-tcp-remove")
    tcp_ece: int | None = option(_BIT, "--ecn-tcp-ece")
    tcp_cwr: int | None = option(_BIT, "--ecn-tcp-cwr")
    ip_ect: int | None = option(Integer(0, 3), "--ecn-ip-ect")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Bring the spellings of "both TCP bits off" to the one that is printed.

        ``--ecn-tcp-remove`` makes iptables forget an ``--ecn-ip-ect`` in front of it; the fields stand in the order
        of the line.
        """
        order = list(fields)
        if fields["tcp_remove"] and "ip_ect" in order and order.index("ip_ect") < order.index("tcp_remove"):
            del fields["ip_ect"]
        bits = (fields.get("tcp_ece"), fields.get("tcp_cwr"))
        if "ip_ect" in fields:
            if fields["tcp_remove"] and bits == (None, None):
                fields |= {"tcp_remove": False, "tcp_ece": 0, "tcp_cwr": 0}
        elif bits == (0, 0) and not fields["tcp_remove"]:
            fields |= {"tcp_remove": True, "tcp_ece": None, "tcp_cwr": None}

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse nothing to do, and a bit told twice."""
        bits = self.tcp_ece is not None or self.tcp_cwr is not None
        if not (self.tcp_remove or bits or self.ip_ect is not None):
            raise ValueError("-j ECN needs something to change, such as --ecn-tcp-remove")
        if self.tcp_remove and bits:
            raise ValueError("--ecn-tcp-remove excludes --ecn-tcp-ece and --ecn-tcp-cwr")

    def refusal(self, place: Placement) -> str:
        """Return why the kernel refuses it: another table, or TCP bits without ``-p tcp`` (``ecn_tg_check``)."""
        bits = self.tcp_remove or self.tcp_ece is not None or self.tcp_cwr is not None
        why = "" if not bits else without_protocol("changing the TCP bits", place, frozenset({TCP}))
        return Target.refusal(self, place) or why

    def act(self, at: Moment) -> Action:
        """Change the bits and go on; drop what has no whole TCP header to change (``set_ect_tcp``)."""
        packet = at.packet
        if self.ip_ect is not None:
            packet = replace(packet, tos=packet.tos & 0xFC | self.ip_ect)
        changed = self._with_flags(packet)
        return Drop() if changed is None else Alter("ECN bits changed", changed)

    def deed(self, asked: Asked) -> Deed:
        """Change the bits of either header, or both."""
        fields = {Field.TOS} if self.ip_ect is not None else set()
        if (self.tcp_remove, self.tcp_ece, self.tcp_cwr) != _NO_BITS:
            fields.add(Field.FLAGS)
        return Change("ECN bits changed", frozenset(fields), (self.name, *self.words(asked.variant)))

    def _with_flags(self, packet: Packet) -> Packet | None:
        from iptc_sim.wire.headers import CWR, ECE  # noqa: PLC0415 - what reads rules does not need it
        from iptc_sim.wire.packets import datagram_of, with_transport  # noqa: PLC0415 - likewise

        datagram = datagram_of(packet)
        if packet.protocol != TCP or datagram is None or (self.tcp_remove, self.tcp_ece, self.tcp_cwr) == _NO_BITS:
            return packet
        if len(datagram.data) - (datagram.start or 0) < _TCP_HEADER:
            return None
        if datagram.offset:
            return packet  # the kernel changes what lies there in a later fragment: no flags
        segment, before = bytearray(datagram.transport), datagram.transport[13]
        for bit, wanted in ((ECE, self.tcp_ece), (CWR, self.tcp_cwr)):
            value = 0 if self.tcp_remove else wanted
            if value is not None:
                segment[13] = segment[13] & ~bit | bit * value
        return packet if segment[13] == before else with_transport(packet, bytes(segment))
