"""From JSON text to a Trace: what :func:`iptc_sim.render.as_json.trace_json` writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile
from iptc_sim.interchange.read import load_json
from iptc_sim.interchange.scalars import Json, UnfitError, shown, unfit
from iptc_sim.records import replace
from iptc_sim.render.as_json import TOLD_OF_ENDS, TOLD_OF_STEPS, TRACE_SCHEMA, branch_odds
from iptc_sim.render.forms import Forms
from iptc_sim.steps import Trace
from iptc_sim.values import Family


def trace_from_json(source: SourceFile | str) -> Trace:
    """Read a trace; it is equal to the one that was written.

    Its rules know their line, but hold no source; what the engine remembers is not in the JSON.

    Args:
        source: the text.

    Raises:
        InputError: IPT055 where it is no JSON, IPT057 where it is no trace, with the path as the subject.
    """
    given = SourceFile("<text>", source) if isinstance(source, str) else source
    data = load_json(given)
    try:
        return _document(data)
    except UnfitError as error:
        path = error.path.removeprefix(".")
        subject = f"{given.name}: {path}" if path else given.name
        found = Diagnostic("IPT057", error.message, subject=subject, expected=error.expected, hint=error.hint)
        raise InputError(found) from None
    except RecursionError:
        raise InputError(Diagnostic("IPT055", "it is nested too deeply", subject=given.name)) from None


def _document(data: Json) -> Trace:
    if not isinstance(data, dict) or "schema" not in data:
        raise unfit(data, 'an object with "schema", as trace --format json writes it')
    if data["schema"] != TRACE_SCHEMA:
        raise unfit(data["schema"], shown(TRACE_SCHEMA)).under("schema")
    family = data.get("family")
    if type(family) is not int or family not in set(Family):
        raise unfit(family, "4 or 6").under("family")
    rest = {key: value for key, value in data.items() if key not in {"schema", "family"}}
    found: Trace = Forms(Family(family)).record(Trace).decode(_without_told(rest))
    _check(found, "")
    return _with_odds(found, rest)


def _with_odds(trace: Trace, data: Any) -> Trace:
    """Return the trace with the odds of the ends for which the JSON does not write them out."""
    products = branch_odds(trace)
    ends = tuple(
        replace(end, odds=products[end.segment]) if _is_product(record) else end
        for end, record in zip(trace.ends, data["ends"], strict=True)
    )
    replies = tuple(
        None if reply is None else _with_odds(reply, record)
        for reply, record in zip(trace.replies, data.get("replies", ()), strict=True)
    )
    return replace(trace, ends=ends, replies=replies)


def _is_product(end: dict[str, Any]) -> bool:
    return isinstance(end.get("odds"), dict) and end["odds"].get("exact", "") is None


def _without_told(data: Any) -> Any:
    """Return a trace without the keys that follow from others."""
    if not isinstance(data, dict):
        return data
    return data | {
        "segments": _each(data.get("segments"), _segment),
        "ends": _each(data.get("ends"), _end),
        "replies": _each(data.get("replies"), _without_told),
    }


def _end(data: Any) -> Any:
    """Return an end without the odds that follow from its segments."""
    plain = _less(data, TOLD_OF_ENDS)
    return plain | {"odds": None} if isinstance(plain, dict) and _is_product(plain) else plain


def _segment(data: Any) -> Any:
    return data | {"steps": _each(data.get("steps"), _step)} if isinstance(data, dict) else data


def _step(data: Any) -> Any:
    kind = data.get("step") if isinstance(data, dict) else None
    return _less(data, TOLD_OF_STEPS.get(kind, ()) if isinstance(kind, str) else ())


def _each(data: Any, change: Callable[[Any], Any]) -> Any:
    return [change(item) for item in data] if isinstance(data, list) else data


def _less(data: Any, keys: tuple[str, ...]) -> Any:
    return {key: value for key, value in data.items() if key not in keys} if isinstance(data, dict) else data


def _check(trace: Trace, path: str) -> None:
    """Refuse numbers of segments that lead nowhere."""
    for number, segment in enumerate(trace.segments):
        place = f"{path}.segments[{number}]"
        if segment.number != number:
            raise UnfitError(f"segment {segment.number} stands at place {number}", path=f"{place}.number")
        if (segment.parent is None) != (number == 0) or (segment.parent or 0) >= max(1, number):
            raise UnfitError("it does not follow an earlier segment", path=f"{place}.parent")
    for number, end in enumerate(trace.ends):
        if end.segment >= len(trace.segments):
            raise UnfitError(f"there is no segment {end.segment}", path=f"{path}.ends[{number}].segment")
    for number, reply in enumerate(trace.replies):
        if reply is not None:
            _check(reply, f"{path}.replies[{number}]")
