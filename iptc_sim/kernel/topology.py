"""The node and the world around it: two namespaces, joined by a veth pair for every interface of the node."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address, ip_interface
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.report import Arrival
from iptc_sim.node import Route
from iptc_sim.packet import Owner, Packet
from iptc_sim.records import dataclass, field
from iptc_sim.values import Address, Family, Unknown
from iptc_sim.wire.headers import Datagram
from iptc_sim.wire.packets import read_packet

_ALL_PROTOCOLS: Final = 0x0003
_ETHER_TYPES: Final = {Family.IPV4: 0x0800, Family.IPV6: 0x86DD}
_FAR_MAC: Final = bytes.fromhex("026970740100")
#: How long a bridge knows who is where (hundredths of a second).
_FOR_EVER: Final = 100_000_000
_EVERYBODY: Final = b"\xff" * 6
#: An ether type for experiments (IEEE 802).
_EXPERIMENTAL: Final = b"\x88\xb5"
_BUFFER: Final = 1 << 22
_IP_PKTINFO: Final = 8
_IPV6_FREEBIND: Final = 78

#: Known values for what else depends on the machine; the quiet ones keep packets out that nobody sent.
NODE_SYSCTLS: Final = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/tcp_syncookies": "0",
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv4/ping_group_range": "1 0",
    "net/ipv6/icmp/ratelimit": "0",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv6/conf/default/forwarding": "1",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/autoconf": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
    "net/ipv6/conf/default/addr_gen_mode": "1",
    "net/netfilter/nf_conntrack_tcp_loose": "1",
    "net/netfilter/nf_conntrack_tcp_be_liberal": "0",
} | {
    f"net/ipv4/conf/{scope}/{name}": "0"
    for scope in ("all", "default")
    for name in (
        "rp_filter",
        "send_redirects",
        "accept_redirects",
        "route_localnet",
        "accept_local",
        "log_martians",
    )
}
_FAR_SYSCTLS: Final = {"net/ipv6/conf/all/disable_ipv6": "1", "net/ipv6/conf/default/disable_ipv6": "1"}


@dataclass(frozen=True, slots=True)
class Host:
    """A machine behind a port of a bridge: the port, and its hardware address."""

    port: str
    mac: bytes


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a node stands in.

    Args:
        interfaces: the addresses (``192.0.2.10/24``) of every interface; of ``lo`` those beside 127.0.0.1 and ::1.
        routes: routes beside those of the connected networks.
        sysctls: values that replace or add to the known ones, such as ``net/ipv4/conf/all/rp_filter``.
        bridges: for the interfaces that are bridges the names of their ports.
        setup: lines for ``ip -batch`` in the node, when all else is there: ``rule add fwmark 1 table 100``; with
            ``-6`` before it, of IPv6.
        hosts: the machines behind the ports of bridges, by address.
    """

    interfaces: Mapping[str, Sequence[str]]
    routes: tuple[Route, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    bridges: Mapping[str, Sequence[str]] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    hosts: Mapping[Address, Host] = field(default_factory=dict)

    @property
    def wires(self) -> tuple[str, ...]:
        """The names of the interfaces with a far end."""
        ports = [port for ports in self.bridges.values() for port in ports]
        return (*(name for name in self.interfaces if name != "lo" and name not in self.bridges), *ports)

    def receiver(self, interface: str, destination: Address) -> bytes:
        """Return the hardware address that a frame has: a group's, the node's, or that of a host on the same bridge."""
        if (group := _group_mac(destination)) is not None:
            return group
        if any(
            network.prefixlen < 31 and destination == network.broadcast_address  # RFC 3021: a pair has none
            for network in (ip_interface(text).network for text in self.interfaces.get(interface, ()))
            if network.version == destination.version == 4
        ):
            return _EVERYBODY
        bridge = next((bridge for bridge, ports in self.bridges.items() if interface in ports), None)
        host = self.hosts.get(destination)
        if bridge is not None and host is not None and host.port in self.bridges[bridge]:
            return host.mac
        return _mac(bridge or interface)


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The far ends of all the node's interfaces, on one socket: what is written here comes in at the node."""

    link: socket.socket
    surroundings: Surroundings

    def send(self, interface: str, packet: bytes, source: bytes | None = None) -> None:
        """Let a packet come in at the node's ``interface``, or at a port of a bridge.

        Args:
            interface: by which.
            packet: its bytes.
            source: hardware address of the sender.

        Raises:
            KernelError: the node has no such interface.
        """
        family = Family(packet[0] >> 4)
        destination = ip_address(packet[16:20] if family is Family.IPV4 else packet[24:40])
        to = self.surroundings.receiver(interface, destination)
        self._send(interface, to + (source or _FAR_MAC) + struct.pack("!H", _ETHER_TYPES[family]) + packet)

    def introduce(self) -> None:
        """Let every bridge know which host is behind which of its ports."""
        for host in set(self.surroundings.hosts.values()):
            self._send(host.port, _EVERYBODY + host.mac + _EXPERIMENTAL + bytes(46))

    def _send(self, interface: str, frame: bytes) -> None:
        try:
            self.link.sendto(frame, (interface, 0))
        except OSError as error:
            raise KernelError(f"nothing can come in at {interface}: {error.strerror}") from error

    def received(self) -> list[Arrival]:
        """Return the IP packets that have left the node since the last time."""
        found: list[Arrival] = []
        while True:
            try:
                frame, address = self.link.recvfrom(1 << 16)
            except BlockingIOError:
                return found
            interface, _, kind = address[:3]
            if kind == socket.PACKET_OUTGOING:
                continue  # what we sent ourselves
            packet = read_packet(frame[14:], None, interface)
            datagram = Datagram.of(frame[14:])
            if packet is not None and datagram is not None:
                found.append(Arrival(interface, packet, datagram.identifier))


@dataclass(frozen=True, slots=True)
class LocalSockets:
    """Raw sockets inside the node, on which packets with a header of our own making are sent."""

    node: Namespace
    sockets: dict[tuple[Family, int, int], socket.socket] = field(default_factory=dict)

    def send(self, packet: Packet, data: bytes) -> str | None:
        """Send a packet as a process of the node would.

        Returns:
            The name of the errno that the kernel gave, such as ``EPERM``; None where it took the packet.
        """
        owner = packet.owner if isinstance(packet.owner, Owner) else Owner()
        uid, gid = (0 if isinstance(number, Unknown) else number for number in (owner.uid, owner.gid))
        key = packet.family, uid, gid
        if key not in self.sockets:
            self.sockets[key] = self.node.call(lambda: _as_owner(uid, gid, lambda: _raw_socket(packet.family)))
        link = self.sockets[key]
        try:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, packet.mark)
            link.sendmsg([data], *_told_source(packet))
        except OSError as error:
            return _errno_name(error)
        return None

    def close(self) -> None:
        """Close them."""
        for link in self.sockets.values():
            link.close()


def build(node: Namespace, far: Namespace, surroundings: Surroundings) -> None:
    """Build the interfaces, addresses and routes.

    The interfaces have no ARP and no neighbour discovery (``arp off``): what is routed out leaves at once,
    whoever the next hop is. Frames are then addressed to the sender itself, which the packet socket at the
    far end doesn't mind. A bridge does, so it is told who is behind which port.

    Args:
        node: the namespace that gets the interfaces.
        far: the namespace of the far ends, which have the same names.
        surroundings: what to build.

    Raises:
        KernelError: the kernel refuses one of them.
    """
    node.set_sysctls(NODE_SYSCTLS)
    far.set_sysctls(_FAR_SYSCTLS)
    interfaces = surroundings.interfaces
    lines = ["link set lo up"]
    lines += [f"link add {name} address {_mac(name).hex(':')} type bridge" for name in surroundings.bridges]
    for name in surroundings.wires:
        mac = _mac(name).hex(":")
        lines.append(f"link add {name} address {mac} type veth peer name {name} netns {far.path}")
        lines.append(f"link set {name} arp off up")
    for name, ports in surroundings.bridges.items():
        lines += [f"link set {port} master {name}" for port in ports]
        lines.append(f"link set {name} up")
    lines += [f"addr add {text} dev {name}" for name in interfaces for text in interfaces[name]]
    node.run(["ip", "-batch", "-"], "\n".join(lines))
    far.run(["ip", "-batch", "-"], "\n".join(f"link set {name} up" for name in surroundings.wires))
    more = [f"link set {name} type bridge ageing_time {_FOR_EVER}" for name in surroundings.bridges]
    more += [
        f"neigh add {address} lladdr {host.mac.hex(':')} dev {name} nud permanent"
        for name, ports in surroundings.bridges.items()
        for address, host in surroundings.hosts.items()
        if host.port in ports
    ]
    more += [*map(_route_line, surroundings.routes), *surroundings.setup]
    for option in ("-4", "-6"):
        # What is not said to be IPv6's tells its family by its addresses.
        chosen = [line.removeprefix("-6 ") for line in more if line.startswith("-6 ") == (option == "-6")]
        if chosen:
            node.run(["ip", *([option] if option == "-6" else []), "-batch", "-"], "\n".join(chosen))
    node.set_sysctls(dict(surroundings.sysctls))


def open_far_end(far: Namespace, surroundings: Surroundings) -> FarEnd:
    """Open the packet socket of the far ends."""
    link = far.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS)))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    link.setblocking(False)
    return FarEnd(link, surroundings)


def _raw_socket(family: Family) -> socket.socket:
    four = family is Family.IPV4
    link = socket.socket(socket.AF_INET if four else socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    if four:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    else:
        link.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
    return link


def _as_owner(uid: int, gid: int, action: Callable[[], socket.socket]) -> socket.socket:
    """Run ``action`` with another user and group, of this thread alone; what it opens belongs to them."""
    libc = ctypes.CDLL(None)
    libc.setfsgid(gid)
    libc.setfsuid(uid)
    try:
        return action()
    finally:
        libc.setfsuid(os.geteuid())
        libc.setfsgid(os.getegid())


def _told_source(packet: Packet) -> tuple[list[tuple[int, int, bytes]], int, tuple[str | int, ...]]:
    """Return what ``sendmsg`` is to be told so that the route is looked up with the packet's own source."""
    source = b"" if isinstance(packet.source, Unknown) else packet.source.packed
    if packet.family is Family.IPV4:
        return [(socket.IPPROTO_IP, _IP_PKTINFO, bytes(4) + source + bytes(4))], 0, (str(packet.destination), 0)
    told = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, source + bytes(4))]
    return told, 0, (str(packet.destination), 0, 0, 0)


def _group_mac(destination: Address) -> bytes | None:
    """Return the hardware address that a group has (RFC 1112, 2464), or everybody; None for a single machine."""
    if destination.is_multicast:
        if destination.version == 4:
            return b"\x01\x00\x5e" + (int(destination) & 0x7FFFFF).to_bytes(3)
        return b"\x33\x33" + destination.packed[-4:]
    return _EVERYBODY if str(destination) == "255.255.255.255" else None


def _mac(interface: str) -> bytes:
    # Locally administered, and told by the name, so that nothing has to be asked from the kernel.
    return b"\x02\x69" + zlib.crc32(interface.encode()).to_bytes(4)


def _route_line(route: Route) -> str:
    words = ["route", "add", route.kind, str(route.destination)]
    if route.gateway is not None:
        words += ["via", str(route.gateway)]
    if route.interface is not None:
        words += ["dev", route.interface]
    if route.source is not None:
        words += ["src", str(route.source)]
    if route.metric:
        words += ["metric", str(route.metric)]
    return " ".join(words)


def _errno_name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, str(error))
