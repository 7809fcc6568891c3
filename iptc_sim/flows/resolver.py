"""Names in flows: what stands for an address is told by somebody who knows the objects."""

from __future__ import annotations

from typing import Protocol

from iptc_sim.records import dataclass
from iptc_sim.values import Address


class NotResolvedError(ValueError):
    """A name stands for no address.

    Args:
        message: what is wrong.
        expected: what would have been right.
        hint: what to try.
    """

    def __init__(self, message: str, expected: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.expected, self.hint = expected, hint


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a name stands for; ``port`` is None where the name tells none."""

    address: Address
    port: int | None = None


class Resolver(Protocol):
    """Knows names."""

    def resolve(self, word: str, protocol: int) -> Resolved | None:
        """Return what a word of a flow stands for; None where it is no name.

        Args:
            word: such as ``svc/default/web:http``.
            protocol: the flow's.

        Raises:
            NotResolvedError: it is a name, of nothing that is known.
        """
