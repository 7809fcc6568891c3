"""``--record``: what is written holds afterwards, and nothing else of the file is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from iptc_sim.diagnostics import UsageError
from iptc_sim.expect import load, read_flows_file, run
from iptc_sim.expect.recording import record_file
from iptc_sim.render.tested import FileResult, Status
from tests.conftest import CHECKOUT

EDGE = CHECKOUT / "fixtures" / "example-project" / "rules" / "edge.save"
HEAD = """# A comment at the top.
version: 1
rules: edge.save   # the rules
node: {interfaces: {eth0: [192.0.2.10/24], eth1: [10.0.0.1/24]}, routes: [default via 192.0.2.1 dev eth0]}
defaults: {in: eth0, history: fresh}
flows:
"""


def recorded(folder: Path, flows: str) -> tuple[FileResult, str]:
    (folder / "edge.save").write_text(EDGE.read_text())
    path = folder / "x.flows.yaml"
    path.write_text(HEAD + flows)
    done = record_file(load(read_flows_file(path, recording=True)), path)
    return done, path.read_text()


def test_lines_are_added_and_nothing_else_changes(tmp_path: Path) -> None:
    done, text = recorded(
        tmp_path,
        """  published:   # a comment of the flow
    flow: tcp 203.0.113.5:40000 -> 192.0.2.10:8080   # and one of the packet

  # a comment in between
  two: {flow: "tcp 203.0.113.5:40000 -> 192.0.2.10:8443"}
  closed:
    at: 2026-11-22T21:59:00Z
    flow: >
      tcp 203.0.113.5:40000
      -> 192.0.2.10:3306
  told:
    flow: tcp 203.0.113.5:40000 -> 192.0.2.10:25
    expect: {rejected-with: any}
  refused:
    flow: tcp 203.0.113.5:40000 -> 192.0.2.10:25
  out:
    flow: udp 10.0.0.9:5353 -> 198.51.100.1:53 in eth1
sequences:
  knock:
  - flow: tcp 203.0.113.5:40000 -> 192.0.2.10:7000
  - {flow: tcp 203.0.113.5:40001 -> 192.0.2.10:22}
""",
    )
    assert {flow.status for flow in done.flows} == {Status.PASSED}
    assert text == HEAD + (
        """  published:   # a comment of the flow
    flow: tcp 203.0.113.5:40000 -> 192.0.2.10:8080   # and one of the packet
    expect: {reaches: 10.0.0.5:80, masqueraded: false, local: false}

  # a comment in between
  two: {flow: "tcp 203.0.113.5:40000 -> 192.0.2.10:8443", expect: {odds: {10.0.0.5:443: 50001/100002, 10.0.0.6:443: 50001/100002}, reaches: [10.0.0.5:443, 10.0.0.6:443], masqueraded: false, local: false}}
  closed:
    at: 2026-11-22T21:59:00Z
    flow: >
      tcp 203.0.113.5:40000
      -> 192.0.2.10:3306
    expect: {dropped-by: filter/INPUT:policy}
  told:
    flow: tcp 203.0.113.5:40000 -> 192.0.2.10:25
    expect: {rejected-with: any}
  refused:
    flow: tcp 203.0.113.5:40000 -> 192.0.2.10:25
    expect: {rejected-with: tcp-reset, rejected-by: filter/INPUT:5}
  out:
    flow: udp 10.0.0.9:5353 -> 198.51.100.1:53 in eth1
    expect: {reaches: 198.51.100.1:53, masqueraded: 192.0.2.10, local: false}
sequences:
  knock:
  - flow: tcp 203.0.113.5:40000 -> 192.0.2.10:7000
    expect: {dropped-by: filter/INPUT:3}
  - {flow: tcp 203.0.113.5:40001 -> 192.0.2.10:22, expect: {reaches: 192.0.2.10:22, masqueraded: false, local: true}}
"""
    )


def test_what_is_recorded_passes_and_is_not_recorded_again(tmp_path: Path) -> None:
    _, text = recorded(tmp_path, "  two:\n    flow: tcp 203.0.113.5:40000 -> 192.0.2.10:8443\n")
    path = tmp_path / "x.flows.yaml"
    again = run(load(read_flows_file(path)))
    assert [flow.status for flow in again.flows] == [Status.PASSED]
    record_file(load(read_flows_file(path, recording=True)), path)
    assert path.read_text() == text


def test_a_recorded_chance_is_exact(tmp_path: Path) -> None:
    """One draw of the kernel in 2^31 more is another chance."""
    recorded(tmp_path, "  two:\n    flow: tcp 203.0.113.5:40000 -> 192.0.2.10:8443\n")
    rules = tmp_path / "edge.save"
    rules.write_text(rules.read_text().replace("0.50000000000", "0.50000000047"))
    (flow,) = run(load(read_flows_file(tmp_path / "x.flows.yaml"))).flows
    assert [found.key for found in flow.missed] == ["odds", "odds"]


def test_names_that_yaml_would_take_for_something_else(tmp_path: Path) -> None:
    (tmp_path / "six.save").write_text(
        "*filter\n:INPUT ACCEPT [0:0]\n:{odd} - [0:0]\n-A INPUT -p tcp -m tcp --dport 1 -j {odd}\n-A {odd} -j DROP\nCOMMIT\n"
    )
    path = tmp_path / "x.flows.yaml"
    path.write_text(
        """version: 1
rules: six.save
family: 6
node: {interfaces: {eth0: ["fd00::1/64"]}}
flows:
  a: {flow: "tcp [fd00::9]:1 -> [fd00::1]:1 in eth0"}
  b: {flow: "tcp [fd00::9]:1 -> [fd00::1]:2 in eth0"}
"""
    )
    record_file(load(read_flows_file(path, recording=True)), path)
    flows = yaml.safe_load(path.read_text())["flows"]
    assert flows["a"]["expect"] == {"dropped-by": "filter/{odd}:1"}
    assert flows["b"]["expect"] == {"reaches": "[fd00::1]:2", "masqueraded": False, "local": True}
    assert {flow.status for flow in run(load(read_flows_file(path))).flows} == {Status.PASSED}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("-A INPUT -m limit --limit 1/sec -j ACCEPT", "has no odds that are known"),
        ("-A INPUT -j NFQUEUE --queue-num 1", "no expectation says that a packet is stolen"),
    ],
)
def test_what_cannot_be_recorded_is_an_error_of_its_flow(tmp_path: Path, rule: str, reason: str) -> None:
    (tmp_path / "n.save").write_text(f"*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -j DROP\n{rule}\nCOMMIT\n")
    path = tmp_path / "x.flows.yaml"
    path.write_text(
        """version: 1
rules: n.save
node: {interfaces: {eth0: [192.0.2.10/24]}}
flows:
  tcp: {flow: "tcp 192.0.2.9:1 -> 192.0.2.10:1 in eth0"}
  udp: {flow: "udp 192.0.2.9:1 -> 192.0.2.10:1 in eth0"}
"""
    )
    done = record_file(load(read_flows_file(path, recording=True)), path)
    assert [flow.status for flow in done.flows] == [Status.ERROR, Status.PASSED]
    assert "IPT131" in done.flows[0].error
    assert reason in done.flows[0].error
    flows = yaml.safe_load(path.read_text())["flows"]
    assert ("expect" in flows["tcp"], flows["udp"]["expect"]) == (False, {"dropped-by": "filter/INPUT:1"})


def test_an_alias_stands_for_several_flows(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="IPT131"):
        recorded(tmp_path, "  a: &a {flow: tcp 203.0.113.5:1 -> 192.0.2.10:22}\n  b: *a\n")
    assert (tmp_path / "x.flows.yaml").read_text().endswith("b: *a\n")
