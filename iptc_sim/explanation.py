"""What is known about one code of diagnostics."""

from __future__ import annotations

from iptc_sim.records import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about a code.

    Args:
        cause: what it means and what usually causes it.
        advice: what to do.
        example: a text that gives the code: rules, for IPT040 a flow, for IPT050 to IPT055 an object; may be empty.
        strict: whether only ``check --strict`` gives it for the example as an error.
    """

    cause: str
    advice: str
    example: str = ""
    strict: bool = False


def in_table(*lines: str, table: str = "filter") -> str:
    """Return the lines as a table of a dump."""
    return "".join(f"{line}\n" for line in (f"*{table}", *lines, "COMMIT"))
