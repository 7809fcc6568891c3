"""``-m rpfilter``: whether a reply would leave by where the packet came in (ipt_rpfilter.c, ip6t_rpfilter.c)."""

from __future__ import annotations

from ipaddress import IPv4Address

from iptc_sim.constraint import Asked, Constraint, Field, Free
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import RouteKey
from iptc_sim.options import flag
from iptc_sim.values import UNKNOWN

_NOWHERE, _EVERYWHERE = IPv4Address(0), IPv4Address(0xFFFFFFFF)


@extension
class Rpfilter(Match):
    """Does a route lookup for the source, so it stands before routing: raw and mangle, PREROUTING."""

    NAME = "rpfilter"
    TABLES = frozenset({"raw", "mangle"})
    HOOKS = frozenset({Hook.PREROUTING})

    loose: bool = flag("--loose")
    validmark: bool = flag("--validmark")
    accept_local: bool = flag("--accept-local")
    invert: bool = flag("--invert")

    def judge(self, at: Moment) -> Outcome:
        """Look the route to the source up; what came in by lo always has one."""
        fine = self._is_fine(at)
        if fine is None:
            return Unclear(self, f"how {at.packet.source} is reached is not known")
        if fine != self.invert:
            return YES
        found = "" if fine else "not "
        return No(self, "", f"a reply to {at.packet.source} would {found}leave by {at.packet.in_interface}")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Ask for the route back, which may hang on the mark with ``--validmark``."""
        reads = {Field.SOURCE, Field.DESTINATION, Field.TOS, Field.IN_INTERFACE}
        reads |= {Field.MARK} if self.validmark else set()
        key = (self.NAME, self.loose, self.validmark, self.accept_local)
        return Free(key, frozenset(reads), self.invert)

    def _is_fine(self, at: Moment) -> bool | None:
        packet = at.packet
        source, destination, inner = packet.source, packet.destination, packet.in_interface
        if inner == "lo":
            return True
        if source is UNKNOWN:
            return None
        if source.version == 6 and (source.is_unspecified or source.is_multicast):
            return True  # to groups of IPv6 there is a way by every interface
        if source == _NOWHERE and destination is not UNKNOWN and destination.packed[:3] == b"\xe0\x00\x00":
            return True
        mark = packet.mark if self.validmark else 0
        near = inner if source.version == 6 and source.is_link_local and isinstance(inner, str) else None
        other = None if destination is UNKNOWN else destination
        key = RouteKey(source=other, mark=mark, tos=packet.tos, out_interface=near)
        decision = at.node.lookup(source, key)
        if decision.kind == "local":
            here = {hop.interface for hop in decision.route.hops} if decision.route else set()
            return self.accept_local and (self.loose or source.version == 6 or inner in here)
        if decision.kind != "unicast" and source != _EVERYWHERE:
            return False
        if self.loose and decision.interface is not None:
            return True if at.node.known else None
        if decision.ways:
            return inner in {hop.interface for hop in decision.ways}
        return None if UNKNOWN in {decision.interface, inner} else inner == decision.interface
