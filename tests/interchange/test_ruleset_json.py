"""Rulesets as JSON: what is written is read back the same, and nothing else is taken."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iptc_sim import (
    Family,
    InputError,
    IptcError,
    Ruleset,
    Settings,
    SourceFile,
    compile_services,
    load_cluster,
    parse,
    ruleset_from_json,
    ruleset_to_json,
    write_save,
)
from iptc_sim.diagnostics import read_source
from iptc_sim.interchange.schema import schema_text
from iptc_sim.matches import MATCHES
from iptc_sim.resources import resource_text
from iptc_sim.targets import TARGETS
from iptc_sim.values import InterfacePattern, Negatable
from tests.strategies import RULE

DUMP = r"""*nat
:PREROUTING ACCEPT [12:3456]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
[5:300] -A PREROUTING -s 10.0.0.0/8 -i eth+ -p tcp -m tcp ! --dport 80:90 -m comment --comment "a \"b\"" -j DNAT --to-destination 192.0.2.1:80
[0:0] -A PREROUTING -m addrtype --dst-type LOCAL -g DOCKER
[0:0] -A PREROUTING -p udp -m nosuch --option "a b" -j REDIRECT --to-ports 1-2 --random
COMMIT
"""


def same(ruleset: Ruleset) -> str:
    """Write and read a ruleset; it must come back. Returns the JSON."""
    text = ruleset_to_json(ruleset)
    back = ruleset_from_json(text)
    assert back == ruleset
    assert back.whole == ruleset.whole
    assert ruleset_to_json(back) == text
    assert write_save(back, counters=True) == write_save(ruleset, counters=True)
    return text


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resource_text("iptc_sim", "render", "schemas", "ruleset.json"))
    return found


def corpus_rules(corpora: Path, family: Family) -> Iterator[dict[str, str]]:
    path = corpora / "iptables" / f"rules-v{int(family)}.tsv"
    with path.open() as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def read_row(row: dict[str, str], family: Family) -> Ruleset | None:
    try:
        return parse(f"*{row['table']}\n-A {row['chain']} {row['args']}\nCOMMIT\n", family=family)
    except IptcError:
        return None


def test_the_form() -> None:
    record = json.loads(same(parse(DUMP)))
    assert (record["version"], record["kind"], record["family"], record["whole"]) == (1, "ruleset", 4, True)
    first, *_ = chains = record["tables"]["nat"]["chains"]
    assert [chain["name"] for chain in chains] == ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING", "DOCKER"]
    assert (first["policy"], first["counters"]) == ("ACCEPT", {"packets": 12, "bytes": 3456})
    assert first["rules"][0] == {
        "line": 7,
        "counters": {"packets": 5, "bytes": 300},
        "base": {
            "source": {"negated": False, "value": "10.0.0.0/8"},
            "in_interface": {"negated": False, "value": "eth+"},
            "protocol": {"negated": False, "value": 6},
        },
        "matches": [
            {"name": "tcp", "options": {"dport": {"negated": True, "value": {"first": 80, "last": 90}}}},
            {"name": "comment", "options": {"comment": 'a "b"'}},
        ],
        "target": {
            "name": "DNAT",
            "options": {
                "to": {
                    "addresses": {"first": "192.0.2.1", "last": "192.0.2.1"},
                    "ports": {"first": 80, "last": 80},
                    "base": None,
                }
            },
        },
    }
    assert first["rules"][1]["matches"][0]["options"] == {"dst_type": {"negated": False, "value": ["LOCAL"]}}
    assert first["rules"][1]["target"] == {"goto": "DOCKER"}
    assert first["rules"][2]["matches"] == [{"name": "nosuch", "words": ["--option", '"a b"']}]
    jsonschema.validate(record, schema())


def test_listing_excerpt_and_family_come_back() -> None:
    for text, table in (
        ("-P INPUT DROP\n-N web\n-A INPUT -j web\n", "filter"),
        ("-A INPUT -j web\n-A web -p icmp -j ACCEPT\n", "filter"),
        ("*filter\n:INPUT DROP [1:2]\nCOMMIT\n*raw\nCOMMIT\n", None),
        ("*filter\n-A INPUT -s 2001:db8::/32 -p ipv6-icmp -j REJECT\nCOMMIT\n", None),
    ):
        ruleset = parse(text, table=table)
        same(ruleset)
        back = ruleset_from_json(ruleset_to_json(ruleset))
        assert {name: found.is_excerpt for name, found in back.tables.items()} == {
            name: found.is_excerpt for name, found in ruleset.tables.items()
        }


@pytest.mark.parametrize("name", ["a b", "a -j DROP", 'a"b', '"a" -j DROP', "a\\", "a'b c", "-j", "!"])
def test_a_name_is_one_word_whatever_is_in_it(name: str) -> None:
    """iptables prints names of interfaces without quotes; in JSON nothing is lost by that, and nothing can be added."""
    record = changed("tables.nat.chains[0].rules[0].base.in_interface.value", name)
    rule = ruleset_from_json(json.dumps(record)).tables["nat"].chains["PREROUTING"].rules[0]
    assert rule.base.in_interface == Negatable(InterfacePattern(name))


def test_what_was_noticed_is_told_again_with_the_path() -> None:
    ruleset = ruleset_from_json(SourceFile("x.json", ruleset_to_json(parse(DUMP))))
    assert [(note.code, note.subject) for note in ruleset.notes] == [
        ("IPT031", "x.json: tables.nat.chains[0].rules[2]")
    ]


def test_a_generated_ruleset_comes_back(seed: Path) -> None:
    sources = [read_source(name, seed / name) for name in ("services.yaml", "endpoints.yaml")]
    chosen = Settings(release="1.11")
    same(compile_services(load_cluster(sources, chosen), chosen))


@given(st.lists(RULE, max_size=4))
@settings(max_examples=25, deadline=None)
def test_random_rules_come_back(rules: list[str]) -> None:
    try:
        ruleset = parse("*mangle\n:FOO - [0:0]\n" + "\n".join(rules) + "\nCOMMIT\n")
    except InputError:
        return  # a random value that iptables refuses
    same(ruleset)


def one_of_each(corpora: Path, family: Family) -> Iterator[tuple[dict[str, str], Ruleset]]:
    """Yield a rule of the corpora for each set of options that stand together."""
    seen: set[frozenset[str]] = set()
    for row in corpus_rules(corpora, family):
        words = frozenset(word for word in row["args"].split() if word.startswith("-") or word.isupper())
        if row["verdict"] == "ok" and words not in seen and (ruleset := read_row(row, family)) is not None:
            seen.add(words)
            yield row, ruleset


@pytest.mark.corpora
@pytest.mark.parametrize("family", Family)
def test_rules_of_the_corpora_come_back_and_fit_the_schema(corpora: Path, family: Family) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    seen: set[str] = set()
    count = 0
    for _, ruleset in one_of_each(corpora, family):
        text = same(ruleset)
        count += 1
        names = {part.name for _, _, _, rule in ruleset.rules() for part in rule.extensions}
        if not names <= seen:
            validator.validate(json.loads(text))
            seen |= names
    assert count > 400
    assert len(seen) > 80


def test_the_schema_is_the_generated_one_and_is_valid() -> None:
    text = resource_text("iptc_sim", "render", "schemas", "ruleset.json")
    assert text == schema_text(), "python -m iptc_sim.interchange.schema > iptc_sim/render/schemas/ruleset.json"
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    names = json.loads(text)["$defs"]
    for kind, registry in (("match", MATCHES), ("target", TARGETS)):
        assert {f"{kind} {cls.NAME}" for cls in registry.all()} <= set(names)


@pytest.mark.parametrize(
    ("piece", "value"),
    [
        ("tables.nat.chains[0].rules[0].line", "7"),
        ("tables.nat.chains[0].rules[0].matches[0].options.dport.value.first", True),
        ("tables.nat.chains[0].rules[0].matches[0].options.nosuch", 1),
        ("tables.nat.chains[0].rules[1].target", {"jump": "DOCKER", "goto": "DOCKER"}),
        ("version", 2),
        ("tables.filters", {"chains": []}),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(piece: str, value: object) -> None:
    record = changed(piece, value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, schema())
    with pytest.raises(InputError):
        ruleset_from_json(json.dumps(record))


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the dump as JSON with one piece replaced."""
    record: dict[str, Any] = json.loads(ruleset_to_json(parse(DUMP)))
    place: Any = record
    *steps, last = [
        int(step) if step.isdigit() else step for step in path.replace("]", "").replace("[", ".").split(".")
    ]
    for step in steps:
        place = place[step]
    place[last] = value
    return record


FIRST = "tables.nat.chains[0].rules[0]"


@pytest.mark.parametrize(
    ("path", "value", "code", "subject", "message"),
    [
        ("kind", "findings", "IPT056", "kind", "findings"),
        ("family", 5, "IPT056", "family", "5"),
        ("family", 6, "IPT013", FIRST, ""),
        ("tables.mangles", {}, "IPT056", "tables", "mangles"),
        ("tables.nat.chains[0].policy", "REJECT", "IPT056", "tables.nat.chains[0].policy", "REJECT"),
        ("tables.nat.chains[4].policy", "DROP", "IPT056", "tables.nat.chains[4].policy", "DOCKER"),
        ("tables.nat.chains[4].name", "INPUT", "IPT056", "tables.nat.chains[4].name", "twice"),
        ("tables.nat.chains[4].name", "A B", "IPT010", "tables.nat.chains[4]", ""),
        ("tables.nat.chains[4].name", "N" * 29, "IPT023", "tables.nat.chains[4]", "28"),
        ("tables.nat.chains[0].rules", {}, "IPT056", "tables.nat.chains[0].rules", "an object"),
        (FIRST, [], "IPT056", FIRST, "an array"),
        (f"{FIRST}.lines", 7, "IPT056", FIRST, "lines"),
        (f"{FIRST}.base.source.value", "10.0.0.1/8", "IPT056", f"{FIRST}.base.source.value", ""),
        (f"{FIRST}.base.source.value", "10.0.0.0/255.0.0.0", "IPT056", f"{FIRST}.base.source.value", ""),
        (f"{FIRST}.base.in_interface.value", "x" * 16, "IPT013", FIRST, "15"),
        (f"{FIRST}.base.protocol.value", 0, "IPT", FIRST, ""),
        (f"{FIRST}.matches[0].name", "tpc", "IPT056", f"{FIRST}.matches[0].name", "tpc"),
        (f"{FIRST}.matches[0].words", [], "IPT056", f"{FIRST}.matches[0]", "exclude"),
        (f"{FIRST}.matches[0].options.dport.value.last", 99999, "IPT013", FIRST, "99999"),
        (f"{FIRST}.matches[0].options.dport.value.last", -1, "IPT056", f"{FIRST}.matches[0].options.dport.value.last", "-1"),
        (f"{FIRST}.matches[0].options.dport.value.last", 10**40, "IPT056", f"{FIRST}.matches[0].options.dport.value.last", ""),
        (f"{FIRST}.matches[0].options.dport.value.last", 80.5, "IPT056", f"{FIRST}.matches[0].options.dport.value.last", "80.5"),
        (f"{FIRST}.matches[0].options.dport.value", None, "IPT056", f"{FIRST}.matches[0].options.dport.value", "null"),
        (f"{FIRST}.matches[1].options.comment", "a\nb", "IPT056", f"{FIRST}.matches[1].options.comment", ""),
        (f"{FIRST}.matches[1].options.comment", "\ud800", "IPT056", f"{FIRST}.matches[1].options.comment", ""),
        (f"{FIRST}.matches[1].options", {}, "IPT056", f"{FIRST}.matches[1].options", "comment"),
        (f"{FIRST}.target", {"jump": "A -m comment --comment x"}, "IPT056", FIRST, "another"),
        (f"{FIRST}.target", {"name": "DOCKER", "options": {}}, "IPT056", f"{FIRST}.target.name", "DOCKER"),
        (f"{FIRST}.target.options.to.addresses.first", "2001:db8::1", "IPT013", FIRST, ""),
        ("tables.nat.chains[0].rules[2].matches[0].words", ["--option", "a b"], "IPT056", "tables.nat.chains[0].rules[2]", ""),
    ],
)  # fmt: skip
def test_wrong_json(path: str, value: object, code: str, subject: str, message: str) -> None:
    source = SourceFile("x.json", json.dumps(changed(path, value)))
    with pytest.raises(InputError) as caught:
        ruleset_from_json(source)
    first = caught.value.diagnostics[0]
    assert first.code.startswith(code), first
    assert first.subject == f"x.json: {subject}", first
    assert message in first.message, first


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "IPT055"),
        ('{"version": 1, "version": 1}', "IPT055"),
        ("[" * 100_000, "IPT055"),
        ('{"version": ' + "9" * 5000 + "}", "IPT055"),
        ("[]", "IPT056"),
        ("null", "IPT056"),
        ("{}", "IPT056"),
        ('{"version": 1, "kind": "ruleset", "family": 4, "tables": []}', "IPT056"),
        ('{"version": true, "kind": "ruleset", "family": 4, "tables": {}}', "IPT056"),
        ('{"version": 1, "kind": "ruleset", "family": NaN, "tables": {}}', "IPT056"),
    ],
)
def test_text_that_is_no_ruleset(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        ruleset_from_json(text)
    assert [found.code for found in caught.value.diagnostics] == [code]


def test_all_wrong_rules_are_told() -> None:
    record = json.loads(ruleset_to_json(parse(DUMP)))
    for rule in record["tables"]["nat"]["chains"][0]["rules"]:
        rule["target"] = 1
    with pytest.raises(InputError) as caught:
        ruleset_from_json(json.dumps(record))
    assert [found.subject for found in caught.value.diagnostics] == [
        f"<text>: tables.nat.chains[0].rules[{number}].target" for number in range(3)
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("1.2.3.4"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "value", "jump"]), inner),
    max_leaves=5,
)


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_piece_may_be_anything(data: st.DataObject) -> None:
    """One piece of a good document is replaced by any JSON: it is read or refused, and never ends otherwise."""
    record: Any = json.loads(ruleset_to_json(parse(DUMP)))
    place: Any = record
    while True:
        step = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[step], dict | list) or not place[step] or data.draw(st.integers(0, 9)) == 0:
            break
        place = place[step]
    place[step] = data.draw(JSON)
    try:
        back = ruleset_from_json(json.dumps(record))
    except InputError:
        return
    same(back)


def with_number(piece: Any, number: int) -> Any:
    """Return the JSON with every number replaced."""
    if isinstance(piece, dict):
        return {key: with_number(value, number) for key, value in piece.items()}
    if isinstance(piece, list):
        return [with_number(item, number) for item in piece]
    return number if type(piece) is int else piece


@pytest.mark.corpora
@pytest.mark.parametrize("family", Family)
def test_a_number_may_be_any_number(corpora: Path, family: Family) -> None:
    """Numbers that no rule can have are refused; they do not break what prints the values."""
    seen: set[str] = set()
    for row, ruleset in one_of_each(corpora, family):
        names = {part.name for _, _, _, rule in ruleset.rules() for part in rule.extensions}
        if names <= seen:
            continue
        seen |= names
        record = json.loads(ruleset_to_json(ruleset))
        chain = next(chain for chain in record["tables"][row["table"]]["chains"] if chain["rules"])
        rule = chain["rules"][0]
        for number in (0, 1, 31, 2**31, 2**64, 2**127):
            chain["rules"] = [with_number(rule, number)]
            try:
                same(ruleset_from_json(json.dumps(record)))
            except InputError as error:
                assert error.diagnostics
