"""Commands as they are typed into a shell: cut into words, and ``iptables`` commands turned into restore lines.

Nothing is run or expanded. A line may hold several commands (``iptables -F; iptables -X``); what stands between them
decides only what is warned of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from iptc_sim.records import dataclass
from iptc_sim.syntax.paste.notes import CONTROL, OTHER
from iptc_sim.value_types.text import quoted
from iptc_sim.values import Family

_TOKEN: Final = re.compile(
    r"""
    \s*+(?:
    (?P<comment>\#.*+)
   |(?P<redirect>(?:\d*+|&)(?:<<<|<<-?|>>|<&|>&|>\||[<>])(?:\d++(?=[\s;&|)]|\Z))?)
   |(?P<operator>;;|;|&&|\|\||\|&?|&|[()])
   |(?P<word>(?:[^\s"'\\;&|<>()`$]++|\\.|\\\Z|'[^']*+'|"(?:[^"\\]++|\\.)*+"|\$\([^()]*+\)|`[^`]*+`|\$\{[^}]*+\}|\$)++)
   |\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_PIECE: Final = re.compile(
    r"""'([^']*+)'|"((?:[^"\\]++|\\.)*+)"|\\(.)|\$\([^()]*+\)|`[^`]*+`|\$|[^'"\\$`]++|.""", re.DOTALL
)
_IN_QUOTES: Final = re.compile(r'\\([$`"\\])')
_SPECIAL: Final = re.compile(r"""['"\\$`]""")
_EXPANSION: Final = re.compile(r"\$[\w{(@*#?!$-]|`")
#: A word that may stand in a restore line without quotes, and means the same in every reading of it.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./$!*~^{}()\[\]<>?|;-]+")

_NAME: Final = re.compile(r"(?:.*/)?(ip6?tables)(?:-(?:legacy|nft))?(-save|-restore)?", re.DOTALL)
_NAME_VARIABLE: Final = re.compile(r"\$\{?\w*(?:IP(6?)T|ip(6?)t)\w*\}?")
_ASSIGNMENT: Final = re.compile(r"\w+\+?=.*", re.DOTALL)
#: Programs that run the command behind them.
_WRAPPERS: Final = frozenset(
    {"sudo", "doas", "env", "nohup", "exec", "command", "ip", "nsenter", "unshare", "chroot", "ssh", "kubectl", "oc",
     "docker", "podman", "nerdctl", "crictl", "minikube", "vagrant", "run", "try"}
)  # fmt: skip
#: Words that end a command and begin the next.
_KEYWORDS: Final = frozenset({"then", "do", "else", "if", "elif", "while", "until", "!", "{", "time"})
_CONTROL: Final = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "select",
     "{", "}", ";;", "return", "break", "continue", "exit"}
)  # fmt: skip
_OTHER: Final = frozenset(
    {"echo", "printf", "modprobe", "rmmod", "insmod", "sysctl", "ip", "ipset", "set", "export", "sleep", "cat",
     "service", "systemctl", "apt", "apt-get", "yum", "dnf", "apk", "cd", "rm", "mkdir", "cp", "mv", "touch",
     "chmod", "chown", "grep", "egrep", "sed", "awk", "cut", "tee", "source", ".", ":", "local", "declare",
     "readonly", "unset", "trap", "test", "[", "[[", "true", "false", "conntrack", "tc", "ifconfig", "route", "nft",
     "logger", "netfilter-persistent", "ufw", "firewall-cmd", "docker", "podman", "kubectl", "ssh", "exec", "eval",
     "command", "which", "wait", "kill", "read", "shift", "sudo", "ls", "ethtool", "arptables", "ebtables",
     "chkconfig", "shopt", "umask", "let", "depmod", "clear", "id", "whoami", "hostname", "uname", "dmesg", "lsmod",
     "update-alternatives", "iptables-apply", "logout"}
)  # fmt: skip
_FUNCTION: Final = re.compile(r"[\w-]+\s*\(\)|[^\s()]+\)")

#: The commands that change rules, and how many values stand behind each at most.
_CHANGES: Final = {
    "-A": 1, "-I": 2, "-D": 2, "-R": 2, "-N": 1, "-X": 1, "-P": 2, "-F": 1, "-E": 2, "-Z": 2,
    "--append": 1, "--insert": 2, "--delete": 2, "--replace": 2, "--new-chain": 1, "--new": 1, "--delete-chain": 1,
    "--policy": 2, "--flush": 1, "--rename-chain": 2, "--zero": 2,
}  # fmt: skip
_JOINED: Final = re.compile(r"(-[ADIRNXPFEZ])(\w[\w.-]*)")
_LISTING: Final = re.compile(r"-[vnx46w]*S.*|--list-rules", re.DOTALL)
_SHOWS: Final = re.compile(r"-[vnx46w]*[LCSVh][\w-]*|--(?:list|list-rules|check|version|help)")
#: Options of the command that say nothing about a rule.
_DROPPED: Final = re.compile(r"-[vnx]+|--verbose|--numeric|--exact|--line-numbers|-w\d+|--wait=.*|--modprobe=.*")
_DROPPED_WITH_NUMBER: Final = frozenset({"-w", "--wait", "-W", "--wait-interval"})
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_TABLE: Final = re.compile(r"(?:-t(?=filter|nat|mangle|raw|security)|--table=)(\S+)")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command.

    Args:
        value: what the program is given; ``$NAME`` stays as it is.
        offset: where it begins in the line.
        quoted: whether quotes are in it, which no option is typed with.
        expanded: whether the shell would have put something else in its place.
    """

    value: str
    offset: int
    quoted: bool = False
    expanded: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a line.

    Args:
        kind: ``rule`` (``text`` is a restore line), ``listing`` (rules of ``table`` are printed next), or the code of
            the warning for a command that is left out; empty where nothing is lost.
        family: of the program.
        table: that ``-t`` names, or the one of a command without ``-t``; empty where there is none.
        text: of a rule.
        offset: where it begins in the line.
        expanded: whether a word of it would have been expanded.
        controlled: whether a condition or a loop is in front of it.
    """

    kind: str
    family: Family | None = None
    table: str = ""
    text: str = ""
    offset: int = 0
    expanded: bool = False
    controlled: bool = False


@dataclass(frozen=True, slots=True)
class ShellLine:
    """The commands of a line, and the word that ends its here-document (empty: it has none)."""

    commands: tuple[Command, ...]
    here_end: str


def is_other(line: str) -> str:
    """Return the warning for a line of a script that is no ``iptables`` command; empty where it is no shell at all."""
    text = line.lstrip(" \t")
    first = next(iter(text.split(None, 1)), "").rstrip(";")
    if first in _CONTROL or text.startswith(";;") or _FUNCTION.match(text):
        return CONTROL
    return OTHER if first.rsplit("/", 1)[-1] in _OTHER or _ASSIGNMENT.match(first) else ""


def read_commands(line: str, *, bare: bool = False) -> ShellLine | None:
    """Cut a line into its commands.

    Args:
        line: with continuations joined.
        bare: the line is the arguments of an ``iptables`` command, ``-t nat -A ...``.

    Returns:
        None where a quote is left open.
    """
    commands: list[Command] = []
    words: list[Word] = []
    here_end, operator, redirected = "", "", ""
    for kind, text, offset in _tokens(line):
        if not kind:
            return None
        if kind == "word":
            word = _word(text, offset)
            if redirected.startswith("<<") and redirected != "<<<":
                here_end = word.value
            if not redirected:
                words.append(word)
            redirected = ""
        elif kind == "redirect":
            redirected = "" if text[-1].isdigit() else text.lstrip("0123456789&") or text
        elif kind == "operator":
            commands.extend(_commands(words, operator, bare=bare))
            words, operator, redirected = [], text, ""
    commands.extend(_commands(words, operator, bare=bare))
    return ShellLine(tuple(commands), here_end)


def _tokens(line: str) -> Iterator[tuple[str, str, int]]:
    """Yield (kind, text, offset) of all but blanks and comments; an empty kind where the line cannot be cut."""
    position = 0
    for found in _TOKEN.finditer(line):
        if found.start() != position:
            break
        position = found.end()
        kind = found.lastgroup
        if kind and kind != "comment":
            yield kind, found[kind], found.start(kind)
    if position != len(line):
        yield "", "", position


def _word(text: str, offset: int) -> Word:
    if not _SPECIAL.search(text):
        return Word(text, offset)
    value, expanded = [], False
    for found in _PIECE.finditer(text):
        single, double, escaped = found.groups()
        if double is not None:
            expanded = expanded or bool(_EXPANSION.search(double))
            value.append(_IN_QUOTES.sub(r"\1", double))
        else:
            value.append(next((part for part in (single, escaped) if part is not None), found[0]))
    bare = re.sub(r"""'[^']*+'|"(?:[^"\\]++|\\.)*+"|\\.""", "", text, flags=re.DOTALL)
    return Word("".join(value), offset, "'" in text or '"' in text, expanded or bool(_EXPANSION.search(bare)))


def _commands(words: list[Word], operator: str, *, bare: bool) -> Iterator[Command]:
    """Yield what one simple command says; a filter behind a pipe says nothing."""
    controlled = operator == "||"
    while words and not words[0].quoted and words[0].value in _KEYWORDS:
        controlled = True
        words = words[1:]
    if controlled and operator != "||":
        yield Command(CONTROL)
    if not words or (operator.startswith("|") and operator != "||"):
        return
    index, family, suffix = (-1, None, "") if bare else _program(words)
    if index is None:
        yield _left_out(words)
    elif suffix == "-restore":
        yield Command(OTHER, family)
    else:
        yield _arguments(words[index + 1 :], family, saves=suffix == "-save", controlled=controlled)


def _left_out(words: list[Word]) -> Command:
    first = words[0].value
    if first in {"true", ":"} or first.startswith("#"):
        return Command("")
    return Command(CONTROL if first in _CONTROL else OTHER)


def _program(words: list[Word]) -> tuple[int | None, Family | None, str]:
    """Find the ``iptables`` word: (its index or None, family, ``-save`` or ``-restore``)."""
    first = words[0].value
    wrapped = first.rsplit("/", 1)[-1] in _WRAPPERS or _ASSIGNMENT.fullmatch(first) is not None
    for index, word in enumerate(words if wrapped else words[:1]):
        if found := _NAME.fullmatch(word.value):
            return index, Family.IPV6 if found[1] == "ip6tables" else Family.IPV4, found[2] or ""
        if variable := _NAME_VARIABLE.fullmatch(word.value):
            return index, Family.IPV6 if variable[1] or variable[2] else Family.IPV4, ""
    return None, None, ""


def _arguments(words: list[Word], family: Family | None, *, saves: bool, controlled: bool) -> Command:
    kept, table = _kept(words)
    if saves:
        return Command("listing", family, table)
    kept, command = _command_first(kept)
    if not command:
        if any(_LISTING.fullmatch(word.value) for word in kept if not word.quoted):
            return Command("listing", family, table or "filter")
        return Command(OTHER, family)
    text = " ".join(word.value if _PLAIN.fullmatch(word.value) else quoted(word.value) for word in kept)
    expanded = any(word.expanded for word in kept)
    return Command("rule", family, table or "filter", text, kept[0].offset, expanded, controlled)


def _kept(words: list[Word]) -> tuple[list[Word], str]:
    """Return the words that are about the rule, and the table."""
    kept: list[Word] = []
    table = ""
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        option = "" if word.quoted else word.value
        if option in {"-t", "--table"} and position < len(words):
            table = words[position].value
            position += 1
        elif found := _TABLE.fullmatch(option):
            table = found[1]
        elif option in {"-M", "--modprobe"}:
            position += 1
        elif option in _DROPPED_WITH_NUMBER:
            position += position < len(words) and _NUMBER.fullmatch(words[position].value) is not None
        elif not option.startswith("-") or not _DROPPED.fullmatch(option):
            kept.append(word)
    return kept, table


def _command_first(words: list[Word]) -> tuple[list[Word], str]:
    """Bring the command that changes rules to the front; an empty name where there is none."""
    for index, word in enumerate(words):
        if word.quoted:
            continue
        if _SHOWS.fullmatch(word.value):
            break
        joined = _JOINED.fullmatch(word.value)
        name = joined[1] if joined else word.value
        if name not in _CHANGES:
            continue
        end = index + 1
        most = _CHANGES[name] - bool(joined)
        while end < len(words) and end - index <= most and not words[end].value.startswith(("-", "!")):
            end += 1
        moved = words[index:end]
        if joined:
            moved = [Word(name, word.offset), Word(joined[2], word.offset + 2), *moved[1:]]
        return [*moved, *words[:index], *words[end:]], name
    return words, ""
