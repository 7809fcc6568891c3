"""What matches ask, in clauses about the packet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from iptc_sim.builtin import BaseMatch, ForeignMatch
from iptc_sim.extension import Extension
from iptc_sim.protocols import protocol_name
from iptc_sim.render.explain_words import clauses, joined
from iptc_sim.values import RANDOM_STEPS


def conditions(match: Extension) -> list[str]:
    """Return the clauses of a match, none for one that asks nothing."""
    if isinstance(match, ForeignMatch):
        return [" ".join((f"-m {match.module}", *match.raw)) + " holds (which is not known here)"]
    if isinstance(match, BaseMatch):
        return _base(match)
    special = _SPECIAL.get(match.NAME)
    found = clauses(match) if special is None else special(match)
    return found if found or match.NAME in _SILENT else [f"-m {match.NAME} fits"]


def _base(match: BaseMatch) -> list[str]:
    found = clauses(match, leave_out=("protocol",))
    if match.protocol is not None:
        name = protocol_name(match.protocol.value)
        shown = f"protocol {name}" if name.isdigit() else name.upper()
        found.insert(0, f"it is {'not ' if match.protocol.negated else ''}{shown}")
    return found


def _tcp(match: Any) -> list[str]:
    found = clauses(match, leave_out=("flags",))
    if match.flags is None:
        return found
    test = match.flags.value
    on, off = joined(sorted(test.set)), joined(sorted(test.mask - test.set))
    told = [f"{on} {'is' if len(test.set) == 1 else 'are'} set"] if test.set else []
    told += [f"{off} {'is' if len(test.mask - test.set) == 1 else 'are'} not set"] if test.mask - test.set else []
    text = f"of its TCP flags {joined(told)}"
    return [*found, f"it is not so that {text}" if match.flags.negated else text]


def _statistic(match: Any) -> list[str]:
    if match.probability is not None:
        share = match.probability.value.threshold / RANDOM_STEPS
        if match.probability.negated:
            share = 1 - share
        return [f"a draw with a chance of {100 * share:.3f}% says so"]
    every, number = match.every, (match.packet or 0) + 1
    place = f"number {number} of every {every.value} packets that get here"
    return [f"it is not {place}" if every.negated else f"it is {place}"]


def _recent(match: Any) -> list[str]:
    side = "destination" if match.rdest else "source"
    name = f"its {side} {{}} on the list {match.list_name}"
    if match.set_ is not None:
        return [f"its {side} {'cannot be' if match.set_.negated else 'is now'} put on the list {match.list_name}"]
    verb = match.remove or match.update or match.rcheck
    text = name.format("is not" if verb.negated else "is")
    if match.hitcount:
        text += f" and was seen at least {match.hitcount} times"
    if match.seconds is not None:
        text += f" within the last {match.seconds} seconds"
    if match.rttl:
        text += " with this TTL"
    if match.remove is not None:
        return [f"{text} (and it is taken off)"]
    return [f"{text} (and is seen once more)" if match.update is not None else text]


def _limit(match: Any) -> list[str]:
    return [f"no more than {match.limit} have fitted so far (at first {match.burst} at once)"]


def _hashlimit(match: Any) -> list[str]:
    rate = match.upto if match.above is None else match.above
    each = f" for each {joined(match.mode.names)}" if match.mode else ""
    burst = "" if match.burst is None else f" (at first {match.burst} at once)"
    return [f"there are {'no more' if match.above is None else 'more'} than {rate}{each}{burst}"]


def _connlimit(match: Any) -> list[str]:
    side = "destination" if match.daddr else "source"
    count = f"{match.above} connections" if match.upto is None else f"{match.upto} connections"
    whole = match.mask in {32, 128}
    who = f"its {side}" if whole else f"the /{match.mask} network of its {side}"
    return [f"{who} has {'more than' if match.upto is None else 'at most'} {count}"]


def _set(match: Any) -> list[str]:
    lookup = match.lookup
    side = {"src": "source", "dst": "destination"}
    sides = joined(side[name] for name in lookup.value.sides)
    found = f"its {sides} {'is not' if lookup.negated else 'is'} in the set {lookup.value.name}"
    return [found, *clauses(match, leave_out=("lookup",))]


def _string(match: Any) -> list[str]:
    where = "" if (match.first, match.last) == (0, 0xFFFF) else f" (from byte {match.first} to {match.last})"
    case = ", whatever the case" if match.icase else ""
    return [
        f"its bytes {'do not hold' if value.negated else 'hold'} {' '.join(item.kind.write(value.value))}{where}{case}"
        for item in match.OPTIONS
        if item.field in {"text", "hex_text"} and (value := getattr(match, item.field)) is not None
    ]


def _time(match: Any) -> list[str]:
    """Say the limits that are set; without any a rule holds at all times."""
    found = []
    if match.start is not None or match.stop is not None:
        found.append(f"the time of day is {match.start or 'midnight'} to {match.stop or 'midnight'}")
    for name, days in (("day of the week", match.weekdays), ("day of the month", match.monthdays)):
        if days is not None:
            declared = next(item for item in match.OPTIONS if getattr(match, item.field) is days)
            told = " ".join(declared.kind.write(days.value))
            found.append(f"the {name} is {'not ' if days.negated else ''}{told}")
    found += clauses(match, leave_out=("start", "stop", "weekdays", "monthdays", "kerneltz", "utc", "localtz"))
    return [f"{found[0]} ({'the kernel' if match.kerneltz else 'UTC'} clock)", *found[1:]] if found else []


def _rpfilter(match: Any) -> list[str]:
    answer = "would not" if match.invert else "would"
    return [f"an answer to it {answer} leave by the interface it came in by", *clauses(match, leave_out=("invert",))]


def _socket(match: Any) -> list[str]:
    kind = "a transparent socket" if match.transparent else "a socket"
    return [f"{kind} of this machine is open for it", *clauses(match, leave_out=("transparent",))]


def _connbytes(match: Any) -> list[str]:
    test = match.connbytes
    what = {"packets": "packets", "bytes": "bytes", "avgpkt": "bytes a packet"}[match.mode]
    side = "both directions" if match.dir == "both" else f"the {match.dir} direction"
    return [f"its connection {'has not' if test.negated else 'has'} had {test.value} {what} in {side}"]


#: Matches that may ask nothing beyond the protocol, which ``-p`` has asked.
_SILENT: Final = frozenset({"comment", "tcp", "udp", "sctp", "dccp", "time", "ah", "esp", "ipcomp"})

_SPECIAL: Final[dict[str, Callable[[Any], list[str]]]] = {
    "comment": lambda _match: [],
    "tcp": _tcp,
    "statistic": _statistic,
    "recent": _recent,
    "limit": _limit,
    "hashlimit": _hashlimit,
    "connlimit": _connlimit,
    "set": _set,
    "string": _string,
    "time": _time,
    "rpfilter": _rpfilter,
    "socket": _socket,
    "connbytes": _connbytes,
}
