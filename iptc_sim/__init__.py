"""iptc-sim: what happens to a packet in an iptables ruleset, rule by rule, and why.

Names are imported when first used, so that ``import iptc_sim`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.lazy import imported_when_used

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
    "api": ("odds", "trace"),
    "connection": ("Connection", "Flow"),
    "diagnostics": ("Diagnostic", "InputError", "IptcError", "SourceFile", "UsageError"),
    "compare": ("Difference", "diff"),
    "engine.outcomes": ("Outcome",),
    "flows": ("from_scapy", "parse_flow", "to_scapy"),
    "kube": ("Cluster", "Settings", "compile_services", "load_cluster", "restore_text"),
    "interchange": ("ruleset_from_json", "ruleset_to_json"),
    "moment": ("Hook",),
    "node": ("Node",),
    "packet": ("Packet",),
    "render": ("trace_from_json", "trace_to_json"),
    "ruleset": ("Chain", "Rule", "Ruleset", "Table"),
    "syntax": ("Findings", "examine", "parse", "read_rules"),
    "syntax.write": ("write_rule", "write_save"),
    "steps": ("End", "Fate", "Trace"),
    "values": ("Family", "Odds", "Prefix"),
}

__all__ = [
    "Chain", "Cluster", "Connection", "Diagnostic", "Difference", "End", "Family", "Fate", "Findings", "Flow", "Hook",
    "InputError", "IptcError", "Node", "Odds", "Outcome", "Packet", "Prefix", "Rule", "Ruleset", "Settings",
    "SourceFile", "Table", "Trace", "UsageError", "compile_services", "diff", "examine", "from_scapy", "load_cluster",
    "odds", "parse", "parse_flow", "read_rules", "restore_text", "ruleset_from_json", "ruleset_to_json", "to_scapy",
    "trace", "trace_from_json", "trace_to_json", "write_rule", "write_save",
]  # fmt: skip


if not TYPE_CHECKING:  # a type checker must miss a name that is not there
    __getattr__ = imported_when_used(__name__, _HOMES)
