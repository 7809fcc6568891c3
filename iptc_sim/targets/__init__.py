"""The targets (``-j NAME``): one file each."""

from __future__ import annotations

from iptc_sim.extension import Target
from iptc_sim.registry import Registry

TARGETS: Registry[Target] = Registry(__name__, __path__, Target)
