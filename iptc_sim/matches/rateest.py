"""``-m rateest``: compare the rates of estimators that ``-j RATEEST`` feeds (xt_rateest.c)."""

from __future__ import annotations

import re

from iptc_sim.constraint import Asked, Constraint, Own
from iptc_sim.extension import Placement, extension
from iptc_sim.match import Match, Outcome, Unclear
from iptc_sim.moment import Moment
from iptc_sim.options import Option, Reading, ValueType, flag, option
from iptc_sim.records import dataclass
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.text import Text
from iptc_sim.values import Negatable, Variant

_NUMBER = re.compile(r"\+?(?:(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?|0x[0-9a-f]+|inf|infinity|nan)", re.ASCII | re.IGNORECASE)
_RATE = re.compile(rf"({_NUMBER.pattern})(?:([kmgt]i?)?(bit|bps))?", re.ASCII | re.IGNORECASE)
_SCALE = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_ALL = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class BitRate:
    """Bytes in a second; printed in bits, large numbers in thousands or millions of them."""

    size: int

    def __str__(self) -> str:
        bits = self.size * 8
        for name, unit in (("M", 10**6), ("K", 10**3)):
            if bits >= unit * 1000:
                return f"{bits / unit:.0f}{name}bit"
        return f"{bits}bit"


class BitRateType(ValueType[BitRate]):
    """A number with a unit such as kbit or mbps, without one of bits; nothing stands for 0. The kernel has 32 bits."""

    optional = True
    expected = "a rate such as 8bit, 5kbit, 10mbit or 1mbps"

    def read(self, words: tuple[str, ...], context: Reading) -> BitRate:  # noqa: ARG002 - the interface
        """Return the rate; of larger ones the lower 32 bits count, as iptables has it."""
        if not words:
            return BitRate(0)
        found = _RATE.fullmatch(words[0])
        if found is None:
            raise ValueError(f"{words[0] or 'an empty word'} is not a rate")
        number, prefix, unit = found[1], (found[4] or "").lower(), (found[5] or "bit").lower()
        value = float.fromhex(number) if "x" in number.lower() else float(number)
        value *= (1024.0 if prefix.endswith("i") else 1000.0) ** _SCALE[prefix.removesuffix("i")]
        value /= 8 if unit == "bit" else 1
        return BitRate(int(value) & _ALL if value < 1 << 63 else 0)


class PacketRateType(Integer):
    """Packets in a second; nothing stands for 0."""

    optional = True

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the number."""
        return super().read(words, context) if words else 0


_NAME = Text("the name of an estimator, of which 15 bytes are kept", 15, quote=False)
_BITS, _PACKETS = BitRateType(), PacketRateType()
_COMPARISONS = ("less", "greater", "equal")


@extension
class Rateest(Match):
    """One estimator is compared with numbers, or with another one; of several comparisons the last counts.

    The names of options depend on others: with one estimator and no ``--rateest-delta``, its rate is compared with
    what iptables calls the second number.
    """

    NAME = "rateest"

    delta: bool = flag("--rateest-delta")
    first: str = option(_NAME, "--rateest1", "--rateest", default="")
    second: str | None = option(_NAME, "--rateest2")
    less: Negatable[bool] | None = flag("--rateest-lt", negatable=True)
    greater: Negatable[bool] | None = flag("--rateest-gt", negatable=True)
    equal: Negatable[bool] | None = flag("--rateest-eq", negatable=True)
    bits1: BitRate | None = option(_BITS, "--rateest-bps1")
    bits2: BitRate | None = option(_BITS, "--rateest-bps2", "--rateest-bps")
    packets1: int | None = option(_PACKETS, "--rateest-pps1")
    packets2: int | None = option(_PACKETS, "--rateest-pps2", "--rateest-pps")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Keep the last comparison (the fields stand in the order of the line), and the numbers that are compared."""
        for name in [name for name in fields if name in _COMPARISONS][:-1]:
            del fields[name]
        numbers: tuple[tuple[str, object], ...] = (("bits", BitRate(0)), ("packets", 0))
        for name, zero in numbers:
            one, two = fields.pop(f"{name}1", None), fields.pop(f"{name}2", None)
            if one is None and two is None:
                continue
            compared = fields.get("second") is None or fields.get("delta")
            fields[f"{name}2"] = two if compared and two is not None else zero
            if fields.get("delta"):
                fields[f"{name}1"] = zero if one is None else one

    def refusal(self, place: Placement) -> str:
        """Return why the kernel cannot compare."""
        if not self.first:
            return "-m rateest needs --rateest1"
        if self.less is None and self.greater is None and self.equal is None:
            return "-m rateest needs one of --rateest-lt, --rateest-gt and --rateest-eq"
        if self.bits2 is None and self.packets2 is None:
            return "-m rateest needs one of --rateest-bps and --rateest-pps"
        return Match.refusal(self, place)

    def objects(self) -> tuple[tuple[str, str], ...]:
        """Name the estimators, which a rule with ``-j RATEEST`` must have made."""
        return tuple(("rate estimator", name) for name in (self.first, self.second) if name is not None)

    def words(self, variant: Variant = Variant.NFT) -> tuple[str, ...]:  # noqa: ARG002 - the interface
        """Return the options with the names that iptables-save gives them."""
        single = self.second is None
        comparison = self._named("less") + self._named("greater") + self._named("equal")
        found = [*self._named("delta"), *self._named("first", "--rateest" if single else "--rateest1")]
        for name in ("bits", "packets"):
            if getattr(self, f"{name}2") is None:
                continue
            option = {"bits": "--rateest-bps", "packets": "--rateest-pps"}[name]
            if self.delta:
                found += [*self._named(f"{name}1", f"{option}1"), *comparison, *self._named(f"{name}2", f"{option}2")]
            else:
                found += [*comparison, *(self._named(f"{name}2", option) if single else [option])]
        return (*found, *self._named("second"))

    def _named(self, field: str, name: str = "") -> list[str]:
        """Return one option as printed, under another name where one is given."""
        declared: Option = next(item for item in self.OPTIONS if item.field == field)
        text = declared.text(getattr(self, field))
        return [name if word == declared.names[0] and name else word for word in text]

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Say what would have to be known."""
        return Unclear(self, "the rates that -j RATEEST measures are not known")

    def constraint(self, asked: Asked) -> Constraint:
        """Say which estimators are asked, which all rules share."""
        return Own(self.question(asked), shared=True)
