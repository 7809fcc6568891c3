"""Random rulesets: tables, chains that call each other, and rules put together from pieces."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.records import dataclass
from iptc_sim.values import Family
from iptc_sim.verify.generator.draw import Draw
from iptc_sim.verify.generator.matches import ESTIMATOR, MATCHES
from iptc_sim.verify.generator.pieces import IN, OUT, Piece
from iptc_sim.verify.generator.targets import TARGETS

_HOOKS: Final = {
    "raw": (Hook.PREROUTING, Hook.OUTPUT),
    "mangle": tuple(Hook),
    "nat": (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING),
    "filter": (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT),
    "security": (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT),
}
#: How often a table is there, in a hundred rulesets.
_TABLES: Final = {"raw": 60, "mangle": 70, "nat": 75, "filter": 100, "security": 25}
_PROTOCOLS: Final = {
    Family.IPV4: (
        *("",) * 24,
        *("tcp",) * 16,
        *("udp",) * 8,
        *("icmp",) * 3,
        "sctp",
        "dccp",
        "esp",
        "ah",
        "udplite",
        "gre",
        "ipcomp",
        "99",
    ),
    Family.IPV6: (
        *("",) * 24,
        *("tcp",) * 16,
        *("udp",) * 8,
        *("ipv6-icmp",) * 3,
        "sctp",
        "dccp",
        "esp",
        "ah",
        "mh",
        "udplite",
        "gre",
        "ipcomp",
        "99",
    ),
}
_POLICIES: Final = ("ACCEPT", "ACCEPT", "ACCEPT", "DROP")
#: Some ruleset has no rule that needs conntrack; most have.
_USES_CONNTRACK: Final = "-A INPUT -m conntrack --ctstate UNTRACKED"
#: What cannot be told; beside it in a rule nobody could tell whether another match was asked, and counted.
_NOBODY_KNOWS: Final = ("--probability 0.5", "-m osf", "-m rateest", "-m nfacct")
_FEEDS: Final = f"-j RATEEST --rateest-name {ESTIMATOR} --rateest-interval 250ms --rateest-ewmalog 500ms"


@dataclass(frozen=True, slots=True)
class UserChain:
    """A chain of the user's; ``home`` is the hook that it is reached from, None: any."""

    name: str
    home: Hook | None


class RandomRules:
    """Draws rulesets.

    Args:
        draw: the source.
        without: names of extensions that are not to be drawn.
        tracked: whether most rulesets get a rule that needs conntrack.
    """

    def __init__(self, draw: Draw, without: Collection[str] = (), *, tracked: bool = True) -> None:
        self._draw, self._tracked = draw, tracked
        self._matches = _pieces(MATCHES, without)
        self._targets = _pieces(TARGETS, without)

    def ruleset(self) -> str:
        """Return text for iptables-restore."""
        names = [name for name, percent in _TABLES.items() if self._draw.chance(percent)]
        text = "".join(self._table(name) for name in names)
        if f"--rateest {ESTIMATOR}" not in text:
            return text
        # What asks an estimator is refused where no rule before it feeds that.
        head, _, rest = text.partition("-A ")
        return f"{head}-A {_HOOKS[names[0]][0]} {_FEEDS}\n-A {rest}"

    def sets(self) -> str:
        """Return text for ``ipset restore``: the sets that rules name."""
        draw, family = self._draw, "inet" if self._draw.four else "inet6"
        lines = [
            f"create hosts hash:ip family {family}",
            f"create nets hash:net family {family}",
            f"create hostports hash:ip,port family {family}",
            "create ports bitmap:port range 0-65535",
            f"create netifaces hash:net,iface family {family}",
            "create all list:set",
            "add all nets",
            "add all hosts",
        ]
        sizes = [address for address in draw.addresses if draw.chance(35)]
        lines += [f"add hosts {address}" for address in sizes]
        prefixes = [prefix for prefix in draw.topology.prefixes[draw.family] if _is_plain(prefix) and draw.chance(40)]
        lines += [f"add nets {prefix}" for prefix in prefixes]
        taken = {prefix.partition("/")[0] for prefix in prefixes}
        lines += [f"add nets {one} nomatch" for one in draw.addresses if one not in taken and draw.chance(10)]
        lines += [
            f"add hostports {address},{protocol}:{draw.fill('{port}')}"
            for address in draw.addresses
            for protocol in ("tcp", "udp")
            if draw.chance(25)
        ]
        lines += [f"add ports {port}" for port in (22, 80, 8080) if draw.chance(50)]
        lines += [
            f"add netifaces {prefix},{name}"
            for prefix in draw.topology.prefixes[draw.family]
            for name in draw.topology.interfaces
            if _is_plain(prefix) and draw.chance(20)
        ]
        return "\n".join([*lines, ""])

    def _table(self, name: str) -> str:
        draw, hooks = self._draw, _HOOKS[name]
        users = [
            UserChain(f"user{number}", None if draw.chance(40) else draw.choice(hooks))
            for number in range(draw.random.randint(0, 4))
        ]
        lines = [f":{chain.name} - [0:0]" for chain in users]
        policies = _POLICIES if name in {"filter", "security"} else ("ACCEPT",) * 12 + ("DROP",)
        lines += [f":{hook} {draw.choice(policies)} [0:0]" for hook in hooks]
        if name == "filter" and draw.chance(85) and self._tracked:
            lines.append(_USES_CONNTRACK)
        for hook in hooks:
            lines += [f"-A {hook} {self._rule(name, hook, users)}" for _ in range(draw.random.randint(0, 4))]
        for number, chain in enumerate(users):
            lines += [
                f"-A {chain.name} {self._rule(name, chain.home, users[number + 1 :], base=False)}"
                for _ in range(draw.random.randint(0, 4))
            ]
        return "\n".join([f"*{name}", *lines, "COMMIT", ""])

    def _rule(self, table: str, hook: Hook | None, users: list[UserChain], *, base: bool = True) -> str:
        draw = self._draw
        words = [draw.fill(f"<!>{option} {{prefix}}") for option in ("-s", "-d") if draw.chance(15)]
        for option, there in (("-i", IN), ("-o", OUT)):
            if (not base or hook in there) and draw.chance(12):
                words.append(draw.fill(f"<!>{option} {{iface}}"))
        protocol = draw.choice(_PROTOCOLS[draw.family])
        if protocol:
            words.append(f"-p {protocol}")
        elif draw.chance(10):
            words.append(f"! -p {draw.choice(('tcp', 'udp'))}")
        if draw.four and draw.chance(4):
            words.append(draw.fill("<!>-f"))
        number = draw.choice((0, 0, 0, 1, 1, 1, 2))
        matches = [self._one_of(self._matches, table, hook, protocol, base=base) for _ in range(number)]
        alone = next((one for one in matches if any(word in one for word in _NOBODY_KNOWS)), None)
        words += matches if alone is None else [alone]
        words.append(self._target(table, hook, protocol, users, base=base))
        return " ".join(word for word in words if word)

    def _target(self, table: str, hook: Hook | None, protocol: str, users: list[UserChain], *, base: bool) -> str:
        draw = self._draw
        if draw.chance(8):
            return ""
        near = [chain for chain in users if chain.home in {None, hook}]
        if near and draw.chance(35):
            return f"-{draw.choice('jjjg')} {draw.choice(near).name}"
        return self._one_of(self._targets, table, hook, protocol, base=base)

    def _one_of(self, pieces: tuple[Piece, ...], table: str, hook: Hook | None, protocol: str, *, base: bool) -> str:
        fitting = [one for one in pieces if one.can_stand(table, hook, protocol, self._draw.family, base=base)]
        weights = [one.weight for one in fitting]
        return self._draw.fill(self._draw.random.choices(fitting, weights)[0].text)


def _pieces(table: Mapping[str, tuple[Piece, ...]], without: Collection[str]) -> tuple[Piece, ...]:
    return tuple(one for name, found in table.items() if name not in without for one in found)


def _is_plain(prefix: str) -> bool:
    return "." not in prefix.partition("/")[2] and ":" not in prefix.partition("/")[2] and not prefix.endswith("/0")
