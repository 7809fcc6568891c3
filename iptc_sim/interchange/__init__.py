"""Rulesets as typed JSON, for programs in other languages."""

from __future__ import annotations

from iptc_sim.interchange.read import examine_json, ruleset_from_json
from iptc_sim.interchange.write import ruleset_to_json

__all__ = ["examine_json", "ruleset_from_json", "ruleset_to_json"]
