"""The rules of kube-proxy 1.28's own proxier, case by case."""

from __future__ import annotations

import pytest

from iptc_sim.kube import compile_services, restore_text
from iptc_sim.syntax.write import write_save
from tests.kube import corpus

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not corpus.NAMES, reason=f"no corpora in {corpus.FOLDER} (IPTC_CORPORA names another folder)"),
]


def test_all_cases_are_there() -> None:
    assert len(corpus.NAMES) == 67


@pytest.mark.parametrize("name", corpus.NAMES)
def test_restore_text_is_kube_proxys(name: str) -> None:
    cluster, settings = corpus.load(name)
    assert corpus.comparable(restore_text(cluster, settings)) == corpus.comparable(corpus.read(name, "restore").text)


@pytest.mark.parametrize("name", corpus.NAMES)
def test_ruleset_saves_as_the_kernels(name: str) -> None:
    cluster, settings = corpus.load(name)
    assert write_save(compile_services(cluster, settings)) == corpus.read(name, "save").text
