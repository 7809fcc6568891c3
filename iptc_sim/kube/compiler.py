"""Objects to rules: what kube-proxy writes for a cluster, as its own text and as iptables-save prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iptc_sim.kube import ext_rules, xlb_rules
from iptc_sim.kube.kubelet import write_kubelet
from iptc_sim.kube.node_view import view_node
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.proxy_ports import assign_proxy_ports
from iptc_sim.kube.releases import Era
from iptc_sim.kube.select import portals
from iptc_sim.kube.settings import Settings
from iptc_sim.kube.static_rules import base_rules, write_head, write_tail
from iptc_sim.kube.text import Existing, RulesText, Spelling
from iptc_sim.kube.userspace import write_userspace

_WRITERS: Final = {Era.EXT: ext_rules.write_service_port, Era.XLB: xlb_rules.write_service_port}


def compile_text(
    cluster: Cluster, settings: Settings, spelling: Spelling = Spelling.RESTORE, existing: Existing | None = None
) -> str:
    """Return the rules for a cluster as text.

    The order between service ports, random in kube-proxy, is the order of their names.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
        spelling: RESTORE for what kube-proxy hands to ``iptables-restore --noflush --counters``; SAVE for what
            iptables-save prints after that in tables that were empty: base chains with kube-proxy's jumps are included.
        existing: what the node has already, for RESTORE; None for empty tables.
    """
    out = RulesText.start(spelling, settings.family)
    found = portals(cluster, settings)
    view = view_node(cluster, settings, sum(len(portal.backends) for portal in found))
    if settings.proxy_mode == "userspace":
        write_userspace(found, view, assign_proxy_ports(found, settings), out)
    else:
        out.base += base_rules(view.release)
        write_head(view, out)
        write = _WRITERS[view.release.era]
        for portal in found:
            write(portal, view, out)
        # A large cluster's stale chains wait until the last cleanup is old.
        waits = view.release.cleans_late and not view.endpoint_comments and settings.last_cleanup == "recent"
        for chain in existing.stale(out.nat.chains) if existing and not waits else ():
            out.nat.delete(chain)
        write_tail(view, out)
    if settings.kubelet and spelling is Spelling.SAVE:
        write_kubelet(settings, out)
    return out.render(existing)


def restore_text(cluster: Cluster, settings: Settings) -> str:
    """Return the text that kube-proxy hands to ``iptables-restore --noflush --counters`` on a fresh node.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
    """
    return compile_text(cluster, settings)


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
            names[backend.chain] = f"{portal.label} -> {backend.text}"
    return names
