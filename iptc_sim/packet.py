"""The packet: what the rules look at, at one moment of its way."""

from __future__ import annotations

from iptc_sim.protocols import ICMP, ICMPV6, IPV6_EXTENSIONS, PORT_PROTOCOLS, TCP, TCP_FLAGS, protocol_name
from iptc_sim.records import dataclass
from iptc_sim.values import UNKNOWN, Address, Family, Interface, Unknown


@dataclass(frozen=True, slots=True)
class Owner:
    """A socket: user and group of the process that made it (numbers), process id and more as far as told.

    Args:
        uid: user id.
        gid: group id.
        groups: supplementary groups.
        class_id: of its network class cgroup.
    """

    uid: int | Unknown = UNKNOWN
    gid: int | Unknown = UNKNOWN
    groups: frozenset[int] = frozenset()
    class_id: int = 0


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as a hook sees it.

    Args:
        source: source address; UNKNOWN after MASQUERADE on a node whose addresses were not told.
        destination: destination address, of the same family; UNKNOWN after REDIRECT on such a node.
        protocol: IP protocol number.
        sport: source port (TCP, UDP, SCTP), UNKNOWN where it was not told, None for other protocols.
        dport: destination port, likewise.
        flags: names of the TCP flags that are set, out of ``TCP_FLAGS``.
        icmp_type: type of an ICMP or ICMPv6 message.
        icmp_code: its code.
        mark: the nfmark, 32 bits.
        in_interface: by which it came in; None: made on this node.
        out_interface: by which it will leave; None: not (yet) routed out.
        raw: the bytes of the packet from the IP header on, as captured; None where it was described in words.
        ttl: time to live, or hop limit.
        tos: the TOS byte, or traffic class.
        icmp_id: id of an ICMP echo; None where it was not told, and for other packets; UNKNOWN where nat drew another.
        physical_in: the port of a bridge by which it came in; ``physical_out`` by which it will leave.
        source_mac: six bytes, of the frame that it came in; None where it was not told, and for packets made here.
        owner: the socket that made it; None where no socket did, UNKNOWN where that was not told.
        priority: what CLASSIFY and the TOS byte set, ``major << 16 | minor``.
        inner: the packet that an ICMP error is about, as its sender saw it.
    """

    source: Address | Unknown
    destination: Address | Unknown
    protocol: int
    sport: int | Unknown | None = None
    dport: int | Unknown | None = None
    flags: frozenset[str] = frozenset({"SYN"})
    icmp_type: int | None = None
    icmp_code: int | None = None
    mark: int = 0
    in_interface: Interface = None
    out_interface: Interface = None
    raw: bytes | None = None
    ttl: int = 64
    tos: int = 0
    icmp_id: int | Unknown | None = None
    physical_in: Interface = None
    physical_out: Interface = None
    source_mac: bytes | None = None
    owner: Owner | Unknown | None = UNKNOWN
    priority: int = 0
    inner: Packet | None = None

    def __post_init__(self) -> None:
        known = {address.version for address in (self.source, self.destination) if address is not UNKNOWN}
        if len(known) != 1:
            raise ValueError(f"{self.source} and {self.destination} are of different families, or both unknown")

    @property
    def family(self) -> Family:
        """4 or 6."""
        known = self.destination if self.source is UNKNOWN else self.source
        return Family.IPV4 if known is UNKNOWN else Family(known.version)

    @property
    def protocol_name(self) -> str:
        """The name of the protocol, as iptables prints it."""
        return protocol_name(self.protocol)

    @property
    def has_ports(self) -> bool:
        """Whether its protocol has ports."""
        return self.protocol in PORT_PROTOCOLS

    @property
    def ends_in_header(self) -> bool:
        """Whether it is an IPv6 packet with nothing behind its extension headers: it has no ports and no flow."""
        return self.family is Family.IPV6 and self.protocol in IPV6_EXTENSIONS

    @property
    def is_icmp(self) -> bool:
        """Whether it is ICMP or ICMPv6."""
        return self.protocol in {ICMP, ICMPV6}

    @property
    def source_text(self) -> str:
        """Source address with its port, IPv6 in brackets where a port follows."""
        return endpoint_text(self.source, self.sport)

    @property
    def destination_text(self) -> str:
        """Destination address with its port, likewise."""
        return endpoint_text(self.destination, self.dport)

    def __str__(self) -> str:
        words = [self.protocol_name, self.source_text, "->", self.destination_text]
        if self.is_icmp:
            words.append(f"type {self.icmp_type}/{self.icmp_code}")
        if self.protocol == TCP and self.flags != {"SYN"}:
            words.append("flags " + (",".join(name for name in TCP_FLAGS if name in self.flags) or "none").lower())
        if self.in_interface is not None:
            words += ["in", str(self.in_interface)]
        if self.out_interface is not None:
            words += ["out", str(self.out_interface)]
        if self.mark:
            words += ["mark", f"{self.mark:#x}"]
        return " ".join(words)


def endpoint_text(address: Address | Unknown, port: int | Unknown | None) -> str:
    """Return ``address:port``; the address alone without a port, ``?`` and ``*`` for what was not told."""
    if port is None or address is UNKNOWN:
        return str(address) if port is None else f"{address}:{'*' if port is UNKNOWN else port}"
    shown = "*" if port is UNKNOWN else str(port)
    return f"[{address}]:{shown}" if address.version == 6 else f"{address}:{shown}"
