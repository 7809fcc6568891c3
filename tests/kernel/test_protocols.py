"""How conntrack follows UDPLite, GRE and protocols that it knows nothing of, packet by packet beside the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address

import pytest

from iptc_sim.connection import Flow
from iptc_sim.node import Node
from iptc_sim.packet import Owner, Packet
from iptc_sim.protocols import GRE, UDP, UDPLITE
from iptc_sim.syntax import parse
from iptc_sim.values import Family, Variant
from iptc_sim.verify.compare import Divergence
from iptc_sim.verify.run import verify_flows
from iptc_sim.wire.packets import packet_bytes, with_transport
from tests.kernel.scenario import ROUTER, ROUTER6, ROUTER_ROUTES, table

pytestmark = pytest.mark.kernel

STATES = table(
    "mangle",
    *(
        f"-A {hook} -m conntrack --ctstate {state}"
        for hook in ("PREROUTING", "OUTPUT")
        for state in ("NEW", "ESTABLISHED", "INVALID", "UNTRACKED")
    ),
)
ENDS = {
    Family.IPV4: ("10.0.0.5", "198.51.100.7", "10.0.0.1"),
    Family.IPV6: ("2001:db8:2::5", "2001:db8:1::7", "2001:db8:2::1"),
}


def _packet(protocol: int, family: Family = Family.IPV4, *, back: bool = False, here: bool = False) -> Packet:
    client, server, own = (ip_address(address) for address in ENDS[family])
    ends = (own, client) if here else (server, client) if back else (client, server)
    sport, dport = ((80, 7) if back else (7, 80)) if protocol == UDPLITE else (None, None)
    way = None if here else "eth0" if back else "eth1"
    owner = Owner(0, 0) if here else None
    return Packet(*ends, protocol, sport, dport, frozenset(), in_interface=way, owner=owner)


def _states(rules: str, packets: Sequence[Packet], variant: str, **sysctls: str) -> list[str]:
    """Return the states that the kernel tells; the simulator must tell the same."""
    four = packets[0].family is Family.IPV4
    names = {f"net/netfilter/{name}": value for name, value in sysctls.items()}
    node = Node.of(ROUTER, ROUTER_ROUTES, sysctls=names) if four else Node.of(ROUTER6, sysctls=names)
    ruleset, states = parse(rules, family=packets[0].family), []
    for flow, found in verify_flows(ruleset, rules, map(Flow, packets), node, variant=Variant(variant)):
        assert not isinstance(found, Divergence), f"{flow.packet}: {found.difference}"
        tracked = found[1].passages[0].end
        states.append("-" if tracked is None or tracked.tracked is None else tracked.tracked.state[0])
    return states


def _as_udp(packet: Packet) -> Packet:
    """Return the packet with the checksum that a pseudo header of UDP gives it."""
    lite = packet_bytes(packet)
    at = 26 if packet.family is Family.IPV4 else 46
    return replace(packet, raw=lite[:at] + _moved(lite[at : at + 2]) + lite[at + 2 :])


def _moved(found: bytes) -> bytes:
    total = int.from_bytes(found) + UDPLITE - UDP
    return (total + (total >> 16) & 0xFFFF).to_bytes(2)


@pytest.mark.parametrize("family", Family)
def test_udplite_from_outside_is_invalid_where_sums_are_checked(variant: str, family: Family) -> None:
    right = _packet(UDPLITE, family)
    packets = [right, _as_udp(right), _as_udp(right), right, _packet(UDPLITE, family, here=True)]
    assert _states(STATES, packets, variant) == ["-", "N", "N", "-", "N"]
    assert _states(STATES, packets[::-1], variant, nf_conntrack_checksum="0") == ["N"] * 5


def test_udplite_without_a_header_is_invalid_always(variant: str) -> None:
    right = _packet(UDPLITE)
    ports = packet_bytes(right)[20:24]
    for header in ("00000000", "0007ffff", "0064ffff"):
        broken = with_transport(right, ports + bytes.fromhex(header))
        broken = replace(broken, raw=packet_bytes(broken)[:24] + bytes.fromhex(header))
        assert _states(STATES, [broken], variant, nf_conntrack_checksum="0") == ["-"]


@pytest.mark.parametrize("protocol", [UDPLITE, GRE, 50, 51, 99, 108])
def test_connections_without_states_of_their_own(variant: str, protocol: int) -> None:
    there, back = _packet(protocol), _packet(protocol, back=True)
    found = _states(STATES, [there, there, back, back, there], variant, nf_conntrack_checksum="0")
    assert found == ["N", "N", "E", "E", "E"]


def test_protocols_without_ports_are_translated(variant: str) -> None:
    rules = table("nat", "-A PREROUTING -j DNAT --to-destination 10.0.1.7", "-A POSTROUTING -j MASQUERADE")
    assert _states(rules, [_packet(protocol) for protocol in (GRE, 50, 51, 99, 108, 135)], variant) == ["N"] * 6
