"""``-j DSCP``: set the six upper bits of TOS or traffic class (xt_DSCP.c)."""

from __future__ import annotations

from iptc_sim.extension import Action, Continue, Moment, Target, extension, option
from iptc_sim.options import Reading, ValueType
from iptc_sim.value_types.hexadecimal import HexInteger

#: RFC 2474 class selectors, RFC 2597 assured forwarding (class, drop precedence), RFC 3246.
CLASSES = (
    {f"CS{number}": number << 3 for number in range(8)}
    | {f"AF{number}{drop}": number << 3 | drop << 1 for number in range(1, 5) for drop in range(1, 4)}
    | {"BE": 0, "EF": 0x2E}
)


class DscpClassType(ValueType[int]):
    """A class by name, in any case."""

    expected = "one of BE, EF, CS0-CS7, AF11-AF43"

    def read(self, words: tuple[str, ...], context: Reading) -> int:  # noqa: ARG002 - the interface
        """Return its number."""
        number = CLASSES.get(words[0].upper())
        if number is None:
            raise ValueError(f"{words[0]} is not a DSCP class")
        return number


@extension
class DscpTarget(Target):
    """In mangle only; a class is printed as its number."""

    NAME = "DSCP"
    TABLES = frozenset({"mangle"})

    dscp: int = option(HexInteger(0x3F, 2), "--set-dscp", required=True, also={"--set-dscp-class": DscpClassType()})

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Set the bits and go on."""
        return Continue(f"DSCP set to {self.dscp:#04x}")
