"""getopt, quotes and base values: what iptables-nft-restore 1.8.9 answered to each of these lines (both variants alike)."""

from __future__ import annotations

import pytest

from iptc_sim.extension import Placement
from iptc_sim.moment import Hook
from iptc_sim.syntax.grammar import parse_line, word_pattern
from iptc_sim.syntax.lines import EmptyLine, RuleLine
from iptc_sim.syntax.shapes import ShapeCache
from iptc_sim.syntax.words import LineError, unquote
from iptc_sim.syntax.write import write_rule
from iptc_sim.values import Family, Variant


def lines(text: str, family: Family = Family.IPV4, *, strict: bool = True) -> list[str]:
    """Return the rules of a line as iptables-save would print them."""
    item = ShapeCache(family, strict=strict).read(text, (None, 1))
    assert isinstance(item, RuleLine)
    return [write_rule(rule, item.chain) for rule in item.rules]


def refusal(text: str, family: Family = Family.IPV4, *, strict: bool = True) -> LineError:
    """Return why a line is refused."""
    with pytest.raises(LineError) as caught:
        ShapeCache(family, strict=strict).read(text, (None, 1))
    return caught.value


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("--sou 1.1.1.1 --dest 2.2.2.2 --ju ACCEPT", "-s 1.1.1.1/32 -d 2.2.2.2/32 -j ACCEPT"),
        ("--prot tcp", "-p tcp"),
        ("--fr", "-f"),
        ("-fj ACCEPT", "-f -j ACCEPT"),
        ("-vj ACCEPT", "-j ACCEPT"),
        ("-p tcp --dpor 80", "-p tcp -m tcp --dport 80"),
        ("-p tcp --dport=80", "-p tcp -m tcp --dport 80"),
        ("-p tcp --source-p 80", "-p tcp -m tcp --sport 80"),
        ("-p tcp -m tcp --tcp-flags=SYN,ACK SYN", "-p tcp -m tcp --tcp-flags SYN,ACK SYN"),
        ("-mcomment --comment x", "-m comment --comment x"),
        ("--match=comment --comment x", "-m comment --comment x"),
        ("-gFOO", "-g FOO"),
        ("--goto=FOO", "-g FOO"),
        ("-ieth0", "-i -ieth0"),  # iptables 1.8.9 takes the whole word
        ("-m tcp --dport 80 -p tcp", "-p tcp -m tcp --dport 80"),
        ("! -p tcp --dport 80", "! -p tcp -m tcp --dport 80"),
        ("-m mark --mark 1 -m mark --mar 2", "-m mark --mark 0x1 -m mark --mark 0x2"),
        ('"-j" ACCEPT', "-j ACCEPT"),
        ('-"j" ACCEPT', "-j ACCEPT"),
        ("--", ""),
        ("-M foo -j ACCEPT", "-j ACCEPT"),
        ("! -4", ""),
        ("-m comment --comment -j", "-m comment --comment -j"),
    ],
)
def test_options_are_found_as_getopt_finds_them(text: str, canonical: str) -> None:
    assert lines(f"-A INPUT {text}") == [f"-A INPUT {canonical}".rstrip()]


@pytest.mark.parametrize(
    ("text", "code", "index"),
    [
        ("--in eth0", "IPT012", 2),  # insert or in-interface
        ("-p tcp -m tcp --sou 1.2.3.4", "IPT012", 6),  # source or source-port
        ("-p tcp -m tcp --so 80", "IPT012", 6),
        ("-m mark --mark 1 -m mark --ma 2", "IPT012", 8),  # match or mark
        ("--dport 80 -p tcp", "IPT012", 2),
        ("-p udplite --dport 5", "IPT012", 4),
        ("--verbose=5", "IPT012", 2),
        ("-p tcp -m tcp --syn=5", "IPT012", 6),
        ("-q", "IPT012", 2),
        ("-vq", "IPT012", 2),
        ("-j FOO --foo", "IPT012", 4),
        ("-s1.2.3.4", "IPT013", 2),
        ("--proto=tcp", "IPT013", 2),
        ("--in-interface=eth0", "IPT013", 2),
        ("-p tcp -m tcp --tcp-flags SYN -j", "IPT010", 8),
        ("-p tcp -m tcp --dport=", "IPT013", 6),
        ("! ! -s 1.2.3.4", "IPT014", 3),
        ("-s 1.2.3.4 !", "IPT013", 5),
        ("-s ! 1.2.3.4", "IPT010", 4),
        ("! -j ACCEPT", "IPT014", 2),
        ("! -m tcp", "IPT014", 2),
        ("! -c 5 6", "IPT014", 2),
        ("-j ACCEPT -j ACCEPT", "IPT015", 5),
        ("-j ACCEPT -g FOO", "IPT015", 5),
        ("-p tcp -p udp", "IPT015", 4),
        ('-j ""', "IPT023", 3),
        ('-j "A B"', "IPT023", 3),
        (f"-g {'x' * 29}", "IPT023", 3),
        ("-j", "IPT013", 3),
        ("-- x", "IPT010", 3),
        ("-", "IPT010", 2),
        ('""', "IPT010", 2),
        ("-m nosuch", "IPT018", 3),
        ("-j ACCOUNT --tname x", "IPT012", 4),
        ("-t filter", "IPT010", 2),
        ("-w", "IPT010", 2),
    ],
)
def test_what_getopt_refuses(text: str, code: str, index: int) -> None:
    error = refusal(f"-A INPUT {text}")
    assert (error.code, error.index) == (code, index), error.message


def test_words_of_a_match_that_is_not_known_are_kept_unless_strict() -> None:
    assert lines("-A INPUT -m geoip ! --source-country DE -j DROP", strict=False) == [
        "-A INPUT -m geoip ! --source-country DE -j DROP"
    ]


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ('"abc -j ACCEPT', "abc -j ACCEPT\n"),
        ('"abc\\', "abc\n"),
        ('""', ""),
        ('"a\\b\\"c\\\\"', 'ab"c\\'),
        ("a\\b", "a\\b"),
        ('a\\"b c"', "a\\b c"),
        ('a"b c"', "ab c"),
        ('"\t"', "\t"),
    ],
)
def test_quotes_are_read_as_restore_reads_them(text: str, comment: str) -> None:
    item = ShapeCache(Family.IPV4, strict=True).read(f"-A INPUT -m comment --comment {text}", (None, 1))
    assert isinstance(item, RuleLine)
    assert item.rules[0].matches[0].comment == comment  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ['a"b c"d', 'a""b', "'a b'", '"abc -v" "'])
def test_a_word_ends_where_its_quote_closes(text: str) -> None:
    assert refusal(f"-A INPUT -m comment --comment {text}").index == 6


def test_an_open_quote_is_refused_unless_strict() -> None:
    assert refusal('-A INPUT -m comment --comment "abc -j ACCEPT', strict=False).code == "IPT011"


def test_words_and_bytes_are_limited_as_in_restore() -> None:
    assert lines("-A INPUT" + " -v" * 249) == ["-A INPUT"]
    assert refusal("-A INPUT" + " -v" * 250).index == 251
    assert lines(f"-A INPUT -m comment --comment {'x' * 1023}")
    assert refusal(f"-A INPUT -m comment --comment {'x' * 1024}").index == 5
    assert refusal(f'-A INPUT -m comment --comment "{"é" * 512}"').index == 5


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("-s ::/0", [""]),
        ("-s foo/0", [""]),
        ("-s /0", [""]),
        ("-s foo/0.0.0.0", [""]),
        ("-s ::ffff:1.2.3.4", ["-s 1.2.3.4/32"]),
        ("-s 1.2.3.4/024", ["-s 1.2.0.0/20"]),
        ("-s 1.2.3.4/0x18", ["-s 1.2.3.0/24"]),
        ("-s 1.2.3.4/+8", ["-s 1.0.0.0/8"]),
        ("-s 1.2.3.4/255.0.255.0", ["-s 1.0.3.0/255.0.255.0"]),
        ("-s 1.2", ["-s 1.2.0.0/32"]),
        ("-s 10/8", ["-s 10.0.0.0/8"]),
        ("-s 256", ["-s 0.0.1.0/32"]),
        ("-s 1.256", ["-s 1.0.1.0/32"]),
        ("-s 1.2.65535", ["-s 1.2.255.255/32"]),
        ("-s 0x0a.1", ["-s 10.1.0.0/32"]),
        ("-s 010.0.0.1", ["-s 8.0.0.1/32"]),
        ("-s 4294967295", ["-s 255.255.255.255/32"]),
        ("-s LOCALHOST", ["-s 127.0.0.1/32"]),
        ("-s localhost/8", ["-s 127.0.0.0/8"]),
        ('-s " 1.2.3.4"', ["-s 1.2.3.4/32"]),
        ('-s "1.2.3.4, 5.6.7.8"', ["-s 1.2.3.4/32", "-s 5.6.7.8/32"]),
        ("-s 1.2.3.4,0.0.0.0/0", ["-s 1.2.3.4/32", ""]),
        ("-s 1.2.3.4,1.2.3.4", ["-s 1.2.3.4/32", "-s 1.2.3.4/32"]),
        (
            "-d 5.6.7.8,9.9.9.9 -s 1.2.3.4,1.1.1.1",
            [
                "-s 1.2.3.4/32 -d 5.6.7.8/32", "-s 1.2.3.4/32 -d 9.9.9.9/32",
                "-s 1.1.1.1/32 -d 5.6.7.8/32", "-s 1.1.1.1/32 -d 9.9.9.9/32",
            ],
        ),
        ("-p 0x06", ["-p tcp"]),
        ("-p 010", ["-p egp"]),
        ('-p " 6"', ["-p tcp"]),
        ("-p +6", ["-p tcp"]),
        ("-p ip", [""]),
        ("-p hopopt", [""]),
        ("-i +", [""]),
        ("! -i +", ["! -i +"]),
        ("-i a/b", ["-i a/b"]),
        ("-i !x", ["-i !x"]),
        ("-p tcp --dport +80", ["-p tcp -m tcp --dport 80"]),
        ("-p tcp --dport 0x50", ["-p tcp -m tcp --dport 80"]),
    ],
)  # fmt: skip
def test_base_values(text: str, canonical: list[str]) -> None:
    assert lines(f"-A INPUT {text}") == [f"-A INPUT {rule}".rstrip() for rule in canonical]


@pytest.mark.parametrize(
    "text",
    [
        "-s ::1", "-s ::/1", "-s ::ffff:1.2.3.4/120", "-s 1.2.3.4/", "-s 1.2.3.4/33", "-s 1.2.3.4/-1", "-s 1.2.3.4/8x",
        "-s 1.2.3.4/255.0", "-s 1.2.3.4/24/24", "-s /24", '-s ""', "-s 1.2.3.4,", "-s 1.2.3.4,,5.6.7.8",
        '-s "1.2.3.4 "', "-s 08.0.0.1", "-s 4294967296", "-s 1.2.3.4.5", "-s 1..2", "-s 1.2.3.4.", "-s any",
        "! -s 1.2.3.4,5.6.7.8", "! -p all", "-p any", "-p 256", '-p ""', "-p -1", "-p 6x", "-p tc", '-i ""',
        "-i 1234567890123456", "-p tcp --dport 080", "-p tcp --dport HTTP", "-p tcp --dport -80",
        "-p tcp --dport 80:90:100", "-m tcp --dport 80", "! -p udp -m udp --dport 80 -p tcp",
        "-m multiport --dports 80 -p tcp", "! -p tcp -m multiport --dports 80",
        "-j DNAT --to-destination 1.2.3.4:80 -p tcp", "-p udplite -j DNAT --to-destination 1.2.3.4:5",
    ],
)  # fmt: skip
def test_base_values_that_iptables_refuses_when_it_parses(text: str) -> None:
    refusal(f"-A INPUT {text}")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("-s 1.2.3.4/0", ""),
        ("-s 0/0", ""),
        ("-s ::1/ffff::", "-s ::/16"),
        ("-s 2001:DB8::1", "-s 2001:db8::1/128"),
        ("-p icmpv6 --icmpv6-type 1", "-p ipv6-icmp -m icmp6 --icmpv6-type 1"),
        ("-p 58 --icmpv6-type 1", "-p ipv6-icmp -m icmp6 --icmpv6-type 1"),
        ("-p icmpv6 -m ipv6-icmp --icmpv6-type 1", "-p ipv6-icmp -m icmp6 --icmpv6-type 1"),
        ("-p mh --mh-type 1", "-p mobility-header -m mh --mh-type 1"),
    ],
)
def test_ipv6(text: str, canonical: str) -> None:
    assert lines(f"-A INPUT {text}", Family.IPV6) == [f"-A INPUT {canonical}".rstrip()]


@pytest.mark.parametrize(
    "text",
    ["-f", "-s 1.2.3.4", "-s fe80::1%eth0", "-s ::1/129", "-s 1:2:3:4:5:6:7", "-p 135 --mh-type 1",
     "-p mobility-header --mh-type 1"],
)  # fmt: skip
def test_ipv6_refused(text: str) -> None:
    refusal(f"-A INPUT {text}", Family.IPV6)


def test_a_glued_value_does_not_make_a_shape() -> None:
    cache = ShapeCache(Family.IPV4)
    for port in ("80", "81"):
        item = cache.read(f"-A INPUT -p tcp --dport={port} -j ACCEPT", (None, 1))
        assert isinstance(item, RuleLine)
        assert write_rule(item.rules[0]) == f"-p tcp -m tcp --dport {port} -j ACCEPT"
    with pytest.raises(LineError):
        cache.read("-A INPUT -p tcp 80 -j ACCEPT", (None, 1))
    assert cache.judged == 3


def test_nothing_is_read_behind_the_other_family() -> None:
    assert ShapeCache(Family.IPV4).read("-A INPUT -6 -j NONSENSE --foo bar", (None, 1)) == EmptyLine()
    assert refusal("-A INPUT --foo -6").code == "IPT012"


def test_words_are_those_that_the_parser_saw() -> None:
    line = '-A INPUT -vj ACCEPT -m comment --comment "a b" '
    parsed = parse_line(line, Family.IPV4)
    assert parsed.words == word_pattern().findall(line)
    assert unquote(parsed.words[-1]) == "a b"


@pytest.mark.parametrize(
    ("text", "nft", "legacy"),
    [
        ("-m tcp", False, False),
        ("! -p tcp -m tcp --dport 80", True, False),
        ("! -p icmp -m icmp --icmp-type 8", False, False),
        ("-p tcp -m icmp --icmp-type 8", False, False),
        ("-m ah --ahspi 1", False, False),
        ("-m ecn --ecn-tcp-cwr", False, False),
        ("-m ecn --ecn-ip-ect 1", True, True),
        ("-j SYNPROXY", False, False),
        ("-j REJECT --reject-with tcp-reset", False, False),
        ("-j REJECT --reject-with tcp-reset -p tcp", True, True),
        ("! -s 0.0.0.0/0", False, True),
        ("! -s foo/0", False, True),
    ],
)
def test_what_the_kernel_refuses_for_want_of_a_protocol(text: str, nft: bool, legacy: bool) -> None:
    for variant, taken in ((Variant.NFT, nft), (Variant.LEGACY, legacy)):
        item = ShapeCache(Family.IPV4, variant, strict=True).read(f"-A INPUT {text}", (None, 1))
        assert isinstance(item, RuleLine)
        rule = item.rules[0]
        base = rule.base.protocol
        place = Placement(
            Family.IPV4,
            variant,
            "filter",
            frozenset({Hook.INPUT}),
            base.value if base else None,
            bool(base and base.negated),
        )
        refused = any(part.refusal(place) for part in (rule.base, *rule.extensions))
        assert refused != taken, variant
