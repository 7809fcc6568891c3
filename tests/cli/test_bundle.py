"""A node bundle as RULES, as --node, and both."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from iptc_sim import cli
from iptc_sim.cli import app
from tests.flows.test_bundle import bundle

RULES = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -d 198.51.100.7 -j DROP\nCOMMIT\n"
RULES6 = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -d 2001:db8:9::9 -j DROP\nCOMMIT\n"
FLOW = "udp 10.0.0.9:1 -> 198.51.100.7:53 in e1"
FLOW6 = "udp [2001:db8::9]:1 -> [2001:db8:9::9]:53 in e1"
ROUTES = [{"dst": "default", "gateway": "10.0.0.1", "dev": "br0"}]
ROUTES6 = [{"dst": "default", "dev": "br0", "pref": "medium"}]


@pytest.fixture
def node(tmp_path: Path) -> Path:
    bundle(
        tmp_path, route_json=ROUTES, route6_json=ROUTES6, **{"iptables-save_txt": RULES, "ip6tables-save_txt": RULES6}
    )
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize("command", ["trace", "odds"])
@pytest.mark.parametrize("flow", [FLOW, FLOW6])
def test_a_folder_is_rules_and_node(node: Path, command: str, flow: str) -> None:
    ways = (run(command, str(node), "--flow", flow), run(command, "--node", str(node), "--flow", flow))
    for done in ways:
        assert done.exit_code == 0, done.output
        assert "drop" in done.stdout.lower()
        assert done.stdout == ways[0].stdout


def test_rules_of_a_file_on_the_node_of_a_folder(node: Path, tmp_path: Path) -> None:
    (tmp_path / "other.save").write_text("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -o br0 -j ACCEPT\nCOMMIT\n")
    done = run("trace", str(tmp_path / "other.save"), "--node", str(node), "--flow", FLOW)
    assert "br0" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("trace", "--flow", FLOW), "IPT004", "no rules are given"),
        (("trace", "{node}", "{node}", "--flow", FLOW), "IPT004", "a folder does not join with other files"),
        (("trace", "{node}/empty", "--flow", FLOW), "IPT001", "iptables-save.txt"),
    ],
)
def test_what_does_not_go_together(
    node: Path,
    words: tuple[str, ...],
    code: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (node / "empty").mkdir()
    monkeypatch.setattr("sys.argv", ["iptc-sim", *(word.format(node=node) for word in words)])
    assert cli.run() == 2
    told = capsys.readouterr().err
    assert code in told
    assert said in told
