"""Kinds of damage done to a node's rules: to ``combined.save`` of the corpora, with what has to be said about each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

WEB, STICKY, EDGE, CART, FRONT = (
    "default/web:http",
    "default/sticky:http",
    "shop/edge:http",
    "shop/cart:http",
    "shop/front:https",
)
SVC_WEB, SEP_WEB_1 = "KUBE-SVC-CDGGSHYLG3RE2FKL", "KUBE-SEP-AFGSLHOD2HFNCBX4"
SEP_WEB_2, SEP_WEB_3 = "KUBE-SEP-OAIGUPJHOE4YU7HS", "KUBE-SEP-HQQLGVWC5OFWA4VC"
SVC_STICKY, SEP_STICKY_1 = "KUBE-SVC-T2ECBIYT2WDZZK45", "KUBE-SEP-5JVIOGTSXP5GUM2F"
SVC_EDGE, EXT_EDGE, SVL_EDGE = (f"KUBE-{kind}-6DIQQWZY5FTPVDUK" for kind in ("SVC", "EXT", "SVL"))
STALE = "KUBE-SEP-AAAAAAAAAAAAAAAA"

Change = Callable[[list[str]], list[str]]


@dataclass(frozen=True)
class Damage:
    """A change of the dump's lines, and the finding that names it.

    ``service`` is empty for what is kube-proxy's own; ``told`` is found in the answer's text.
    """

    change: Change
    kind: str
    service: str
    chain: str
    told: str = ""


def without(*parts: str) -> Change:
    """Take out the lines that hold all parts; there has to be one."""

    def change(lines: list[str]) -> list[str]:
        left = [line for line in lines if not all(part in line for part in parts)]
        assert len(left) < len(lines), parts
        return left

    return change


def swapped(old: str, new: str, *parts: str) -> Change:
    """Write ``new`` for ``old`` in the lines that hold all parts."""

    def change(lines: list[str]) -> list[str]:
        done = [line.replace(old, new) if all(part in line for part in parts) else line for line in lines]
        assert done != lines, (old, parts)
        return done

    return change


def added(line: str, before: str) -> Change:
    """Put a line in front of the first one that begins so."""

    def change(lines: list[str]) -> list[str]:
        place = next(number for number, text in enumerate(lines) if text.startswith(before))
        return [*lines[:place], line, *lines[place:]]

    return change


def behind(line: str, after: str) -> Change:
    """Put a line behind the last one that begins so."""

    def change(lines: list[str]) -> list[str]:
        place = max(number for number, text in enumerate(lines) if text.startswith(after)) + 1
        return [*lines[:place], line, *lines[place:]]

    return change


def turned(first: str, second: str) -> Change:
    """Let two rules change places: the first lines that hold these texts."""

    def change(lines: list[str]) -> list[str]:
        done = list(lines)
        one, other = (next(number for number, text in enumerate(lines) if part in text) for part in (first, second))
        done[one], done[other] = done[other], done[one]
        return done

    return change


def doubled(*parts: str) -> Change:
    """Write the lines that hold all parts twice."""

    def change(lines: list[str]) -> list[str]:
        done = [item for line in lines for item in ([line, line] if all(part in line for part in parts) else [line])]
        assert len(done) > len(lines), parts
        return done

    return change


def both(*changes: Change) -> Change:
    """Do one after the other."""

    def change(lines: list[str]) -> list[str]:
        for item in changes:
            lines = item(lines)
        return lines

    return change


def renamed_service(lines: list[str]) -> list[str]:
    """Add a Service that the objects do not have: dispatch, chain, endpoint."""
    old = "KUBE-SVC-BBBBBBBBBBBBBBBB"
    comment = '-m comment --comment "default/old:http'
    rules = [
        f'-A KUBE-SERVICES -d 10.96.200.1/32 -p tcp {comment} cluster IP" -m tcp --dport 80 -j {old}',
        f'-A {old} {comment} -> 10.244.9.9:80" -j {STALE}',
        f'-A {STALE} -p tcp {comment}" -m tcp -j DNAT --to-destination 10.244.9.9:80',
    ]
    place = next(number for number, line in enumerate(lines) if line.startswith("-A KUBE-SERVICES -d 10.96.6.80"))
    lines = [*lines[:place], *rules, *lines[place:]]
    return both(added(f":{old} - [0:0]", ":KUBE-SVC"), added(f":{STALE} - [0:0]", ":KUBE-SEP"))(lines)


def one_endpoint_too_many(lines: list[str]) -> list[str]:
    """Add an endpoint to default/web that is not there any more, its odds as kube-proxy writes them for four."""
    jump = f'-A {SVC_WEB} -m comment --comment "default/web:http -> 10.244.9.9:8080"'
    lines = added(f"{jump} -m statistic --mode random --probability 0.25000000000 -j {STALE}", f"-A {SVC_WEB} -m")(
        lines
    )
    rule = f'-A {STALE} -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.9.9:8080'
    lines = added(rule, f"-A {SEP_WEB_1}")(lines)
    return added(f":{STALE} - [0:0]", ":KUBE-SEP")(lines)


DAMAGES: dict[str, Damage] = {
    "chain gone with its jumps": Damage(without(SVC_WEB), "missing", WEB, SVC_WEB, "the chain with 4 rules, and the jump"),
    "chain emptied": Damage(without(f"-A {SVC_WEB}"), "missing", WEB, SVC_WEB),
    "endpoint gone": Damage(without(SEP_WEB_3), "missing", WEB, SEP_WEB_3, "endpoint 10.244.3.5:8080"),
    "first endpoint gone": Damage(without(SEP_WEB_1), "missing", WEB, SEP_WEB_1, "endpoint 10.244.1.5:8080"),
    "endpoint too many": Damage(one_endpoint_too_many, "stale", WEB, STALE, "endpoint 10.244.9.9:8080"),
    "probability": Damage(
        swapped("0.33333333349", "0.25000000000", f"-A {SVC_WEB}"), "changed", WEB, SVC_WEB, "0.33333333349 => 0.25000000000"
    ),
    "no probability": Damage(
        swapped("-m statistic --mode random --probability 0.50000000000 ", "", f"-A {SVC_WEB}"), "changed", WEB, SVC_WEB
    ),
    "stale endpoint chain": Damage(
        both(
            behind(f'-A {STALE} -s 10.244.9.9/32 -m comment --comment "{WEB}" -j KUBE-MARK-MASQ', f"-A {SEP_WEB_1}"),
            added(f":{STALE} - [0:0]", ":KUBE-SEP"),
        ), "stale", WEB, STALE,
    ),
    "stale Service": Damage(renamed_service, "stale", "default/old:http", "KUBE-SVC-BBBBBBBBBBBBBBBB", "no Service given"),
    "empty leftover chain": Damage(added(":KUBE-XLB-CDGGSHYLG3RE2FKL - [0:0]", ":KUBE-SVC"), "stale", WEB, "KUBE-XLB-CDGGSHYLG3RE2FKL"),
    "order of endpoints": Damage(turned(f"-j {SEP_WEB_1}", f"-j {SEP_WEB_2}"), "moved", WEB, SVC_WEB),
    "order in an endpoint chain": Damage(
        turned(f"-A {SEP_WEB_1} -s", f"-A {SEP_WEB_1} -p"), "moved", WEB, SEP_WEB_1
    ),
    "mark bit everywhere": Damage(
        swapped("0x4000", "0x8000"), "changed", "", "KUBE-MARK-MASQ", "--iptables-masquerade-bit 15"
    ),
    "mark bit of one rule": Damage(swapped("0x4000", "0x8000", "-A KUBE-MARK-MASQ"), "changed", "", "KUBE-MARK-MASQ"),
    "dispatch rule gone": Damage(without("-A KUBE-SERVICES", f"-j {SVC_WEB}"), "missing", WEB, "KUBE-SERVICES"),
    "dispatch to another port": Damage(
        swapped("--dport 80 ", "--dport 8080 ", "-A KUBE-SERVICES", WEB), "changed", WEB, "KUBE-SERVICES"
    ),
    "dispatch to another Service": Damage(
        swapped(SVC_WEB, "KUBE-SVC-I5LIAMPLWKMBJ54B", "-A KUBE-SERVICES"), "changed", WEB, "KUBE-SERVICES"
    ),
    "cluster IP of before": Damage(
        swapped("10.96.0.20/32", "10.96.0.99/32", "-A KUBE-SERVICES"), "changed", WEB, "KUBE-SERVICES"
    ),
    "node port gone": Damage(without("-A KUBE-NODEPORTS", "--dport 30080"), "missing", CART, "KUBE-NODEPORTS"),
    "another node port": Damage(swapped("30080", "30099", "-A KUBE-NODEPORTS"), "changed", CART, "KUBE-NODEPORTS"),
    "node port rule not last": Damage(
        turned("-A KUBE-SERVICES -m comment", "-A KUBE-SERVICES -d 10.96.0.20"), "moved", "", "KUBE-SERVICES"
    ),
    "jump of PREROUTING gone": Damage(without("-A PREROUTING"), "missing", "", "PREROUTING"),
    "jump of POSTROUTING gone": Damage(without("-A POSTROUTING"), "missing", "", "POSTROUTING"),
    "jump twice": Damage(doubled("-A OUTPUT", "kubernetes service portals", "-A OUTPUT -m comment"), "stale", "", "OUTPUT"),
    "jumps in another order": Damage(
        turned("-A FORWARD -m comment", "-A FORWARD -m conntrack --ctstate NEW -m comment --comment \"kubernetes service"),
        "moved", "", "FORWARD",
    ),
    "DNAT to another address": Damage(
        swapped("--to-destination 10.244.1.5:8080", "--to-destination 10.244.1.6:8080", f"-A {SEP_WEB_1}"),
        "changed", WEB, SEP_WEB_1, "10.244.1.5:8080 => 10.244.1.6:8080",
    ),
    "DNAT gone": Damage(without(f"-A {SEP_WEB_1} -p"), "missing", WEB, SEP_WEB_1),
    "hairpin mark gone": Damage(without(f"-A {SEP_WEB_1} -s"), "missing", WEB, SEP_WEB_1),
    "masquerading of the cluster IP gone": Damage(without(f"-A {SVC_WEB} ! -s"), "missing", WEB, SVC_WEB),
    "random-fully": Damage(swapped("-j MASQUERADE", "-j MASQUERADE --random-fully"), "changed", "", "KUBE-POSTROUTING", "--random-fully"),
    "POSTROUTING emptied": Damage(without("-A KUBE-POSTROUTING"), "missing", "", "KUBE-POSTROUTING"),
    "invalid packets not dropped": Damage(without("-A KUBE-FORWARD", "INVALID"), "missing", "", "KUBE-FORWARD"),
    "rule twice": Damage(doubled(f"-A {SEP_WEB_1} -p"), "stale", WEB, SEP_WEB_1),
    "rule of somebody in a chain of kube-proxy": Damage(
        behind("-A KUBE-FORWARD -s 10.0.0.0/8 -j DROP", "-A KUBE-FORWARD"), "stale", "", "KUBE-FORWARD"
    ),
    "affinity lost": Damage(
        without(f"-A {SVC_STICKY}", "--rcheck", SEP_STICKY_1), "missing", STICKY, SVC_STICKY
    ),
    "affinity timeout": Damage(
        swapped("--seconds 600", "--seconds 10800", f"-j {SEP_STICKY_1}"), "changed", STICKY, SVC_STICKY, "600 => 10800"
    ),
    "affinity not remembered": Damage(
        swapped(f"-m recent --set --name {SEP_STICKY_1} --mask 255.255.255.255 --rsource ", "", f"-A {SEP_STICKY_1}"),
        "changed", STICKY, SEP_STICKY_1,
    ),
    "external chain emptied": Damage(without(f"-A {EXT_EDGE}"), "missing", EDGE, EXT_EDGE),
    "local endpoints gone": Damage(without(SVL_EDGE), "missing", EDGE, SVL_EDGE),
    "health check port closed": Damage(without("health check node port"), "missing", EDGE, "KUBE-NODEPORTS"),
    "source range gone": Damage(without("-s 198.51.100.0/24", FRONT), "missing", FRONT, "KUBE-FW-VPWLIZ4UCZR3AVHA"),
    "firewall rule gone": Damage(
        without("-A KUBE-PROXY-FIREWALL", "203.0.113.10"), "missing", FRONT, "KUBE-PROXY-FIREWALL"
    ),
    "rejection gone": Damage(without("-A KUBE-SERVICES", "no endpoints"), "missing", "default/empty:http", "KUBE-SERVICES"),
    "comment of before": Damage(
        swapped('"default/web:http cluster IP"', '"default/web:old cluster IP"', "-A KUBE-SERVICES"),
        "changed", WEB, "KUBE-SERVICES",
    ),
    "another protocol": Damage(
        swapped("tcp", "udp", "-A KUBE-SERVICES", "10.96.0.20/32"), "missing", WEB, "KUBE-SERVICES"
    ),
}  # fmt: skip
