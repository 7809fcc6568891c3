"""IPT117 and IPT118, ignore comments and baselines (IPT119), and the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from iptc_sim.diagnostics import InputError, SourceFile
from iptc_sim.lint import SEVERITIES, baseline_text, lint, without_known
from iptc_sim.resources import resource_text
from tests.conftest import Runner
from tests.lint.found import after_ignoring, findings, read, table

DROP = "-A INPUT -s 10.0.0.0/8 -j DROP"
SSH = "-A INPUT -s 10.1.2.3/32 -p tcp -m tcp --dport 22 -j ACCEPT"
SHADOWED = table(DROP, SSH)


def messages(text: str, *codes: str) -> list[str]:
    return [f"{one.code} {one.diagnostic.message}" for one in after_ignoring(text, *codes)]


def test_both_in_force() -> None:
    ours, quiet = read(table(SSH)), read(table())
    theirs = read(table("-A INPUT -p udp -j DROP", FORWARD="DROP"))
    (one,) = lint(ours, beside=theirs)
    assert one.diagnostic.message == (
        "both iptables-legacy and nf_tables have rules in force on this node: at filter INPUT both act"
    )
    assert lint(ours, beside=quiet) == lint(quiet, beside=ours) == ()
    (one,) = lint(ours, beside=read(table("-A PREROUTING -p tcp -j ACCEPT", name="nat")))
    assert "one at filter INPUT, the other at nat PREROUTING" in one.diagnostic.message
    assert lint(ours, beside=read(table("-A INPUT -s fd00::/8 -j DROP"))) == ()  # of the other family
    (one,) = lint(ours, beside=read(table("-A web -j DROP", chains=["web"], FORWARD="DROP")))
    assert "the other at filter FORWARD" in one.diagnostic.message


def test_growth() -> None:
    old = table(SSH, "-A INPUT -j f2b-sshd", "-A f2b-sshd -j RETURN", chains=["f2b-sshd"])
    bans = [f"-A f2b-sshd -s 192.0.2.{number}/32 -j REJECT" for number in range(9)]
    new = table(SSH, "-A INPUT -j f2b-sshd", *bans, "-A f2b-sshd -j RETURN", chains=["f2b-sshd", "web"])
    found = [one.diagnostic.message for one in lint(read(new), since=read(old), codes={"IPT118"})]
    assert found == [
        "3 -> 12 rules in 4 -> 5 chains",
        "fail2ban: 1 -> 10 rules in 1 chain",
        "other chains: 0 rules in 0 -> 1 chain",
        "grown most: filter f2b-sshd (+9, now 10)",
        "the longest walk of a packet through filter INPUT: 3 -> 12 rules",
    ]
    same = lint(read(old), since=read(old))
    assert [one.diagnostic.message for one in same] == ["3 rules in 4 chains"]


def ignoring(comment: str, rule: str = SSH) -> str:
    return table(DROP, comment, rule)


@pytest.mark.parametrize(
    "text",
    [
        ignoring("# iptc: ignore IPT100 kept for the audit"),
        ignoring("#iptc:ignore IPT100 kept for the audit"),
        ignoring("# iptc: ignore IPT100 kept for the audit\n# and more words\n"),
        "# iptc: ignore-file IPT100 written by a tool\n" + SHADOWED,
        SHADOWED + "# iptc: ignore-file IPT100 written by a tool\n",
        table(DROP, SSH.replace("-j", '-m comment --comment "iptc: ignore IPT100 kept" -j')),
        table(DROP, SSH.replace("-j", '-m comment --comment "ssh of Bob, iptc: ignore IPT100 kept" -j')),
    ],
)
def test_ignored(text: str) -> None:
    assert after_ignoring(text, "IPT100", "IPT119") == []


def test_a_comment_that_names_two_codes() -> None:
    """The second of two equal rules is there twice; what the first of them is found for stands at another line."""
    twice = table(DROP, SSH, "# iptc: ignore IPT103,IPT119 kept for the audit", SSH)
    assert [(one.code, one.spot and one.spot.number) for one in findings(twice)] == [("IPT100", 2), ("IPT103", 3)]
    assert messages(twice) == [
        "IPT100 filter INPUT rule 2 (line 6) can never match: rule 1 (line 5) takes every packet that fits it",
        "IPT119 the ignore comment hits nothing: there is no IPT119 here",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ignoring("# iptc: ignore IPT100"), ["IPT119 the ignore comment for IPT100 gives no reason"]),
        (
            ignoring("# iptc: ignore IPT101 because"),
            [
                "IPT119 the ignore comment hits nothing: there is no IPT101 here",
                "IPT100 filter INPUT rule 2 (line 7) can never match: rule 1 (line 5) takes every packet that fits it",
            ],
        ),
        (ignoring("# iptc: ignore", "-A INPUT -p udp -j ACCEPT"), ["IPT119 the ignore comment names no code"]),
        (
            ignoring("# iptc: ignore IPT032 why", "-A INPUT -p udp -j ACCEPT"),
            ["IPT119 the ignore comment names IPT032, which is no finding of lint"],
        ),
        (
            ignoring("# iptc: ignore IPT999 why", "-A INPUT -p udp -j ACCEPT"),
            ["IPT119 the ignore comment names IPT999, which is no code"],
        ),
        (
            table("# iptc: ignore IPT100 it stands at another rule", DROP, SSH),
            [
                "IPT119 the ignore comment hits nothing: there is no IPT100 here",
                "IPT100 filter INPUT rule 2 (line 7) can never match: rule 1 (line 6) takes every packet that fits it",
            ],
        ),
        (
            table('-A INPUT -p udp -m comment --comment "iptc: ignore IPT100 why" -j ACCEPT'),
            ["IPT119 the ignore comment hits nothing: there is no IPT100 here"],
        ),
    ],
)
def test_ignore_comments_that_are_wrong(text: str, expected: list[str]) -> None:
    assert sorted(messages(text)) == sorted(expected)


def test_what_was_not_looked_for_is_not_missed() -> None:
    text = ignoring("# iptc: ignore IPT101 because", "-A INPUT -p udp -j ACCEPT")
    assert messages(text, "IPT100", "IPT119") == []
    assert len(messages(text, "IPT101", "IPT119")) == 1
    assert messages(text, "IPT101") == []


def test_fingerprints_stay_when_lines_move() -> None:
    before = findings(SHADOWED)
    after = findings("# a remark\n\n" + table("-A INPUT -p udp -j LOG", DROP, "-A INPUT -p udp -j ACCEPT", SSH))
    assert [one.fingerprint for one in before] == [one.fingerprint for one in after]
    spelled = findings(SHADOWED.replace("-m tcp --dport 22", "-m tcp --destination-port ssh"))
    assert [one.fingerprint for one in before] == [one.fingerprint for one in spelled]
    other = findings(SHADOWED.replace("--dport 22", "--dport 23"))
    assert [one.fingerprint for one in before] != [one.fingerprint for one in other]
    twice = findings(table(DROP, SSH, SSH.replace("22", "23"), SSH))
    assert len({one.fingerprint for one in twice}) == len(twice) == 3


def test_baseline_round_trip() -> None:
    old = findings(SHADOWED)
    baseline = SourceFile("known.json", baseline_text(old))
    assert without_known(old, baseline) == ()
    grown = findings(table("-A INPUT -p udp -j LOG", DROP, SSH, SSH.replace("22", "23")))
    (new,) = without_known(grown, baseline)
    assert new.spot is not None
    assert (new.code, new.spot.number) == ("IPT100", 4)
    (gone,) = without_known((), baseline)
    assert (gone.code, gone.diagnostic.message) == ("IPT119", "1 entry of the baseline for IPT100 hit nothing any more")
    assert without_known((), baseline, {"IPT101", "IPT119"}) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "IPT055"),
        ("[]", "IPT056"),
        ("{}", "IPT056"),
        ('{"schema": "iptc-sim/baseline/2", "findings": []}', "IPT056"),
        ('{"schema": "iptc-sim/baseline/1", "findings": {}}', "IPT056"),
        ('{"schema": "iptc-sim/baseline/1", "findings": [1]}', "IPT056"),
        ('{"schema": "iptc-sim/baseline/1", "findings": [{"code": "IPT012", "fingerprint": "x"}]}', "IPT056"),
        ("[" * 100_000, "IPT055"),
    ],
)
def test_what_is_no_baseline(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        without_known((), SourceFile("known.json", text))
    assert [item.code for item in caught.value.diagnostics] == [code]


# ---- the command line


def rows(text: str) -> list[dict[str, Any]]:
    record = json.loads(text)
    jsonschema.validate(record, json.loads(resource_text("iptc_sim", "render", "schemas", "findings.json")))
    found: list[dict[str, Any]] = record["findings"]
    return found


def test_check_lint(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.save").write_text(SHADOWED)
    ran = iptc_sim("check", "x.save", cwd=tmp_path)
    assert (ran.status, ran.out) == (0, "nothing found in 1 file\n")
    ran = iptc_sim("check", "--lint", "x.save", cwd=tmp_path)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out == (
        "x.save:6:1: warning IPT100: filter INPUT rule 2 (line 6) can never match: rule 1 (line 5) takes every packet "
        "that fits it\n"
        f"  6 | {SSH}\n"
        "  hint: move it before them, or remove it\n"
        f"  because of filter INPUT rule 1 (line 5): {DROP}\n"
        "1 warning in 1 file\n"
    )
    ran = iptc_sim("check", "--lint", "--format", "json", "x.save", cwd=tmp_path)
    (row,) = rows(ran.out)
    assert (row["table"], row["chain"], row["rule"], row["line"]) == ("filter", "INPUT", 2, 6)
    assert row["because"] == [{"table": "filter", "chain": "INPUT", "rule": 1, "line": 5, "text": DROP}]
    assert len(row["fingerprint"]) == 16


def test_select_and_ignore(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.save").write_text(table(DROP, SSH, "-A web -j DROP", chains=["web"]))

    def codes(*args: str) -> list[str]:
        ran = iptc_sim("check", "--lint", "--format", "json", *args, "x.save", cwd=tmp_path)
        return sorted(row["code"] for row in rows(ran.out))

    assert codes() == ["IPT100", "IPT106"]
    assert codes("--select", "ipt106") == codes("--ignore", "IPT100") == ["IPT106"]
    assert codes("--select", "IPT100,IPT106", "--ignore", "IPT106") == ["IPT100"]
    assert codes("--select", "IPT103") == []
    ran = iptc_sim("check", "--lint", "--select", "IPT106", "x.save", cwd=tmp_path)
    assert ran.status == 0  # notes alone


def test_baseline_on_the_command_line(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.save").write_text(SHADOWED)
    ran = iptc_sim("check", "--lint", "--write-baseline", "known.json", "x.save", cwd=tmp_path)
    assert ran.status == 1
    ran = iptc_sim("check", "--lint", "--baseline", "known.json", "x.save", cwd=tmp_path)
    assert (ran.status, ran.out) == (0, "nothing found in 1 file\n")
    (tmp_path / "x.save").write_text(table(SSH))
    ran = iptc_sim("check", "--lint", "--baseline", "known.json", "--format", "json", "x.save", cwd=tmp_path)
    assert (ran.status, [row["code"] for row in rows(ran.out)]) == (0, ["IPT119"])


def test_other_dumps_on_the_command_line(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.save").write_text(table(SSH))
    (tmp_path / "y.save").write_text(table(DROP, "-A INPUT -p udp -j DROP"))
    ran = iptc_sim("check", "--lint", "--beside", "y.save", "--since", "y.save", "x.save", cwd=tmp_path)
    assert ran.status == 1
    assert "x.save: warning IPT117: both iptables-legacy and nf_tables" in ran.out
    assert "x.save: note IPT118: 2 -> 1 rule in 3 chains" in ran.out


def test_wrong_usage(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.save").write_text(SHADOWED)
    (tmp_path / "bad.json").write_text("{}")
    (tmp_path / "bytes.json").write_bytes(b"\xff")
    for args, code in (
        (("--select", "IPT100"), "IPT004"),
        (("--baseline", "bad.json"), "IPT004"),
        (("--lint", "--select", "IPT012"), "IPT004"),
        (("--lint", "--ignore", "SHADOWED"), "IPT004"),
        (("--lint", "--baseline", "none.json"), "IPT001"),
        (("--lint", "--baseline", "bad.json"), "IPT056"),
        (("--lint", "--baseline", "."), "IPT001"),
        (("--lint", "--baseline", "bytes.json"), "IPT002"),
        (("--lint", "--since", "none.save"), "IPT001"),
        (("--lint", "--write-baseline", "no/such/folder"), "IPT001"),
    ):
        ran = iptc_sim("check", *args, "x.save", cwd=tmp_path)
        assert (ran.status, ran.out) == (2, ""), args
        assert f"error {code}" in ran.err, args


def test_a_comment_of_a_rule_that_hits_nothing(iptc_sim: Runner, tmp_path: Path) -> None:
    """It is a finding about a rule like others: it has a fingerprint, and a baseline may have it."""
    (tmp_path / "x.save").write_text(table(SSH.replace("-j", '-m comment --comment "iptc: ignore IPT100 why" -j')))
    ran = iptc_sim("check", "--lint", "--write-baseline", "known.json", "--format", "json", "x.save", cwd=tmp_path)
    (row,) = rows(ran.out)
    assert (row["code"], row["chain"], row["rule"]) == ("IPT119", "INPUT", 1)
    ran = iptc_sim("check", "--lint", "--baseline", "known.json", "x.save", cwd=tmp_path)
    assert ran.out == "nothing found in 1 file\n"


def test_rules_that_do_not_load_are_not_looked_through(iptc_sim: Runner) -> None:
    ran = iptc_sim("check", "--lint", "-", stdin=SHADOWED.replace("--dport 22", "--dport 99999"))
    assert "IPT013" in ran.out
    assert "IPT100" not in ran.out


def test_rules_in_json(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(iptc_sim("parse", "-", stdin=SHADOWED).out)
    ran = iptc_sim("check", "--lint", "x.json", cwd=tmp_path)
    assert ran.status == 1
    assert "warning IPT100" in ran.out


def test_every_code_has_a_severity_and_a_check() -> None:
    from iptc_sim.lint.registry import CHECKS

    given = {code for check in CHECKS for code in check.codes} | {"IPT108", "IPT119"}
    assert given == set(SEVERITIES)
