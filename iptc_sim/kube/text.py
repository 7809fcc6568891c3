"""The text for iptables-restore, while it is being written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from iptc_sim.records import dataclass, field

#: Kubelet's chain for packets to be dropped; kube-proxy neither makes nor fills it.
KUBELET_CHAIN: Final = "KUBE-MARK-DROP"

BASE_CHAINS: Final = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
}


@dataclass(slots=True)
class TableText:
    """Chains and rules of one table, in the order of writing.

    Args:
        chains: names of the chains that the text declares, and by that flushes.
        rules: lines ``-A CHAIN ...`` in kube-proxy's order of words.
    """

    chains: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RestoreText:
    """What kube-proxy hands to iptables-restore: the filter table, then nat."""

    filter: TableText = field(default_factory=TableText)
    nat: TableText = field(default_factory=TableText)

    def render(self) -> str:
        """Return the text as it is handed over."""
        lines: list[str] = []
        for name, table in (("filter", self.filter), ("nat", self.nat)):
            lines.append(f"*{name}")
            lines += [f":{chain} - [0:0]" for chain in table.chains]
            lines += table.rules
            lines.append("COMMIT")
        lines.append("")
        return "\n".join(lines)

    def render_complete(self, jumps: Iterable[tuple[str, str, str]]) -> str:
        """Return a text that makes the same tables from nothing, chains in the order of iptables-save.

        Args:
            jumps: table, base chain and words of the rules in the base chains, in order.
        """
        jumps = list(jumps)
        lines: list[str] = []
        for name, table in (("filter", self.filter), ("nat", self.nat)):
            own = [(base, words) for kind, base, words in jumps if kind == name]
            lines.append(f"*{name}")
            lines += [f":{base} ACCEPT [0:0]" for base in BASE_CHAINS[name]]
            # Chains that are only jumped to exist too: kube-proxy makes them before it writes rules.
            chains = sorted({*table.chains, *(words.rpartition(" ")[2] for _, words in own), *_of_kubelet(table)})
            lines += [f":{chain} - [0:0]" for chain in chains]
            by_chain: dict[str, list[str]] = {chain: [] for chain in (*BASE_CHAINS[name], *chains)}
            for base, words in own:
                by_chain[base].append(f"-A {base} {words}")
            for rule in table.rules:
                by_chain[rule.split(" ", 2)[1]].append(rule)
            lines += [rule for rules in by_chain.values() for rule in rules]
            lines.append("COMMIT")
        lines.append("")
        return "\n".join(lines)


def _of_kubelet(table: TableText) -> list[str]:
    """Return kubelet's chain where rules jump to it: releases up to 1.24 count on finding it there."""
    jump = f"-j {KUBELET_CHAIN}"
    return [KUBELET_CHAIN] if any(rule.endswith(jump) for rule in table.rules) else []
