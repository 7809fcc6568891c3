"""The order of the hooks, as scenarios: every base chain of every table is marked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.kernel.scenario import CONNTRACK_USER, ROUTER6, Scenario, ping, table, tcp, udp

# ------------------------------------------------------------------------------------------

_HOOKS: Final = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}


def _marker_chains() -> str:
    """Every base chain jumps to an empty chain of its own, ``seen-in-HOOK``, and goes on to its policy."""
    texts = []
    for name, hooks in _HOOKS.items():
        chains = [f":seen-in-{hook} -" for hook in hooks]
        jumps = [f"-A {hook} -j seen-in-{hook}" for hook in hooks]
        texts.append(table(name, *chains, *jumps, *([CONNTRACK_USER] if name == "filter" else [])))
    return "".join(texts)


ALL_HOOKS: Final = _marker_chains()

_PREROUTING: Final = ("raw:PREROUTING", "mangle:PREROUTING", "nat:PREROUTING")
_INPUT: Final = ("mangle:INPUT", "filter:INPUT", "nat:INPUT")
_FORWARD: Final = ("mangle:FORWARD", "filter:FORWARD")
_OUTPUT: Final = ("raw:OUTPUT", "mangle:OUTPUT", "nat:OUTPUT", "filter:OUTPUT")
_POSTROUTING: Final = ("mangle:POSTROUTING", "nat:POSTROUTING")


def without_nat(path: Iterable[str]) -> tuple[str, ...]:
    return tuple(step for step in path if not step.startswith("nat:"))


_BY_LO: Final = (*_OUTPUT, *_POSTROUTING, *without_nat((*_PREROUTING, *_INPUT)))

#: Each with the base chains that its packet walks, which is the first of its connection.
HOOK_ORDER: Final[tuple[tuple[Scenario, tuple[str, ...]], ...]] = (
    (
        Scenario("forwarded", ALL_HOOKS, tcp("10.0.0.5:33000", "198.51.100.7:80", "eth1")),
        (*_PREROUTING, *_FORWARD, *_POSTROUTING),
    ),
    (
        Scenario("incoming", ALL_HOOKS, udp("198.51.100.7:33000", "192.0.2.10:53", "eth0")),
        (*_PREROUTING, *_INPUT),
    ),
    (
        Scenario("incoming-for-another-interface", ALL_HOOKS, tcp("10.0.0.5:33000", "10.0.1.1:22", "eth1")),
        (*_PREROUTING, *_INPUT),
    ),
    (
        Scenario("made-here", ALL_HOOKS, tcp("192.0.2.10:33000", "198.51.100.7:80")),
        (*_OUTPUT, *_POSTROUTING),
    ),
    (Scenario("loopback", ALL_HOOKS, tcp("127.0.0.1:33000", "127.0.0.1:80")), _BY_LO),
    (Scenario("to-an-own-address", ALL_HOOKS, tcp("192.0.2.10:33000", "10.0.0.1:80")), _BY_LO),
    (
        Scenario("ping-forwarded", ALL_HOOKS, ping("10.0.0.5", "198.51.100.7", "eth1")),
        (*_PREROUTING, *_FORWARD, *_POSTROUTING),
    ),
    (
        Scenario("invalid-skips-nat", ALL_HOOKS, tcp("10.0.0.5:33000", "198.51.100.7:80", "eth1", "SYN", "ACK")),
        without_nat((*_PREROUTING, *_FORWARD, *_POSTROUTING)),
    ),
    (
        Scenario(
            "forwarded-ipv6",
            ALL_HOOKS,
            tcp("[2001:db8:2::5]:33000", "[2001:db8:1::7]:80", "eth1"),
            ROUTER6,
            (),
        ),
        (*_PREROUTING, *_FORWARD, *_POSTROUTING),
    ),
    (
        Scenario("loopback-ipv6", ALL_HOOKS, tcp("[::1]:33000", "[::1]:80"), ROUTER6, ()),
        _BY_LO,
    ),
    (
        Scenario("martian-lost-after-prerouting", ALL_HOOKS, tcp("10.0.0.5:33000", "127.0.0.1:80", "eth1")),
        _PREROUTING,
    ),
    (
        Scenario(
            "no-forwarding",
            ALL_HOOKS,
            tcp("10.0.0.5:33000", "198.51.100.7:80", "eth1"),
            sysctls={"net/ipv4/ip_forward": "0"},
        ),
        _PREROUTING,
    ),
    (
        Scenario("no-route-before-any-hook", ALL_HOOKS, tcp("192.0.2.10:33000", "203.0.113.9:80"), routes=()),
        (),
    ),
)
