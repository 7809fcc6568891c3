"""Whole lines read by an expression: the same rules and the same refusals as word by word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptc_sim import Family, Ruleset, SourceFile, examine, parse
from iptc_sim.matches import MATCHES
from iptc_sim.options import Reading
from iptc_sim.syntax import hot
from iptc_sim.targets import TARGETS
from tests.bench.dumps import dump


def slowly(text: str, family: Family, monkeypatch: pytest.MonkeyPatch) -> Ruleset:
    """Read a text without any expression."""
    with monkeypatch.context() as patched:
        patched.setattr(hot, "WORTH", 1 << 60)
        return parse(SourceFile("slow", text), family=family)


def test_a_kube_dump_is_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    text = dump(120, 3)
    quick, slow = parse(text), slowly(text, Family.IPV4, monkeypatch)
    assert quick == slow
    assert [rule.line for *_, rule in quick.rules()] == [rule.line for *_, rule in slow.rules()]
    assert [rule.text for *_, rule in quick.rules()] == [rule.text for *_, rule in slow.rules()]
    assert quick.notes == slow.notes == ()


@pytest.mark.corpora
def test_all_dumps_together_are_read_alike(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "WORTH", 3)
    count = 0
    for path in sorted((corpora / "iptables" / "dumps-canonical" / "nft").glob("*.canon"))[::3]:
        for family in Family:
            quick = examine(SourceFile(path.name, path.read_text()), family=family)
            with monkeypatch.context() as patched:
                patched.setattr(hot, "WORTH", 1 << 60)
                slow = examine(SourceFile(path.name, path.read_text()), family=family)
            assert quick.ruleset == slow.ruleset
            assert [found.message for found in quick.errors] == [found.message for found in slow.errors]
            assert [note.render() for note in quick.ruleset.notes] == [note.render() for note in slow.ruleset.notes]
        count += 1
    assert count > 200


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("-A FOO -s 10.0.0.{n}/32 -j BAR", "-A FOO -s 10.0.0.256/32 -j BAR"),
        ("-A FOO -s 10.0.0.{n}/32 -j BAR", "-A FOO -s 10.0.0.1/33 -j BAR"),
        ("-A FOO -p tcp -m tcp --dport {n} -j BAR", "-A FOO -p tcp -m tcp --dport 65536 -j BAR"),
        (
            "-A FOO -p tcp -m tcp -j DNAT --to-destination 10.0.0.{n}:80",
            "-A FOO -p tcp -m tcp -j DNAT --to-destination 10.0.0.1:99999",
        ),
        (
            "-A FOO -m statistic --mode random --probability 0.{n} -j BAR",
            "-A FOO -m statistic --mode random --probability 1.5 -j BAR",
        ),
    ],
)
def test_a_wrong_value_among_many_right_ones_is_refused_at_its_line(rule: str, broken: str) -> None:
    lines = [rule.format(n=number) for number in range(1, 200)]
    text = "\n".join(["*nat", ":FOO - [0:0]", ":BAR - [0:0]", *lines, broken, *lines, "COMMIT", ""])
    (error,) = examine(text).errors
    assert error.span is not None
    assert error.span.line == 3 + len(lines) + 1
    assert error.code == "IPT013"


def patterns() -> list[tuple[str, Family]]:
    """Return every declared value type that has a pattern, by the name of its option, with the family."""
    found = []
    for cls in [*MATCHES.all(), *TARGETS.all()]:
        for option in cls.OPTIONS:
            found += [
                (f"{cls.NAME} {option.names[0]}", family)
                for family in cls.FAMILIES
                if option.kind.pattern(Reading(family, 6)) is not None
            ]
    return found


@pytest.mark.parametrize(("label", "family"), patterns())
def test_words_that_fit_a_pattern_are_always_taken(label: str, family: Family) -> None:
    name, spelling = label.split(" ")
    cls = MATCHES.find(name) or TARGETS.find(name)
    assert cls is not None
    option = next(item for item in cls.OPTIONS if item.names[0] == spelling)
    reading = Reading(family, 6)
    pattern = option.kind.pattern(reading)
    assert pattern is not None

    @settings(max_examples=40, deadline=None)
    @given(st.from_regex(rf"\A(?:{pattern})\Z"))
    def taken(word: str) -> None:
        text = word[1:-1] if word.startswith('"') else word
        assert option.kind.read((text,), reading) is not None

    taken()
