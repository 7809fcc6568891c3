"""``-m tcpmss``: the maximum segment size that a TCP SYN announces (xt_tcpmss.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, decide
from iptc_sim.matches._asked import protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.protocols import TCP
from iptc_sim.records import replace
from iptc_sim.value_types.number_range import NumberRangeType
from iptc_sim.values import Family, Negatable, NumberRange


@extension
class Tcpmss(HeaderMatch):
    """Needs ``-p tcp``; a packet without the option fits where the range is negated."""

    NAME = "tcpmss"
    PROTOCOLS = frozenset({TCP})

    mss: Negatable[NumberRange] = option(
        NumberRangeType(0xFFFF, ordered=True, vanishes=False), "--mss", negatable=True, required=True
    )

    def judge(self, at: Moment) -> Outcome:
        """Look for the option among the TCP options, whatever the flags are.

        Of a later fragment of IPv4 the module takes for the TCP header what lies in its place.
        """
        found = self.octets(at).datagram
        later = found is not None and found.offset > 0 and found.family is Family.IPV4
        if found is not None and later:
            found = replace(found, offset=0)
        options = None if found is None else found.tcp_options
        if options is None and later:
            return No(self, "", "a later fragment holds no TCP header: the kernel drops the packet", drops=True)
        if options is None:
            return self.absent(at, "TCP")
        from iptc_sim.wire.headers import MSS, tcp_options  # noqa: PLC0415 - what reads rules does not need it

        for kind, place, length in tcp_options(options):
            if kind == MSS and length == 4 and place + 4 <= len(options):
                return decide(self.test("mss", int.from_bytes(options[place + 2 : place + 4]), "MSS"))
        return decide(self.test("mss", None, "MSS option"))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say that the option is looked for, which rules may change."""
        return both([protocol_is(TCP), self.free("mss", reads=None)])
