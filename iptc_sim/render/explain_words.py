"""How single options are said in words; what is not in the table is said from the option's declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from iptc_sim.extension import Extension
from iptc_sim.options import Option
from iptc_sim.values import Names, Negatable, PortRange, PortSet, Prefix

#: The clause of an option, and with ``!``, by the extension's name and the field; ``{}`` is the value.
CLAUSES: Final[Mapping[str, tuple[str, str]]] = {
    ".source": ("it comes from {}", "it does not come from {}"),
    ".destination": ("it goes to {}", "it does not go to {}"),
    ".in_interface": ("it comes in by {}", "it does not come in by {}"),
    ".out_interface": ("it leaves by {}", "it does not leave by {}"),
    ".protocol": ("it is {}", "it is not {}"),
    ".fragment": ("it is a fragment other than the first", "it is whole or a first fragment"),
    "sport": ("its source port is {}", "its source port is not {}"),
    "dport": ("its destination port is {}", "its destination port is not {}"),
    "tcp.tcp_option": ("it has TCP option {}", "it does not have TCP option {}"),
    "multiport.sports": ("its source port is {}", "its source port is not {}"),
    "multiport.dports": ("its destination port is {}", "its destination port is not {}"),
    "multiport.ports": ("one of its ports is {}", "none of its ports is {}"),
    "iprange.src_range": ("it comes from {}", "it does not come from {}"),
    "iprange.dst_range": ("it goes to {}", "it does not go to {}"),
    "icmp.icmp_type": ("its ICMP type is {}", "its ICMP type is not {}"),
    "icmp6.icmpv6_type": ("its ICMPv6 type is {}", "its ICMPv6 type is not {}"),
    "conntrack.ctstate": ("its connection is {}", "its connection is not {}"),
    "conntrack.ctproto": ("its connection has protocol {}", "its connection does not have protocol {}"),
    "conntrack.ctorigsrc": ("its connection was opened from {}", "its connection was not opened from {}"),
    "conntrack.ctorigdst": ("its connection was opened to {}", "its connection was not opened to {}"),
    "conntrack.ctreplsrc": ("its connection is answered from {}", "its connection is not answered from {}"),
    "conntrack.ctrepldst": ("its connection is answered to {}", "its connection is not answered to {}"),
    "conntrack.ctorigsrcport": ("its connection was opened from port {}", "its connection was not opened from port {}"),
    "conntrack.ctorigdstport": ("its connection was opened to port {}", "its connection was not opened to port {}"),
    "conntrack.ctreplsrcport": (
        "its connection is answered from port {}",
        "its connection is not answered from port {}",
    ),
    "conntrack.ctrepldstport": ("its connection is answered to port {}", "its connection is not answered to port {}"),
    "conntrack.ctstatus": ("its connection has status {}", "its connection has no status {}"),
    "conntrack.ctexpire": ("its connection has {} seconds left", "its connection does not have {} seconds left"),
    "conntrack.ctdir": ("it goes in the {} direction of its connection", ""),
    "state.state": ("its connection is {}", "its connection is not {}"),
    "mark.mark": ("its mark is {}", "its mark is not {}"),
    "connmark.mark": ("the mark of its connection is {}", "the mark of its connection is not {}"),
    "addrtype.src_type": ("its source is an address of type {}", "its source is no address of type {}"),
    "addrtype.dst_type": ("its destination is an address of type {}", "its destination is no address of type {}"),
    "addrtype.limit_iface_in": ("(as seen from the in interface)", ""),
    "addrtype.limit_iface_out": ("(as seen from the out interface)", ""),
    "mac.mac_source": ("it was sent by the MAC address {}", "it was not sent by the MAC address {}"),
    "pkttype.pkt_type": ("its frame is {}", "its frame is not {}"),
    "length.length": ("it has {} bytes", "it does not have {} bytes"),
    "ttl.equal": ("its TTL is {}", "its TTL is not {}"),
    "ttl.below": ("its TTL is below {}", ""),
    "ttl.above": ("its TTL is above {}", ""),
    "hl.equal": ("its hop limit is {}", "its hop limit is not {}"),
    "hl.below": ("its hop limit is below {}", ""),
    "hl.above": ("its hop limit is above {}", ""),
    "tos.tos": ("its TOS is {}", "its TOS is not {}"),
    "dscp.dscp": ("its DSCP is {}", "its DSCP is not {}"),
    "owner.socket_exists": ("a socket of this machine sent it", "no socket of this machine sent it"),
    "owner.uid": ("user {} sent it", "user {} did not send it"),
    "owner.gid": ("group {} sent it", "group {} did not send it"),
    "owner.suppl_groups": ("(supplementary groups count)", ""),
    "physdev.is_in": ("it came in by a port of a bridge", "it did not come in by a port of a bridge"),
    "physdev.in_port": ("it came in by the bridge port {}", "it did not come in by the bridge port {}"),
    "physdev.is_out": ("it leaves by a port of a bridge", "it does not leave by a port of a bridge"),
    "physdev.out_port": ("it leaves by the bridge port {}", "it does not leave by the bridge port {}"),
    "physdev.is_bridged": ("it is bridged and not routed", "it is not bridged"),
    "helper.helper": ("the helper {} watches its connection", "the helper {} does not watch its connection"),
    "tcpmss.mss": ("its MSS option is {}", "its MSS option is not {}"),
    "quota.quota": ("the rule has let through less than {} bytes so far", "the {} bytes of the rule are used up"),
    "realm.realm": ("its route is of realm {}", "its route is not of realm {}"),
    "cgroup.cgroup": ("a process of network class {} sent it", "no process of network class {} sent it"),
    "cgroup.path": ("a process of cgroup {} sent it", "no process of cgroup {} sent it"),
}


def joined(parts: Iterable[str], last: str = "and") -> str:
    """Return ``a, b and c``."""
    *head, end = [*parts] or [""]
    return f"{', '.join(head)} {last} {end}" if head else end


def value_text(declared: Option, value: Any) -> str:
    """Return a value as a person says it."""
    if isinstance(value, Prefix) and value.is_host:
        return str(value.address)
    if isinstance(value, PortRange):
        return str(value).replace(":", " to ")
    if isinstance(value, PortSet):
        return joined((str(item).replace(":", " to ") for item in value.ranges), "or")
    if isinstance(value, Names):
        return joined(value.names, "or")
    return " ".join(declared.kind.write(value))


def clauses(extension: Extension, *, leave_out: tuple[str, ...] = ()) -> list[str]:
    """Return a clause for each option that is there and in the table, and one for all others.

    Args:
        extension: the match or target.
        leave_out: fields that are said elsewhere.
    """
    found, others = [], []
    for declared in extension.OPTIONS:
        value = getattr(extension, declared.field)
        if value is None or value is False or declared.field in leave_out:
            continue
        if value == declared.hidden and not isinstance(value, Negatable):
            continue
        negated = isinstance(value, Negatable) and value.negated
        plain = value.value if isinstance(value, Negatable) else value
        pair = CLAUSES.get(f"{extension.NAME}.{declared.field}") or CLAUSES.get(declared.field)
        if pair is not None:
            found.append((pair[negated] or pair[0]).replace("{}", value_text(declared, plain)))
        elif words := " ".join(declared.text(value, hidden=True)).removeprefix("! ").removeprefix("--"):
            others.append(f"not {words}" if negated else words)
    return [*found, f"{extension.SWITCH} {extension.name} says {', '.join(others)}"] if others else found
