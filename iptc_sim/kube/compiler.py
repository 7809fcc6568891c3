"""Objects to rules: what kube-proxy writes for a cluster, as its own text and as the kernel then holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iptc_sim import syntax
from iptc_sim.diagnostics import SourceFile
from iptc_sim.kube import ext_rules, xlb_rules
from iptc_sim.kube.names import endpoint_chain
from iptc_sim.kube.node_view import view_node
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.releases import Era
from iptc_sim.kube.select import portals
from iptc_sim.kube.settings import Settings
from iptc_sim.kube.static_rules import base_rules, write_head, write_tail
from iptc_sim.kube.text import RestoreText
from iptc_sim.ruleset import Ruleset

_WRITERS: Final = {Era.EXT: ext_rules.write_service_port, Era.XLB: xlb_rules.write_service_port}


def restore_text(cluster: Cluster, settings: Settings) -> str:
    """Return the text that kube-proxy hands to ``iptables-restore --noflush --counters`` on a fresh node.

    The order between service ports, random in kube-proxy, is the order of their names.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
    """
    return _written(cluster, settings).render()


def compile_services(cluster: Cluster, settings: Settings) -> Ruleset:
    """Return the ruleset that the kernel holds once kube-proxy has written its rules into empty tables.

    Base chains with their policies and kube-proxy's jumps are included.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
    """
    text = _written(cluster, settings).render_complete(base_rules(settings.kube_proxy))
    return syntax.parse(SourceFile(f"kube-proxy {settings.release}", text), family=settings.family)


def chain_names(cluster: Cluster, settings: Settings) -> Mapping[str, str]:
    """Return what the chains of Services and endpoints stand for.

    Names are made from the objects, so that chains of another release's layout or of endpoints that get no
    traffic are told too.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: the release decides about the names of unnamed ports.

    Returns:
        ``default/web:http`` for the chains of a service port, and for KUBE-SEP
        ``default/web:http -> 10.244.1.5:8080``.
    """
    names: dict[str, str] = {}
    for portal in portals(cluster, settings):
        for kind in ("SVC", "SVL", "EXT", "FW", "XLB"):
            names[f"KUBE-{kind}-{portal.hash}"] = portal.label
        for backend in portal.backends:
            chain = endpoint_chain(portal.name, portal.protocol, backend.text)
            names[chain] = f"{portal.label} -> {backend.text}"
    return names


def _written(cluster: Cluster, settings: Settings) -> RestoreText:
    found = portals(cluster, settings)
    view = view_node(cluster, settings, sum(len(portal.backends) for portal in found))
    out = RestoreText()
    write_head(view, out)
    write = _WRITERS[view.release.era]
    for portal in found:
        write(portal, view, out)
    write_tail(view, out)
    return out
