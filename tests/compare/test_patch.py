"""The text that turns A into B, what it is not made of, and how the command line asks for it.

What real iptables makes of it is tested in ``tests/kernel/test_patch.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from iptc_sim import Ruleset, diff, parse
from iptc_sim.compare import patch
from iptc_sim.diagnostics import UsageError
from tests.conftest import Runner

HEAD = ":INPUT {} [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"


def table(*lines: str, policy: str = "ACCEPT", users: tuple[str, ...] = ()) -> str:
    declared = [f":{name} - [0:0]" for name in users]
    return "\n".join([f"*filter\n{HEAD.format(policy)}".rstrip(), *declared, *lines, "COMMIT", ""])


def body(a: str, b: str) -> list[str]:
    """The commands, the file's frame and comments left out."""
    frame = {"*filter", "COMMIT"}
    return [line for line in patch(parse(a), parse(b)).splitlines() if line not in frame and not line.startswith("#")]


FIVE = [f"-A INPUT -s 10.0.0.{number}/32 -j DROP" for number in range(1, 6)]


def test_nothing_to_do() -> None:
    text = patch(parse(table(*FIVE)), parse(table(*FIVE)), ("a.save", "b.save"))
    assert text == ("# iptables-restore --noflush: turns a.save into b.save\n# there is no difference\n")


def test_only_what_differs_is_touched() -> None:
    assert body(table(*FIVE), table(*FIVE[:2], *FIVE[3:])) == ["-D INPUT 3"]
    assert body(table(*FIVE[1:]), table(*FIVE)) == [f"-I INPUT 1 {FIVE[0][9:]}"]
    assert body(table(*FIVE[:4]), table(*FIVE)) == [FIVE[4]]
    assert body(table(*FIVE), table(*FIVE[1:], FIVE[0])) == ["-D INPUT 1", FIVE[0]]
    assert body(table(*FIVE), table(*FIVE, policy="DROP")) == [":INPUT DROP [0:0]"]


def test_a_chain_of_which_little_stays_is_filled_again() -> None:
    others = [line.replace("DROP", "ACCEPT") for line in FIVE]
    assert body(table(*FIVE), table(*others[:4], FIVE[4])) == ["-F INPUT", *others[:4], FIVE[4]]


def test_chains_are_renamed_at_the_end() -> None:
    a = table("-A INPUT -j old", "-A old -s 10.0.0.1/32 -j DROP", users=("old",))
    b = table("-A INPUT -j new", "-A FORWARD -j new", "-A new -s 10.0.0.1/32 -j DROP", users=("new",))
    assert body(a, b) == ["-A FORWARD -j old", "-E old new"]


def test_jumps_to_a_chain_go_before_the_chain() -> None:
    a = table("-A INPUT -s 10.0.0.1/32 -j one", "-A one -j two", "-A two -j DROP", users=("one", "two"))
    assert body(a, table()) == ["-F INPUT", "-F one", "-F two", "-X one", "-X two"]


def test_a_table_that_b_lacks_is_emptied() -> None:
    a = "*nat\n:OUTPUT DROP [0:0]\n:mine - [0:0]\n-A OUTPUT -j mine\n-A mine -j ACCEPT\nCOMMIT\n" + table()
    text = patch(parse(a), parse(table()))
    assert text.splitlines()[1:] == ["*nat", ":OUTPUT ACCEPT [0:0]", "-F OUTPUT", "-F mine", "-X mine", "COMMIT"]


def test_what_must_exist_is_named() -> None:
    text = patch(parse(table()), parse(table("-A INPUT -m set --match-set blocked src -j DROP")))
    assert text.splitlines()[1] == "# needs ipset blocked"


def test_order_counts_where_kube_proxy_has_none() -> None:
    rules = [f"-A KUBE-SERVICES -d 10.96.0.{number}/32 -j KUBE-SVC-{number}" for number in (1, 2, 3)]
    users = ("KUBE-SERVICES", "KUBE-SVC-1", "KUBE-SVC-2", "KUBE-SVC-3")
    a, b = table(*rules, users=users), table(*rules[::-1], users=users)
    assert not diff(parse(a), parse(b))
    assert body(a, b)


def left_over(a: Ruleset, b: Ruleset) -> str:
    with pytest.raises(UsageError) as error:
        patch(a, b)
    (found,) = error.value.diagnostics
    assert found.code == "IPT004"
    return found.message


def test_no_patch_is_made_of_parts() -> None:
    whole = parse(table(*FIVE))
    excerpt = parse("\n".join([*FIVE, ""]), table="filter")
    assert "B shows rules of filter and none of its chains (an excerpt)" in left_over(whole, excerpt)
    assert "A shows rules" in left_over(excerpt, whole)
    listing = parse("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n" + FIVE[0] + "\n", table="filter")
    both = parse(table(*FIVE) + "*nat\n-A OUTPUT -j ACCEPT\nCOMMIT\n")
    assert "table nat: B does not show it" in left_over(both, listing)
    assert body(table(*FIVE), table(*FIVE[:4])) == ["-D INPUT 5"]
    assert patch(whole, listing)
    dangling = parse(table("-A INPUT -j nowhere"))
    assert "it has jumps to chains that it does not show" in left_over(whole, dangling)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "a.save").write_text(table(*FIVE))
    (tmp_path / "b.save").write_text(table(*FIVE[1:]))
    (tmp_path / "part.save").write_text("\n".join([*FIVE, ""]))
    (tmp_path / "six.save").write_text("*filter\n-A INPUT -s fd00::1/128 -j DROP\nCOMMIT\n")
    return tmp_path


def test_command(iptc_sim: Runner, files: Path) -> None:
    ran = iptc_sim("diff", "a.save", "b.save", "--format", "patch", cwd=files)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.splitlines() == [
        "# iptables-restore --noflush: turns a.save into b.save", "*filter", "-D INPUT 1", "COMMIT",
    ]  # fmt: skip
    same = iptc_sim("diff", "a.save", "a.save", "--format", "patch", "--variant", "legacy", cwd=files)
    assert same.status == 0


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        (("a.save", "part.save", "--format", "patch"), "no patch can be made of parts"),
        (("a.save", "b.save", "--format", "patch", "--only-kube"), "two whole dumps"),
        (("a.save", "b.save", "--expect-kube", "x.yaml", "--format", "patch"), "two whole dumps"),
        (("a.save", "six.save"), "A is of IPv4 and B of IPv6"),
        (("a.save", "six.save", "--format", "patch"), "A is of IPv4 and B of IPv6"),
        (("a.save", "b.save", "--format", "yaml"), "yaml is not one of its values"),
        (("a.save", "b.save", "--variant", "x"), "x is not one of its values"),
    ],
)
def test_wrong_questions(iptc_sim: Runner, files: Path, args: tuple[str, ...], shown: str) -> None:
    ran = iptc_sim("diff", *args, cwd=files)
    assert (ran.status, ran.out) == (2, "")
    assert "IPT004" in ran.err
    assert shown in ran.err
