"""parse(write(r)) == r, for rules drawn at random."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from iptc_sim import IptcError, parse, write_rule, write_save
from tests.strategies import RULE


@settings(max_examples=400, deadline=None)
@given(RULE)
def test_what_is_written_reads_back_equal_and_is_a_fixpoint(line: str) -> None:
    first = parse(
        f"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:FOO - [0:0]\n{line}\nCOMMIT\n"
    )
    text = write_save(first)
    second = parse(text)
    assert second == first
    assert write_save(second) == text
    (rule,) = [rule for *_, rule in first.rules()]
    assert write_rule(rule, "FOO") in text.split("\n")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_cleanly(text: str) -> None:
    try:
        parse(f"*filter\n{text}\nCOMMIT\n")
        parse(text)
    except IptcError as error:
        assert all(found.render() for found in error.diagnostics)
