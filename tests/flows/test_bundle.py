"""Node bundles: every file, what is made of those that are missing, and the errors of wrong ones."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from iptc_sim import InputError, Node
from iptc_sim.engine.routing import route_in, route_out
from iptc_sim.flows import NodeOptions, read_node
from iptc_sim.node import RouteKey
from iptc_sim.values import UNKNOWN, Family
from tests.kernel.scenario import udp

#: As ip 6.1 has printed them of a namespace, less what plays no part.
ADDRESSES: list[dict[str, Any]] = [
    {"ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP"], "mtu": 65536, "group": "default",
     "link_type": "loopback", "address": "00:00:00:00:00:00",
     "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host", "label": "lo"},
                   {"family": "inet6", "local": "::1", "prefixlen": 128, "scope": "host"}]},
    {"ifindex": 2, "ifname": "br0", "flags": ["BROADCAST", "MULTICAST", "UP"], "mtu": 1500, "group": "default",
     "link_type": "ether", "address": "66:33:1d:f1:ea:6d", "linkinfo": {"info_kind": "bridge"}, "addr_info": []},
    {"ifindex": 3, "link": "e0", "ifname": "e1", "flags": ["BROADCAST", "MULTICAST", "UP"], "mtu": 1500, "group": "7",
     "link_type": "ether", "address": "ea:ee:82:91:0f:61", "linkinfo": {"info_kind": "veth"},
     "addr_info": [
        {"family": "inet", "local": "10.0.0.1", "prefixlen": 24, "scope": "global", "label": "e1"},
        {"family": "inet", "local": "10.9.0.1", "address": "10.9.0.2", "prefixlen": 32, "scope": "global"},
        {"family": "inet", "local": "10.0.5.1", "prefixlen": 24, "broadcast": "10.0.5.255", "scope": "global"},
        {"family": "inet", "local": "10.0.0.2", "prefixlen": 24, "scope": "global", "secondary": True},
        {"family": "inet6", "local": "2001:db8::1", "prefixlen": 64, "scope": "global", "nodad": True},
        {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link", "tentative": True}]},
    {"ifindex": 4, "link": "e1", "ifname": "e0", "flags": ["BROADCAST", "MULTICAST"], "mtu": 1400, "master": "br0",
     "group": "default", "link_type": "ether", "address": "66:33:1d:f1:ea:6d", "addr_info": [{}]},
]  # fmt: skip
ROUTES: list[dict[str, Any]] = [
    {"dst": "default", "gateway": "10.0.0.7", "dev": "e1", "table": "100", "prefsrc": "10.0.0.2", "flags": []},
    {"type": "throw", "dst": "10.55.0.0/16", "table": "100", "flags": []},
    {"dst": "default", "gateway": "10.0.0.9", "dev": "e1", "metric": 100, "flags": []},
    {"dst": "10.0.0.0/24", "dev": "e1", "protocol": "kernel", "scope": "link", "prefsrc": "10.0.0.1", "flags": []},
    {"dst": "10.9.0.2", "dev": "e1", "protocol": "kernel", "scope": "link", "prefsrc": "10.9.0.1", "flags": []},
    {"dst": "10.50.0.0/16", "gateway": "10.0.0.9", "dev": "e1", "flags": [], "flow": {"to": "7"}},
    {"dst": "10.51.0.0/16", "flags": [], "nexthops": [
        {"gateway": "10.0.0.9", "dev": "e1", "weight": 3, "flags": []},
        {"gateway": "10.0.0.8", "dev": "br0", "weight": 1, "flags": []}]},
    {"dst": "10.52.0.0/16", "via": {"family": "inet6", "host": "fe80::9"}, "dev": "e1", "flags": []},
    {"dst": "10.53.0.0/16", "tos": "0x10", "gateway": "10.0.0.9", "dev": "e1", "flags": []},
    {"type": "unreachable", "dst": "10.54.0.0/16", "metric": 5, "flags": []},
    {"dst": "10.56.0.0/16", "gateway": "10.0.0.9", "dev": "e1", "flags": ["dead", "linkdown"]},
    {"type": "local", "dst": "10.0.0.1", "dev": "e1", "table": "local", "scope": "host", "prefsrc": "10.0.0.1", "flags": []},
    {"type": "broadcast", "dst": "10.0.0.255", "dev": "e1", "table": "local", "prefsrc": "10.0.0.1", "flags": []},
    {"type": "local", "dst": "127.0.0.0/8", "dev": "lo", "table": "local", "scope": "host", "flags": []},
    {"dst": "default", "dev": "e1", "metric": 1024, "flags": [], "pref": "medium"},
    {"type": "local", "dst": "2001:db8::1", "dev": "e1", "table": "local", "metric": 0, "flags": [], "pref": "medium"},
]  # fmt: skip
RULES: list[dict[str, Any]] = [
    {"priority": 0, "src": "all", "table": "local"},
    {"priority": 100, "src": "10.0.0.0", "srclen": 24, "dst": "10.1.0.0", "dstlen": 16, "fwmark": "0x1",
     "fwmask": "0xff", "iif": "e1", "table": "100"},
    {"priority": 200, "not": None, "src": "all", "tos": "0x10", "uid_start": 0, "uid_end": 10, "ipproto": "tcp",
     "sport_start": 1, "sport_end": 2, "dport": 80, "table": "main", "suppress_prefixlen": 0},
    {"priority": 300, "src": "all", "fwmark": "0x5", "action": "unreachable"},
    {"priority": 301, "src": "10.2.0.0", "srclen": 16, "action": "prohibit"},
    {"priority": 305, "src": "all", "goto": 32766},
    {"priority": 310, "src": "all", "nop": None},
    {"priority": 400, "src": "all", "table": "200", "flow_from": "3", "flow_to": "4"},
    {"priority": 500, "src": "all", "iif": "lo", "table": "main", "suppress_ifgroup": "7"},
    {"priority": 600, "src": "all", "l3mdev": None},
    {"priority": 601, "src": "all", "goto": 700, "unresolved": None},
    {"priority": 32766, "src": "all", "table": "main"},
    {"priority": 32767, "src": "all", "table": "default"},
]  # fmt: skip
SS = """Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
udp   UNCONN 0      0            0.0.0.0:53        0.0.0.0:*    users:(("dnsmasq",pid=29791,fd=5))
tcp   LISTEN 0      128     127.0.0.1%lo:91        0.0.0.0:*
tcp   LISTEN 0      128            [::1]:8081         [::]:*    users:(("python3",pid=29791,fd=8))
tcp   LISTEN 0      128                *:8080            *:*    users:(("docker-proxy",pid=29791,fd=4))
"""


def bundle(folder: Path, **files: object) -> Node:
    """Write ``addr_json=...``, ``ss_txt=...`` and read the folder."""
    for name, content in ({"addr_json": ADDRESSES} | files).items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("_", ".")).write_text(text)
    return read_node(NodeOptions(folder=folder))


def test_interfaces_and_addresses(tmp_path: Path) -> None:
    node = bundle(tmp_path)
    bridge, far, port = node.link("br0"), node.link("e1"), node.link("e0")
    assert bridge is not None
    assert far is not None
    assert port is not None
    assert (bridge.kind, bridge.mac, bridge.index, bridge.master) == ("bridge", bytes.fromhex("66331df1ea6d"), 2, None)
    assert (far.group, far.kind, far.up) == ("7", "veth", True)
    assert (port.master, port.up, port.mtu) == ("br0", False, 1400)
    by_text = {str(item.address): item for item in node.addresses}
    assert by_text["10.0.0.2"].secondary
    assert by_text["fe80::1"].tentative
    assert (by_text["10.9.0.1"].peer, str(by_text["10.9.0.1"].network)) == (ip_address("10.9.0.2"), "10.9.0.2/32")
    assert node.known


def test_without_routes_they_are_made_of_the_addresses(tmp_path: Path) -> None:
    node = bundle(tmp_path)
    assert node.lookup(ip_address("10.0.0.77")).interface == "e1"
    assert node.lookup(ip_address("10.9.0.2")).interface == "e1"
    assert node.lookup(ip_address("10.0.5.255")).kind == "broadcast"
    assert node.lookup(ip_address("2001:db8::77")).interface == "e1"
    assert node.lookup(ip_address("198.51.100.7")).why == "no route to 198.51.100.7"
    assert node.is_local(ip_address("10.0.0.2"))
    assert not node.is_local(ip_address("fe80::1"))  # tentative


def test_the_main_table_alone(tmp_path: Path) -> None:
    main = [route for route in ROUTES if "table" not in route]
    node = bundle(tmp_path, route_json=main)
    assert node.is_local(ip_address("10.0.0.1"))
    assert node.lookup(ip_address("10.0.5.9")).gateway == ip_address("10.0.0.9")  # its network was not listed


def test_routes(tmp_path: Path) -> None:
    node = bundle(tmp_path, route_json=ROUTES, route6_json=[ROUTES[-2], ROUTES[-1]])
    assert not node.is_local(ip_address("10.0.0.2"))  # the local table is told, and has no such route
    found = node.lookup(ip_address("10.50.0.1"))
    assert (found.interface, found.realm, found.table, str(found.gateway)) == ("e1", 7, "main", "10.0.0.9")
    ways = node.lookup(ip_address("10.51.0.1"))
    assert ways.interface is UNKNOWN
    assert [(way.interface, way.weight) for way in ways.ways] == [("e1", 3), ("br0", 1)]
    assert node.lookup(ip_address("10.52.0.1")).gateway == ip_address("fe80::9")
    assert node.lookup(ip_address("10.53.0.1")).why == "0.0.0.0/0 by e1"
    assert node.lookup(ip_address("10.53.0.1"), RouteKey(tos=0x10)).why == "10.53.0.0/16 by e1"
    assert node.lookup(ip_address("10.54.0.1")).error == "EHOSTUNREACH"
    assert node.lookup(ip_address("10.56.0.1")).why == "0.0.0.0/0 by e1"  # dead
    assert node.lookup(ip_address("2001:db8:9::1")).why == "::/0 by e1"


def test_rules(tmp_path: Path) -> None:
    node = bundle(tmp_path, route_json=ROUTES, rule_json=RULES)
    plain = node.lookup(ip_address("10.1.0.1"), RouteKey(ip_address("10.0.0.5"), in_interface="e1"))
    assert (plain.gateway, plain.table) == (ip_address("10.0.0.9"), "main")
    marked = RouteKey(ip_address("10.0.0.5"), mark=0x501, in_interface="e1")
    assert node.lookup(ip_address("10.1.0.1"), marked).gateway == ip_address("10.0.0.7")
    assert node.lookup(ip_address("10.1.0.1"), marked).source is None  # it has one
    assert node.lookup(ip_address("198.51.100.7"), RouteKey(mark=5)).why == "rule 300 says unreachable"
    assert node.lookup(ip_address("198.51.100.7"), RouteKey(ip_address("10.2.0.1"))).error == "EACCES"
    unknown = node.lookup(ip_address("198.51.100.7"), RouteKey(UNKNOWN, in_interface="e1"))
    assert (unknown.interface, unknown.why) == (UNKNOWN, "rule 301 asks for the source, which was not told")


def test_everything_else(tmp_path: Path) -> None:
    node = bundle(
        tmp_path,
        ss_txt=SS,
        sysctl_txt="net.ipv4.conf.e1/5.rp_filter = 2\nnet.ipv4.conf.all.rp_filter = 1\nnet.ipv4.ip_forward = 1\n"
        "net.netfilter.nf_conntrack_tcp_loose = 0\nnet.ipv4.ip_local_port_range = 1024\t2000\n",
        maddr_json=[{"ifindex": 3, "ifname": "e1", "maddr": [{"link": "33:33:00:00:00:01"},
                     {"family": "inet", "address": "224.0.0.251"}]}],
        ipset_txt="create near hash:net family inet\nadd near 10.0.0.0/25\n",
        conntrack_txt="udp 17 9 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 mark=0\n",
    )  # fmt: skip
    assert (node.sysctls.rp_filter("e1.5"), node.sysctls.rp_filter("e1")) == (2, 1)
    assert not node.sysctls.tracks_in_midstream()
    assert node.joined("e1", ip_address("224.0.0.251"))
    assert not node.joined("br0", ip_address("224.0.0.251"))
    assert set(node.sets or ()) == {"near"}
    assert len(node.connections or ()) == 1
    dns, near, six, both = node.listeners or ()
    assert (dns.address, dns.port, dns.families, dns.process) == (None, 53, frozenset({4}), "dnsmasq")
    assert (near.interface, str(near.address)) == ("lo", "127.0.0.1")
    assert six.families == {6}
    assert both.takes(6, ip_address("192.0.2.1"), 8080)
    assert both.takes(6, ip_address("2001:db8::1"), 8080)
    assert not both.takes(17, ip_address("192.0.2.1"), 8080)


def test_what_is_not_there_is_not_known(tmp_path: Path) -> None:
    node = bundle(tmp_path)
    assert (node.sets, node.listeners, node.connections, node.groups) == (None, None, None, None)
    assert node.assumed == ("the node's sysctls were not given: it is taken to forward, without rp_filter",)
    assert route_in(udp("10.0.0.9:1", "224.0.0.251:5353", "e1"), node).kind == "local"


def test_by_hand_on_top_of_a_bundle(tmp_path: Path) -> None:
    bundle(tmp_path, route_json=ROUTES)
    options = NodeOptions(local=("203.0.113.1",), iface=("e9=10.77.0.1/24",), folder=tmp_path,
                          route=("10.78.0.0/16 via 10.77.0.9 dev e9",))  # fmt: skip
    node = read_node(options)
    assert node.is_local(ip_address("203.0.113.1"))
    assert node.lookup(ip_address("10.77.0.5")).interface == "e9"
    assert node.lookup(ip_address("10.78.0.5")).gateway == ip_address("10.77.0.9")
    assert node.lookup(ip_address("10.54.0.1")).kind == "unreachable"


def test_routes_alone_tell_no_addresses() -> None:
    node = read_node(NodeOptions(route=("10.0.0.0/8 dev eth1",)))
    assert not node.known
    assert node.lookup(ip_address("10.1.1.1")).interface == "eth1"
    assert route_out(udp("192.0.2.9:1", "198.51.100.7:2"), node).kind == "out"


@pytest.mark.parametrize(
    ("name", "content", "place", "hint"),
    [
        ("addr.json", "1: lo: <LOOPBACK,UP> mtu 65536 qdisc noqueue\n", "addr.json:1:", "ip -j -d addr > addr.json"),
        ("route.json", "default via 10.0.0.1 dev eth0\n", "route.json:1:", "ip -j route show table all > route.json"),
        ("route6.json", "2001:db8::/64 dev e1 proto kernel\n", "route6.json:1:", "ip -6 -j route show table all"),
        ("rule.json", "0:\tfrom all lookup local\n", "rule.json:1:", "ip -j rule > rule.json"),
        ("addr.json", '[{"ifname": "x",\n "addr_info": [}]', "addr.json:2:16", ""),
        ("addr.json", [{"ifname": "x", "addr_info": [{"local": "1.2.3", "prefixlen": 8}]}], "[0].addr_info[0].local", ""),
        ("addr.json", [{"ifname": "x", "addr_info": [{"local": "1.2.3.4", "prefixlen": 99}]}], ".prefixlen", ""),
        ("addr.json", [{"ifname": "x", "addr_info": [7]}], "[0].addr_info[0]", ""),
        ("addr.json", [{"ifname": "x", "address": "zz", "link_type": "ether"}], "[0].address", ""),
        ("addr.json", [{"addr_info": []}], "[0].ifname", ""),
        ("route.json", [{"dev": "e1"}], "[0].dst", ""),
        ("route.json", [{"dst": "10.0.0.0/33", "dev": "e1"}], "[0].dst", ""),
        ("route.json", [{"dst": "10.0.0.0/8", "metric": "many"}], "[0].metric", ""),
        ("route.json", [{"dst": "10.0.0.0/8", "nexthops": [{"gateway": "x"}]}], "[0].nexthops[0].gateway", ""),
        ("rule.json", [{"priority": 1, "src": "2001:db8::"}], "[0].src", ""),
        ("rule.json", [{"priority": 1, "action": "dance"}], "[0].action", ""),
        ("rule.json", [{"priority": 1, "ipproto": "nonsense"}], "[0].ipproto", ""),
        ("rule.json", {"priority": 1}, "rule.json", ""),
        ("ss.txt", "tcp LISTEN 0 128 nowhere:80 0.0.0.0:*\n", "ss.txt:1:", ""),
        ("ipset.txt", "create near hash:net family inet\nadd far 10.0.0.0/25\n", "ipset.txt:2:", ""),
    ],
)  # fmt: skip
def test_wrong_files_are_refused_with_their_place(
    tmp_path: Path, name: str, content: object, place: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        bundle(tmp_path, **{name.replace(".", "_"): content})
    (found,) = caught.value.diagnostics
    assert found.code == "IPT042"
    assert place in found.render()
    assert hint in found.hint


def test_a_big_table_is_asked_quickly(tmp_path: Path) -> None:
    routes = [{"dst": f"{10 + n // 65536}.{n // 256 % 256}.{n % 256}.0/24", "gateway": "10.0.0.9", "dev": f"e{n % 7}"}
              for n in range(10_000)]  # fmt: skip
    node = bundle(tmp_path, route_json=routes)
    assert node.lookup(ip_address("10.20.7.9")).interface == f"e{(20 * 256 + 7) % 7}"
    for number in range(10_000):  # route by route, this would be 100 million questions
        assert node.lookup(ip_address((10 << 24) + number * 256 + 9)).interface == f"e{number % 7}"


def test_families_forward_by_their_own_switches(tmp_path: Path) -> None:
    text = "net.ipv4.ip_forward = 0\nnet.ipv6.conf.all.forwarding = 1\nnet.ipv4.conf.e1.forwarding = 1\n"
    switches = bundle(tmp_path, sysctl_txt=text).sysctls
    assert switches.forwards(Family.IPV4, "e1") == ""
    assert switches.forwards(Family.IPV4, "e0") == "ip_forward is 0"
    assert switches.forwards(Family.IPV6, "e0") == ""
