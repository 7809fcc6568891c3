"""The words of connection tracking that rules use too."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The ctstate of a packet."""

    INVALID = "INVALID"
    NEW = "NEW"
    RELATED = "RELATED"
    ESTABLISHED = "ESTABLISHED"
    UNTRACKED = "UNTRACKED"


class Direction(StrEnum):
    """Which way of its connection a packet goes."""

    ORIGINAL = "ORIGINAL"
    REPLY = "REPLY"


class Manip(StrEnum):
    """Which side of the tuple a translation changes."""

    SOURCE = "source"
    DESTINATION = "destination"
