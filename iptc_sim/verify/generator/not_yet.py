"""What is not drawn, with the reason: the one place to look at before a gap is called covered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Extensions by name.
NOT_DRAWN: Final[Mapping[str, str]] = {
    "cgroup": "needs xt_cgroup, which many kernels are built without",
    "connlimit": "counts otherwise what comes within one tick of the clock; tests/kernel/test_connections.py waits",
    "QUEUE": "gone from the kernel; NFQUEUE is drawn",
    "ipvs": "needs the ipvs module and a virtual service",
    "nfacct": "needs an object that nfacct made",
    "osf": "needs a table of fingerprints loaded by nfnl_osf",
    "rateest": "measures over seconds, which no run repeats",
    "RATEEST": "needs rateest to be seen",
    "CLUSTERIP": "gone from Linux 6.x",
    "CONNSECMARK": "needs a security module",
    "SECMARK": "needs a security module",
    "LED": "needs the LED of a machine",
    "SYNPROXY": "makes connections of its own that need a real server",
    "TEE": "makes a second packet with the same id, which the trace cannot be told apart by",
    "ULOG": "gone from Linux 3.17",
}

#: Packets, nodes and rules.
NOT_SENT: Final[Mapping[str, str]] = {
    "packets of the node to groups and broadcasts": "a copy comes back by lo; one way alone is told",
    "groups and broadcasts into a bridge": "they are flooded to the other ports, too: several ways of one packet",
    "UDPLite": "conntrack takes the packets that are built here for invalid; it is not settled why",
    "hashlimit rules of one name with different rates": "the first one loaded makes the table for all",
    "fragments": "conntrack puts them together; which of them a trace shows is not compared",
}
