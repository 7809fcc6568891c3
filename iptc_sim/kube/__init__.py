"""Kubernetes objects, and the rules that kube-proxy writes for them.

Names are imported when first used: writing rules as text needs nothing of what reads rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.lazy import imported_when_used

if TYPE_CHECKING:
    from iptc_sim.kube.changes import RELEASES
    from iptc_sim.kube.compiled import compile_services
    from iptc_sim.kube.compiler import chain_names, compile_text, restore_text
    from iptc_sim.kube.load import load_cluster
    from iptc_sim.kube.names import is_kube_chain, kube_chain_prefixes
    from iptc_sim.kube.objects import Cluster
    from iptc_sim.kube.settings import Settings
    from iptc_sim.kube.text import Spelling

_HOMES = {
    "changes": ("RELEASES",),
    "compiled": ("compile_services",),
    "compiler": ("chain_names", "compile_text", "restore_text"),
    "load": ("load_cluster",),
    "names": ("is_kube_chain", "kube_chain_prefixes"),
    "objects": ("Cluster",),
    "settings": ("Settings",),
    "text": ("Spelling",),
}

__all__ = [
    "RELEASES",
    "Cluster",
    "Settings",
    "Spelling",
    "chain_names",
    "compile_services",
    "compile_text",
    "is_kube_chain",
    "kube_chain_prefixes",
    "load_cluster",
    "restore_text",
]


if not TYPE_CHECKING:  # a type checker must miss a name that is not there
    __getattr__ = imported_when_used(__name__, _HOMES)
