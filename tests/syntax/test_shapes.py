"""The shape cache: the same meaning as Lark on every line, with far fewer lines judged."""

from __future__ import annotations

import gc
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Lark, Token, Tree, UnexpectedToken

from iptc_sim import SourceFile, examine, parse
from iptc_sim.options import Reading
from iptc_sim.resources import resource_text
from iptc_sim.ruleset import Rule
from iptc_sim.syntax import guess_family, shapes
from iptc_sim.syntax.grammar import OptionClassifier, counters_pattern, parse_line, word_pattern
from iptc_sim.syntax.hot import Shape
from iptc_sim.syntax.lines import RuleLine
from iptc_sim.syntax.loader import Manner
from iptc_sim.syntax.plan import RulePlan, Ways
from iptc_sim.syntax.planner import read_parsed
from iptc_sim.syntax.reader import Reader
from iptc_sim.syntax.sentences import Node, known_tree
from iptc_sim.syntax.shapes import ShapeCache, shape_of
from iptc_sim.syntax.write import write_save
from iptc_sim.values import Family, Variant


def fresh(line: str, family: Family = Family.IPV4) -> list[Rule]:
    """Read a line without any stored shape: Lark judges it."""
    item = ShapeCache(family).read(line, (SourceFile("x", line), 1))
    assert isinstance(item, RuleLine)
    return item.rules


def test_one_shape_is_judged_once() -> None:
    lines = "".join(
        f'-A KUBE-SEP-{number:016d} -s 10.0.{number // 250}.{number % 250}/32 -m comment --comment "ns/svc{number}" '
        f"-j KUBE-MARK-MASQ\n"
        for number in range(2000)
    )
    reader = Reader(Manner(Family.IPV4, table="nat"))
    reader.read(SourceFile("x", lines))
    assert len(reader.shapes.shapes) == 1
    assert reader.shapes.judged == 0  # its sentence is one of the usual ones
    assert len(reader.findings().ruleset.tables["nat"].chains) == 2000


def test_values_that_look_like_options_do_not_mislead_the_cache() -> None:
    lines = [
        "-A INPUT -m comment --comment -j -j ACCEPT",
        "-A INPUT -m comment --comment -j -j DROP",
        "-A INPUT -m comment --comment -p -j DROP",
        "-A INPUT -m comment --comment -m -j LOG",
        '-A INPUT -m comment --comment "-j" -j LOG',
        "-A INPUT -m comment --comment ! -j DROP",
        "-A INPUT -m comment --comment x -j foo",
        "-A INPUT -m comment --comment x -j DROP",
        "-A INPUT -p tcp --dport 80 -j foo",
        "-A INPUT -p udp --dport 80 -j foo",
    ]
    cache = ShapeCache(Family.IPV4)
    for line in [*lines, *lines]:
        item = cache.read(line, (SourceFile("x", line), 1))
        assert isinstance(item, RuleLine)
        assert item.rules == fresh(line), line


@pytest.mark.corpora
def test_cached_reading_equals_lark_on_every_line_of_the_dumps(corpora: Path) -> None:
    judged = read = 0
    for path in sorted((corpora / "iptables" / "dumps-canonical" / "nft").glob("*.canon"))[::5]:
        text = path.read_text()
        family = guess_family(text)
        cache = ShapeCache(family)
        for number, line in enumerate(text.splitlines(), 1):
            if line.startswith("-A"):
                item = cache.read(line, (SourceFile("x", text), number))
                assert isinstance(item, RuleLine)
                assert item.rules == fresh(line, family)
                read += 1
        judged += cache.judged
    assert read > 2000
    assert judged < read / 2


def lark_only(line: str, family: Family) -> list[Rule]:
    """Read a line by Lark itself, the kept sentences left aside."""
    parsed = parse_line(line, family)
    plan = read_parsed(parsed, Ways(Reading(family)))
    assert isinstance(plan, RulePlan)
    return plan.bind(parsed.words, None, (SourceFile("x", line), 1))


@pytest.mark.corpora
def test_kept_sentences_mean_what_lark_says(corpora: Path) -> None:
    count = 0
    for path in sorted((corpora / "iptables" / "dumps-canonical" / "nft").glob("*.canon"))[::7]:
        text = path.read_text()
        family = guess_family(text)
        for line in sorted({line for line in text.splitlines() if line.startswith("-A")})[:50]:
            assert fresh(line, family) == lark_only(line, family), line
            count += 1
    assert count > 500


def kept_parts() -> dict[str, str]:
    """Return the kept trees, as they are written, by the kinds of their tokens."""
    lines = resource_text("grammar", "sentences.txt").splitlines()
    return dict(line.split(": ") for line in lines if line[0] != "#")


@cache
def lark_itself() -> Lark:
    return Lark(resource_text("grammar", "dump.lark"), parser="lalr", maybe_placeholders=True)


def tree_of_lark(kinds: list[str]) -> Tree[Token]:
    parser = lark_itself().parse_interactive("")
    for place, kind in enumerate(kinds):
        parser.feed_token(Token(kind, "x", place))
    tree: Tree[Token] = parser.feed_eof()  # type: ignore[no-untyped-call]
    return tree


def written(tree: object) -> str:
    """Write a tree of either sort as the kept ones are written, by the places of its tokens."""
    if isinstance(tree, Tree | Node):
        return " ".join([f"({tree.data}", *map(written, tree.children), ")"])
    return "-" if tree is None else str(tree.start_pos)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kinds", "tree"), kept_parts().items())
def test_each_kept_tree_is_the_one_that_lark_gives(kinds: str, tree: str) -> None:
    behind = [] if tree.startswith("(command") else ["APPEND", "VALUE"]
    assert written(tree_of_lark([*kinds.split(), *behind]).children[1]) == tree


@given(st.lists(st.sampled_from([kinds for kinds in kept_parts() if kinds != "APPEND VALUE"])), st.integers(0))
def test_lines_of_kept_parts_have_the_tree_that_lark_gives(parts: list[str], place: int) -> None:
    parts.insert(place % (len(parts) + 1), "APPEND VALUE")
    kinds = " ".join(parts).split()
    tree = known_tree(kinds, ["x"] * len(kinds))
    assert tree is not None
    assert written(tree) == written(tree_of_lark(kinds))


@given(st.lists(st.sampled_from([*kept_parts(), "NOT", "VALUE", "BARE", "FOREIGN", "DISPLAY"]), max_size=4))
def test_lines_that_lark_refuses_have_no_kept_tree(parts: list[str]) -> None:
    kinds = " ".join(parts).split()
    try:
        whole = written(tree_of_lark(kinds))
    except (UnexpectedToken, KeyError):  # the second for BARE, which the grammar does not have
        whole = ""
    tree = known_tree(kinds, ["x"] * len(kinds))
    assert tree is None or written(tree) == whole


def test_patterns_of_terminals_are_those_of_lark() -> None:
    text = resource_text("grammar", "dump.lark")
    lark = Lark(text, parser="lalr", postlex=OptionClassifier(Family.IPV4))
    for name, pattern in (("WORD", word_pattern()), ("COUNTERS", counters_pattern())):
        ours = pattern.pattern.replace(r"\t", "\t").replace(r"\n", "\n")  # Lark writes these two out
        assert lark.get_terminal(name).pattern.value == ours


def test_equal_conditions_are_one_object() -> None:
    text = "*nat\n" + "".join(
        f'-A FOO -p tcp -m comment --comment "ns/svc" -m tcp --dport {port} -j BAR\n' for port in range(1, 50)
    )
    chain = parse(text + ":BAR - [0:0]\nCOMMIT\n").chain("nat", "FOO")
    assert chain is not None
    assert len({id(rule.base) for rule in chain.rules}) == 1
    assert len({id(rule.matches[0]) for rule in chain.rules}) == 1
    assert len({id(rule.target) for rule in chain.rules}) == 1


def test_shape_keeps_what_decides_and_drops_values() -> None:
    words = [
        "-A",
        "X",
        "-s",
        "1.2.3.4",
        "-p",
        "tcp",
        "-m",
        "tcp",
        "!",
        "--dport",
        "5",
        "-j",
        "DNAT",
        "--to-destination",
        "1.1.1.1",
    ]
    assert shape_of(words) == (
        "-A", "_", "-s", "_", "-p", "tcp", "-m", "tcp", "!", "--dport", "_", "-j", "DNAT", "--to-destination", "_",
    )  # fmt: skip
    assert shape_of(["-A", "X", "-j", "some-chain"])[-1] == "_"


@pytest.mark.corpora
def test_kube_dumps_need_few_shapes(corpora: Path) -> None:
    reader = Reader(Manner(Family.IPV4))
    text = (corpora / "kube-proxy-1.28" / "combined.save").read_text()
    reader.read(SourceFile("combined.save", text))
    assert len(reader.shapes.shapes) < 45
    assert write_save(reader.findings().ruleset) == "".join(
        f"{line}\n" for line in text.splitlines() if not line.startswith("#")
    )


@pytest.mark.parametrize(
    "text",
    [
        "-A X -j Y", '-A X --comment "a b" -j Y', '-A X --comment "a b"', '-A X --comment "" -j Y', '-A X --comment "a',
        '-A X --comment "a\\"b" -j Y', '-A X --comment a"b c"d -j Y', '-A X "a" "b" -j Y', '-A X "a"b -j Y', '"', '""',
        '-A X --comment "é b" -j Y', "-A\tX  -j Y", '-A X --comment "a\\\\" -j Y', "-A X\x0b-j Y", "-A X\u00a0-j Y",
    ],
)  # fmt: skip
def test_short_ways_of_cutting_words_equal_the_grammars(text: str) -> None:
    assert ShapeCache(Family.IPV4)._split(text) == word_pattern().findall(text)


@given(st.text('ab "\\!-\t', max_size=30))
def test_any_line_is_cut_as_the_grammar_cuts_it(text: str) -> None:
    assert ShapeCache(Family.IPV4)._split(text) == word_pattern().findall(text)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("variant", Variant)
def test_what_is_wrong_with_a_rule_is_told_whether_its_shape_is_stored_or_not(
    strict: bool, variant: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [
        "-A PREROUTING -j FOO",
        "-A FOO -j MASQUERADE",
        "-A POSTROUTING -j MASQUERADE",
        "-A OUTPUT -j REJECT",
        "-A POSTROUTING -p tcp -j DROP",
        "-A OUTPUT -p tcp -j DNAT --to-destination 1.1.1.1:80",
        "-A INPUT -m set --match-set missing src -j ACCEPT",
        "-A FOO -j MASQUERADE",
    ]
    text = "\n".join(["*nat", ":FOO - [0:0]", *rules, "COMMIT", ""])

    def told() -> list[str]:
        found = examine(text, strict=strict, variant=variant, objects={"ipset": frozenset()})
        return sorted(item.render() for item in [*found.errors, *found.ruleset.notes])

    stored = told()
    monkeypatch.setattr(shapes, "MAX_SHAPES", 0)
    assert told() == stored
    assert len(stored) >= 5


def test_shapes_that_are_not_stored_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_SHAPES", 5)
    lines = [f"-A INPUT {' '.join(['-m comment --comment x'] * count)} -j LOG" for count in range(1, 100)]
    before = {id(item) for item in gc.get_objects() if isinstance(item, Shape)}
    found = examine("\n".join(["*filter", *lines, "COMMIT", ""]))
    assert not found.errors
    new = [item for item in gc.get_objects() if isinstance(item, Shape) and id(item) not in before]
    assert len(new) <= 6  # the last one may still be at hand
