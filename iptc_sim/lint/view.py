"""A ruleset as the checks look at it: who jumps where, what the text shows, and what is asked beside it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.constraint import Asked
from iptc_sim.diagnostics import SourceFile
from iptc_sim.kube.names_of import NUMBERED
from iptc_sim.lint.finding import Spot
from iptc_sim.moment import Hook
from iptc_sim.ruleset import BUILTIN_CHAINS, Chain, Rule, Ruleset, Table

if TYPE_CHECKING:
    from iptc_sim.lint.machine import Machine

#: Notes of the reader that say that rules are missing, or perhaps not there: nothing follows from their order then.
_DOUBTS: Final = frozenset({"IPT067", "IPT068", "IPT078"})
#: With more chains of Services and endpoints than this they are not looked into.
_MANY_SERVICES: Final = 2_000
#: The note that comes with every listing that does not name its table: two of one table are one listing, twice.
_GUESSED: Final = "IPT030"
#: Notes of the reader that say that the text is no dump.
_SCRIPTS: Final = frozenset({"IPT066", "IPT073"})


class View:
    """What the checks are given.

    Args:
        ruleset: the rules.
        beside: a dump of the other iptables of the same node, where there is one.
        since: an older dump of the same node, where there is one.
    """

    def __init__(self, ruleset: Ruleset, beside: Ruleset | None = None, since: Ruleset | None = None) -> None:
        self.ruleset, self.beside, self.since = ruleset, beside, since
        codes = {note.code for note in ruleset.notes}
        listings = [note.message for note in ruleset.notes if note.code == _GUESSED]
        #: Whether the rules are all there, once each, in the order that the text shows.
        self.certain = not codes & _DOUBTS and len(listings) == len(set(listings))
        #: Whether the text was made of commands or by grep.
        self.script = bool(codes & _SCRIPTS)
        #: Codes that were not looked for to the end.
        self.unanswered: dict[str, None] = {}
        self._hooks: dict[str, dict[str, frozenset[Hook]]] = {}

    @cached_property
    def source(self) -> SourceFile | None:
        """The file that the first rule stands in; None where there is none."""
        return next((rule.source for *_, rule in self.ruleset.rules()), None)

    @cached_property
    def machine(self) -> Machine:
        """The walks of the rules, for all packets at once."""
        from iptc_sim.lint.machine import Machine as Made  # noqa: PLC0415 - it needs this class

        return Made(self)

    def rules(self, table: str, chain: str) -> Iterator[tuple[Spot, Rule]]:
        """Yield the rules of a chain, each with its place."""
        found = self.ruleset.chain(table, chain)
        for number, rule in enumerate(found.rules if found else (), 1):
            yield Spot(table, chain, number, rule), rule

    def spots(self, table: str, chain: str) -> list[Spot]:
        """Return the places of the rules of a chain."""
        return [spot for spot, _ in self.rules(table, chain)]

    def chains(self) -> Iterator[tuple[Table, Chain]]:
        """Yield every chain with its table."""
        for table in self.ruleset.tables.values():
            for chain in table.chains.values():
                yield table, chain

    @cached_property
    def callers(self) -> dict[tuple[str, str], list[Spot]]:
        """The rules that lead to each chain, by table and chain; chains that are not in the text included."""
        found: dict[tuple[str, str], list[Spot]] = {}
        for table, chain, number, rule in self.ruleset.rules():
            if isinstance(rule.target, JumpTo | GoTo):
                spot = Spot(table.name, chain.name, number, rule)
                found.setdefault((table.name, rule.target.chain), []).append(spot)
        return found

    @cached_property
    def excerpts(self) -> frozenset[str]:
        """The tables of which the text shows a part only: chains are not declared, or not there where jumps lead."""
        tables = self.ruleset.tables
        missing = {table for table, chain in self.callers if chain not in tables[table].chains}
        return frozenset(missing | {name for name, table in tables.items() if _has_undeclared(table)})

    def whole(self, table: str) -> bool:
        """Whether the text shows all of a table."""
        return self.certain and table in self.ruleset.tables and table not in self.excerpts

    def hooks(self, table: str, chain: str) -> frozenset[Hook]:
        """Return the hooks from which a chain is reached by jumps, whatever their conditions."""
        if table not in self._hooks:
            self._hooks[table] = self._spread(table)
        return self._hooks[table].get(chain, frozenset())

    def _spread(self, table: str) -> dict[str, frozenset[Hook]]:
        aims: dict[str, set[str]] = {}
        for (owner, aim), spots in self.callers.items():
            if owner == table:
                for spot in spots:
                    aims.setdefault(spot.chain, set()).add(aim)
        found: dict[str, frozenset[Hook]] = {}
        for hook in BUILTIN_CHAINS[table]:
            waiting, seen = [str(hook)], set[str]()
            while waiting:
                chain = waiting.pop()
                if chain not in seen:
                    seen.add(chain)
                    found[chain] = found.get(chain, frozenset()) | {hook}
                    waiting += aims.get(chain, ())
        return found

    @cached_property
    def _has_many_services(self) -> bool:
        nat = self.ruleset.tables.get("nat")
        return nat is not None and sum(1 for name in nat.chains if NUMBERED.fullmatch(name)) > _MANY_SERVICES

    def is_left_out(self, table: str, chain: str) -> bool:
        """Whether a chain is not looked into: one of very many that kube-proxy writes alike.

        ``diff --expect-kube`` tells better what is wrong with them.
        """
        return table == "nat" and self._has_many_services and NUMBERED.fullmatch(chain) is not None

    def asked(self, table: str, hook: Hook) -> Asked:
        """Return where rules stand.

        In raw what comes back through lo has the connection that it got on its way out, and what rules have said of a
        packet counts, too: there a packet may be in any state, as in the table behind it.
        """
        return Asked(self.ruleset.family, "mangle" if table == "raw" else table, hook, self.ruleset.variant)


def _has_undeclared(table: Table) -> bool:
    return any(not chain.declared for chain in table.chains.values())
