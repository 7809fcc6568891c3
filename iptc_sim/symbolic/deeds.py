"""What targets do to all packets at once."""

from __future__ import annotations

from typing import Final

from iptc_sim.constraint import STATES, Field
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import union
from iptc_sim.moment import Hook
from iptc_sim.records import replace
from iptc_sim.steps import Fate
from iptc_sim.symbolic.conditions import Conditions
from iptc_sim.symbolic.leaves import Accepted, Leave, Next
from iptc_sim.symbolic.nat import Translations
from iptc_sim.symbolic.odds import Distributions
from iptc_sim.symbolic.outcome import Outcome
from iptc_sim.symbolic.store import NO_MARK, BitTerm, Entry, Mark, Opaque, Store
from iptc_sim.target import (
    Accept,
    Change,
    CopyMark,
    Deed,
    Drop,
    EditMark,
    Effect,
    Prepare,
    Proxy,
    Reject,
    Return,
    Steal,
    Translate,
)
from iptc_sim.tracking import Manip

_ALL: Final = 0xFFFFFFFF
#: Header fields whose new value hangs on the old one alone (xt_DSCP.c, xt_HL.c, ipt_ECN.c).
_BY_THEMSELVES: Final = frozenset({Field.TOS, Field.HOPS, Field.FLAGS})
#: The states of packets that have an entry.
TRACKED: Final = union((STATES.index(name), STATES.index(name)) for name in ("NEW", "ESTABLISHED", "RELATED"))


class Deeds:
    """Makes diagrams of what targets do.

    Args:
        conditions: of the space.
        odds: of the space.
    """

    def __init__(self, conditions: Conditions, odds: Distributions) -> None:
        self._conditions, self._diagrams, self._odds = conditions, conditions.space.diagrams, odds
        self._translations = Translations(conditions, odds)

    def of(
        self, deed: Deed, store: Store, table: str, hook: Hook, side: Manip | None, *, passes: bool = False
    ) -> tuple[Diagram | None, str]:
        """Return what a target that does not lead to a chain does with the packets of a store.

        Args:
            deed: what it does.
            store: what was done to the packets before.
            table: that is walked.
            hook: at which.
            side: that nat translates there.
            passes: whether a target that may take packets away lets the others through the table.

        Returns:
            How they go on or end, None where they go on as they were; and what is not reasoned about, empty for
            nothing.
        """
        end = self._diagrams.terminal
        match deed:
            case Accept(queued=queued):
                return end(Accepted(store) if queued else self.accepted(store, table, hook)), ""
            case Drop():
                return end(Outcome.stopped(Fate.DROP, store)), ""
            case Reject(code):
                return end(Outcome.stopped(Fate.REJECT, store, code)), ""
            case Return():
                return end(Leave(store)), ""
            case Steal(why):
                return end(Outcome.stopped(Fate.STOLEN, store, why)), f"what becomes of a packet is not known: {why}"
            case Effect(why):
                return self._effect(why, store, passes=passes), why
            case Translate() if side is deed.manip and store.home:
                return end(Accepted(store)), ""  # it is confirmed, and too late (nf_nat_setup_info)
            case Translate() if side is deed.manip and store.entry in {Entry.BEGINS, Entry.ANY}:
                return self._translated(deed, store, table, hook), ""
            case Prepare():
                return self._prepared(deed, store), ""
            case Proxy(address, port):
                text = f"a local socket takes it: {address or 'its own address'} port {port or 'of its own'}"
                changed = replace(store, notes=(*store.notes, text), mark=edited(store.mark, deed.keep, deed.xor))
                return end(self.accepted(changed, table, hook)), ""
            case EditMark() | CopyMark() | Change():
                return self._changed(deed, store), ""
        return None, ""

    @staticmethod
    def accepted(store: Store, table: str, hook: Hook) -> Accepted:
        """Return that a table lets packets pass; in nat that decides about one side of their connection."""
        if table != "nat":
            return Accepted(store)
        if hook in {Hook.PREROUTING, Hook.OUTPUT}:
            return Accepted(replace(store, destination_settled=True))
        return Accepted(replace(store, source_settled=True))

    def _effect(self, why: str, store: Store, *, passes: bool) -> Diagram:
        """Let a target that is not modelled take packets away or leave them alone, the same packet always alike."""
        made = self._diagrams
        taken = self._conditions.space.flag(("effect", why, store.values(None)))
        changed = replace(store, notes=(*store.notes, why))
        goes_on = made.terminal(Accepted(changed) if passes else Next(changed))
        return made.choose(taken, made.terminal(Outcome.stopped(Fate.STOLEN, store, why)), goes_on)

    def _translated(self, deed: Translate, store: Store, table: str, hook: Hook) -> Diagram:
        stores = self._translations.of(deed, store, hook)

        def settled(leaf: object) -> Diagram:
            if not isinstance(leaf, Store):
                raise AssertionError(leaf)
            return self._diagrams.terminal(self.accepted(leaf, table, hook))

        return self._odds.bind(stores, settled)

    def _prepared(self, deed: Prepare, store: Store) -> Diagram | None:
        """Prepare the entry of packets that have none."""
        if store.entry not in {Entry.NONE, Entry.ANY}:
            return None
        if deed.untracked:
            changed = replace(store, entry=Entry.UNTRACKED)
        else:
            zone = (deed.zone, deed.reply_zone)
            told = None if zone == (0, 0) else (*zone, store.mark if None in zone else None)
            notes = (*store.notes, f"helper {deed.helper}") if deed.helper else store.notes
            changed = replace(store, entry=Entry.PREPARED, zone=told, notes=notes, ctmark=NO_MARK)
        done = self._diagrams.terminal(Next(changed))
        if store.entry is Entry.NONE:
            return done
        has_none = self._conditions.space.flag(("no entry yet",))
        return self._diagrams.choose(has_none, done, self._diagrams.terminal(Next(store)))

    def _changed(self, deed: EditMark | CopyMark | Change, store: Store) -> Diagram:
        changed, needs_entry = store, True
        match deed:
            case EditMark(field, keep, xor):
                changed = _with_mark(store, field, edited(_mark(store, field), keep, xor))
                needs_entry = field is Field.CTMARK
            case CopyMark(to):
                changed = _with_mark(store, to, copied(deed, _mark(store, to), _mark(store, deed.of)))
            case Change(text, fields, key):
                changed = replace(store, notes=(*store.notes, text))
                read = () if fields <= _BY_THEMSELVES else store.values(None)
                for field in sorted(fields):
                    changed = changed.with_change(field, (key, read))
                needs_entry = Field.CTMARK in fields
        done = self._diagrams.terminal(Next(changed))
        if not needs_entry:
            return done
        return self._diagrams.choose(self.tracked(store), done, self._diagrams.terminal(Next(store)))

    def tracked(self, store: Store) -> Diagram:
        """Return the condition that packets have a conntrack entry."""
        if store.entry in {Entry.BEGINS, Entry.PREPARED}:
            return self._diagrams.yes
        if store.entry in {Entry.NONE, Entry.UNTRACKED}:
            return self._diagrams.no
        return self._conditions.within(Field.CTSTATE, TRACKED, store)


def _mark(store: Store, field: Field) -> Mark:
    return store.mark if field is Field.MARK else store.ctmark


def _with_mark(store: Store, field: Field, mark: Mark) -> Store:
    return replace(store, mark=mark) if field is Field.MARK else replace(store, ctmark=mark)


def edited(mark: Mark, keep: int, xor: int) -> Mark:
    """Return ``(mark & keep) ^ xor``."""
    if isinstance(mark, BitTerm):
        return mark.edited(keep, xor)
    if not keep:
        return BitTerm(0, 0, xor)
    return mark if (keep, xor) == (_ALL, 0) else Opaque(("edited", keep, xor), mark)


def copied(deed: CopyMark, to: Mark, of: Mark) -> Mark:
    """Return a mark into which another one was copied; bits that are not known are not shifted about."""
    taken = edited(of, deed.take, 0)
    if deed.left or deed.right:
        if isinstance(taken, BitTerm) and taken.is_constant:
            taken = BitTerm(0, 0, (taken.xor << deed.left & _ALL) >> deed.right)
        else:
            taken = Opaque(("shifted", deed.left, deed.right), taken)
    rest = edited(to, deed.keep, 0)
    if isinstance(rest, BitTerm) and isinstance(taken, BitTerm):
        return rest.joined(taken)
    if rest == NO_MARK:
        return taken
    return Opaque(("joined", taken), rest)
