"""The matches whose options depend on each other. Expected lines are what iptables 1.8.9 prints."""

from __future__ import annotations

import pytest

from iptc_sim import Family, InputError, parse, write_rule

SAME = "="


def canonical(args: str, family: Family) -> str:
    ruleset = parse(f"*filter\n:FOO - [0:0]\n-A FOO {args}\nCOMMIT\n", family=family)
    return write_rule(next(rule for *_, rule in ruleset.rules()))


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("--dir in --pol ipsec", SAME),
        ("--pol none --dir out", "--dir out --pol none"),
        ("--dir in", "--dir in --pol ipsec"),
        ("--dir in --pol none --reqid 1", "--dir in --pol none"),
        ("--reqid 0x10 --spi 010 --dir in --pol ipsec", "--dir in --pol ipsec --reqid 16 --spi 0x8"),
        ("--dir in --pol ipsec --proto 50 ! --mode transport", "--dir in --pol ipsec --proto esp ! --mode transport"),
        ("--dir in --pol ipsec --reqid 1 --next --reqid 2 --strict", "--dir in --pol ipsec --strict --reqid 1 --next --reqid 2"),
        (
            "--dir in --pol ipsec --strict --mode tunnel --spi 5 ! --reqid 7 --next ! --mode transport ! --proto ah",
            "--dir in --pol ipsec --strict ! --reqid 7 --spi 0x5 --mode tunnel --next ! --proto ah ! --mode transport",
        ),
        ("--dir in --pol ipsec --strict --reqid 1 --next --reqid 2 --next --spi 0x3 --next --mode tunnel", SAME),
    ],
)  # fmt: skip
def test_policy_elements_are_printed_in_order(args: str, expected: str, family: Family) -> None:
    assert canonical(f"-m policy {args}", family) == f"-m policy {args if expected == SAME else expected}"


@pytest.mark.parametrize(
    ("given", "printed", "family"),
    [
        ("10.1.2.3/8", "10.1.2.3/8", Family.IPV4),
        ("10.0.0.1/32", "10.0.0.1", Family.IPV4),
        ("10.0.0.0/255.0.255.0", "10.0.0.0", Family.IPV4),
        ("0.0.0.0/0", "0.0.0.0/0", Family.IPV4),
        ("dead::/ffff::", "dead::/16", Family.IPV6),
    ],
)
def test_policy_keeps_the_bits_behind_the_mask(given: str, printed: str, family: Family) -> None:
    begin = "-m policy --dir in --pol ipsec --strict --mode tunnel"
    assert canonical(f"{begin} --tunnel-src {given}", family) == f"{begin} --tunnel-src {printed}"


def test_policy_takes_the_ends_of_what_is_not_transport() -> None:
    rule = "-m policy --dir in --pol ipsec ! --mode transport --tunnel-dst 192.0.2.1"
    assert canonical(rule, Family.IPV4) == rule


@pytest.mark.parametrize(
    "args",
    [
        "--pol ipsec",
        "--dir fwd --pol ipsec",
        "--dir in --pol ips",
        "! --dir in --pol ipsec",
        "--dir in --pol none --strict",
        "--dir in --pol ipsec --strict",
        "--dir in --pol ipsec --reqid 1 --next --reqid 2",
        "--dir in --pol ipsec --strict --reqid 1 --next",
        "--dir in --pol ipsec --strict --reqid 1 ! --next --reqid 2",
        "--dir in --pol ipsec --strict --reqid 1 --reqid 1",
        "--dir in --pol ipsec --strict --reqid 1 --next --reqid 2 --next --reqid 3 --next --reqid 4 --next --reqid 5",
        "--dir in --pol ipsec --proto tcp",
        "--dir in --pol ipsec --proto ESP",
        "--dir in --pol ipsec --tunnel-src 1.1.1.1",
        "--dir in --pol ipsec --strict --mode transport --tunnel-src 1.1.1.1",
        "--dir in --pol ipsec --reqid 4294967296",
    ],
)
def test_policy_refuses_what_iptables_refuses(args: str) -> None:
    with pytest.raises(InputError):
        canonical(f"-m policy {args}", Family.IPV4)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("--rateest RE1 --rateest-lt --rateest-bps 8bit", SAME),
        ("--rateest RE1 ! --rateest-gt --rateest-pps 5", SAME),
        ("--rateest-bps 8bit --rateest RE1 --rateest-lt", "--rateest RE1 --rateest-lt --rateest-bps 8bit"),
        ("--rateest RE1 --rateest-lt --rateest-bps", "--rateest RE1 --rateest-lt --rateest-bps 0bit"),
        (
            "--rateest RE1 --rateest-lt --rateest-pps 5 --rateest-bps 8bit",
            "--rateest RE1 --rateest-lt --rateest-bps 8bit --rateest-lt --rateest-pps 5",
        ),
        ("--rateest RE1 ! --rateest-lt --rateest-gt --rateest-pps 5", "--rateest RE1 --rateest-gt --rateest-pps 5"),
        ("--rateest RE1 --rateest-gt --rateest-bps1 5bit", "--rateest RE1 --rateest-gt --rateest-bps 0bit"),
        ("--rateest1 RE1 --rateest-lt --rateest-bps --rateest2 RE2", SAME),
        ("--rateest RE1 --rateest2 RE2 --rateest-pps 8 --rateest-lt", "--rateest1 RE1 --rateest-lt --rateest-pps --rateest2 RE2"),
        ("--rateest-delta --rateest RE1 --rateest-bps1 8bit --rateest-eq --rateest-bps2 16bit", SAME),
        (
            "--rateest-delta --rateest RE1 --rateest-pps 8 --rateest-gt",
            "--rateest-delta --rateest RE1 --rateest-pps1 0 --rateest-gt --rateest-pps2 8",
        ),
        (
            "--rateest-delta --rateest1 RE1 --rateest-bps1 8bit ! --rateest-lt --rateest2 RE2 --rateest-pps2 6",
            ("--rateest-delta --rateest1 RE1 --rateest-bps1 8bit ! --rateest-lt --rateest-bps2 0bit"
            " --rateest-pps1 0 ! --rateest-lt --rateest-pps2 6 --rateest2 RE2"),
        ),
    ],
)  # fmt: skip
def test_rateest_names_its_options_by_what_is_compared(args: str, expected: str) -> None:
    assert canonical(f"-m rateest {args}", Family.IPV4) == f"-m rateest {args if expected == SAME else expected}"


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("9", "8bit"),
        ("8bps", "64bit"),
        ("1Kbit", "1000bit"),
        ("1.5kbit", "1496bit"),
        ("1mibit", "1049Kbit"),
        ("1001500bit", "1001Kbit"),
        ("1gbps", "8000Mbit"),
        ("1tbit", "3568Mbit"),
        ("34359738368bit", "0bit"),
        ("0x10", "16bit"),
    ],
)
def test_rateest_prints_bits_of_whole_bytes(given: str, printed: str) -> None:
    begin = "-m rateest --rateest RE1 --rateest-gt --rateest-bps"
    assert canonical(f"{begin} {given}", Family.IPV4) == f"{begin} {printed}"


@pytest.mark.parametrize(
    "args",
    [
        "! --rateest RE1 --rateest-lt --rateest-bps 8bit",
        "--rateest RE1 --rateest-lt ! --rateest-bps 8bit",
        "--rateest RE1 --rateest-bps 8bit --rateest-lt 5",
        "--rateest RE1 --rateest-lt --rateest-bps 8bit --rateest-bps2 9bit",
        "--rateest RE1 --rateest-lt --rateest-lt --rateest-pps 5",
        "--rateest RE1 --rateest-lt --rateest-bps 5kb",
        "--rateest RE1 --rateest-lt --rateest-pps 1x",
        "--rateest RE1 --rateest-lt --rateest-pps 4294967296",
    ],
)
def test_rateest_refuses_what_iptables_refuses(args: str) -> None:
    with pytest.raises(InputError):
        canonical(f"-m rateest {args}", Family.IPV4)
