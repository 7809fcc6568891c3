"""Whose a rule is: the service port that it stands there for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.kube.names_of import NUMBERED, Names, service_in
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.select import portals
from iptc_sim.kube.settings import Settings
from iptc_sim.ruleset import Rule

Owner = Callable[[str, str, Rule | None], str]


def owner_of(names: Names) -> Owner:
    """Return a function that tells whose a rule or a chain is.

    It takes table, chain and rule, or None for the chain itself, and returns ``default/web:http``, or nothing for what
    is kube-proxy's own.

    Args:
        names: of the chains, from the objects and the dump.
    """

    def owner(_table: str, chain: str, rule: Rule | None) -> str:
        if NUMBERED.fullmatch(chain):
            found = names.about(chain)
            return found.service if found else ""
        if rule is None:
            return ""
        target = rule.target.chain if isinstance(rule.target, JumpTo | GoTo) else ""
        led = names.about(target)
        return led.service if led else service_in(rule.comment)

    return owner


def service_ports(cluster: Cluster, settings: Settings) -> Sequence[str]:
    """Return the service ports that have rules, as they are called here: ``default/web:http``.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
    """
    return [portal.label for portal in portals(cluster, settings)]
