"""Nodes in words and as ip -j prints them."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from iptc_sim import InputError
from iptc_sim.flows import NodeOptions, read_node
from iptc_sim.values import Family


def test_options() -> None:
    node = read_node(
        NodeOptions(iface=("eth0=192.0.2.10/24,192.0.2.11/24", "lo"), route=("default via 192.0.2.1 dev eth0",))
    )
    assert node.known
    assert node.is_local(ip_address("192.0.2.11"))
    assert node.lookup(ip_address("8.8.8.8")).interface == "eth0"
    assert node.lookup(ip_address("192.0.2.99")).gateway is None
    assert not read_node(NodeOptions(local=("192.0.2.10",))).known
    assert read_node(NodeOptions(local=("192.0.2.10",))).is_local(ip_address("192.0.2.10"))


def test_bundle_of_ip_json(tmp_path: Path) -> None:
    addresses = [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}]},
        {
            "ifname": "eth0",
            "addr_info": [{"local": "192.0.2.10", "prefixlen": 24}, {"local": "fe80::1", "prefixlen": 64}],
        },
    ]
    routes = [
        {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0", "metric": 100},
        {"dst": "10.0.0.0/8", "type": "blackhole"},
        {"dst": "10.1.0.0/16", "dev": "tun0", "table": "77"},
    ]
    (tmp_path / "addr.json").write_text(json.dumps(addresses))
    (tmp_path / "route.json").write_text(json.dumps(routes))
    (tmp_path / "sysctl.txt").write_text("net.ipv4.ip_forward = 0\nnet.ipv4.conf.docker0.route_localnet = 1\n")
    node = read_node(NodeOptions(folder=tmp_path))
    assert node.lookup(ip_address("8.8.8.8")).gateway == ip_address("192.0.2.1")
    assert node.lookup(ip_address("10.1.2.3")).kind == "blackhole"
    assert node.sysctls.forwards(Family.IPV4, "eth0") == "ip_forward is 0"
    assert [node.sysctls.route_localnet(name) for name in ("docker0", "eth0")] == [True, False]


@pytest.mark.parametrize(
    "options",
    [
        NodeOptions(iface=("eth0=1.2.3",)),
        NodeOptions(iface=("=1.2.3.4/24",)),
        NodeOptions(route=("",)),
        NodeOptions(route=("default via",)),
        NodeOptions(route=("1.2.3.0/99 dev eth0",)),
        NodeOptions(route=("default via 1.2.3.4 nonsense x",)),
        NodeOptions(local=("nowhere",)),
    ],
)
def test_wrong_words_are_refused(options: NodeOptions) -> None:
    with pytest.raises(InputError) as caught:
        read_node(options)
    assert caught.value.diagnostics[0].code == "IPT042"


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '[{"ifname": "x", "addr_info": [{"local": "zz"}]}]', "[" * 100000])
def test_wrong_bundle_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "addr.json").write_text(text)
    with pytest.raises(InputError) as caught:
        read_node(NodeOptions(folder=tmp_path))
    assert caught.value.diagnostics[0].code == "IPT042"


def test_missing_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_node(NodeOptions(folder=tmp_path / "none"))
    assert caught.value.diagnostics[0].code == "IPT001"
