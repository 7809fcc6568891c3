"""Restore texts: named ones, and commands drawn at random about chains and rules, right and wrong, in many sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final

from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.values import Variant


@dataclass(frozen=True, slots=True)
class Named:
    """One table, and what iptables 1.8.9 makes of it.

    Args:
        lines: of table filter, behind ``*filter`` and before COMMIT.
        nft: the line that iptables-nft-restore names; 0 where it takes the text.
        legacy: the line that iptables-legacy-restore names.
    """

    lines: str
    nft: int
    legacy: int

    @property
    def text(self) -> str:
        """As a restore text."""
        return f"*filter\n{self.lines}\nCOMMIT\n"


_A, _B = ":a - [0:0]\n", ":b - [0:0]\n"
NAMED: Final[Mapping[str, Named]] = {
    # nf_tables follows jumps when all is done; only if something is wrong then, it goes through all of it once more
    "a circle that is opened again": Named(f"{_A}-A INPUT -j a\n-A a -j a\n-D a 1", 0, 0),
    "a circle that is out of reach again": Named(f"{_A}-A a -j a\n-A INPUT -j a\n-D INPUT 1", 0, 0),
    "behind a circle that is out of reach": Named(
        f"{_A}{_B}-A a -j a\n-A a -j b\n-A INPUT -j b\n-A INPUT -j a\n-D INPUT 2", 0, 0
    ),
    "a circle that is opened again, and one that stays": Named(
        f"{_A}{_B}-A INPUT -j a\n-A a -j a\n-D a 1\n-A b -j b\n-A INPUT -j b", 5, 9
    ),
    "a circle that is deleted and flushed, and one that stays": Named(
        f"{_A}{_B}-A INPUT -j a\n-A a -j a\n-D a 1\n-F a\n-A b -j b\n-A INPUT -j b", 9, 10
    ),
    "a circle that is behind reach for a time, and one that stays": Named(
        f"{_A}{_B}-A a -j a\n-A INPUT -j a\n-D INPUT 1\n-A b -j b\n-A INPUT -j b", 5, 9
    ),
    "a wrong hook that is gone again": Named(f"{_A}-A a -m socket\n-A OUTPUT -j a\n-D OUTPUT 1", 0, 0),
    "a rule under a wrong hook that is gone again": Named(f"{_A}-A OUTPUT -j a\n-A a -m socket\n-D a 1", 0, 0),
    "a wrong hook that is gone again, and a circle": Named(
        f"{_A}{_B}-A a -m socket\n-A OUTPUT -j a\n-A b -j b\n-D OUTPUT 1\n-A INPUT -j b", 5, 9
    ),
    "a right hook, a circle, a wrong hook": Named(
        f"{_A}-A a -m socket\n-A INPUT -j a\n-A a -j a\n-A OUTPUT -j a", 5, 7
    ),
    # rules that stand in built-in chains are judged one by one, unless they are flushed
    "a wrong rule that is deleted": Named("-A OUTPUT -m socket\n-D OUTPUT 1", 2, 0),
    "a wrong rule that is deleted and flushed": Named("-A OUTPUT -m socket\n-D OUTPUT 1\n-F OUTPUT", 0, 0),
    "a jump to a built-in chain that is deleted": Named("-A INPUT -j FORWARD\n-D INPUT 1", 2, 2),
    "a jump to a built-in chain that is flushed": Named("-A INPUT -j FORWARD\n-F INPUT", 0, 2),
    "a lost insert": Named("-A INPUT -s 1.1.1.1\n-A INPUT\n-I INPUT 2 -p tcp\n-I INPUT 3 -p udp\n-D INPUT 4", 4, 0),
    "a lost insert that is flushed": Named("-A INPUT -p 3\n-A INPUT\n-I INPUT 2\n-D INPUT 3\n-F INPUT", 0, 0),
    # the legacy kernel goes no further than an unconditional verdict
    "a circle behind an unconditional verdict": Named(f"{_A}-A a -j RETURN\n-A a -j a\n-A INPUT -j a", 5, 0),
    "a circle before an unconditional verdict": Named(f"{_A}-A a -j a\n-A a -j RETURN\n-A INPUT -j a", 5, 6),
    "a circle behind a condition": Named(f"{_A}-A a -m mark --mark 1 -j DROP\n-A a -j a\n-A INPUT -j a", 5, 6),
    "a way to a circle behind an unconditional verdict": Named(
        f"{_A}-A a -j a\n-A INPUT -s 0/0 -p all -j DROP\n-A INPUT -j a", 5, 0
    ),
    "a wrong rule behind an unconditional verdict": Named("-A OUTPUT -j QUEUE\n-A OUTPUT -m socket", 2, 0),
    "a wrong rule behind a target that is a module": Named("-A OUTPUT -j REJECT\n-A OUTPUT -m socket", 3, 4),
    "a wrong rule behind an unconditional goto": Named(f"{_A}-A OUTPUT -g a\n-A OUTPUT -m socket", 4, 5),
    "a wrong rule that jumps lead to from behind a verdict": Named(
        f"{_A}-A OUTPUT -j ACCEPT\n-A OUTPUT -j a\n-A a -m socket", 5, 0
    ),
    # names and places
    "a chain renamed to a verdict": Named(f"{_A}-E a RETURN\n-A nosuch", 4, 3),
    "a chain renamed to a target": Named(f"{_A}-E a LOG", 3, 0),
    "a chain renamed to a long name": Named(f"{_A}-E a {'x' * 40}\n-A nosuch", 4, 3),
    "a chain renamed to an option": Named(f"-A nosuch\n{_A}-E a -x", 4, 2),
    "a built-in chain renamed": Named(":INPUT ACCEPT [0:0]\n-E INPUT b", 3, 3),
    "an insert with a wrong place and aim": Named("-I INPUT 6 -j nosuch\n-I INPUT 7", 4, 2),
    "an insert with a wrong place before one with a wrong aim": Named("-I INPUT 7\n-I INPUT 6 -j nosuch", 2, 2),
}

_TABLES: Final = ("filter", "nat", "mangle", "raw")
_USERS: Final = ("one", "two", "three", "four", "five")
_NAMES: Final = (
    "x" * 28,
    "x" * 29,
    "-dash",
    "!bang",
    "LOG",
    "ACCEPT",
    "MASQUERADE",
    "RETURN",
    "tcp",
    "a/b.c:d",
    "INPUT",
    "FORWARD",
    "PREROUTING",
)
_WHERE: Final = ("-i eth0", "-o eth1", "! -i eth0", "-i eth0 -o eth1")
_WHAT: Final = (
    "",
    "-s 10.0.0.1",
    "-d 10.0.0.0/8",
    "-p tcp",
    "-p tcp -m tcp --dport 80",
    "-p udp --sport 53",
    "-s 10.0.0.1,10.0.0.2",
    "-m mark --mark 1",
    "-m comment --comment c",
    "-p tcp -m multiport --dports 80,443",
)
#: Conditions that are bound to hooks or tables.
_BOUND: Final = (
    "-m owner --uid-owner 0",
    "-m mac --mac-source 00:00:00:00:00:01",
    "-m rpfilter",
    "-m socket",
    "-m addrtype --dst-type LOCAL --limit-iface-in",
    "-m addrtype --dst-type LOCAL --limit-iface-out",
    "-m policy --dir in --pol ipsec",
    "-m policy --dir out --pol ipsec",
    "-m devgroup --src-group 1",
    "-m devgroup --dst-group 1",
    "-m physdev --physdev-out eth0",
    "-m connlimit --connlimit-above 3",
)
_PLAIN: Final = ("", "-j ACCEPT", "-j DROP", "-j RETURN", "-j LOG", "-j MARK --set-mark 1", "-j NFLOG")
_TARGETS: Final = (
    "-j MASQUERADE",
    "-j SNAT --to-source 10.0.0.9",
    "-j DNAT --to-destination 10.0.0.9",
    "-p tcp -j REDIRECT --to-ports 80",
    "-j NETMAP --to 10.1.0.0/16",
    "-j REJECT",
    "-j NOTRACK",
    "-j CT --notrack",
    "-j TRACE",
    "-j CLASSIFY --set-class 1:1",
    "-j TTL --ttl-set 64",
    "-j CHECKSUM --checksum-fill",
    "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
    "-p tcp -j TPROXY --on-port 1",
    "-j TEE --gateway 10.0.0.1",
    "-j DSCP --set-dscp 1",
)
#: Where such a target may stand, so that most are drawn there.
_HOME: Final = {
    "nat": _TARGETS[:5],
    "filter": ("-j REJECT", "-j CLASSIFY --set-class 1:1"),
    "mangle": _TARGETS[8:],
    "raw": ("-j NOTRACK", "-j CT --notrack", "-j TRACE"),
}

#: How often each command is drawn. iptables-nft 1.8.9 crashes on -R, and forgets policies with -Z.
_WEIGHTS: Final = {
    Variant.NFT: (30, 6, 3, 0, 4, 2, 2, 3, 0.5, 0),
    Variant.LEGACY: (30, 6, 3, 2, 4, 2, 2, 3, 0.5, 1),
}


class DrawnText:
    """Draws one text from one seed.

    Args:
        seed: of the text.
        variant: of iptables; what crashes it is not drawn.
    """

    def __init__(self, seed: int, variant: Variant) -> None:
        self._random = Random(seed)
        self._variant = variant
        self._wrong = self._random.choice([0.0, 0.0, 0.02, 0.06])
        self._table = ""
        self._chains: list[str] = []
        self._counts: dict[str, int] = {}

    def text(self) -> str:
        """Return it."""
        sections = self._random.choice([1, 1, 1, 2, 3])
        lines: list[str] = []
        for _ in range(sections):
            lines += self._section()
        if self._is_wrong():
            lines.insert(self._random.randrange(len(lines) + 1), "-A INPUT -j ACCEPT")
        return "".join(f"{line}\n" for line in lines)

    def _is_wrong(self) -> bool:
        return self._random.random() < self._wrong

    def _section(self) -> list[str]:
        self._table = self._random.choice(_TABLES)
        self._chains, self._counts = [], {}
        lines = [f"*{self._table if not self._is_wrong() else 'nosuch'}"]
        if self._random.random() < 0.08:
            return [*lines, "COMMIT"]
        lines += self._declarations()
        if self._random.random() < 0.2:
            lines += self._ladder()
        for _ in range(self._random.choice([2, 4, 8, 12])):
            lines.append(self._line())
        if not self._is_wrong():
            lines.append("COMMIT")
        return lines

    def _declarations(self) -> list[str]:
        lines = [
            f":{hook} {self._random.choice(['ACCEPT', 'ACCEPT', 'DROP', '-'])} [0:0]"
            for hook in BUILTIN_CHAINS[self._table]
            if self._random.random() < 0.5
        ]
        for name in self._random.sample(_USERS, self._random.randrange(4)):
            self._chains.append(name)
            lines.append(f":{name} - [0:0]")
        if self._is_wrong():
            lines.append(f":{self._some_chain()} - [0:0]")
        if self._is_wrong():
            lines.append(
                f":{self._random.choice(_NAMES)} {self._random.choice(['-', '-', 'ACCEPT', 'REJECT', ''])} [0:0]"
            )
        self._random.shuffle(lines)
        return lines

    def _ladder(self) -> list[str]:
        """Return chains that each lead to the next, about as deep as the kernel goes."""
        length = self._random.randint(12, 18)
        names = [f"deep{number}" for number in range(length)]
        steps = [f"-A {one} -j {other}" for one, other in pairwise(names)]
        if self._random.random() < 0.7:
            hook = self._random.choice(BUILTIN_CHAINS[self._table])
            steps.append(f"-A {hook} -{self._random.choice('jg')} {names[0]}")
        order = self._random.choice(["as drawn", "reversed", "shuffled"])
        if order == "reversed":
            steps.reverse()
        elif order == "shuffled":
            self._random.shuffle(steps)
        return [*(f":{name} - [0:0]" for name in names), *steps]

    def _line(self) -> str:
        command = self._random.choices(
            ["-A", "-I", "-D", "-R", "-N", "-X", "-F", "-P", "-E", "-Z"],
            _WEIGHTS[self._variant],
        )[0]
        match command:
            case "-A":
                return self._rule("-A", self._some_chain())
            case "-I" | "-D" | "-R":
                return self._by_place(command)
            case "-N":
                return f"-N {self._new_chain()}"
            case "-X":
                return "-X" if self._is_bare() else f"-X {self._user_chain()}"
            case "-F":
                return "-F" if self._is_bare() else f"-F {self._some_chain()}"
            case "-P":
                policy = self._random.choice(["ACCEPT", "DROP"]) if not self._is_wrong() else "REJECT"
                return f"-P {self._user_chain() if self._is_wrong() else self._hook()} {policy}"
            case "-E":
                return f"-E {self._user_chain()} {self._new_chain()}"
            case _:
                return "-Z" if self._is_bare() else f"-Z {self._some_chain()}"

    def _is_bare(self) -> bool:
        """Whether a command is for all chains; iptables-nft-restore leaves -F alone, and loses chains with -X."""
        return self._variant is Variant.LEGACY and self._random.random() < 0.2

    def _by_place(self, command: str) -> str:
        """Return an insertion, deletion or replacement, mostly at a place that is there."""
        known = [chain for chain, count in self._counts.items() if count]
        chain = self._random.choice(known) if known and not self._is_wrong() else self._some_chain()
        count = self._counts.get(chain, 0)
        if command == "-I":
            number = self._random.randint(1, count + 1) + (5 if self._is_wrong() else 0)
            return self._rule(f"-I {chain}" if self._random.random() < 0.4 else f"-I {chain} {number}", chain)
        number = self._random.randint(1, max(count, 1)) + (5 if self._is_wrong() else 0)
        if command == "-R":
            return self._rule(f"-R {chain} {number}", chain)
        if self._random.random() < 0.2:
            return self._rule(f"-D {chain}", chain)
        self._counts[chain] = max(0, count - 1)
        return f"-D {chain} {number}"

    def _hook(self) -> str:
        return str(self._random.choice(BUILTIN_CHAINS[self._table]))

    def _some_chain(self) -> str:
        if self._is_wrong():
            return self._random.choice([*_USERS, *_NAMES])
        return self._random.choice([*self._chains, self._hook(), self._hook()])

    def _user_chain(self) -> str:
        if self._is_wrong() or not self._chains:
            return self._random.choice(_USERS)
        return self._random.choice(self._chains)

    def _new_chain(self) -> str:
        if self._is_wrong():
            return self._random.choice([*_NAMES, *self._chains])
        name = self._random.choice(_USERS)
        name = name if name not in self._chains else f"more{self._random.randrange(99)}"
        self._chains.append(name)
        return name

    def _rule(self, head: str, chain: str) -> str:
        """Return a rule; ``head`` is its command, the chain included where that has a number behind it."""
        if head == "-A":
            head = f"-A {chain}"
        if not head.startswith(("-D", "-R")):
            self._counts[chain] = self._counts.get(chain, 0) + 1
        words = [head, self._random.choice(_WHAT)]
        if self._random.random() < 0.1:
            words.append(self._random.choice(_WHERE))
        if self._random.random() < 0.5 * self._wrong + 0.03:
            words.append(self._random.choice(_BOUND))
        words.append(self._target())
        return " ".join(word for word in words if word)

    def _target(self) -> str:
        drawn = self._random.random()
        if drawn < 0.3 and self._chains:
            return f"-{self._random.choice('jjjg')} {self._random.choice(self._chains)}"
        if self._is_wrong():
            aim = self._random.choice([*_USERS, self._hook(), "nosuch", *_TARGETS])
            return aim if aim.startswith("-") else f"-j {aim}"
        if drawn < 0.36:
            return self._random.choice(_HOME[self._table])
        found = self._random.choice(_PLAIN)
        return "-j RETURN" if found == "-j DROP" and self._table == "nat" else found
