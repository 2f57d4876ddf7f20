"""run, demo, check, schema, events, actors: scenarios.

Owns the way from the command line to `swrap.scenario` and `swrap.report` and back to an exit status, nothing
in between.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import swrap
from swrap.cli import interrupt, options
from swrap.cli import pcap as captures
from swrap.document import BadInput, Mapping, Problem, Problems, parse_file
from swrap.lab.capture import Wanted
from swrap.lab.errors import Refused
from swrap.topology import topology_of

if TYPE_CHECKING:  # imported where they are used: `swrap exec` should not wait for them
    from swrap.report.reporter import Reporters
    from swrap.scenario import Scenario
    from swrap.scenario.actor_type import ActorType

# Beside the package, in a wheel as in the source tree; by path, since the user may have such a folder too.
DEMO = Path(swrap.__file__).resolve().parents[1] / "scenarios" / "link-switching" / "lan-to-wifi.yaml"

PASSED, FAILED, BAD_INPUT, HARNESS, INCONCLUSIVE = range(5)
_FROM_BEST_TO_WORST = (PASSED, INCONCLUSIVE, FAILED, HARNESS)


class BackendName(StrEnum):
    """What a scenario can run on."""

    shim = "shim"
    fake = "fake"


Files = Annotated[list[Path], typer.Argument(metavar="SCENARIO.yaml...")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of all that is drawn by lot.")]
Events = Annotated[
    Path | None,
    typer.Option(
        "--events", metavar="F", help="Record every event, a line of JSON each.", show_default=False
    ),
]
Junit = Annotated[
    Path | None, typer.Option("--junit", metavar="F", help="A report as JUnit XML.", show_default=False)
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="F", help="A report to look at.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (demo, run, check, schema, events, actors):
        app.command()(command)


def demo(as_json: options.Json = False, events: Events = None, junit: Junit = None, html: Html = None) -> int:
    """The link-switching demonstration, live: a cable is pulled in the middle of a copy."""
    return _run([DEMO], BackendName.shim, 0, as_json, events, junit, html)


def run(
    files: Files,
    backend: Annotated[BackendName, typer.Option("--backend", help="Real processes, or simulated ones.")] = (
        BackendName.shim
    ),
    seed: Seed = 0,
    as_json: options.Json = False,
    events: Events = None,
    junit: Junit = None,
    html: Html = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Simulated: run twice and show where the runs part, if they do.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", min=1, help="Simulated: try N seeds, list those that fail."),
    ] = None,
    pace: Annotated[
        float | None, typer.Option("--pace", metavar="X", help="Simulated: X seconds a second, to watch it.")
    ] = None,
    pcap: captures.File = None,
    pcap_filter: captures.Filter = None,
) -> int:
    """Run scenarios, one after the other. The exit status is the worst of theirs.

    0: all as expected; 1: an expectation or a step failed; 2: bad input; 3: the harness failed; 4: a fault
    touched nothing, so the run proves nothing.
    """
    if backend is BackendName.shim and (verify or seeds or pace is not None):
        raise Refused("--verify, --seeds and --pace are for --backend fake: real programs take real time")
    if seeds or verify:
        from swrap.cli import seeds as many

        scenarios = _load(files)
        if verify:
            return many.verify(scenarios, seed)
        return many.explore(scenarios, range(seed, seed + (seeds or 0)))
    if pcap is not None and (backend is BackendName.fake or len(files) > 1):
        raise Refused("--pcap: of one scenario, on --backend shim")
    capture = captures.wanted(pcap, pcap_filter)
    return _run(files, backend, seed, as_json, events, junit, html, pace, capture)


def check(files: Files) -> int:
    """Check scenarios (and lab files) without running them; every error with its place."""
    problems = [problem for file in files for problem in _problems(file)]
    for problem in problems:
        print(problem)
    return BAD_INPUT if problems else PASSED


def schema() -> int:
    """Print the JSON Schema (draft-07) of a scenario, for editors."""
    from swrap.scenario import schema as of_scenario

    print(json.dumps(of_scenario(), indent=2))
    return 0


def events(as_json: options.Json = False) -> int:
    """List the kinds of events, with their fields: the network's and the runner's, then each actor's."""
    from swrap.events import CATALOGUE

    rows = [(kind.source, name, kind.sentence, dict(kind.fields)) for name, kind in CATALOGUE.items()]
    for actor in _actors():
        rows += [(actor.name, name, kind.doc, dict(kind.fields)) for name, kind in actor.events.items()]
    if as_json:
        keys = ("source", "kind", "sentence", "fields")
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=1))
        return 0
    before = ""
    for source, name, sentence, fields in rows:
        if source != before:
            print(f"{source}:")
            before = source
        print(f"  {name}: {sentence}")
        for field, meaning in fields.items():
            print(f"      {field}: {meaning}")
    return 0


def actors() -> int:
    """List the installed actors with their verbs."""
    for actor in _actors():
        print(f"{actor.name}:")
        for name, verb in actor.verbs.items():
            print(f"  {name}: {verb.doc}" if verb.doc else f"  {name}")
    return 0


def _actors() -> list[ActorType]:
    from swrap.scenario.actor_type import BadDeclaration, available, installed

    try:
        found = [installed(name) for name in available()]
    except BadDeclaration as error:
        raise Refused(str(error)) from None
    return [actor for actor in found if actor is not None]


def _problems(file: Path) -> Sequence[Problem]:
    from swrap.scenario import check as of_scenario

    problems = Problems()
    node = parse_file(file, problems)
    if isinstance(node, Mapping) and node.get("hosts") is not None and node.get("steps") is None:
        topology_of(node, problems)
        return list(problems)
    return of_scenario(file)


def _run(
    files: Sequence[Path],
    backend: BackendName,
    seed: int,
    as_json: bool,
    events: Path | None,
    junit: Path | None,
    html: Path | None,
    pace: float | None = None,
    capture: Wanted | None = None,
) -> int:
    from swrap.report.reporters import reporters

    scenarios = _load(files)
    with reporters(json=as_json, events=events, junit=junit, html=html) as told:
        if backend is BackendName.fake:
            statuses = _simulate_all(scenarios, seed, told, pace)
        else:
            statuses = asyncio.run(_run_all(scenarios, seed, told, capture))
    interrupted = [status for status in statuses if status > interrupt.BY_SIGNAL]
    return interrupted[0] if interrupted else max(statuses, key=_FROM_BEST_TO_WORST.index)


def _load(files: Sequence[Path]) -> list[Scenario]:
    """All of them, or all that is wrong with all of them."""
    from swrap.scenario import load

    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    for file in files:
        try:
            scenarios.append(load(file))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return scenarios


async def _run_all(
    scenarios: Sequence[Scenario], seed: int, told: Reporters, capture: Wanted | None
) -> list[int]:
    from swrap.scenario import run as play
    from swrap.scenario.shim_backend import ShimBackend

    interrupt.watch_children()
    statuses: list[int] = []
    for scenario in scenarios:
        backend = ShimBackend(capture=capture)
        verdict = await play(scenario, backend, told.event, seed)
        captures.complain(backend.complaint)
        told.finish(verdict.exit_code)
        statuses.append(verdict.exit_code)
        if verdict.interrupted is not None:
            break
    return statuses


def _simulate_all(scenarios: Sequence[Scenario], seed: int, told: Reporters, pace: float | None) -> list[int]:
    from swrap.scenario.fake_backend import run as simulate

    statuses: list[int] = []
    for scenario in scenarios:
        verdict = simulate(scenario, told.event, seed, pace=pace)
        told.finish(verdict.exit_code)
        statuses.append(verdict.exit_code)
        if verdict.interrupted is not None:
            break
    return statuses
