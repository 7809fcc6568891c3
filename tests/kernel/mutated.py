"""Pairs of restore texts: a random ruleset, and the same after a few changes of the kinds that people make."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from typing import Final

from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.syntax import examine
from iptc_sim.values import Family, Variant
from iptc_sim.verify.generator import draw_case

#: Needs objects in the kernel that a fresh namespace does not have.
_WITH_OBJECTS: Final = re.compile(r"--match-set|-j SET|nfacct|rateest|RATEEST")
_ADDRESS: Final = {Family.IPV4: "198.51.100.{}", Family.IPV6: "2001:db8:9::{}"}
_PLAIN: Final = ("", "-j RETURN", "-j ACCEPT", "-j MARK --set-mark 0x7", "-j NFLOG")


@dataclass(slots=True)
class Part:
    """One table as text: policies, names of user chains, and rules by chain."""

    policies: dict[str, str] = field(default_factory=dict)
    rules: dict[str, list[str]] = field(default_factory=dict)

    @property
    def users(self) -> list[str]:
        """The chains that are not built in."""
        return [name for name in self.rules if name not in self.policies]

    def lines(self, name: str) -> list[str]:
        """Return the table as iptables-restore reads it."""
        declared = [f":{chain} {self.policies.get(chain, '-')} [0:0]" for chain in self.rules]
        rules = [f"-A {chain} {rule}".rstrip() for chain, found in self.rules.items() for rule in found]
        return [f"*{name}", *declared, *rules, "COMMIT"]


class Mutated:
    """Draws a pair of one seed.

    Args:
        seed: the same seed draws the same.
        family: of addresses.
        variant: the iptables that will read them.
    """

    def __init__(self, seed: int, family: Family, variant: Variant) -> None:
        self._random = Random(seed)
        self._family, self._variant = family, variant
        self._serial = 0
        text = draw_case(f"patch {seed}", family).text
        self._tables = _parts("\n".join(line for line in text.split("\n") if not _WITH_OBJECTS.search(line)))

    def pair(self) -> tuple[str, str]:
        """Return A and B; either may be the one that was changed."""
        before = self._text()
        for _ in range(self._random.choice((1, 1, 2, 3, 5, 8))):
            self._change()
        pair = self._taken(before), self._taken(self._text())
        return pair if self._random.random() < 0.5 else pair[::-1]

    def _text(self) -> str:
        return "".join(f"{line}\n" for name, part in self._tables.items() for line in part.lines(name))

    def _taken(self, text: str) -> str:
        """Return a text without the lines that iptables would refuse."""
        lines = text.split("\n")
        while True:
            found = examine("\n".join(lines), family=self._family, strict=True, variant=self._variant)
            refused = {error.span.line for error in found.errors if error.span}
            if not refused:
                return "\n".join(lines)
            lines = [line for number, line in enumerate(lines, 1) if number not in refused]

    def _change(self) -> None:
        table = self._random.choice(list(self._tables) or ["filter"])
        part = self._tables.setdefault(table, Part({str(hook): "ACCEPT" for hook in BUILTIN_CHAINS[table]}))
        for chain in part.policies:
            part.rules.setdefault(chain, [])
        kinds = (
            self._add, self._add, self._delete, self._delete, self._move, self._move, self._move_to_another,
            self._turn, self._turn, self._rename, self._rename, self._new_chain, self._remove_chain, self._policy,
        )  # fmt: skip
        if len(self._tables) > 1 and self._random.random() < 0.04:
            del self._tables[table]
        elif self._random.random() < 0.05:
            name = self._random.choice([name for name in BUILTIN_CHAINS if name not in self._tables] or [table])
            self._tables.setdefault(name, Part({str(hook): "ACCEPT" for hook in BUILTIN_CHAINS[name]}))
        else:
            self._random.choice(kinds)(part)

    def _rule(self) -> str:
        self._serial += 1
        address = _ADDRESS[self._family].format(self._serial)
        where = self._random.choice((f"-s {address}", f"-d {address}", f"-p tcp --dport {1000 + self._serial}", ""))
        return f"{where} {self._random.choice(_PLAIN)}".strip()

    def _place(self, part: Part) -> tuple[list[str], int] | None:
        found = [rules for rules in part.rules.values() if rules]
        rules = self._random.choice(found) if found else []
        return (rules, self._random.randrange(len(rules))) if rules else None

    def _add(self, part: Part) -> None:
        rules = self._random.choice(list(part.rules.values()))
        for _ in range(self._random.choice((1, 1, 1, 4))):
            rules.insert(self._random.randint(0, len(rules)), self._rule())

    def _delete(self, part: Part) -> None:
        if place := self._place(part):
            del place[0][place[1]]

    def _move(self, part: Part) -> None:
        if place := self._place(part):
            rules, number = place
            rules.insert(self._random.randrange(len(rules)), rules.pop(number))

    def _move_to_another(self, part: Part) -> None:
        if place := self._place(part):
            target = self._random.choice(list(part.rules.values()))
            target.insert(self._random.randint(0, len(target)), place[0].pop(place[1]))

    def _turn(self, part: Part) -> None:
        if place := self._place(part):
            rules, number = place
            more = self._random.choice(("-m mark --mark 0x9", "-m comment --comment turned", "-m length --length 60"))
            rules[number] = f"{more} {rules[number]}" if " -j " in f" {rules[number]}" else self._rule()

    def _rename(self, part: Part) -> None:
        if part.users:
            self._serial += 1
            old, new = self._random.choice(part.users), f"other{self._serial}"
            self._aim(part, old, new)
            part.rules = {new if name == old else name: rules for name, rules in part.rules.items()}

    def _aim(self, part: Part, old: str, new: str) -> None:
        for name, rules in part.rules.items():
            changed = [re.sub(rf"(-[jg]) {old}$", rf"\1 {new}", rule) for rule in rules]
            part.rules[name] = changed if new else [rule for rule in rules if not re.search(rf"-[jg] {old}$", rule)]

    def _new_chain(self, part: Part) -> None:
        self._serial += 1
        name = f"new{self._serial}"
        callers = list(part.rules.values())
        part.rules[name] = [self._rule() for _ in range(self._random.randint(0, 3))]
        self._random.choice(callers).append(f"-j {name}")

    def _remove_chain(self, part: Part) -> None:
        if part.users:
            name = self._random.choice(part.users)
            del part.rules[name]
            self._aim(part, name, "")

    def _policy(self, part: Part) -> None:
        name = self._random.choice(list(part.policies))
        part.policies[name] = "ACCEPT" if part.policies[name] == "DROP" else "DROP"


def _parts(text: str) -> dict[str, Part]:
    tables: dict[str, Part] = {}
    part = Part()
    for line in text.split("\n"):
        words = line.split(" ", 2)
        if line.startswith("*"):
            part = tables[line[1:]] = Part({str(hook): "ACCEPT" for hook in BUILTIN_CHAINS[line[1:]]})
            part.rules = {chain: [] for chain in part.policies}
        elif line.startswith(":"):
            part.rules.setdefault(words[0][1:], [])
            if words[1] != "-":
                part.policies[words[0][1:]] = words[1]
        elif line.startswith("-A"):
            part.rules[words[1]].append(words[2] if len(words) > 2 else "")
    return tables
