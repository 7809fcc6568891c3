"""What is not drawn, with the reason: the one place to look at before a gap is called covered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Extensions by name.
NOT_DRAWN: Final[Mapping[str, str]] = {
    "QUEUE": "gone from the kernel; NFQUEUE is drawn",
    "ipvs": "needs a kernel with IPVS, and a virtual service",
    "nfacct": "needs an object that nfacct made",
    "CLUSTERIP": "gone from Linux 6.x",
    "SECMARK": "needs a security module that knows the context",
    "LED": "needs a kernel with LEDs",
    "ULOG": "gone from Linux 3.17",
}

#: Packets, nodes and rules.
NOT_SENT: Final[Mapping[str, str]] = {
    "packets of the node to groups and broadcasts": "a copy comes back by lo; one way alone is told",
    "groups and broadcasts into a bridge": "they are flooded to the other ports, too: several ways of one packet",
    "hashlimit rules of one name with different rates": "the first one loaded makes the table for all",
    "fragments": "conntrack puts them together; which of them a trace shows is not compared",
    "fingerprints for osf": "they are loaded for the whole kernel, not for a namespace",
}
