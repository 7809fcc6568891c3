"""Why a Service has no endpoints: the labels that exist near its selector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from iptc_sim.kube.objects import Pod

#: How many near labels a message names.
_SHOWN: Final = 3

#: Similar spellings are looked for among at most so many labels of a namespace; comparing texts is slow.
_COMPARED: Final = 500


def selector_text(selector: Mapping[str, str]) -> str:
    """Return a selector as kubectl prints it, ``app=web,tier=front``."""
    return ",".join(f"{key}={value}" for key, value in selector.items())


def near_labels(selector: Mapping[str, str], pods: Iterable[Pod]) -> str:
    """Say which labels exist that come close to a selector that fits no pod.

    Near are, among the pods that fit most of the selector: the same key with another value, else a similar
    key, else any key with a similar value.

    Args:
        selector: what the Service asks for.
        pods: the pods of its namespace.

    Returns:
        ``app=iskey_nginx (3 pods of Deployment nginx-deployment)``, or several; empty where nothing is near.
    """
    wanted = selector.items()
    groups: dict[int, list[Pod]] = {}
    for pod in pods:
        groups.setdefault(len(wanted & pod.labels.items()), []).append(pod)
    if not groups:
        return ""
    closest = groups[max(groups)]
    parts: list[str] = []
    for key, value in selector.items():
        pairs = Counter(pair for pod in closest for pair in pod.labels.items())
        if (key, value) not in pairs:
            parts += [_described(pair, closest) for pair in _near_pairs(key, value, pairs)]
    return ", ".join(parts[:_SHOWN])


def _near_pairs(key: str, value: str, pairs: Counter[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    ranked = [pair for pair, _ in pairs.most_common(_COMPARED)]
    same_key = [pair for pair in ranked if pair[0] == key]
    if same_key:
        values = [pair[1] for pair in same_key]
        first = get_close_matches(value, values, n=1, cutoff=0.6)
        return sorted(same_key, key=lambda pair: pair[1] not in first)
    keys = get_close_matches(key, {pair[0] for pair in ranked}, n=_SHOWN, cutoff=0.6)
    if keys:
        return [pair for pair in ranked if pair[0] in keys]
    values = get_close_matches(value, {pair[1] for pair in ranked}, n=_SHOWN, cutoff=0.6)
    return [pair for pair in ranked if pair[1] in values]


def _described(pair: tuple[str, str], pods: Sequence[Pod]) -> str:
    owners = Counter(pod.owner or f"Pod {pod.name}" for pod in pods if pair in pod.labels.items())
    count = owners.total()
    what = f"{count} pod{'s' if count > 1 else ''}"
    if len(owners) == 1:
        owner = next(iter(owners))
        what = owner if owner.startswith("Pod ") else f"{what} of {owner}"
    return f"{pair[0]}={pair[1]} ({what})"
