"""What is not drawn, with the reason: the one place to look at before a gap is called covered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Extensions by name.
NOT_DRAWN: Final[Mapping[str, str]] = {
    "QUEUE": "gone from the kernel; NFQUEUE is drawn",
    "ipvs": "needs a kernel with IPVS, and a virtual service",
    "CLUSTERIP": "gone from Linux 6.x",
    "SECMARK": "needs a security module that knows the context",
    "LED": "needs a kernel with LEDs",
    "ULOG": "gone from Linux 3.17",
}

#: Packets, nodes and rules.
NOT_SENT: Final[Mapping[str, str]] = {
    "packets of the node to groups and broadcasts": "a copy comes back by lo; one way alone is told",
    "groups and broadcasts into a bridge": "they are flooded to the other ports, too: several ways of one packet",
    "matches beside a draw of the kernel": "whether they were asked, and have counted, cannot be seen",
    "fragments that make up a whole packet": "one alone is sent; the simulator does not put several together",
    "fragments of IPv6": "no trace shows all of their hooks",
    "fingerprints for osf": "they are loaded for the whole kernel, not for a namespace",
}
