"""The harness's own nftables tables, which make the kernel tell what it does and touch none of the user's rules.

A table of its own in each family has two chains at every hook: one ahead of all tables of iptables, which switches the
tracing on, and one behind them. The user's rules stay as they are, with their own numbers; the first and the last trace
event of each hook show the packet, its mark and its conntrack entry as it comes in and as it goes out.

``skb->nf_trace``, which ``meta nftrace set 1`` sets, is what iptables-legacy's tables look at too, so no TRACE rule is
needed there either; they write to the netfilter log then.

Source: nft(8), net/netfilter/nf_tables_trace.c, net/ipv4/netfilter/ip_tables.c (``trace_packet``).
"""

from __future__ import annotations

from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.values import Family

#: What our tables are called.
TABLE: Final = "iptcsim"

#: The protocol of the harness's own probe packets (RFC 3692: for experiments).
PROBE_PROTOCOL: Final = 253

NFT_FAMILIES: Final = {Family.IPV4: "ip", Family.IPV6: "ip6"}

#: Behind the reassembly of fragments (-400), ahead of raw (-300).
_BEGIN: Final = -350
#: Behind nat (100), ahead of conntrack's confirmation, which is the last of all.
_END: Final = 1000
_LAST: Final = 2**31 - 1

#: Packets of the kernel's own making, such as its RST and ICMP errors, belong to no process.
_ONLY_OF_PROCESSES: Final = "meta skuid >= 0 accept; drop;"


def begins(chain: str) -> Hook | None:
    """Return the hook that a chain of our table stands at the begin of; None for any other chain."""
    return _BEGINS.get(chain)


def ends(chain: str) -> Hook | None:
    """Return the hook that a chain of our table stands at the end of; None for any other chain."""
    return _ENDS.get(chain)


_BEGINS: Final = {f"begin_{hook.lower()}": hook for hook in Hook}
_ENDS: Final = {f"end_{hook.lower()}": hook for hook in Hook}


def tables(*, quiet: bool) -> str:
    """Return our tables as text for ``nft -f``.

    Args:
        quiet: the node's own stack stays out of it: what is delivered is taken away behind conntrack's confirmation, so
            that nobody answers, and what the kernel itself makes is dropped, once its trace has begun.
    """
    return "".join(_table(name, quiet) for name in NFT_FAMILIES.values())


def incoming_mark(mark: int, family: Family) -> str:
    """Return the text for ``nft -f`` after which packets from outside have a mark as they come in; 0: none."""
    place = f"{NFT_FAMILIES[family]} {TABLE} incoming"
    return f"flush chain {place}\n" + (f"add rule {place} meta mark set {mark}\n" if mark else "")


def _table(family: str, quiet: bool) -> str:
    first = {
        Hook.PREROUTING: f'iifname != "lo" jump incoming; meta nftrace set 1; meta l4proto {PROBE_PROTOCOL} drop;',
        Hook.OUTPUT: f"meta nftrace set 1; {_ONLY_OF_PROCESSES if quiet else ''}",
    }
    chains = ["chain incoming { }"]
    for name, hook in _BEGINS.items():
        chains.append(_chain(name, hook, _BEGIN, first.get(hook, "")))
    chains += [_chain(name, hook, _END) for name, hook in _ENDS.items()]
    if quiet:
        # Made before conntrack's own hooks, which are put ahead of what has the same priority.
        chains.append(_chain("sink", Hook.INPUT, _LAST, policy="drop"))
    return f"table {family} {TABLE} {{\n" + "\n".join(chains) + "\n}\n"


def _chain(name: str, hook: Hook, priority: int, rules: str = "", policy: str = "accept") -> str:
    return f"chain {name} {{ type filter hook {hook.lower()} priority {priority}; policy {policy}; {rules} }}"
