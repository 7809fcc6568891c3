"""Pairs of rulesets as text: a random one, and the same after one or a few changes of the kinds that people make."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Final

from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.syntax import examine
from iptc_sim.values import Family
from iptc_sim.verify.generator import draw_case

#: Needs objects in the kernel that a fresh namespace does not have.
_WITH_OBJECTS: Final = re.compile(r"--match-set|-j SET|nfacct|rateest|RATEEST")
_PREFIXES: Final = ("10.0.0.0/24", "10.0.0.5/32", "10.0.0.4/30", "198.51.100.0/24", "192.0.2.0/25", "0.0.0.0/1")
_PORTS: Final = ("22", "53", "80", "80:90", "8080", "1024:65535")
_MARKS: Final = ("0x1/0x1", "0x2/0x3", "0x4000/0x4000", "0x7/0xffffffff")
_STATES: Final = ("NEW", "RELATED,ESTABLISHED", "INVALID", "NEW,UNTRACKED")
_CODES: Final = ("icmp-port-unreachable", "icmp-host-prohibited", "icmp-net-unreachable")

#: How a ruleset came to be another one.
KINDS: Final = (
    "swap", "drop", "duplicate", "value", "policy", "split", "rename", "move to raw", "reorder", "comment", "negate",
    "widen",
)  # fmt: skip


class Small:
    """Draws rulesets of few words, as many of whose pairs are the same function as are not.

    Args:
        random: the source.
        nat: whether there is a nat table.
        draws: whether some rules are drawn by odds.
    """

    def __init__(self, random: Random, *, nat: bool = True, draws: bool = True) -> None:
        self.random, self.nat, self.draws = random, nat, draws

    def text(self) -> str:
        """Return text for iptables-restore."""
        parts = [self._table("mangle", ("PREROUTING", "FORWARD", "POSTROUTING"), 3)]
        parts += [self._table("nat", ("PREROUTING", "OUTPUT", "POSTROUTING"), 2)] if self.nat else []
        return "".join([*parts, self._table("filter", ("INPUT", "FORWARD", "OUTPUT"), 5)])

    def _table(self, name: str, hooks: tuple[str, ...], most: int) -> str:
        users = [f"user{number}" for number in range(self.random.randint(0, 2))]
        lines = [f"*{name}"]
        for built_in in BUILTIN_CHAINS[name]:
            policy = self.random.choice(("ACCEPT", "ACCEPT", "DROP")) if name == "filter" else "ACCEPT"
            lines.append(f":{built_in} {policy} [0:0]")
        lines += [f":{user} - [0:0]" for user in users]
        for hook in hooks:
            lines += [f"-A {hook} {self._rule(name, hook, users)}" for _ in range(self.random.randint(0, most))]
        for number, user in enumerate(users):
            lines += [
                f"-A {user} {self._rule(name, '', users[number + 1 :])}" for _ in range(self.random.randint(1, 3))
            ]
        return "\n".join([*lines, "COMMIT", ""])

    def _maybe(self, percent: int, text: str) -> list[str]:
        return [text] if self.random.randrange(100) < percent else []

    def _not(self) -> str:
        return "! " if self.random.randrange(5) == 0 else ""

    def _rule(self, table: str, hook: str, users: list[str]) -> str:
        pick = self.random.choice
        words = [
            *self._maybe(25, f"{self._not()}-s {pick(_PREFIXES)}"),
            *self._maybe(35, f"{self._not()}-d {pick(_PREFIXES)}"),
            *self._maybe(15 if hook in {"PREROUTING", "INPUT", "FORWARD"} else 0, f"{self._not()}-i {pick(_IN)}"),
            *self._maybe(15 if hook in {"FORWARD", "OUTPUT", "POSTROUTING"} else 0, f"{self._not()}-o {pick(_IN)}"),
        ]
        protocol = pick(("", "", "tcp", "tcp", "udp"))
        if protocol:
            words.append(f"-p {protocol}")
            words += self._maybe(70, f"-m {protocol} {self._not()}--{pick(('dport', 'dport', 'sport'))} {pick(_PORTS)}")
        words += self._maybe(15, f"-m mark {self._not()}--mark {pick(_MARKS)}")
        words += self._maybe(15, f"-m conntrack {self._not()}--ctstate {pick(_STATES)}")
        if self.draws:
            words += self._maybe(
                6, f"-m statistic --mode random --probability {pick(('0.5', '0.33333333349', '0.25'))}"
            )
        return " ".join([*words, self._target(table, hook, users, protocol)]).strip()

    def _target(self, table: str, hook: str, users: list[str], protocol: str) -> str:
        pick = self.random.choice
        if users and self.random.random() < 0.35:
            return f"-{pick('jjjg')} {pick(users)}"
        if table == "nat" and hook in {"PREROUTING", "OUTPUT"}:
            port = f":{pick(('80', '8080'))}" if protocol else ""
            return f"-j DNAT --to-destination {pick(('10.0.0.5', '10.0.0.9', '192.0.2.7'))}{port}"
        if table == "nat" and hook == "POSTROUTING":
            return pick(("-j MASQUERADE", "-j SNAT --to-source 192.0.2.11", "-j ACCEPT"))
        if table == "filter":
            return pick(("-j ACCEPT", "-j DROP", "-j RETURN", f"-j REJECT --reject-with {pick(_CODES)}", ""))
        if table == "nat":
            return pick(("-j RETURN", "-j ACCEPT"))
        return pick((f"-j MARK --set-xmark {pick(_MARKS)}",) * 3 + ("-j ACCEPT", "-j DROP", "-j RETURN"))


_IN: Final = ("eth0", "eth1", "eth+", "wlan0")


def drawn(seed: int, family: Family = Family.IPV4) -> str:
    """Return a ruleset with extensions of all kinds."""
    text = draw_case(f"behaviour {seed}", family).text
    return "\n".join(line for line in text.split("\n") if not _WITH_OBJECTS.search(line))


def mutated(text: str, random: Random, family: Family = Family.IPV4, count: int | None = None) -> tuple[str, str]:
    """Return what was done to a text, and what came out; lines that iptables refuses are left out of both alike."""
    lines, names = text.split("\n"), []
    for _ in range(count or random.choice((1, 1, 1, 2, 3))):
        name = random.choice(KINDS)
        before = list(lines)
        _DO[name](lines, random)
        names += [name] if lines != before else []
    return ", ".join(names), taken("\n".join(lines), family)


def taken(text: str, family: Family = Family.IPV4) -> str:
    """Return a text without the lines that iptables would refuse."""
    lines = text.split("\n")
    while True:
        found = examine("\n".join(lines), family=family, strict=True)
        refused = {error.span.line for error in found.errors if error.span}
        if not refused:
            return "\n".join(lines)
        lines = [line for number, line in enumerate(lines, 1) if number not in refused]


def _rules(lines: list[str]) -> list[int]:
    return [number for number, line in enumerate(lines) if line.startswith("-A ")]


def _one(lines: list[str], random: Random, fits: Callable[[str], object] = bool) -> int | None:
    found = [number for number in _rules(lines) if fits(lines[number])]
    return random.choice(found) if found else None


def _swap(lines: list[str], random: Random) -> None:
    places = [
        number for number in _rules(lines) if lines[number - 1].startswith(f"{' '.join(lines[number].split()[:2])} ")
    ]
    if places:
        place = random.choice(places)
        lines[place - 1], lines[place] = lines[place], lines[place - 1]


def _drop(lines: list[str], random: Random) -> None:
    if (place := _one(lines, random)) is not None:
        del lines[place]


def _duplicate(lines: list[str], random: Random) -> None:
    if (place := _one(lines, random)) is not None:
        lines.insert(place + 1, lines[place])


_NUMBERS: Final = re.compile(r"(?<=[ :/.x])\d+(?=[ :/.]|$)|0x[0-9a-f]+")


def _value(lines: list[str], random: Random) -> None:
    """Change one number: of a port, a mark, an address or a probability."""
    place = _one(lines, random, _NUMBERS.search)
    if place is not None:
        found = random.choice(list(_NUMBERS.finditer(lines[place])))
        number = int(found[0], 0) if found[0].startswith("0x") else int(found[0])
        changed = hex(number ^ 1 << random.randrange(3)) if found[0].startswith("0x") else str(abs(number - 1) or 2)
        lines[place] = lines[place][: found.start()] + changed + lines[place][found.end() :]


def _policy(lines: list[str], random: Random) -> None:
    places = [number for number, line in enumerate(lines) if re.match(r":\S+ (ACCEPT|DROP)", line)]
    if places:
        place = random.choice(places)
        now = "DROP" if " ACCEPT" in lines[place] else "ACCEPT"
        lines[place] = re.sub(r" (ACCEPT|DROP)", f" {now}", lines[place])


_PREFIX: Final = re.compile(r"(?<!! )-([sd]) (\d+\.\d+\.\d+\.)0/24(?= |$)")


def _split(lines: list[str], random: Random) -> None:
    """Write one network as its two halves, which is the same as long as the rule draws nothing and keeps no state."""
    place = _one(lines, random, _PREFIX.search)
    if place is not None:
        line = lines[place]
        lines[place : place + 1] = [_PREFIX.sub(rf"-\1 \g<2>{half}/25", line) for half in (0, 128)]


def _rename(lines: list[str], random: Random) -> None:
    users = [found[1] for line in lines if (found := re.match(r":(\S+) -", line))]
    if users:
        old = random.choice(users)
        lines[:] = [
            re.sub(rf"^(:|-A ){old}(?= )|(?<=-[jg] ){old}$", lambda found: _renamed(found[0], old), line)
            for line in lines
        ]


def _renamed(text: str, old: str) -> str:
    return text.replace(old, f"other-{old}")


def _move_to_raw(lines: list[str], random: Random) -> None:
    place = _one(lines, random, lambda line: line.endswith("-j DROP") and line.startswith("-A INPUT"))
    if place is not None:
        rule = lines.pop(place).removeprefix("-A INPUT ")
        head = ["*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
        if "*raw" in lines:
            at = lines.index("*raw") + 1 + lines[lines.index("*raw") + 1 :].index("COMMIT")
            lines.insert(at, f"-A PREROUTING {rule}")
        else:
            lines[:0] = [*head, f"-A PREROUTING {rule}", "COMMIT"]


def _reorder(lines: list[str], random: Random) -> None:
    """Put the rules of one chain behind those of the others: no order within a chain changes."""
    place = _one(lines, random)
    if place is not None:
        chain = " ".join(lines[place].split()[:2]) + " "
        end = place + lines[place:].index("COMMIT")
        begin = place - next(back for back in range(place + 1) if lines[place - back].startswith("*"))
        moved = [line for line in lines[begin:end] if line.startswith(chain)]
        lines[begin:end] = [*(line for line in lines[begin:end] if not line.startswith(chain)), *moved]


def _comment(lines: list[str], random: Random) -> None:
    if (place := _one(lines, random)) is not None:
        words = lines[place].split(" ", 2)
        lines[place] = " ".join([*words[:2], '-m comment --comment "said"', *words[2:]])


def _negate(lines: list[str], random: Random) -> None:
    options = re.compile(r"(! )?(-[sdio]|--[sd]port|--mark|--ctstate) ")
    place = _one(lines, random, options.search)
    if place is not None:
        found = random.choice(list(options.finditer(lines[place])))
        turned = f"{'' if found[1] else '! '}{found[2]} "
        lines[place] = lines[place][: found.start()] + turned + lines[place][found.end() :]


def _widen(lines: list[str], random: Random) -> None:
    options = re.compile(r"(! )?-[sdio] \S+ |-m (tcp|udp) (! )?--[sd]port \S+ |-m mark (! )?--mark \S+ ")
    place = _one(lines, random, options.search)
    if place is not None:
        found = random.choice(list(options.finditer(lines[place])))
        lines[place] = lines[place][: found.start()] + lines[place][found.end() :]


_DO: Final[dict[str, Callable[[list[str], Random], None]]] = {
    "swap": _swap, "drop": _drop, "duplicate": _duplicate, "value": _value, "policy": _policy, "split": _split,
    "rename": _rename, "move to raw": _move_to_raw, "reorder": _reorder, "comment": _comment, "negate": _negate,
    "widen": _widen,
}  # fmt: skip
