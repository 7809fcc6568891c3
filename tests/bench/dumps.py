"""Dumps as a node with many Services has them: what iptables-save prints after kube-proxy, made here without a cluster.

A dump is named SxE: S Services with E endpoints each. Of 100 Services 5 are UDP, 10 have a NodePort, 2 a load balancer
address, 2 session affinity and 1 has no endpoints. ``python -m tests.bench.dumps SxE`` prints one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from iptc_sim.kube.names import endpoint_chain, service_hash

_HEAD = """\
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-PROXY-CANARY - [0:0]
COMMIT
"""
_FILTER = """\
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
"""
_NAT = """\
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
"""
_LOCAL = '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS'


@dataclass(slots=True)
class _Tables:
    """Rules by chain, as they come."""

    nat: dict[str, list[str]] = field(default_factory=dict)
    filter: dict[str, list[str]] = field(default_factory=dict)

    def add(self, chain: str, rule: str) -> None:
        self.nat.setdefault(chain, []).append(f"-A {chain} {rule}")


def dump(services: int, endpoints: int) -> str:
    """Return the text of ``iptables-save`` for that many Services with that many endpoints each."""
    tables = _Tables()
    for number in range(services):
        _service(tables, number, endpoints)
    return _HEAD + "".join(_table("filter", tables.filter, _FILTER)) + "".join(_table("nat", tables.nat, _NAT))


def _service(tables: _Tables, number: int, endpoints: int) -> None:
    name = f"ns{number % 50}/svc{number}:http"
    protocol = "udp" if number % 20 == 7 else "tcp"
    address = f"10.{96 + number // 65536}.{number // 256 % 256}.{number % 256}"
    match = f'-p {protocol} -m comment --comment "{name}{{}}" -m {protocol} --dport {{}}'
    if number % 100 == 99:
        reject = match.format(" has no endpoints", 80)
        tables.filter.setdefault("KUBE-SERVICES", []).append(
            f"-A KUBE-SERVICES -d {address}/32 {reject} -j REJECT --reject-with icmp-port-unreachable"
        )
        return
    service = f"KUBE-SVC-{service_hash(name, protocol)}"
    external = f"KUBE-EXT-{service_hash(name, protocol)}"
    tables.add("KUBE-SERVICES", f"-d {address}/32 {match.format(' cluster IP', 80)} -j {service}")
    tables.add(
        service,
        f"! -s 10.128.0.0/9 -d {address}/32 {match.format(' cluster IP', 80)} -j KUBE-MARK-MASQ",
    )
    if number % 50 == 3:
        balancer = f"192.{number // 65536}.{number // 256 % 256}.{number % 256}"
        tables.add("KUBE-SERVICES", f"-d {balancer}/32 {match.format(' loadbalancer IP', 80)} -j {external}")
    if number % 10 == 1 and number // 10 < 2700:
        tables.add("KUBE-NODEPORTS", f"{match.format('', 30000 + number // 10)} -j {external}")
    if number % 50 == 3 or number % 10 == 1:
        masquerade = f'-m comment --comment "masquerade traffic for {name} external destinations" -j KUBE-MARK-MASQ'
        tables.add(external, masquerade)
        tables.add(external, f"-j {service}")
    _endpoints(tables, number, endpoints, name, protocol, service)


def _endpoints(tables: _Tables, number: int, endpoints: int, name: str, protocol: str, service: str) -> None:
    affinity = number % 50 == 13
    pods = [
        f"10.{128 + number // 8192}.{number // 32 % 256}.{(number % 32 * 8 + index) % 256}"
        for index in range(endpoints)
    ]
    chains = [endpoint_chain(name, protocol, f"{pod}:8080") for pod in pods]
    if affinity:
        for pod, chain in zip(pods, chains, strict=True):
            recent = f"-m recent --rcheck --seconds 10800 --reap --name {chain} --mask 255.255.255.255 --rsource"
            tables.add(service, f'-m comment --comment "{name} -> {pod}:8080" {recent} -j {chain}')
    for index, (pod, chain) in enumerate(zip(pods, chains, strict=True)):
        left = endpoints - index
        draw = f"-m statistic --mode random --probability {round(2**31 / left) / 2**31:.11f} " if left > 1 else ""
        tables.add(service, f'-m comment --comment "{name} -> {pod}:8080" {draw}-j {chain}')
        tables.add(chain, f'-s {pod}/32 -m comment --comment "{name}" -j KUBE-MARK-MASQ')
        recent = f"-m recent --set --name {chain} --mask 255.255.255.255 --rsource " if affinity else ""
        target = f"-m {protocol} -j DNAT --to-destination {pod}:8080"
        tables.add(chain, f'-p {protocol} -m comment --comment "{name}" {recent}{target}')


def _table(name: str, chains: dict[str, list[str]], fixed: str) -> Iterator[str]:
    """Yield the table as iptables-save prints it: chains by name, rules grouped by chain."""
    builtin = ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"] if name == "nat" else ["INPUT", "FORWARD", "OUTPUT"]
    for line in reversed(fixed.splitlines()):
        chains.setdefault(line.split()[1], []).insert(0, line)
    if name == "nat":
        chains.setdefault("KUBE-SERVICES", []).append(_LOCAL)
    jumps = {line.rsplit("-j ", 1)[1] for rules in list(chains.values()) for line in rules}
    users = sorted({*chains, *(jump for jump in jumps if jump.startswith("KUBE-"))} - set(builtin))
    yield f"*{name}\n"
    yield from (f":{chain} ACCEPT [0:0]\n" for chain in builtin)
    yield from (f":{chain} - [0:0]\n" for chain in users)
    for chain in [*builtin, *users]:
        yield from (f"{line}\n" for line in chains.get(chain, []))
    yield "COMMIT\n"


if __name__ == "__main__":
    sys.stdout.write(dump(*map(int, sys.argv[1].split("x"))))
