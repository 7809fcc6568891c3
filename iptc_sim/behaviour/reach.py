"""Who reaches a destination, and by which rules.

Backward it is found which packets rules may give the destination to (:mod:`iptc_sim.behaviour.reach_keys`). For these,
and for those that are sent to it as it is, the ways through the node are made a diagram of, of which the part is kept
that ends there, and told as few and simple boxes. A box is only told where a trace shows a packet of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from iptc_sim.behaviour.answer import Undecided
from iptc_sim.behaviour.keyed import keyed_tables
from iptc_sim.behaviour.reach_answer import Destination, Reach, ReachClass, Wanted
from iptc_sim.behaviour.reach_keys import given, slicing_keys
from iptc_sim.behaviour.reach_part import Asked, Found, Order, Part, is_elsewhere
from iptc_sim.behaviour.slices import Slice, Slicer, is_large
from iptc_sim.collector import collector_paused
from iptc_sim.constraint import STATES
from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.diagram.nodes import TooLargeError
from iptc_sim.node import Node
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.values import Prefix, address_text

#: How many classes are told.
LIMIT: Final = 20
#: Of large rulesets the packets of more keys than this are looked at apart.
_TOGETHER: Final = 12


def reach(
    ruleset: Ruleset,
    to: Destination,
    node: Node | None = None,
    *,
    source: Prefix | None = None,
    wanted: Wanted = Wanted.REACHED,
    states: Collection[str] = ("NEW",),
    marked: bool = False,
    limit: int = LIMIT,
) -> Reach:
    """Tell which packets end at a destination, or are kept from it.

    Args:
        ruleset: the rules.
        to: the destination.
        node: the machine; None: any.
        source: where packets come from; None: anywhere.
        wanted: which packets.
        states: their ctstates on entering.
        marked: whether packets may enter with a mark.
        limit: how many classes are told.

    Raises:
        UsageError: IPT004, an address is not of the family of the rules.
        InputError: IPT033, the chains are such that the kernel refuses them.
    """
    for prefix, option in ((to.prefix, "--to"), (source, "--from")):
        if prefix is not None and prefix.family is not ruleset.family:
            message = f"{prefix} is of IPv{int(prefix.family)}, and the rules are of IPv{int(ruleset.family)}"
            hint = "--family says of which family a dump is"
            raise UsageError(Diagnostic("IPT004", message, subject=option, hint=hint))
    with collector_paused():
        asked = Asked(to, source, wanted, frozenset(states), marked)
        return _Question(ruleset, node, asked).answer(limit)


class _Question:
    def __init__(self, ruleset: Ruleset, node: Node | None, asked: Asked) -> None:
        self.ruleset, self.node, self.asked = ruleset, node, asked
        self.tables = keyed_tables(ruleset)
        self.given = given(ruleset, self.tables, asked.to)
        self.undecided: dict[Undecided, None] = {}
        self.met = ruleset

    def answer(self, limit: int) -> Reach:
        """Return the answer."""
        found: list[tuple[Order, Part, Found]] = []
        parts = list(self._parts())
        for part in parts:
            try:
                found += [(order, part, item) for order, item in part.classes()]
            except TooLargeError:
                why = f"too many ways lead to {self.asked.to}: ask for one address, or for less with --from"
                self.undecided[Undecided(why)] = None
        found.sort(key=lambda one: one[0])
        told: list[ReachClass] = []
        seen = 0
        for _, part, item in found:
            if len(told) == limit:
                break
            seen += 1
            one = part.told(item)
            if one is not None:
                told.append(one)
        for part in parts:
            self.undecided |= part.undecided
        return Reach(
            self.met,
            self.asked.to,
            self.asked.source,
            self.asked.wanted,
            tuple(state for state in STATES if state in self.asked.states),
            tuple(told),
            len(found) - seen,
            tuple(self.undecided),
            self._assumptions(parts[0]),
            self.node is None or not self.node.known,
        )

    def _parts(self) -> Iterator[Part]:
        """Yield what the question is put to: the rules as a whole, or slices of them."""
        asked, node, keys = self.asked, self.node, self.given.keys
        if not is_large(self.ruleset):
            yield Part(asked, node, Slice(self.ruleset), self.given, own=True)
            return
        slicer = Slicer(self.ruleset, self.tables)
        own = slicing_keys(self.tables, asked.to)
        self.met = slicer.part((*keys, *own)).ruleset
        together = len(keys) <= _TOGETHER
        first = replace(self.given, keys=keys if together else ())
        groups = [(first, (*first.keys, *own))]
        groups += () if together else ((replace(self.given, keys=(key,)), (key,)) for key in keys)
        for some, wanted in groups:
            yield Part(asked, node, slicer.part(wanted), some, own=some is first)

    def _assumptions(self, part: Part) -> tuple[str, ...]:
        told = list(part.space.assumptions)
        if self.node is None:
            told.append("any address may be this node's own and by any interface, as no node is told (--node, --iface)")
        if is_elsewhere(self.asked, self.node, self.given):
            text = address_text(self.asked.to.prefix.address)
            told.append(f"{text} is not this node's own address, as rules send packets on to it (else: --local {text})")
        if not self.asked.marked:
            told.append("packets come without a mark (else: --any-mark)")
        if self.asked.states & {"RELATED"}:
            told.append("packets of expected connections (FTP data and the like) are not looked at")
        return tuple(told)
