"""Texts made to hurt: each gets an answer or a clear error, in time and memory that grow as the text does.

The time of a text is compared with that of one a quarter as long. ``IPTC_HOSTILE=100000`` makes them as many lines, words
or chains long, and the longest line 100 MB; the default keeps the run short.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from random import Random
from typing import Final

import pytest

from iptc_sim import Findings, examine
from tests.conftest import CHECKOUT
from tests.timing import least

SIZE: Final = int(os.environ.get("IPTC_HOSTILE", "2000"))
#: Linear growth is 4; what is quadratic comes near 16. The seconds are for texts too quick to be timed.
GROWTH: Final = 7.5
NOISE: Final = 0.1
#: How long the longest line is (characters), and the memory in which it is read (bytes).
LINE: Final = 100_000_000 if SIZE >= 100_000 else 10_000_000
MEMORY: Final = 256 * 2**20 + 28 * LINE
#: No text of :data:`SIZE` takes longer: a line that only the grammar reads takes 300 us, and some have two of them.
LONGEST: Final = 10.0 + 1e-3 * SIZE


def table(*lines: str, chains: Sequence[str] = (), name: str = "filter") -> str:
    """Return a whole table."""
    return "\n".join([f"*{name}", *(f":{chain} - [0:0]" for chain in chains), *lines, "COMMIT", ""])


def named(count: int) -> list[str]:
    """Return so many names of chains."""
    return [f"C{number}" for number in range(count)]


def each(form: str, count: int) -> Iterator[str]:
    """Write a form with every number below ``count``; ``{n}`` is the number, ``{m}`` the next one."""
    return (form.format(n=number, m=number + 1, port=number % 60000, byte=number % 250) for number in range(count))


def drawn(pieces: Sequence[str], count: int, joint: str = "") -> str:
    """Put so many pieces together at random."""
    return joint.join(Random(1).choices(pieces, k=count))


_WORDS = [
    "-A",
    "INPUT",
    "-m",
    "tcp",
    "!",
    "--dport",
    "80",
    "-j",
    "ACCEPT",
    '"',
    "\\",
    "[0:0]",
    "COMMIT",
    "*nat",
    ":",
    "-",
    "-p",
    "udp",
    "iptables",
    "sudo",
    "$X",
    ";",
    "&&",
    "|",
    "$",
    "#",
    "```",
    ">",
    "\n",
    "\n",
]
_CONDITIONS = (
    "-s 1.1.1.1", "-d 2.2.2.2", "-i eth0", "-p tcp", "-m mark --mark 1", "-m comment --comment a",
    "-m conntrack --ctstate NEW", "-m addrtype --dst-type LOCAL", "-m limit --limit 1/sec", "-m length --length 10",
    "-m ttl --ttl-eq 1", "-m pkttype --pkt-type host", "-m state --state NEW", "-m connmark --mark 1",
    "-m helper --helper a", "-m realm --realm 1", "-m dscp --dscp 1",
)  # fmt: skip


def subset(number: int) -> str:
    """Return the conditions whose bits are set."""
    return " ".join(words for bit, words in enumerate(_CONDITIONS) if number >> bit & 1)


_MARKED = "-A INPUT -m mark --mark {n}"
Text = Callable[[int], str]

#: One long line. Real iptables gives up at 10,240 characters, and so may we, but not before we have been asked.
LINES: Final[dict[str, Text]] = {
    "no line of a dump": lambda n: "x" * (n * 10),
    "one value": lambda n: table("-A INPUT -s " + "1" * (n * 10)),
    "words": lambda n: table("-A INPUT" + " a" * n),
    "blanks": lambda n: table(" " * (n * 10)),
    "dashes": lambda n: table("-A INPUT " + "-" * (n * 10)),
    "quotes in quotes": lambda n: table("-A INPUT -m comment --comment " + '"' * (n * 10)),
    "escaped quotes": lambda n: table('-A INPUT -m comment --comment "' + '\\"' * (n * 5)),
    "quoted words": lambda n: table("-A INPUT -m comment --comment " + '"a" ' * n),
    "jumps": lambda n: table("-A INPUT " + " ".join(each("-j C{n}", n))),
    "matches": lambda n: table("-A INPUT" + " -m comment" * n),
    "matches with options": lambda n: table("-A INPUT" + " -m comment --comment a" * n),
    "unknown matches": lambda n: table("-A INPUT " + " ".join(each("-m x{n}", n))),
    "nots": lambda n: table("-A INPUT " + "! " * n + "-s 1.1.1.1"),
    "addresses": lambda n: table("-A INPUT -s " + ",".join(["1.1.1.1"] * n)),
    "addresses of no family": lambda n: table("-A INPUT " + "-s a:a" * n),
    "colons": lambda n: table("-A INPUT -s " + ":" * n),
    "ports": lambda n: table("-A INPUT -p tcp -m multiport --dports " + ",".join(["1"] * n)),
    "a huge number": lambda n: table("-A INPUT -m mark --mark " + "9" * n),
    "a huge hexadecimal number": lambda n: table("-A INPUT -m mark --mark 0x" + "f" * n),
    "a long fraction": lambda n: table("-A INPUT -m statistic --mode random --probability 0." + "9" * n),
    "huge counters": lambda n: table(f"[{'9' * n}:1] -A INPUT", f":INPUT ACCEPT [{'9' * n}:1]"),
    "a huge place": lambda n: table("-A INPUT", "-D INPUT " + "9" * n),
    "states": lambda n: table("-A INPUT -m conntrack --ctstate " + "NEW," * n),
    "a filter program": lambda n: table(f'-A INPUT -m bpf --bytecode "{n},' + "6 0 0 0," * n + '"'),
    "policies": lambda n: table("-A FORWARD -m policy --dir in --pol ipsec --strict" + " --reqid 1 --next" * n),
    "commands of a shell": lambda n: "iptables -A INPUT -j ACCEPT; " * n,
    "prompts": lambda n: "$ " * n,
    "entities": lambda n: "&quot;" * n,
    "angle brackets": lambda n: "<" * n,
    "terminal codes": lambda n: "\x1b[" * n,
    "carriage returns": lambda n: "\r" * n,
    "NUL": lambda n: table("-A INPUT -m comment --comment " + "\0" * n),
}

#: Chains and where they lead.
JUMPS: Final[dict[str, Text]] = {
    "a path": lambda n: table("-A INPUT -j C0", *each("-A C{n} -j C{m}", n - 1), chains=named(n)),
    "a path, last rule first": lambda n: table(*reversed([*each("-A C{n} -j C{m}", n - 1)]), chains=named(n)),
    "from one chain": lambda n: table(*each("-A INPUT -j C{n}", n), chains=named(n)),
    "to chains that are not there": lambda n: table(*each("-A INPUT -j C{n}", n)),
    "to chains that come later": lambda n: table(*each("-A INPUT -j C{n}", n), *each(":C{n} - [0:0]", n)),
    "a circle": lambda n: table(
        "-A INPUT -j C0", *each("-A C{n} -j C{m}", n - 1), f"-A C{n - 1} -j C0", chains=named(n)
    ),
    "a circle out of reach": lambda n: table(*each("-A C{n} -j C{m}", n - 1), f"-A C{n - 1} -j C0", chains=named(n)),
    "a path behind a circle": lambda n: table(
        "-A X -j Y",
        "-A Y -j X",
        "-A Y -j C0",
        "-A INPUT -j C0",
        *each("-A C{n} -j C{m}", n - 1),
        chains=["X", "Y", *named(n)],
    ),
    "each to itself": lambda n: table(*each("-A C{n} -j C{n}", n), *each("-A INPUT -j C{n}", n), chains=named(n)),
    "an excerpt": lambda n: "".join(each("-A C{n} -j D{n}\n", n)),
    "declared twice": lambda n: table(chains=named(n) * 2),
    "declared twice, with rules": lambda n: table(*each(":C{n} - [0:0]\n-A C{n} -j ACCEPT\n:C{n} - [0:0]", n)),
}

#: Commands that a dump does not have.
COMMANDS: Final[dict[str, Text]] = {
    "-X": lambda n: table("-X", chains=named(n)),
    "-X, again and again": lambda n: table(*["-X"] * n, chains=named(n // 10)),
    "-X CHAIN": lambda n: table(*each("-X C{n}", n), chains=named(n)),
    "-X CHAIN beside rules": lambda n: table(*each(_MARKED, n), *each("-X C{n}", n), chains=named(n)),
    "-F CHAIN": lambda n: table(*each("-A C{n} -j ACCEPT", n), *each("-F C{n}", n), chains=named(n)),
    "-E": lambda n: table(*each("-E C{n} D{n}", n), chains=named(n)),
    "-I 1": lambda n: table(*["-I INPUT 1 -j ACCEPT"] * n),
    "-I of rules that are asked about": lambda n: table(*each("-I INPUT -p tcp --dport {port} -j REJECT", n)),
    "-D 1": lambda n: table(*["-A INPUT -j ACCEPT"] * n, *["-D INPUT 1"] * n),
    "-D of the last": lambda n: table(*each(_MARKED, n), *reversed([*each(_MARKED.replace("-A", "-D"), n)])),
    "-C of the last": lambda n: table(*each(_MARKED, n), *[f"-C INPUT -m mark --mark {n - 1}"] * n),
    "-D of none": lambda n: table(*each(_MARKED, n), *[f"-D INPUT -m mark --mark {n}"] * n),
    "-R": lambda n: table(*each(_MARKED, n), *each("-R INPUT {m} -m mark --mark 7", n)),
    "-P, as a listing": lambda n: "-P INPUT ACCEPT\n-N A\n" * n,
}

#: Many lines.
TEXTS: Final[dict[str, Text]] = {
    "an error each": lambda n: table(*each("-A INPUT -p tcp --dport x{n}", n)),
    "refused by the kernel each": lambda n: table(*each("-A INPUT -s 1.1.1.{byte} -j MASQUERADE", n)),
    "no such interface each": lambda n: table(*each("-A OUTPUT -i eth{n} -j ACCEPT", n)),
    "a shape each": lambda n: table(*(f"-A INPUT {subset(number)} -j ACCEPT" for number in range(1, n + 1))),
    "an unknown match each": lambda n: table(*each("-A INPUT -m foo{n} --bar{n} 1 -j ACCEPT", n)),
    "an unknown target each": lambda n: table(*each("-A INPUT -j FOO{n} --bar{n} 1", n)),
    "tables": lambda n: "*filter\n:A - [0:0]\n-A INPUT -j A\nCOMMIT\n" * (n // 4),
    "two chains in turn": lambda n: table(*each(_MARKED + "\n-A OUTPUT -j ACCEPT", n // 2)),
    "random bytes": lambda n: Random(1).randbytes(n * 20).decode(errors="surrogateescape"),
    "random text": lambda n: drawn('"\\"\\ -!ab:*[]\n#,/.0x', n * 20),
    "random words": lambda n: drawn(_WORDS, n * 4, " "),
    "a script": lambda n: "#!/bin/sh\n" + "".join(each("iptables -A C{byte} -s 1.1.1.{byte} -j ACCEPT\n", n)),
    "a script of many tables": lambda n: "".join(each("iptables -t nat -N A{n}\niptables -t mangle -N A{n}\n", n // 2)),
    "a script that inserts": lambda n: "".join(each("iptables -I INPUT -p tcp --dport {port} -j REJECT\n", n)),
    "a script of variables": lambda n: "".join(each("I{n}=iptables\n$I{n} -A INPUT -j ACCEPT\n", n // 2)),
    "lines that go on": lambda n: "iptables -A INPUT \\\n" * n,
    "here-documents": lambda n: "iptables-restore <<EOF\n" * n,
    "quotes that stay open": lambda n: "".join(each('iptables -A INPUT -m comment --comment "a{n}\n', n)),
    "a log": lambda n: "".join(each("Nov 22 19:00:00 host sh[12]: -A INPUT -m mark --mark {n}\n", n)),
    "CRLF": lambda n: table(*each(_MARKED, n)).replace("\n", "\r\n"),
    "fences": lambda n: "```\n" * n,
    "empty lines": lambda n: " \n" * n,
}

CASES: Final = {
    f"{group}: {name}": text
    for group, cases in {"one line": LINES, "jumps": JUMPS, "commands": COMMANDS, "lines": TEXTS}.items()
    for name, text in cases.items()
}


def read(text: str, *, strict: bool) -> tuple[float, Findings]:
    """Read a text; return the CPU seconds and what was found."""
    start = time.process_time()
    found = examine(text, strict=strict)
    return time.process_time() - start, found


@pytest.mark.parametrize(("name", "strict"), list(product(CASES, (True, False))))
def test_the_time_grows_as_the_text_does(name: str, strict: bool) -> None:
    quarter, whole = CASES[name](SIZE // 4), CASES[name](SIZE)
    seconds, found = read(whole, strict=strict)
    assert seconds < LONGEST
    short, long = least(
        lambda: read(quarter, strict=strict)[0],
        lambda: read(whole, strict=strict)[0],
        until=lambda short, long: long < GROWTH * short + NOISE,
    )
    assert long < GROWTH * short + NOISE
    for item in [*found.errors, *found.ruleset.notes]:
        assert len(item.render()) < 4000, "an error is to be read by people"


_LIMITED = """
import resource, sys, time
from iptc_sim import examine
piece, before, manner, length, memory = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
text = before + piece * (int(length) // len(piece))
start = time.process_time()
found = examine(text, strict=manner == "strict")
print(time.process_time() - start, found.errors[0].code)
"""


@pytest.mark.parametrize("manner", ["strict", "tolerant"])
@pytest.mark.parametrize(
    ("piece", "before"), [("x", ""), ('"', "*filter\n-A INPUT -m comment --comment "), ("-j A ", "*filter\n-A INPUT ")]
)
def test_a_very_long_line_is_refused_in_bounded_memory(piece: str, before: str, manner: str) -> None:
    command = [sys.executable, "-c", _LIMITED, piece, before, manner, str(LINE), str(MEMORY)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-1000:]
    seconds, code = done.stdout.split()
    assert code in {"IPT010", "IPT011", "IPT020"}
    assert float(seconds) < LONGEST
