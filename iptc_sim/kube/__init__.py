"""Kubernetes objects, and the rules that kube-proxy writes for them."""

from iptc_sim.kube.compiler import chain_names, compile_services, restore_text
from iptc_sim.kube.load import load_cluster
from iptc_sim.kube.names import is_kube_chain, kube_chain_prefixes
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.settings import Settings

__all__ = [
    "Cluster",
    "Settings",
    "chain_names",
    "compile_services",
    "is_kube_chain",
    "kube_chain_prefixes",
    "load_cluster",
    "restore_text",
]
