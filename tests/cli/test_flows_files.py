"""``iptc-sim test`` as a user runs it: formats that other programs read, statuses, wrong input."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from iptc_sim.render.tested import FileResult, FlowResult, Missed, Status
from iptc_sim.render.tested_data import render_junit, results_json
from iptc_sim.render.tested_text import render_tap, render_tests
from iptc_sim.resources import resource_text
from tests.conftest import CHECKOUT, Runner

#: Texts that XML, TAP and terminals trip over.
NASTY = 'a <b> & "c" ]]> # d \\ \x1b[31m \x00 \ufffe é\n- {x: 1}'
RESULTS = (
    FileResult(
        "x <&>.flows.yaml",
        (
            FlowResult("good", 3, Status.PASSED, seconds=0.25),
            FlowResult(NASTY, 5, Status.FAILED, (Missed("reaches", NASTY, (NASTY,), NASTY), Missed("mark", "m", step=2)), seconds=0.5),
            FlowResult("broken", 9, Status.ERROR, error=f"first {NASTY}\nsecond", seconds=0.125),
        ),
    ),
    FileResult("y.flows.yaml", (FlowResult("good", 3, Status.PASSED),)),
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The worked example, with one flow that fails and one that cannot be judged."""
    folder = tmp_path / "project"
    shutil.copytree(CHECKOUT / "fixtures" / "example-project", folder)
    path = folder / "flows" / "edge.flows.yaml"
    text = path.read_text().replace("odds: {10.0.0.5:443: 1/2", "odds: {10.0.0.5:443: 1/3")
    path.write_text(
        text.replace("sequences:\n", "sequences:\n  unclear:\n    - {flow: tcp 203.0.113.5:1 -> 192.0.2.10:8443}\n"
                     "    - {flow: tcp 203.0.113.5:1 -> 192.0.2.10:8443, expect: {local: false}}\n")
    )  # fmt: skip
    return folder


def test_the_worked_example(iptc_sim: Runner) -> None:
    ran = iptc_sim("test", "fixtures/example-project")
    assert (ran.status, ran.err) == (0, "")
    *lines, last = ran.out.splitlines()
    assert last == "9 flows, 3 rulesets: 12 passed"
    assert lines[0] == "ok    fixtures/example-project/flows/edge.flows.yaml:10: published-port"


def test_what_fails_is_told_with_its_path(iptc_sim: Runner, project: Path) -> None:
    ran = iptc_sim("test", "flows/edge.flows.yaml", cwd=project)
    assert ran.status == 1
    lines = ran.out.splitlines()
    at = lines.index("FAIL  flows/edge.flows.yaml:17: two-servers")
    assert lines[at + 1] == "  expected a chance of 1/3 to reach 10.0.0.5:443, but it is 1/2 (50.000%)"
    assert "  packet   tcp 203.0.113.5:40000 -> 192.0.2.10:8443 in eth0" in lines[at + 2 :]
    at = lines.index("ERROR flows/edge.flows.yaml:40: unclear")
    assert lines[at + 1].startswith("  unclear: error IPT044: it cannot be told which of 2 ways step 1 took")
    assert lines[at + 2] == "    hint: went-to: 10.0.0.5:443"
    assert lines[-1] == "8 flows, 2 rulesets: 8 passed, 1 failed, 1 with an error"


def test_went_to_tells_which_way(iptc_sim: Runner, project: Path) -> None:
    path = project / "flows" / "edge.flows.yaml"
    path.write_text(path.read_text().replace("8443}\n", "8443, went-to: 10.0.0.6:443}\n").replace(
        "8443, expect: {local: false}", "8443, expect: {reaches: 10.0.0.6:443}"))  # fmt: skip
    ran = iptc_sim("test", path, "-k", "UNCLEAR")
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "1 flow: 1 passed")


def test_reports_go_to_files(iptc_sim: Runner, project: Path) -> None:
    for name in ("text", "json", "junit", "tap"):
        ran = iptc_sim("test", ".", "--format", name, "--output", f"out.{name}", cwd=project)
        assert (ran.status, ran.out) == (1, "10 flows, 3 rulesets: 11 passed, 1 failed, 1 with an error\n")
    told = json.loads((project / "out.json").read_text())
    jsonschema.validate(told, json.loads(resource_text("iptc_sim", "render", "schemas", "test-1.json")))
    assert (told["passed"], told["failed"], told["errors"]) == (11, 1, 1)
    assert len(points((project / "out.tap").read_text())) == 13
    assert ET.parse(project / "out.junit").getroot().attrib["failures"] == "1"  # noqa: S314 - our own
    ran = iptc_sim("test", ".", "--output", "no/such/folder", cwd=project)
    assert (ran.status, "error IPT004: it cannot be written: no such file" in ran.err) == (2, True)


def test_junit_has_the_structure_that_its_readers_take() -> None:
    """As the schema of the JUnit plugin of Jenkins has it: testsuites, testsuite, testcase, failure or error."""
    root = ET.fromstring(render_junit(RESULTS))  # noqa: S314 - our own
    assert (root.tag, root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == (
        "testsuites",
        "4",
        "1",
        "1",
    )
    suites = list(root)
    assert [(suite.tag, suite.attrib["name"]) for suite in suites] == [
        ("testsuite", "x <&>.flows.yaml"), ("testsuite", "y.flows.yaml"),
    ]  # fmt: skip
    for suite in suites:
        assert set(suite.attrib) == {"name", "tests", "failures", "errors", "skipped", "time"}
        cases = list(suite)
        assert {case.tag for case in cases} == {"testcase"}
        assert int(suite.attrib["tests"]) == len(cases)
        assert float(suite.attrib["time"]) == sum(float(case.attrib["time"]) for case in cases)
        for case in cases:
            assert {"classname", "name", "time"} <= set(case.attrib)
            assert len(case) <= 1
            assert all(child.tag in {"failure", "error"} and child.attrib["message"] and child.text for child in case)
    first, second, third = suites[0]
    assert (len(first), second[0].tag, third[0].tag) == (0, "failure", "error")
    assert 'a <b> & "c" ]]> # d \\ \\x1b[31m \\x00 \\ufffe é' in (second[0].text or "")
    assert "step 2: m" in (second[0].text or "")


def points(text: str) -> list[tuple[bool, str, object]]:
    """Parse TAP version 14: ok, description and YAML block of each test point."""
    version, plan, *lines = text.splitlines()
    assert version == "TAP version 14"
    assert (planned := re.fullmatch(r"1\.\.(\d+)", plan))
    found: list[tuple[bool, str, object]] = []
    block: list[str] | None = None
    for line in lines:
        if line == "  ---":
            block = []
        elif line == "  ..." and block is not None:
            passed, name, _ = found.pop()
            found.append((passed, name, yaml.safe_load("\n".join(block))))
            block = None
        elif block is not None:
            assert line.startswith("  ")
            block.append(line[2:])
        else:
            point = re.fullmatch(r"(not )?ok (\d+) - ((?:[^\\#]|\\[\\#])*)", line)
            assert point, line
            assert int(point[2]) == len(found) + 1
            found.append((point[1] is None, re.sub(r"\\(.)", r"\1", point[3]), None))
    assert (block, len(found)) == (None, int(planned[1]))
    return found


def test_tap_is_read_back() -> None:
    shown = 'a <b> & "c" ]]> # d \\ \\x1b[31m \\x00 \\ufffe é\\x0a- {x: 1}'
    first, second, third, fourth = points(render_tap(RESULTS))
    assert (first, fourth) == ((True, "x <&>.flows.yaml: good", None), (True, "y.flows.yaml: good", None))
    assert second[:2] == (False, f"x <&>.flows.yaml: {shown}")
    assert second[2] == {
        "file": "x <&>.flows.yaml", "line": 5, "status": "failed", "messages": [NASTY, "m"], "nearest": [NASTY], "path": NASTY,
    }  # fmt: skip
    assert (third[0], yaml.safe_load(json.dumps(third[2]))["status"]) == (False, "error")


def test_json_fits_its_schema() -> None:
    schema = json.loads(resource_text("iptc_sim", "render", "schemas", "test-1.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    told = json.loads(results_json(RESULTS))
    jsonschema.validate(told, schema)
    for wrong in ({**told, "more": 1}, {**told, "schema": "iptc-sim/test/2"}, {**told, "files": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_text_does_not_steer_a_terminal() -> None:
    assert all(line.isprintable() for line in render_tests(RESULTS).split("\n"))


def test_record_and_run(iptc_sim: Runner, project: Path) -> None:
    path = project / "new.flows.yaml"
    path.write_text("version: 1\nrules: rules/edge.save\nnode: {interfaces: {eth0: [192.0.2.10/24]}}\nflows:\n"
                    "  smtp:\n    flow: tcp 203.0.113.5:1 -> 192.0.2.10:25 in eth0\n")  # fmt: skip
    ran = iptc_sim("test", path)
    assert (ran.status, "nothing is expected of smtp" in ran.err) == (2, True)
    assert "--record" in ran.err
    ran = iptc_sim("test", path, "--record")
    assert ran.status == 0
    assert "(recorded {rejected-with: tcp-reset, rejected-by: filter/INPUT:5})" in ran.out
    assert iptc_sim("test", path).status == 0
    assert "exclude each other" in iptc_sim("test", path, "--record", "--verify").err


def test_the_schema_is_printed(iptc_sim: Runner) -> None:
    ran = iptc_sim("test", "--schema")
    assert (ran.status, ran.out) == (0, resource_text("iptc_sim", "render", "schemas", "flows-1.json"))


@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [
        ((), "IPT004", "no flows file is given"),
        (("nothing.flows.yaml",), "IPT001", "no such file"),
        (("rules",), "IPT003", "*.flows.yaml"),
        (("flows", "-k", "nobody"), "IPT004", "nothing has nobody in its name"),
        (("flows", "--format", "xml"), "IPT004", "text or json or junit or tap"),
        (("rules/edge.save",), "IPT130", "edge.save"),
        (("flows", "--verify", "--variant", "xt"), "IPT004", "nft or legacy"),
    ],
)
def test_wrong_input(iptc_sim: Runner, project: Path, words: tuple[str, ...], code: str, shown: str) -> None:
    ran = iptc_sim("test", *words, cwd=project)
    assert (ran.status, ran.out) == (2, "")
    assert f"error {code}" in ran.err
    assert shown in ran.err
    assert "Traceback" not in ran.err
