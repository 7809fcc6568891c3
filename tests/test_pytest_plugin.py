"""The pytest plugin, in a project of its own."""

from __future__ import annotations

from pathlib import Path

import pytest


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
        from iptc_sim.pytest_plugin import assert_dropped, assert_reaches

        NODE = Node.of({"eth0": ["192.0.2.10/24"]})

        def test_docker(iptables_ruleset):
            rules = iptables_ruleset("docker.rules")
            found = assert_reaches(rules, "tcp 10.0.0.9:40000 -> 127.0.0.2:8080 in eth0", "172.17.0.7:80")
            assert len(found.ends) == 1

        def test_filter(iptables_ruleset):
            rules = iptables_ruleset("node.save")
            assert_reaches(rules, "tcp 10.0.0.9:1 -> 192.0.2.10:22 in eth0", "192.0.2.10", node=NODE)
            assert_dropped(rules, "tcp 10.0.0.9:1 -> 192.0.2.10:80 in eth0", node=NODE, by="INPUT:0")
            assert_dropped(rules, "tcp 10.0.0.9:1 -> 192.0.2.10:25 in eth0", node=NODE, by="INPUT")
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

        def test_dropped_by_another(iptables_ruleset):
            assert_dropped(iptables_ruleset("node.save"), "tcp 10.0.0.9:1 -> 192.0.2.10:80 in eth0", node=NODE, by="FORWARD")
        """
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        [
            "*expected it to reach 192.0.2.10:80, but it is stopped: DROPPED*policy DROP of filter INPUT",
            "*filter INPUT rule 1 (ACCEPT) does not fit: --dport 22: the destination port is 80",
            "*expected it to reach 172.17.0.9:80, but it reaches 172.17.0.7:80",
            "*nat DOCKER rule 1 DNAT*",
            "*expected it to be dropped, but: delivered on this node*",
            "*expected FORWARD to drop it, but: DROPPED*",
        ]
    )
