"""``--kubelet``: what kubelet makes beside kube-proxy, release by release (kube-proxy.md 2.3, 2.4, 2.6)."""

from __future__ import annotations

import pytest

from iptc_sim.kube import Cluster, Settings
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.text import Spelling
from iptc_sim.values import Family

MARKED = (
    '-A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" '
    "-m mark --mark 0x8000/0x8000 -j DROP"
)
LOCALNET = (
    '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" '
    "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
)
MARK_DROP = "-A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000"

FIREWALL = {
    "1.11": [MARKED],
    "1.14": [MARKED],
    "1.18": [MARKED],
    "1.20": [MARKED, LOCALNET],
    "1.24": [MARKED, LOCALNET],
    "1.25": [LOCALNET, MARKED],
    "1.26": [LOCALNET, MARKED],
    "1.27": [LOCALNET],
    "1.28": [LOCALNET],
    "1.30": [LOCALNET],
}


def saved(release: str, family: Family = Family.IPV4, *, bit: int = 15, kubelet: bool = True) -> list[str]:
    settings = Settings(release=release, family=family, kubelet=kubelet, iptables_drop_bit=bit)
    return compile_text(Cluster(), settings, Spelling.SAVE).splitlines()


def of(lines: list[str], chain: str) -> list[str]:
    return [line for line in lines if line.startswith(f"-A {chain} ")]


@pytest.mark.parametrize("release", FIREWALL)
def test_the_firewall_chain(release: str) -> None:
    expected = FIREWALL[release]
    assert of(saved(release), "KUBE-FIREWALL") == expected
    assert of(saved(release, Family.IPV6), "KUBE-FIREWALL") == [line for line in expected if line != LOCALNET]


@pytest.mark.parametrize("release", FIREWALL)
def test_the_mark_for_packets_to_drop(release: str) -> None:
    there = release not in {"1.27", "1.28", "1.30"}
    assert of(saved(release), "KUBE-MARK-DROP") == ([MARK_DROP] if there else [])
    assert (":KUBE-MARK-DROP - [0:0]" in saved(release)) == there
    assert of(saved(release, bit=9), "KUBE-MARK-DROP") == [
        line.replace("0x8000", "0x200") for line in ([MARK_DROP] if there else [])
    ]


@pytest.mark.parametrize("release", FIREWALL)
def test_kubelets_jump_is_last_for_it_was_there_first(release: str) -> None:
    lines = saved(release)
    for base in ("INPUT", "OUTPUT"):
        jumps = [line for line in lines if line.startswith(f"-A {base} ")]
        assert jumps.count(f"-A {base} -j KUBE-FIREWALL") == 1
        filtered = lines[: lines.index("*nat")]
        assert of(filtered, base)[-1] == f"-A {base} -j KUBE-FIREWALL"
    assert not of(lines[: lines.index("*nat")], "FORWARD")[-1].endswith("KUBE-FIREWALL")


def test_kube_proxys_own_part_is_the_same() -> None:
    others = ("-A KUBE-FIREWALL ", "-A KUBE-MARK-DROP ")
    for release in FIREWALL:
        alone, both = (
            [line for line in saved(release, kubelet=kubelet) if line.startswith("-A KUBE")]
            for kubelet in (False, True)
        )
        assert [line for line in both if not line.startswith(others)] == [
            line for line in alone if not line.startswith(others)
        ]


def mangle(release: str) -> list[str]:
    lines = saved(release)
    return [line[1:].split()[0] for line in lines[: lines.index("*filter")] if line.startswith(":KUBE")]


def test_canaries_and_the_hint() -> None:
    assert mangle("1.16") == []
    assert "KUBE-PROXY-CANARY" in mangle("1.17")
    assert mangle("1.20") == ["KUBE-KUBELET-CANARY", "KUBE-PROXY-CANARY"]
    assert mangle("1.24") == ["KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY", "KUBE-PROXY-CANARY"]
    lines = saved("1.28")
    for table in ("mangle", "filter", "nat"):
        start = lines.index(f"*{table}")
        part = lines[start : lines.index("COMMIT", start)]
        assert ":KUBE-PROXY-CANARY - [0:0]" in part
        assert ":KUBE-KUBELET-CANARY - [0:0]" in part
        assert (":KUBE-IPTABLES-HINT - [0:0]" in part) == (table == "mangle")


def test_kubelet_is_no_part_of_what_kube_proxy_hands_over() -> None:
    for release in FIREWALL:
        texts = [
            compile_text(Cluster(), Settings(release=release, kubelet=kubelet), Spelling.RESTORE)
            for kubelet in (False, True)
        ]
        assert texts[0] == texts[1]
