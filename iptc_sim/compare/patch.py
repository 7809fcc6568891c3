"""Text for ``iptables-restore --noflush`` that turns one ruleset into another and leaves the rest as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from iptc_sim.compare.edits import (
    Added,
    ChainAdded,
    ChainRemoved,
    Changed,
    Difference,
    Edit,
    Moved,
    MovedBetween,
    PolicyChanged,
    Removed,
    Renamed,
    TableAdded,
    TableRemoved,
)
from iptc_sim.compare.partners import led_to
from iptc_sim.compare.structural import diff
from iptc_sim.diagnostics import Diagnostic, SourceFile, UsageError, printable
from iptc_sim.records import dataclass, field, replace
from iptc_sim.ruleset import BUILTIN_CHAINS, Chain, Rule, Ruleset
from iptc_sim.syntax import examine
from iptc_sim.syntax.write import table_order, write_rule, write_save
from iptc_sim.values import Variant

#: Where less than this part of a chain stays, it is emptied and filled again; the counters of its rules begin anew.
_LEAST: Final = 0.4

#: Notes of a dump from which it follows that there is more on the machine than it shows, or that nothing can load it.
_NOT_WHOLE: Final = {
    "IPT032": "it has jumps to chains that it does not show",
    "IPT033": "its chains jump in a circle",
    "IPT078": "lines are missing in it, where an ellipsis stands",
}


def patch(a: Ruleset, b: Ruleset, names: tuple[str, str] = ("A", "B"), *, table: str | None = None) -> str:
    """Return text that ``iptables-restore --noflush`` takes on a machine with A, and that makes it have B.

    One transaction a table. Rules that stay are not touched and keep their counters. The text was applied to A by the
    reader of this package, and B came out. A table that B does not have is emptied.

    Args:
        a: what the machine has.
        b: what it is to have; its variant is that of the iptables that the text is written for.
        names: what to call A and B in the comment at the top.
        table: only this table.

    Raises:
        UsageError: IPT004, one of them is not whole, or they are of two families.
    """
    found = diff(a, b, table=table, strict=True)
    _refuse_parts(a, b, names, found)
    bodies: dict[str, list[str]] = {}
    for edit in found.edits:
        bodies.setdefault(edit.table, [])
    for name in bodies:
        bodies[name] = list(_Body(b, name, (edit for edit in found.edits if edit.table == name)).lines())
    if bodies:
        _check(a, b, bodies)
    order = [name for name in (item.name for item in table_order(b, b.variant)) if name in bodies]
    lines = list(_head(b, names, found))
    for name in dict.fromkeys([*order, *bodies]):
        lines += [f"*{name}", *bodies[name], "COMMIT"]
    return "".join(f"{line}\n" for line in lines)


def _refuse_parts(a: Ruleset, b: Ruleset, names: tuple[str, str], found: Difference) -> None:
    """Refuse what says too little.

    Raises:
        UsageError: IPT004, so it is.
    """
    why = [
        f"{name} shows rules of {table.name} and none of its chains (an excerpt)"
        for name, ruleset in zip(names, (a, b), strict=True)
        for table in ruleset.tables.values()
        if table.is_excerpt
    ]
    codes = {(name, note.code) for name, part in zip(names, (a, b), strict=True) for note in part.notes}
    why += [f"{name}: {_NOT_WHOLE[code]}" for name, code in sorted(codes) if code in _NOT_WHOLE]
    why += found.left_out
    if why:
        message = f"no patch can be made of parts: {why[0]}"
        expected = "the whole output of iptables-save, twice"
        raise UsageError(Diagnostic("IPT004", message, subject="--format patch", expected=expected))


def _head(b: Ruleset, names: tuple[str, str], found: Difference) -> Iterator[str]:
    program = f"ip{'6' if int(b.family) == 6 else ''}tables-restore --noflush"
    yield f"# {program}: turns {printable(names[0])} into {printable(names[1])}"
    if not found:
        yield "# there is no difference"
    needed = sorted({thing for edit in found.edits for rule in _new_rules(edit) for thing in _objects(rule)})
    if needed:
        yield "# needs " + ", ".join(printable(f"{kind} {name}") for kind, name in needed)


def _objects(rule: Rule) -> Iterator[tuple[str, str]]:
    for part in rule.extensions:
        yield from part.objects()


def _new_rules(edit: Edit) -> Iterable[Rule]:
    match edit:
        case Added(rule=rule) | Moved(rule=rule) | MovedBetween(rule=rule):
            return (rule,)
        case Changed(new=new):
            return (new,)
        case ChainAdded(rules=rules):
            return rules
        case TableAdded(chains=chains):
            return (rule for chain in chains for rule in chain.rules)
    return ()


@dataclass(slots=True, eq=False)
class _ChainPatch:
    """What becomes of the rules of one chain: numbers in A that go, and numbers in B that come."""

    gone: set[int] = field(default_factory=set)
    come: set[int] = field(default_factory=set)


class _Body:
    """The lines of one table.

    Chains keep the names that they have in A until the end, where ``-E`` gives them those of B: iptables-nft 1.8.9
    looks chains up by the names that they had before the transaction. Nor is there ``-R``, which crashes it where a
    rule is replaced twice. Jumps to chains that go are gone before these.

    Args:
        b: what is to come out.
        table: the table's name.
        edits: that turn A into B.
    """

    def __init__(self, b: Ruleset, table: str, edits: Iterable[Edit]) -> None:
        self._variant, found = b.variant, b.tables.get(table)
        self._builtin = frozenset(map(str, BUILTIN_CHAINS[table]))
        self._chains: Mapping[str, Chain] = found.chains if found else {}
        self._new: list[str] = []
        self._old: list[str] = []
        self._policies: dict[str, str] = {}
        self._former: dict[str, str] = {}
        self._touched: dict[str, _ChainPatch] = {}
        for edit in edits:
            self._take(edit)

    def _at(self, chain: str) -> _ChainPatch:
        return self._touched.setdefault(chain, _ChainPatch())

    def _take(self, edit: Edit) -> None:
        match edit:
            case Added(chain=chain, number=number):
                self._at(chain).come.add(number)
            case Removed(chain=chain, number=number):
                self._at(chain).gone.add(number)
            case Changed(chain=chain, before=before, after=after) | Moved(chain=chain, before=before, after=after):
                self._at(chain).gone.add(before)
                self._at(chain).come.add(after)
            case MovedBetween(chain=chain, before=before, to=to, after=after):
                self._at(chain).gone.add(before)
                self._at(to).come.add(after)
            case ChainAdded(chain=chain, rules=rules):
                self._add(Chain(chain, rules))
            case ChainRemoved(chain=chain):
                self._old.append(chain)
            case PolicyChanged(chain=chain, after=policy):
                self._policies[chain] = policy
            case Renamed(chain=chain, former=former):
                self._former[chain] = former
            case TableAdded(chains=chains):
                for whole in chains:
                    self._add(whole)
            case TableRemoved(chains=chains):
                for whole in chains:
                    self._remove(whole)

    def _add(self, chain: Chain) -> None:
        self._at(chain.name).come.update(range(1, len(chain.rules) + 1))
        if chain.name not in self._builtin:
            self._new.append(chain.name)
        elif chain.policy == "DROP":
            self._policies[chain.name] = chain.policy

    def _remove(self, chain: Chain) -> None:
        if chain.name not in self._builtin:
            self._old.append(chain.name)
            return
        self._at(chain.name).gone.update(range(1, len(chain.rules) + 1))
        if chain.policy == "DROP":
            self._policies[chain.name] = "ACCEPT"

    def lines(self) -> Iterator[str]:
        """Yield the lines between ``*table`` and ``COMMIT``."""
        yield from (f":{name} - [0:0]" for name in self._new)
        # Not by -P, which refuses DROP in nat; so does not this, nor does it flush the chain.
        yield from (f":{name} {policy} [0:0]" for name, policy in self._policies.items())
        for name, touched in self._touched.items():
            if name not in self._old:
                yield from self._chain(name, touched)
        yield from (f"-F {name}" for name in self._old)
        yield from (f"-X {name}" for name in self._old)
        yield from (f"-E {former} {name}" for name, former in self._former.items())

    def _chain(self, name: str, touched: _ChainPatch) -> Iterator[str]:
        rules = self._chains[name].rules if name in self._chains else ()
        now, gone, come = self._former.get(name, name), touched.gone, touched.come
        if gone and len(rules) - len(come) <= _LEAST * len(rules):
            yield f"-F {now}"
            gone, come = set(), set(range(1, len(rules) + 1))
        yield from (f"-D {now} {number}" for number in sorted(gone, reverse=True))
        last = len(rules)
        while last in come:
            last -= 1  # what comes behind all that stays is appended
        for number in sorted(come):
            text = write_rule(led_to(rules[number - 1], self._former), variant=self._variant)
            head = f"-A {now}" if number > last else f"-I {now} {number}"
            yield f"{head} {text}".rstrip()


def _check(a: Ruleset, b: Ruleset, bodies: Mapping[str, list[str]]) -> None:
    """Apply a patch to A and compare what comes out with B."""
    lines: list[str] = []
    for name, body in bodies.items():
        before = a.tables.get(name)
        shown = write_save(replace(a, tables={name: before}), variant=a.variant).splitlines() if before else []
        lines += [*(shown[:-1] or [f"*{name}"]), *body, "COMMIT"]
    text = "".join(f"{line}\n" for line in lines)
    done = examine(SourceFile("patch", text), family=a.family, variant=a.variant)
    if done.errors:
        raise AssertionError(f"the patch cannot be read: {done.errors[0].message}")
    for name in bodies:
        came, wanted = _Content(done.ruleset, name, b.variant), _Content(b, name, b.variant)
        if came.rules != wanted.rules or not wanted.policies.items() <= came.policies.items():
            raise AssertionError(f"the patch does not turn A into B in table {name}")


class _Content:
    """What a table says, as iptables prints it: iptables-nft prints ``! --dport :443`` as ``--dport 444:65535``.

    Args:
        ruleset: has the table or not.
        table: its name.
        variant: of the iptables that prints.

    Attributes:
        rules: by chain; built-in ones without rules are left out.
        policies: of built-in chains, as far as they are told; that of one which is not there is ACCEPT.
    """

    def __init__(self, ruleset: Ruleset, table: str, variant: Variant) -> None:
        builtin = [str(hook) for hook in BUILTIN_CHAINS[table]]
        found = ruleset.tables.get(table)
        chains = found.chains if found else {}
        self.rules = {
            name: [write_rule(rule, variant=variant) for rule in chain.rules]
            for name, chain in chains.items()
            if chain.rules or name not in builtin
        }
        told = {name: chains[name].policy if name in chains else "" if chains else "ACCEPT" for name in builtin}
        self.policies = {name: policy for name, policy in told.items() if policy}
