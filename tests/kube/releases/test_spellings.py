"""The two spellings of the rules are one: what is saved is what real reading makes of the text for iptables-restore."""

from __future__ import annotations

import pytest

from iptc_sim import syntax
from iptc_sim.diagnostics import SourceFile
from iptc_sim.kube import Cluster, Settings, Spelling, compile_text
from iptc_sim.kube.changes import READ, RELEASES
from iptc_sim.records import replace
from iptc_sim.syntax.write import write_save
from tests.kube import corpus
from tests.kube.releases.complete import complete_text
from tests.kube.releases.drawn import draw


def check(cluster: Cluster, settings: Settings) -> None:
    read = syntax.parse(SourceFile("restore", complete_text(cluster, settings)), family=settings.family)
    assert _one_blank(compile_text(cluster, settings, Spelling.SAVE)) == _one_blank(write_save(read))


def _one_blank(text: str) -> str:
    """iptables 1.8.9 prints two blanks here, which the general writer does not."""
    return text.replace("--nfacct-name  ", "--nfacct-name ")


@pytest.mark.parametrize("seed", range(300))
def test_spellings_agree_for_a_drawn_cluster(seed: int) -> None:
    check(*draw(seed))


@pytest.mark.corpora
@pytest.mark.skipif(not corpus.NAMES, reason=f"no corpora in {corpus.FOLDER} (IPTC_CORPORA names another folder)")
@pytest.mark.parametrize("name", corpus.NAMES)
def test_spellings_agree_for_a_corpus_in_a_quarter_of_the_releases(name: str) -> None:
    cluster, settings = corpus.load(name)
    for minor in READ[corpus.NAMES.index(name) % 4 :: 4]:
        release = RELEASES[f"1.{minor}"]
        localhost = settings.iptables_localhost_nodeports or not release.localhost_flag
        mode = settings.detect_local_mode if settings.detect_local_mode in release.local_modes else ""
        changed = replace(
            settings, release=release.name, detect_local_mode=mode, iptables_localhost_nodeports=localhost
        )
        check(cluster, changed)


def test_long_names_and_comments_are_cut_as_iptables_cuts_them() -> None:
    cluster, settings = draw(3)
    service = replace(cluster.services[0], namespace="n" * 120, name="x" * 120)
    slices = [replace(item, namespace="n" * 120, service="x" * 120) for item in cluster.slices[:2]]
    check(replace(cluster, services=(service,), slices=tuple(slices)), replace(settings, release="1.28"))
