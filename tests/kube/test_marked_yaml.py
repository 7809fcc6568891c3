"""YAML with the places of its values: the same bounds as without, keys that stand twice, texts as they are written."""

from __future__ import annotations

import pytest

from iptc_sim.kube.yaml_values import MAX_DEPTH, Marked, YamlFaultError, read_marked, read_yaml


def only(text: str) -> Marked:
    ((number, found),) = read_marked(text)
    assert number == 1
    return found


def test_places_count_from_one() -> None:
    top = only("a: [1, x]\nbc:\n  d: |\n    e\n  f: 'g'\n")
    assert top.pairs is not None
    (a, numbers), (bc, inner) = top.pairs
    assert (a.text, a.start, a.end) == ("a", (1, 1), (1, 2))
    assert numbers.items is not None
    assert [(item.value, item.text, item.start) for item in numbers.items] == [(1, "1", (1, 5)), ("x", "x", (1, 8))]
    assert (numbers.is_block, inner.is_block, bc.start) == (False, True, (2, 1))
    assert inner.pairs is not None
    (_, folded), (_, quoted) = inner.pairs
    assert (folded.value, folded.is_block, folded.end) == ("e\n", True, (5, 1))
    assert (quoted.text, quoted.start, quoted.end) == ("g", (5, 6), (5, 9))


def test_texts_are_as_they_are_written() -> None:
    top = only("a: 1.30\nb: 0x4000\nc: yes\nd: ~\n")
    assert top.pairs is not None
    assert [(value.text, value.value) for _, value in top.pairs] == [
        ("1.30", 1.3), ("0x4000", 0x4000), ("yes", True), ("~", None),
    ]  # fmt: skip


def test_keys_that_stand_twice_are_both_kept() -> None:
    top = only("a: 1\na: 2\n<<: {b: 3}\n")
    assert top.pairs is not None
    assert [key.text for key, _ in top.pairs] == ["a", "a", "<<"]
    assert list(read_yaml("a: 1\na: 2\n<<: {b: 3}\n")) == [(1, {"b": 3, "a": 2})]


def test_aliases_stand_for_what_they_name() -> None:
    top = only("a: &x {b: 1}\nc: *x\n")
    assert top.pairs is not None
    assert top.pairs[0][1] is top.pairs[1][1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "levels deep"),
        ("{a: " * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), "levels deep"),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            "the aliases add more than",
        ),
        ("a: &x [*x]", "has no anchor before it"),
        ("? [a]\n: b", "key is a list or a mapping"),
        ("? &x {a: 1}\n: b", "key is a list or a mapping"),
        ("a: &x [1]\n*x : 2", "key is a list or a mapping"),
        ("a: [1", "not YAML"),
        ("a: !!python/object/apply:os.system ['true'", "not YAML"),
    ],
)
def test_hostile_texts_are_refused(text: str, message: str) -> None:
    for read in (read_marked, read_yaml):
        with pytest.raises(YamlFaultError, match=message):
            list(read(text))


def test_no_tag_makes_anything() -> None:
    top = only("a: !!python/object/apply:os.system [exit 1]\n")
    assert top.pairs is not None
    assert top.pairs[0][1].items is not None
