"""What packets two small rulesets treat differently, asked of z3: an encoding of its own, from the words of the rules.

Knows the words that :class:`tests.behaviour.mutate.Small` writes. What nat does is the kernel's: PREROUTING and OUTPUT
are walked by packets that begin a connection, and none of them twice on lo (``nf_nat_inet_fn``).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import z3

STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
#: Which tables are walked, by how a packet goes.
WAYS = {
    "forwarded": (
        ("raw", "PREROUTING"),
        ("mangle", "PREROUTING"),
        ("nat", "PREROUTING"),
        ("mangle", "FORWARD"),
        ("filter", "FORWARD"),
        ("mangle", "POSTROUTING"),
        ("nat", "POSTROUTING"),
    ),
    "incoming": (
        ("raw", "PREROUTING"),
        ("mangle", "PREROUTING"),
        ("nat", "PREROUTING"),
        ("mangle", "INPUT"),
        ("filter", "INPUT"),
        ("nat", "INPUT"),
    ),
    "local": (
        ("raw", "OUTPUT"),
        ("mangle", "OUTPUT"),
        ("nat", "OUTPUT"),
        ("filter", "OUTPUT"),
        ("mangle", "POSTROUTING"),
        ("nat", "POSTROUTING"),
    ),
}
PROTOCOLS = {"tcp": 6, "udp": 17}
#: More draws than this are not multiplied out.
MOST_DRAWS = 6
_ALIVE = 0
_WITH_IN = {"PREROUTING", "INPUT", "FORWARD"}
_WITH_OUT = {"FORWARD", "OUTPUT", "POSTROUTING"}


@dataclass
class Tables:
    """Chains by table, as words."""

    rules: dict[tuple[str, str], list[list[str]]] = field(default_factory=dict)
    policies: dict[tuple[str, str], str] = field(default_factory=dict)


def read(text: str) -> Tables:
    """Cut a text into words."""
    found, table = Tables(), ""
    for line in text.split("\n"):
        words = shlex.split(line)
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            found.rules[table, words[0][1:]] = []
            found.policies[table, words[0][1:]] = words[1]
        elif line.startswith("-A"):
            found.rules[table, words[1]].append(words[2:])
    return found


class Packet:
    """The variables: ``fresh`` is whether a RELATED packet begins its connection, ``route`` the way to an address."""

    def __init__(self) -> None:
        self.source, self.destination, self.mark = (z3.BitVec(name, 32) for name in ("source", "destination", "mark"))
        self.sport, self.dport = z3.BitVec("sport", 16), z3.BitVec("dport", 16)
        self.protocol = z3.BitVec("protocol", 8)
        self.state = z3.Int("state")
        self.fresh = z3.Bool("fresh")
        self.incoming, self.outgoing = z3.String("incoming"), z3.String("outgoing")
        self.route = z3.Function("route", z3.BitVecSort(32), z3.StringSort())

    def bounds(self) -> Iterator[Any]:
        """Yield what holds of every packet."""
        yield from (self.state >= 0, self.state < len(STATES))
        yield from (z3.Length(self.incoming) > 0, z3.Length(self.outgoing) > 0, self.outgoing != z3.StringVal("lo"))

    def begins(self) -> Any:
        """Return whether it begins a connection."""
        new, related = (self.state == STATES.index(name) for name in ("NEW", "RELATED"))
        return z3.Or(new, z3.And(related, self.fresh))


class Walk:
    """One ruleset, walked by all packets at once.

    Args:
        tables: the rules.
        packet: the variables.
        way: one of :data:`WAYS`.
        codes: of ends, by their words.
    """

    def __init__(self, tables: Tables, packet: Packet, way: str, codes: dict[str, int]) -> None:
        self.tables, self.packet, self.codes = tables, packet, codes
        self.mark, self.source, self.destination = packet.mark, packet.source, packet.destination
        self.dport, self.outgoing = packet.dport, packet.outgoing
        self.masqueraded: Any = z3.BoolVal(False)
        self.end: Any = z3.IntVal(_ALIVE)
        self.draws: list[tuple[Any, Fraction]] = []
        self.hook = ""
        for table, hook in WAYS[way]:
            if (table, hook) in tables.rules:
                self.table(table, hook)

    def table(self, table: str, hook: str) -> None:
        """Walk a table; behind OUTPUT a packet with another destination has another way."""
        if self.hook == "OUTPUT" != hook:
            moved = self.destination != self.packet.destination
            self.outgoing = z3.If(moved, self.packet.route(self.destination), self.outgoing)
        self.hook = hook
        alive = self.end == _ALIVE
        if table == "nat":
            again = self.packet.incoming == z3.StringVal("lo") if hook in {"PREROUTING", "INPUT"} else z3.BoolVal(False)
            alive = z3.And(alive, self.packet.begins(), z3.Not(again))
        left = self.chain(table, hook, alive)
        if self.tables.policies[table, hook] == "DROP":
            self.stop(left, "DROP")

    def stop(self, where: Any, what: str) -> None:
        """Note how packets end."""
        code = self.codes.setdefault(what, len(self.codes) + 1)
        self.end = z3.If(z3.And(where, self.end == _ALIVE), z3.IntVal(code), self.end)

    def chain(self, table: str, name: str, alive: Any) -> Any:
        """Walk a chain; return for which packets it came to its end."""
        returned: Any = z3.BoolVal(False)
        for words in self.tables.rules[table, name]:
            fits = z3.And(alive, self.fits(words))
            switch = "-j" if "-j" in words else "-g" if "-g" in words else ""
            target = words[words.index(switch) + 1] if switch else ""
            if not target or self.changed(target, words, fits):
                continue
            alive = z3.And(alive, z3.Not(fits))
            if target == "RETURN":
                returned = z3.Or(returned, fits)
            elif (table, target) in self.tables.rules:
                back = self.chain(table, target, fits)
                if switch == "-g":
                    returned = z3.Or(returned, back)
                else:
                    alive = z3.Or(alive, back)
            else:
                self.ended(target, words, fits)
        return z3.Or(alive, returned)

    def changed(self, target: str, words: list[str], fits: Any) -> bool:
        """Change the mark; return whether the target does that, behind which packets go on."""
        if target != "MARK":
            return False
        value, mask = (int(part, 0) for part in words[-1].split("/"))
        edited = (self.mark & z3.BitVecVal(~mask & 0xFFFFFFFF, 32)) ^ z3.BitVecVal(value, 32)
        self.mark = z3.If(fits, edited, self.mark)
        return True

    def ended(self, target: str, words: list[str], fits: Any) -> None:
        """Do what the target does with packets that leave the table with it."""
        if target == "DROP":
            self.stop(fits, "DROP")
        elif target == "REJECT":
            self.stop(fits, f"REJECT {words[-1] if '--reject-with' in words else 'icmp-port-unreachable'}")
        elif target == "DNAT":
            address, _, port = words[-1].partition(":")
            self.destination = z3.If(fits, z3.BitVecVal(int(ip_address(address)), 32), self.destination)
            self.dport = z3.If(fits, z3.BitVecVal(int(port), 16), self.dport) if port else self.dport
        elif target == "SNAT":
            self.source = z3.If(fits, z3.BitVecVal(int(ip_address(words[-1])), 32), self.source)
        elif target == "MASQUERADE":
            self.masqueraded = z3.Or(self.masqueraded, fits)
        elif target != "ACCEPT":
            raise AssertionError(target)

    def fits(self, words: list[str]) -> Any:
        """Return the condition of a rule."""
        parts = []
        for place, word in enumerate(words[:-1]):
            found = self.condition(word, words[place + 1])
            if found is not None:
                parts.append(z3.Not(found) if words[place - 1] == "!" else found)
        return z3.And(parts) if parts else z3.BoolVal(True)

    def condition(self, word: str, value: str) -> Any:
        """Return what an option asks; None for what is no condition."""
        packet = self.packet
        if word in {"-s", "-d"}:
            net = ip_network(value, strict=False)
            address = packet.source if word == "-s" else self.destination
            return address & z3.BitVecVal(int(net.netmask), 32) == z3.BitVecVal(int(net.network_address), 32)
        if word in {"-i", "-o"}:
            there = self.hook in (_WITH_IN if word == "-i" else _WITH_OUT)
            name = (packet.incoming if word == "-i" else self.outgoing) if there else z3.StringVal("")
            return z3.PrefixOf(value[:-1], name) if value.endswith("+") else name == z3.StringVal(value)
        if word == "-p":
            return packet.protocol == PROTOCOLS[value]
        if word in {"--sport", "--dport"}:
            low, _, high = value.partition(":")
            port = packet.sport if word == "--sport" else self.dport
            return z3.And(z3.UGE(port, int(low)), z3.ULE(port, int(high or low)))
        if word == "--mark":
            number, mask = (int(part, 0) for part in value.split("/"))
            return self.mark & z3.BitVecVal(mask, 32) == z3.BitVecVal(number, 32)
        if word == "--ctstate":
            return z3.Or([packet.state == STATES.index(name) for name in value.split(",")])
        if word == "--probability":
            drawn = z3.FreshBool("drawn")
            self.draws.append((drawn, Fraction(round(float(value) * 2**31), 2**31)))  # libxt_statistic: lround
            return drawn
        return None

    def outcome(self) -> list[Any]:
        """Return what becomes of a packet; of one that does not get through that alone."""
        alive = self.end == _ALIVE
        number = z3.BitVecVal(0, 32)
        told = [z3.If(alive, value, number) for value in (self.mark, self.destination)]
        told.append(z3.If(z3.And(alive, z3.Not(self.masqueraded)), self.source, number))
        ported = z3.Or([self.packet.protocol == number for number in PROTOCOLS.values()])
        told.append(z3.If(z3.And(alive, ported), self.dport, z3.BitVecVal(0, 16)))
        return [self.end, z3.And(alive, self.masqueraded), *told]

    def drawn(self) -> Iterator[tuple[Fraction, list[Any]]]:
        """Yield every way to draw, with its odds, and what becomes of a packet then."""
        for answers in product((True, False), repeat=len(self.draws)):
            odds = Fraction(1)
            given = []
            for answer, (variable, chance) in zip(answers, self.draws, strict=True):
                odds *= chance if answer else 1 - chance
                given.append((variable, z3.BoolVal(answer)))
            if odds:
                yield odds, [z3.substitute(part, *given) if given else part for part in self.outcome()]


def differs(a: str, b: str, way: str, *, seconds: int = 20) -> bool | None:
    """Whether some packet that goes that way is treated differently; None where that is not found out.

    It is where some outcome has other odds in the one ruleset than in the other.
    """
    packet = Packet()
    codes: dict[str, int] = {}
    one, other = (Walk(read(text), packet, way, codes) for text in (a, b))
    solver = z3.Solver()
    solver.set("timeout", seconds * 1000)
    solver.add(*packet.bounds())
    if not one.draws and not other.draws:
        solver.add(z3.Or([mine != theirs for mine, theirs in zip(one.outcome(), other.outcome(), strict=True)]))
    elif max(len(one.draws), len(other.draws)) > MOST_DRAWS:
        return None
    else:
        wanted = [z3.FreshConst(part.sort()) for part in one.outcome()]
        solver.add(_odds(one, wanted) != _odds(other, wanted))
    answer = solver.check()
    return None if answer == z3.unknown else answer == z3.sat


def _odds(walk: Walk, wanted: list[Any]) -> Any:
    """Return the odds of an outcome, as a whole number of the smallest share that there may be."""
    shares = []
    for odds, parts in walk.drawn():
        number = odds * 2 ** (31 * MOST_DRAWS)
        assert number.denominator == 1
        same = z3.And([mine == theirs for mine, theirs in zip(parts, wanted, strict=True)])
        shares.append(z3.If(same, z3.IntVal(int(number)), z3.IntVal(0)))
    return z3.Sum(shares)
