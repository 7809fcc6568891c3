"""Services with the label service.kubernetes.io/service-proxy-name: kube-proxy.md 4.1, and ``--skip-foreign-proxies``."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptc_sim.diagnostics import SourceFile
from iptc_sim.kube import Settings, load_cluster
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.text import Spelling
from tests.conftest import Runner

OBJECTS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: mesh, labels: {service.kubernetes.io/service-proxy-name: other}}
spec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}
"""


@pytest.mark.parametrize("release", ["1.11", "1.17", "1.23", "1.28"])
@pytest.mark.parametrize("skips", [False, True])
def test_it_is_left_out_when_asked_for(release: str, skips: bool) -> None:
    settings = Settings(release=release, skip_foreign_proxies=skips)
    cluster = load_cluster([SourceFile("x.yaml", OBJECTS)], settings)
    text = compile_text(cluster, settings, Spelling.SAVE)
    assert "default/web" in text
    assert ("default/mesh" in text) is not skips
    assert ("IPT058" in [note.code for note in cluster.notes]) is not skips


def test_the_commands_take_the_flag(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "objects.yaml").write_text(OBJECTS)
    full = iptc_sim("generate", "kube", "objects.yaml", cwd=tmp_path)
    assert "hint: --skip-foreign-proxies leaves it out" in full.err
    lean = iptc_sim("generate", "kube", "objects.yaml", "--skip-foreign-proxies", cwd=tmp_path)
    assert "default/mesh" in full.out
    assert ("mesh" in lean.out, "IPT058" in lean.err) == (False, False)
    (tmp_path / "node.save").write_text(lean.out)
    asked = ("--expect-kube", "objects.yaml", "node.save")
    ran = iptc_sim("diff", *asked, cwd=tmp_path)
    assert ran.status == 1
    assert "--skip-foreign-proxies: all of the 1 line that differ" in ran.out
    assert iptc_sim("diff", *asked, "--skip-foreign-proxies", cwd=tmp_path).status == 0
    ran = iptc_sim("doctor", *asked, "--to", "svc/default/mesh:80", "--skip-foreign-proxies", cwd=tmp_path)
    assert "its label service.kubernetes.io/service-proxy-name=other leaves it to another proxy" in ran.out
