"""A fact of the kernel as data: rules, a node, packets one after the other, and what is said to become of each.

What a case says comes from experiments with the kernel, never from the simulator. ``tests/engine/test_facts.py`` asks
the simulator, ``tests/kernel/test_facts.py`` the kernel, and puts the two beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Final

from iptc_sim.flows import parse_flow
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6
from iptc_sim.steps import Fate
from iptc_sim.values import Family

_HOOKS: Final = {"PRE": "PREROUTING", "IN": "INPUT", "FWD": "FORWARD", "OUT": "OUTPUT", "POST": "POSTROUTING"}
_BASE_CHAINS: Final = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}

#: Any rule on ct state keeps conntrack on.
TRACKING: Final = "-A OUTPUT -m conntrack --ctstate RELATED"


@dataclass(frozen=True)
class Stand:
    """What a node is.

    Args:
        interfaces: their addresses; of ``lo`` those beside 127.0.0.1 and ::1.
        routes: as ``ip route add`` takes them, beside the connected networks.
        sysctls: switches that are not as usual.
        setup: further lines for ``ip -batch``: routing rules, routes in other tables.
        bridges: for interfaces that are bridges their ports.
        hosts: the machines behind those, by address: port and hardware address.
    """

    interfaces: Mapping[str, Sequence[str]]
    routes: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    bridges: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hosts: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)

    def with_sysctls(self, **values: str) -> Stand:
        """Return it with other switches; ``__`` stands for a slash."""
        return replace(
            self, sysctls={**self.sysctls, **{name.replace("__", "/"): value for name, value in values.items()}}
        )

    def with_setup(self, *lines: str) -> Stand:
        return replace(self, setup=(*self.setup, *lines))

    @property
    def key(self) -> str:
        """What tells it from others."""
        return repr((self.interfaces, self.routes, self.sysctls, self.setup, self.bridges))


@dataclass(frozen=True)
class Says:
    """What a fact says of one packet; what is None is not said.

    Args:
        path: the base chains that it walks: ``raw/PRE mangle/PRE nat/PRE``.
        hits: for some chains the numbers of the rules that fit, in order: ``{"filter/FWD": (1,)}``.
        fate: what becomes of it. FORWARD and SENT are the same to the kernel's eye, so are DROP, REJECT and LOST.
        leaves: addresses and ports as it leaves and by which interface, ``SOURCE > DESTINATION INTERFACE``; a port may
            be a range.
        one_of: ways to leave of which the kernel takes one by a hash or by chance; the simulator shows all.
        same: (earlier packet, ``source`` or ``destination``): that side leaves with the same address and port as there.
        mark: as it ends.
        error: the errno that the sender gets.
        entry: the reply tuple of its conntrack entry; ``none`` where there is none left.
        echo_id: the id of an echo as it leaves; ``other`` for any but the one that it came with.
        back: what the node itself sends in answer.
        inner: of an ICMP error: the tuple that it is about, as it leaves.
    """

    path: str | None = None
    hits: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fate: Fate | None = None
    leaves: str | None = None
    one_of: tuple[str, ...] = ()
    same: tuple[int, str] | None = None
    mark: int | None = None
    error: str | None = None
    entry: str | None = None
    echo_id: int | str | None = None
    back: Says | None = None
    inner: str | None = None


@dataclass(frozen=True)
class Send:
    """One packet.

    Args:
        packet: the packet; None: what answers an earlier one.
        says: what becomes of it.
        answers: the number (from 0) of the packet that it answers.
    """

    packet: Packet | None
    says: Says
    answers: int | None = None


@dataclass(frozen=True)
class Change:
    """The rules are changed while connections stay.

    Args:
        commands: for iptables, without its name.
        rules: all rules afterwards.
    """

    commands: tuple[str, ...]
    rules: str


@dataclass(frozen=True)
class Case:
    """One case of a fact.

    Args:
        fact: its name in kernel-facts.md.
        name: what this case shows of it.
        rules: text for iptables-restore.
        events: packets and changes, in order.
        stand: the node.
        sets: text for ``ipset restore``.
        variants: the back ends of which it is said.
        listens: TCP ports at which a transparent socket of the node waits, at any address.
        answering: whether the node's own stack answers; else nobody does what is not sent.
    """

    fact: str
    name: str
    rules: str
    events: tuple[Send | Change, ...]
    stand: Stand
    sets: str = ""
    variants: tuple[str, ...] = ("nft", "legacy")
    listens: tuple[int, ...] = ()
    answering: bool = False

    @property
    def family(self) -> Family:
        return next(one.packet.family for one in self.events if isinstance(one, Send) and one.packet is not None)

    @property
    def id(self) -> str:
        return f"{self.fact}-{self.name}".replace(" ", "_")


@dataclass(frozen=True)
class Refused:
    """Rules that cannot be loaded: each line by itself, in its table."""

    fact: str
    table: str
    line: str
    family: Family = Family.IPV4

    @property
    def id(self) -> str:
        return f"{self.fact}-{self.table}{self.line[2:]}".replace(" ", "_")


ROUTER: Final = Stand(
    {"eth0": ("192.0.2.10/24", "192.0.2.11/24"), "eth1": ("10.0.0.1/24",), "eth2": ("10.0.1.1/24",)},
    ("default via 192.0.2.1 dev eth0",),
)
ROUTER_ALONE: Final = replace(ROUTER, routes=())
ROUTER6: Final = Stand(
    {"eth0": ("2001:db8:1::10/64",), "eth1": ("2001:db8:2::1/64",)}, ("default via 2001:db8:1::1 dev eth0",)
)
DOCKER: Final = Stand({"eth0": ("192.0.2.10/24",), "docker0": ("172.17.0.1/16",)}, ("default via 192.0.2.1 dev eth0",))


def table(name: str, *lines: str) -> str:
    """Return the text of one table, with all its base chains."""
    told = {line[1:].split()[0] for line in lines if line.startswith(":")}
    chains = [f":{chain} ACCEPT" for chain in _BASE_CHAINS[name] if chain not in told]
    first = [line for line in lines if line.startswith(":")]
    return "\n".join([f"*{name}", *chains, *first, *(line for line in lines if not line.startswith(":")), "COMMIT", ""])


def send(flow: str, says: Says | None = None, **fields: Any) -> Send:
    """Return a packet given as a flow in words, with fields of Packet that are different."""
    packet = replace(parse_flow(flow).packet, **fields)
    if packet.is_icmp and packet.icmp_id is None and packet.icmp_type in {0, 8, 13}:
        packet = replace(packet, icmp_id=1)
    return Send(packet, says or Says())


def back(number: int, says: Says | None = None) -> Send:
    """Return the answer to an earlier packet."""
    return Send(None, says or Says(), number)


def icmp_error(source: str, about: str, kind: tuple[int, int], in_interface: str, says: Says, family: int = 4) -> Send:
    """Return an ICMP error that ``source`` sends about a packet (a flow in words), to whom that came from."""
    inner = parse_flow(about).packet
    inner = replace(inner, in_interface=None)
    protocol = ICMP if family == 4 else ICMPV6
    packet = Packet(
        ip_address(source), inner.source, protocol, flags=frozenset(), icmp_type=kind[0], icmp_code=kind[1],
        in_interface=in_interface, inner=inner,
    )  # fmt: skip
    return Send(packet, says)


def chain_of(short: str) -> str:
    """Return ``table:CHAIN`` for ``table/CHAIN``, where a hook may be cut short."""
    name, _, chain = short.partition("/")
    return f"{name}:{_HOOKS.get(chain, chain)}"


def path_of(short: str) -> tuple[str, ...]:
    return tuple(chain_of(word) for word in short.split())


def without_nat(path: str) -> str:
    return " ".join(word for word in path.split() if not word.startswith("nat/"))
