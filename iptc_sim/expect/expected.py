"""One expectation about a flow, and how it is met: the same for flows files and for the asserts of the plugin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.expect.values import ANY, Chance, Destination, Place
from iptc_sim.records import dataclass
from iptc_sim.render.words import verdict
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.values import UNKNOWN, MaskedMark, Odds

#: Fates of packets that get somewhere.
ARRIVED: Final = frozenset({Fate.LOCAL, Fate.FORWARD, Fate.SENT})

#: Words that stand in ``odds`` beside destinations.
STOPPED: Final = {"dropped": Fate.DROP, "rejected": Fate.REJECT}


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a flow; whatever is not said may be as it likes, and what is said holds for every branch.

    Args:
        reaches: it gets to exactly these destinations.
        may_reach: it gets to these, and perhaps to others.
        odds: with which chance it gets to a destination, or is stopped.
        masqueraded: whether its source is rewritten, or to what.
        dropped_by: what drops it; :data:`ANY`: whatever does.
        rejected_with: how it is rejected; :data:`ANY`: in any way.
        rejected_by: what rejects it.
        via: chains and rules that it passes, in this order.
        translated_to: what its destination is rewritten to, whatever becomes of it then.
        mark: its mark at the end.
        local: whether it is delivered on this node, or leaves it.
    """

    reaches: tuple[Destination, ...] = ()
    may_reach: tuple[Destination, ...] = ()
    odds: tuple[tuple[Destination | Fate, Chance], ...] = ()
    masqueraded: bool | Destination | None = None
    dropped_by: Place | str = ""
    rejected_with: str = ""
    rejected_by: Place | str = ""
    via: tuple[Place, ...] = ()
    translated_to: Destination | None = None
    mark: MaskedMark | None = None
    local: bool | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A part of an expectation that does not hold.

    Args:
        key: which part, as flows files call it.
        expected: what was expected, to follow "expected ".
        got: what is so instead, to follow ", but ".
        end: the branch in which it is so.
        wants: what the packet would have had to meet, for finding the rule that nearly did it.
    """

    key: str
    expected: str
    got: str
    end: End
    wants: Destination | Place | str = ANY

    def __str__(self) -> str:
        return f"expected {self.expected}, but {self.got}"


def judge(expected: Expected, trace: Trace) -> tuple[Failure, ...]:
    """Return every part of an expectation that a trace does not meet, each with the first branch that does not."""
    found = _Judge(trace)
    parts: list[Iterator[Failure]] = []
    if expected.reaches:
        parts.append(found.reaches(expected.reaches, "reaches", exactly=True))
    if expected.may_reach:
        parts.append(found.reaches(expected.may_reach, "may-reach", exactly=False))
    parts += [found.odds(wanted, chance) for wanted, chance in expected.odds]
    if expected.translated_to is not None:
        parts.append(found.translated(expected.translated_to))
    if expected.masqueraded is not None:
        parts.append(found.masqueraded(expected.masqueraded))
    if expected.dropped_by:
        parts.append(found.dropped(expected.dropped_by))
    if expected.rejected_with or expected.rejected_by:
        parts.append(found.rejected(expected.rejected_with, expected.rejected_by))
    if expected.local is not None:
        parts.append(found.local(wanted=expected.local))
    if expected.mark is not None:
        parts.append(found.mark(expected.mark))
    if expected.via:
        parts.append(found.via(expected.via))
    return tuple(failure for part in parts if (failure := next(part, None)))


class _Judge:
    """Yields for each part of an expectation the branches that do not meet it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def _is(self, end: End) -> str:
        return f"it is {verdict(self.trace, end)}"

    def reaches(self, wanted: tuple[Destination, ...], key: str, *, exactly: bool) -> Iterator[Failure]:
        """A branch that is stopped, a destination that is missing, or one that was not named."""
        ends = self.trace.ends
        phrase = f"it to reach {_listed(wanted)}"
        for end in ends:
            if end.fate not in ARRIVED:
                yield Failure(key, phrase, self._is(end), end, wanted[0])
        reached = "it reaches " + ", ".join(dict.fromkeys(end.packet.destination_text for end in ends))
        for one in wanted:
            if not any(one.is_destination_of(end.packet) for end in ends):
                yield Failure(key, phrase, reached, ends[0], one)
        if exactly:
            for end in ends:
                if not any(one.is_destination_of(end.packet) for one in wanted):
                    yield Failure(key, phrase, f"it may also reach {end.packet.destination_text}", end, wanted[0])

    def odds(self, wanted: Destination | Fate, chance: Chance) -> Iterator[Failure]:
        """A chance that is another one, or cannot be told."""
        word = next((word for word, fate in STOPPED.items() if fate is wanted), f"to reach {wanted}")
        phrase = f"a chance of {chance} {word if word.startswith('to ') else f'to be {word}'}"
        fitting = [end for end in self.trace.ends if _is_meant(wanted, end)]
        total = Odds(0, 1)
        for end in fitting:
            if end.odds is None:
                yield Failure("odds", phrase, "it cannot be told: it hangs on something that has no odds", end)
                return
            total = total + end.odds
        if not chance.holds(total.fraction):
            goal = wanted if isinstance(wanted, Destination) else ANY
            shown = f"it is {total} ({total.percent})"
            yield Failure("odds", phrase, shown, (fitting or self.trace.ends)[0], goal)

    def translated(self, wanted: Destination) -> Iterator[Failure]:
        """A branch with another destination, or the one that the packet had all along."""
        phrase = f"its destination to be translated to {wanted}"
        before = self.trace.flow.packet.destination_text
        for end in self.trace.ends:
            now = end.packet.destination_text
            if not wanted.is_destination_of(end.packet) or now == before:
                got = "it is not translated" if now == before else f"it is translated to {now}"
                yield Failure("translated-to", phrase, f"{got}: {verdict(self.trace, end)}", end, wanted)

    def masqueraded(self, wanted: bool | Destination) -> Iterator[Failure]:
        """A branch whose source stays or is rewritten, against what was expected, or which does not get anywhere."""
        phrase = "its source to " + (
            "stay" if wanted is False else "be rewritten" if wanted is True else f"be {wanted}"
        )
        before = self.trace.flow.packet.source_text
        for end in self.trace.ends:
            packet = end.packet
            if end.fate not in ARRIVED:
                yield Failure("masqueraded", phrase, self._is(end), end, "arrives")
            elif isinstance(wanted, Destination):
                if not wanted.fits(packet.source, packet.sport) or packet.source_text == before:
                    yield Failure("masqueraded", phrase, f"it is {packet.source_text}", end, "masquerades")
            elif (packet.source_text != before) is not wanted:
                now = "an address of this node" if packet.source is UNKNOWN else packet.source_text
                got = f"it becomes {now}" if packet.source_text != before else f"it stays {before}"
                yield Failure("masqueraded", phrase, got, end, "masquerades" if wanted else ANY)

    def dropped(self, by: Place | str) -> Iterator[Failure]:
        """A branch that is not dropped, or by something else."""
        phrase = "it to be dropped" if by == ANY else f"{by} to drop it"
        for end in self.trace.ends:
            if end.fate is not Fate.DROP:
                other = "; that is no drop: rejected-with (assert_rejected) expects it"
                got = self._is(end) + (other if end.fate is Fate.REJECT else "")
                yield Failure("dropped-by", phrase, got, end, "drops" if by == ANY else by)
        yield from self._by(by, "dropped-by", phrase)

    def rejected(self, code: str, by: Place | str) -> Iterator[Failure]:
        """A branch that is not rejected, in another way, or by something else."""
        how = "" if code in {"", ANY} else f" with {code}"
        phrase = f"it to be rejected{how}" if by in {"", ANY} else f"{by} to reject it{how}"
        for end in self.trace.ends:
            if end.fate is not Fate.REJECT or (how and end.code != code):
                wants = by if isinstance(by, Place) else "rejects"
                yield Failure("rejected-with" if code else "rejected-by", phrase, self._is(end), end, wants)
        yield from self._by(by, "rejected-by", phrase)

    def _by(self, by: Place | str, key: str, phrase: str) -> Iterator[Failure]:
        for end in self.trace.ends:
            if isinstance(by, Place) and not by.holds(end.decided_by):
                yield Failure(key, phrase, self._is(end), end, by)

    def local(self, *, wanted: bool) -> Iterator[Failure]:
        """A branch that ends elsewhere."""
        fates = {Fate.LOCAL} if wanted else {Fate.FORWARD, Fate.SENT}
        phrase = "it to be delivered on this node" if wanted else "it to leave this node"
        for end in self.trace.ends:
            if end.fate not in fates:
                yield Failure("local", phrase, self._is(end), end, "arrives")

    def mark(self, wanted: MaskedMark) -> Iterator[Failure]:
        """A branch with another mark."""
        for end in self.trace.ends:
            if end.packet.mark not in wanted:
                yield Failure("mark", f"its mark to be {wanted}", f"it is {end.packet.mark:#x}", end, "marks")

    def via(self, wanted: tuple[Place, ...]) -> Iterator[Failure]:
        """A branch that does not pass a place, or not in this order."""
        phrase = f"it to pass {', then '.join(map(str, wanted))}"
        for end in self.trace.ends:
            left = list(wanted)
            for step in self.trace.steps(end):
                if left and left[0].is_passed_in(step):
                    del left[0]
            if left:
                passed = any(left[0].is_passed_in(step) for step in self.trace.steps(end))
                got = f"it passes {left[0]} before that" if passed else f"it does not pass {left[0]}"
                yield Failure("via", phrase, f"{got}: it is {verdict(self.trace, end)}", end, left[0])


def _is_meant(wanted: Destination | Fate, end: End) -> bool:
    if isinstance(wanted, Fate):
        return end.fate is wanted
    return end.fate in ARRIVED and wanted.is_destination_of(end.packet)


def _listed(wanted: tuple[Destination, ...]) -> str:
    *first, last = map(str, wanted)
    return f"{', '.join(first)} and {last}" if first else last
