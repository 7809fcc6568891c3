"""What the codes of ``check --lint`` mean; see :mod:`iptc_sim.explanations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iptc_sim.explanation import Explanation, in_table


def _two_draws(probability: str) -> list[str]:
    """Return two rules that send some packets to one machine each."""
    return [
        f"-A PREROUTING -p tcp --dport 80 -m statistic --mode random --probability {probability} -j DNAT --to {to}"
        for to in ("10.0.0.1", "10.0.0.2")
    ]


#: By code.
LINT: Final[Mapping[str, Explanation]] = {
    "IPT100": Explanation(
        "Earlier rules of the chain drop, accept, return or lead away every packet that fits this one. It was "
        "often appended with -A where -I was meant. That is proven for all packets; conditions with a state of "
        "their own, such as limit, are never taken to shadow anything.",
        "Move the rule before the ones that are named, or remove it.",
        in_table("-A INPUT -s 10.0.0.0/8 -j DROP", "-A INPUT -s 10.1.2.3 -p tcp --dport 22 -j ACCEPT"),
    ),
    "IPT101": Explanation(
        "Packets come to the chain, but the conditions of the jumps that lead there, or what earlier rules have "
        "taken away, leave none that fits this rule.",
        "Compare its conditions with those of the rules that are named.",
        in_table(":INPUT ACCEPT [0:0]", ":web - [0:0]", "-A INPUT -p tcp --dport 80 -j web", "-A web -p udp -j ACCEPT"),
    ),
    "IPT102": Explanation(
        "The conditions exclude each other, or the hooks that lead to the chain have no such packets: a packet of "
        "this node has no in interface, and before routing there is no out interface.",
        "Look for a ! too many, two options about the same thing, or a chain that is called from the wrong hook.",
        in_table("-A INPUT -m conntrack --ctstate NEW -m conntrack --ctstate ESTABLISHED -j ACCEPT"),
    ),
    "IPT103": Explanation(
        "A rule of the chain has the same conditions and the same target as an earlier one, and nothing between "
        "them changes what it asks. Scripts that append rules and are run twice leave such rules.",
        "Remove one of them. Rules that count, log or limit are not told of.",
        in_table("-A INPUT -p tcp --dport 22 -j ACCEPT", "-A INPUT -p tcp --dport 22 -j ACCEPT"),
    ),
    "IPT104": Explanation(
        "A later rule of the chain gives all packets of this one the same verdict, and no rule between them fits "
        "them. Rules about the state of connections alone are not told of: they spare packets the rest of the "
        "chain.",
        "Remove the rule, unless you want its counter.",
        in_table(":INPUT DROP [0:0]", "-A INPUT -s 10.1.2.3 -j ACCEPT", "-A INPUT -s 10.0.0.0/8 -j ACCEPT"),
    ),
    "IPT105": Explanation(
        "A rule without conditions ends the walk of the chain, by itself or in the chain that it leads to, and "
        "more rules follow. It is told once per chain.",
        "Move the rules before it, or remove them.",
        in_table("-A INPUT -j DROP", "-A INPUT -p tcp --dport 22 -j ACCEPT"),
    ),
    "IPT106": Explanation(
        "The dump shows the whole table, and no rule of it jumps to the chain. Chains that programs keep for "
        "later, such as those of kubelet, Docker and ufw, are not told of.",
        "Add the jump that was forgotten, or remove the chain.",
        in_table(":INPUT ACCEPT [0:0]", ":web - [0:0]", "-A web -p tcp --dport 80 -j ACCEPT"),
    ),
    "IPT107": Explanation(
        "A rule jumps to a chain that is there but has no rules: packets come straight back. Chains that programs "
        "fill when they have something to say are not told of.",
        "Fill the chain, or remove it together with the jump.",
        in_table(":INPUT ACCEPT [0:0]", ":web - [0:0]", "-A INPUT -p tcp --dport 80 -j web"),
    ),
    "IPT108": Explanation(
        "Chains are nested very deep or called from very many places, or their conditions cut packets into very many "
        "kinds. What is told of these rules is true, but there may be more to tell.",
        "Look at a part of the rules by itself, or flatten the chains.",
    ),
    "IPT110": Explanation(
        "Rules choose among ends with -m statistic, one after the other, and the shares are not the same: each "
        "draws from what those before it have left. What kube-proxy's ten digits round is not told of.",
        "Of N ways the first rule draws 1/N, the next 1/(N-1), and the last one draws nothing. Weights on purpose "
        "are a note only.",
        in_table(*_two_draws("0.33"), "-A PREROUTING -p tcp --dport 80 -j DNAT --to 10.0.0.3", table="nat"),
    ),
    "IPT111": Explanation(
        "The last rule of a random choice draws, too, and no rule follows in its chain: some packets are given to "
        "nobody, and with DNAT they go on to the address that stands for all ends.",
        "Leave -m statistic out of the last rule.",
        in_table(*_two_draws("0.5"), table="nat"),
    ),
    "IPT112": Explanation(
        "nat sees the first packet of a connection only, PREROUTING knows no out interface and OUTPUT no in "
        "interface. The rule asks for something else, so that it translates nothing.",
        "Ask for the other interface, or leave the condition out.",
        in_table("-A POSTROUTING -m conntrack --ctstate ESTABLISHED -j MASQUERADE", table="nat"),
    ),
    "IPT113": Explanation(
        "filter comes behind the translation in PREROUTING and sees the new destination. For that its FORWARD "
        "chain accepts no new connection, whatever the source.",
        "Add a rule to FORWARD that accepts the new address and port.",
        in_table("-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2:8080", table="nat")
        + in_table(":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"),
    ),
    "IPT114": Explanation(
        "The machine that a port is published for calls the public address itself. The packet is sent back to it "
        "with its own address as the source, and it refuses that; the same goes for its neighbours, who get the "
        "answer from the wrong address.",
        "Add a MASQUERADE for these packets, or let such clients use the inner address.",
        in_table("-A PREROUTING -d 192.0.2.1 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2:8080", table="nat")
        + in_table(":FORWARD ACCEPT [0:0]"),
    ),
    "IPT115": Explanation(
        "Published ports are sent on in PREROUTING and pass FORWARD, never INPUT. What INPUT or ufw closes stays "
        "open for them, as Docker's published ports do.",
        "Close the port in FORWARD (Docker: in DOCKER-USER), or publish it on 127.0.0.1 only.",
        in_table("-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2:8080", table="nat")
        + in_table(":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", "-A INPUT -p tcp --dport 80 -j DROP"),
    ),
    "IPT116": Explanation(
        "A rule of INPUT accepts a port, but nat sends all new connections of other machines to it somewhere else "
        "before routing. Connections of this node itself still meet the rule.",
        "If it is to let them through, the rule belongs to FORWARD, with the new address and port.",
        in_table("-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080", table="nat")
        + in_table(":INPUT DROP [0:0]", "-A INPUT -p tcp --dport 80 -j ACCEPT"),
    ),
    "IPT117": Explanation(
        "iptables-legacy and iptables-nft each keep rules of their own in the kernel, and both are in force: a "
        "packet has to be let through by both. Usually a node was moved from one to the other without the old "
        "rules being removed.",
        "Move all rules to one of them, and flush the other: iptables-legacy -F, or iptables-nft -F.",
    ),
    "IPT118": Explanation(
        "With --since an older dump of the node is compared: how many rules and chains each program has now, which "
        "chains grew most, and how many rules a packet is compared with at most.",
        "Chains that only ever grow point to a program that adds rules and does not remove them.",
    ),
    "IPT119": Explanation(
        "A comment says that a finding is to be ignored, or a baseline has an entry for it, and there is no such "
        "finding any more; or the comment gives no reason, or names a code that lint does not have.",
        "Remove it, or write the reason behind the code.",
        in_table("# iptc: ignore IPT103 the vendor's script needs it", "-A INPUT -p tcp --dport 22 -j ACCEPT"),
    ),
}
