"""Rules in another order that are the same function: rules that no packet fits both of may change places.

Read off the lines of a chain, without a rule being built. The key of a line is the destination (one address), the
protocol and the port as it asks for them *before anything else that could notice the packet*: of two lines with
different keys a packet that fits one never gets past the key of the other, so neither knows of the other's place.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from itertools import combinations, pairwise
from typing import Final

#: A line as iptables prints it, up to the port: base options, a comment, the match of the protocol.
_LINE: Final = re.compile(
    r"-A \S+"
    r"(?: (?:! )?-s \S+)?"
    r"(?: -d (?P<destination>[0-9a-fA-F.:]+)(?:/(?P<length>\d+))?(?= ))?"
    r"(?: (?:! )?-i \S+)?(?: (?:! )?-o \S+)?"
    r"(?: -p (?P<protocol>tcp|udp|sctp|icmp)(?= ))?"
    r"(?: -m comment --comment (?:\"[^\"\\]*\"|[^\s\"'\\-][^\s\"'\\]*)(?= ))?"
    r"(?: -m (?P<match>tcp|udp|sctp) --dport (?P<port>0|[1-9]\d*)(?= ))?"
)
_PLAIN: Final = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){3}")
#: Targets that give a packet another destination and let it go on in the same chain.
_MOVES: Final = re.compile(r"\b(?:DNPT|SNPT)\b")

#: Destination, protocol and port; empty for what a line does not ask for.
Key = tuple[str, str, str]
#: Which of the three a line asks for.
_Shape = tuple[bool, bool, bool]


def key_of(line: str) -> Key:
    """Return what a line asks of every packet ahead of anything else; a line that is written otherwise has no key."""
    found = _LINE.match(line)
    if found is None:
        return "", "", ""
    protocol = found["protocol"] or ""
    port = found["port"] if found["port"] and found["match"] == protocol else ""
    return _whole_address(found["destination"], found["length"]), protocol, port or ""


def _whole_address(text: str | None, length: str | None) -> str:
    """Return the one spelling of an address; empty for a network, and for what is no address."""
    if text is None or length not in {None, "128" if ":" in text else "32"}:
        return ""
    if _PLAIN.fullmatch(text):
        return text
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def is_reordered(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether the lines of a chain are the same, and those that a packet could fit both of in the same order.

    Args:
        old: the lines of a chain, without counters.
        new: others, of a chain of the same name in a text that is read alike.
    """
    if len(old) != len(new) or any(_MOVES.search(line) for line in old):
        return False
    places = _places(old, new)
    if places is None:
        return False
    keys = [key_of(line) for line in old]
    by_shape: defaultdict[_Shape, list[int]] = defaultdict(list)
    for place, (destination, protocol, port) in enumerate(keys):
        by_shape[bool(destination), bool(protocol), bool(port)].append(place)
    shapes = list(by_shape)
    for shape in shapes:
        for group in _grouped(by_shape[shape], keys, shape).values():
            if not _rises([places[place] for place in group]):
                return False
    for one, other in combinations(shapes, 2):
        common: _Shape = (one[0] and other[0], one[1] and other[1], one[2] and other[2])
        for left, right in _meeting(by_shape[one], by_shape[other], keys, common):
            if not _stand_alike(left, right, places):
                return False
    return True


def _places(old: Sequence[str], new: Sequence[str]) -> list[int] | None:
    """Return where each line stands in the other text, the first of equal ones first; None where one is missing."""
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    for place in range(len(new) - 1, -1, -1):
        waiting[new[place]].append(place)
    found = []
    for line in old:
        twins = waiting.get(line)
        if not twins:
            return None
        found.append(twins.pop())
    return found


def _grouped(places: list[int], keys: list[Key], common: _Shape) -> dict[tuple[str, ...], list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    for place in places:
        key = tuple(part for part, counts in zip(keys[place], common, strict=True) if counts)
        found.setdefault(key, []).append(place)
    return found


def _meeting(
    left: list[int], right: list[int], keys: list[Key], common: _Shape
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the lines of two shapes that a packet could fit both of."""
    others = _grouped(right, keys, common)
    for key, some in _grouped(left, keys, common).items():
        if key in others:
            yield some, others[key]


def _rises(places: list[int]) -> bool:
    return all(one < other for one, other in pairwise(places))


def _stand_alike(left: list[int], right: list[int], places: list[int]) -> bool:
    """Whether each of the left lines has the same of the right ones ahead of it in both texts."""
    before = sorted(places[place] for place in right)
    rank = {place: number for number, place in enumerate(before)}
    # The first so many of the right lines are the first so many in the other text, too, where none of them is behind.
    furthest = -1
    closed = {0}
    for number, place in enumerate(right, 1):
        furthest = max(furthest, rank[places[place]])
        if furthest == number - 1:
            closed.add(number)
    ahead = _counts(left, right)
    ahead_there = _counts([places[place] for place in left], before)
    return all(one == other and one in closed for one, other in zip(ahead, ahead_there, strict=True))


def _counts(left: list[int], right: list[int]) -> list[int]:
    """Return for each of the left places how many of the right ones, which rise, are smaller."""
    return [bisect_left(right, place) for place in left]
