"""pytest plugin: rulesets and nodes as fixtures, asserts about packets and rules, and ``*.flows.yaml`` files as tests.

A failure shows the path of the packet, and the rule that came nearest to what was expected::

    from iptc_sim.pytest_plugin import assert_dropped, assert_reaches

    def test_service(iptables_ruleset, node):
        rules = iptables_ruleset("node.save")
        machine = node(interfaces={"eth0": ["192.0.2.10/24"], "cni0": ["10.244.1.1/24"]})
        assert_reaches(rules, "tcp 10.244.1.5:33000 -> 10.97.126.137:8125 in cni0", "172.17.0.4:80", node=machine)
        assert_dropped(rules, "tcp 203.0.113.5:1 -> 192.0.2.10:22 in eth0", by="filter/INPUT:policy", node=machine)

Two asserts are about a ruleset as a whole, for all packets. Their failures show what ``iptc-sim diff --behaviour`` and
``iptc-sim check --lint`` print: the packets that are treated differently, one of them on both its ways; the findings::

    from iptc_sim.pytest_plugin import assert_equivalent, assert_no_findings

    def test_rules(iptables_ruleset):
        rules = iptables_ruleset("node.save")
        assert_equivalent(rules, iptables_ruleset("released.save"))
        assert_no_findings(rules, ignore=["IPT106"])

With ``--iptc-verify`` every flow that is asserted, here and in flows files, also goes through the real kernel. The
option ``iptc_flows = false`` of the ini file leaves flows files alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack

import pytest

if TYPE_CHECKING:
    from iptc_sim.api import PacketLike
    from iptc_sim.behaviour.answer import Behaviour
    from iptc_sim.connection import Earlier
    from iptc_sim.expect import Asked, Expected, InKernel
    from iptc_sim.expect.claims import Judged
    from iptc_sim.expect.values import Place
    from iptc_sim.node import Node
    from iptc_sim.ruleset import Ruleset
    from iptc_sim.steps import Trace

#: As ``iptc_sim.expect.ENDINGS``, which takes long to import.
_ENDINGS: Final = (".flows.yaml", ".flows.yml")

#: The kernel's side of this run; nothing without ``--iptc-verify``.
_KERNEL: list[InKernel] = []


@pytest.fixture
def iptables_ruleset(request: pytest.FixtureRequest) -> Callable[..., Ruleset]:
    """A function that reads one or more dumps; paths are relative to the test's file.

    ``iptables_ruleset("a.save", "b.rules", table="nat", family=4)`` takes the arguments of
    :func:`iptc_sim.read_rules`.
    """
    folder = request.path.parent

    def read(*paths: str | Path, table: str | None = None, family: int | None = None) -> Ruleset:
        from iptc_sim.syntax import read_rules
        from iptc_sim.values import Family

        full = [folder / path for path in paths]
        return read_rules(*full, table=table, family=None if family is None else Family(family))

    return read


@pytest.fixture
def node(request: pytest.FixtureRequest) -> Callable[..., Node]:
    """A function that returns a machine; paths are relative to the test's file.

    ``node("bundle/")`` reads a folder of ``iptc-sim capture``;
    ``node(interfaces={"eth0": ["192.0.2.10/24"]}, routes=["default via 192.0.2.1 dev eth0"], local=[...],
    sysctls={"net.ipv4.ip_forward": 1})`` tells it by hand, also on top of a folder.
    """
    folder = request.path.parent

    def read(
        bundle: str | Path | None = None,
        *,
        interfaces: Mapping[str, Iterable[str]] | None = None,
        routes: Iterable[str] = (),
        local: Iterable[str] = (),
        sysctls: Mapping[str, object] | None = None,
    ) -> Node:
        from iptc_sim.expect.nodes import read_told

        found = read_told(
            None if bundle is None else folder / bundle,
            interfaces=interfaces or {},
            routes=routes,
            local=local,
            sysctls=sysctls or {},
        )
        return found.node

    return read


class Around(TypedDict, total=False):
    """What else may be told of an asserted packet.

    Args:
        node: the machine, as far as it is known.
        now: the time of it, seconds since 1970; None: not told.
        history: the packets that came before it since the rules were loaded; None: not told.
    """

    node: Node | None
    now: float | None
    history: Iterable[PacketLike | Earlier] | None


def assert_reaches(
    ruleset: Ruleset,
    packet: PacketLike,
    destination: str,
    *,
    via: Iterable[str] = (),
    **around: Unpack[Around],
) -> Trace:
    """Assert that a packet may end at a destination, and that no branch of it is dropped, rejected or lost.

    Args:
        ruleset: the rules.
        packet: flow text, a Flow, a Packet or a scapy packet.
        destination: ``ADDRESS:PORT`` or ``ADDRESS``; at least one branch must end there.
        via: ``[TABLE/]CHAIN[:NUMBER]``, which every branch must pass, in this order.
        around: ``node``, ``now`` and ``history``, as :class:`Around` tells.

    Returns:
        The trace.
    """
    __tracebackhide__ = True
    from iptc_sim.expect import Asked, Expected
    from iptc_sim.expect.values import read_place

    asked = Asked(ruleset, packet, **around)
    wanted = Expected(may_reach=(asked.destination(destination),), via=tuple(map(read_place, via)))
    return _demand(asked, wanted)


def assert_dropped(
    ruleset: Ruleset,
    packet: PacketLike,
    *,
    by: str = "any",
    **around: Unpack[Around],
) -> Trace:
    """Assert that every branch of a packet is dropped by the rules: its sender hears nothing.

    A packet that is rejected, whose sender is told, fails this: that is what :func:`assert_rejected` is for.

    Args:
        ruleset: the rules.
        packet: flow text, a Flow, a Packet or a scapy packet.
        by: what must do it: ``[TABLE/]CHAIN[:NUMBER or :policy]``; number 0 is the policy, too.
        around: ``node``, ``now`` and ``history``, as :class:`Around` tells.

    Returns:
        The trace.
    """
    __tracebackhide__ = True
    from iptc_sim.expect import Asked, Expected

    return _demand(Asked(ruleset, packet, **around), Expected(dropped_by=_place(by)))


def assert_rejected(
    ruleset: Ruleset,
    packet: PacketLike,
    code: str = "any",
    *,
    by: str = "any",
    **around: Unpack[Around],
) -> Trace:
    """Assert that every branch of a packet is rejected by the rules: its sender is told.

    Args:
        ruleset: the rules.
        packet: flow text, a Flow, a Packet or a scapy packet.
        code: how, as ``--reject-with`` prints it: ``icmp-port-unreachable``.
        by: what must do it: ``[TABLE/]CHAIN[:NUMBER]``.
        around: ``node``, ``now`` and ``history``, as :class:`Around` tells.

    Returns:
        The trace.
    """
    __tracebackhide__ = True
    from iptc_sim.expect import Asked, Expected

    asked = Asked(ruleset, packet, **around)
    return _demand(asked, Expected(rejected_with=asked.code(code), rejected_by=_place(by)))


def assert_masqueraded(
    ruleset: Ruleset,
    packet: PacketLike,
    to: str | None = None,
    **around: Unpack[Around],
) -> Trace:
    """Assert that a packet gets somewhere, and that its source is rewritten in every branch.

    Args:
        ruleset: the rules.
        packet: flow text, a Flow, a Packet or a scapy packet.
        to: the address, or ``ADDRESS:PORT``, that its source must become; None: any other.
        around: ``node``, ``now`` and ``history``, as :class:`Around` tells.

    Returns:
        The trace.
    """
    __tracebackhide__ = True
    from iptc_sim.expect import Asked, Expected

    asked = Asked(ruleset, packet, **around)
    return _demand(asked, Expected(masqueraded=True if to is None else asked.destination(to)))


def assert_odds(
    ruleset: Ruleset,
    packet: PacketLike,
    odds: Mapping[str, str | float],
    **around: Unpack[Around],
) -> Trace:
    """Assert with which chance a packet ends where.

    Args:
        ruleset: the rules.
        packet: flow text, a Flow, a Packet or a scapy packet.
        odds: chances by destination, or by ``dropped`` and ``rejected``: ``{"172.17.0.4:80": "1/3"}``. A fraction is
            meant to within 1/100000, as kube-proxy rounds; a decimal or percentage to the digits that are given.
        around: ``node``, ``now`` and ``history``, as :class:`Around` tells.

    Returns:
        The trace.
    """
    __tracebackhide__ = True
    from iptc_sim.expect import Asked, Expected
    from iptc_sim.expect.expected import STOPPED
    from iptc_sim.expect.values import read_chance

    if not odds:
        raise ValueError("no odds are given: this would always pass")
    asked = Asked(ruleset, packet, **around)
    wanted = [(STOPPED.get(end) or asked.destination(end), read_chance(chance)) for end, chance in odds.items()]
    return _demand(asked, Expected(odds=tuple(wanted)))


def _place(text: str) -> Place | str:
    from iptc_sim.expect.values import ANY, read_place

    return read_place(text) if text not in {"", ANY} else ANY


def _demand(asked: Asked, wanted: Expected) -> Trace:
    """Fail unless the packet does what is expected, in the kernel, too, where that is asked."""
    __tracebackhide__ = True
    if problem := asked.problem(wanted, _KERNEL[0] if _KERNEL else None):
        pytest.fail(problem, pytrace=False)
    return asked.found


def assert_equivalent(
    a: Ruleset, b: Ruleset, *, node: Node | None = None, undecided: Literal["fail", "pass"] = "fail"
) -> Behaviour:
    """Assert that two rulesets treat every packet alike: proven, not tried.

    A difference in the rounding of odds alone is none.

    Args:
        a: one ruleset.
        b: the other.
        node: the machine that both are for; None: they treat packets alike on any.
        undecided: what becomes of the test if there is neither a proof nor a difference.

    Returns:
        The comparison, with what is assumed.

    Raises:
        UsageError: IPT004, they are of two address families.
    """
    __tracebackhide__ = True
    from iptc_sim.expect.claims import compare, judge_equivalent

    if undecided not in {"fail", "pass"}:
        raise ValueError(f"undecided is fail or pass, not {undecided}")
    found = compare(a, b, node)
    _claim(judge_equivalent(found, ("A", "B"), node, undecided_passes=undecided == "pass"))
    return found


def assert_no_findings(ruleset: Ruleset, *, ignore: Iterable[str] = (), baseline: str | Path | None = None) -> None:
    """Assert that ``iptc-sim check --lint`` finds nothing in a ruleset, not even something to note.

    Comments ``# iptc: ignore IPT106 reason`` in the dump hold here, too.

    Args:
        ruleset: the rules.
        ignore: codes that do not count: ``["IPT106"]``.
        baseline: a file that ``check --lint --write-baseline`` has written; what is in it does not count.

    Raises:
        ValueError: one of the codes is none.
        InputError: IPT001, IPT055 or IPT056, the baseline cannot be read.
    """
    __tracebackhide__ = True
    from iptc_sim.diagnostics import read_source
    from iptc_sim.expect.claims import judge_findings
    from iptc_sim.expect.model import LINT_CODES

    ignored = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    if wrong := [code for code in ignored if code not in LINT_CODES]:
        raise ValueError(f"{wrong[0]} is no code of lint: {LINT_CODES[0]} to {LINT_CODES[-1]}")
    known = None if baseline is None else read_source(str(baseline), Path(baseline))
    _claim(judge_findings(ruleset, ignored=ignored, baseline=known))


def _claim(judged: Judged) -> None:
    """Fail if a claim does not hold."""
    __tracebackhide__ = True
    from iptc_sim.render.tested import missed_text

    if judged.missed is not None:
        pytest.fail(missed_text(judged.missed), pytrace=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("iptc-sim")
    group.addoption("--iptc-verify", action="store_true", help="Also send every asserted flow through the kernel.")
    parser.addini("iptc_flows", "Whether *.flows.yaml files are tests.", type="bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    """Make the kernel's side ready.

    Raises:
        pytest.UsageError: this machine cannot do it.
    """
    if not config.getoption("--iptc-verify"):
        return
    from iptc_sim.expect import InKernel
    from iptc_sim.kernel import requirements

    if reason := requirements():
        raise pytest.UsageError(f"--iptc-verify: the kernel cannot be asked: {reason}")
    _KERNEL.append(InKernel())


def pytest_unconfigure() -> None:
    """Forget the kernel's side: another run in this process may not want it."""
    _KERNEL.clear()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the process that pytest-xdist was started in know what this one has sent."""
    for kernel in _KERNEL:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["iptc_sim"] = (kernel.sent, kernel.not_sent)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what another process of pytest-xdist has sent."""
    sent, not_sent = getattr(node, "workeroutput", {}).get("iptc_sim", (0, {}))
    for kernel in _KERNEL:
        kernel.add(sent, not_sent)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many packets the kernel got, and of which flows it was not asked."""
    for kernel in _KERNEL:
        terminalreporter.write_line(f"iptc-sim: {kernel.sent} packets were sent through the kernel")
        for reason, count in kernel.not_sent.items():
            terminalreporter.write_line(f"iptc-sim: {count} not sent: {reason}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take flows files."""
    if not (file_path.name.endswith(_ENDINGS) and parent.config.getini("iptc_flows")):
        return None
    from iptc_sim.expect.collected import FlowsCollector

    return FlowsCollector.from_parent(parent, path=file_path, kernel=_KERNEL[0] if _KERNEL else None)
