"""What a random rule is put together from: a template with where and when it can stand."""

from __future__ import annotations

from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.records import dataclass
from iptc_sim.values import Family

IN: Final = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})
OUT: Final = frozenset({Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING})


@dataclass(frozen=True, slots=True)
class Piece:
    """One match or target of a rule, with options of its own.

    Args:
        text: a template, see ``Draw.fill``.
        protocols: the rule's ``-p`` must be one of them; empty: whatever it is.
        tables: only there; empty: in all of them.
        hooks: only there; a user chain must be reached from these alone, so such a piece stands in base chains only.
        family: only there; None: in both.
        weight: how often it is drawn, against 2 for most.
        base: only in base chains, which ask a packet once.
    """

    text: str
    protocols: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    hooks: frozenset[Hook] = frozenset()
    family: Family | None = None
    weight: int = 2
    base: bool = False

    def can_stand(self, table: str, hook: Hook | None, protocol: str, family: Family, *, base: bool) -> bool:
        """Whether it can stand there; ``hook`` is None in a user chain that any hook may reach."""
        return (
            (base or not self.base)
            and (not self.protocols or protocol in self.protocols)
            and (not self.tables or table in self.tables)
            and (not self.hooks or hook in self.hooks)
            and self.family in {None, family}
        )


def piece(
    text: str,
    *,
    p: str = "",
    tables: str = "",
    hooks: frozenset[Hook] | set[Hook] = frozenset(),
    family: Family | None = None,
    weight: int = 2,
    base: bool = False,
) -> Piece:
    """Return a piece; several protocols and tables are separated by spaces."""
    return Piece(text, frozenset(p.split()), frozenset(tables.split()), frozenset(hooks), family, weight, base)
