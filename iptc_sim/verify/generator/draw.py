"""A random source with the values that rules and packets are made of, all of one seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from itertools import count
from random import Random
from typing import Final, TypeVar
from zlib import crc32

from iptc_sim.values import Family
from iptc_sim.verify.generator.topologies import Topology

T = TypeVar("T")

PORTS: Final = (22, 53, 80, 443, 8080, 33000)
#: Few bits, so that marks meet.
MARKS: Final = (0, 1, 2, 3, 0x10, 0x12, 0x4000)
TOS: Final = (0, 0x10, 0x08, 0x28, 0xB8, 0x01, 0x03)
TTLS: Final = (64, 63, 2, 1, 128, 255)

_BRACKETS: Final = re.compile(r"\[([^\[\]]*)\]|\{(\w+)\}|<!>")


class Draw:
    """Everything random about one ruleset and its packets.

    Args:
        seed: the same seed draws the same.
        topology: the node whose addresses and interfaces are used.
        family: of addresses.
    """

    def __init__(self, seed: str, topology: Topology, family: Family) -> None:
        self.random = Random(seed)  # noqa: S311 - repeatable test data
        self.topology, self.family = topology, family
        self.four = family is Family.IPV4
        # The kernel keeps a list as long as some rule names it, of the ruleset before this one too.
        self._tag = crc32(seed.encode()) % 100_000
        self._serial = count(1)
        self._pools: dict[str, Callable[[], str]] = {
            "address": lambda: self.choice(self.addresses),
            "prefix": self._prefix,
            "host": lambda: self.choice(topology.others[family]),
            "own": lambda: self.choice(topology.own[family]),
            "iface": lambda: self.choice([*topology.interfaces, "lo", "eth+"]),
            "port": lambda: str(self.choice(PORTS)),
            "ports": self._ports,
            "portlist": lambda: ",".join([self._ports(), *(str(one) for one in self.random.sample(PORTS, 2))]),
            "mark": lambda: f"{self.choice(MARKS):#x}/{self.choice((0xFFFFFFFF, 3, 1, 0x4000, 0)):#x}",
            "value": lambda: f"{self.choice(MARKS):#x}",
            "range": self._range,
            "number": lambda: str(self.random.randrange(1, 5)),
            "serial": lambda: str(next(self._serial)),
            "set": lambda: self.choice(("hosts", "nets", "hostports")),
            "list": lambda: f"{self.choice(('one', 'two'))}{self._tag}",
        }

    @property
    def addresses(self) -> Sequence[str]:
        """Addresses of the node and of others."""
        return (*self.topology.own[self.family], *self.topology.others[self.family])

    def choice(self, values: Sequence[T]) -> T:
        """Return one of the values."""
        return values[self.random.randrange(len(values))]

    def chance(self, percent: int) -> bool:
        """Return True in so many of a hundred cases."""
        return self.random.randrange(100) < percent

    def fill(self, text: str) -> str:
        """Fill a template: ``[a|b]`` is one of them, ``{port}`` a value, ``<!>`` a negation or nothing.

        Brackets that are meant are written ``<<`` and ``>>``.
        """
        before = ""
        while before != text:
            before, text = text, _BRACKETS.sub(self._value, text)
        return " ".join(text.replace("<<", "[").replace(">>", "]").split())

    def _value(self, found: re.Match[str]) -> str:
        if found[2]:
            return self._pools[found[2]]()
        if found[1] is not None:
            choices: list[str] = found[1].split("|")
            return self.choice(choices)
        return "! " if self.chance(33) else ""

    def _prefix(self) -> str:
        return self.choice((*self.addresses, *self.topology.prefixes[self.family]))

    def _ports(self) -> str:
        low, high = sorted(self.random.sample(PORTS, 2))
        return self.choice((f"{low}:{high}", str(low), f":{high}", f"{low}:"))

    def _range(self) -> str:
        low, high = sorted(self.random.sample(self.addresses, 2), key=_as_number)
        return f"{low}-{high}"


def _as_number(address: str) -> int:
    return int(ip_address(address))
