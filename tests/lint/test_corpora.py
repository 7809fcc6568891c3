"""Lint on the corpora: how often each code is given, and what nobody should be told of.

Each of the findings on the 223 dumps of hosts is one that was looked at (a sample of 100 by hand, see the README); a
number that changes asks for the same again: ``python -m tests.lint.test_corpora FOLDER`` prints them.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from iptc_sim.diagnostics import SourceFile
from iptc_sim.lint import Finding, lint
from iptc_sim.syntax import examine
from iptc_sim.values import Family

pytestmark = pytest.mark.corpora

#: Findings on the dumps of hosts, by code. 20 of the 223 have errors, and are not looked through.
EXPECTED: Final = {
    "IPT100": 64,
    "IPT101": 3,
    "IPT103": 69,
    "IPT104": 12,
    "IPT105": 15,
    "IPT106": 27,
    "IPT107": 7,
    "IPT112": 1,
    "IPT113": 1,
    "IPT116": 2,
}


def host_findings(folder: Path) -> Iterator[tuple[str, Finding]]:
    """Give the findings on the dumps of hosts, with the dump's name."""
    with (folder / "INDEX.tsv").open(newline="") as index:
        rows = [row for row in csv.DictReader(index, delimiter="\t") if row["origin"] != "program test / golden"]
    assert len(rows) == 223
    for row in rows:
        source = SourceFile(row["file"], (folder / row["file"]).read_text(errors="surrogateescape"))
        found = examine(source, family=Family(int(row["family"])) if row["family"] in {"4", "6"} else None)
        if not found.errors:
            yield from ((row["file"], one) for one in lint(found.ruleset))


def test_hosts(corpora: Path) -> None:
    counts = Counter(one.code for _, one in host_findings(corpora / "iptables" / "dumps"))
    assert dict(sorted(counts.items())) == EXPECTED


def test_kube_proxy_has_nothing_to_change(corpora: Path) -> None:
    """Nothing is said of its rules but that one Service names an address twice, as external and as load balancer IP."""
    told = []
    for path in sorted((corpora / "kube-proxy-1.28").glob("*.save")):
        found = lint(examine(SourceFile(path.stem, path.read_text())).ruleset)
        told += [f"{path.stem} {one.code} {one.diagnostic.severity} {one.spot}" for one in found]
    assert told == [
        "random-0016 IPT100 note nat KUBE-SERVICES rule 3 (line 102)",
        "random-0016 IPT100 note nat KUBE-SERVICES rule 6 (line 105)",
    ]


def test_dockerd_has_nothing_to_change(corpora: Path) -> None:
    for path in sorted((corpora / "docker").glob("*/*tables-save.txt")):
        found = lint(examine(SourceFile(path.parent.name, path.read_text())).ruleset)
        assert not found, (path, found[0].diagnostic.message)


def test_every_port_that_docker_publishes_is_told_of_where_input_drops(corpora: Path) -> None:
    """But those on loopback addresses, to which others cannot come."""
    count = 0
    for path in sorted((corpora / "docker").glob("*/iptables-save.txt")):
        nat, filter_, rest = path.read_text().partition("*filter")
        text = nat + filter_ + rest.replace(":INPUT ACCEPT", ":INPUT DROP")
        found = lint(examine(SourceFile(path.parent.name, text)).ruleset)
        told = {one.spot.rule.text for one in found if one.code == "IPT115" and one.spot and one.spot.rule}
        published = {
            line for line in re.findall(r"^-A DOCKER .*-j DNAT.*$", text, re.MULTILINE) if "-d 127." not in line
        }
        assert told == published, path
        assert len(found) == len(told), path
        count += len(told)
    assert count > 150


if __name__ == "__main__":
    for name, one in host_findings(Path(sys.argv[1])):
        print(one.code, one.diagnostic.severity, name, one.diagnostic.message, sep="\t")  # noqa: T201
