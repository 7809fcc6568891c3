"""Structural comparison: what changed is named, spelling and random order are not changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptc_sim import Ruleset, diff, parse
from iptc_sim.compare.edits import Added, ChainAdded, ChainRemoved, Changed, Moved, PolicyChanged, Removed
from iptc_sim.kube.expected import only_kube_chains
from iptc_sim.kube.names_of import names_of
from iptc_sim.render import diff_json, render_diff


def filter_table(*lines: str) -> Ruleset:
    return parse("\n".join(["*filter", *lines, "COMMIT", ""]))


def kinds(a: Ruleset, b: Ruleset) -> list[str]:
    return [type(edit).__name__ for edit in diff(a, b).edits]


A = filter_table("-A INPUT -s 10.0.0.1 -j ACCEPT", "-A INPUT -p tcp --dport 22 -j ACCEPT", "-A INPUT -j DROP")


def test_same_rules_in_another_spelling_are_no_difference() -> None:
    other = filter_table(
        "[5:5] -A INPUT -s 10.0.0.1/32 -j ACCEPT", "-A INPUT -m tcp -p 6 --dport 22:22 -j ACCEPT", "-A INPUT -j DROP"
    )
    found = diff(A, other)
    assert not found
    assert (found.compared, found.rules) == (3, 3)


def test_added_and_removed_rules() -> None:
    b = filter_table("-A INPUT -p tcp --dport 22 -j ACCEPT", "-A INPUT -j DROP", "-A FORWARD -j DROP")
    (removed, added) = diff(A, b).edits
    assert isinstance(removed, Removed)
    assert (removed.chain, removed.number) == ("INPUT", 1)
    assert isinstance(added, Added)
    assert (added.chain, added.number) == ("FORWARD", 1)


def test_moved_rule() -> None:
    b = filter_table("-A INPUT -p tcp --dport 22 -j ACCEPT", "-A INPUT -s 10.0.0.1 -j ACCEPT", "-A INPUT -j DROP")
    (moved,) = diff(A, b).edits
    assert isinstance(moved, Moved)
    assert {moved.before, moved.after} == {1, 2}


def test_changed_rule_says_what_changed_in_it() -> None:
    b = filter_table(
        "-A INPUT -s 10.0.0.1 -j ACCEPT", "-A INPUT -p tcp --dport 2222 ! -i lo -j ACCEPT", "-A INPUT -j DROP"
    )
    (changed,) = diff(A, b).edits
    assert isinstance(changed, Changed)
    assert [(item.option, item.before, item.after) for item in changed.changes] == [
        ("-m tcp --dport", "22", "2222"),
        ("-i", "", "! lo"),
    ]


def test_target_and_its_options_are_parts_that_change() -> None:
    a = parse("*nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1:80\nCOMMIT\n")
    b = parse("*nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2:80\nCOMMIT\n")
    (changed,) = diff(a, b).edits
    assert isinstance(changed, Changed)
    assert [(item.option, item.before, item.after) for item in changed.changes] == [
        ("-j DNAT --to-destination", "10.0.0.1:80", "10.0.0.2:80")
    ]


def test_chains_policies_and_tables() -> None:
    b = parse("*filter\n:INPUT DROP [0:0]\n:new - [0:0]\n-A new -j DROP\nCOMMIT\n*nat\n:mine - [0:0]\nCOMMIT\n")
    a = parse("*filter\n:old - [0:0]\nCOMMIT\n")
    found = {type(edit).__name__: edit for edit in diff(a, b).edits}
    assert isinstance(found["PolicyChanged"], PolicyChanged)
    assert isinstance(found["ChainAdded"], ChainAdded)
    assert isinstance(found["ChainRemoved"], ChainRemoved)
    assert any(edit.table == "nat" for edit in diff(a, b).edits)
    assert not [edit for edit in diff(a, b, table="filter").edits if edit.table == "nat"]


def test_a_listing_says_nothing_of_tables_that_it_does_not_show() -> None:
    whole = parse("*nat\n-A PREROUTING -j ACCEPT\nCOMMIT\n*filter\n-A INPUT -j DROP\nCOMMIT\n")
    listing = parse("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-A INPUT -j DROP\n")
    found = diff(whole, listing)
    assert not found
    assert found.left_out == ("table nat: B does not show it",)


def test_kube_chains_of_random_order_compare_by_destination() -> None:
    lines = [
        '-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "a" -m tcp --dport 443 -j KUBE-SVC-AAAAAAAAAAAAAAAA',
        '-A KUBE-SERVICES -d 10.96.0.2/32 -p tcp -m comment --comment "b" -m tcp --dport 80 -j KUBE-SVC-BBBBBBBBBBBBBBBB',
        "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    ]

    def nat(*order: int) -> Ruleset:
        return parse("\n".join(["*nat", *(lines[index] for index in order), "COMMIT", ""]))

    assert not diff(nat(0, 1, 2), nat(1, 0, 2))
    assert kinds(nat(0, 1, 2), nat(2, 0, 1)) == ["Moved"]  # the node port rule must be last
    assert kinds(nat(0, 1, 2), nat(0, 2)) == ["Removed"]


@pytest.fixture(scope="module")
def dump(seed: Path) -> Ruleset:
    return parse((seed / "kube-nat.rules").read_text())


def test_excerpt_is_compared_by_what_it_shows(dump: Ruleset, seed: Path) -> None:
    text = (seed / "kube-nat.rules").read_text()
    whole = parse("*nat\n:KUBE-MARK-MASQ - [0:0]\n:OTHER - [0:0]\n" + text + "COMMIT\n")
    found = diff(whole, dump)
    assert not found
    assert found.compared == 4
    assert "of nat that the excerpt does not show" in found.left_out[0]


def test_endpoint_chain_that_an_excerpt_lacks_is_missed(dump: Ruleset, seed: Path) -> None:
    lines = (seed / "kube-nat.rules").read_text().splitlines()
    short = parse("\n".join(line for line in lines if "-A KUBE-SEP-J5WBW7HEOGAHN6ZG" not in line))
    (edit,) = diff(dump, short).edits
    assert isinstance(edit, ChainRemoved)
    assert edit.chain == "KUBE-SEP-J5WBW7HEOGAHN6ZG"


def test_names_stand_beside_the_chains(dump: Ruleset, seed: Path) -> None:
    names = names_of(dump)
    assert names["KUBE-SVC-BEPXDJBUHFCSYIC3"] == "default/my-nginx"
    assert names["KUBE-SEP-J5WBW7HEOGAHN6ZG"] == "default/my-nginx -> 172.17.0.6:80"
    lines = (seed / "kube-nat.rules").read_text().replace("0.33332999982", "0.50000000000")
    text = render_diff(diff(dump, parse(lines)), ("a", "b"), names)
    assert text == (
        "--- a\n+++ b\n"
        "nat KUBE-SVC-BEPXDJBUHFCSYIC3  (default/my-nginx)\n"
        '  ~ rule 1: -m comment --comment "default/my-nginx:" -m statistic --mode random --probability 0.50000000000 '
        "-j KUBE-SEP-DYSISBZG5TN7BHVN  (default/my-nginx -> 172.17.0.4:80)\n"
        "      -m statistic --probability: 0.33332999982 => 0.50000000000\n"
        "1 difference: 1 changed (4 chains, 9 rules compared)\n"
    )
    assert '"option": "-m statistic --probability"' in diff_json(diff(dump, parse(lines)), names)


def test_only_kube_leaves_other_peoples_rules_out() -> None:
    text = "*filter\n:INPUT DROP [0:0]\n:KUBE-FORWARD - [0:0]\n:DOCKER - [0:0]\n{}-A INPUT -j KUBE-FIREWALL\n-A DOCKER -j DROP\nCOMMIT\n"
    a, b = parse(text.format("")), parse(text.format("-A INPUT -j DOCKER\n").replace("DROP [0:0]", "ACCEPT [0:0]"))
    assert kinds(a, b)
    assert not diff(only_kube_chains(a), only_kube_chains(b))
    assert set(only_kube_chains(a).tables["filter"].chains) == {"INPUT", "FORWARD", "OUTPUT", "KUBE-FORWARD"}


@pytest.mark.corpora
def test_every_corpus_dump_equals_itself_reordered(corpora: Path) -> None:
    for path in sorted((corpora / "kube-proxy-1.28").glob("*.save")):
        ruleset = parse(path.read_text())
        assert not diff(ruleset, ruleset), path.name
