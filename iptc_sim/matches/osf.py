"""``-m osf``: the operating system that a SYN looks like, by loaded fingerprints (xt_osf.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, both
from iptc_sim.extension import extension
from iptc_sim.match import Match, Outcome, Unclear
from iptc_sim.matches._asked import protocol_is
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import option
from iptc_sim.protocols import TCP
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.text import Text
from iptc_sim.values import Family, Negatable


@extension
class Osf(Match):
    """Needs ``-p tcp``; IPv4 only. It depends on fingerprints that are loaded with nfnl_osf."""

    NAME = "osf"
    FAMILIES = frozenset({Family.IPV4})
    PROTOCOLS = frozenset({TCP})
    HOOKS = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})

    genre: Negatable[str] = option(
        Text("the name of an operating system, of which 31 bytes are kept", 31, quote=False),
        "--genre",
        negatable=True,
        required=True,
    )
    ttl: int | None = option(Integer(0, 2), "--ttl")
    log: int | None = option(Integer(0, 2), "--log")

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Say what would have to be known."""
        return Unclear(self, "the fingerprints of operating systems are not known (they are loaded with nfnl_osf)")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say that the TCP header is compared with fingerprints; what is logged makes no difference."""
        return both([protocol_is(TCP), self.free("genre", None, self.ttl)])
