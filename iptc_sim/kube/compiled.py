"""Objects to the ruleset that the kernel then holds."""

from __future__ import annotations

from iptc_sim import syntax
from iptc_sim.diagnostics import SourceFile
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.settings import Settings
from iptc_sim.kube.text import Spelling
from iptc_sim.ruleset import Ruleset


def compile_services(cluster: Cluster, settings: Settings) -> Ruleset:
    """Return the ruleset that the kernel holds once kube-proxy has written its rules into empty tables.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
    """
    text = compile_text(cluster, settings, Spelling.SAVE)
    return syntax.parse(SourceFile(f"kube-proxy {settings.release}", text), family=settings.family)
