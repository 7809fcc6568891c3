"""Flows files and asserts that also go through the kernel: ``--iptc-verify``, ``iptc-sim test --verify``."""

from __future__ import annotations

import shutil

import pytest

from iptc_sim.expect import Case, InKernel, NotSentError, load, read_flows_file, run_case
from iptc_sim.expect.nodes import read_told
from iptc_sim.flows import parse_flow
from iptc_sim.kernel import requirements
from iptc_sim.node import Node
from iptc_sim.syntax import parse
from iptc_sim.values import Variant
from tests.conftest import CHECKOUT, Runner

pytestmark = pytest.mark.kernel

EXAMPLE = CHECKOUT / "fixtures" / "example-project"
NODE = read_told(interfaces={"eth0": ["192.0.2.10/24"], "eth1": ["10.0.0.1/24"]}).node
KNOCK = """*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 7000 -m recent --set --name K -j DROP
-A INPUT -p tcp -m tcp --dport 22 -m recent --rcheck --name K -j ACCEPT
COMMIT
"""


@pytest.fixture
def example(pytester: pytest.Pytester) -> pytest.Pytester:
    if reason := requirements():
        pytest.skip(reason)
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    return pytester


@pytest.mark.parametrize("name", ["edge", "web"])
def test_every_flow_of_the_worked_example(name: str, variant: str) -> None:
    kernel = InKernel(Variant(variant))
    loaded = load(read_flows_file(EXAMPLE / "flows" / f"{name}.flows.yaml"))
    found = [run_case(case, loaded, kernel) for case in loaded.file.cases]
    assert [flow.missed for flow in found] == [()] * len(found)
    assert (kernel.sent, kernel.not_sent) == (
        sum(len(case.steps) for case in loaded.file.cases if isinstance(case, Case)),
        {},
    )


def test_the_worked_example_with_pytest(example: pytest.Pytester) -> None:
    # 6 flows, a sequence of 2, 2 flows of the Service; 8 tests in Python, one of which has a packet before. 3 claims
    # and 2 tests about whole rulesets send nothing.
    for words in ([], ["-n", "2"]):
        result = example.runpytest_subprocess("--iptc-verify", *words)
        result.assert_outcomes(passed=22)
        result.stdout.fnmatch_lines(["iptc-sim: 19 packets were sent through the kernel"])


def test_what_the_kernel_is_not_asked_is_said(example: pytest.Pytester) -> None:
    example.makepyfile(
        """
        from iptc_sim.pytest_plugin import assert_dropped

        def test_unknown_node(iptables_ruleset):
            assert_dropped(iptables_ruleset("rules/edge.save"), "tcp 203.0.113.66:1 -> 10.0.0.5:81 in eth0")

        def test_told_time(iptables_ruleset, node):
            machine = node(interfaces={"eth0": ["192.0.2.10/24"]})
            rules = iptables_ruleset("rules/edge.save")
            assert_dropped(rules, "tcp 203.0.113.66:1 -> 192.0.2.10:81 in eth0", node=machine, now=1e9)
        """
    )
    result = example.runpytest_subprocess("--iptc-verify", "test_what_the_kernel_is_not_asked_is_said.py")
    result.stdout.fnmatch_lines(
        [
            "iptc-sim: 0 packets were sent through the kernel",
            "iptc-sim: 1 not sent: the node is not known, so it cannot be built",
            "iptc-sim: 1 not sent: the kernel has its own time, and the flow tells another one",
        ]
    )


def test_on_the_command_line(iptc_sim: Runner, variant: str) -> None:
    ran = iptc_sim("test", EXAMPLE / "flows" / "edge.flows.yaml", "-k", "knock", "--verify", "--variant", variant)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[0].endswith("knock  (the kernel does the same: 2)")


def test_a_simulator_with_other_rules_is_found_out(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel gets other rules than the simulator, on purpose."""
    ruleset = parse("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j DROP\nCOMMIT\n")
    other = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp -j DROP\nCOMMIT\n"
    flow = parse_flow("tcp 192.0.2.9:1 -> 192.0.2.10:22 in eth0")
    kernel = InKernel(Variant(variant))
    assert not kernel.send(ruleset, NODE, [flow]).differs
    monkeypatch.setattr("iptc_sim.expect.in_kernel.write_save", lambda *_, **__: other)
    assert "differs" in kernel.send(ruleset, NODE, [flow]).differs


def test_rules_that_the_kernel_refuses(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "iptc_sim.expect.in_kernel.write_save", lambda *_, **__: "*filter\n-A INPUT -j NOWHERE\nCOMMIT\n"
    )
    flow = parse_flow("tcp 192.0.2.9:1 -> 192.0.2.10:22 in eth0")
    sent = InKernel(Variant(variant)).send(parse(KNOCK), NODE, [flow])
    assert sent.differs.startswith("iptables-restore refuses the rules")


def test_nothing_is_left_of_the_flows_before(variant: str) -> None:
    """The list of -m recent outlives rules that are loaded again; every flow gets a node of its own."""
    kernel = InKernel(Variant(variant))
    knock, ssh = (parse_flow(f"tcp 192.0.2.9:{port} -> 192.0.2.10:{port} in eth0") for port in (7000, 22))
    fates = [kernel.send(parse(KNOCK), NODE, flows).ends[-1].fate for flows in ([ssh], [knock, ssh], [ssh])]
    assert fates == ["drop", "local", "drop"]


@pytest.mark.parametrize(
    ("node", "flow", "reason"),
    [
        (Node(), "tcp 192.0.2.9:1 -> 192.0.2.10:22 in eth0", "the node is not known"),
        (NODE, "tcp 192.0.2.9:1 -> 192.0.2.10:22", "does not tell its in interface"),
        (NODE, "tcp 192.0.2.9 -> 192.0.2.10:22 in eth0", "or a port"),
        (NODE, "tcp 192.0.2.9:1 -> 192.0.2.10:22 in eth0 ct established", "its ctstate"),
    ],
)
def test_what_cannot_be_sent(node: Node, flow: str, reason: str) -> None:
    kernel = InKernel()
    for _ in range(2):
        with pytest.raises(NotSentError, match=reason):
            kernel.send(parse(KNOCK), node, [parse_flow(flow)])
    assert (list(kernel.not_sent.values()), kernel.sent) == ([2], 0)
