"""A node for kube-proxy in the kernel: iptables in a namespace of its own, and what kube-proxy calls there."""

from __future__ import annotations

import shlex

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kube import Settings
from iptc_sim.kube.static_rules import base_rules
from iptc_sim.values import Family


class Machine:
    """A network namespace with the iptables of a variant and a family."""

    def __init__(self, family: Family, variant: str) -> None:
        self._namespace = Namespace()
        self._name = f"{'ip6tables' if family is Family.IPV6 else 'iptables'}-{variant}"
        self._whole = variant == "nft"

    def close(self) -> None:
        self._namespace.close()

    def restore(self, text: str, *flags: str) -> None:
        self._namespace.run([f"{self._name}-restore", *flags], text)

    def saved(self) -> str:
        found = self._namespace.run([f"{self._name}-save"])
        return "".join(f"{line}\n" for line in found.splitlines() if not line.startswith("#"))

    def call(self, *words: str) -> None:
        self._namespace.run([self._name, *words])

    def install_jumps(self, settings: Settings) -> None:
        """Do what kube-proxy does about its jumps: make the chain, look for the jump, put it in front if missing."""
        for table, base, words in reversed(list(base_rules(settings.kube_proxy))):
            self._try("-t", table, "-N", words.rpartition(" ")[2])
            parts = shlex.split(words)
            if not self._try("-t", table, "-C", base, *parts):
                self.call("-t", table, "-I", base, *parts)

    def _try(self, *words: str) -> bool:
        try:
            self.call(*words)
        except KernelError:
            return False
        return True

    def comparable(self, text: str) -> object:
        """Return a saved text; legacy's order of tables is that of their first use (kube-proxy.md 6)."""
        return text if self._whole else sorted(text.split("COMMIT\n"))


def jumps(settings: Settings) -> str:
    """Return what kube-proxy does first, as one text: it makes each chain and puts the jump in front."""
    tables: dict[str, list[str]] = {}
    for table, base, words in reversed(list(base_rules(settings.kube_proxy))):
        lines = tables.setdefault(table, [])
        chain = f"-N {words.rpartition(' ')[2]}"
        lines += [line for line in (chain,) if line not in lines]
        lines.append(f"-I {base} {words}")
    return "".join(
        f"*{table}\n" + "".join(f"{line}\n" for line in lines) + "COMMIT\n" for table, lines in tables.items()
    )
