"""The rules of one table, kept as places in the text: a rule is built when somebody looks at it.

A dump of 500,000 rules is read and checked in full, but nobody looks at more than a few hundred rules of it. What is
kept of a rule is its place and the chain it jumps to; the rest is the text itself.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from itertools import chain as chained
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.records import replace
from iptc_sim.ruleset import Counters, Rule
from iptc_sim.syntax.entry_list import EntryList
from iptc_sim.syntax.words import LineError

#: How many rules the commands of one table may look at.
MOST_STEPS: Final = 20_000_000

#: Builds the rule that stands at an offset of the text (characters), in a line (from 1).
Builder = Callable[[int, int], Rule]
#: Returns the lines of the text from the one that begins at an offset to the one that begins at another, both included,
#: and so many lines more before and behind these.
Reader = Callable[[int, int, int, int], str]

#: What stands in front of the rules of ``iptables-save -c``.
_COUNTERS: Final = re.compile(r"^\[\d+:\d+\] ", re.MULTILINE)

_NO_ENTRIES: Final = range(0)


class RuleStore:
    """Chains and rules of a table while it is read, and afterwards.

    A chain is known by its index, a rule by its entry: the how-manieth rule of the text it was.

    Args:
        build: builds rules.
        read: returns their lines.
        sense: where it is the same, the same line is the same rule.

    Attributes:
        names: index of every chain that was named, as a chain or as a jump's aim.
        exists: by chain: whether it is there, and not only jumped to.
        policies: by chain, where one was given.
        counters: of policies, by chain.
        lines: by entry: its line, from 1.
        offsets: by entry: where that begins in the text (characters).
        aims: by entry: index of the chain that it leads to; -1 for none.
        eager: rules that are built already, by entry.
        late: chains that came to exist after rules had been read, each with the first entry that found it there.
        befores: rules before which ``-I`` put another one, with the line of that.
        changes: how often a chain was edited.
        gone: chains that were deleted, each with the first entry behind that.
        flushed: entries that ``-F`` took out.
        taken: entries that ``-D`` took out, with the line of that.
        edited: the entries of chains to which more happened than rules being appended, in order.
        listed: by chain: whether the text names it by itself (``:NAME``, ``-N``, ``-P``), not only through its rules.
    """

    def __init__(self, build: Builder, read: Reader, sense: Hashable) -> None:
        self._build, self._read, self.sense = build, read, sense
        self.names: dict[str, int] = {}
        self.exists = bytearray()
        self.listed = bytearray()
        self.policies: dict[int, str] = {}
        self.counters: dict[int, Counters] = {}
        self.lines = array("I")
        self.offsets = array("Q")
        self.aims = array("i")
        self.eager: dict[int, Rule] = {}
        self.late: dict[int, int] = {}
        self.befores: dict[int, int] = {}
        self.changes = 0
        self._same: dict[int, dict[Rule, set[int]]] = {}
        self._steps = 0
        self._referred: tuple[tuple[int, int], frozenset[int]] = ((-1, -1), frozenset())
        self.edited: dict[int, EntryList] = {}
        self.flushed: set[int] = set()
        self.taken: dict[int, int] = {}
        self._taken_from: dict[int, list[int]] = {}
        self.gone: dict[int, int] = {}
        self._run_chain = array("I")
        self._run_start = array("I")
        self._first = array("i")
        self._more: dict[int, list[int]] = {}
        self._indexed = 0

    def chain(self, name: str) -> int:
        """Return the index of a chain, naming it if it is new."""
        index = self.names.get(name)
        if index is None:
            index = self.names[name] = len(self.exists)
            self.exists.append(0)
            self.listed.append(0)
        return index

    def create(self, name: str, *, listed: bool = True) -> int:
        """Make a chain exist; ``listed``: the text names it by itself. Return its index."""
        index = self.chain(name)
        if self.lines and not self.exists[index]:
            self.late[index] = len(self.lines)
        self.exists[index] = 1
        self.listed[index] |= listed
        return index

    def create_new(self, names: Collection[str]) -> None:
        """Make chains exist that the text names by themselves, and that nothing has named before."""
        if self.lines:
            for name in names:
                self.create(name)
            return
        self.names.update(zip(names, range(len(self.exists), len(self.exists) + len(names)), strict=True))
        self.exists.extend(b"\1" * len(names))
        self.listed.extend(b"\1" * len(names))

    def referred(self) -> frozenset[int]:
        """Return the chains that rules lead to; told again as long as no rule comes or goes."""
        now = len(self.lines), self.changes
        if self._referred[0] != now:
            found = frozenset(self.aims[entry] for _, entries in self.by_chain() for entry in entries)
            self._referred = now, found
        return self._referred[1]

    def same(self, chain: int, rule: Rule) -> set[int]:
        """Return the entries of a chain, those taken out of it included, that say the same as a rule."""
        if chain not in self._same:
            known = self._same[chain] = {}
            for entry in self.entries(chain):
                known.setdefault(self.rule(entry), set()).add(entry)
        return self._same[chain].get(rule, set())

    def work(self, steps: int) -> None:
        """Count steps of commands that look through rules.

        Raises:
            LineError: IPT043, there were too many of them.
        """
        self._steps += steps
        if self._steps > MOST_STEPS:
            raise LineError("IPT043", 0, f"too many commands look through long chains ({MOST_STEPS:,} rules seen)")

    def delete(self, chain: int) -> None:
        """Make a chain exist no more."""
        self.exists[chain] = self.listed[chain] = 0
        self.gone[chain] = len(self.lines)

    def begin_run(self, chain: int) -> None:
        """Say that the entries from here on are rules of another chain than those before."""
        self._run_chain.append(chain)
        self._run_start.append(len(self.lines))

    @property
    def last_chain(self) -> int:
        """The chain of the last run, -1 for none."""
        return self._run_chain[-1] if self._run_chain else -1

    def enter(self, chain: int, line: int, aim: int, rule: Rule) -> int:
        """Keep a rule that is built already in the run of a chain; return its entry."""
        if chain != self.last_chain:
            self.begin_run(chain)
        entry = len(self.lines)
        self.eager[entry] = rule
        if chain in self._same:
            self._same[chain].setdefault(rule, set()).add(entry)
        self.lines.append(line)
        self.offsets.append(0)
        self.aims.append(aim)
        return entry

    def append(self, chain: int, line: int, aim: int, rule: Rule) -> None:
        """Append a rule that is built already to a chain."""
        entry = self.enter(chain, line, aim, rule)
        if chain in self.edited:
            self.edited[chain].append(entry)

    def edit(self, chain: int) -> EntryList:
        """Return the entries of a chain as a list that may be changed."""
        if chain not in self.edited:
            self.edited[chain] = EntryList(self.entries(chain))
        self.changes += 1
        return self.edited[chain]

    def entries(self, chain: int) -> Sequence[int]:
        """Return the entries of a chain in order."""
        if chain in self.edited:
            return self.edited[chain]
        self._index()
        if chain >= len(self._first) or self._first[chain] < 0:
            return ()
        runs = [self._first[chain], *self._more.get(chain, ())]
        spans = [range(self._run_start[run], self._run_end(run)) for run in runs]
        return spans[0] if len(spans) == 1 else [entry for span in spans for entry in span]

    def rename(self, old: str, new: str) -> None:
        """Give a chain another name; the rules that lead to it follow."""
        index = self.names[new] = self.names.pop(old)
        self.work(len(self.aims))
        for entry, aim in enumerate(self.aims):
            rule = self.rule(entry) if aim == index else None
            if rule is not None and isinstance(rule.target, JumpTo | GoTo):
                self.eager[entry] = replace(rule, target=replace(rule.target, chain=new))

    def take(self, chain: int, position: int, line: int) -> None:
        """Take the rule at a position, from 0, out of a chain, by a command in some line."""
        entry = self.edit(chain).pop(position)
        self.taken[entry] = line
        self._taken_from.setdefault(chain, []).append(entry)

    def flush(self, chain: int) -> None:
        """Take all rules out of a chain; iptables-nft does not send them to the kernel, nor those taken out before."""
        entries = self.edit(chain)
        self.flushed.update(entries, self._taken_from.pop(chain, ()))
        entries.clear()

    def disconnect(self, chain: int) -> None:
        """Forget the rules of a chain, and where those that lead to it lead."""
        self.work(len(self.aims))
        self.edit(chain).clear()
        for entry, aim in enumerate(self.aims):
            if aim == chain:
                self.aims[entry] = -1

    def _index(self) -> None:
        """Note for each chain where its runs are; the runs noted before stay as they are."""
        if self._indexed == len(self._run_chain):
            return
        self._first.extend([-1] * (len(self.exists) - len(self._first)))
        for run in range(self._indexed, len(self._run_chain)):
            owner = self._run_chain[run]
            if self._first[owner] < 0:
                self._first[owner] = run
            else:
                self._more.setdefault(owner, []).append(run)
        self._indexed = len(self._run_chain)

    def _run_end(self, run: int) -> int:
        return self._run_start[run + 1] if run + 1 < len(self._run_start) else len(self.lines)

    def by_chain(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Return the chains that have rules, with their entries; one with several runs of rules comes several times."""
        if not self.edited:
            return self.runs()
        return chained(((owner, span) for owner, span in self.runs() if owner not in self.edited), self.edited.items())

    def runs(self) -> Iterator[tuple[int, range]]:
        """Yield the chains to which rules were given, with the entries of these, be they still there or not."""
        ends = [*self._run_start[1:], len(self.lines)]
        for owner, start, end in zip(self._run_chain, self._run_start, ends, strict=False):
            yield owner, range(start, end)

    def rule(self, entry: int) -> Rule:
        """Return the rule of an entry, building it if need be."""
        found = self.eager.get(entry)
        return found if found is not None else self._build(self.offsets[entry], self.lines[entry])

    def text(self, entry: int) -> str | None:
        """Return the line that a rule is built from; None where it is built already."""
        return None if entry in self.eager else self._read(self.offsets[entry], self.offsets[entry], 0, 0)

    def chain_text(self, chain: int) -> str | None:
        """Return the lines of a chain as they stand in the text, without counters; None where that says too little.

        Chains of one name with the same lines have the same rules where :attr:`sense` is the same. Too little is said
        of a chain that was edited or has other lines among its own, and of one whose rules are all built already.
        """
        entries = self.entries(chain)
        return (self._span(entries) if isinstance(entries, range) else None) if entries else ""

    def chain_texts(self) -> dict[str, tuple[str, int]]:
        """Return :meth:`chain_text` of all chains for which there is one, by name, and how many rules that are."""
        runs: dict[int, range | None] = {}
        for owner, span in self.runs():
            runs[owner] = None if owner in runs or owner in self.edited else span
        found: dict[str, tuple[str, int]] = {}
        for name, index in self.names.items():
            entries = runs.get(index, _NO_ENTRIES)
            if entries is None or not self.exists[index]:
                continue
            text = self._span(entries) if entries else ""
            if text is not None:
                found[name] = text, len(entries)
        return found

    def _span(self, entries: range) -> str | None:
        low, high = entries[0], entries[-1]
        before = after = 0
        if self.lines[high] - self.lines[low] != high - low:
            return None
        if self.eager and (low in self.eager or high in self.eager):
            kept = [entry for entry in entries if entry not in self.eager]
            if not kept:
                return None
            before, after = kept[0] - low, high - kept[-1]
            low, high = kept[0], kept[-1]
        text = self._read(self.offsets[low], self.offsets[high], before, after)
        return _COUNTERS.sub("", text) if "[" in text else text
