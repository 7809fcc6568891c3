"""``iptc-sim verify`` on the command line, as far as it needs no root."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from iptc_sim.cli import app
from iptc_sim.diagnostics import UsageError
from iptc_sim.kernel import requirements as kernel_requirements
from tests.kube.builders import service


def _refusal(*words: str) -> str:
    done = CliRunner().invoke(app, ["verify", *words])
    assert isinstance(done.exception, UsageError)
    return done.exception.diagnostics[0].render()


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iptc_sim.kernel.requirements", lambda _: "not installed: conntrack")
    text = _refusal("--fuzz", "1")
    assert "the kernel cannot be asked: not installed: conntrack" in text
    assert "root on Linux" in text


@pytest.mark.kernel
@pytest.mark.skipif(bool(kernel_requirements()), reason=kernel_requirements())
def test_the_node_must_be_told() -> None:
    flow = "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1"
    assert "the node must be known" in _refusal("rules.txt", "--flow", flow)
    assert "take the place of RULES" in _refusal("rules.txt", "--fuzz", "1")


@pytest.mark.kernel
@pytest.mark.skipif(bool(kernel_requirements()), reason=kernel_requirements())
def test_names_of_objects_in_flows(tmp_path: Path) -> None:
    rules, objects = tmp_path / "node.save", tmp_path / "web.yaml"
    rules.write_text("*nat\n-A PREROUTING -d 10.96.0.20/32 -p tcp -j DNAT --to-destination 10.244.0.5:8080\nCOMMIT\n")
    objects.write_text(service("{clusterIP: 10.96.0.20, ports: [{name: http, port: 80}]}"))
    words = ["--iface", "eth0=192.0.2.10/24", "--iface", "cni0=10.244.0.1/24", "--objects", str(objects)]
    flow = "tcp 10.244.0.9:33000 -> svc/default/web:http in cni0"
    done = CliRunner().invoke(app, ["verify", str(rules), *words, "--flow", flow])
    assert done.exit_code == 0, done.output
    assert "same: tcp 10.244.0.9:33000 -> 10.96.0.20:80 in cni0: forward" in done.output
