"""The targets (``-j NAME``): one file each."""

from __future__ import annotations

from iptc_sim.registry import Registry
from iptc_sim.target import Target

TARGETS: Registry[Target] = Registry(__name__, __path__, Target)
