"""Flows files that cannot be understood: each fault has its line and column, counted by hand here."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptc_sim.diagnostics import Diagnostic, InputError
from iptc_sim.expect import Case, find_files, load, read_flows_file, reading
from tests.conftest import CHECKOUT

RULES = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
GOOD = """version: 1
rules: node.save
flows:
  a:
    flow: tcp 10.0.0.9:1 -> 10.0.0.1:22 in eth0
    expect: {dropped-by: any}
"""


def faults(folder: Path, text: str | bytes) -> list[Diagnostic]:
    (folder / "node.save").write_text(RULES)
    path = folder / "x.flows.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as error:
        load(read_flows_file(path))
    return list(error.value.diagnostics)


def places(found: list[Diagnostic]) -> list[tuple[int, int]]:
    return [(item.span.line, item.span.column) for item in found if item.span]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("version: 1\n", "", (1, 1), "a flows file has no version"),
        ("version: 1", "version: 2", (1, 10), "this is 2"),
        ("rules: node.save\n", "", (1, 1), "exactly one of rules, generate"),
        ("rules: node.save", "rules: []", (2, 8), "this is an empty list"),
        ("rules: node.save", "rules: {txt: x}", (2, 9), "txt is not a key of rules"),
        ("rules: node.save", "rules: nod.save", (2, 8), "cannot read it: no such file"),
        ("rules: node.save", "rules:", (2, 7), "this is empty"),
        ("flows:", "flow:", (3, 1), "flow is not a key of a flows file"),
        ("  a:", "  ? []\n  :", (4, 5), "a mapping's key is a list or a mapping"),
        ("flow: tcp", "flwo: tcp", (5, 5), "flwo is not a key of a flow"),
        ("tcp 10.0.0.9:1", "tpc 10.0.0.9:1", (5, 11), "tpc is not a protocol"),
        ("10.0.0.1:22 in", "10.0.0.1:99999 in", (5, 29), "99999 is not a port"),
        ("    flow: tcp", "    flow: [tcp, x]\n    at: tcp", (5, 11), "this is a list"),
        ("{dropped-by: any}", "{}", (6, 13), "always pass"),
        ("{dropped-by: any}", "[]", (6, 13), "this is an empty list"),
        ("    expect: {dropped-by: any}\n", "", (4, 3), "nothing is expected of a"),
        ("dropped-by: any", "droped-by: any", (6, 14), "droped-by is not a key of an expectation"),
        ("dropped-by: any", "dropped-by: ''", (6, 26), "this is empty"),
        ("dropped-by: any", "dropped-by: INPUT:x", (6, 26), "x is not the number of a rule"),
        ("dropped-by: any", "dropped-by: /INPUT", (6, 26), "names no chain"),
        ("dropped-by: any", "dropped-by: true", (6, 26), "this is true"),
        ("dropped-by: any", "local: maybe", (6, 21), "this is maybe"),
        ("dropped-by: any", "reaches: 10.0.0", (6, 23), "not an address"),
        ("dropped-by: any", "reaches: [10.0.0.1, 'fd00::1']", (6, 34), "fd00::1 is of IPv6, and the flow of IPv4"),
        ("dropped-by: any", "odds: {10.0.0.1: 3/2}", (6, 31), "not between 0 and 1"),
        ("dropped-by: any", "odds: {10.0.0.1: often}", (6, 31), "often is not a chance"),
        ("dropped-by: any", "rejected-with: icmp-port-unreachible", (6, 29), "not a way to reject"),
        ("dropped-by: any", "mark: 0x1/0x1ffffffff", (6, 20), "not a mark of 32 bits"),
        ("dropped-by: any", "local: true, local: false", (6, 27), "local stands here twice: it is in line 6, too"),
        ("flows:", "node: {interfaces: {eth0: [10.0.0.300/24]}}\nflows:", (3, 7), "10.0.0.300"),
        ("flows:", "node: {interface: {}}\nflows:", (3, 8), "interface is not a key of a node"),
        ("flows:", "node: bundle\nflows:", (3, 7), "cannot read it: no such file"),
        ("flows:", "family: 5\nflows:", (3, 9), "this is 5"),
        ("flows:", "defaults: {at: yesterday}\nflows:", (3, 16), "yesterday is no time"),
        ("flows:", "objects: web.yaml\nflows:", (3, 10), "cannot read it: no such file"),
        ("    expect", "    history: [tcp x]\n    expect", (6, 20), "this is not a flow"),
        ("    expect", "    at: soon\n    expect", (6, 9), "soon is no time"),
        ("  a:", "  a: {flow: tcp 10.0.0.9:1 -> 10.0.0.1:22, expect: {local: true}}\n  a:", (5, 3), "a stands here twice"),
        ("rules: node.save", "generate: {kube: web.yaml, settings: {cluster-cdir: x}}", (2, 39), "cluster-cdir is not a key"),
        ("rules: node.save", "generate: {kube: web.yaml, release: 1.99}", (2, 37), "1.99"),
        ("rules: node.save", "generate: {kube: web.yaml}", (2, 18), "cannot read it: no such file"),
    ],
)  # fmt: skip
def test_one_fault(tmp_path: Path, old: str, new: str, place: tuple[int, int], message: str) -> None:
    assert GOOD.count(old) == 1
    found = faults(tmp_path, GOOD.replace(old, new))
    assert message in found[0].message
    assert places(found)[0] == place
    assert found[0].span is not None
    assert found[0].span.source.name.endswith("x.flows.yaml")


CLAIM = """version: 1
rules: node.save
rulesets:
  a:
    equivalent-to: node.save
"""


def test_a_file_may_have_claims_only(tmp_path: Path) -> None:
    (tmp_path / "node.save").write_text(RULES)
    (tmp_path / "x.flows.yaml").write_text(CLAIM)
    (case,) = read_flows_file(tmp_path / "x.flows.yaml").cases
    assert (case.name, case.line) == ("a", 4)


@pytest.mark.parametrize(
    ("new", "place", "message"),
    [
        ("equivalent-to: nod.save", (5, 20), "cannot read it: no such file"),
        ("equivalent-to: [node.save, nod.save]", (5, 32), "cannot read it: no such file"),
        ("equivalent-to: []", (5, 20), "this is an empty list"),
        ("equivalent-to:", (5, 19), "this is empty"),
        ("equivalent-to: {}", (5, 20), "other rules needs exactly one of text, generate"),
        ("equivalent-to: {file: node.save}", (5, 21), "file is not a key of other rules"),
        ("equivalent-to: {generate: {kube: web.yaml}}", (5, 38), "cannot read it: no such file"),
        ("equivalent-to: {generate: {kube: node.save, release: 9.9}}", (5, 58), "9.9"),
        ("equivalent-to: node.save\n    undecided: ignore", (6, 16), "this is ignore"),
        ("equivalent-to: node.save\n    no-findings: true", (5, 5), "needs exactly one of equivalent-to, no-findings"),
        ("undecided: pass", (5, 5), "undecided says nothing without equivalent-to"),
        ("no-findings: true\n    undecided: pass", (6, 5), "undecided says nothing without equivalent-to"),
        ("equivalent: node.save", (5, 5), "equivalent is not a key of a claim"),
        ("no-findings: false", (5, 18), "this is false"),
        ("no-findings: yes please", (5, 18), "this is yes please"),
        ("no-findings: {}", (5, 18), "true says the same"),
        ("no-findings: {except: []}", (5, 27), "this is an empty list"),
        ("no-findings: {except: [IPT106, IPT1O7]}", (5, 36), "this is IPT1O7"),
        ("no-findings: {except: IPT010}", (5, 27), "this is IPT010"),
        ("no-findings: {excpet: IPT106}", (5, 19), "excpet is not a key of exceptions"),
        ("no-findings: {baseline: known.json}", (5, 29), "cannot read it: no such file"),
    ],
)
def test_one_fault_in_a_claim(tmp_path: Path, new: str, place: tuple[int, int], message: str) -> None:
    found = faults(tmp_path, CLAIM.replace("equivalent-to: node.save", new))
    assert message in " ".join(one.message for one in found)
    assert places(found)[0] == place


@pytest.mark.parametrize(
    "section",
    [
        "sequences:\n  a: [{flow: tcp 10.0.0.9:1 -> 10.0.0.1:22, expect: {local: true}}]",
        "rulesets:\n  a: {no-findings: true}",
    ],
)
def test_no_name_is_given_twice(tmp_path: Path, section: str) -> None:
    (found,) = faults(tmp_path, GOOD + section)
    assert (found.message, places([found])) == ("a is the name of a flow, too", [(8, 3)])


def test_did_you_mean(tmp_path: Path) -> None:
    assert faults(tmp_path, GOOD.replace("dropped-by", "droped-by"))[0].hint == "did you mean dropped-by?"
    assert faults(tmp_path, GOOD.replace("rules: node", "rules: nod"))[0].hint == "did you mean node.save?"


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("any", "INPUT:x") + "  b:\n    flow: tcp x -> y\n    expect: {mark: z}\n"
    assert places(faults(tmp_path, text)) == [(6, 26), (8, 15)]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (b"", "IPT130", "there is nothing in it"),
        (b"# nothing\n", "IPT130", "there is nothing in it"),
        (b"version: 1\n---\nversion: 1\n", "IPT130", "there are 2 documents"),
        (b"- 1\n", "IPT130", "this is a list"),
        (b"just words", "IPT130", "this is just words"),
        (b"a: [1\n", "IPT130", "not YAML"),
        (b"[" * 5000, "IPT130", "levels deep"),
        (b"\xff\xfe", "IPT002", "not UTF-8"),
        (b"version: 1\nrules: node.save\n", "IPT130", "there is nothing to test in it"),
        (b"version: 1\nrules: node.save\nflows: {}\n", "IPT130", "this is an empty mapping"),
        (b"a: !!python/object/apply:os.system [x]\n", "IPT130", "a is not a key"),
    ],
)
def test_texts_that_are_no_flows_file(tmp_path: Path, text: bytes, code: str, message: str) -> None:
    found = faults(tmp_path, text)
    assert found[0].code == code
    assert message in found[0].message


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_CHARACTERS", 100)
    assert "more than the 100 characters" in faults(tmp_path, GOOD)[0].message


def test_a_billion_laughs_stays_short(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]" for number in range(1, 12)]
    (found,) = faults(tmp_path, "\n".join(lines))
    assert "the aliases add more than" in found.message


def test_a_dump_in_the_file_is_wrong_by_its_own_line(tmp_path: Path) -> None:
    text = GOOD.replace(
        "rules: node.save", "rules:\n  text: |\n    *filter\n    -A INPUT -j DROP\n    -A INPUT --bad\n    COMMIT"
    )
    (found,) = faults(tmp_path, text)
    assert found.span is not None
    assert (found.span.source.name, found.span.line) == (f"{tmp_path / 'x.flows.yaml'}: rules", 3)


def test_texts_stay_as_they_are_written(tmp_path: Path) -> None:
    """1.30 is a release and no number, 0x4 a mark, and a name may be any text."""
    (tmp_path / "web.yaml").write_text((CHECKOUT / "fixtures" / "kube" / "worked-example.yaml").read_text())
    path = tmp_path / "x.flows.yaml"
    text = GOOD.replace("rules: node.save", "generate: {kube: web.yaml, release: 1.30}").replace("  a:", "  12:")
    path.write_text(text.replace("dropped-by: any", "mark: 0x4"))
    file = read_flows_file(path)
    assert file.rules.settings is not None
    assert file.rules.settings.release == "1.30"
    (case,) = file.cases
    assert isinstance(case, Case)
    assert (case.name, case.line) == ("12", 4)
    assert case.steps[0].expected is not None
    assert str(case.steps[0].expected.mark) == "0x4"


def test_what_stands_in_folders(tmp_path: Path) -> None:
    for name in ("b.flows.yaml", "a.flows.yml", "flows.yaml", "deep/c.flows.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = [Path(name).relative_to(tmp_path).as_posix() for name in find_files([str(tmp_path)])]
    assert found == ["a.flows.yml", "b.flows.yaml", "deep/c.flows.yaml"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="IPT003"):
        list(find_files([str(tmp_path / "empty")]))
