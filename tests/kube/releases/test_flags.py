"""kube-proxy's flags by release: what it does not have is refused, with what it has."""

from __future__ import annotations

import pytest

from iptc_sim.diagnostics import UsageError
from iptc_sim.kube import Settings, restore_text
from iptc_sim.kube.changes import READ, RELEASES, release_note
from tests.kube.builders import cluster, rules, service

WEB = service("{clusterIP: 10.96.0.9, ports: [{port: 80}]}")
TAIL = '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" '


@pytest.mark.parametrize(
    ("release", "flags", "subject", "words"),
    [
        ("1.17", {"detect_local_mode": "ClusterCIDR"}, "", ""),
        ("1.17", {"detect_local_mode": "NodeCIDR"}, "--detect-local-mode", "no such flag"),
        ("1.18", {"detect_local_mode": "NodeCIDR"}, "", ""),
        ("1.22", {"detect_local_mode": "BridgeInterface", "pod_bridge_interface": "br0"}, "--detect-local-mode", "no BridgeInterface"),
        ("1.24", {"detect_local_mode": "BridgeInterface", "pod_bridge_interface": "br0"}, "", ""),
        ("1.25", {"iptables_localhost_nodeports": False}, "--iptables-localhost-nodeports", "1.26"),
        ("1.26", {"iptables_localhost_nodeports": False}, "", ""),
        ("1.25", {"proxy_mode": "userspace"}, "", ""),
        ("1.26", {"proxy_mode": "userspace"}, "--proxy-mode", "removed in 1.26"),
        ("1.29", {"nodeport_addresses": ("primary",)}, "--nodeport-addresses", "not an address range"),
        ("1.30", {"nodeport_addresses": ("primary",)}, "", ""),
        ("1.30", {"nodeport_addresses": ("localhost",)}, "--nodeport-addresses", "not an address range"),
        ("newest", {"nodeport_addresses": ("localhost,192.0.2.0/24",)}, "", ""),
    ],
)  # fmt: skip
def test_flags_are_those_of_the_release(release: str, flags: dict[str, object], subject: str, words: str) -> None:
    if not subject:
        Settings(release=release, **flags)  # type: ignore[arg-type]
        return
    with pytest.raises(UsageError) as caught:
        Settings(release=release, **flags)  # type: ignore[arg-type]
    assert (caught.value.diagnostics[0].code, caught.value.diagnostics[0].subject) == ("IPT054", subject)
    assert words in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("primary", ["-d 192.0.2.10"]),
        ("localhost", ["-d 127.0.0.1"]),
        ("all", ["-m addrtype --dst-type LOCAL"]),
        ("primary,localhost", ["-d 127.0.0.1", "-d 192.0.2.10"]),
    ],
)
def test_words_for_node_addresses_stand_for_ranges(word: str, expected: list[str]) -> None:
    settings = Settings(
        release="newest", nodeport_addresses=(word,), node_ip=("192.0.2.10", "192.0.2.11", "2001:db8::10")
    )
    found = [line for line in rules(cluster(WEB), settings, "KUBE-SERVICES") if "NOTE" in line]
    assert found == [f"{TAIL}{words} -j KUBE-NODEPORTS" for words in expected]


@pytest.mark.parametrize("number", range(11, 38))
def test_releases_that_nobody_read_are_told(number: int) -> None:
    note = release_note(RELEASES[f"1.{number}"])
    assert (note is None) == (number in READ)
    assert note is None or note.code == "IPT090"


def test_a_release_between_is_like_the_one_before_but_for_what_is_known_of_it() -> None:
    found = cluster(WEB)
    assert restore_text(found, Settings(release="1.12")) == restore_text(found, Settings(release="1.11"))
    assert restore_text(found, Settings(release="1.33")) == restore_text(found, Settings(release="1.30"))
    note = release_note(RELEASES["1.19"])
    assert note is not None
    assert note.message == "the rules of 1.19 are inferred from those of 1.18 and 1.20"
