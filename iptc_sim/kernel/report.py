"""What the kernel did with a packet, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iptc_sim.connection import FlowTuple
from iptc_sim.moment import Hook
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6
from iptc_sim.records import dataclass, field
from iptc_sim.tracking import Direction, State
from iptc_sim.values import Address
from iptc_sim.wire.headers import Datagram


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a trace tells of the conntrack entry of a packet (Linux 6.16 and later).

    Args:
        state: the packet's ctstate.
        direction: which way it goes; None where it has no entry.
        status: the names of the status bits of the entry.
    """

    state: State
    direction: Direction | None = None
    status: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Headers:
    """A packet's headers as a trace shows them.

    Args:
        in_interface: by which it came in; None: it shows none.
        out_interface: by which it is about to leave; None: it shows none.
        source: source address.
        destination: destination address.
        sport: source port; None where the protocol has none.
        dport: destination port, likewise.
        mark: the nfmark.
        ttl: time to live, or hop limit.
        identifier: the IPv4 id or the IPv6 flow label; it ties a walk to the packet that was sent.
        flags: the TCP flags that are set.
        tos: the TOS byte, or traffic class.
        icmp: type and code of an ICMP message; None for others. What only netlink tells of a packet, such as this, is
            left out where headers are compared as a whole.
        tracked: its conntrack entry; None where it has none, or the kernel does not tell it.
    """

    in_interface: str | None
    out_interface: str | None
    source: Address
    destination: Address
    sport: int | None
    dport: int | None
    mark: int
    ttl: int
    identifier: int
    flags: frozenset[str] = frozenset()
    tos: int = 0
    icmp: tuple[int, int] | None = field(default=None, compare=False)
    tracked: Tracked | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        datagram: Datagram,
        in_interface: str | None,
        out_interface: str | None,
        mark: int,
        tracked: Tracked | None = None,
    ) -> Headers:
        """Return a packet's bytes as headers, with what the bytes don't tell."""
        sport, dport = datagram.ports or (None, None)
        message = datagram.transport if datagram.protocol in {ICMP, ICMPV6} else b""
        return cls(
            in_interface=in_interface,
            out_interface=out_interface,
            source=datagram.source,
            destination=datagram.destination,
            sport=sport,
            dport=dport,
            mark=mark,
            ttl=datagram.ttl,
            identifier=datagram.identifier,
            flags=datagram.flags,
            tos=datagram.tos,
            icmp=(message[0], message[1]) if len(message) >= 2 else None,
            tracked=tracked,
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched, or a policy that was reached.

    Args:
        table: the table.
        chain: the chain.
        kind: ``rule`` or ``policy``. The end of a user chain is no hit: iptables-nft's trace doesn't show it.
        verdict: ``ACCEPT``, ``DROP``, ``CONTINUE``, ``JUMP``, ``GOTO`` or ``RETURN``. A nat target that
            translated says ``ACCEPT``, REJECT says ``DROP``.
        target_chain: the chain of a JUMP or GOTO.
        rule_text: the rule as ``iptables -S`` prints it; empty for a policy.
        number: the rule's number in its chain, from 1; None for a policy.
    """

    table: str
    chain: str
    kind: str
    verdict: str
    target_chain: str | None = None
    rule_text: str = ""
    number: int | None = None

    def __str__(self) -> str:
        place = f"{self.table}:{self.chain}:{self.number or self.kind}"
        return f"{place} {self.verdict}{f' {self.target_chain}' if self.target_chain else ''}"


@dataclass(frozen=True, slots=True)
class Stage:
    """One base chain that a packet walked, with everything it reached from there.

    Args:
        table: the table.
        chain: the base chain.
        headers: the packet at the first hit. iptables-nft shows it after that first rule, with the mark
            that the rule may have set; iptables-legacy before.
        hits: what matched, in order.
    """

    table: str
    chain: str
    headers: Headers
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """One hook that a packet came to.

    Args:
        hook: the hook.
        begin: the packet ahead of all tables.
        stages: the base chains of the user's tables, in the order in which it walked them.
        end: the packet behind all tables; None where it did not get there, or where the trace does not tell it.
    """

    hook: Hook
    begin: Headers
    stages: tuple[Stage, ...] = ()
    end: Headers | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """One way of one packet through the hooks, from PREROUTING or OUTPUT to its end.

    A packet to this machine itself makes two: OUTPUT to POSTROUTING, and by ``lo`` PREROUTING to INPUT.

    Args:
        passages: the hooks, in order; the first is PREROUTING or OUTPUT.
    """

    passages: tuple[Passage, ...]

    @property
    def entry(self) -> Headers:
        """The packet as it stood before any rule."""
        return self.passages[0].begin

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The base chains in the order in which the packet walked them."""
        return tuple(stage for passage in self.passages for stage in passage.stages)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All hits in order."""
        return tuple(hit for stage in self.stages for hit in stage.hits)

    @property
    def path(self) -> tuple[str, ...]:
        """The base chains as ``table:CHAIN``, in order."""
        return tuple(f"{stage.table}:{stage.chain}" for stage in self.stages)

    def stage(self, table: str, chain: str) -> Stage | None:
        """Return the stage of a base chain, or None where it was not walked."""
        return next((stage for stage in self.stages if (stage.table, stage.chain) == (table, chain)), None)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet that left the node and was seen at the far end.

    Args:
        interface: the node's interface by which it left.
        packet: what it was then, with its bytes in ``raw``.
        identifier: its IPv4 id or IPv6 flow label.
    """

    interface: str
    packet: Packet
    identifier: int


@dataclass(frozen=True, slots=True)
class ConntrackEntry:
    """An entry of the conntrack table.

    Args:
        original: the tuple of the first packet.
        reply: the tuple that answers have when they arrive; translation shows here.
        state: the protocol's own state, such as ``SYN_SENT``; empty where it has none.
        flags: ``UNREPLIED``, ``ASSURED``.
        mark: the connmark.
        status: the names of its status bits, such as ``CONFIRMED``.
        zone: conntrack zone of the original direction; ``reply_zone`` of the other one.
        helper: the name of its helper.
        timeout: seconds until it is forgotten.
        labels: the numbers of its labels.
        packets: how many were counted, either way; None where they are not.
        size: bytes of those.
    """

    original: FlowTuple
    reply: FlowTuple
    state: str = ""
    flags: frozenset[str] = frozenset()
    mark: int = 0
    status: frozenset[str] = frozenset()
    zone: int = 0
    reply_zone: int = 0
    helper: str = ""
    timeout: int | None = None
    labels: frozenset[int] = frozenset()
    packets: tuple[int, int] | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class KernelTrace:
    """Everything that was seen of one packet.

    Args:
        packet: what was sent; None where an action of the caller's was watched.
        walks: the packet's own walks, in order.
        arrivals: where the packet itself left the node.
        error: name of the errno that sending it gave (``EPERM``: dropped in OUTPUT, ``ENETUNREACH``: no
            route).
        entries: the conntrack entry that the packet belongs to, either way, by each zone in which it was looked up;
            None: there is none.
        other_walks: walks of other packets meanwhile: the node's answers, ICMP errors.
        other_arrivals: other packets that left the node meanwhile.
    """

    packet: Packet | None
    walks: tuple[Walk, ...]
    arrivals: tuple[Arrival, ...]
    error: str | None = None
    entries: Mapping[int, ConntrackEntry | None] = field(default_factory=dict)
    other_walks: tuple[Walk, ...] = field(default=(), repr=False)
    other_arrivals: tuple[Arrival, ...] = field(default=(), repr=False)

    @property
    def entry(self) -> ConntrackEntry | None:
        """The entry in the zone that was asked first."""
        return next(iter(self.entries.values()), None)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All hits of all walks of the packet, in order."""
        return tuple(hit for walk in self.walks for hit in walk.hits)

    @property
    def path(self) -> tuple[str, ...]:
        """The base chains that the packet walked, as ``table:CHAIN``, in order."""
        return tuple(name for walk in self.walks for name in walk.path)

    @property
    def passages(self) -> tuple[Passage, ...]:
        """All hooks of all walks of the packet, in order."""
        return tuple(passage for walk in self.walks for passage in walk.passages)

    @property
    def arrival(self) -> Arrival | None:
        """Where it left the node; None: it did not."""
        return self.arrivals[0] if self.arrivals else None

    def rules(self, table: str | None = None) -> Iterator[Hit]:
        """Yield the rules that matched, policies left out, of one table or of all."""
        return (hit for hit in self.hits if hit.kind == "rule" and table in {None, hit.table})

    def entered(self, chain: str, table: str | None = None) -> bool:
        """Whether a rule jumped or went to ``chain``."""
        return any(hit.target_chain == chain for hit in self.rules(table))

    def reached(self, table: str, chain: str, verdict: str) -> bool:
        """Whether the policy of a base chain decided, and how."""
        return Hit(table, chain, "policy", verdict) in self.hits

    def __str__(self) -> str:
        lines = [f"{self.packet}" + (f" ({self.error})" if self.error else "")]
        for walk in self.walks:
            lines += [f"  {hit}  {hit.rule_text}".rstrip() for hit in walk.hits] + ["  --"]
        return "\n".join([*lines, *(f"  left by {one.interface}: {one.packet}" for one in self.arrivals)])
