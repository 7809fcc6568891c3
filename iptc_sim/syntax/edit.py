"""``-I``, ``-D``, ``-R`` and ``-C``: commands that put, find and take rules by place or by what they say."""

from __future__ import annotations

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.ruleset import Rule
from iptc_sim.syntax.lines import RuleLine
from iptc_sim.syntax.store import RuleStore
from iptc_sim.syntax.words import LineError


class RuleCommand:
    """One such command on one chain.

    Args:
        store: holds the rules of the table.
        chain: index of the chain.
        item: the line.
        line: its number.
    """

    def __init__(self, store: RuleStore, chain: int, item: RuleLine, line: int) -> None:
        self._store, self._chain, self._item, self._line = store, chain, item, line
        self._entries = store.edit(chain)

    def carry_out(self) -> None:
        """Change the chain.

        Raises:
            LineError: IPT029, there is no such rule.
        """
        number = self._item.number
        match self._item.command:
            case "-I":
                self._insert((number or 1) - 1)
            case "-R":
                self._check_number(number)
                self._entries[number - 1] = self._enter(self._item.rules[0])
            case "-D" if number:
                self._check_number(number)
                self._store.take(self._chain, number - 1, self._line)
            case "-D":
                for rule in self._item.rules:
                    self._store.take(self._chain, self._find(rule), self._line)
            case _:
                for rule in self._item.rules:
                    self._find(rule)

    def _insert(self, position: int) -> None:
        """Insert the rules one after the other at the same place, so that the last of them comes first."""
        if position > len(self._entries):
            raise self._impossible(
                f"{self._item.chain} has {len(self._entries)} rules: there is no place {position + 1}"
            )
        if 0 < position < len(self._entries):
            self._store.befores.setdefault(self._entries[position], self._line)
        for rule in self._item.rules:
            self._entries.insert(position, self._enter(rule))

    def _enter(self, rule: Rule) -> int:
        target = rule.target
        aim = self._store.chain(target.chain) if isinstance(target, JumpTo | GoTo) else -1
        return self._store.enter(self._chain, self._line, aim, rule)

    def _check_number(self, number: int) -> None:
        if number > len(self._entries):
            raise self._impossible(f"{self._item.chain} has {len(self._entries)} rules: there is no rule {number}")

    def _find(self, rule: Rule) -> int:
        """Return the position, from 0, of the first rule that says the same."""
        same = self._store.same(self._chain, rule)
        self._store.work(len(self._entries) // 10)
        position = self._entries.first_of(same) if same else None
        if position is None:
            raise self._impossible(f"{self._item.chain} has no such rule")
        return position

    def _impossible(self, why: str) -> LineError:
        return LineError("IPT029", 0, why)
