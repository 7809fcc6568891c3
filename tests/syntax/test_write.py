"""What iptables 1.8.9 prints, measured with both variants in a namespace: ``iptables-restore``, then ``-save`` or ``-S``."""

from __future__ import annotations

from typing import Final

import pytest

from iptc_sim import Family, Ruleset, parse, write_rule, write_save
from iptc_sim.ruleset import Table
from iptc_sim.syntax.write import write_listing
from iptc_sim.values import Variant

#: A rule as given, and the rule as the two variants print it.
PRINTED: Final = {
    # iptables-nft keeps ports and flags as expressions and prints one match for all of them, at the place of the first
    "-p tcp --dport 80 -m tcp --sport 22": (
        "-p tcp -m tcp --sport 22 --dport 80",
        "-p tcp -m tcp --dport 80 -m tcp --sport 22",
    ),
    "-p tcp --dport 80 -m comment --comment x -m tcp --sport 22": (
        "-p tcp -m tcp --sport 22 --dport 80 -m comment --comment x",
        "-p tcp -m tcp --dport 80 -m comment --comment x -m tcp --sport 22",
    ),
    "-p tcp -m comment --comment x --dport 80 -m tcp --sport 22": (
        "-p tcp -m comment --comment x -m tcp --sport 22 --dport 80",
        "-p tcp -m comment --comment x -m tcp --dport 80 -m tcp --sport 22",
    ),
    "-p udp --dport 80 -m comment --comment x -m udp --sport 22 -m comment --comment y -m udp --sport 6": (
        "-p udp -m udp --sport 6 --dport 80 -m comment --comment x -m comment --comment y",
        "-p udp -m udp --dport 80 -m comment --comment x -m udp --sport 22 -m comment --comment y -m udp --sport 6",
    ),
    # a match without options, or on a TCP option, is kept as it is
    "-p tcp -m tcp -m tcp --sport 5 -m tcp -m tcp --dport 6": (
        "-p tcp -m tcp -m tcp --sport 5 --dport 6 -m tcp",
        "-p tcp -m tcp -m tcp --sport 5 -m tcp -m tcp --dport 6",
    ),
    "-p tcp --tcp-option 5 -m tcp --sport 5 -m tcp --dport 6": (
        "-p tcp -m tcp --tcp-option 5 -m tcp --sport 5 --dport 6",
        "-p tcp -m tcp --tcp-option 5 -m tcp --sport 5 -m tcp --dport 6",
    ),
    # two tests of one port
    "-p tcp --dport 80:90 -m tcp --dport 85": (
        "-p tcp -m tcp --dport 85",
        "-p tcp -m tcp --dport 80:90 -m tcp --dport 85",
    ),
    "-p tcp --dport 80: -m tcp --dport :90": (
        "-p tcp -m tcp --dport 80:90",
        "-p tcp -m tcp --dport 80:65535 -m tcp --dport 0:90",
    ),
    "-p tcp --dport :90 -m tcp --dport 80:": (
        "-p tcp -m tcp --dport 80:65535",
        "-p tcp -m tcp --dport 0:90 -m tcp --dport 80:65535",
    ),
    "-p tcp ! --dport 80 -m tcp --dport 443": (
        "-p tcp -m tcp ! --dport 443",
        "-p tcp -m tcp ! --dport 80 -m tcp --dport 443",
    ),
    "-p tcp --dport 5 -m tcp ! --dport :80": (
        "-p tcp -m tcp --dport 81:5",
        "-p tcp -m tcp --dport 5 -m tcp ! --dport 0:80",
    ),
    # of the flags the last test is printed
    "-p tcp ! --tcp-flags SYN SYN -m tcp --tcp-flags SYN,ACK ACK": (
        "-p tcp -m tcp ! --tcp-flags SYN,ACK ACK",
        "-p tcp -m tcp ! --tcp-flags SYN SYN -m tcp --tcp-flags SYN,ACK ACK",
    ),
    # from port 0 on is one comparison, and after ! the opposite one
    "-p udp ! --dport :90": ("-p udp -m udp --dport 91:65535", "-p udp -m udp ! --dport 0:90"),
    "-p udp ! --dport 90:": ("-p udp -m udp ! --dport 90:65535", "-p udp -m udp ! --dport 90:65535"),
    "-p udp ! --dport 90:80": ("-p udp -m udp ! --dport 90:80", "-p udp -m udp ! --dport 90:80"),
    "-p tcp ! --dport :90 --tcp-option 5": (
        "-p tcp -m tcp ! --dport 0:90 --tcp-option 5",
        "-p tcp -m tcp ! --dport 0:90 --tcp-option 5",
    ),
    # what says nothing: iptables-nft makes no expression of it, iptables-legacy keeps a match that never fits
    "-p tcp -m tcp --sport :": ("-p tcp -m tcp", "-p tcp -m tcp"),
    "-p tcp -m tcp ! --sport :": ("-p tcp", "-p tcp -m tcp"),
    "-p tcp -m tcp ! --sport : -m comment --comment x -m tcp --dport 6": (
        "-p tcp -m comment --comment x -m tcp --dport 6",
        "-p tcp -m tcp -m comment --comment x -m tcp --dport 6",
    ),
    "-p tcp -m tcp ! --sport : --tcp-option 5": ("-p tcp -m tcp --tcp-option 5", "-p tcp -m tcp --tcp-option 5"),
    "-p tcp -m tcp --tcp-flags NONE NONE": ("-p tcp -m tcp", "-p tcp -m tcp"),
    "-p tcp -m tcp --tcp-flags NONE SYN": ("-p tcp", "-p tcp -m tcp"),
    "-p tcp -m tcp --tcp-flags NONE SYN --dport 5": ("-p tcp -m tcp --dport 5", "-p tcp -m tcp --dport 5"),
    "-p tcp -m tcp ! --tcp-flags NONE ACK": ("-p tcp", "-p tcp -m tcp ! --tcp-flags NONE ACK"),
    # interfaces
    "-s 1.2.3.4 ! -i + -j ACCEPT": ("-s 1.2.3.4/32 ! -i + -j ACCEPT", "-s 1.2.3.4/32 -j ACCEPT"),
    "-i + -j ACCEPT": ("-j ACCEPT", "-j ACCEPT"),
    "! -i lo+ -j ACCEPT": ("! -i lo+ -j ACCEPT", "! -i lo+ -j ACCEPT"),
    # NFLOG
    "-j NFLOG --nflog-range 5": ("-j NFLOG", "-j NFLOG --nflog-range 5"),
    f"-j NFLOG --nflog-prefix {'x' * 70}": (
        f"-j NFLOG --nflog-prefix {'x' * 70}",
        f"-j NFLOG --nflog-prefix {'x' * 63}",
    ),
}


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("given", PRINTED)
def test_a_rule_is_printed_as_the_variant_prints_it(given: str, variant: Variant) -> None:
    text = f"*filter\n-A INPUT {given}\nCOMMIT\n"
    (rule,) = parse(text, family=Family.IPV4, variant=variant).tables["filter"].chains["INPUT"].rules
    assert write_rule(rule, variant=variant) == PRINTED[given][variant is Variant.LEGACY]


#: Loaded with ``iptables-restore -c``.
COUNTED: Final = """\
*filter
:INPUT DROP [1:2]
:U - [5:6]
[7:8] -A INPUT -p tcp --dport 5 -g U
-A U -c 5 6
[3:4] -A U -m comment --comment x -j LOG --log-prefix x
[3:4]-A U
COMMIT
"""


def test_iptables_save_prints_counters_of_policies_always_and_of_rules_on_request() -> None:
    ruleset = parse(COUNTED, family=Family.IPV4)
    assert write_save(ruleset, counters=True) == (
        "*filter\n"
        ":INPUT DROP [1:2]\n"
        ":FORWARD ACCEPT [0:0]\n"
        ":OUTPUT ACCEPT [0:0]\n"
        ":U - [0:0]\n"
        "[7:8] -A INPUT -p tcp -m tcp --dport 5 -g U\n"
        "[5:6] -A U\n"
        "[3:4] -A U -m comment --comment x -j LOG --log-prefix x\n"
        "[3:4] -A U\n"
        "COMMIT\n"
    )
    assert write_save(ruleset) == (
        "*filter\n"
        ":INPUT DROP [1:2]\n"
        ":FORWARD ACCEPT [0:0]\n"
        ":OUTPUT ACCEPT [0:0]\n"
        ":U - [0:0]\n"
        "-A INPUT -p tcp -m tcp --dport 5 -g U\n"
        "-A U\n"
        "-A U -m comment --comment x -j LOG --log-prefix x\n"
        "-A U\n"
        "COMMIT\n"
    )


def test_a_listing_prints_counters_before_the_target() -> None:
    table = parse(COUNTED, family=Family.IPV4).tables["filter"]
    assert write_listing(table, counters=True) == (
        "-P INPUT DROP -c 1 2\n"
        "-P FORWARD ACCEPT -c 0 0\n"
        "-P OUTPUT ACCEPT -c 0 0\n"
        "-N U\n"
        "-A INPUT -p tcp -m tcp --dport 5 -c 7 8 -g U\n"
        "-A U -c 5 6\n"
        "-A U -m comment --comment x -c 3 4 -j LOG --log-prefix x\n"
        "-A U -c 3 4\n"
    )
    assert write_listing(table) == (
        "-P INPUT DROP\n"
        "-P FORWARD ACCEPT\n"
        "-P OUTPUT ACCEPT\n"
        "-N U\n"
        "-A INPUT -p tcp -m tcp --dport 5 -g U\n"
        "-A U\n"
        "-A U -m comment --comment x -j LOG --log-prefix x\n"
        "-A U\n"
    )


def test_a_listing_prints_what_a_verbose_listing_says() -> None:
    text = write_listing(parse(COUNTED, family=Family.IPV4).tables["filter"], counters=True)
    again = parse(text, family=Family.IPV4, table="filter").tables["filter"]
    assert write_listing(again, counters=True) == text


def test_tables_stand_in_a_fixed_order_or_the_newest_first() -> None:
    text = "*filter\n:INPUT ACCEPT\nCOMMIT\n*nat\n:INPUT ACCEPT\nCOMMIT\n*raw\n:OUTPUT ACCEPT\nCOMMIT\n"
    ruleset = parse(text, family=Family.IPV4)
    assert [line for line in write_save(ruleset).splitlines() if line[0] == "*"] == ["*raw", "*filter", "*nat"]
    legacy = write_save(ruleset, variant=Variant.LEGACY)
    assert [line for line in legacy.splitlines() if line[0] == "*"] == ["*raw", "*nat", "*filter"]


def test_a_table_without_chains_exists_only_in_legacy() -> None:
    ruleset = Ruleset({"raw": Table("raw", {})})
    assert write_save(ruleset) == ""
    wanted = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    assert write_save(ruleset, variant=Variant.LEGACY) == wanted
