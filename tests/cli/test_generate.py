"""``iptc-sim generate kube``: its outputs, ``--against`` a node, and the userspace proxy up to a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Runner

WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: web}
subsets: [{addresses: [{ip: 10.244.0.5}], ports: [{port: 8080}]}]
"""
STALE = "KUBE-SEP-AAAAAAAAAAAAAAAA"
DUMP = f"*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n:{STALE} - [0:0]\n-A PREROUTING -j DOCKER\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "web.yaml").write_text(WEB)
    (tmp_path / "node.save").write_text(f"{DUMP}COMMIT\n")
    (tmp_path / "held.save").write_text(f"{DUMP}-A DOCKER -j {STALE}\nCOMMIT\n")
    return tmp_path


def generate(run: Runner, folder: Path, *more: str) -> list[str]:
    ran = run("generate", "kube", "web.yaml", *more, cwd=folder)
    assert (ran.status, ran.err) == (0, "")
    return ran.out.splitlines()


def test_a_stale_chain_is_deleted(iptc_sim: Runner, folder: Path) -> None:
    handed = generate(iptc_sim, folder, "--against", "node.save", "--output", "restore")
    assert [line for line in handed if STALE in line] == [f":{STALE} - [0:0]", f"-X {STALE}"]
    saved = generate(iptc_sim, folder, "--against", "node.save")
    assert not [line for line in saved if STALE in line]
    assert [line for line in saved if "DOCKER" in line] == [":DOCKER - [0:0]", "-A PREROUTING -j DOCKER"]


def test_a_chain_that_cannot_be_deleted(iptc_sim: Runner, folder: Path) -> None:
    told = f"nat DOCKER 1 jumps to {STALE}, which kube-proxy deletes: iptables-restore refuses the whole text"
    asked = ("generate", "kube", "web.yaml", "--against", "held.save")
    ran = iptc_sim(*asked, cwd=folder)
    assert (ran.status, ran.out) == (2, "")
    assert f"held.save: error IPT029: {told}" in ran.err
    ran = iptc_sim(*asked, "--output", "restore", cwd=folder)
    assert (ran.status, f"-X {STALE}\n" in ran.out) == (0, True)
    assert f"held.save: warning IPT029: {told}" in ran.err


def test_a_dump_of_the_other_family(iptc_sim: Runner, folder: Path) -> None:
    (folder / "six.save").write_text("*nat\n-A OUTPUT -d fd00::1/128 -j ACCEPT\nCOMMIT\n")
    ran = iptc_sim("generate", "kube", "web.yaml", "--against", "six.save", cwd=folder)
    assert (ran.status, ran.out) == (2, "")
    assert "--against: error IPT004: six.save is of IPv6" in ran.err


def test_the_userspace_proxy_up_to_the_endpoint(iptc_sim: Runner, folder: Path) -> None:
    flags = ("--proxy-mode", "userspace", "--release", "1.11", "--node-ip", "192.0.2.10")
    saved = generate(iptc_sim, folder, *flags, "--proxy-port", "default/web=40001")
    assert [line for line in saved if line.startswith("-A KUBE-PORTALS-HOST")] == [
        (
            '-A KUBE-PORTALS-HOST -d 10.96.0.9/32 -p tcp -m comment --comment "default/web:" -m tcp --dport 80 '
            "-j DNAT --to-destination 192.0.2.10:40001"
        )
    ]
    flow = "tcp 192.0.2.10:33000 -> 10.96.0.9:80 from host"
    traced = iptc_sim(
        "trace", "-", "--objects", "web.yaml", "--flow", flow, "--iface", "eth0=192.0.2.10/24",
        "--route", "default via 192.0.2.1 dev eth0", stdin="\n".join(saved), cwd=folder,
    )  # fmt: skip
    assert traced.out.splitlines()[-1] == (
        "proxy    kube-proxy takes it at 192.0.2.10:40001 for default/web and connects to 10.244.0.5:8080 "
        "(round robin, 1 of 1); the pod sees the node's address, not the client's"
    )


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--proxy-mode", "userspace"), "--proxy-mode: error IPT054: kube-proxy 1.28 has no userspace mode"),
        (("--proxy-port", "web"), "--proxy-port: error IPT004: web does not tell a port"),
        (("--proxy-port", "default/web=0"), "--proxy-port: error IPT004"),
        (("--output", "saved"), "did you mean save?"),
        (("--against", "nosuch"), "nosuch: error IPT001"),
    ],
)
def test_wrong_flags(iptc_sim: Runner, folder: Path, flags: tuple[str, ...], told: str) -> None:
    ran = iptc_sim("generate", "kube", "web.yaml", *flags, cwd=folder)
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err
