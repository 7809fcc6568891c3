"""Words out of a fixed list: one of them, or several between commas."""

from __future__ import annotations

from iptc_sim.diagnostics import suggestion
from iptc_sim.options import Reading, ValueType
from iptc_sim.values import Names


def not_one(word: str, known: tuple[str, ...] | list[str], what: str = "one of the names") -> ValueError:
    """Return the error that ``word`` is not ``what``, with the known word that looks most like it."""
    hint = suggestion(word, known)
    return ValueError(f"{word} is not {what}" + (f" ({hint})" if hint else ""))


class Choice(ValueType[str]):
    """One of a few words; ``short`` maps further spellings to them."""

    def __init__(self, choices: tuple[str, ...], short: dict[str, str] | None = None) -> None:
        self.choices, self.short = choices, short or {}
        self.expected = "one of " + ", ".join(choices)

    def read(self, words: tuple[str, ...], context: Reading) -> str:  # noqa: ARG002 - the interface
        """Return the choice."""
        word = self.short.get(words[0], words[0])
        if word not in self.choices:
            raise not_one(words[0], (*self.choices, *self.short))
        return word


class NameList(ValueType[Names]):
    """A comma list out of fixed names, in any case; printed in the order of that list."""

    def __init__(self, order: tuple[str, ...]) -> None:
        self.order = order
        self.expected = "a comma list of " + ", ".join(order)

    def read(self, words: tuple[str, ...], context: Reading) -> Names:  # noqa: ARG002 - the interface
        """Return the set of names."""
        names = [name.upper() for name in words[0].split(",")]
        for name in names:
            if name not in self.order:
                raise not_one(name, self.order)
        return Names.of(names, self.order)
