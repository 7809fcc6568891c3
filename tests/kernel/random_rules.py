"""Random rulesets and packets over what is modelled, to put before the kernel and the simulator."""

from __future__ import annotations

from random import Random

from iptc_sim.packet import Packet
from tests.kernel.scenario import ROUTER, ping, tcp, udp

_ADDRESSES = ["10.0.0.5", "10.0.0.1", "10.0.1.7", "198.51.100.7", "192.0.2.10", "192.0.2.11", "127.0.0.1"]
_PREFIXES = [
    *_ADDRESSES,
    "10.0.0.0/24",
    "10.0.0.0/16",
    "198.51.0.0/16",
    "127.0.0.0/8",
    "0.0.0.0/1",
    "10.0.0.4/255.0.0.252",
]
_PORTS = [22, 80, 443, 8080, 33000]
_HOOKS = {
    "raw": ["PREROUTING", "OUTPUT"],
    "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
    "nat": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
    "filter": ["INPUT", "FORWARD", "OUTPUT"],
}
_IN, _OUT = {"PREROUTING", "INPUT", "FORWARD"}, {"FORWARD", "OUTPUT", "POSTROUTING"}


class RandomRules:
    """Draws rulesets and packets from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - repeatable test data

    def ruleset(self) -> str:
        """Return restore text of two to four tables; some rule always keeps conntrack on."""
        names = [name for name in _HOOKS if name == "filter" or self.random.random() < 0.7]
        return "".join(self._table(name) for name in names)

    def packet(self, sport: int) -> Packet:
        """Return a packet of a flow of its own, which ``sport`` tells apart."""
        source, destination = self.random.sample(_ADDRESSES, 2)
        incoming = self.random.choice([None, "eth0", "eth1"])
        if incoming is None:
            # A socket bound to 127.0.0.1 cannot send elsewhere (EINVAL); the raw socket of the lab could.
            inside = destination in {"192.0.2.10", "192.0.2.11", "10.0.0.1", "127.0.0.1"}
            source = self.random.choice(["192.0.2.10", "10.0.0.1", *(["127.0.0.1"] if inside else [])])
        elif source in {"192.0.2.10", "192.0.2.11", "10.0.0.1"}:
            source = "198.51.100.9"
        kind = self.random.choice(["tcp", "tcp", "udp", "icmp"])
        if kind == "icmp":
            return ping(source, destination, incoming)
        target = f"{destination}:{self.random.choice(_PORTS)}"
        if kind == "udp":
            return udp(f"{source}:{sport}", target, incoming)
        flags = self.random.choice(
            [("SYN",), ("SYN",), ("SYN",), ("ACK",), ("SYN", "ACK"), ("RST",), ("FIN", "PSH", "URG")]
        )
        return tcp(f"{source}:{sport}", target, incoming, *flags)

    def _table(self, name: str) -> str:
        users = [f"user{number}" for number in range(self.random.randint(0, 3))]
        lines = [f":{chain} - [0:0]" for chain in users]
        if name == "filter":
            lines += [f":{hook} {self.random.choice(['ACCEPT', 'ACCEPT', 'DROP'])} [0:0]" for hook in _HOOKS[name]]
            lines.append("-A INPUT -m conntrack --ctstate UNTRACKED")
        for hook in _HOOKS[name]:
            lines += [f"-A {hook} {self._rule(name, hook, users)}" for _ in range(self.random.randint(0, 4))]
        for number, chain in enumerate(users):
            rules = self.random.randint(0, 4)
            lines += [f"-A {chain} {self._rule(name, '', users[number + 1 :])}" for _ in range(rules)]
        return "\n".join([f"*{name}", *lines, "COMMIT", ""])

    def _rule(self, table: str, hook: str, chains: list[str]) -> str:
        protocol = self.random.choice(["", "", "tcp", "tcp", "udp", "icmp"])
        words = [self._address("-s"), self._address("-d")]
        if not hook or hook in _IN:
            words.append(self._maybe("-i", ["eth0", "eth1", "lo", "eth+"], 0.25))
        if not hook or hook in _OUT:
            words.append(self._maybe("-o", ["eth0", "eth1", "lo", "eth+"], 0.25))
        if protocol:
            words.append(f"-p {protocol}")
        words += [self._match(protocol) for _ in range(self.random.choice([0, 0, 1, 1, 2]))]
        return " ".join(word for word in [*words, self._target(table, hook, chains, protocol)] if word)

    def _address(self, option: str) -> str:
        return self._maybe(option, _PREFIXES, 0.3)

    def _maybe(self, option: str, values: list[str], chance: float) -> str:
        if self.random.random() >= chance:
            return ""
        return f"{self.random.choice(['', '', '! '])}{option} {self.random.choice(values)}"

    def _match(self, protocol: str) -> str:
        bang = self.random.choice(["", "", "! "])
        ports = f"{self.random.choice(_PORTS)}"
        low, high = sorted(self.random.sample(_PORTS, 2))
        found = [
            f"-m mark {bang}--mark 0x{self.random.randrange(4):x}/0x3",
            f"-m conntrack {bang}--ctstate {self.random.choice(['NEW', 'INVALID', 'NEW,ESTABLISHED', 'DNAT', 'UNTRACKED'])}",
            f"-m state {bang}--state {self.random.choice(['NEW', 'INVALID', 'RELATED'])}",
            f"-m addrtype {bang}--dst-type {self.random.choice(['LOCAL', 'UNICAST', 'LOCAL,BROADCAST'])}",
            f"-m addrtype {bang}--src-type LOCAL",
            '-m comment --comment "a b"',
            "-m statistic --mode random --probability 1",
            "-m statistic --mode random --probability 0",
        ]
        if protocol in {"tcp", "udp"}:
            found += [f"-m {protocol} {bang}--dport {ports}", f"-m {protocol} {bang}--sport {low}:{high}"]
            found.append(f"-m multiport --dports {ports},{low}:{high}")
        if protocol == "tcp":
            found.append(f"-m tcp {bang}--tcp-flags SYN,ACK SYN")
        if protocol == "icmp":
            found.append(f"-m icmp {bang}--icmp-type 8")
        return self.random.choice(found)

    def _target(self, table: str, hook: str, chains: list[str], protocol: str) -> str:
        found = [
            "-j ACCEPT",
            "-j RETURN",
            "",
            "-j MARK --set-xmark 0x1/0x1",
            "-j MARK --set-mark 2",
            "-j MARK --xor-mark 3",
        ]
        if table != "nat":
            found.append("-j DROP")
        if table == "filter":
            found.append("-j REJECT")
        found += [f"-{self.random.choice('jjjg')} {chain}" for chain in chains for _ in range(3)]
        if table == "nat" and hook in {"PREROUTING", "OUTPUT"}:
            found += ["-j DNAT --to-destination 10.0.1.7"] * 2 + ["-j REDIRECT"]
            if protocol in {"tcp", "udp"}:
                found += ["-j DNAT --to-destination 10.0.0.9:8080", "-j REDIRECT --to-ports 8080"]
        if table == "nat" and hook == "POSTROUTING":
            found += ["-j MASQUERADE"] * 2 + ["-j SNAT --to-source 192.0.2.11"]
        if table == "nat" and hook == "INPUT":
            found.append("-j SNAT --to-source 192.0.2.99")
        return self.random.choice(found)


__all__ = ["ROUTER", "RandomRules"]
