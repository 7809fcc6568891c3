"""Routing beside the kernel's: the bundle is captured in the lab, and every packet is asked of both."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest

from iptc_sim.api import trace
from iptc_sim.engine.routing import refused_on_arrival, route_in, route_out
from iptc_sim.flows import NodeOptions, read_node
from iptc_sim.kernel import KernelTrace, Lab
from iptc_sim.kernel.capture import capture
from iptc_sim.node import Node
from iptc_sim.packet import Owner, Packet
from iptc_sim.protocols import TCP, UDP
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import Fate, HookStep, RuleStep
from iptc_sim.syntax import parse
from iptc_sim.values import UNKNOWN, Family
from tests.kernel.routed import EVERYWHERE, WORLDS, WORLDS6, World, to
from tests.kernel.scenario import QUIET, table, udp

pytestmark = pytest.mark.kernel


@contextmanager
def built(world: World) -> Iterator[Lab]:
    with Lab(world.surroundings, reader="netlink", quiet=True) as lab:
        text = "\n".join(world.setup6)
        lab.call(lambda: subprocess.run(["ip", "-6", "-batch", "-"], input=text, text=True, check=True))
        yield lab


def bundle_of(lab: Lab, folder: Path) -> Node:
    """Capture the lab's node, as anyone would a real one, and read it."""
    lab.call(lambda: capture(folder, force=True))
    return read_node(NodeOptions(folder=folder))


def ours(rules: Ruleset, node: Node, packet: Packet) -> tuple[list[str], str | None]:
    """Return the hooks that the packet passes and the interface by which it leaves."""
    if refused_on_arrival(packet, node):
        return [], None
    found = trace(rules, packet, node, as_is=True)
    (end,) = found.ends
    hooks = [step.hook.value for step in found.steps(end) if isinstance(step, HookStep)]
    left = end.packet.out_interface if end.fate in {Fate.FORWARD, Fate.SENT} else None
    assert left is not UNKNOWN, (packet, end)
    return hooks, left


def kernels(seen: KernelTrace) -> tuple[list[str], str | None]:
    hooks = [stage.chain for walk in seen.walks for stage in walk.stages]
    return hooks, seen.arrival.interface if seen.arrival else None


@pytest.mark.parametrize("world", WORLDS + WORLDS6, ids=lambda world: world.name)
def test_routing(world: World, tmp_path: Path) -> None:
    family = world.packets[0].family
    rules = parse(world.rules, family=family)
    with built(world) as lab:
        lab.load(world.rules, family)
        node = bundle_of(lab, tmp_path)
        wrong = []
        for packet in world.packets:
            seen = lab.inject(packet, conntrack=False)
            mine, theirs = ours(rules, node, packet), kernels(seen)
            if not (world.setup or world.setup6):
                by_hand = Node.of(world.interfaces, world.surroundings.routes, sysctls={**QUIET, **world.sysctls})
                assert ours(rules, by_hand, packet) == mine, packet
            if mine != theirs:
                wrong.append(f"{packet} tos {packet.tos:#x}: {mine}, kernel {theirs} {seen.error or ''}")
    assert not wrong, "\n".join(wrong)


def _sends(kind: socket.SocketKind, destination: str, *, source: str = "", mark: int = 0, uid: int = 0) -> str:
    """Let a real socket of the node begin a conversation, and return the address that it got or the error's name."""
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    with socket.socket(family, kind) as link:
        link.setblocking(False)
        if mark:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        if uid:
            os.fchown(link.fileno(), uid, uid)
        if source:
            link.bind((source, 0))
        try:
            link.connect((destination, 53))
        except BlockingIOError:
            pass
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return str(link.getsockname()[0])


_HERE: Final = World(
    "sources",
    (),
    (
        "addr add 10.0.1.2/24 dev eth2",
        "addr add 10.9.0.1/24 dev eth2 scope link",
        "addr add 10.0.0.77/16 dev eth1",
        "route add 10.50.0.0/16 via 10.0.1.9 src 10.0.0.1",
        "route add 10.51.0.0/16 via 10.0.1.9",
        "route add 10.52.0.0/16 dev eth2",
        "route add 10.53.0.0/16 via 10.9.0.9 dev eth2 onlink",
        "link add none0 type bridge",
        "link set none0 up",
        "route add 10.54.0.0/16 dev none0",
        "route add unreachable 10.55.0.0/16",
        "route add blackhole 10.56.0.0/16",
        "route add prohibit 10.57.0.0/16",
        "route add local 10.58.0.0/16 dev lo",
        "route add 10.60.0.0/16 via 10.0.1.9 table 100 src 10.0.1.2",
        "rule add fwmark 1 lookup 100",
        "rule add to 10.63.0.0/16 unreachable",
        "rule add uidrange 1000-2000 to 10.61.0.0/16 prohibit",
        "rule add ipproto tcp dport 53 to 10.62.0.0/16 blackhole",
    ),
)
_DESTINATIONS: Final = [
    *(f"10.{number}.0.9" for number in range(50, 64)),
    *("10.0.0.1", "10.0.1.1", "10.0.1.2", "10.0.0.77", "127.0.0.1", "127.0.0.5", "10.0.0.9", "10.0.9.9", "10.9.0.2"),
    *("192.0.2.99", "198.51.100.7", "0.0.0.0", "10.58.0.9"),
]


@pytest.mark.parametrize(
    ("kind", "protocol"), [(socket.SOCK_STREAM, TCP), (socket.SOCK_DGRAM, UDP)], ids=["tcp", "udp"]
)
@pytest.mark.parametrize(("mark", "uid"), [(0, 0), (1, 0), (0, 1500)])
def test_source_and_refusal_of_what_the_node_sends(
    kind: socket.SocketKind, protocol: int, mark: int, uid: int, tmp_path: Path
) -> None:
    with built(_HERE) as lab:
        node = bundle_of(lab, tmp_path)
        wrong = []
        for destination in _DESTINATIONS:
            seen = lab.call(partial(_sends, kind, destination, mark=mark, uid=uid))
            packet = Packet(UNKNOWN, ip_address(destination), protocol, UNKNOWN, 53, mark=mark, owner=Owner(uid, uid))
            verdict = route_out(packet, node)
            mine = str(verdict.source) if verdict.kind == "out" else verdict.why.split("(")[-1].rstrip(")")
            if mine != seen:
                wrong.append(f"{destination}: {mine} ({verdict.why}), kernel {seen}")
    assert not wrong, "\n".join(wrong)


def test_loopback_sources_stay_on_loopback(tmp_path: Path) -> None:
    with built(_HERE) as lab:
        node = bundle_of(lab, tmp_path)
        refused = lab.call(partial(_sends, socket.SOCK_DGRAM, "10.0.0.9", source="127.0.0.1"))
    assert refused == "EINVAL"
    verdict = route_out(udp("127.0.0.1:1", "10.0.0.9:53"), node)
    assert (verdict.kind, "route_localnet" in verdict.why) == ("lost", True)


@pytest.mark.parametrize("deprecated", [False, True])
def test_ipv6_source(tmp_path: Path, *, deprecated: bool) -> None:
    lifetime = "preferred_lft 0" if deprecated else "preferred_lft forever"
    world = replace(
        WORLDS6[0],
        setup6=(
            f"addr add 2001:db8:2:0:5::1/64 dev eth1 nodad {lifetime}",
            "addr add fd00::1/64 dev eth2 nodad",
            "route add default via 2001:db8:1::1",
            "route add 2001:db8:50::/48 via 2001:db8:3::9 src 2001:db8:1::10",
            "link add none0 type bridge",
            "link set none0 up",
            "route add 2001:db8:54::/48 dev none0",
        ),
    )
    with built(world) as lab:
        node = bundle_of(lab, tmp_path)
        wrong = []
        for destination in ("2001:db8:50::1", "2001:db8:2:0:5::9", "2001:db8:2::9", "2001:db8:3::9", "fd00::9", "::1",
                            "2001:db8:99::1", "2001:db8:2::1", "2001:db8:54::1", "fd01::1"):  # fmt: skip
            seen = lab.call(partial(_sends, socket.SOCK_DGRAM, destination))
            verdict = route_out(Packet(UNKNOWN, ip_address(destination), UDP, UNKNOWN, 53), node)
            if str(verdict.source) != seen:
                wrong.append(f"{destination}: {verdict.source} ({verdict.why}), kernel {seen}")
    assert not wrong, "\n".join(wrong)


def test_a_multipath_route_is_taken_in_proportion(tmp_path: Path) -> None:
    world = World(
        "ways",
        (),
        ("route add 10.50.0.0/16 nexthop via 192.0.2.1 weight 3 nexthop via 10.0.1.9 weight 1",),
    )
    with built(world) as lab:
        lab.load(EVERYWHERE)
        node = bundle_of(lab, tmp_path)
        packets = to(*(f"10.50.{number}.9" for number in range(60)))
        left = Counter(kernels(lab.inject(packet, conntrack=False))[1] for packet in packets)
    verdict = route_in(packets[0], node)
    assert {(way.interface, way.weight) for way in verdict.ways} == {("eth0", 3), ("eth2", 1)}
    assert verdict.interface is UNKNOWN
    assert set(left) == {"eth0", "eth2"}
    assert left["eth0"] > left["eth2"]  # 45 of 60 expected: fewer than 31 have a chance below one in 100,000


def test_addresses_of_masquerade_and_redirect(tmp_path: Path) -> None:
    """The routed gateway, secondaries and narrow scopes are what decides."""
    rules = table("nat", "-A PREROUTING -p udp --dport 9 -j REDIRECT --to-ports 53", "-A POSTROUTING -j MASQUERADE")
    with built(_HERE) as lab:
        lab.load(rules)
        node = bundle_of(lab, tmp_path)
        wrong = []
        for number, destination in enumerate(
            ("10.50.0.9", "10.51.0.9", "10.52.0.9", "10.53.0.9", "10.54.0.9", "198.51.100.7")
        ):
            packet = udp(f"10.0.0.5:{2000 + number}", f"{destination}:53", "eth1")
            seen = lab.inject(packet)
            assert seen.entry is not None
            (end,) = trace(parse(rules), packet, node, as_is=True).ends
            if end.packet.source != seen.entry.reply.destination:
                wrong.append(f"{destination}: {end.packet.source}, kernel {seen.entry.reply.destination}")
    assert not wrong, "\n".join(wrong)


_TYPES4: Final = ("UNICAST", "LOCAL", "BROADCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "LOCAL,BROADCAST")
_TYPES6: Final = ("UNSPEC", "UNICAST", "LOCAL", "ANYCAST", "MULTICAST", "UNREACHABLE", "UNICAST,LOCAL", "UNICAST,MULTICAST",
                  "LOCAL,ANYCAST,UNREACHABLE")  # fmt: skip
_TYPED4: Final = World(
    "addrtype",
    to(*["10.0.0.1", "10.0.1.1", "10.0.0.255", "10.0.1.255", "127.0.0.1", "127.255.255.255", "255.255.255.255", "0.0.0.0", "0.1.2.3"],
       *["224.0.0.1", "10.58.0.1", "10.59.0.1", "10.60.0.1", "10.61.0.1", "10.62.0.1", "198.51.100.7", "10.0.0.0", "240.0.0.1"]),
    (
        "route add local 10.58.0.0/16 dev lo",
        "route add blackhole 10.59.0.0/16 table local",
        "route add broadcast 10.60.0.1 dev eth1 table local",
        "route add unreachable 10.61.0.0/16",
        "route add 10.62.0.0/16 via 10.0.1.9 table local",
    ),
)  # fmt: skip
_TYPED6: Final = World(
    "addrtype6",
    to(*["2001:db8:2::1", "2001:db8:3::1", "2001:db8:2::", "2001:db8:3::", "2001:db8:2::9", "ff02::1", "fe80::1", "fe80::2", "fe80::9"],
       *["2001:db8:51::1", "2001:db8:52::1", "2001:db8:99::1", "::"], source="2001:db8:2::5"),
    setup6=(
        "addr add fe80::1/64 dev eth1 nodad",
        "addr add fe80::2/64 dev eth2 nodad",
        "route add unreachable 2001:db8:51::/48",
        "route add blackhole 2001:db8:52::/48",
    ),
    interfaces=WORLDS6[0].interfaces,
)  # fmt: skip


@pytest.mark.parametrize("limit", ["", " --limit-iface-in"])
@pytest.mark.parametrize(("world", "types"), [(_TYPED4, _TYPES4), (_TYPED6, _TYPES6)], ids=["ipv4", "ipv6"])
def test_addrtype(world: World, types: tuple[str, ...], limit: str, tmp_path: Path) -> None:
    rules = table(
        "raw", *[f"-A PREROUTING -m addrtype {sign}--dst-type {kind}{limit}" for kind in types for sign in ("", "! ")]
    )
    family = world.packets[0].family
    with built(world) as lab:
        lab.load(rules, family)
        node = bundle_of(lab, tmp_path)
        wrong = []
        for packet in world.packets:
            seen = [hit.number for hit in lab.inject(packet, conntrack=False).rules()]
            (end, *_) = (found := trace(parse(rules, family=family), packet, node, as_is=True)).ends
            mine = [step.number for step in found.steps(end) if isinstance(step, RuleStep) and step.matched]
            if mine != seen:
                wrong.append(f"{packet.destination}: {mine}, kernel {seen}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("near", [False, True])
def test_redirect_of_ipv6_goes_by_scope(tmp_path: Path, *, near: bool) -> None:
    more = ("addr add fe80::1/64 dev eth1 nodad",) if near else ()
    world = replace(WORLDS6[0], setup6=("addr add 2001:db8:2::7/64 dev eth1 nodad", *more))
    rules = table("nat", "-A PREROUTING -p udp -j REDIRECT --to-ports 5")
    with built(world) as lab:
        lab.load(rules, 6)
        node = bundle_of(lab, tmp_path)
        found = {}
        for number, destination in enumerate(("2001:db8:9::9", "fe80::77")):
            packet = udp(f"[2001:db8:2::5]:{3000 + number}", f"[{destination}]:53", "eth1")
            seen = lab.inject(packet)
            (end,) = trace(parse(rules, family=Family.IPV6), packet, node, as_is=True).ends
            found[destination] = (seen.entry.reply.source if seen.entry else None,
                                  end.packet.destination if end.fate is Fate.LOCAL else None)  # fmt: skip
    assert all(one == other for one, other in found.values()), found
