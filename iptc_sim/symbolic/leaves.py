"""How packets leave a stretch of rules that does not end them."""

from __future__ import annotations

from iptc_sim.records import dataclass
from iptc_sim.symbolic.store import Store


@dataclass(frozen=True, slots=True)
class Next:
    """They go on with the rule behind."""

    store: Store


@dataclass(frozen=True, slots=True)
class Leave:
    """They go back to the chain that called; from a built-in chain to its policy."""

    store: Store


@dataclass(frozen=True, slots=True)
class Accepted:
    """The table lets them pass."""

    store: Store
