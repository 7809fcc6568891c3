"""The ports on which the userspace proxy listens, one for each service port."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from iptc_sim.diagnostics import Diagnostic, UsageError, suggestion
from iptc_sim.kube.select import Portal
from iptc_sim.kube.settings import Settings

#: Where Linux takes a free port from when a program asks for any (net.ipv4.ip_local_port_range).
_EPHEMERAL: Final = range(32768, 61000)
_RANGE: Final = re.compile(r"(\d{1,5})(?:([-+])(\d{1,5}))?", re.ASCII)
_EXPECTED: Final = "such as 40000-40100, 40000+100 or 40000"

#: A service port: its name and its protocol in lower case.
Key = tuple[str, str]


def assign_proxy_ports(portals: Sequence[Portal], settings: Settings) -> Mapping[Key, int]:
    """Return the proxy port of every service port.

    kube-proxy asks the kernel for any free port, or draws one of ``--proxy-port-range``. Here it is one that follows
    from the name, so that the same objects give the same rules; ``--proxy-port`` tells the real one.

    Args:
        portals: the service ports.
        settings: ``proxy_ports`` and ``proxy_port_range``.

    Raises:
        UsageError: IPT054, a port is told for a service port that is not there, the range cannot be read or is too
            small.
    """
    told = dict(settings.proxy_ports)
    names = {portal.label for portal in portals}
    for name in told:
        if name not in names:
            message = f"there is no service port {name}"
            expected = ", ".join(sorted(names)[:5]) or "a Service with a port"
            raise _wrong("--proxy-port", message, expected, suggestion(name, names))
    among = port_range(settings.proxy_port_range)
    taken = set(told.values())
    found: dict[Key, int] = {}
    for portal in portals:
        key = (portal.name, portal.protocol)
        if portal.label in told:
            found[key] = told[portal.label]
        elif portal.protocol != "sctp":  # which the userspace proxy does not serve
            found[key] = _free(f"{portal.name}{portal.protocol}", among, taken)
            taken.add(found[key])
    return found


def port_range(text: str) -> range:
    """Return the ports of a ``--proxy-port-range``; those of the kernel where it is empty.

    Raises:
        UsageError: IPT054, it is no range.
    """
    if not text:
        return _EPHEMERAL
    found = _RANGE.fullmatch(text)
    if not found:
        raise _wrong("--proxy-port-range", f"{text} is no range of ports", _EXPECTED)
    first, sign, second = int(found[1]), found[2], int(found[3] or 0)
    last = {None: first, "-": second, "+": first + second}[sign]
    if not 0 < first <= last < 65536:
        raise _wrong("--proxy-port-range", f"{text} is no range of ports", _EXPECTED)
    return range(first, last + 1)


def _free(name: str, among: range, taken: set[int]) -> int:
    """Return a port for a name, the next one where that is taken; it goes round at the end of the range."""
    start = int.from_bytes(sha256(name.encode()).digest()[:8])
    for step in range(len(among)):
        port = among[(start + step) % len(among)]
        if port not in taken:
            return port
    raise _wrong("--proxy-port-range", f"its {len(among)} ports are not enough for all service ports")


def _wrong(flag: str, message: str, expected: str = "", hint: str = "") -> UsageError:
    return UsageError(Diagnostic("IPT054", message, subject=flag, expected=expected, hint=hint))
