"""What packets two small rulesets treat differently, asked of z3: an encoding of its own, from the words of the rules.

Knows the words that :class:`tests.behaviour.mutate.Small` writes, without nat and draws.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import z3

STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
#: Which tables are walked, by how a packet goes.
WAYS = {
    "forwarded": (
        ("raw", "PREROUTING"),
        ("mangle", "PREROUTING"),
        ("mangle", "FORWARD"),
        ("filter", "FORWARD"),
        ("mangle", "POSTROUTING"),
    ),
    "incoming": (("raw", "PREROUTING"), ("mangle", "PREROUTING"), ("mangle", "INPUT"), ("filter", "INPUT")),
}
PROTOCOLS = {"tcp": 6, "udp": 17}
_ALIVE = 0
_CODES: dict[str, int] = {}


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
    """The variables."""

    def __init__(self) -> None:
        self.source, self.destination, self.mark = (z3.BitVec(name, 32) for name in ("source", "destination", "mark"))
        self.sport, self.dport = z3.BitVec("sport", 16), z3.BitVec("dport", 16)
        self.protocol = z3.BitVec("protocol", 8)
        self.state = z3.Int("state")
        self.incoming, self.outgoing = z3.String("incoming"), z3.String("outgoing")


class Walk:
    """One ruleset, walked by all packets at once.

    Args:
        tables: the rules.
        packet: the variables.
        way: ``forwarded`` or ``incoming``.
    """

    def __init__(self, tables: Tables, packet: Packet, way: str) -> None:
        self.tables, self.packet, self.way = tables, packet, way
        self.mark: Any = packet.mark
        self.end: Any = z3.IntVal(_ALIVE)
        self.has_out = False
        alive: Any = z3.BoolVal(True)
        for table, hook in WAYS[way]:
            if (table, hook) in tables.rules:
                self.has_out = hook in {"FORWARD", "POSTROUTING"}
                self.has_in = hook != "POSTROUTING"
                left = self.chain(table, hook, alive)
                gone = self.end != _ALIVE
                if tables.policies[table, hook] == "DROP":
                    self.stop(left, "DROP")
                alive = z3.And(alive, z3.Not(gone), self.end == _ALIVE)

    def stop(self, where: Any, what: str) -> None:
        """Note how packets end."""
        code = _CODES.setdefault(what, len(_CODES) + 1)
        self.end = z3.If(z3.And(where, self.end == _ALIVE), z3.IntVal(code), self.end)

    def chain(self, table: str, name: str, alive: Any) -> Any:
        """Walk a chain; return for which packets it came to its end."""
        returned: Any = z3.BoolVal(False)
        for words in self.tables.rules[table, name]:
            fits = z3.And(alive, self.fits(words))
            kind = words[-2] if len(words) > 1 and words[-2] in {"-j", "-g"} else ""
            target = (
                words[words.index("-j") + 1] if "-j" in words else words[words.index("-g") + 1] if "-g" in words else ""
            )
            alive_after = z3.And(alive, z3.Not(fits))
            if target in {"DROP", "REJECT"}:
                code = words[-1] if target == "REJECT" and "--reject-with" in words else "icmp-port-unreachable"
                self.stop(fits, f"REJECT {code}" if target == "REJECT" else "DROP")
            elif target == "ACCEPT":
                pass
            elif target == "RETURN":
                returned = z3.Or(returned, fits)
            elif target == "MARK":
                value, mask = (int(part, 0) for part in words[-1].split("/"))
                edited = (self.mark & z3.BitVecVal(~mask & 0xFFFFFFFF, 32)) ^ z3.BitVecVal(value, 32)
                self.mark = z3.If(fits, edited, self.mark)
                continue
            elif not target:
                continue
            else:
                back = self.chain(table, target, fits)
                if kind == "-g":
                    returned = z3.Or(returned, back)
                else:
                    alive_after = z3.Or(alive_after, back)
            alive = alive_after
        return z3.Or(alive, returned)

    def fits(self, words: list[str]) -> Any:
        """Return the condition of a rule."""
        packet, parts = self.packet, []
        for place, word in enumerate(words):
            value = words[place + 1] if place + 1 < len(words) else ""
            found: Any = None
            if word in {"-s", "-d"}:
                net = ip_network(value, strict=False)
                address = packet.source if word == "-s" else packet.destination
                found = address & z3.BitVecVal(int(net.netmask), 32) == z3.BitVecVal(int(net.network_address), 32)
            elif word in {"-i", "-o"}:
                there = self.has_in if word == "-i" else self.has_out
                name = packet.incoming if word == "-i" else packet.outgoing
                name = name if there else z3.StringVal("")
                found = z3.PrefixOf(value[:-1], name) if value.endswith("+") else name == z3.StringVal(value)
            elif word == "-p":
                found = packet.protocol == PROTOCOLS[value]
            elif word in {"--sport", "--dport"}:
                low, _, high = value.partition(":")
                port = packet.sport if word == "--sport" else packet.dport
                found = z3.And(z3.UGE(port, int(low)), z3.ULE(port, int(high or low)))
            elif word == "--mark":
                number, mask = (int(part, 0) for part in value.split("/"))
                found = self.mark & z3.BitVecVal(mask, 32) == z3.BitVecVal(number, 32)
            elif word == "--ctstate":
                found = z3.Or([packet.state == STATES.index(name) for name in value.split(",")])
            if found is not None:
                parts.append(z3.Not(found) if words[place - 1] == "!" else found)
        return z3.And(parts) if parts else z3.BoolVal(True)


def differs(a: str, b: str, way: str, *, seconds: int = 20) -> bool | None:
    """Whether some packet that goes that way is treated differently; None where z3 does not say in time."""
    packet = Packet()
    one, other = (Walk(read(text), packet, way) for text in (a, b))
    solver = z3.Solver()
    solver.set("timeout", seconds * 1000)
    solver.add(packet.state >= 0, packet.state < len(STATES), z3.Length(packet.incoming) > 0)
    solver.add(z3.Length(packet.outgoing) > 0)
    solver.add(z3.Or(one.end != other.end, z3.And(one.end == _ALIVE, one.mark != other.mark)))
    answer = solver.check()
    return None if answer == z3.unknown else answer == z3.sat
