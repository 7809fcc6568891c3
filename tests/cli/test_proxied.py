"""The userspace proxy in ``odds`` and ``doctor``: what it takes goes on to the endpoints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Runner
from tests.kube.builders import endpoints, service

NODE = ("--iface", "eth0=192.0.2.10/24", "--route", "default via 192.0.2.1 dev eth0")
FLOW = "tcp 192.0.2.10:33000 -> svc/default/web:80 from host"
MODE = (
    "--proxy-mode",
    "userspace",
    "--release",
    "1.17",
    "--node-ip",
    "192.0.2.10",
    "--proxy-port",
    "default/web=40001",
)


@pytest.fixture
def folder(tmp_path: Path, iptc_sim: Runner) -> Path:
    web = service("{clusterIP: 10.96.0.20, ports: [{port: 80}]}")
    (tmp_path / "web.yaml").write_text(f"{web}\n---\n{endpoints('10.244.0.5', '10.244.0.6')}\n")
    saved = iptc_sim("generate", "kube", "web.yaml", *MODE, "--output", "save", cwd=tmp_path)
    (tmp_path / "node.save").write_text(saved.out)
    return tmp_path


def test_each_endpoint_has_its_share(iptc_sim: Runner, folder: Path) -> None:
    words = ("odds", "node.save", "--objects", "web.yaml", "--flow", FLOW, *NODE)
    lines = iptc_sim(*words, cwd=folder).out.splitlines()
    assert [line.split() for line in lines[1:3]] == [
        ["local", "192.0.2.10:40001,", "proxied", "to", f"10.244.0.{last}:8080", "1/2", "50.000%"] for last in (5, 6)
    ]
    assert "round robin, in an order that only kube-proxy knows: 1/2 each" in lines[3]
    record = json.loads(iptc_sim(*words, "--format", "json", cwd=folder).out)
    assert [item["proxied_to"] for item in record["outcomes"]] == ["10.244.0.5:8080", "10.244.0.6:8080"]


def test_a_history_tells_which_comes_next(iptc_sim: Runner, folder: Path) -> None:
    (folder / "past.txt").write_text("tcp 192.0.2.10:32000 -> 10.96.0.20:80 from host => 10.244.0.6:8080\n")
    ran = iptc_sim(
        "odds", "node.save", "--objects", "web.yaml", "--history", "past.txt", "--flow", FLOW, *NODE, cwd=folder
    )
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[1].split()[-3:] == ["10.244.0.5:8080", "1", "100.000%"]
    assert "10.244.0.6:8080" not in ran.out


def test_doctor_follows_it(iptc_sim: Runner, folder: Path) -> None:
    words = ("doctor", "--expect-kube", "web.yaml", "node.save", "--to", "svc/default/web:80", "--from", "host")
    ran = iptc_sim(*words, "--proxy-mode", "userspace", "--release", "1.17", cwd=folder)
    assert ran.status == 0
    assert "connects to one of 10.244.0.5:8080, 10.244.0.6:8080" in ran.out
    assert ran.out.endswith("nothing is wrong on this node\n")
    ran = iptc_sim(*words, "--release", "1.17", cwd=folder)
    assert "--proxy-mode userspace compares with that" in ran.out
    assert ran.status == 1
