"""The trace of iptables-nft, as ``xtables-monitor --trace`` prints it.

::

    PACKET: 2 bddd20aa OUT=lo SRC=127.0.0.1 DST=127.0.0.2 LEN=40 TTL=64 ID=7 SPORT=33000 DPORT=8080 SYN
     TRACE: 2 bddd20aa nat:OUTPUT:rule:0x4:JUMP:DOCKER  -4 -t nat -A OUTPUT -j DOCKER
     TRACE: 2 bddd20aa nat:OUTPUT:policy:ACCEPT

A PACKET line stands before the first TRACE line of every base chain. For IPv6 see
:mod:`iptc_sim.kernel.nftrace`.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
from ipaddress import ip_address
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.events import TraceEvent
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.report import Headers
from iptc_sim.protocols import TCP_FLAGS
from iptc_sim.values import Family

_TRACE: Final = re.compile(
    r" TRACE: (?P<family>\d+) (?P<id>[0-9a-f]+) (?P<table>\w+):(?P<chain>\S+?)"
    r":(?P<kind>rule|policy|return)(?::(?P<handle>0x[0-9a-f]+))?:(?P<verdict>\w*)(?::(?P<target>\S+))?"
    r"(?: .*)?"
)

#: The numbers of the families, NFPROTO_IPV4 and NFPROTO_IPV6.
_FAMILIES: Final = {"2": Family.IPV4, "10": Family.IPV6}

#: NFT_RETURN is -5; xtables-monitor 1.8.9 has no name for it.
_RETURN: Final = "0xfffffffb"


class XtablesMonitor:
    """``xtables-monitor --trace -4`` running in a namespace.

    Raises:
        KernelError: it is not installed.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._process: subprocess.Popen[bytes] = namespace.start(["xtables-monitor", "--trace", "-4"])
        if self._process.stdout is None:
            raise AssertionError("the process was started with a pipe")
        self._pipe = self._process.stdout
        self._rest = b""
        self._packets: dict[str, Headers] = {}

    def read(self, timeout: float) -> list[TraceEvent]:
        """Return the events that have come in, after waiting up to ``timeout`` seconds for the first.

        Raises:
            KernelError: the monitor has ended.
        """
        if not select.select([self._pipe], [], [], timeout)[0]:
            return []
        data = os.read(self._pipe.fileno(), 1 << 20)
        if not data:
            raise KernelError(f"xtables-monitor ended: {self._rest.decode(errors='replace').strip() or 'no message'}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        events = (self._event(line.decode(errors="replace")) for line in lines)
        return [event for event in events if event is not None]

    def close(self) -> None:
        """Kill the process; may be called twice."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()

    def _event(self, line: str) -> TraceEvent | None:
        if line.startswith("PACKET: "):
            _, family, packet_id, *words = line.split()
            self._packets[f"{family} {packet_id}"] = headers_of(words)
            return None
        found = _TRACE.fullmatch(line.rstrip())
        if found is None or found["family"] not in _FAMILIES:
            return None
        key = f"{found['family']} {found['id']}"
        verdict = "RETURN" if found["verdict"] == _RETURN else found["verdict"]
        return TraceEvent(
            key=key,
            family=_FAMILIES[found["family"]],
            opens=self._packets.pop(key, None),
            table=found["table"],
            chain=found["chain"],
            kind=found["kind"],
            place=int(found["handle"] or "0", 16),
            verdict=verdict,
            target=found["target"],
        )


def headers_of(words: list[str]) -> Headers:
    """Read the words of a PACKET line after its id: ``KEY=value`` and bare flags, in any order."""
    values = dict(word.split("=", 1) for word in words if "=" in word)
    return Headers(
        in_interface=values.get("IN"),
        out_interface=values.get("OUT"),
        source=ip_address(values["SRC"]),
        destination=ip_address(values["DST"]),
        sport=int(values["SPORT"]) if "SPORT" in values else None,
        dport=int(values["DPORT"]) if "DPORT" in values else None,
        mark=int(values.get("MARK", "0"), 0),
        ttl=int(values.get("TTL", values.get("HOPLIMIT", "0"))),
        identifier=int(values.get("ID", values.get("FLOWLBL", "0"))),
        flags=frozenset(words).intersection(TCP_FLAGS),
        tos=int(values.get("TOS", values.get("TC", "0")), 0),
    )
