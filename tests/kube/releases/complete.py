"""What a node holds after kube-proxy's first sync, made from the text for iptables-restore: a second way to it."""

from __future__ import annotations

import re

from iptc_sim.kube import Cluster, Settings, restore_text
from iptc_sim.kube.static_rules import base_rules

_BASES = {"filter": ("INPUT", "FORWARD", "OUTPUT"), "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")}


def complete_text(cluster: Cluster, settings: Settings) -> str:
    """Return the restore text with base chains, jumps and the chains that are there before, each table in save's order."""
    release = settings.kube_proxy
    lines: list[str] = []
    for part in restore_text(cluster, settings).split("COMMIT\n")[:2]:
        name, *rest = part.splitlines()
        jumps = [f"-A {base} {words}" for table, base, words in base_rules(release) if f"*{table}" == name]
        rules = [line for line in rest if line.startswith("-A ")]
        chains = {line[1:].split(" ")[0] for line in rest if line.startswith(":")}
        chains |= {found[1] for line in (*jumps, *rules) if (found := re.search(r"-j (KUBE-\S+)$", line))}
        if release.makes_mark_drop and name == "*nat":
            chains.add("KUBE-MARK-DROP")
        bases = _BASES[name[1:]]
        lines += [
            name,
            *(f":{base} ACCEPT [0:0]" for base in bases),
            *(f":{chain} - [0:0]" for chain in sorted(chains)),
        ]
        for chain in (*bases, *sorted(chains)):
            lines += [line for line in (*jumps, *rules) if line.split(" ", 2)[1] == chain]
        lines.append("COMMIT")
    return "\n".join([*lines, ""])
