"""The pytest plugin, in a project of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT


@pytest.fixture
def project(pytester: pytest.Pytester, seed: Path) -> pytest.Pytester:
    (pytester.path / "docker.rules").write_text((seed / "docker-nat.rules").read_text())
    (pytester.path / "node.save").write_text(
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 25 -j REJECT\nCOMMIT\n"
    )
    return pytester


def test_fixture_and_asserts_pass_where_they_should(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from iptc_sim import Node
        from iptc_sim.pytest_plugin import assert_dropped, assert_reaches, assert_rejected

        NODE = Node.of({"eth0": ["192.0.2.10/24"]})

        def test_docker(iptables_ruleset):
            rules = iptables_ruleset("docker.rules")
            found = assert_reaches(rules, "tcp 10.0.0.9:40000 -> 127.0.0.2:8080 in eth0", "172.17.0.7:80")
            assert len(found.ends) == 1

        def test_filter(iptables_ruleset):
            rules = iptables_ruleset("node.save")
            assert_reaches(rules, "tcp 10.0.0.9:1 -> 192.0.2.10:22 in eth0", "192.0.2.10", node=NODE)
            assert_dropped(rules, "tcp 10.0.0.9:1 -> 192.0.2.10:80 in eth0", node=NODE, by="INPUT:0")
            assert_rejected(rules, "tcp 10.0.0.9:1 -> 192.0.2.10:25 in eth0", "port-unreach", node=NODE, by="INPUT:2")
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=2)


def test_failures_show_the_path(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from iptc_sim import Node
        from iptc_sim.pytest_plugin import assert_dropped, assert_reaches

        NODE = Node.of({"eth0": ["192.0.2.10/24"]})

        def test_stopped(iptables_ruleset):
            assert_reaches(iptables_ruleset("node.save"), "tcp 10.0.0.9:1 -> 192.0.2.10:80 in eth0", "192.0.2.10:80", node=NODE)

        def test_elsewhere(iptables_ruleset):
            assert_reaches(iptables_ruleset("docker.rules"), "tcp 10.0.0.9:1 -> 127.0.0.2:8080 in eth0", "172.17.0.9:80")

        def test_not_dropped(iptables_ruleset):
            assert_dropped(iptables_ruleset("node.save"), "tcp 10.0.0.9:1 -> 192.0.2.10:22 in eth0", node=NODE)

        def test_rejected(iptables_ruleset):
            assert_dropped(iptables_ruleset("node.save"), "tcp 10.0.0.9:1 -> 192.0.2.10:25 in eth0", node=NODE)

        def test_dropped_by_another(iptables_ruleset):
            assert_dropped(iptables_ruleset("node.save"), "tcp 10.0.0.9:1 -> 192.0.2.10:80 in eth0", node=NODE, by="FORWARD")
        """
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(
        [
            "expected it to reach 192.0.2.10:80, but it is DROPPED*policy DROP of filter INPUT",
            "nearest: filter INPUT rule 1 (ACCEPT, line 3) does not fit: --dport 22: the destination port is 80",
            "*filter INPUT rule 1 (ACCEPT) does not fit: --dport 22: the destination port is 80",
            "expected it to reach 172.17.0.9:80, but it reaches 172.17.0.7:80",
            "*nat DOCKER rule 1 DNAT*",
            "expected it to be dropped, but it is delivered on this node*",
            "expected it to be dropped, but it is REJECTED*that is no drop*assert_rejected*",
            "expected FORWARD to drop it, but it is DROPPED*",
            "nearest: filter FORWARD: the packet does not pass FORWARD: it is for this node*",
        ]
    )


@pytest.fixture
def example(pytester: pytest.Pytester) -> pytest.Pytester:
    """The worked example, where its tests can be changed."""
    shutil.copytree(CHECKOUT / "fixtures" / "example-project", pytester.path, dirs_exist_ok=True)
    return pytester


def test_the_worked_example_passes(example: pytest.Pytester) -> None:
    result = example.runpytest_subprocess("-v")
    result.assert_outcomes(passed=22)
    result.stdout.fnmatch_lines(
        [
            "flows/edge.flows.yaml::published-port PASSED*",
            "flows/edge.flows.yaml::knock PASSED*",
            "flows/edge.flows.yaml::rewrite-changes-nothing PASSED*",
            "flows/web.flows.yaml::from-a-pod PASSED*",
            "tests/test_edge.py::test_way_out PASSED*",
        ]
    )
    example.runpytest_subprocess("-k", "knock").assert_outcomes(passed=2, deselected=20)
    example.runpytest_subprocess("-o", "iptc_flows=false").assert_outcomes(passed=10)


def test_a_flow_that_fails_shows_what_came_nearest(example: pytest.Pytester) -> None:
    """The published port is another one in the rules from now on."""
    rules = example.path / "rules" / "edge.save"
    rules.write_text(rules.read_text().replace("--dport 8080", "--dport 8081"))
    result = example.runpytest_subprocess("flows/edge.flows.yaml")
    result.assert_outcomes(passed=6, failed=3)  # and the rewrite is no longer the same
    result.stdout.fnmatch_lines(
        [
            "*published-port*",
            "expected it to reach 10.0.0.5:80, but it is DROPPED*",
            "nearest: nat PUBLISHED rule 1 (DNAT, line 17) does not fit: --dport 8081: the destination port is 8080",
            "packet *tcp 203.0.113.5:40000 -> 192.0.2.10:8080 in eth0",
            "FAILED flows/edge.flows.yaml::published-port*",
            "FAILED flows/edge.flows.yaml::guarded*",
        ]
    )


def test_wrong_files_are_told_where_they_are_wrong(example: pytest.Pytester) -> None:
    flows = example.path / "flows" / "edge.flows.yaml"
    flows.write_text(flows.read_text().replace("dropped-by: INPUT", "droped-by: INPUT"))
    result = example.runpytest_subprocess("flows/edge.flows.yaml")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*flows/edge.flows.yaml:41:67: error IPT130: droped-by is not a key of an expectation",
            "*did you mean dropped-by*",
        ]
    )
    (example.path / "rules" / "edge.save").unlink()
    flows.write_text(flows.read_text().replace("droped-by", "dropped-by"))
    result = example.runpytest_subprocess("flows/edge.flows.yaml")
    result.stdout.fnmatch_lines(["*flows/edge.flows.yaml:3:8: error IPT001: cannot read it: no such file*"])


def test_every_assert_fails_where_it_should(example: pytest.Pytester) -> None:
    example.makepyfile(
        """
        import pytest
        from iptc_sim.pytest_plugin import assert_masqueraded, assert_odds, assert_reaches, assert_rejected

        @pytest.fixture
        def edge(node):
            return node(interfaces={"eth0": ["192.0.2.10/24"], "eth1": ["10.0.0.1/24"]}, routes=["default via 192.0.2.1 dev eth0"])

        @pytest.fixture
        def rules(iptables_ruleset):
            return iptables_ruleset("rules/edge.save")

        TWO = "tcp 203.0.113.5:40000 -> 192.0.2.10:8443 in eth0"

        def test_odds(rules, edge):
            assert_odds(rules, TWO, {"10.0.0.5:443": "1/3"}, node=edge)

        def test_odds_as_number(rules, edge):
            assert_odds(rules, TWO, {"10.0.0.5:443": 0.5, "dropped": 0}, node=edge)

        def test_masqueraded(rules, edge):
            assert_masqueraded(rules, TWO, node=edge)

        def test_rejected(rules, edge):
            assert_rejected(rules, TWO, node=edge)

        def test_via(rules, edge):
            assert_reaches(rules, TWO, "10.0.0.5", via=["filter/GUARD", "nat/PUBLISHED"], node=edge)

        def test_nothing(rules, edge):
            with pytest.raises(ValueError, match="always pass"):
                assert_odds(rules, TWO, {}, node=edge)
        """
    )
    result = example.runpytest_subprocess("test_every_assert_fails_where_it_should.py")
    result.assert_outcomes(passed=2, failed=4)
    result.stdout.fnmatch_lines(
        [
            "expected a chance of 1/3 to reach 10.0.0.5:443, but it is 1/2 (50.000%)",
            "expected its source to be rewritten, but it stays 203.0.113.5:40000",
            "nearest: nat POSTROUTING rule 1 (MASQUERADE, line 16) does not fit: -s 10.0.0.0/24: the source is 203.0.113.5",
            "expected it to be rejected, but it is forwarded to 10.0.0.5:443 by eth1*",
            "expected it to pass filter/GUARD, then nat/PUBLISHED, but it passes nat/PUBLISHED before that*",
        ]
    )


def test_claims_of_a_file_that_fail(example: pytest.Pytester) -> None:
    """Where the rewrite forgets the guard, it lets through what comes from 203.0.113.66; and a rule is there twice."""
    rewrite = example.path / "rules" / "edge-rewritten.save"
    rewrite.write_text(rewrite.read_text().replace("! -s 203.0.113.66 ", ""))
    rules = example.path / "rules" / "edge.save"
    rules.write_text(rules.read_text().replace("-A INPUT -i lo -j ACCEPT\n", "-A INPUT -i lo -j ACCEPT\n" * 2))
    result = example.runpytest_subprocess("flows/edge.flows.yaml", "-k", "rewrite or odd")
    result.assert_outcomes(failed=2, deselected=7)
    result.stdout.fnmatch_lines(
        [
            "*rewrite-changes-nothing*",
            "expected the rules to be equivalent to */edge-rewritten.save, but they are different: *",
            "*e.g.     tcp 203.0.113.66:*",
            "*A        is dropped",
            "*B        is forwarded*",
            "*nothing-odd*",
            "expected no findings, but there is one: IPT103",
            "*edge.save:28:1: warning IPT103: *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_asserts_about_rulesets(project: pytest.Pytester) -> None:
    (project.path / "halves.save").write_text(
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -s 0.0.0.0/1 -j ACCEPT\n-A INPUT -p tcp --dport 22 -s 128.0.0.0/1"
        " -j ACCEPT\n-A INPUT -p tcp --dport 25 -j REJECT\nCOMMIT\n"
    )
    (project.path / "odd.save").write_text(
        "*filter\n:INPUT DROP [0:0]\n:UNUSED - [0:0]\n-A INPUT -p tcp --dport 22:25 -j ACCEPT\n-A INPUT -p tcp --dport 25 -j REJECT\nCOMMIT\n"
    )
    (project.path / "knock.save").write_text(
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m recent --set --name K\n-A INPUT -p tcp --dport 22 -m recent --rcheck --name K"
        " -j ACCEPT\nCOMMIT\n"
    )
    (project.path / "known.json").write_text('{"schema": "iptc-sim/baseline/1", "findings": []}')
    (project.path / "no.json").write_text("[]")
    project.makepyfile(
        """
        import pytest
        from pathlib import Path
        from iptc_sim import InputError, UsageError
        from iptc_sim.pytest_plugin import assert_equivalent, assert_no_findings

        HERE = Path(__file__).parent

        @pytest.fixture
        def rules(iptables_ruleset):
            return iptables_ruleset("node.save")

        @pytest.fixture
        def odd(iptables_ruleset):
            return iptables_ruleset("odd.save")

        def test_the_same(rules, iptables_ruleset, node):
            found = assert_equivalent(rules, iptables_ruleset("halves.save"))
            assert found.verdict == "equivalent"
            assert_equivalent(rules, iptables_ruleset("halves.save"), node=node(interfaces={"eth0": ["192.0.2.10/24"]}))

        def test_undecided_passes(rules, iptables_ruleset):
            lines = (HERE / "knock.save").read_text().split("\\n")
            lines[2:4] = reversed(lines[2:4])
            (HERE / "last.save").write_text("\\n".join(lines))
            first, last = iptables_ruleset("knock.save"), iptables_ruleset("last.save")
            assert assert_equivalent(first, last, undecided="pass").verdict == "undecided"
            with pytest.raises(pytest.fail.Exception, match="not decided: a condition that counts"):
                assert_equivalent(first, last)

        def test_sound(rules, odd):
            assert_no_findings(rules)
            assert_no_findings(rules, baseline=HERE / "known.json")
            assert_no_findings(odd, ignore=["IPT100", "IPT106"])

        def test_wrong_words(rules, iptables_ruleset):
            with pytest.raises(ValueError, match="undecided is fail or pass, not ignore"):
                assert_equivalent(rules, rules, undecided="ignore")
            with pytest.raises(UsageError, match="two families"):
                assert_equivalent(rules, iptables_ruleset("node.save", family=6))
            with pytest.raises(ValueError, match="IPT010 is no code of lint"):
                assert_no_findings(rules, ignore=["IPT010"])
            with pytest.raises(InputError, match="IPT056"):
                assert_no_findings(rules, baseline=HERE / "no.json")
            with pytest.raises(InputError, match="IPT001"):
                assert_no_findings(rules, baseline=HERE / "nothing.json")

        def test_different(rules, odd):
            assert_equivalent(rules, odd, undecided="pass")

        def test_odd(odd):
            assert_no_findings(odd, ignore="IPT106")
        """
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*test_different*",
            "expected the rules to be equivalent to B, but they are different: *",
            "*e.g.     tcp *",
            "*test_odd*",
            "expected no findings, but there is one: IPT100",
            "*odd.save:5* warning IPT100*",
            "*because of filter INPUT rule 1 (line 4): -A INPUT*",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin.py:*")


def test_the_kernel_must_be_there(example: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iptc_sim.kernel.requirements", lambda: "network namespaces need root")
    result = example.runpytest_inprocess("--iptc-verify")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --iptc-verify: the kernel cannot be asked: network namespaces need root"])
