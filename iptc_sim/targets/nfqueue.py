"""``-j NFQUEUE``: hand the packet to a program, which decides about it (xt_NFQUEUE.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked
from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass
from iptc_sim.target import Accept, Action, Deed, Effect, Either, Steal, Target
from iptc_sim.value_types.number import Integer


@dataclass(frozen=True, slots=True)
class QueueRange:
    """Queues from ``first`` to ``last``, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"


class QueueRangeType(ValueType[QueueRange]):
    """``A:B`` with A below B; a missing end is 0 or 65535."""

    expected = "a range of queues A:B, with A below B"

    def read(self, words: tuple[str, ...], context: Reading) -> QueueRange:  # noqa: ARG002 - the interface
        """Return the range."""
        first, colon, last = words[0].partition(":")
        low, high = (parse_integer(first) if first else 0), (parse_integer(last) if last else 0xFFFF)
        if not colon or low is None or high is None or high > 0xFFFF:
            raise ValueError(f"{words[0]} is not a range of queues")
        if low >= high:
            raise ValueError(f"{low} is not below {high}")
        if (low, high) == (0, 0xFFFF):
            raise ValueError("65536 queues are one more than the kernel can count")
        return QueueRange(low, high)


@extension
class NfqueueTarget(Target):
    """Queue 0 where none is named, and printed then."""

    NAME = "NFQUEUE"

    queue_num: int | None = option(Integer(0, 0xFFFF), "--queue-num")
    queue_balance: QueueRange | None = option(QueueRangeType(), "--queue-balance")
    queue_bypass: bool = flag("--queue-bypass")
    queue_cpu_fanout: bool = flag("--queue-cpu-fanout")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Name queue 0."""
        if "queue_balance" not in fields:
            fields.setdefault("queue_num", 0)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse one queue and several, and a choice by CPU where there is only one."""
        if self.queue_num is not None and self.queue_balance is not None:
            raise ValueError("--queue-num and --queue-balance exclude each other")
        if self.queue_cpu_fanout and self.queue_balance is None:
            raise ValueError("--queue-cpu-fanout needs --queue-balance")

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Hand it over; without a program that listens it is dropped, with ``--queue-bypass`` accepted."""
        return self._handed_over()

    def deed(self, asked: Asked) -> Deed:  # noqa: ARG002 - the interface
        """Hand it over; with ``--queue-bypass`` it cannot be told whether anybody listens."""
        found = self._handed_over()
        return found if isinstance(found, Steal) else Effect(f"{self._queue}: whether a program listens is not known")

    def _handed_over(self) -> Steal | Either:
        queue = self._queue
        if self.queue_bypass:
            stolen = Steal(f"{queue}: the program that listens there decides")
            passed = Accept(queued=True)
            return Either(((f"a program listens on {queue}", stolen), (f"no program listens on {queue}", passed)))
        return Steal(f"{queue}: the program that listens there decides; without one the packet is dropped")

    @property
    def _queue(self) -> str:
        return f"one of the queues {self.queue_balance}" if self.queue_balance else f"queue {self.queue_num or 0}"
