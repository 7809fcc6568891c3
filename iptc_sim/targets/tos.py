"""``-j TOS``: change the type of service, or the traffic class of IPv6 (xt_DSCP.c, tos_tg)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass, replace
from iptc_sim.target import Action, Alter, Change, Deed, Target

#: RFC 1349.
NAMES = {
    "minimize-delay": 0x10,
    "maximize-throughput": 0x08,
    "maximize-reliability": 0x04,
    "minimize-cost": 0x02,
    "normal-service": 0x00,
}


@dataclass(frozen=True, slots=True)
class TosEdit:
    """The new byte is ``(byte & ~mask) ^ value``."""

    value: int
    mask: int

    def apply(self, tos: int) -> int:
        """Return the byte after the edit."""
        return tos & ~self.mask ^ self.value

    def __str__(self) -> str:
        return f"0x{self.value:02x}/0x{self.mask:02x}"


def _byte(text: str) -> int:
    number = parse_integer(text)
    if number is None or number > 0xFF:
        raise ValueError(f"{text or 'an empty word'} is not a number from 0 to 255")
    return number


class TosEditType(ValueType[TosEdit]):
    """One of the four ways to say how the byte changes.

    Args:
        operation: ``set``, ``and``, ``or`` or ``xor``; only the first takes a name or a mask.
    """

    def __init__(self, operation: str) -> None:
        self.operation = operation
        names = ", value/mask, or one of " + ", ".join(NAMES)
        self.expected = "a number 0-255" + (names if operation == "set" else "")

    def read(self, words: tuple[str, ...], context: Reading) -> TosEdit:  # noqa: ARG002 - the interface
        """Return the edit in the form of ``--set-tos``."""
        match self.operation:
            case "set" if words[0].lower() in NAMES:
                return TosEdit(NAMES[words[0].lower()], 0x3F)
            case "set":
                value, slash, mask = words[0].partition("/")
                return TosEdit(_byte(value), _byte(mask) if slash else 0xFF)
            case "and":
                return TosEdit(0, ~_byte(words[0]) & 0xFF)
            case "or":
                return TosEdit(_byte(words[0]), _byte(words[0]))
            case _:
                return TosEdit(_byte(words[0]), 0)


@extension
class TosTarget(Target):
    """In mangle only; all four ways print as ``--set-tos value/mask``."""

    NAME = "TOS"
    TABLES = frozenset({"mangle"})

    tos: TosEdit = option(
        TosEditType("set"),
        "--set-tos",
        required=True,
        also={"--and-tos": TosEditType("and"), "--or-tos": TosEditType("or"), "--xor-tos": TosEditType("xor")},
    )

    def act(self, at: Moment) -> Action:
        """Change the byte and go on."""
        value = self.tos.apply(at.packet.tos)
        return Alter(f"TOS {at.packet.tos:#04x} => {value:#04x}", replace(at.packet, tos=value))

    def deed(self, asked: Asked) -> Deed:
        """Change the byte."""
        return Change(f"TOS {self.tos}", frozenset({Field.TOS}), (self.name, *self.words(asked.variant)))
