"""What a scenario is, the nodes that scenarios stand on, and short ways to write one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from iptc_sim.kernel import KernelTrace, Lab
from iptc_sim.node import Node, Route
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP, UDP
from iptc_sim.values import Prefix

#: The router of kernel-facts.md.
ROUTER: Final = {
    "eth0": ["192.0.2.10/24", "192.0.2.11/24"],
    "eth1": ["10.0.0.1/24"],
    "eth2": ["10.0.1.1/24"],
}
ROUTER_ROUTES: Final = (Route(Prefix.parse("0.0.0.0/0"), "eth0", ip_address("192.0.2.1")),)
#: The docker host of kernel-facts.md; containers are 172.17.0.7 and .8.
DOCKER_HOST: Final = {"eth0": ["192.0.2.10/24"], "docker0": ["172.17.0.1/16"]}
#: A Kubernetes node of the seed: pods are 172.17.0.0/16.
KUBE_NODE: Final = {"eth0": ["192.0.2.10/24"], "cni0": ["172.17.0.1/16"]}
ROUTER6: Final = {"eth0": ["2001:db8:1::10/64"], "eth1": ["2001:db8:2::1/64"]}

#: Labs are built with it off.
QUIET: Final = {"net/ipv4/conf/all/send_redirects": "0", "net/ipv4/conf/default/send_redirects": "0"}

#: Any rule on ct state keeps conntrack on; without one the kernel walks no nat chain unless it holds a nat
#: target.
CONNTRACK_USER: Final = "-A INPUT -m conntrack --ctstate INVALID -j DROP"


@dataclass(frozen=True)
class Scenario:
    """One question to the kernel.

    Args:
        name: what it shows; the name of the test.
        rules: text for iptables-restore.
        packet: the packet; made on the node where it has no in interface.
        interfaces: the node's interfaces and addresses.
        routes: its routes beside those of the connected networks.
        sysctls: its switches, where they are not the usual ones.
    """

    name: str
    rules: str
    packet: Packet
    interfaces: Mapping[str, Sequence[str]] = field(default_factory=lambda: ROUTER)
    routes: tuple[Route, ...] = ROUTER_ROUTES
    sysctls: Mapping[str, str] = field(default_factory=dict)

    @property
    def node(self) -> Node:
        return Node.of(self.interfaces, self.routes, sysctls={**QUIET, **self.sysctls})

    def lab(self) -> Lab:
        return Lab(self.interfaces, self.routes, sysctls=self.sysctls)


def ask_kernel(scenario: Scenario, variant: str = "nft") -> KernelTrace:
    """Return what the kernel does with the scenario's packet."""
    with scenario.lab() as lab:
        lab.load(scenario.rules, scenario.packet.family, variant)
        return lab.inject(scenario.packet)


def table(name: str, *lines: str) -> str:
    """Return the text for iptables-restore of one table."""
    return "\n".join([f"*{name}", *lines, "COMMIT", ""])


def tcp(source: str, destination: str, in_interface: str | None = None, *flags: str) -> Packet:
    """Return a TCP packet (a SYN unless told otherwise) from ``ADDRESS:PORT`` to ``ADDRESS:PORT``."""
    return _with_ports(TCP, source, destination, in_interface, frozenset(flags or ("SYN",)))


def udp(source: str, destination: str, in_interface: str | None = None) -> Packet:
    return _with_ports(UDP, source, destination, in_interface, frozenset())


def ping(source: str, destination: str, in_interface: str | None = None) -> Packet:
    addresses = ip_address(source), ip_address(destination)
    four = addresses[0].version == 4
    protocol, kind = (ICMP, 8) if four else (ICMPV6, 128)
    return Packet(*addresses, protocol, flags=frozenset(), icmp_type=kind, icmp_code=0, in_interface=in_interface)


def _with_ports(
    protocol: int, source: str, destination: str, in_interface: str | None, flags: frozenset[str]
) -> Packet:
    (src, sport), (dst, dport) = (text.rsplit(":", 1) for text in (source, destination))
    addresses = ip_address(src.strip("[]")), ip_address(dst.strip("[]"))
    return Packet(*addresses, protocol, int(sport), int(dport), flags, in_interface=in_interface)
