"""IPT110 and IPT111."""

from __future__ import annotations

import pytest

from tests.lint.found import findings, table, told

RULE = "-A PREROUTING -p tcp --dport 80"


def split(*chances: str | None, to: str = "DNAT --to-destination 10.0.0.") -> list[str]:
    """Rules that choose among ends; None: no draw."""
    return [
        f"{RULE} {f'-m statistic --mode random --probability {chance}' if chance else ''} -j {to}{number}"
        for number, chance in enumerate(chances, 1)
    ]


def nat(*rules: str, chains: list[str] | None = None) -> str:
    return table(*rules, name="nat", chains=chains or [])


@pytest.mark.parametrize(
    ("chances", "severity"),
    [
        (("0.33", "0.33", None), "warning"),
        (("0.5", "0.3333", None), "warning"),
        (("0.5", "0.5", "0.5", None), "warning"),
        (("0.25", "0.33", "0.42", None), "warning"),
        (("0.1", "0.2", None), "note"),
        (("0.33", "0.5", None), "note"),
    ],
)
def test_uneven(chances: tuple[str | None, ...], severity: str) -> None:
    (one,) = findings(nat(*split(*chances)))
    assert (one.code, str(one.diagnostic.severity)) == ("IPT110", severity)


def test_exact_odds_are_shown() -> None:
    (one,) = findings(nat(*split("0.5", "0.25", None)))
    assert one.diagnostic.message == (
        "nat PREROUTING chooses unevenly among 3 ways: "
        "rule 1: 1/2 (50.000%), rule 2: 1/8 (12.500%) and rule 3: 3/8 (37.500%)"
    )


@pytest.mark.parametrize(
    "chances",
    [
        ("0.5", None),
        ("0.33333333349", "0.50000000000", None),
        ("0.3333333333", "0.5000000000", None),
        ("0.2500000000", "0.3333333333", "0.5000000000", None),
        ("0.1", None),
    ],
)
def test_even_or_a_canary(chances: tuple[str | None, ...]) -> None:
    assert told(nat(*split(*chances))) == []


def service(count: int, *, digits: int = 10) -> list[str]:
    """A Service as kube-proxy writes it (proxier.go: computeProbability)."""
    chain = "KUBE-SVC-AAAAAAAAAAAAAAAA"
    ends = [f"KUBE-SEP-{'A' * 15}{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[:count]]
    rules = [
        f"-A {chain} -m statistic --mode random --probability {1 / (count - place):.{digits}f} -j {end}"
        if place + 1 < count
        else f"-A {chain} -j {end}"
        for place, end in enumerate(ends)
    ]
    return [
        f"-A PREROUTING -j {chain}", *rules, *(f"-A {end} -p tcp -j DNAT --to-destination 10.244.0.1:80" for end in ends)
    ]  # fmt: skip


@pytest.mark.parametrize("count", [2, 3, 7, 19, 32])
def test_what_kube_proxy_rounds_is_even(count: int) -> None:
    for digits in (10, 5):  # five up to 1.15
        assert told(nat(*service(count, digits=digits), chains=_chains(count))) == []
    assert told(nat(*service(max(count, 3), digits=2), chains=_chains(max(count, 3))), "IPT110")


def _chains(count: int) -> list[str]:
    return list(dict.fromkeys(line.split()[1] for line in service(count) if line.startswith("-A KUBE")))


def test_an_endpoint_that_was_taken_out_by_hand() -> None:
    rules = service(3)
    chains = _chains(3)
    assert told(nat(*rules[:2], *rules[3:], chains=chains), "IPT110") == [
        "IPT110 KUBE-SVC-AAAAAAAAAAAAAAAA 1 because 2"
    ]
    assert told(nat(*rules[:3], *rules[4:], chains=chains), "IPT111") == [
        "IPT111 KUBE-SVC-AAAAAAAAAAAAAAAA 2 because 1"
    ]


def test_packets_are_left_over() -> None:
    (_, one) = findings(nat(*split("0.5", "0.5")), "IPT110", "IPT111")
    assert one.diagnostic.message == (
        "nat PREROUTING leaves 1/4 (25.000%) of the packets to no rule: "
        "nat PREROUTING rule 2 (line 7) is the last choice and draws, too"
    )
    assert told(nat(*split("0.5", "0.5"), f"{RULE} -j DNAT --to-destination 10.0.0.9"), "IPT111") == []
    assert told(nat(*split("0.5", "0.5"), "-A PREROUTING -p udp -j ACCEPT"), "IPT111") == []  # something follows
    assert told(nat(*split("0.5")), "IPT111") == []  # one in two is a test
    assert (
        told(table(*(f"-A INPUT -m statistic --mode random --probability 0.5 -j {to}" for to in ("DROP", "ACCEPT"))))
        == []
    )


def test_draws_that_are_no_choice() -> None:
    """Packets come back from these, or the conditions differ, or nth counts."""
    marks = [f"-A PREROUTING -m statistic --mode random --probability 0.5 -j MARK --set-mark {n}" for n in (1, 2, 3)]
    assert told(table(*marks, name="mangle")) == []
    jumps = [f"-A INPUT -m statistic --mode random --probability 0.5 -j a{n}" for n in (1, 2, 3)]
    bodies = [f"-A a{n} -p tcp -j ACCEPT" for n in (1, 2, 3)]
    assert told(table(*jumps, *bodies, chains=["a1", "a2", "a3"])) == []
    ports = [
        rule.replace("--dport 80", f"--dport {80 + number}") for number, rule in enumerate(split("0.5", "0.2", None))
    ]
    assert told(nat(*ports)) == []
    nth = [
        f"{RULE} -m statistic --mode nth --every {n} --packet 0 -j DNAT --to-destination 10.0.0.{n}" for n in (3, 3, 3)
    ]
    assert told(nat(*nth), "IPT110", "IPT111") == []
