"""Applies the lines of a dump one after the other, as iptables-restore does."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.diagnostics import SourceFile
from iptc_sim.records import dataclass, field
from iptc_sim.ruleset import BUILTIN_CHAINS, MAX_CHAIN_NAME, Rule
from iptc_sim.syntax.grammar import word_pattern
from iptc_sim.syntax.lines import ChainLine, CommandLine, CommitLine, Line, RuleLine, TableLine
from iptc_sim.syntax.section import Fault, Phase, Section
from iptc_sim.syntax.shapes import ShapeCache
from iptc_sim.syntax.store import RuleStore
from iptc_sim.syntax.words import LineError
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family, Variant

_DECLARE: Final = "declare it with :CHAIN - [0:0]"
POLICIES: Final = ("ACCEPT", "DROP")
_IN_ONLY: Final = frozenset({"INPUT", "PREROUTING"})
_OUT_ONLY: Final = frozenset({"OUTPUT", "POSTROUTING"})


@dataclass(frozen=True, slots=True)
class Manner:
    """How a text is read.

    Args:
        family: IPv4 or IPv6.
        strict: as iptables-restore reads it; else as people paste it.
        variant: of the iptables that would load it.
        table: of a listing that does not name it; empty: it is guessed.
        objects: the names that exist, by kind, such as ``{"ipset": frozenset({"blocked"})}``; kinds that are not in it
            are not known, and rules may name any.
    """

    family: Family
    strict: bool = False
    variant: Variant = Variant.NFT
    table: str = ""
    objects: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def legacy(self) -> bool:
        """Whether it is read strictly, by the legacy variant."""
        return self.strict and self.variant is Variant.LEGACY

    @property
    def nft(self) -> bool:
        """Whether it is read strictly, by iptables-nft: that parses all lines first, and looks for chains at COMMIT."""
        return self.strict and self.variant is Variant.NFT


class Loader:
    """Holds the sections of one text while its lines are applied.

    Args:
        source: the text.
        text: the same without what came in around its lines; rules are built from it.
        manner: how it is read.
        shapes: reads lines.

    Attributes:
        sections: what was read.
        section: the one that is open.
        saved: whether the text has ``*table`` lines.
    """

    def __init__(self, source: SourceFile, text: str, manner: Manner, shapes: ShapeCache, *, saved: bool) -> None:
        self.source, self.manner, self.shapes, self.saved = source, manner, shapes, saved
        self._text = text
        self.sections: list[Section] = []
        self.section: Section | None = None

    def apply(self, item: Line, line: int, table: str = "") -> None:
        """Apply one line.

        Args:
            item: what it says.
            line: its number, from 1.
            table: that it names by itself (a shell command); empty for none.

        Raises:
            LineError: it cannot be applied.
        """
        if table:
            self._turn_to(table, line)
        if isinstance(item, RuleLine):
            self._rule(item, line)
        elif isinstance(item, ChainLine):
            self._declare(item, line)
        elif isinstance(item, CommandLine):
            self._command(item, line)
        elif isinstance(item, TableLine):
            self._table(item, line)
        elif isinstance(item, CommitLine):
            self._commit(line)

    # --- sections ---------------------------------------------------------------------------------------------------

    def begin(self, table: str, line: int) -> Section:
        """Open a section; a named table has its built-in chains from the start."""
        self.section = Section(self.source, table, line, RuleStore(self._build, self._lines, self._sense))
        self.sections.append(self.section)
        for hook in BUILTIN_CHAINS.get(table, ()):
            self.section.store.create(str(hook))
        return self.section

    @property
    def _sense(self) -> Hashable:
        """What decides, besides its line, what a rule says."""
        return self.manner.family, self.manner.variant, self.manner.strict

    def _lines(self, first: int, last: int, before: int = 0, after: int = 0) -> str:
        for _ in range(before):
            first = self._text.rindex("\n", 0, first - 1) + 1
        end = self._text.index("\n", last)
        for _ in range(after):
            end = self._text.index("\n", end + 1)
        return self._text[first:end]

    def _build(self, offset: int, line: int) -> Rule:
        item = self.shapes.read(self._lines(offset, offset), (self.source, line))
        if not isinstance(item, RuleLine):
            raise AssertionError(f"line {line} held a rule when it was read first")
        return item.rules[0]

    def _turn_to(self, table: str, line: int) -> None:
        """Go on with the section of a table that a shell command names."""
        same = [section for section in self.sections if section.table == table]
        self.section = same[-1] if same else self.begin(table, line)

    def _table(self, item: TableLine, line: int) -> None:
        if self.manner.strict and self.section is not None:
            raise LineError("IPT021", 0, f"*{item.name} begins before COMMIT has ended *{self.section.table}")
        if item.name not in BUILTIN_CHAINS:
            names = ", ".join(BUILTIN_CHAINS)
            raise LineError("IPT022", 0, f"{item.name or 'nothing'} is not a table", expected=f"one of {names}")
        self.begin(item.name, line)

    def _commit(self, line: int) -> None:
        if self.section is None or not self.saved:
            raise LineError("IPT020", 0, "COMMIT without a table", expected="a *table line before it")
        self.section.commit = line
        self.section = None

    def current(self, line: int) -> Section:
        """Return the open section; a listing opens one by itself.

        Raises:
            LineError: there is none.
        """
        if self.section is None:
            if self.saved:
                hint = "in iptables-save text every chain and rule stands between *table and COMMIT"
                raise LineError("IPT020", 0, "this stands before any table", "a *table line before it", hint)
            return self.begin("", line)
        return self.section

    # --- chains -----------------------------------------------------------------------------------------------------

    def _declare(self, item: ChainLine, line: int) -> None:
        section = self.current(line)
        if not section.table:
            from iptc_sim.syntax.guess import begins_table  # noqa: PLC0415 - for excerpts only

            if begins_table(section, item.name):
                section = self.begin("", line)
        section.began = True
        if item.policy is None:
            raise LineError("IPT024", 0, f"chain {item.name} has no policy", expected="ACCEPT, DROP or -")
        builtin = item.name in section.builtin
        if builtin:
            if item.policy not in {"-", *POLICIES}:
                raise LineError("IPT024", 1, f"{item.policy} is not a policy", expected="ACCEPT, DROP or -")
        else:
            self._check_name(item.name, 0, command=False)
            if item.policy != "-":
                self._fault(section, "IPT024", f"{item.name} is a user chain, which has no policy", line, nft=False)
        store = section.store
        index = store.chain(item.name)
        if not builtin and store.exists[index] and store.listed[index]:
            self._fault(
                section, "IPT026", f"chain {item.name} is declared twice; its rules so far are gone", line, nft=False
            )
            store.edit(index).clear()
        store.create(item.name, listed=builtin or bool(section.table))
        if builtin and item.policy in POLICIES:
            store.policies[index] = item.policy
        if item.counters is not None:
            store.counters[index] = item.counters

    def _check_name(self, name: str, index: int, *, command: bool) -> None:
        """Refuse a name that no chain can have.

        Args:
            name: of a user chain.
            index: of its word.
            command: whether it is made with ``-N``, which is stricter.
        """
        lax = self.manner.variant is Variant.LEGACY and not command
        if not name or (name.startswith(("-", "!")) and not lax):
            raise LineError("IPT023", index, f"{name or 'an empty word'} cannot be a chain name")
        self._check_length(name, index)
        if any(character in name for character in " \t\n"):
            raise LineError("IPT023", index, f"chain name {name} has a blank in it")
        target = TARGETS.find(name)
        if target is not None and (command or (not target.OPTIONS and name in {"ACCEPT", "DROP", "RETURN", "QUEUE"})):
            raise LineError("IPT023", index, f"{name} is a target; no chain can have its name")

    def _check_new_name(self, name: str) -> None:
        """Refuse what ``-E`` takes for no name; of iptables-nft the kernel is asked for the rest."""
        if name.startswith(("-", "!")):
            raise LineError("IPT023", 2, f"{name} cannot be a chain name")
        if not self.manner.nft:
            self._check_name(name, 2, command=False)

    def _place(self, line: int, index: int) -> tuple[int, int]:
        """Return where a word of a line stands: its first column and its width."""
        start, end = list(word_pattern().finditer(self.source.line(line)))[index].span()
        return start + 1, end - start

    @staticmethod
    def _check_length(name: str, index: int) -> None:
        length = len(name.encode(errors="surrogateescape"))
        if length > MAX_CHAIN_NAME:
            raise LineError("IPT023", index, f"chain name {name} has {length} bytes, at most {MAX_CHAIN_NAME} fit")

    def _fault(self, section: Section, code: str, message: str, line: int, *, nft: bool = True) -> None:
        """Note a fault that the tolerant reader lives with; without ``nft`` the nft variant takes it."""
        if nft or not self.manner.nft:
            section.faults.append(Fault(code, message, line, Phase.COMMIT if self.manner.nft else Phase.LINE))

    def _command(self, item: CommandLine, line: int) -> None:
        section = self.current(line)
        if item.command == "-P" and section.began and not section.table:
            section = self.begin("", line)  # the next listing of several in one paste
        store, known = section.store, item.chain in section.store.names
        exists = known and bool(store.exists[store.names[item.chain]])
        builtin = item.chain in section.builtin
        match item.command:
            case "-N":
                section.began = True
                self._check_name(item.chain, 1, command=True)
                if (exists and store.listed[store.names[item.chain]]) or (builtin and section.table):
                    self._fault(section, "IPT026", f"chain {item.chain} exists already", line)
                store.create(item.chain)
            case "-P":
                self._policy(section, item, line, builtin=builtin)
            case "-X" | "-F" | "-Z" | "-E":
                self._change(section, item, line, exists=exists, builtin=builtin)

    def _policy(self, section: Section, item: CommandLine, line: int, *, builtin: bool) -> None:
        if section.table == "nat" and item.argument == "DROP":
            raise LineError("IPT034", 2, "table nat is not for filtering: iptables refuses DROP in it")
        if not builtin:
            self._fault(section, "IPT024", f"{item.chain} is no built-in chain; only these have a policy", line)
            return
        if item.argument not in POLICIES and self.manner.nft:
            self._fault(section, "IPT024", f"{item.argument} is not a policy", line)
            return
        if item.argument not in POLICIES:
            raise LineError("IPT024", 2, f"{item.argument} is not a policy", expected="ACCEPT or DROP")
        index = section.store.create(item.chain)
        section.store.policies[index] = item.argument
        if item.counters is not None and not self.manner.nft:
            section.store.counters[index] = item.counters

    def _change(self, section: Section, item: CommandLine, line: int, *, exists: bool, builtin: bool) -> None:
        """Carry out ``-X``, ``-F``, ``-Z`` and ``-E``."""
        store = section.store
        if item.command == "-E":
            self._check_new_name(item.argument)
        section.began |= bool(item.chain)
        if item.chain and not exists:
            self._fault(section, "IPT025", f"there is no chain {item.chain}", line)
        elif item.command == "-F":
            if item.chain or not self.manner.nft:  # iptables-nft-restore leaves -F alone
                for chain in [store.names[item.chain]] if item.chain else list(store.names.values()):
                    store.flush(chain)
        elif item.command == "-X":
            self._delete(section, item.chain, line, builtin=builtin)
        elif item.command == "-E":
            self._rename(section, item, line)

    def _rename(self, section: Section, item: CommandLine, line: int) -> None:
        names, exists = section.store.names, section.store.exists
        if item.argument in names and exists[names[item.argument]]:
            self._fault(section, "IPT026", f"chain {item.argument} exists already", line)
        elif self.manner.nft:
            why = "iptables-nft-restore cannot rename a chain that it has just made"
            section.faults.append(Fault("IPT029", why, line, Phase.KERNEL))
        elif item.chain in section.builtin:
            self._fault(section, "IPT029", f"{item.chain} is a built-in chain and cannot be renamed", line)
        else:
            section.store.rename(item.chain, item.argument)

    @staticmethod
    def _users(section: Section) -> list[str]:
        """Return the user chains that are there."""
        builtin, exists = section.builtin, section.store.exists
        return [name for name, index in section.store.names.items() if exists[index] and name not in builtin]

    def _delete(self, section: Section, name: str, line: int, *, builtin: bool) -> None:
        store = section.store
        if builtin:
            self._fault(section, "IPT029", f"{name} is a built-in chain and cannot be deleted", line)
            return
        aims = store.referred()
        store.work(0 if name else len(store.names) // 10)
        for user in [name] if name else self._users(section):
            index = store.names[user]
            busy = "rules jump to it" if index in aims else "it has rules" if store.entries(index) else ""
            if busy:
                phase = Phase.KERNEL if self.manner.nft else Phase.LINE
                section.faults.append(Fault("IPT029", f"chain {user} cannot be deleted: {busy}", line, phase))
            if busy and not self.manner.nft:
                return  # iptables stops here
            if busy:
                store.disconnect(index)
            store.delete(index)

    # --- rules ------------------------------------------------------------------------------------------------------

    def _rule(self, item: RuleLine, line: int) -> None:
        section = self.current(line)
        section.began = True
        store = section.store
        index = store.chain(item.chain)
        if self._is_dangling(section, item, line):
            return
        if not store.exists[index]:
            if self.manner.nft:
                self._check_length(item.chain, 1)
                place = self._place(line, 1)
                fault = Fault(
                    "IPT025", f"there is no chain {item.chain}", line, Phase.COMMIT, place=place, hint=_DECLARE
                )
                section.faults.append(fault)
                return
            if self.manner.strict:
                raise LineError("IPT025", 1, f"there is no chain {item.chain}", hint=_DECLARE)
            self._check_name(item.chain, 1, command=False)
            store.create(item.chain, listed=False)
            if section.table and not section.is_excerpt and item.command == "-A":
                self._fault(section, "IPT025", f"chain {item.chain} is not declared", line)
        if item.command == "-A":
            for rule in item.rules:
                self._append(section, index, rule, line)
        else:
            from iptc_sim.syntax.edit import RuleCommand  # noqa: PLC0415 - dumps have no such commands

            try:
                RuleCommand(store, index, item, line).carry_out()
            except LineError as error:
                if not self.manner.nft:
                    raise
                self._fault(section, error.code, error.message, line)

    def _is_dangling(self, section: Section, item: RuleLine, line: int) -> bool:
        """Note a rule that iptables-nft-restore refuses at COMMIT: its aim is missing, and more."""
        store = section.store
        if not self.manner.nft or (item.command == "-A" and store.exists[store.names[item.chain]]):
            return False
        aims = [rule.target.chain for rule in item.rules if isinstance(rule.target, JumpTo | GoTo)]
        missing = [aim for aim in aims if aim not in store.names or not store.exists[store.names[aim]]]
        if missing:
            section.dangling.append((missing[0], line))
        return bool(missing)

    def _append(self, section: Section, chain: int, rule: Rule, line: int) -> None:
        target = rule.target
        aim = section.store.chain(target.chain) if isinstance(target, JumpTo | GoTo) else -1
        section.store.append(chain, line, aim, rule)
