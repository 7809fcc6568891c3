"""The rules of kube-proxy while they are being written, in one of two spellings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, Protocol

from iptc_sim.kube.respell import LONGEST_COMMENT, saved_range, saved_words
from iptc_sim.records import dataclass, field
from iptc_sim.values import Family

#: Kubelet's chain for packets to be dropped; kube-proxy up to 1.24 jumps to it.
MARK_DROP: Final = "KUBE-MARK-DROP"

#: Base chains of the tables that kube-proxy and kubelet use, in the order of iptables-save.
BASE_CHAINS: Final = {
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
}


class Spelling(Enum):
    """Which text is written."""

    RESTORE = "what kube-proxy hands to iptables-restore --noflush"
    SAVE = "what iptables-save prints once that, and the jumps of the base chains, are loaded"


#: To ask the class for a member each time takes ten times as long (Python 3.11).
_RESTORE: Final = Spelling.RESTORE


class Existing(Protocol):
    """What a node that has rules already changes in the text."""

    def counters(self, table: str, chain: str) -> str:
        """Return ``[12:720]`` for a chain that exists and keeps its counters, else ``[0:0]``."""

    def stale(self, written: Iterable[str]) -> Sequence[str]:
        """Return the chains of nat that are to be flushed and deleted, given those that are written."""


@lru_cache(maxsize=16)
def _source(others: str) -> str | None:
    """Return `` ! -s RANGE`` as it stands in front; None for other conditions."""
    if not others:
        return ""
    words = others.split()
    if words[:2] != ["!", "-s"] or len(words) != 3 or not saved_range(words[2]):
        return None
    return f"! -s {saved_range(words[2])} "


@dataclass(slots=True)
class TableText:
    """Chains and rules of one table.

    Args:
        spelling: of the rules that are kept.
        family: decides about words that iptables adds by itself.
        chains: the chains declared so far, each with its own lines (SAVE only), in the order of declaration.
        lines: all rules in the order of writing (RESTORE only).
    """

    spelling: Spelling
    family: Family
    chains: dict[str, list[str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def declare(self, *chains: str) -> None:
        """Add chain lines ``:CHAIN - [0:0]``; a second one of the same chain is not written."""
        known = self.chains
        for chain in chains:
            if chain not in known:
                known[chain] = []

    def ensure(self, chain: str) -> None:
        """Make a chain exist without a chain line: it is made, or found, before the text is handed over."""
        if self.spelling is not _RESTORE:
            self.chains.setdefault(chain, [])

    def add(self, chain: str, words: str) -> None:
        """Append a rule.

        Args:
            chain: declared before or later.
            words: what follows ``-A CHAIN`` in kube-proxy's own spelling.
        """
        if self.spelling is _RESTORE:
            self.lines.append(f"-A {chain} {words}")
        else:
            self.chains.setdefault(chain, []).append(f"-A {chain} {saved_words(words, self.family)}")

    def add_for(self, chain: str, comment: str, protocol: str, to: tuple[str, int], others: str, target: str) -> None:
        """Append a rule for packets to an address and port.

        Args:
            chain: as for :meth:`add`.
            comment: its text; with a blank in it, so that it is quoted in both spellings.
            protocol: in lower case.
            to: the address as the release writes it, and the port.
            others: more conditions, with a blank in front of each; may be empty.
            target: a chain.
        """
        host, port = to
        if self.spelling is _RESTORE:
            self.lines.append(
                f'-A {chain} -m comment --comment "{comment}" -m {protocol} -p {protocol} '
                f"-d {host} --dport {port}{others} -j {target}"
            )
            return
        front = _source(others)
        if front is None or len(comment) > LONGEST_COMMENT:
            words = f'-m comment --comment "{comment}" -m {protocol} -p {protocol} -d {host} --dport {port}{others}'
            self.add(chain, f"{words} -j {target}")
            return
        self.chains.setdefault(chain, []).append(
            f"-A {chain} {front}-d {saved_range(host)} -p {protocol} "
            f'-m comment --comment "{comment}" -m {protocol} --dport {port} -j {target}'
        )

    def take(self, chain: str, lines: list[str]) -> None:
        """Append rules that are spelled as this table keeps them, ``-A CHAIN`` included."""
        if self.spelling is _RESTORE:
            self.lines += lines
        else:
            self.chains.setdefault(chain, []).extend(lines)

    def delete(self, chain: str) -> None:
        """Flush and delete a chain that exists (``-X``): after it, it is gone."""
        if self.spelling is _RESTORE:
            self.chains.setdefault(chain, [])
            self.lines.append(f"-X {chain}")


@dataclass(slots=True)
class RulesText:
    """Everything that is written.

    Args:
        base: table, base chain and words of the rules in base chains, in their final order; they are part of SAVE only,
            since kube-proxy installs them one by one. Their words are spelled as kube-proxy does.
    """

    spelling: Spelling
    family: Family
    filter: TableText
    nat: TableText
    mangle: TableText
    base: list[tuple[str, str, str]] = field(default_factory=list)

    @classmethod
    def start(cls, spelling: Spelling, family: Family) -> RulesText:
        """Return an empty text."""
        tables = [TableText(spelling, family) for _ in range(3)]
        return cls(spelling, family, filter=tables[0], nat=tables[1], mangle=tables[2])

    @property
    def tables(self) -> Mapping[str, TableText]:
        """The tables by name, in the order of iptables-save."""
        return {"mangle": self.mangle, "filter": self.filter, "nat": self.nat}

    def render(self, existing: Existing | None = None) -> str:
        """Return the text.

        Args:
            existing: gives the counters of chain lines; only in RESTORE.
        """
        return self._restore(existing) if self.spelling is _RESTORE else self._save()

    def _restore(self, existing: Existing | None) -> str:
        lines: list[str] = []
        for name, table in (("filter", self.filter), ("nat", self.nat)):
            lines.append(f"*{name}")
            if existing:
                lines += [f":{chain} - {existing.counters(name, chain)}" for chain in table.chains]
            else:
                lines += [f":{chain} - [0:0]" for chain in table.chains]
            lines += table.lines
            lines.append("COMMIT")
        lines.append("")
        return "\n".join(lines)

    def _save(self) -> str:
        lines: list[str] = []
        for name, table in self.tables.items():
            if name == "mangle" and not table.chains:
                continue
            own = [(base, words) for kind, base, words in self.base if kind == name]
            for _, words in own:
                table.ensure(words.rpartition(" ")[2])
            chains = sorted(table.chains)
            lines.append(f"*{name}")
            lines += [f":{base} ACCEPT [0:0]" for base in BASE_CHAINS[name]]
            lines += [f":{chain} - [0:0]" for chain in chains]
            for base in BASE_CHAINS[name]:
                lines += [f"-A {base} {saved_words(words, self.family)}" for kind, words in own if kind == base]
            for chain in chains:
                lines += table.chains[chain]
            lines.append("COMMIT")
        lines.append("")
        return "\n".join(lines)
