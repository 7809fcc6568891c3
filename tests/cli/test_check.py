"""``iptc-sim check``: everything that is found, sorted, with the exit status that says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from iptc_sim import IptcError, Settings, SourceFile, load_cluster, parse_flow, ruleset_from_json
from iptc_sim.diagnostics import CODES, Diagnostic
from iptc_sim.explanations import EXPLANATIONS
from iptc_sim.lint import lint, without_ignored
from iptc_sim.resources import resource_text
from iptc_sim.syntax import examine
from tests.conftest import Runner

GOOD = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
"""
BAD = GOOD.replace("--dport 80", "--dport 99999").replace(
    "COMMIT", "-A INPUT -j ACEPT\n-A INPUT --dport 80 -j DROP\nCOMMIT"
)


def findings(text: str) -> list[dict[str, Any]]:
    record = json.loads(text)
    jsonschema.validate(record, json.loads(resource_text("iptc_sim", "render", "schemas", "findings.json")))
    found: list[dict[str, Any]] = record["findings"]
    return found


def test_nothing_found(iptc_sim: Runner) -> None:
    ran = iptc_sim("check", "-", stdin=GOOD)
    assert (ran.status, ran.out, ran.err) == (0, "nothing found in 1 file\n", "")
    ran = iptc_sim("check", "--strict", "--format", "json", "-", stdin=GOOD)
    assert (ran.status, findings(ran.out)) == (0, [])


def test_all_is_told_by_line(iptc_sim: Runner) -> None:
    ran = iptc_sim("check", "-", stdin=BAD)
    assert ran.status == 1
    lines = ran.out.splitlines()
    places = [line.partition(": ")[0] for line in lines if line.startswith("<stdin>:")]
    assert places == ["<stdin>:5:32", "<stdin>:6:1", "<stdin>:7:10"]
    assert lines[-1] == "2 errors, 1 warning in 1 file"
    ran = iptc_sim("check", "--format", "json", "-", stdin=BAD)
    assert ran.status == 1
    assert [(item["code"], item["severity"], item["line"]) for item in findings(ran.out)] == [
        ("IPT013", "error", 5),
        ("IPT032", "warning", 6),
        ("IPT012", "error", 7),
    ]


def test_notes_alone_are_fine(iptc_sim: Runner) -> None:
    ran = iptc_sim("check", "-", stdin="-P INPUT ACCEPT\n-A INPUT -j ACCEPT\n")
    assert ran.status == 0
    assert ran.out.endswith("1 note in 1 file\n")


def test_strict_asks_for_what_the_kernel_takes(iptc_sim: Runner, tmp_path: Path) -> None:
    """iptables-nft-restore refuses each of these; the sets are those that ipset save printed."""
    for rule in ("-A web -j ACCEPT", "-A INPUT -j FORWARD", "-A INPUT -j ACEPT"):
        ran = iptc_sim("check", "--strict", "-", stdin=GOOD.replace("COMMIT", f"{rule}\nCOMMIT"))
        assert ran.status == 1, rule
        assert " error IPT" in ran.out, rule
    (tmp_path / "ipset.save").write_text(
        "create known hash:ip family inet hashsize 1024 maxelem 65536\nadd known 192.0.2.1\n"
    )
    for name, status in (("known", 0), ("unknown", 1)):
        rule = f"-A INPUT -m set --match-set {name} src -j DROP"
        text = GOOD.replace("COMMIT", f"{rule}\nCOMMIT")
        ran = iptc_sim("check", "--strict", "--ipset", tmp_path / "ipset.save", "-", stdin=text)
        assert ("error IPT035" in ran.out) == bool(status), ran


def test_json_is_checked_too(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(iptc_sim("parse", "-", stdin=GOOD.replace("-j ACCEPT", "-j ACEPT")).out)
    ran = iptc_sim("check", "x.json", cwd=tmp_path)
    assert ran.status == 1
    assert ran.out.startswith("x.json: tables.filter.chains[0].rules[0]: warning IPT032")
    ran = iptc_sim("check", "--strict", "x.json", cwd=tmp_path)
    assert "error IPT" in ran.out
    (tmp_path / "x.json").write_text("{}")
    ran = iptc_sim("check", "x.json", "--format", "json", cwd=tmp_path)
    assert (ran.status, [item["code"] for item in findings(ran.out)]) == (1, ["IPT056"])


def test_files_that_cannot_be_read_and_wrong_usage(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.save").write_text(GOOD)
    for args, code in (
        (("nosuch.save",), "IPT001"),
        ((), "IPT004"),
        (("x.save", "--variant", "new"), "IPT004"),
        (("x.save", "--format", "xml"), "IPT004"),
        (("x.save", "--ipset", "nosuch"), "IPT001"),
        (("--explain", "IPT999"), "IPT004"),
    ):
        ran = iptc_sim("check", *args, cwd=tmp_path)
        assert (ran.status, ran.out) == (2, ""), args
        assert f"error {code}" in ran.err


def test_explain(iptc_sim: Runner) -> None:
    ran = iptc_sim("check", "--explain")
    assert ran.status == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == list(CODES)
    ran = iptc_sim("check", "--explain", "ipt012", "IPT013")
    assert ran.status == 0
    assert f"IPT012: {CODES['IPT012']}\n" in ran.out
    assert f"IPT013: {CODES['IPT013']}\n" in ran.out
    assert "for example:\n    *filter\n" in ran.out
    assert max(map(len, ran.out.splitlines())) < 110


def test_every_code_is_explained() -> None:
    assert list(EXPLANATIONS) == list(CODES)
    for code, known in EXPLANATIONS.items():
        assert 100 < len(known.cause) + len(known.advice) < 450, code


def given(code: str) -> list[Diagnostic]:
    """What the example of a code gives."""
    known = EXPLANATIONS[code]
    if code < "IPT040":
        found = examine(known.example, strict=known.strict)
        return [*found.errors, *found.ruleset.notes]
    if "IPT100" <= code < "IPT130":
        source = SourceFile("x.save", known.example)
        ruleset = examine(source).ruleset
        return [found.diagnostic for found in without_ignored(lint(ruleset), ruleset, [source])]
    try:
        if code == "IPT040":
            parse_flow(known.example)
        elif code == "IPT056":
            ruleset_from_json(known.example)
        else:
            load_cluster([SourceFile("x.yaml", known.example)], Settings())
    except IptcError as error:
        return list(error.diagnostics)
    return []


@pytest.mark.parametrize("code", [code for code, known in EXPLANATIONS.items() if known.example])
def test_each_example_gives_its_code(code: str) -> None:
    found = given(code)
    assert code in {item.code for item in found}, found
    if EXPLANATIONS[code].strict:
        assert any(item.code == code and item.severity == "error" for item in found), found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--select", "IPT100"], "check: error IPT004: options of lint are given without it"),
        (["--lint", "--select", "IPT10"], "--select: error IPT004: IPT10 is no code of lint"),
        (["--lint", "--select", ""], "--select: error IPT004: no code is left to look for"),
        (["--lint", "--select", "IPT100", "--ignore", "IPT100"], "--ignore: error IPT004: no code is left to look for"),
        (["--lint", "--since", "six.save"], "--since: error IPT004: six.save is of IPv6, and the rules are of IPv4"),
        (["--lint", "--beside", "six.save"], "--beside: error IPT004: six.save is of IPv6, and the rules are of IPv4"),
        (["--lint", "--since", "none.save"], "none.save: error IPT001"),
        (["--lint", "--baseline", "four.save"], "four.save: error IPT055"),
    ],
)
def test_options_of_lint_that_are_refused(iptc_sim: Runner, tmp_path: Path, words: list[str], told: str) -> None:
    for name, source in (("four.save", "10.0.0.0/8"), ("six.save", "fd00::/8")):
        (tmp_path / name).write_text(f"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s {source} -j DROP\nCOMMIT\n")
    done = iptc_sim("check", "four.save", *words, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert told in done.err
