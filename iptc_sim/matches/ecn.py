"""``-m ecn``: the bits of congestion notification in the IP and TCP headers (xt_ecn.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, bits, both
from iptc_sim.extension import Placement, extension, without_protocol
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._asked import protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.protocols import TCP
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable


@extension
class Ecn(HeaderMatch):
    """The two flags of TCP need ``-p tcp``."""

    NAME = "ecn"

    tcp_ece: Negatable[bool] | None = flag("--ecn-tcp-ece", negatable=True)
    tcp_cwr: Negatable[bool] | None = flag("--ecn-tcp-cwr", negatable=True)
    ip_ect: Negatable[int] | None = option(Integer(0, 3), "--ecn-ip-ect", negatable=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a rule that asks for nothing."""
        if self.tcp_ece is None and self.tcp_cwr is None and self.ip_ect is None:
            raise ValueError("-m ecn needs at least one option")

    def refusal(self, place: Placement) -> str:
        """Return why the kernel refuses it: TCP flags without ``-p tcp`` (``ecn_mt_check4``)."""
        if self.tcp_ece is None and self.tcp_cwr is None:
            return ""
        return without_protocol("a test of TCP flags", place, frozenset({TCP}))

    def judge(self, at: Moment) -> Outcome:
        """Compare the lower two bits of the octet, then the TCP flags."""
        found = self.test("ip_ect", at.packet.tos & 3, "ECN field")
        if found is not None or (self.tcp_ece is None and self.tcp_cwr is None):
            return decide(found)
        header = self.transport(at, 14, "TCP")
        if isinstance(header, No | Unclear):
            return No(self, "", header.found) if isinstance(header, No) else header
        from iptc_sim.wire.headers import CWR, ECE  # noqa: PLC0415 - what reads rules does not need it

        return decide(self._flag("tcp_ece", bool(header[13] & ECE)), self._flag("tcp_cwr", bool(header[13] & CWR)))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the tests of the octet and of the flags."""
        from iptc_sim.wire.headers import CWR, ECE  # noqa: PLC0415 - what reads rules does not need it

        tests = [bits(Field.TOS, self.ip_ect.value, 3, negated=self.ip_ect.negated)] if self.ip_ect else []
        for wanted, bit in ((self.tcp_ece, ECE), (self.tcp_cwr, CWR)):
            if wanted is not None:
                tests += [protocol_is(TCP), bits(Field.FLAGS, bit, bit, negated=wanted.negated)]
        return both(tests)

    def _flag(self, field: str, is_on: bool) -> No | None:
        wanted: Negatable[bool] | None = getattr(self, field)
        if wanted is None or is_on != wanted.negated:
            return None
        return No(self, field, "the flag is on" if is_on else "the flag is off")
