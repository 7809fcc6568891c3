"""Names of iptables' own targets, to tell one that is not modelled from a chain that is not in the dump."""

from __future__ import annotations

from typing import Final

#: Targets of iptables that have gone from the kernel; they still stand in old dumps.
FOREIGN_TARGETS: Final = frozenset({"CLUSTERIP", "QUEUE", "ULOG"})
