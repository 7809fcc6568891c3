"""The commands and options of iptables itself that are no condition of a rule, by letter and by long name."""

from __future__ import annotations

from typing import Final

from iptc_sim.records import dataclass


@dataclass(frozen=True, slots=True)
class Own:
    """One of them.

    Args:
        letter: of its short form.
        kind: of the token.
        needed: how many values must follow.
        allowed: how many more may follow, if they do not begin with ``-`` or ``!``.
        refused: why iptables-restore does not take it; empty where it does.
        command: whether it is a command.
    """

    letter: str
    kind: str
    needed: int = 0
    allowed: int = 0
    refused: str = ""
    command: bool = False


def _command(letter: str, kind: str, needed: int = 0, allowed: int = 0) -> Own:
    return Own(letter, kind, needed, allowed, command=True)


_OWN: Final = (
    (_command("A", "APPEND", 1), "append"),
    (_command("C", "CHECK", 1), "check"),
    (_command("D", "DELETE", 1, 1), "delete"),
    (_command("E", "RENAME", 1, 1), "rename-chain"),
    (_command("F", "FLUSH", 0, 1), "flush"),
    (_command("I", "INSERT", 1, 1), "insert"),
    (_command("L", "LIST", 0, 2), "list"),
    (_command("N", "NEW", 1), "new-chain"),
    (_command("P", "POLICY", 1, 1), "policy"),
    (_command("R", "REPLACE", 1, 1), "replace"),
    (_command("S", "LIST_RULES", 0, 2), "list-rules"),
    (_command("X", "DELETE_CHAIN", 0, 1), "delete-chain"),
    (_command("Z", "ZERO", 0, 2), "zero"),
    (Own("c", "SET_COUNTERS", 1, 1), "set-counters"),
    (Own("g", "GOTO", 1), "goto"),
    (Own("j", "JUMP", 1), "jump"),
    (Own("m", "MATCH", 1), "match"),
    (Own("M", "MODPROBE", 1), "modprobe"),
    (Own("v", "DISPLAY"), "verbose"),
    (Own("n", "DISPLAY"), "numeric"),
    (Own("x", "DISPLAY"), "exact"),
    (Own("0", "DISPLAY"), "line-numbers"),
    (Own("4", "IPV4"), "ipv4"),
    (Own("6", "IPV6"), "ipv6"),
    (Own("t", "TABLE", 1, refused="-t cannot stand here: the *table line says the table"), "table"),
    (Own("w", "WAIT", refused="-w cannot stand here: iptables-restore itself takes it"), "wait"),
    (Own("W", "WAIT", refused="-W cannot stand here: iptables-restore itself takes it"), "wait-interval"),
    (Own("h", "HELP", refused="-h makes iptables-restore print its help and load nothing"), "help"),
    (Own("V", "HELP", refused="-V makes iptables-restore print its version and load nothing"), "version"),
)

#: By short form (``A``) and by long name (``--append``).
SHORT: Final = {own.letter: own for own, _ in _OWN}
LONG: Final = {f"--{name}": own for own, name in _OWN}

#: The short form of a command, by token kind.
COMMANDS: Final = {own.kind: f"-{own.letter}" for own, _ in _OWN if own.command}
