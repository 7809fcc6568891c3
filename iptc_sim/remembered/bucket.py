"""The bucket of limit and hashlimit."""

from __future__ import annotations

from iptc_sim.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that fills with time, and from which each packet takes its cost; both in nanoseconds.

    The kernel counts in ticks of 1 to 10 ms, at a phase that nobody can know; here time is exact.

    Args:
        left: what is in it; not ``exact``: at least that.
        since: when that was; None where the time was not told then.
        exact: whether no more is in it.
    """

    left: int
    since: int | None
    exact: bool = True

    def at(self, now: int | None, most: int) -> Bucket:
        """Return the bucket as it is at a time, ``most`` being what it holds."""
        if now is None or self.since is None:
            return replace(self, since=now, exact=self.left >= most)
        left = min(most, self.left + max(0, now - self.since))
        return Bucket(left, now, self.exact or left >= most)

    def without(self, cost: int) -> Bucket:
        """Return the bucket after a packet took its cost."""
        return replace(self, left=max(0, self.left - cost))
