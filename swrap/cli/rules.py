"""Rules by hand on a running lab: one command for each fault that makes one, and those that take them back.

The commands are made from the faults themselves, so that a fault has the same words here as in a scenario.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from swrap.cli import labs, options
from swrap.cli.traffic import (
    Between,
    Direction,
    Dport,
    Flow,
    Port,
    Sport,
    State,
    Towards,
    Tracked,
    What,
    hosts,
    match,
    touched,
)
from swrap.document import Schema
from swrap.document.formats import FORMATS
from swrap.faults import FAULTS, RULINGS
from swrap.faults.ruling import Ruling
from swrap.lab.errors import Refused

_ONE = Annotated[
    int | None, typer.Argument(metavar="[RULE]", help="Default: all of them.", show_default=False)
]
_SET = Annotated[str, typer.Argument(metavar="HOST[,HOST…]")]
_MATCH: dict[str, tuple[Any, Any]] = {
    "what": (What, None),
    "port": (Port, None),
    "sport": (Sport, None),
    "dport": (Dport, None),
    "between": (Between, None),
    "direction": (Towards, Direction.both),
    "state": (Tracked, State.any),
    "flow": (Flow, None),
}
_ENDS: dict[str, tuple[Any, Any]] = {
    "one": (_SET, inspect.Parameter.empty),
    "other": (_SET, inspect.Parameter.empty),
    "direction": (Towards, Direction.both),
    "state": (Tracked, State.any),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for verb, fault in RULINGS.items():
        app.command(verb, help=fault.sentence)(_maker(fault))
    for verb in ("unblock", "release", "heal"):
        app.command(verb, help=FAULTS[verb].sentence)(_lifter(verb))


def _maker(fault: type[Ruling]) -> Callable[..., int]:
    """The command that makes a rule of `fault`."""
    ends = "host" not in fault.selectors
    parameters = {
        **(_ENDS if ends else _MATCH),
        **{key: _option(key, part) for key, part in fault.options.items()},
    }

    def command(lab: options.Lab = None, **given: Any) -> int:
        said = {key: given.pop(key) for key in fault.options}
        for key in ("direction", "state"):
            given[key] = given[key].value
        if ends:
            between = [hosts(given.pop("one")), hosts(given.pop("other"))]
            arguments = {
                "between": between,
                **{key: value for key, value in given.items() if value not in _USUAL},
            }
        else:
            arguments = match(**given)
        arguments |= {
            key: _read(key, value, fault.options[key])
            for key, value in said.items()
            if value not in (None, False)
        }
        result = labs.require(lab).call(fault.verb, **arguments)
        print(f"rule {result['rule']}: {touched(result)}")
        return 0

    signature = inspect.signature(command, eval_str=True)
    own = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in parameters.items()
    ]
    last = signature.parameters["lab"].replace(kind=inspect.Parameter.KEYWORD_ONLY)
    made: Any = command
    made.__signature__ = signature.replace(parameters=[*own, last])
    made.__annotations__ = {name: kind for name, (kind, _) in parameters.items()} | {"lab": options.Lab}
    return command


_USUAL = ("both", "any")


def _option(key: str, part: Schema) -> tuple[Any, Any]:
    told = part["description"]
    if part["type"] == "boolean":
        return Annotated[bool, typer.Option(f"--{key}", help=told)], False
    return Annotated[str | None, typer.Option(f"--{key}", help=told, show_default=False)], None


def _read(key: str, value: Any, part: Schema) -> Any:
    """What an option's text means. Raises Refused."""
    if part["type"] == "boolean":
        return value
    try:
        return FORMATS[part["format"]](value)
    except ValueError as error:
        raise Refused(f"--{key}: {error}") from None


def _lifter(verb: str) -> Callable[..., int]:
    """The command that takes rules back."""

    def command(rule: _ONE = None, lab: options.Lab = None) -> int:
        result = labs.require(lab).call(verb, **({} if rule is None else {"rule": rule}))
        print(f"{verb}: {touched(result)}")
        return 0

    return command
