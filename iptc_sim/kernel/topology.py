"""The node and the world around it: two namespaces, joined by a veth pair for every interface of the node."""

from __future__ import annotations

import errno
import socket
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.report import Arrival
from iptc_sim.kernel.wire import Fields
from iptc_sim.node import Route
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass
from iptc_sim.values import Family

_ALL_PROTOCOLS: Final = 0x0003
_ETHER_TYPES: Final = {Family.IPV4: 0x0800, Family.IPV6: 0x86DD}
_FAR_MAC: Final = bytes.fromhex("026970740100")
_BUFFER: Final = 1 << 22

#: Known values for what else depends on the machine; the quiet ones keep packets out that nobody sent.
_NODE_SYSCTLS: Final = {
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
class FarEnd:
    """The far ends of all the node's interfaces, on one socket: what is written here comes in at the node."""

    link: socket.socket

    def send(self, interface: str, packet: bytes) -> None:
        """Let a packet come in at the node's ``interface``.

        Raises:
            KernelError: the node has no such interface.
        """
        family = Family(packet[0] >> 4)
        frame = _mac(interface) + _FAR_MAC + struct.pack("!H", _ETHER_TYPES[family]) + packet
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
            fields = Fields.of(frame[14:])
            if fields is not None:
                found.append(Arrival(interface, fields.packet(interface), fields.identifier))


@dataclass(frozen=True, slots=True)
class LocalSockets:
    """Raw sockets inside the node, on which packets with a header of our own making are sent."""

    sockets: Mapping[Family, socket.socket]

    def send(self, packet: Packet, data: bytes) -> str | None:
        """Send a packet as a process of the node would.

        Returns:
            The name of the errno that the kernel gave, such as ``EPERM``; None where it took the packet.
        """
        link = self.sockets[packet.family]
        link.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, packet.mark)
        port = (0,) if packet.family is Family.IPV4 else (0, 0, 0)
        try:
            link.sendto(data, (str(packet.destination), *port))
        except OSError as error:
            return _errno_name(error)
        return None

    def close(self) -> None:
        """Close them."""
        for link in self.sockets.values():
            link.close()


def build(
    node: Namespace,
    far: Namespace,
    interfaces: Mapping[str, Sequence[str]],
    routes: Iterable[Route],
    sysctls: Mapping[str, str],
) -> None:
    """Build the interfaces, addresses and routes.

    The interfaces have no ARP and no neighbour discovery (``arp off``): what is routed out leaves at once,
    whoever the next hop is. Frames are then addressed to the sender itself, which the packet socket at the
    far end doesn't mind.

    Args:
        node: the namespace that gets the interfaces.
        far: the namespace of the far ends, which have the same names.
        interfaces: the addresses (``192.0.2.10/24``) of every interface but ``lo``.
        routes: routes beside those of the connected networks.
        sysctls: values that replace or add to the known ones, such as ``net/ipv4/conf/all/rp_filter``.

    Raises:
        KernelError: the kernel refuses one of them.
    """
    node.set_sysctls(_NODE_SYSCTLS)
    far.set_sysctls(_FAR_SYSCTLS)
    lines = ["link set lo up"]
    for name, addresses in interfaces.items():
        mac = _mac(name).hex(":")
        lines.append(f"link add {name} address {mac} type veth peer name {name} netns {far.path}")
        lines.append(f"link set {name} arp off up")
        lines += [f"addr add {text} dev {name}" for text in addresses]
    node.run(["ip", "-batch", "-"], "\n".join(lines))
    far.run(["ip", "-batch", "-"], "\n".join(f"link set {name} up" for name in interfaces))
    if texts := [_route_line(route) for route in routes]:
        node.run(["ip", "-batch", "-"], "\n".join(texts))
    node.set_sysctls(dict(sysctls))


def open_far_end(far: Namespace) -> FarEnd:
    """Open the packet socket of the far ends."""
    link = far.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS)))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    link.setblocking(False)
    return FarEnd(link)


def open_local_sockets(node: Namespace) -> LocalSockets:
    """Open the raw sockets of the node."""
    families = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}

    def raw(family: Family) -> socket.socket:
        return node.call(lambda: socket.socket(families[family], socket.SOCK_RAW, socket.IPPROTO_RAW))

    links = {family: raw(family) for family in families}
    links[Family.IPV4].setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return LocalSockets(links)


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
