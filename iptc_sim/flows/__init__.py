"""Packets in words, in captures, and as scapy objects."""

from __future__ import annotations

from iptc_sim.flows.node_text import NodeOptions, read_node
from iptc_sim.flows.scapy_packets import from_scapy, is_scapy, read_pcap, to_scapy, write_pcap
from iptc_sim.flows.text import EXAMPLE, clause, parse_flow, read_endpoint

__all__ = [
    "EXAMPLE",
    "NodeOptions",
    "clause",
    "from_scapy",
    "is_scapy",
    "parse_flow",
    "read_endpoint",
    "read_node",
    "read_pcap",
    "to_scapy",
    "write_pcap",
]
