"""What the kernel refuses of targets, by place and variant. Expected values come from iptables 1.8.9 in namespaces."""

from __future__ import annotations

import pytest

from iptc_sim import Family, parse, write_rule
from iptc_sim.extension import Placement
from iptc_sim.moment import Hook
from iptc_sim.ruleset import Rule
from iptc_sim.target import Target
from iptc_sim.values import Variant

NFT, LEGACY = Variant.NFT, Variant.LEGACY
EVERYWHERE = "PRINFOOUPO"


def rule_of(args: str, family: Family) -> Rule:
    """Read a rule in a chain that nothing leads to."""
    ruleset = parse(f"*raw\n:FOO - [0:0]\n-A FOO {args}\nCOMMIT\n", family=family)
    return next(rule for *_, rule in ruleset.rules())


def taken(args: str, table: str, variant: Variant = NFT, family: Family = Family.IPV4) -> str:
    """Return the first letters of the hooks in which the kernel takes the target."""
    rule = rule_of(args, family)
    assert isinstance(rule.target, Target)
    protocol = rule.base.protocol.value if rule.base.protocol else None
    found = ""
    for hook in Hook:
        place = Placement(family, variant, table, frozenset({hook}), protocol, matches=rule.matches)
        found += "" if rule.target.refusal(place) else hook[:2]
    return found


@pytest.mark.parametrize("variant", list(Variant))
@pytest.mark.parametrize(
    ("args", "table", "hooks"),
    [
        ("-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu", "mangle", "FOOUPO"),
        ("-p tcp --syn -j TCPMSS --set-mss 100", "filter", EVERYWHERE),
        ("-j SET --map-set s src --map-mark", "mangle", EVERYWHERE),
        ("-j SET --map-set s src --map-prio", "mangle", "FOOUPO"),
        ("-j SET --map-set s src --map-queue", "mangle", "FOOUPO"),
        ("-j SET --map-set s src --map-mark", "filter", ""),
        ("-j SET --add-set s src", "filter", EVERYWHERE),
        ("-j CONNMARK --set-mark 5 --left-shift-mark 31", "filter", EVERYWHERE),
        ("-j CONNMARK --set-mark 5 --left-shift-mark 32", "filter", ""),
        ("-j IDLETIMER --timeout 5 --label x", "filter", EVERYWHERE),
        ("-j IDLETIMER --timeout 5 --label x/y", "filter", ""),
        ("-j IDLETIMER --timeout 5 --label power", "filter", ""),
        ("-p udp -j CT --helper ftp", "raw", ""),
        ("-p tcp -j CT --helper ftp", "raw", "PROU"),
        ("-p tcp -j CT --helper sane", "raw", "PROU"),
        ("-j REJECT", "filter", "INFOOU"),
    ],
)
def test_the_kernel_takes_a_target_in_some_places(args: str, table: str, hooks: str, variant: Variant) -> None:
    assert taken(args, table, variant) == hooks


@pytest.mark.parametrize(
    ("args", "table", "nft", "legacy"),
    [
        ("-j TRACE", "filter", EVERYWHERE, ""),
        ("-j TRACE", "raw", EVERYWHERE, EVERYWHERE),
        ("-j QUEUE", "filter", "", EVERYWHERE),
        ("-p tcp -j TCPMSS --set-mss 100", "filter", EVERYWHERE, ""),
        ("-p tcp -m tcp ! --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 100", "filter", EVERYWHERE, ""),
        ("-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 100", "filter", EVERYWHERE, EVERYWHERE),
    ],
)
def test_the_two_variants_differ(args: str, table: str, nft: str, legacy: str) -> None:
    assert (taken(args, table), taken(args, table, LEGACY)) == (nft, legacy)


def test_helpers_of_one_family() -> None:
    assert taken("-p tcp -j CT --helper irc", "raw") == "PROU"
    assert taken("-p tcp -j CT --helper irc", "raw", family=Family.IPV6) == ""


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ("-j SET --add-set a src --del-set b dst", [("ipset", "a"), ("ipset", "b")]),
        ("-j SECMARK --selctx x", [("security context", "x")]),
        ("-p tcp -j CT --helper ftp --timeout t", [("ct timeout", "t")]),
        ("-p tcp -j CT --helper own", [("ct helper", "own")]),
        ("-j CT --notrack", []),
        ("-j ACCEPT", []),
    ],
)
def test_some_targets_need_objects_of_the_kernel(args: str, wanted: list[tuple[str, str]]) -> None:
    target = rule_of(args, Family.IPV4).target
    assert target is not None
    assert list(target.objects()) == wanted


@pytest.mark.parametrize(
    ("options", "canonical"),
    [
        ("-j REJECT --reject-with icmp-", "-j REJECT --reject-with icmp-net-unreachable"),
        ("-j REJECT --reject-with Icmp-H", "-j REJECT --reject-with icmp-host-unreachable"),
        ("-p tcp -j REJECT --reject-with t", "-p tcp -j REJECT --reject-with tcp-reset"),
        ("-j SET ! --add-set s src ! --exist --exist", "-j SET --add-set s src --exist"),
        ("-j CT --zone-orig 2 --zone 0", "-j CT"),
        ("-j CT --zone MARK", "-j CT --zone mark"),
        ("-p tcp -j SYNPROXY --wscale 256 --mss 65536", "-p tcp -j SYNPROXY --wscale 0 --mss 0"),
        ("-p tcp -j TPROXY --on-port 010", "-p tcp -j TPROXY --on-port 10 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0"),
        (
            "-j RATEEST --rateest-name a --rateest-interval 251ms --rateest-ewma .5s",
            "-j RATEEST --rateest-name a --rateest-interval 500.0ms --rateest-ewmalog 1.0s",
        ),
        (
            "-j RATEEST --rateest-name a --rateest-interval 1us --rateest-ewma 1s",
            "-j RATEEST --rateest-name a --rateest-interval 250.0ms --rateest-ewmalog 2223.0s",
        ),
    ],
)
def test_junk_that_iptables_takes_is_taken(options: str, canonical: str) -> None:
    assert write_rule(rule_of(options, Family.IPV4)) == canonical
