"""pytest plugin: rulesets as fixtures, and asserts about packets that show the path when they fail.

::

    from iptc_sim.pytest_plugin import assert_dropped, assert_reaches

    def test_service(iptables_ruleset):
        rules = iptables_ruleset("node.save")
        assert_reaches(rules, "tcp 10.244.1.5:33000 -> 10.97.126.137:8125 in cni0", "172.17.0.4:80")
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from iptc_sim.api import PacketLike
    from iptc_sim.node import Node
    from iptc_sim.ruleset import Ruleset
    from iptc_sim.steps import End, Trace


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


def assert_reaches(ruleset: Ruleset, packet: PacketLike, destination: str, *, node: Node | None = None) -> Trace:
    """Assert that a packet may end at a destination, and that no branch of it is dropped, rejected or lost.

    Args:
        ruleset: the rules.
        packet: flow text, a Flow, a Packet or a scapy packet.
        destination: ``ADDRESS:PORT`` or ``ADDRESS``; at least one branch must end there.
        node: the machine, as far as it is known.

    Returns:
        The trace.
    """
    __tracebackhide__ = True
    found = _trace(ruleset, packet, node)
    stopped = [end for end in found.ends if not _arrived(end)]
    if stopped:
        _fail(found, f"expected it to reach {destination}, but it is stopped: {_verdict(found, stopped[0])}")
    if not any(destination in {end.packet.destination_text, str(end.packet.destination)} for end in found.ends):
        ends = ", ".join(sorted({end.packet.destination_text for end in found.ends}))
        _fail(found, f"expected it to reach {destination}, but it reaches {ends}")
    return found


def assert_dropped(ruleset: Ruleset, packet: PacketLike, *, by: str = "", node: Node | None = None) -> Trace:
    """Assert that every branch of a packet is dropped or rejected by the rules.

    Args:
        ruleset: the rules.
        packet: flow text, a Flow, a Packet or a scapy packet.
        by: a chain, or ``CHAIN:NUMBER``, that must be the one that does it (number 0 is the policy).
        node: the machine, as far as it is known.

    Returns:
        The trace.
    """
    __tracebackhide__ = True
    found = _trace(ruleset, packet, node)
    passed = [end for end in found.ends if end.decided_by is None]
    if passed:
        _fail(found, f"expected it to be dropped, but: {_verdict(found, passed[0])}")
    for end in found.ends:
        _, chain, number = end.decided_by or ("", "", 0)
        if by and by not in {chain, f"{chain}:{number}"}:
            _fail(found, f"expected {by} to drop it, but: {_verdict(found, end)}")
    return found


def _trace(ruleset: Ruleset, packet: PacketLike, node: Node | None) -> Trace:
    from iptc_sim.api import trace

    return trace(ruleset, packet, node)


def _arrived(end: End) -> bool:
    from iptc_sim.steps import Fate

    return end.fate in {Fate.LOCAL, Fate.FORWARD, Fate.SENT}


def _verdict(found: Trace, end: End) -> str:
    from iptc_sim.render import verdict

    return verdict(found, end)


def _fail(found: Trace, message: str) -> None:
    __tracebackhide__ = True
    from iptc_sim.render import render_path

    pytest.fail(f"{message}\n\n{render_path(found)}", pytrace=False)
