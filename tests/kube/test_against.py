"""``--against``: kube-proxy on a node that has rules already (kube-proxy.md 2.1, 3.12, 3.13)."""

from __future__ import annotations

import pytest

from iptc_sim import syntax
from iptc_sim.kube import Cluster, Settings, chain_names, compile_services, compile_text
from iptc_sim.kube.against import node_after, text_against
from iptc_sim.kube.text import Spelling
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax.write import write_save
from tests.kube.builders import cluster, endpoint_slice, service

SETTINGS = Settings(cluster_cidr="10.244.0.0/16")
OLD_SERVICE = "KUBE-SVC-AAAAAAAAAAAAAAAA"


def web(*addresses: str) -> Cluster:
    slices = endpoint_slice(*(f"{{addresses: ['{address}']}}" for address in addresses))
    return cluster(service("{clusterIP: 10.96.0.1, ports: [{port: 80}]}"), slices)


def dump(*chains: str, rules: str = "", settings: Settings = SETTINGS, found: Cluster | None = None) -> Ruleset:
    """Return the node of a cluster with more in its nat table."""
    text = write_save(compile_services(found or web("10.244.1.5", "10.244.1.6"), settings))
    head, _, rest = text.partition("*nat\n")
    at = rest.rindex("COMMIT")
    more = "".join(f":{chain}\n" for chain in chains)
    return syntax.parse(f"{head}*nat\n{more}{rest[:at]}{rules}COMMIT\n")


def lines(text: str, *starts: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(starts)]


def test_a_node_that_is_in_order_gets_the_text_of_a_fresh_one() -> None:
    found = web("10.244.1.5", "10.244.1.6")
    assert text_against(found, SETTINGS, dump()) == compile_text(found, SETTINGS)
    assert node_after(found, SETTINGS, dump()).text == compile_text(found, SETTINGS, Spelling.SAVE)


def test_stale_chains_are_flushed_and_deleted() -> None:
    stale = dump(f"{OLD_SERVICE} - [0:0]", rules=f"-A KUBE-NODEPORTS -p tcp --dport 30000 -j {OLD_SERVICE}\n")
    text = text_against(web("10.244.1.5"), SETTINGS, stale)
    nat = text[text.index("*nat") :].splitlines()
    gone = [line[3:] for line in nat if line.startswith("-X ")]
    # the endpoint that is no more, and the old Service: by name
    assert len(gone) == 2
    assert gone == sorted(gone)
    assert OLD_SERVICE in gone
    last_chains = [line for line in nat if line.startswith(":")][-2:]
    assert last_chains == [f":{name} - [0:0]" for name in gone]
    tail = next(index for index, line in enumerate(nat) if "must be the last rule" in line)
    # behind the Services' rules, in front of the jump to the node ports
    assert [line[:3] for line in nat[tail - 2 : tail]] == ["-X ", "-X "]
    assert nat[tail - 3].startswith("-A KUBE-SEP-")
    after = node_after(web("10.244.1.5"), SETTINGS, stale)
    assert after.held == ()
    assert after.text == compile_text(web("10.244.1.5"), SETTINGS, Spelling.SAVE)


@pytest.mark.parametrize(
    ("release", "prefixes"),
    [
        ("1.11", {"SVC", "SEP", "FW", "XLB"}),
        ("1.23", {"SVC", "SEP", "FW", "XLB"}),
        ("1.24", {"SVC", "SVL", "SEP", "FW", "EXT", "XLB"}),
        ("1.25", {"SVC", "SVL", "SEP", "FW", "EXT", "XLB"}),
        ("1.28", {"SVC", "SVL", "SEP", "FW", "EXT"}),
        ("1.30", {"SVC", "SVL", "SEP", "FW", "EXT"}),
    ],
)
def test_each_release_takes_its_own_prefixes_for_its_own(release: str, prefixes: set[str]) -> None:
    settings = replace(SETTINGS, release=release)
    all_kinds = ("SVC", "SVL", "SEP", "FW", "EXT", "XLB", "MINE")
    stale = dump(*(f"KUBE-{kind}-AAAAAAAAAAAAAAAA - [0:0]" for kind in all_kinds), settings=settings)
    text = text_against(web("10.244.1.5", "10.244.1.6"), settings, stale)
    assert {line.split("-")[2] for line in lines(text, "-X ")} == prefixes


@pytest.mark.parametrize(("release", "kept"), [("1.11", True), ("1.24", True), ("1.25", False), ("1.28", False)])
def test_counters_are_kept_up_to_1_24(release: str, kept: bool) -> None:
    settings = replace(SETTINGS, release=release)
    text = write_save(compile_services(web("10.244.1.5"), settings))
    text = text.replace(":KUBE-SERVICES - [0:0]", ":KUBE-SERVICES - [12:720]")
    found = syntax.parse(text.replace(":KUBE-NODEPORTS", f":{OLD_SERVICE} - [3:4]\n:KUBE-NODEPORTS", 1))
    written = text_against(web("10.244.1.5"), settings, found)
    shown = "[12:720]" if kept else "[0:0]"
    assert lines(written, ":KUBE-SERVICES") == [f":KUBE-SERVICES - {shown}"] * 2


def test_chains_and_rules_of_others_stay_and_jumps_are_not_doubled() -> None:
    others = dump(
        "DOCKER - [0:0]",
        rules=(
            "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
            "-A DOCKER -i docker0 -j RETURN\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n"
        ),
    )
    after = node_after(web("10.244.1.5", "10.244.1.6"), SETTINGS, others)
    assert after.text == write_save(others)


def test_missing_jumps_are_put_in_front() -> None:
    empty = syntax.parse("*nat\n:PREROUTING ACCEPT [7:8]\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n")
    text = node_after(web(), SETTINGS, empty).text
    assert ":PREROUTING ACCEPT [7:8]" in text.splitlines()
    assert lines(text, "-A PREROUTING") == [
        '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        "-A PREROUTING -j DOCKER",
    ]
    assert len(lines(text, "-A INPUT")) == 4


def test_kubelets_jump_stays_where_it_is_and_its_chain_keeps_its_rules() -> None:
    settings = replace(SETTINGS, release="1.24", kubelet=True)
    node = dump(settings=settings)
    assert lines(write_save(node), "-A KUBE-MARK-DROP") != []
    # kube-proxy makes sure of KUBE-MARK-DROP and does not touch what kubelet has written there
    after = node_after(web("10.244.1.5", "10.244.1.6"), replace(settings, kubelet=False), node)
    assert after.text == write_save(node)


def test_a_rule_of_others_that_holds_a_stale_chain_is_told() -> None:
    held = dump(f"{OLD_SERVICE} - [0:0]", "MINE - [0:0]", rules=f"-A MINE -j RETURN\n-A MINE -j {OLD_SERVICE}\n")
    after = node_after(web("10.244.1.5", "10.244.1.6"), SETTINGS, held)
    assert after.held == (f"nat MINE 2 jumps to {OLD_SERVICE}",)


def many(count: int) -> Cluster:
    return web(*(f"10.{200 + number // 250}.0.{number % 250 + 1}" for number in range(count)))


@pytest.mark.parametrize(
    ("release", "count", "cleanup", "deleted"),
    [
        ("1.28", 1001, "old", True),
        ("1.28", 1001, "recent", False),
        ("1.28", 1000, "recent", True),
        ("1.24", 1001, "recent", True),
    ],
)
def test_a_large_cluster_deletes_only_when_the_last_time_is_long_ago(
    release: str, count: int, cleanup: str, deleted: bool
) -> None:
    settings = replace(SETTINGS, release=release, last_cleanup=cleanup)
    stale = dump(f"{OLD_SERVICE} - [0:0]", settings=settings)
    text = text_against(many(count), settings, stale)
    assert (f"-X {OLD_SERVICE}" in text.splitlines()) == deleted
    assert (f":{OLD_SERVICE} - [0:0]" in text.splitlines()) == deleted


def named(number: int, *addresses: str) -> tuple[str, ...]:
    """Return svcN of nsN with one port, and its endpoints (SC 39)."""
    port = f"p{8078 + number}"
    slices = endpoint_slice(
        *(f"{{addresses: ['{address}']}}" for address in addresses),
        name=f"svc{number}",
        ports=f"[{{name: {port}, port: {8078 + number}}}]",
    ).replace("metadata: {", f"metadata: {{namespace: ns{number}, ")
    spec = f"{{clusterIP: 172.30.0.4{number}, ports: [{{name: {port}, port: 80}}]}}"
    return service(spec, f"svc{number}", f"namespace: ns{number}"), slices


def test_a_service_that_goes_takes_its_chains_with_it() -> None:
    """SC 38: the two chains of ns4/svc4:p8082 with its endpoint 203.0.113.1:8082 or 10.4.0.1:8082."""
    for address in ("10.4.0.1", "203.0.113.1"):
        node = compile_services(cluster(*named(4, address)), SETTINGS)
        deleted = lines(text_against(Cluster(), SETTINGS, node), "-X ")
        assert "-X KUBE-SVC-EBDQOQU5SJFXRIL3" in deleted
        if "-X KUBE-SEP-SU5STNODRYEWJAUF" in deleted:
            break
    else:
        raise AssertionError


def test_syncs_one_after_the_other() -> None:
    """SC 39: each sync deletes what the one before had and it has not; the node is then as a fresh one."""
    first, second = named(1, "10.0.1.1"), named(2, "10.0.2.1")
    steps = [
        ([first, second], set()),
        ([first, second, named(3, "10.0.3.1")], set()),
        ([first, named(3, "10.0.3.1")], {"ns2/svc2:p8080", "ns2/svc2:p8080 -> 10.0.2.1:8080"}),
        ([first, named(3, "10.0.3.1"), named(4)], set()),
        ([first, named(3, "10.0.3.1"), named(4, "10.0.4.1")], set()),
        ([first, named(3, "10.0.3.2"), named(4, "10.0.4.1")], {"ns3/svc3:p8081 -> 10.0.3.1:8081"}),
        ([first, named(3, "10.0.3.2", "10.0.3.3"), named(4, "10.0.4.1")], set()),
        ([first, named(3, "10.0.3.2", "10.0.3.3"), named(4, "10.0.4.1")], set()),
    ]
    node = syntax.parse("*nat\nCOMMIT\n")
    names: dict[str, str] = {}
    for objects, gone in steps:
        found = cluster(*(text for pair in objects for text in pair))
        deleted = [line[3:] for line in lines(text_against(found, SETTINGS, node), "-X ")]
        assert {names[chain] for chain in deleted} == gone
        names |= chain_names(found, SETTINGS)
        after = node_after(found, SETTINGS, node)
        assert after.text == compile_text(found, SETTINGS, Spelling.SAVE)
        node = after.ruleset
