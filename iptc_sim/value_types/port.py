"""Ports as getaddrinfo reads them: what most extensions take; tcp and nat read numbers in any base."""

from __future__ import annotations

import re

from iptc_sim.services import service_port

_NUMBER = re.compile(r"\s*([+-]?)(\d{0,30})", re.ASCII)


def read_service(text: str) -> int:
    """Read a port: a decimal number, of which the lower 16 bits count, or the name of a service. Nothing is 0.

    Raises:
        ValueError: it is neither.
    """
    found = _NUMBER.fullmatch(text)
    if found:
        number = min(int(found[2] or 0), (1 << 64) - 1)
        wrapped = (-number if found[1] == "-" else number) & 0xFFFFFFFF
        if wrapped != 0xFFFFFFFF:  # -1 stands for "no number" there
            return wrapped & 0xFFFF
    port = service_port(text)
    if port is None:
        raise ValueError(f"{text or 'an empty word'} is not a port")
    return port
