"""The matches (``-m NAME``): one file each."""

from __future__ import annotations

from iptc_sim.match import Match
from iptc_sim.registry import Registry

MATCHES: Registry[Match] = Registry(__name__, __path__, Match, {"icmpv6": "icmp6", "ipv6-icmp": "icmp6"})
