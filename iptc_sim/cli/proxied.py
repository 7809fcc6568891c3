"""What the userspace proxy does with packets that the rules lead to it, for ``iptc-sim trace`` and ``odds``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from iptc_sim.cli.past import Past

if TYPE_CHECKING:
    from iptc_sim.engine.outcomes import Outcome
    from iptc_sim.kube import Cluster
    from iptc_sim.node import Node
    from iptc_sim.ruleset import Ruleset
    from iptc_sim.steps import Trace

#: The formats to which a line can be added.
_TEXTS: Final = ("path", "detailed")


class Proxied:
    """kube-proxy's own part where the rules have the portals of its userspace mode; nothing where they have none.

    Args:
        ruleset: the rules.
        cluster: the objects; None: none are given.
        node: the machine.
        past: what was sent before; a place that follows ``=>`` there is an endpoint that kube-proxy took.
        seed: draws the order of the endpoints.

    Attributes:
        past: what was sent before, for the rules alone.

    Raises:
        UsageError: IPT044, what became of a packet of the past cannot be told, or is not possible.
    """

    def __init__(self, ruleset: Ruleset, cluster: Cluster | None, node: Node, past: Past, seed: int | None) -> None:
        self.past = past
        if ruleset.chain("nat", "KUBE-PORTALS-CONTAINER") is None:
            self._proxy = None
            return
        from iptc_sim.engine.session import Session
        from iptc_sim.kube.hand_over import UserspaceProxy

        self._proxy = UserspaceProxy(ruleset, cluster, seed)
        if past.packets:
            known = () if node.connections is None else node.connections
            session = Session(ruleset, node, connections=known, now=past.now)
            self.past = Past(past.now, self._proxy.remember(session, past.packets))

    def annotate(self, found: Trace) -> Trace:
        """Return a trace whose ends at kube-proxy tell what it does, for formats that show all of it."""
        return found if self._proxy is None else self._proxy.annotate(found, self.past.now)

    def spread(self, found: Trace, ends: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
        """Return the outcomes of a trace, those at kube-proxy once for each endpoint that it may connect to."""
        if self._proxy is None:
            return ends
        from iptc_sim.kube.hand_over import shared_out

        return tuple(part for item in ends for part in shared_out(self._proxy, found, item, self.past.now))

    def lines(self, found: Trace, output: str) -> str:
        """Return what kube-proxy does at the ends of a trace, a line each."""
        if self._proxy is None or output not in _TEXTS:
            return ""
        return "".join(f"proxy    {one}\n" for one in self._proxy.hand_overs(found, self.past.now))
