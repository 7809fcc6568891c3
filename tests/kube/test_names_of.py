"""Names of chains in a dump: from the objects, from comments, along jumps."""

from __future__ import annotations

import pytest

from iptc_sim import parse
from iptc_sim.kube import Settings
from iptc_sim.kube.names_of import ChainName, JoinedNames, Names, names_of, object_names
from tests.kube.builders import cluster, endpoint_slice, fixture, service
from tests.kube.corpus import NAMES, load, read

#: The text of 1.14 to 1.17, without comments in KUBE-SVC and KUBE-SEP (kube-proxy.md, 3.6).
WITHOUT_COMMENTS = """*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-SVC-BEPXDJBUHFCSYIC3 - [0:0]
:KUBE-SEP-WKDCQTHFYN63UIFU - [0:0]
:KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]
-A KUBE-SERVICES -d 10.96.1.1/32 -p tcp -m comment --comment "default/my-nginx: cluster IP" -m tcp --dport 80 -j KUBE-SVC-BEPXDJBUHFCSYIC3
-A KUBE-SVC-BEPXDJBUHFCSYIC3 -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-WKDCQTHFYN63UIFU
-A KUBE-SVC-BEPXDJBUHFCSYIC3 -j KUBE-SEP-BBBBBBBBBBBBBBBB
-A KUBE-SEP-WKDCQTHFYN63UIFU -s 10.244.1.5/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-WKDCQTHFYN63UIFU -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:80
COMMIT
"""


def test_chains_without_comments_are_named_along_the_jumps() -> None:
    names = names_of(parse(WITHOUT_COMMENTS))
    assert names["KUBE-SVC-BEPXDJBUHFCSYIC3"] == "default/my-nginx"
    assert names["KUBE-SEP-WKDCQTHFYN63UIFU"] == "default/my-nginx -> 10.244.1.5:80"
    about = names.about("KUBE-SEP-WKDCQTHFYN63UIFU")
    assert about is not None
    assert (about.told_by, about.endpoint) == ("jumps", "10.244.1.5:80")
    assert "KUBE-SEP-AAAAAAAAAAAAAAAA" not in names  # nothing leads to it
    assert set(names) == {"KUBE-SVC-BEPXDJBUHFCSYIC3", "KUBE-SEP-WKDCQTHFYN63UIFU"}


def test_a_chain_that_is_missing_is_named_by_the_jump_to_it() -> None:
    rule = '-A KUBE-SVC-CDGGSHYLG3RE2FKL -m comment --comment "default/web:http -> 10.244.1.5:8080" -j KUBE-SEP-AFGSLHOD2HFNCBX4'
    names = names_of(parse(f"*nat\n:KUBE-SVC-CDGGSHYLG3RE2FKL - [0:0]\n{rule}\nCOMMIT\n"))
    assert names["KUBE-SEP-AFGSLHOD2HFNCBX4"] == "default/web:http -> 10.244.1.5:8080"


def test_chains_that_jump_in_a_circle_have_no_name() -> None:
    one, two = "KUBE-SVC-AAAAAAAAAAAAAAAA", "KUBE-SVC-BBBBBBBBBBBBBBBB"
    names = names_of(parse(f"*nat\n:{one} - [0:0]\n:{two} - [0:0]\n-A {one} -j {two}\n-A {two} -j {one}\nCOMMIT\n"))
    assert list(names) == []


def test_comments_tell_each_kind_apart() -> None:
    text = "".join(
        f':KUBE-{kind}-6DIQQWZY5FTPVDUK - [0:0]\n-A KUBE-{kind}-6DIQQWZY5FTPVDUK -m comment --comment "for shop/edge:http x"\n'
        for kind in ("SVC", "SVL", "EXT", "FW", "XLB")
    )
    assert set(names_of(parse(f"*nat\n{text}COMMIT\n")).values()) == {
        "shop/edge:http",
        "shop/edge:http (local endpoints)",
        "shop/edge:http (external traffic)",
        "shop/edge:http (source ranges)",
        "shop/edge:http (external, local endpoints)",
    }


def test_objects_name_chains_of_every_release_and_both_families() -> None:
    """The names of kube-proxy.md, section 1: with and without the colon of an unnamed port."""
    found = cluster(
        service("{clusterIP: 10.96.0.9, ports: [{port: 80}]}", "my-nginx"),
        endpoint_slice("{addresses: [10.244.1.5]}", name="my-nginx", ports="[{port: 80, name: ''}]"),
        service(
            "{clusterIP: 'fd00:10:96::5', clusterIPs: ['fd00:10:96::5'], ipFamilies: [IPv6], ports: [{name: http, port: 80}]}"
        ),
        endpoint_slice("{addresses: ['fd00:10:244::5']}", ports="[{port: 8080, name: http}]", family="IPv6"),
    )
    known = object_names(found, Settings())
    assert str(known["KUBE-SVC-BEPXDJBUHFCSYIC3"]) == "default/my-nginx"
    assert known["KUBE-SVC-BEPXDJBUHFCSYIC3"].with_colon
    assert not known["KUBE-SVC-L65ENXXZWWSAPRCR"].with_colon
    assert str(known["KUBE-SEP-WKDCQTHFYN63UIFU"]) == "default/my-nginx -> 10.244.1.5:80"
    assert str(known["KUBE-SEP-NXGM5NOWQCIV6XH2"]) == "default/my-nginx -> 10.244.1.5:80"
    assert str(known["KUBE-SEP-VBF3M44FXEMK7CYW"]) == "default/web:http -> [fd00:10:244::5]:8080"


def test_objects_win_and_a_comment_that_says_otherwise_is_told() -> None:
    found = cluster(service("{clusterIP: 10.96.0.9, ports: [{port: 80}]}", "my-nginx"))
    known = object_names(found, Settings())
    text = '*nat\n:KUBE-SVC-L65ENXXZWWSAPRCR - [0:0]\n-A KUBE-SVC-L65ENXXZWWSAPRCR -m comment --comment "default/old cluster IP"\nCOMMIT\n'
    assert (
        names_of(parse(text), known)["KUBE-SVC-L65ENXXZWWSAPRCR"] == "default/my-nginx (its comments say default/old)"
    )


@pytest.mark.corpora
@pytest.mark.skipif(not NAMES, reason="the corpora of kube-proxy are not here: set IPTC_CORPORA")
def test_objects_and_comments_agree_about_every_chain_of_the_corpora() -> None:
    for name in NAMES:
        objects, settings = load(name)
        known = object_names(objects, settings)
        dump = parse(read(name, "save").text, family=settings.family)
        for chain, label in names_of(dump).items():
            assert str(known[chain]).partition(" (")[0] == label.partition(" (")[0], (name, chain)


def test_seed() -> None:
    found = cluster(fixture("seed", "services.yaml").text, fixture("seed", "endpoints.yaml").text)
    assert str(object_names(found, Settings())["KUBE-SEP-J5WBW7HEOGAHN6ZG"]) == "default/my-nginx -> 172.17.0.6:80"


def test_no_chain_is_looked_at_before_its_name_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    about = Names.about

    def noted(self: Names, chain: str) -> ChainName | None:
        asked.append(chain)
        return about(self, chain)

    monkeypatch.setattr(Names, "about", noted)
    names = names_of(parse(WITHOUT_COMMENTS))
    joined = JoinedNames(names, names_of(parse("*nat\nCOMMIT\n")))
    assert (names or {}) is names
    assert (joined or {}) is joined
    assert joined.get("KUBE-SVC-BEPXDJBUHFCSYIC3") == "default/my-nginx"
    assert set(asked) == {"KUBE-SVC-BEPXDJBUHFCSYIC3"}


def test_joined_names_are_told_by_the_first_that_knows() -> None:
    other = '*nat\n:KUBE-SVC-CDGGSHYLG3RE2FKL - [0:0]\n-A KUBE-SVC-CDGGSHYLG3RE2FKL -m comment --comment "for shop/edge:http x"\n'
    joined = JoinedNames(names_of(parse(WITHOUT_COMMENTS)), names_of(parse(other + WITHOUT_COMMENTS[5:])))
    assert set(joined) == {"KUBE-SVC-BEPXDJBUHFCSYIC3", "KUBE-SEP-WKDCQTHFYN63UIFU", "KUBE-SVC-CDGGSHYLG3RE2FKL"}
    assert len(joined) == 3
    assert joined["KUBE-SVC-CDGGSHYLG3RE2FKL"] == "shop/edge:http"
    with pytest.raises(KeyError):
        joined["KUBE-SVC-AAAAAAAAAAAAAAAA"]
