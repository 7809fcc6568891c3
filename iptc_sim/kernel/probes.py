"""How it is known that a trace has begun, and that it is whole.

After a packet, probe packets of the harness follow on the same CPU. The kernel handles them in order, so once
a probe's own trace is read, so is everything that came before it. The same probes, sent until the first one
shows up, tell when the tracing has really begun. The harness's own table drops them ahead of conntrack and of
any rule of the user's.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.events import TraceEvent, TraceSource
from iptc_sim.kernel.report import Walk
from iptc_sim.kernel.topology import FarEnd
from iptc_sim.kernel.tracing import PROBE_PROTOCOL
from iptc_sim.packet import Packet
from iptc_sim.values import Address, Family
from iptc_sim.wire.packets import packet_bytes

#: How long a probe may take before the harness gives up (seconds).
_PATIENCE: Final = 10.0
#: How long to wait for one probe at the start, before the next is sent (seconds).
_START_STEP: Final = 0.02
#: The first probe follows what the packet itself does; each further one follows the packets caused by those
#: before it: the way over lo, the answer to that, and the answer's way over lo.
_PROBES: Final = 4
#: Where nobody answers: the packet, its way over lo.
_PROBES_IN_QUIET: Final = 2

#: Benchmarking and documentation addresses (RFC 2544, 3849); the number of a probe is added to the source.
_SOURCE: Final[dict[Family, Address]] = {
    Family.IPV4: IPv4Address("198.18.0.0"),
    Family.IPV6: IPv6Address("2001:db8:ffff::"),
}
_DESTINATION: Final[dict[Family, Address]] = {
    Family.IPV4: IPv4Address("198.19.255.254"),
    Family.IPV6: IPv6Address("2001:db8:ffff:ffff::fe"),
}
_NUMBERS: Final = 0xFFFF


class Probes:
    """The probes of a Lab.

    Args:
        far_end: where they are sent from.
        interface: by which they come in at the node.
        quiet: whether nothing on the node answers.
    """

    def __init__(self, far_end: FarEnd, interface: str, *, quiet: bool) -> None:
        self._far_end = far_end
        self._interface = interface
        self._number = _PROBES_IN_QUIET if quiet else _PROBES
        self._sent = 0

    def wait_for_start(self, source: TraceSource, family: Family) -> None:
        """Return once ``source`` shows traces.

        Raises:
            KernelError: it never does.
        """
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                self._probe(source, family, _START_STEP)
                return
        raise KernelError(f"no trace came within {_PATIENCE:g} s")

    def events_so_far(self, source: TraceSource, family: Family) -> list[TraceEvent]:
        """Return every event of packets sent before now, and of those that they caused.

        Raises:
            KernelError: the trace does not come to its end.
        """
        events: list[TraceEvent] = []
        try:
            for _ in range(self._number):
                events += self._probe(source, family, _PATIENCE)
        except TimeoutError as error:
            raise KernelError(f"the trace of a packet did not end: {error}") from error
        return events

    def _probe(self, source: TraceSource, family: Family, patience: float) -> list[TraceEvent]:
        """Send a probe and return all events up to its own.

        Raises:
            TimeoutError: it did not show up.
        """
        self._sent = self._sent % _NUMBERS + 1
        address = _SOURCE[family] + self._sent
        packet = Packet(address, _DESTINATION[family], PROBE_PROTOCOL)
        self._far_end.send(self._interface, packet_bytes(packet, self._sent))
        events: list[TraceEvent] = []
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            events += (found := source.read(left))
            if any(event.opens is not None and event.opens.source == address for event in found):
                return events
        raise TimeoutError(f"no trace came within {patience:g} s")


def is_probe(walk: Walk) -> bool:
    """Whether a walk is that of a probe."""
    return walk.entry.destination in _DESTINATION.values()


@contextlib.contextmanager
def one_cpu() -> Iterator[int]:
    """Keep this thread on one CPU, so that the kernel queues its packets in the order of sending; gives its number."""
    allowed = os.sched_getaffinity(0)
    cpu = sorted(allowed)[os.getpid() % len(allowed)]
    os.sched_setaffinity(0, {cpu})
    try:
        yield cpu
    finally:
        os.sched_setaffinity(0, allowed)
