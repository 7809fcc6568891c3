"""iptc-sim: what happens to a packet in an iptables ruleset, rule by rule, and why.

Names are imported when first used, so that ``import iptc_sim`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from iptc_sim.collector import collector_paused

if TYPE_CHECKING:
    from iptc_sim.api import odds, trace
    from iptc_sim.compare import Difference, diff
    from iptc_sim.connection import Connection, Flow
    from iptc_sim.diagnostics import Diagnostic, InputError, IptcError, SourceFile, UsageError
    from iptc_sim.engine.outcomes import Outcome
    from iptc_sim.flows import from_scapy, parse_flow, to_scapy
    from iptc_sim.interchange import ruleset_from_json, ruleset_to_json
    from iptc_sim.kube import Cluster, Settings, compile_services, load_cluster, restore_text
    from iptc_sim.moment import Hook
    from iptc_sim.node import Node
    from iptc_sim.packet import Packet
    from iptc_sim.render import trace_from_json, trace_to_json
    from iptc_sim.ruleset import Chain, Rule, Ruleset, Table
    from iptc_sim.steps import End, Fate, Trace
    from iptc_sim.syntax import Findings, examine, parse, read_rules
    from iptc_sim.syntax.write import write_rule, write_save
    from iptc_sim.values import Family, Odds, Prefix

__version__ = "0.1.0"

_HOMES = {
    "iptc_sim.api": ("odds", "trace"),
    "iptc_sim.connection": ("Connection", "Flow"),
    "iptc_sim.diagnostics": ("Diagnostic", "InputError", "IptcError", "SourceFile", "UsageError"),
    "iptc_sim.compare": ("Difference", "diff"),
    "iptc_sim.engine.outcomes": ("Outcome",),
    "iptc_sim.flows": ("from_scapy", "parse_flow", "to_scapy"),
    "iptc_sim.kube": ("Cluster", "Settings", "compile_services", "load_cluster", "restore_text"),
    "iptc_sim.interchange": ("ruleset_from_json", "ruleset_to_json"),
    "iptc_sim.moment": ("Hook",),
    "iptc_sim.node": ("Node",),
    "iptc_sim.packet": ("Packet",),
    "iptc_sim.render": ("trace_from_json", "trace_to_json"),
    "iptc_sim.ruleset": ("Chain", "Rule", "Ruleset", "Table"),
    "iptc_sim.syntax": ("Findings", "examine", "parse", "read_rules"),
    "iptc_sim.syntax.write": ("write_rule", "write_save"),
    "iptc_sim.steps": ("End", "Fate", "Trace"),
    "iptc_sim.values": ("Family", "Odds", "Prefix"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Chain", "Cluster", "Connection", "Diagnostic", "Difference", "End", "Family", "Fate", "Findings", "Flow", "Hook",
    "InputError", "IptcError", "Node", "Odds", "Outcome", "Packet", "Prefix", "Rule", "Ruleset", "Settings",
    "SourceFile", "Table", "Trace", "UsageError", "compile_services", "diff", "examine", "from_scapy", "load_cluster",
    "odds", "parse", "parse_flow", "read_rules", "restore_text", "ruleset_from_json", "ruleset_to_json", "to_scapy",
    "trace", "trace_from_json", "trace_to_json", "write_rule", "write_save",
]  # fmt: skip


if not TYPE_CHECKING:  # a type checker must miss a name that is not there

    def __getattr__(name: str) -> object:
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        with collector_paused():
            value: object = getattr(import_module(home), name)
        globals()[name] = (
            value  # `iptc_sim.steps` and `iptc_sim.compare` are functions, though modules bear these names too
        )
        return value
