"""``iptc-sim verify`` on the command line, as far as it needs no root."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from iptc_sim.cli import app
from iptc_sim.diagnostics import UsageError
from iptc_sim.kernel import requirements as kernel_requirements


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
