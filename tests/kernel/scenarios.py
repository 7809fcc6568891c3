"""Scenarios as data: one node, one ruleset, one packet.

The kernel answers them here; the simulator's answers can be put beside the kernel's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.kernel.hook_order import HOOK_ORDER
from tests.kernel.scenario import DOCKER_HOST, KUBE_NODE, ROUTER6, Scenario, table, tcp, udp

# --- walking chains
# --------------------------------------------------------------------------------------------------

_FORWARDED: Final = tcp("10.0.0.5:33000", "198.51.100.7:80", "eth1")

#: After a goto the end of the chain returns to behind the last jump, here in ``outer``'s caller.
GOTO: Final = Scenario(
    "goto-returns-behind-the-last-jump",
    table(
        "filter",
        ":outer -",
        ":aside -",
        "-A FORWARD -j outer",
        "-A FORWARD -p tcp",
        "-A outer -g aside",
        "-A outer -j DROP",
        "-A aside -p tcp",
    ),
    _FORWARDED,
)
GOTO_FROM_BASE: Final = Scenario(
    "goto-from-a-base-chain-ends-in-its-policy",
    table(
        "filter",
        ":FORWARD DROP",
        ":aside -",
        "-A FORWARD -g aside",
        "-A FORWARD -j ACCEPT",
        "-A aside -p tcp",
    ),
    _FORWARDED,
)
RETURN_FROM_USER: Final = Scenario(
    "return-goes-on-behind-the-jump",
    table(
        "filter",
        ":one -",
        ":two -",
        "-A FORWARD -j one",
        "-A FORWARD -j ACCEPT",
        "-A one -j two",
        "-A one -p tcp",
        "-A two -p tcp -j RETURN",
        "-A two -j DROP",
    ),
    _FORWARDED,
)
RETURN_FROM_BASE: Final = Scenario(
    "return-in-a-base-chain-is-its-policy",
    table("filter", ":FORWARD DROP", "-A FORWARD -p tcp -j RETURN", "-A FORWARD -j ACCEPT"),
    _FORWARDED,
)
RETURN_IS_UNCONDITIONAL: Final = Scenario(
    "unconditional-return-in-a-base-chain-is-its-policy",
    table("filter", ":FORWARD DROP", "-A FORWARD -j RETURN", "-A FORWARD -j ACCEPT"),
    _FORWARDED,
)
STATISTIC_NEVER: Final = Scenario(
    "probability-0-never",
    table(
        "filter",
        "-A FORWARD -m statistic --mode random --probability 0 -j DROP",
        "-A FORWARD -m statistic --mode random --probability 0.0000000001 -j DROP",
        "-A FORWARD -j ACCEPT",
    ),
    _FORWARDED,
)
STATISTIC_ALWAYS: Final = Scenario(
    "probability-1-always",
    table("filter", "-A FORWARD -m statistic --mode random --probability 1 -j DROP", "-A FORWARD -j ACCEPT"),
    _FORWARDED,
)
MARK: Final = Scenario(
    "a-mark-is-seen-later",
    table("mangle", "-A PREROUTING -p tcp -j MARK --set-xmark 0x4000/0x4000")
    + table(
        "filter",
        "-A FORWARD -m mark ! --mark 0x4000/0x4000 -j DROP",
        "-A FORWARD -m mark --mark 0x4000/0x4000",
    )
    + table("nat", "-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE"),
    _FORWARDED,
)
POLICY_DROP: Final = Scenario(
    "dropped-by-policy-in-output",
    table("filter", ":OUTPUT DROP", "-A OUTPUT -p udp -j ACCEPT"),
    tcp("192.0.2.10:33000", "198.51.100.7:80"),
)
REJECT: Final = Scenario(
    "reject-answers-and-drops",
    table("filter", "-A FORWARD -p tcp -j REJECT --reject-with icmp-port-unreachable"),
    _FORWARDED,
)

# --- translation
# -----------------------------------------------------------------------------------------------------

OUTPUT_DNAT: Final = Scenario(
    "dnat-in-output-reroutes",
    table("nat", "-A OUTPUT -d 198.51.100.7/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.1.7:8080")
    + table("filter", "-A OUTPUT -o eth0 -p tcp"),
    tcp("192.0.2.10:33000", "198.51.100.7:80"),
)
MASQUERADE: Final = Scenario(
    "masquerade-takes-the-first-address-of-the-out-interface",
    table("nat", "-A POSTROUTING -s 10.0.0.0/24 -o eth0 -j MASQUERADE"),
    _FORWARDED,
)
MASQUERADE_NEXT_HOP: Final = Scenario(
    "masquerade-takes-the-address-in-the-next-hops-network",
    table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE"),
    _FORWARDED,
    {"eth0": ["203.0.113.10/24", "192.0.2.10/24"], "eth1": ["10.0.0.1/24"]},
)
REDIRECT: Final = Scenario(
    "redirect-to-the-in-interfaces-address",
    table("nat", "-A PREROUTING -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353")
    + table("filter", "-A INPUT -p udp -m udp --dport 5353"),
    udp("10.0.0.5:33000", "198.51.100.7:53", "eth1"),
)
STATE: Final = Scenario(
    "ctstate-of-a-reply",
    table(
        "filter",
        ":new -",
        ":established -",
        "-A FORWARD -m conntrack --ctstate NEW -j new",
        "-A FORWARD -m conntrack --ctstate ESTABLISHED -j established",
    )
    + table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE"),
    _FORWARDED,
)
DNAT_IPV6: Final = Scenario(
    "dnat-ipv6",
    table(
        "nat",
        "-A PREROUTING -d 2001:db8:1::10 -p tcp -m tcp --dport 80 -j DNAT --to-destination [2001:db8:2::7]:8080",
    ),
    tcp("[2001:db8:1::5]:33000", "[2001:db8:1::10]:80", "eth0"),
    ROUTER6,
    (),
)
NO_CONNTRACK: Final = Scenario(
    "nat-chains-are-not-walked-without-a-conntrack-user",
    table("nat", "-A PREROUTING -p tcp -j MARK --set-mark 0x7") + table("filter", "-A FORWARD -p tcp"),
    _FORWARDED,
)

_SERVICE: Final = "-m comment --comment shop/web:http"
KUBE_SERVICE: Final = Scenario(
    "kube-service-with-three-endpoints",
    table(
        "nat",
        *(f":{name} -" for name in ("KUBE-SERVICES", "KUBE-MARK-MASQ", "KUBE-POSTROUTING", "KUBE-SVC-WEB")),
        *(f":KUBE-SEP-{name} -" for name in "ABC"),
        "-A PREROUTING -j KUBE-SERVICES",
        "-A OUTPUT -j KUBE-SERVICES",
        "-A POSTROUTING -j KUBE-POSTROUTING",
        "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
        "-A KUBE-POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE",
        f"-A KUBE-SERVICES -d 10.97.126.137/32 -p tcp {_SERVICE} -m tcp --dport 8125 -j KUBE-SVC-WEB",
        f"-A KUBE-SVC-WEB {_SERVICE} -m statistic --mode random --probability 0.33332999982 -j KUBE-SEP-A",
        f"-A KUBE-SVC-WEB {_SERVICE} -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-B",
        f"-A KUBE-SVC-WEB {_SERVICE} -j KUBE-SEP-C",
        *(
            line
            for name, address in (("A", "172.17.0.4"), ("B", "172.17.0.5"), ("C", "172.17.0.6"))
            for line in (
                f"-A KUBE-SEP-{name} -s {address}/32 {_SERVICE} -j KUBE-MARK-MASQ",
                f"-A KUBE-SEP-{name} -p tcp {_SERVICE} -m tcp -j DNAT --to-destination {address}:8125",
            )
        ),
    ),
    tcp("172.17.0.9:33000", "10.97.126.137:8125", "cni0"),
    KUBE_NODE,
)

# --- the docker question
# ---------------------------------------------------------------------------------------------

_SEED: Final = Path(__file__).parents[2] / "fixtures" / "seed" / "docker-nat.rules"
_SEED_TEXT: Final = """\
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -d 127.0.0.2/32 ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.7:80
"""


def _docker(*more: str) -> str:
    seed = _SEED.read_text() if _SEED.exists() else _SEED_TEXT
    return table("nat", ":DOCKER -", *more, *seed.splitlines())


#: The seed shows OUTPUT alone; this is what dockerd writes beside it.
_DOCKER_PREROUTING: Final = "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"

DOCKER_LOCAL: Final = Scenario(
    "docker-local-connection", _docker(), tcp("127.0.0.1:33000", "127.0.0.2:8080"), DOCKER_HOST
)
DOCKER_OUTSIDE: Final = Scenario(
    "docker-from-outside",
    _docker(_DOCKER_PREROUTING),
    tcp("192.0.2.1:33000", "127.0.0.2:8080", "eth0"),
    DOCKER_HOST,
)
DOCKER_CONTAINER: Final = Scenario(
    "docker-from-a-container",
    _docker(_DOCKER_PREROUTING),
    tcp("172.17.0.8:33000", "127.0.0.2:8080", "docker0"),
    DOCKER_HOST,
)
DOCKER_WITHOUT_EXCEPTION: Final = Scenario(
    "docker-local-without-the-exception",
    _docker().replace("! -d 127.0.0.0/8 ", "") + table("filter", "-A OUTPUT -p tcp"),
    tcp("127.0.0.1:33000", "127.0.0.2:8080"),
    DOCKER_HOST,
)

#: All of them, for whoever has an answer to compare with the kernel's.
SCENARIOS: Final[tuple[Scenario, ...]] = (
    *(scenario for scenario, _ in HOOK_ORDER),
    GOTO, GOTO_FROM_BASE, RETURN_FROM_USER, RETURN_FROM_BASE, RETURN_IS_UNCONDITIONAL, STATISTIC_NEVER,
    STATISTIC_ALWAYS, MARK, POLICY_DROP, REJECT, OUTPUT_DNAT, MASQUERADE, MASQUERADE_NEXT_HOP, REDIRECT,
    STATE, DNAT_IPV6, NO_CONNTRACK, KUBE_SERVICE, DOCKER_LOCAL, DOCKER_OUTSIDE, DOCKER_CONTAINER,
    DOCKER_WITHOUT_EXCEPTION,
)  # fmt: skip
