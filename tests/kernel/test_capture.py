"""A node captured inside a namespace, and packets traced on the bundle alone, beside the kernel's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iptc_sim.cli import app
from iptc_sim.diagnostics import UsageError
from iptc_sim.kernel import Lab, Surroundings
from iptc_sim.kernel.capture import capture
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES, table, udp

pytestmark = pytest.mark.kernel

SETUP = (
    "route add default via 10.0.1.9 table 100",
    "rule add fwmark 7 lookup 100",
    "rule add to 203.0.113.0/24 prohibit",
    "link set eth2 group 5",
)
SETS = """create near hash:net family inet
add near 10.0.0.0/25
add near 10.0.0.6 nomatch
"""
RULES = (
    table("mangle", "-A PREROUTING -m set --match-set near src -j MARK --set-mark 7")
    + table("nat", "-A POSTROUTING -o eth2 -j MASQUERADE")
    + table("filter", "-A FORWARD -m devgroup --dst-group 5 -j ACCEPT", "-A FORWARD -d 198.51.100.9 -j DROP")
)
PACKETS = {
    "10.0.0.5": "198.51.100.7",  # in the set: by table 100, masqueraded
    "10.0.0.6": "198.51.100.7",  # taken out of it: by the main table
    "10.0.0.200": "198.51.100.9",  # dropped
    "10.0.0.201": "203.0.113.9",  # refused by a rule of policy routing
    "10.0.0.202": "10.0.1.1",  # delivered
    "192.0.2.11": "198.51.100.7",  # martian
}


def test_a_captured_node_traces_as_the_kernel_does(variant: str, tmp_path: Path) -> None:
    with Lab(Surroundings(ROUTER, ROUTER_ROUTES, {}, {}, SETUP), reader="netlink", quiet=True) as lab:
        lab.load(RULES, variant=variant, sets=SETS)
        lab.call(lambda: capture(tmp_path / "node"))
        if variant == "legacy":
            # iptables-save of the machine that runs the tests reads the other back end.
            (tmp_path / "node" / "iptables-save.txt").write_text(RULES)
        for number, (source, destination) in enumerate(PACKETS.items()):
            packet = udp(f"{source}:{4000 + number}", f"{destination}:53", "eth1")
            seen = lab.inject(packet)
            flow = f"udp {source}:{4000 + number} -> {destination}:53 in eth1"
            done = CliRunner().invoke(app, ["odds", str(tmp_path / "node"), "--flow", flow, "--format", "json"])
            assert done.exit_code == 0, done.output
            (outcome,) = json.loads(done.stdout)["outcomes"]
            arrival = seen.arrival
            assert (outcome["fate"] == "forward") == (arrival is not None), (flow, outcome, str(seen))
            if arrival is not None:
                shown = f"{arrival.packet.source}"
                assert shown in json.dumps(outcome) or shown == source, (flow, outcome)


def test_nothing_is_overwritten_and_nothing_is_left_half_written(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="IPT004"):
        capture(tmp_path / "node")
    assert [path.name for path in tmp_path.iterdir()] == ["node"]
    captured = capture(tmp_path / "node", force=True)
    written = {item.name for item in captured.written}
    assert {path.name for path in (tmp_path / "node").iterdir()} == written | {"notes.txt"}
    assert (tmp_path / "node" / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["node"]


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ip").symlink_to("/usr/bin/ip" if Path("/usr/bin/ip").exists() else "/sbin/ip")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    done = CliRunner().invoke(app, ["capture", str(tmp_path / "node")])
    assert done.exit_code == 0
    assert "note: no ipset.txt (sets): ipset is not installed" in done.stderr
    assert "addr.json" in done.stdout
    assert sorted(path.name for path in (tmp_path / "node").iterdir()) == [
        "addr.json", "maddr.json", "route.json", "route6.json", "rule.json", "rule6.json"]  # fmt: skip


def test_without_ip_there_is_no_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["capture", str(tmp_path / "node")])
    assert done.exit_code != 0
    assert list(tmp_path.iterdir()) == []
