"""What rules make the node send of itself: the copies of TEE, the answers of SYNPROXY."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iptc_sim.connection import Flow
from iptc_sim.kernel import KernelTrace, Lab
from iptc_sim.moment import Hook
from iptc_sim.node import Node
from iptc_sim.packet import Owner, Packet
from iptc_sim.syntax import parse
from iptc_sim.values import Variant
from iptc_sim.verify.compare import Divergence
from iptc_sim.verify.run import verify_flows
from tests.kernel.scenario import CONNTRACK_USER, ROUTER, ROUTER_ROUTES, table, tcp, udp

pytestmark = pytest.mark.kernel

TEE = "-j TEE --gateway 10.0.1.7"
THROUGH = udp("10.0.0.5:7", "198.51.100.7:80", "eth1")
FROM_HERE = replace(udp("192.0.2.10:7", "198.51.100.7:80"), owner=Owner(0, 0))


def _ask(rules: str, packet: Packet, variant: str) -> KernelTrace:
    with Lab(ROUTER, ROUTER_ROUTES, reader="netlink") as lab:
        lab.load(rules, 4, variant)
        return lab.inject(packet)


@pytest.mark.parametrize(("hook", "mark"), [("PREROUTING", 0), ("FORWARD", 7), ("POSTROUTING", 7)])
def test_a_copy_is_an_untracked_packet_of_the_node(hook: str, mark: int) -> None:
    chains = ("PREROUTING", "OUTPUT", "POSTROUTING")
    rules = table("mangle", f"-A {hook} {TEE}", *(f"-A {chain} -j MARK --set-mark 7" for chain in chains))
    rules += table("nat", "-A POSTROUTING -j MASQUERADE")
    one, other = sorted(_ask(rules, THROUGH, "nft").walks, key=lambda walk: walk.passages[0].hook is Hook.OUTPUT)
    assert "nat:POSTROUTING" in one.path
    assert (other.entry.ttl, other.entry.mark, other.entry.out_interface) == (63, mark, "eth2")
    assert other.passages[0].end is not None
    assert other.passages[0].end.tracked is not None
    assert other.passages[0].end.tracked.state == "UNTRACKED"
    assert [hit.table for hit in other.hits if hit.number == 1] == ["mangle"] * 2


@pytest.mark.parametrize("packet", [THROUGH, FROM_HERE, udp("10.0.0.5:7", "10.0.1.1:80", "eth1")])
@pytest.mark.parametrize("hook", Hook)
def test_what_is_copied_goes_on(variant: str, hook: Hook, packet: Packet) -> None:
    rules = table("mangle", f"-A {hook} {TEE}", f"-A {hook} -j MARK --set-mark 7") + table("filter", CONNTRACK_USER)
    _agrees(rules, [packet, packet], variant)


@pytest.mark.parametrize("prepare", ["", "-A PREROUTING -p tcp -j CT --notrack"])
@pytest.mark.parametrize("server", ["198.51.100.7:80", "10.0.0.1:80"])
def test_a_handshake_that_synproxy_takes_over(variant: str, server: str, prepare: str) -> None:
    rules = table("raw", *([prepare] if prepare else []))
    rules += table("filter", *(f"-A {chain} -p tcp -j SYNPROXY --mss 1460" for chain in ("INPUT", "FORWARD")))
    flags = (("SYN",), ("ACK",), ("FIN", "ACK"), ("RST",), ("SYN", "ACK"), ())
    packets = [tcp(f"10.0.0.5:{port}", server, "eth1") for port in range(1, 1 + len(flags))]
    _agrees(rules, [replace(one, flags=frozenset(set_)) for one, set_ in zip(packets, flags, strict=True)], variant)


def _agrees(rules: str, packets: list[Packet], variant: str) -> None:
    node = Node.of(ROUTER, ROUTER_ROUTES)
    for flow, found in verify_flows(parse(rules), rules, map(Flow, packets), node, variant=Variant(variant)):
        assert not isinstance(found, Divergence), f"{flow.packet}: {found.difference}"
