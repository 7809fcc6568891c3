"""Words of the command line that mean themselves, taken as they are.

typer has pydantic judge every option, those that are not given too. To load pydantic and have it make thirty judges
takes longer than most questions do. A text, a list of texts and what is left out need none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

#: A value that typer has to judge.
_UNUSUAL: Final = object()


def quick(command: Any) -> Callable[[], object]:
    """Return a command that leaves to typer only values that are no texts: numbers, paths, and what is wrong.

    Args:
        command: what ``typer.main.get_command`` returns; it is changed in place, with the commands below it.
    """
    # The parameters are asked for late: --help is made by then.
    command.get_params = partial(_parameters, command.get_params)
    for below in getattr(command, "commands", {}).values():
        quick(below)
    call: Callable[[], object] = command
    return call


def _parameters(known: Callable[[Any], list[Any]], context: Any) -> list[Any]:
    found = known(context)
    for parameter in found:
        # typer of before 2026 has no such description, and no need of it.
        described = getattr(parameter, "type_descriptor", None)
        if described is not None and "process_value" not in vars(parameter):
            parameter.process_value = partial(_value, parameter, described.annotation, parameter.process_value)
    return found


def _value(parameter: Any, annotation: object, judged: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    """Return what a parameter gets for what the command line says of it."""
    found = _plain(annotation, value, several=parameter.multiple or parameter.nargs == -1)
    if found is _UNUSUAL and type(value) is int and value is parameter.default:
        found = value
    if found is _UNUSUAL or (parameter.required and not found):
        return judged(context, value)
    return parameter.callback(context, parameter, found) if parameter.callback else found


def _plain(annotation: object, value: Any, *, several: bool) -> Any:
    if value is None:
        return () if several else None
    if annotation is str and type(value) is str:
        return value
    if annotation == list[str] and isinstance(value, tuple | list) and all(type(item) is str for item in value):
        return list(value)
    return _UNUSUAL
