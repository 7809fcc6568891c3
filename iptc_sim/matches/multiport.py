"""``-m multiport``: up to 15 ports or ranges (xt_multiport.c)."""

from __future__ import annotations

from iptc_sim.constraint import ALWAYS, Asked, Constraint, Field, both, one_of, opposite, within
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._asked import protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, option
from iptc_sim.protocols import PORT_PROTOCOLS
from iptc_sim.value_types.port import PORT_SET
from iptc_sim.values import UNKNOWN, Negatable, PortSet


@extension
class Multiport(HeaderMatch):
    """One of the three options; needs a protocol with ports.

    ``--sport`` is short for ``--sports`` where no match is loaded that has an option of that very name.
    """

    NAME = "multiport"
    PROTOCOLS = PORT_PROTOCOLS

    sports: Negatable[PortSet] | None = option(PORT_SET, "--sports", "--source-ports", negatable=True)
    dports: Negatable[PortSet] | None = option(PORT_SET, "--dports", "--destination-ports", negatable=True)
    ports: Negatable[PortSet] | None = option(PORT_SET, "--ports", negatable=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or several of the three."""
        self.demand_one("sports", "dports", "ports")

    def judge(self, at: Moment) -> Outcome:
        """Compare the ports; ``--ports`` fits if either one is in the list."""
        packet = at.packet
        if not packet.has_ports:
            return No(self, "", f"{packet.protocol_name} has no ports")
        if packet.sport is None and packet.raw is not None:
            return self.absent(at, packet.protocol_name)
        return decide(
            self.test("sports", packet.sport, "source port"),
            self.test("dports", packet.dport, "destination port"),
            self._either(at),
        )

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the tests of the ports."""
        return both(
            [
                protocol_is(*PORT_PROTOCOLS),
                _listed(self.sports, Field.SPORT),
                _listed(self.dports, Field.DPORT),
                _listed(self.ports, Field.SPORT, Field.DPORT),
            ]
        )

    def _either(self, at: Moment) -> No | Unclear | None:
        if self.ports is None:
            return None
        both = (at.packet.sport, at.packet.dport)
        if any(port in self.ports.value for port in both):
            return No(self, "ports", f"the ports are {both[0]} and {both[1]}") if self.ports.negated else None
        if UNKNOWN in both:
            return Unclear(self, f"{self.option_text('ports')}: a port is not known")
        return None if self.ports.negated else No(self, "ports", f"the ports are {both[0]} and {both[1]}")


def _listed(wanted: Negatable[PortSet] | None, *fields: Field) -> Constraint:
    """Return that one of the ports is in the list."""
    if wanted is None:
        return ALWAYS
    spans = [(one.first, one.last) for one in wanted.value.ranges]
    fits = one_of(within(field, spans) for field in fields)
    return opposite(fits) if wanted.negated else fits
