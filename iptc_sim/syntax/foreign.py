"""Names of iptables' own targets, to tell one that is not modelled from a chain that is not in the dump."""

from __future__ import annotations

from typing import Final

#: The extension targets of iptables and ip6tables 1.8.9.
FOREIGN_TARGETS: Final = frozenset(
    [
        "AUDIT",
        "CHECKSUM",
        "CLASSIFY",
        "CLUSTERIP",
        "CONNMARK",
        "CONNSECMARK",
        "CT",
        "DNPT",
        "DSCP",
        "ECN",
        "HL",
        "HMARK",
        "IDLETIMER",
        "LED",
        "NETMAP",
        "NFLOG",
        "NFQUEUE",
        "NOTRACK",
        "QUEUE",
        "RATEEST",
        "SECMARK",
        "SET",
        "SNPT",
        "SYNPROXY",
        "TCPMSS",
        "TCPOPTSTRIP",
        "TEE",
        "TOS",
        "TPROXY",
        "TRACE",
        "TTL",
        "ULOG",
    ]
)
