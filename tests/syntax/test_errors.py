"""Refusals: the code, the line and the column of the word that is wrong."""

from __future__ import annotations

import pytest

from iptc_sim import InputError, SourceFile, parse


def rule(text: str) -> str:
    return f"*filter\n:INPUT ACCEPT [0:0]\n{text}\nCOMMIT\n"


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message"),
    [
        ("-A INPUT -j ACCEPT\n*filter\nCOMMIT\n", "IPT020", 1, 1, "before any table"),
        (":INPUT ACCEPT [0:0]\n*filter\nCOMMIT\n", "IPT020", 1, 1, "before any table"),
        ("*filtr\nCOMMIT\n", "IPT022", 1, 1, "not a table"),
        (rule('-A INPUT -m comment --comment "abc -j ACCEPT'), "IPT011", 3, 31, "never closed"),
        (rule("-A INPUT -p tcp -m tcp --dport 99999 -j ACCEPT"), "IPT013", 3, 32, "99999 is out of range"),
        (rule("-A INPUT -p tcp --dprot 80"), "IPT012", 3, 17, "--dprot"),
        (rule("-A INPUT --ctstate NEW -j ACCEPT"), "IPT012", 3, 10, "--ctstate"),
        (rule("-A INPUT -s 1.2.3.400 -j ACCEPT"), "IPT013", 3, 13, "above 255"),
        (rule("-A INPUT -s example.com -j ACCEPT"), "IPT013", 3, 13, "host name"),
        (rule("-A INPUT -p tpc -j ACCEPT"), "IPT013", 3, 13, "tpc is not a protocol"),
        (rule("-A INPUT -p tcp --dport 80 --dport 81 -j ACCEPT"), "IPT015", 3, 28, "given twice"),
        (rule("-A INPUT -j ACCEPT -j DROP"), "IPT015", 3, 23, "one target only"),
        (rule("-A INPUT -m comment -j ACCEPT"), "IPT016", 3, 13, "needs --comment"),
        (rule("-A INPUT -m statistic --mode random -j ACCEPT"), "IPT016", 3, 13, "needs --probability"),
        (rule("-A INPUT -m tcp --dport 80 -j ACCEPT"), "IPT016", 3, 13, "needs -p with tcp"),
        (rule("-A INPUT ! -j ACCEPT"), "IPT014", 3, 10, "cannot stand before -j"),
        (rule("-A INPUT -m comment ! --comment x"), "IPT014", 3, 23, "cannot be negated"),
        (rule("-A INPUT -p tcp --dport"), "IPT013", 3, 24, "the line ends"),
        (rule(f"-A {'x' * 29} -j ACCEPT"), "IPT023", 3, 4, "29 bytes"),
        (rule("Chain INPUT (policy ACCEPT)"), "IPT010", 3, 1, "not a line of a dump"),
        ("*filter\n:INPUT REJECT [0:0]\nCOMMIT\n", "IPT024", 2, 8, "not a policy"),
        ("*filter\n:INPUT\nCOMMIT\n", "IPT024", 2, 1, "no policy"),
        (rule("-A INPUT -p tcp -j REJECT --reject-with tcp-rset"), "IPT013", 3, 41, "did you mean tcp-reset"),
        (rule("-A INPUT -j DNAT --to-destination 1.2.3.4:80"), "IPT013", 3, 35, "needs -p tcp"),
        (rule("-A INPUT -p tcp -m icmp6 -j ACCEPT"), "IPT017", 3, 20, "icmp6 is an extension of IPv6"),
    ],
)
def test_refused_with_code_line_and_column(text: str, code: str, line: int, column: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(SourceFile("x.save", text))
    found = caught.value.diagnostics[0]
    assert (found.code, message in found.message) == (code, True), found.render()
    assert found.span is not None
    assert (found.span.line, found.span.column) == (line, column), found.render()


@pytest.mark.parametrize(
    ("text", "warned", "refused", "column"),
    [
        ("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\n", "IPT021", "IPT021", 1),
        (rule("-A INPUT -j ACCEPT # why"), "IPT079", "IPT010", 20),
        (rule("-A INPUT -j REJECT --reject-with tcp-reset"), "IPT027", "IPT027", 1),
        (rule("-A INPUT -j DNAT --to-destination 1.2.3.4"), "IPT027", "IPT027", 1),
        (rule("-A INPUT -o eth0 -j ACCEPT"), "IPT034", "IPT034", 10),
        (rule("-A foo -j ACCEPT"), "IPT025", "IPT025", 4),
        (rule("-A INPUT -j foo"), "IPT032", "IPT032", 1),
        (rule("-A INPUT -j OUTPUT"), "IPT028", "IPT028", 1),
        (rule("-N foo\n-A foo -j foo\n-A INPUT -j foo"), "IPT033", "IPT033", 1),
        (rule("-N foo\n-N foo"), "IPT026", "IPT026", 1),
        (rule("-X foo"), "IPT025", "IPT025", 1),
        (rule("-D INPUT -j DROP"), "IPT029", "IPT029", 1),
    ],
)
def test_what_people_paste_is_warned_of_and_a_strict_reading_refuses_it(
    text: str, warned: str, refused: str, column: int
) -> None:
    warnings = [note for note in parse(text).notes if str(note.severity) == "warning"]
    assert [note.code for note in warnings] == [warned], [note.render() for note in warnings]
    with pytest.raises(InputError) as caught:
        parse(text, strict=True)
    error = caught.value.diagnostics[0]
    assert error.code == refused, error.render()
    assert error.span is not None
    assert error.span.column == column


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_nothing_to_read(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.diagnostics[0].code == "IPT003"


def test_the_block_shows_the_line_a_caret_and_what_was_expected() -> None:
    with pytest.raises(InputError) as caught:
        parse(SourceFile("x.save", rule("-A INPUT -p tcp -m tcp --dport 99999 -j ACCEPT")))
    assert caught.value.diagnostics[0].render() == (
        "x.save:3:32: error IPT013: --dport: port 99999 is out of range\n"
        "  3 | -A INPUT -p tcp -m tcp --dport 99999 -j ACCEPT\n"
        "    |                                ^^^^^\n"
        "  expected: a port 0-65535, a range A:B, or a service name"
    )


def test_every_error_of_a_file_is_found_up_to_a_bound() -> None:
    with pytest.raises(InputError) as caught:
        parse(rule("\n".join(["-A INPUT --nosuch"] * 1000)))
    assert len(caught.value.diagnostics) == 200


def test_control_characters_cannot_steer_the_terminal() -> None:
    with pytest.raises(InputError) as caught:
        parse(rule("-A INPUT --\x1b[31mred\x07"))
    assert "\x1b" not in caught.value.diagnostics[0].render()
    assert "\\x1b[31m" in caught.value.diagnostics[0].render()


@pytest.mark.parametrize(
    "line", ["-A INPUT " + "-m comment " * 200_000, '"' * 1_000_000, "-j " + "x" * 5_000_000, ":" + "x" * 20_000]
)
def test_hostile_lines_are_refused_at_once(line: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(f"*filter\n{line}\nCOMMIT\n")
    assert "characters; iptables reads 10,240" in caught.value.diagnostics[0].message
    assert len(caught.value.diagnostics[0].render()) < 1000


def test_a_long_line_is_cut_around_the_place() -> None:
    comment = "x" * 5000
    with pytest.raises(InputError) as caught:
        parse(rule(f'-A INPUT -m comment --comment "{comment}" --nosuch -j ACCEPT'))
    block = caught.value.diagnostics[0].render()
    assert max(map(len, block.splitlines())) < 200
    excerpt, caret = block.splitlines()[1:3]
    assert excerpt[caret.index("^") :].startswith("--nosuch")
