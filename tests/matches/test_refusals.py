"""What the kernel refuses, by place and variant. Expected values come from iptables 1.8.9 in network namespaces."""

from __future__ import annotations

import pytest

from iptc_sim import Family, parse
from iptc_sim.extension import Extension, Placement
from iptc_sim.moment import Hook
from iptc_sim.values import Variant

NFT, LEGACY = Variant.NFT, Variant.LEGACY


def extensions(args: str, family: Family = Family.IPV4) -> tuple[tuple[Extension, ...], int | None]:
    """Return the matches and the target of a rule, with the number after ``-p``."""
    ruleset = parse(f"*mangle\n:FOO - [0:0]\n-A FOO {args}\nCOMMIT\n", family=family)
    rule = next(rule for *_, rule in ruleset.rules())
    target = () if rule.target is None else (rule.target,)
    return (*rule.matches, *target), rule.base.protocol.value if rule.base.protocol else None


def hooks_of(args: str, table: str = "mangle", family: Family = Family.IPV4, variant: Variant = NFT) -> str:
    """Return the first letters of the hooks in which the kernel takes the rule."""
    parts, protocol = extensions(args, family)
    taken = ""
    for hook in Hook:
        matches = tuple(part for part in parts[:-1]) if "-j" in args else parts
        place = Placement(family, variant, table, frozenset({hook}), protocol, matches=matches)
        taken += "" if any(part.refusal(place) for part in parts) else hook[:2]
    return taken


@pytest.mark.parametrize("variant", list(Variant))
@pytest.mark.parametrize(
    ("args", "taken"),
    [
        ("-m addrtype --src-type LOCAL", "PRINFOOUPO"),
        ("-m addrtype --src-type LOCAL --limit-iface-in", "PRINFO"),
        ("-m addrtype --dst-type LOCAL --limit-iface-out", "FOOUPO"),
        ("-m devgroup --src-group 1", "PRINFO"),
        ("-m devgroup --dst-group 1", "FOOUPO"),
        ("-m devgroup --src-group 1 --dst-group 1", "FO"),
        ("-m physdev --physdev-in x", "PRINFOOUPO"),
        ("-m physdev --physdev-out x", "PRINFOPO"),
        ("-m physdev --physdev-is-out", "PRINFOPO"),
        ("-m physdev --physdev-out x ! --physdev-is-bridged", "PRINFOPO"),
        ("-m physdev --physdev-out x --physdev-is-bridged", "PRINFOOUPO"),
        ("-m policy --dir in --pol none", "PRINFO"),
        ("-m policy --dir out --pol ipsec", "FOOUPO"),
        ("-m recent --rcheck --hitcount 65535", "PRINFOOUPO"),
        ("-m recent --rcheck --hitcount 65536", ""),
        ("-m recent --set --name a/b", ""),
        ("-m hashlimit --hashlimit-upto 5/day --hashlimit-name x", "PRINFOOUPO"),
        ("-m hashlimit --hashlimit-upto 3/day --hashlimit-name x", ""),
        ("-m hashlimit --hashlimit-upto 5/sec --hashlimit-name x/y", ""),
        ("-m hashlimit --hashlimit-upto 65535mb/s --hashlimit-name x", ""),
        ('-m u32 --u32 "0<<31=1"', "PRINFOOUPO"),
        ('-m u32 --u32 "0>>32=1"', ""),
        ("-m rateest --rateest x --rateest-lt", ""),
        ("-m rateest --rateest x --rateest-bps", ""),
    ],
)
def test_the_kernel_takes_a_match_in_some_places(args: str, taken: str, variant: Variant) -> None:
    assert hooks_of(args, variant=variant) == taken


@pytest.mark.parametrize("name", ["BROADCAST", "BLACKHOLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"])
def test_ipv6_lacks_types_of_addresses(name: str) -> None:
    assert hooks_of(f"-m addrtype ! --dst-type LOCAL,{name}", family=Family.IPV6) == ""
    assert hooks_of(f"-m addrtype --src-type {name}") == "PRINFOOUPO"


@pytest.mark.parametrize(
    ("args", "legacy"),
    [
        ("-m limit --limit 5/day", True),
        ("-m limit --limit 3/day", False),
        ("-m limit --limit 1/day --limit-burst 1", True),
        ("-m limit --limit 1/day --limit-burst 2", False),
        ("-m limit --limit 1/hour --limit-burst 100", True),
    ],
)
def test_the_old_interface_counts_in_32_bits(args: str, legacy: bool) -> None:
    assert hooks_of(args) == "PRINFOOUPO"
    assert bool(hooks_of(args, variant=LEGACY)) is legacy


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ("-m set --match-set foo src", [("ipset", "foo")]),
        ("-m nfacct --nfacct-name foo", [("nfacct", "foo")]),
        ("-m cgroup --path a/b", [("control group", "a/b")]),
        ("-m cgroup --path /", []),
        ("-m rateest --rateest1 a --rateest2 b --rateest-lt --rateest-pps", [("rate estimator", "a"), ("rate estimator", "b")]),
        ("-m comment --comment x", []),
    ],
)  # fmt: skip
def test_some_matches_need_objects_of_the_kernel(args: str, wanted: list[tuple[str, str]]) -> None:
    parts, _ = extensions(args)
    assert list(parts[0].objects()) == wanted
