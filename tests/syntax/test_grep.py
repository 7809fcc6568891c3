"""What `iptables-save | grep KUBE` leaves: lines of several tables, without the lines that name these."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax import examine, read_rules
from tests.kube import corpus

#: As kubelet and kube-proxy leave mangle, which iptables-save prints first.
MANGLE = """*mangle
:PREROUTING ACCEPT [0:0]
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-PROXY-CANARY - [0:0]
COMMIT
"""


def _lines(ruleset: Ruleset) -> dict[tuple[str, str], list[str]]:
    """Return the rules that are about kube-proxy's chains, by table and chain."""
    found = {
        (name, chain.name): [rule.text for rule in chain.rules if "KUBE" in rule.text]
        for name, table in ruleset.tables.items()
        for chain in table.chains.values()
    }
    return {place: lines for place, lines in found.items() if lines or place[1].startswith("KUBE")}


@pytest.mark.corpora
@pytest.mark.skipif(not corpus.NAMES, reason=f"no corpora in {corpus.FOLDER}")
@pytest.mark.parametrize("name", corpus.NAMES)
def test_the_tables_are_found_again(name: str, tmp_path: Path) -> None:
    text = MANGLE + (corpus.FOLDER / f"{name}.save").read_text()
    path = tmp_path / "grepped"
    path.write_text("".join(line for line in text.splitlines(keepends=True) if "KUBE" in line))
    whole, found = examine(text), read_rules(path)
    assert _lines(found) == _lines(whole.ruleset)
    assert all(table.is_excerpt for table in found.tables.values())
    assert [note.code for note in found.notes] == ["IPT030"] * 3


def test_strictly_nothing_stands_before_a_table() -> None:
    found = examine(":KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -j KUBE-SVC-X\n", strict=True)
    assert found.errors[0].code == "IPT020"
