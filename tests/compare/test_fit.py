"""``--release auto``, and the flags that would explain differences."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptc_sim import Ruleset, compile_services, parse, write_save
from iptc_sim.kube import Cluster, Settings
from iptc_sim.kube.fit import best_release, explain
from iptc_sim.records import replace
from tests.compare.damages import DAMAGES
from tests.conftest import Runner
from tests.kube.corpus import FOLDER, NAMES, load, read

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not NAMES, reason="the corpora of kube-proxy are not here: set IPTC_CORPORA"),
]

RELEASES = [
    "1.11",
    "1.14",
    "1.16",
    "1.17",
    "1.18",
    "1.20",
    "1.22",
    "1.23",
    "1.24",
    "1.25",
    "1.26",
    "1.27",
    "1.28",
    "1.30",
    "1.37",
]


@pytest.fixture(scope="module")
def combined() -> tuple[Cluster, Settings]:
    return load("combined")


def written(cluster: Cluster, settings: Settings, release: str) -> Ruleset:
    return parse(write_save(compile_services(cluster, replace(settings, release=release))))


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_is_found_by_its_own_rules(release: str, combined: tuple[Cluster, Settings]) -> None:
    cluster, settings = combined
    fit = best_release(cluster, settings, written(cluster, settings, release))
    assert fit.differences == 0
    assert release in {fit.release, *fit.also}
    # Others that fit as well write the same rules for these objects.
    for other in (fit.release, *fit.also):
        text = write_save(written(cluster, settings, other)).replace(":KUBE-MARK-DROP - [0:0]\n", "")
        mine = write_save(written(cluster, settings, release)).replace(":KUBE-MARK-DROP - [0:0]\n", "")
        assert set(mine.splitlines()) ^ set(text.splitlines()) <= {
            line for line in (mine + text).splitlines() if "KUBE-FIREWALL" in line
        }


def test_neighbours_that_differ_are_told_apart(combined: tuple[Cluster, Settings]) -> None:
    cluster, settings = combined
    found = {release: best_release(cluster, settings, written(cluster, settings, release)) for release in RELEASES}
    names = {release: (fit.release, *fit.also) for release, fit in found.items()}
    for one, other in (
        ("1.11", "1.14"),
        ("1.14", "1.16"),
        ("1.16", "1.17"),
        ("1.17", "1.18"),
        ("1.18", "1.20"),
        ("1.20", "1.22"),
        ("1.22", "1.23"),
        ("1.23", "1.24"),
        ("1.24", "1.25"),
        ("1.26", "1.27"),
    ):
        assert one not in names[other], (one, other)
        assert other not in names[one], (one, other)


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_does_not_lead_to_another_release(name: str, combined: tuple[Cluster, Settings]) -> None:
    cluster, settings = combined
    text = "\n".join([*DAMAGES[name].change(read("combined", "save").text.splitlines()), ""])
    fit = best_release(cluster, settings, parse(text))
    assert "1.28" in {fit.release, *fit.also}


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"cluster_cidr": "10.0.0.0/8"}, "--cluster-cidr 10.0.0.0/8"),
        ({"cluster_cidr": ""}, "no --cluster-cidr"),
        ({"masquerade_all": True}, "--masquerade-all"),
        ({"iptables_masquerade_bit": 3}, "--iptables-masquerade-bit 3"),
        ({"random_fully": True}, "--random-fully"),
        ({"hostname_override": "node-b"}, "--hostname-override node-b"),
        ({"iptables_localhost_nodeports": False}, "--iptables-localhost-nodeports false"),
        ({"nodeport_addresses": ("192.168.0.0/24",)}, "--nodeport-addresses 192.168.0.2/32"),
        (
            {"detect_local_mode": "BridgeInterface", "pod_bridge_interface": "cbr0"},
            "--detect-local-mode BridgeInterface --pod-bridge-interface cbr0",
        ),
        (
            {"detect_local_mode": "InterfaceNamePrefix", "pod_interface_name_prefix": "veth"},
            "--detect-local-mode InterfaceNamePrefix --pod-interface-name-prefix veth",
        ),
        ({"release": "1.22"}, "--release 1.22"),
    ],
)
def test_flags_are_read_from_the_dump(flags: dict[str, object], told: str, combined: tuple[Cluster, Settings]) -> None:
    cluster, settings = combined
    dump = parse(write_save(compile_services(cluster, replace(settings, **flags))))  # type: ignore[arg-type]
    found = explain(cluster, settings, dump)
    assert found is not None
    assert (told in found.flags, found.after) == (True, 0), found
    assert found.before > 0


def test_nothing_explains_what_does_not_differ(combined: tuple[Cluster, Settings]) -> None:
    cluster, settings = combined
    assert explain(cluster, settings, parse(read("combined", "save").text)) is None


def test_command(iptc_sim: Runner, tmp_path: Path, combined: tuple[Cluster, Settings]) -> None:
    cluster, settings = combined
    dump = tmp_path / "node.save"
    dump.write_text(write_save(written(cluster, settings, "1.23")))
    flags = ("--cluster-cidr=10.244.0.0/16", "--node-ip=192.168.0.2", "--hostname-override=node-a", "--release", "auto")
    ran = iptc_sim("diff", "--expect-kube", FOLDER / "combined.yaml", dump, *flags)
    assert ran.status == 0
    assert ran.out.startswith("release 1.23 fits best: every line agrees")
