"""Claims about whole rulesets in flows files: ``equivalent-to`` and ``no-findings``.

That two rulesets are the same follows from arithmetic on prefixes and ports here, or from the manual of iptables.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from iptc_sim.expect import InKernel, load, read_flows_file, run
from iptc_sim.expect.model import LINT_CODES
from iptc_sim.expect.recording import record_file
from iptc_sim.lint import SEVERITIES, baseline_text, lint
from iptc_sim.render.tested import FileResult, FlowResult, Status
from iptc_sim.render.tested_data import render_junit, results_json
from iptc_sim.render.tested_text import render_tap, render_tests
from iptc_sim.resources import resource_text
from iptc_sim.syntax import parse
from tests.conftest import CHECKOUT

SSH = "-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT"
HALVES = f"{SSH.replace('10.0.0.0/8', '10.0.0.0/9')}\n{SSH.replace('10.0.0.0/8', '10.128.0.0/9')}"
#: The second rule never matches: the first takes all of its packets.
SHADOWED = "-A INPUT -p tcp -j DROP\n-A INPUT -p tcp -m tcp --dport 22 -j REJECT"
#: Whether a sender has been seen depends on packets before this one.
MARKED_FIRST = (
    "-A INPUT -p tcp -m recent --set --name K\n-A INPUT -p tcp -m tcp --dport 22 -m recent --rcheck --name K -j ACCEPT"
)
MARKED_LAST = "\n".join(reversed(MARKED_FIRST.split("\n")))
WEB = CHECKOUT / "fixtures" / "kube" / "worked-example.yaml"


def save(*rules: str, chains: str = "") -> str:
    return "\n".join(["*filter", ":INPUT DROP [0:0]", *([chains] if chains else []), *rules, "COMMIT", ""])


def claimed(folder: Path, rules: str, claims: str, *, more: str = "", **files: str) -> FileResult:
    """Run the claims of a file beside ``node.save``."""
    for name, text in {"node": rules, **files}.items():
        (folder / f"{name}.save").write_text(text)
    path = folder / "x.flows.yaml"
    path.write_text(f"version: 1\nrules: node.save\n{more}rulesets:\n{claims}")
    return run(load(read_flows_file(path)))


def only(found: FileResult) -> FlowResult:
    (one,) = found.flows
    return one


@pytest.mark.parametrize(
    "claim",
    [
        "other.save",
        "[other.save]",
        "[first.save, second.save]",
        '{text: "*filter\\n:INPUT DROP [0:0]\\n-A INPUT -p 6 -s 10.0.0.0/255.0.0.0 --dport ssh -j ACCEPT\\nCOMMIT\\n"}',
    ],
)
def test_rules_that_do_the_same(tmp_path: Path, claim: str) -> None:
    found = claimed(
        tmp_path,
        save(SSH),
        f"  same: {{equivalent-to: {claim}}}\n",
        other=save(HALVES),
        first=save(HALVES),
        second="*nat\nCOMMIT\n",
    )
    assert only(found) == FlowResult("same", 4, Status.PASSED, seconds=only(found).seconds, subject=only(found).subject)
    assert render_tests([found]).endswith("4: same\n1 ruleset: 1 passed\n")


def test_rules_that_differ_show_a_packet_and_both_its_ways(tmp_path: Path) -> None:
    found = only(
        claimed(
            tmp_path,
            save(SSH),
            "  same:\n    equivalent-to: other.save\n",
            other=save(SSH.replace("--dport 22", "--dport 22:23")),
        )
    )
    assert found.status is Status.FAILED
    (missed,) = found.missed
    assert missed.key == "equivalent-to"
    here, other = (str(tmp_path / name) for name in ("node.save", "other.save"))
    assert missed.sentence.startswith(f"expected the rules to be equivalent to {other}, but they are different: ")
    lines = [line.strip() for line in missed.path.split("\n")]
    assert lines[:2] == [f"A  {here}", f"B  {other}"]
    packets = [line for line in lines if line.startswith("e.g.")]
    assert packets
    assert all(":23 " in packet for packet in packets), packets  # no other port is treated differently
    assert "A        is dropped" in lines
    assert "B        is delivered on this node" in lines
    assert any(line.startswith("=> DROPPED") and "policy DROP of filter INPUT" in line for line in lines)
    assert "filter INPUT rule 1 ACCEPT  (line 3)" in lines


def test_the_undecided_fails_unless_it_may_pass(tmp_path: Path) -> None:
    claims = "  a: {equivalent-to: other.save}\n  b: {equivalent-to: other.save, undecided: fail}\n"
    claims += "  c: {equivalent-to: other.save, undecided: pass}\n"
    found = claimed(tmp_path, save(MARKED_FIRST), claims, other=save(MARKED_LAST))
    assert [one.status for one in found.flows] == [Status.FAILED, Status.FAILED, Status.PASSED]
    (missed,) = found.flows[0].missed
    assert "but that is undecided: no packet was found" in missed.sentence
    assert "not decided: a condition that counts or remembers packets is asked for other packets" in missed.path
    passed = render_tests([found]).split("\n")[-3]
    assert passed.startswith("ok ")
    assert "(undecided: no packet was found that is treated differently, and it is not proven" in passed
    assert json.loads(results_json([found]))["files"][0]["flows"][2]["note"].startswith("undecided: ")


def test_a_difference_does_not_pass_as_undecided(tmp_path: Path) -> None:
    claims = "  a: {equivalent-to: other.save, undecided: pass}\n"
    assert only(claimed(tmp_path, save(SSH), claims, other=save())).status is Status.FAILED


def test_the_node_counts(tmp_path: Path) -> None:
    """What is translated to an address of the node is not forwarded there; without the node nobody knows that it is."""
    nat = "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.0.2.10:80\nCOMMIT\n"
    more = "*filter\n-A FORWARD -d 192.0.2.10/32 -m conntrack --ctstate DNAT -j DROP\nCOMMIT\n"
    claims = "  a: {equivalent-to: other.save, undecided: pass}\n"
    node = "node: {interfaces: {eth0: [192.0.2.10/24]}}\n"
    empty = "*filter\nCOMMIT\n"
    assert only(claimed(tmp_path, nat + empty, claims, other=nat + more)).status is Status.FAILED
    assert only(claimed(tmp_path, nat + empty, claims, more=node, other=nat + more)).status is Status.PASSED


def test_rules_for_objects(tmp_path: Path) -> None:
    """kube-proxy 1.28 and 1.30 write the same for these objects, and without a Service they write something else."""
    kube = "generate: {kube: web.yaml, release: "
    text = f"version: 1\n{kube}1.28}}\nrulesets:\n  next: {{equivalent-to: {{{kube}1.30}}}}}}\n"
    (tmp_path / "web.yaml").write_text(WEB.read_text())
    (tmp_path / "none.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n")
    path = tmp_path / "x.flows.yaml"
    path.write_text(text + "  none: {equivalent-to: {generate: {kube: none.yaml}}}\n")
    found = run(load(read_flows_file(path)))
    assert [(one.name, one.status) for one in found.flows] == [("next", Status.PASSED), ("none", Status.FAILED)]
    assert "to be equivalent to <kube-proxy 1." in found.flows[1].missed[0].sentence


def test_excerpts_are_completed_as_for_packets(tmp_path: Path) -> None:
    """The jump to DOCKER that was cut off is there on both sides, or nothing would lead to what differs."""
    rule = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n"
    found = claimed(
        tmp_path, rule, "  a: {equivalent-to: other.save}\n", more="table: nat\n", other=rule.replace(":80", ":81")
    )
    assert "different" in only(found).missed[0].sentence


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ("*filter\n-A INPUT --bad\nCOMMIT\n", "other.save:2:10: error IPT"),
        ("*filter\n-A INPUT -s fd00::1/128 -j DROP\nCOMMIT\n", "IPT004: A is of IPv4 and B of IPv6"),
        ("*filter\n:A - [0:0]\n-A INPUT -j A\n-A A -j A\nCOMMIT\n", "error IPT033"),
    ],
)
def test_rules_that_cannot_be_compared_are_an_error(tmp_path: Path, other: str, error: str) -> None:
    found = claimed(
        tmp_path, save(SSH), "  bad: {equivalent-to: other.save}\n  good: {no-findings: true}\n", other=other
    )
    assert [one.status for one in found.flows] == [Status.ERROR, Status.PASSED]
    assert error in found.flows[0].error


def test_nothing_is_found(tmp_path: Path) -> None:
    assert only(claimed(tmp_path, save(HALVES), "  clean: {no-findings: true}\n")).status is Status.PASSED


def test_findings_are_shown_as_check_shows_them(tmp_path: Path) -> None:
    found = only(claimed(tmp_path, save(SHADOWED, chains=":LEFT - [0:0]"), "  clean: {no-findings: true}\n"))
    assert found.status is Status.FAILED
    (missed,) = found.missed
    assert (missed.key, missed.sentence) == ("no-findings", "expected no findings, but there are 2: IPT100, IPT106")
    assert f"{tmp_path / 'node.save'}:5" in missed.path
    assert "warning IPT100" in missed.path
    assert "because of filter INPUT rule 1 (line 4)" in missed.path
    assert missed.path.endswith("1 warning, 1 note in 1 file")


@pytest.mark.parametrize(
    ("excepted", "status"),
    [("[IPT100]", Status.PASSED), ("IPT100", Status.PASSED), ("[IPT101, IPT106]", Status.FAILED)],
)
def test_exceptions(tmp_path: Path, excepted: str, status: Status) -> None:
    found = claimed(tmp_path, save(SHADOWED), f"  clean: {{no-findings: {{except: {excepted}}}}}\n")
    assert only(found).status is status


def test_comments_in_the_dump_hold(tmp_path: Path) -> None:
    first, second = SHADOWED.split("\n")
    rules = save(first, "# iptc: ignore IPT100 kept for the audit", second)
    claims = "  clean: {no-findings: true}\n"
    assert only(claimed(tmp_path, rules, claims)).status is Status.PASSED
    missed = only(claimed(tmp_path, rules.replace(" kept for the audit", ""), claims)).missed
    assert missed[0].sentence == "expected no findings, but there is one: IPT119"


def test_a_baseline_holds_what_was_there(tmp_path: Path) -> None:
    known = baseline_text(lint(parse(save(SHADOWED))))
    (tmp_path / "known.json").write_text(known)
    claims = "  clean: {no-findings: {baseline: known.json}}\n"
    assert only(claimed(tmp_path, save(SHADOWED), claims)).status is Status.PASSED
    new = SHADOWED + "\n-A INPUT -p tcp -m tcp --dport 25 -j REJECT"
    found = only(claimed(tmp_path, save(new), claims))
    assert found.missed[0].sentence == "expected no findings, but there is one: IPT100"
    assert "node.save:5" in found.missed[0].path
    assert "IPT119" in only(claimed(tmp_path, save(SSH), claims)).missed[0].sentence  # nothing is left of it
    (tmp_path / "known.json").write_text("{}")
    found = only(claimed(tmp_path, save(SHADOWED), claims))
    assert (found.status, "error IPT056: this is no baseline" in found.error) == (Status.ERROR, True)


def test_the_codes_are_those_of_lint() -> None:
    assert set(LINT_CODES) == set(SEVERITIES)


def test_recording_leaves_claims_alone(tmp_path: Path) -> None:
    (tmp_path / "node.save").write_text(save(SSH))
    path = tmp_path / "x.flows.yaml"
    claims = "rulesets:\n  same: {equivalent-to: node.save}  # itself\n  clean:\n    no-findings: true\n"
    head = "version: 1\nrules: node.save\nnode: {interfaces: {eth0: [192.0.2.10/24]}}\n"
    flow = "flows:\n  open:\n    flow: tcp 10.0.0.9:1 -> 192.0.2.10:22 in eth0\n"
    path.write_text(head + claims)
    assert [one.recorded for one in record_file(load(read_flows_file(path, recording=True)), path).flows] == ["", ""]
    assert path.read_text() == head + claims
    path.write_text(head + claims + flow)
    done = record_file(load(read_flows_file(path, recording=True)), path)
    assert [(one.name, bool(one.recorded)) for one in done.flows] == [("open", True), ("same", False), ("clean", False)]
    text = path.read_text()
    assert text.startswith(head + claims + flow)
    assert text.count("expect:") == 1


def test_claims_send_nothing_to_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "node.save").write_text(save(SSH))
    path = tmp_path / "x.flows.yaml"
    path.write_text(
        "version: 1\nrules: node.save\nrulesets: {a: {equivalent-to: {text: '*nat'}}, b: {no-findings: true}}\n"
    )
    kernel = InKernel()
    found = run(load(read_flows_file(path)), kernel=kernel)
    assert [one.status for one in found.flows] == [Status.FAILED, Status.PASSED]
    assert (kernel.sent, kernel.not_sent, {one.not_sent for one in found.flows}) == (0, {}, {""})


def test_every_format_tells_them(tmp_path: Path) -> None:
    claims = "  clean: {no-findings: true}\n  same: {equivalent-to: node.save}\n"
    found = claimed(tmp_path, save(SHADOWED), claims)
    schema = json.loads(resource_text("iptc_sim", "render", "schemas", "test-1.json"))
    told = json.loads(results_json([found]))
    jsonschema.validate(told, schema)
    assert (told["passed"], told["failed"]) == (1, 1)
    assert [flow["subject"] for flow in told["files"][0]["flows"]] == ["ruleset", "ruleset"]
    assert told["files"][0]["flows"][0]["missed"][0]["key"] == "no-findings"
    root = ET.fromstring(render_junit([found]))  # noqa: S314 - our own
    failed, passed = root.iter("testcase")
    assert (failed.attrib["name"], failed.attrib["line"], passed.attrib["name"], len(passed)) == (
        "clean",
        "4",
        "same",
        0,
    )
    assert failed[0].tag == "failure"
    assert failed[0].attrib["message"] == "expected no findings, but there is one: IPT100"
    assert "warning IPT100" in (failed[0].text or "")
    tap = render_tap([found])
    assert tap.startswith("TAP version 14\n1..2\nnot ok 1 - ")
    assert 'messages: ["expected no findings, but there is one: IPT100"]' in tap
    assert "ok 2 - " in tap
