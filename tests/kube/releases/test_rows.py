"""Every difference between releases that the reference states, in every release that it read."""

from __future__ import annotations

import re
from functools import cache

import pytest

from iptc_sim.kube import Cluster, Settings, Spelling, compile_text
from iptc_sim.kube.changes import CHANGES, OLDEST, READ
from iptc_sim.values import Family
from tests.kube.builders import cluster
from tests.kube.releases.endpoint_rows import ENDPOINTS
from tests.kube.releases.rows import BASE_CHAINS, LOCAL, NODE, STATIC, Row
from tests.kube.releases.service_rows import SERVICES

#: Changes that are proved outside of the rows, with the file.
ELSEWHERE = {
    "2.4 canary": "tests/kube/test_kubelet.py",
    "2.4 kubelet_canary": "tests/kube/test_kubelet.py",
    "2.6 kubelet": "tests/kube/test_kubelet.py",
    "3.11 local_modes": "tests/kube/releases/test_flags.py",
    "3.9 node_port_words": "tests/kube/releases/test_flags.py",
    "5 userspace": "tests/kube/releases/test_flags.py",
    "3.12 cleans_late": "tests/kube/test_against.py",
    "3.13 stale_prefixes": "tests/kube/test_against.py",
    "2.1 keeps_counters": "tests/kube/test_against.py",
}

ROWS = (*STATIC, *NODE, *LOCAL, *SERVICES, *ENDPOINTS)


def named(text: str) -> str:
    """Return the text with short names for the chains of a Service port and its endpoints."""
    for chain, endpoint in re.findall(r"(?m)^-A (KUBE-SEP-\w+) .*--to-destination (\S+)$", text):
        text = text.replace(chain, f"SEP:{endpoint}")
    return text


@cache
def loaded(objects: tuple[str, ...], family: Family) -> Cluster:
    return cluster(*objects, settings=Settings(family=family))


def ask(row: Row, minor: int) -> list[str]:
    told = dict(row.settings)
    family = Family.IPV6 if told.pop("family", "") == "ipv6" else Family.IPV4
    settings = Settings(release=f"1.{minor}", hostname_override="here", family=family, **told)  # type: ignore[arg-type]
    text = compile_text(loaded(row.objects, family), settings, Spelling.SAVE if row.saved else Spelling.RESTORE)
    if row.pick:
        found = [match if isinstance(match, str) else "".join(match) for match in re.findall(row.pick, named(text))]
    else:
        chains = tuple(f"-A {chain}" for chain in row.chains)
        lines = [line for line in text.splitlines() if line.startswith(chains)]
        found = named(text).splitlines()
        found = [found[place] for place, line in enumerate(text.splitlines()) if line in lines]
    return [re.sub(r"KUBE-(SVC|SVL|EXT|FW|XLB)-[A-Z2-7]{16}", r"\1", line) for line in found]


def answer(answers: dict[int, list[str]], minor: int) -> list[str]:
    return answers[max(since for since in answers if since <= minor)]


@pytest.mark.parametrize("minor", READ)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_release_answers_as_the_reference_says(row: Row, minor: int) -> None:
    if minor >= min(row.answers):
        assert ask(row, minor) == answer(row.answers, minor)


@pytest.mark.parametrize("minor", READ)
def test_base_chains_are_those_of_the_release(minor: int) -> None:
    text = compile_text(cluster(STATIC[0].objects[0]), Settings(release=f"1.{minor}"), Spelling.SAVE)
    found = re.findall(
        r"(?m)^-A (INPUT|FORWARD|OUTPUT) (-m conntrack --ctstate NEW )?.*-j (\S+)$", text.partition("*nat")[0]
    )
    assert [f"{base} {'(N)' if new else ''}{chain}" for base, new, chain in found] == answer(BASE_CHAINS, minor)
    assert re.findall(r"(?m)^-A (PREROUTING|OUTPUT|POSTROUTING) .*-j (\S+)$", text.partition("*nat")[2]) == [
        ("PREROUTING", "KUBE-SERVICES"),
        ("OUTPUT", "KUBE-SERVICES"),
        ("POSTROUTING", "KUBE-POSTROUTING"),
    ]
    comments = {chain: comment for comment, chain in re.findall(r'(?m)^-A [IFOP].*comment "(.*)" -j (\S+)$', text)}
    known = {
        "KUBE-SERVICES": "kubernetes service portals",
        "KUBE-EXTERNAL-SERVICES": "kubernetes externally-visible service portals",
        "KUBE-NODEPORTS": "kubernetes health check service ports",
        "KUBE-FORWARD": "kubernetes forwarding rules",
        "KUBE-PROXY-FIREWALL": "kubernetes load balancer firewall",
        "KUBE-POSTROUTING": "kubernetes postrouting rules",
    }
    assert comments == {chain: known[chain] for chain in comments}
    assert len(comments) >= 4


def test_every_change_has_its_row() -> None:
    covered = {part for row in ROWS for part in row.covers.split("; ")} | {"2.2 jumps"} | set(ELSEWHERE)
    assert {f"{change.source} {change.field}" for change in CHANGES} <= covered
    assert covered <= {f"{change.source} {change.field}" for change in CHANGES}


def test_changes_follow_one_another_and_change_something() -> None:
    assert [change.since for change in CHANGES] == sorted(change.since for change in CHANGES)
    seen: dict[str, object] = {}
    for change in CHANGES:
        assert change.value != seen.get(change.field, getattr(OLDEST, change.field))
        assert type(change.value) is type(getattr(OLDEST, change.field))
        seen[change.field] = change.value
