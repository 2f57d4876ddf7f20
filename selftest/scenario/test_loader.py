"""A scenario with mistakes runs nothing: all are told at once, each at its place, with what was meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from swrap.document import Problems, parse, read
from swrap.document.keywords import unusable
from swrap.scenario import check, load, schema
from swrap.scenario.shape import SCENARIO

HEAD = """\
title: t
lab: {hosts: {server: {eth0: 10.0.1.1/24}}}
actors:
  one: {host: server, command: [x]}
"""

STEP = "steps:\n  - "


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("one.add: {a: 1, b: 2, c: 3}", "2:27: unknown key 'c'; there are a, b"),
        ("one.add: {a: 1}", "2:14: key 'b' is missing here"),
        ("one.add: {a: 1, b: two}", "2:24: 'two' where a whole number belongs"),
        ("one.ad: {a: 1, b: 2}", "2:5: one (toy) has no verb 'ad'; did you mean 'add'?"),
        ("oen.add: {a: 1, b: 2}", "2:5: no actor 'oen'; did you mean 'one'?"),
        ("link-dwon: server.eth0", "2:5: unknown key 'link-dwon'; did you mean 'link-down'?"),
        ("link-down: server.eth9", "2:16: no interface server.eth9; did you mean 'server.eth0'?"),
        ("link-down: {interface: sever.eth0}", "2:28: no interface sever.eth0; did you mean 'server.eth0'?"),
        ("block: {host: sevrer}", "2:19: no host sevrer; did you mean 'server'?"),
        ("block: {}", "2:12: one of host, interface, address, port, sport, dport, between, flow is missing here"),
        ("kill: oen", "2:11: no actor 'oen'; did you mean 'one'?"),
        ("kill: {actor: oen}", "2:19: no actor 'oen'; did you mean 'one'?"),
        ("one: {}", "2:5: unknown key 'one'; a verb of one is one.VERB"),
        ("as: x", "2:5: what is to be done here? A step has one of ACTOR.VERB, await, join,"),
        ("heal: {}\n    link-up: server.eth0", "3:5: one step, one action; here are 2: heal, link-up"),
        ("heal: {}\n    with: 5s", "3:5: unknown key 'with'; did you mean 'within'?"),
        ("heal: {}\n    within: 5sec", "3:13: unknown unit 'sec' of a time: write one of"),
        ("heal: {}\n    as: 5x", "3:9: '5x' is not a name: a letter, then letters, digits, - or _"),
        ("heal: {}\n    as: run", "3:9: 'run' is taken: $run is the run itself"),
        ("one.greet:\n    may-miss: true", "3:5: only a fault can miss"),
        ("one.never:\n    background: true", "3:5: a step in the background needs a name"),
        ("await: {event: told}\n    as: x\n    background: true", "4:5: await only waits; in the background"),
        ("await: {evnt: told}", "2:13: unknown key 'evnt'; did you mean 'event'?"),
        ("await: {event: tole}", "2:20: unknown event 'tole'; did you mean 'told'?"),
        ("await: {event: told, from: network}", "2:20: unknown event 'told' of network"),
        ("await: {event: told, from: three}", "2:32: nobody called 'three' tells events"),
        ("await: {event: told, where: {color: red}}", "2:34: told has no 'color'; did you mean 'colour'?"),
        ("await: {event: flow-sample}", "2:20: flow-sample is made by the clock"),
        ("await: {event: told, where: {n: {atleast: 5}}}", "2:38: unknown key 'atleast'; did you mean 'at-least'?"),
        ("await: {event: told, where: {n: {matches: '('}}}", "2:47: not a regular expression"),
        ("join: copy", "2:11: nothing before this has `as: copy`"),
        ("wait: {after: 5s}", "2:11: wait is for an event or for progress"),
        ("exit: three", "2:11: no actor 'three'"),
        ("start: three", "2:12: no actor 'three'"),
        ("one.greet:\n    when: {progress: copy, reaches: 50%}", "3:22: nothing before this has `as: copy`"),
        ("one.greet:\n    when: {aftr: 5s}", "3:12: unknown key 'aftr'; did you mean 'after'?"),
        ("one.add: {a: $x.sum, b: 1}", "2:18: $x.sum: nothing before this has `as: x`"),
        ("one.add: {a: $, b: 1}", "2:18: '$' is no reference such as $login.session_id"),
        ("one.add: {a: $run.sead, b: 1}", "2:18: $run.sead: there is no 'sead' in it; did you mean 'seed'?"),
        ("5", "2:5: a step is a mapping such as"),
        ("one.fail:\n    fails: false", "3:12: false where only true belongs"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_step_is_told_at_its_place(stories: Any, step: str, problem: str) -> None:
    found = stories.problems(f"{STEP}{step}\n")
    assert any(line.startswith(problem) for line in found), found


COPY = "steps:\n  - one.copy: {size: 1MiB}\n    as: copy\n    background: true\n"


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("  - one.add: {a: $copy.bytes, b: 1}", "5:18: $copy.bytes: 'copy' still runs here; `- join: copy`"),
        ("  - join: copy\n    as: done\n  - one.add: {a: $done.byte, b: 1}", "7:18: $done.byte: there is no 'byte' in it; did you mean 'bytes'?"),
        ("  - join: copy\n  - join: copy", "6:11: 'copy' has been joined already"),
        ("  - join: copi", "5:11: nothing before this has `as: copi`; did you mean 'copy'?"),
        ("  - one.greet:\n    as: copy", "6:9: `as: copy` is there twice; first on line 11"),
        ("  - heal: {}\n    when: {progress: copy, reaches: 150%}", "6:37: '150%' is no share: 0% to 100%"),
        ("  - heal: {}\n    when: {progress: copy, reaches: half}", "6:37: 'half' is not a size"),
        ("  - one.greet:\n    as: g\n  - join: g", "7:11: 'g' is no step with `background: true`"),
        ("  - one.greet:\n    as: g\n  - wait: {progress: g, reaches: 1%}", "7:22: 'g' is no step with `background: true`"),
    ],
)  # fmt: skip
def test_a_mistake_about_a_step_in_the_background_is_told(stories: Any, rest: str, problem: str) -> None:
    found = stories.problems(f"{COPY}{rest}\n")
    assert any(line.startswith(problem) for line in found), found


ADD = "steps:\n  - one.add: {a: 1, b: 2}\n    as: sum\nexpect:\n  - "


@pytest.mark.parametrize(
    ("expectation", "problem"),
    [
        ("{value: $sum.sum}", "5:5: what is it to be? One of equals, not, at-least,"),
        ("{value: $sum.smu, equals: 3}", "5:13: $sum.smu: there is no 'smu' in it; did you mean 'sum'?"),
        ("{value: $som.sum, equals: 3}", "5:13: $som.sum: nothing before this has `as: som`; did you mean 'sum'?"),
        ("{value: $sum.sum, equal: 3}", "5:23: unknown key 'equal'; did you mean 'equals'?"),
        ("{event: told}", "5:6: unknown key 'event'; did you mean 'events'?"),
        ("{events: told, exactly: 1, at-least: 2}", "5:29: `exactly` says it all"),
        ("{events: told, at-least: 3, at-most: 2}", "5:42: at least 3 and at most 2 cannot both be"),
        ("{events: told, same: coluor}", "5:26: told has no 'coluor'; did you mean 'colour'?"),
        ("{events: told, each: {m: 1}}", "5:27: told has no 'm'"),
        ("{order: [{event: told}]}", "5:13: 1 items; 2 at least"),
        ("{order: [{event: told}, {link-down: server.eth7}]}", "5:41: no interface server.eth7"),
        ("{expect: 5}", "5:5: one of these keys is missing: events, order, value"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_expectation_is_told(stories: Any, expectation: str, problem: str) -> None:
    found = stories.problems(f"{ADD}{expectation}\n")
    assert any(line.startswith(problem) for line in found), found


@pytest.mark.parametrize(
    ("actor", "problem"),
    [
        ("{program: smb-sever, host: server}", "no actor called 'smb-sever' is installed"),
        ("{command: [x], program: y, host: server}", "an actor has either `program:` or `command:`"),
        ("{host: server}", "an actor has either `program:` or `command:`"),
        ("{command: [x], host: sever}", "no host sever; did you mean 'server'?"),
        ("{command: x, host: server}", "'x' where a list belongs"),
        ("{command: [], host: server}", "0 items; 1 at least"),
        ("{command: [x]}", "key 'host' is missing here"),
        ("{command: [x], host: server, with: {}}", "`with:` configures an actor; a command takes arguments"),
        ("{command: [x], host: server, protocol: json}", "unknown protocol 'json'"),
        ("{command: [x], host: server, schema: none.json}", "No such file"),
        ("{command: [x], host: server, schema: toy.json, protocol: none}", "an actor with a schema speaks"),
        ("{command: [x], host: server, schema: toy.json, with: {greting: hi}}", "did you mean 'greeting'?"),
        ("{command: [x], host: server, schema: bad.json}", "verbs.x.args: the keyword 'oneOf' is not supported"),
        ("{command: [x], host: server, schema: broken.json}", "the actor broken.json is declared wrongly"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_actor_is_told(stories: Any, actor: str, problem: str) -> None:
    (stories.folder / "bad.json").write_text(json.dumps({"verbs": {"x": {"args": {"oneOf": []}}}}))
    (stories.folder / "broken.json").write_text("{")
    head = "title: t\nlab: {hosts: {server: {eth0: 10.0.1.1/24}}}\n"
    found = stories.problems(f"actors:\n  a: {actor}\nsteps:\n  - heal: {{}}\n", head)
    assert any(problem in line for line in found), found


@pytest.mark.parametrize("name", ["run", "network"])
def test_an_actor_cannot_take_the_name_of_another_source(stories: Any, name: str) -> None:
    head = "title: t\nlab: {hosts: {server: {eth0: 10.0.1.1/24}}}\n"
    found = stories.problems(
        f"actors:\n  {name}: {{command: [x], host: server}}\nsteps:\n  - heal: {{}}\n", head
    )
    assert any(line.startswith(f"2:3: '{name}' is taken") for line in found), found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]\n", "1:1: a scenario is a mapping"),
        ("titel: x\n", "1:1: unknown key 'titel'; did you mean 'title'?"),
        ("title: x\nlab: {hosts: {a: {eth0: 10.0.1.1/24}}}\nsteps: []\n", "3:8: 0 items; 1 at least"),
        (
            "title: x\nlab: {hosts: {a: {eth0: 10.0.1.1}}}\nsteps:\n  - heal: {}\n",
            "2:25: 10.0.1.1 has no prefix",
        ),
        ("title: x\nlab: none.yaml\nsteps:\n  - heal: {}\n", "2:6: there is no lab file"),
        ("title: x\nlab: 5\nsteps:\n  - heal: {}\n", "2:6: "),
        ("title: x\nsteps:\n  - heal: {}\n", "1:1: key 'lab' is missing here"),
        ("title: x\ntitle: y\n", "2:1: 'title' is there twice; first on line 1"),
    ],
)
def test_a_mistake_in_the_outermost_mapping_is_told(stories: Any, text: str, problem: str) -> None:
    found = stories.problems(text, head="")
    assert any(line.startswith(problem) for line in found), found


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file_and_nothing_twice(stories: Any) -> None:
    found = stories.problems(
        """\
steps:
  - oen.greet:
    as: greeting
  - one.add: {a: $greeting.anything, b: x}
  - link-down: server.eth9
expects: []
expect:
  - {value: $greeting.anything, equals: 1}
  - {value: $nothing, equals: 1}
"""
    )
    assert [line.partition(": ")[0] for line in found] == ["2:5", "4:41", "5:16", "6:1", "9:13"]


def test_a_lab_can_be_a_file_of_its_own_whose_mistakes_stand_there(stories: Any) -> None:
    lab = stories.folder / "lab.yaml"
    lab.write_text("hosts: {server: {eth0: 10.0.1.1/24}}\n")
    scenario = stories.load("title: t\nlab: lab.yaml\nsteps:\n  - heal: {}\n", head="")
    assert scenario.lab == lab
    assert scenario.topology.interface_names() == ("server.eth0",)
    lab.write_text("hosts: {server: {eth0: 10.0.1.1}}\n")
    assert str(check(stories.file)[0]).startswith(f"{lab}:1:24: 10.0.1.1 has no prefix length")


def test_steps_say_what_was_written(stories: Any) -> None:
    scenario = stories.load(
        "steps:\n  - one.copy: {size: 64MiB}\n    within: 5s\n  - link-down: server.eth0\n"
        "  - await: {event: told, where: {n: {at-least: 5}}}\n  - one.greet:\nwithin: 7s\n"
    )
    assert [step.text for step in scenario.steps] == [
        "one.copy size: 64MiB",
        "link-down server.eth0",
        "await event: told, where: {n: {at-least: 5}}",
        "one.greet",
    ]
    assert [step.within for step in scenario.steps] == [5.0, 7.0, 7.0, 7.0]
    assert [step.mark.line for step in scenario.steps] == [10, 12, 13, 14]


def test_the_published_schema_is_what_the_check_reads_and_lets_references_stand_for_values() -> None:
    published = schema()
    assert published["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert unusable(published) == []
    assert json.loads(json.dumps(published))["properties"].keys() == SCENARIO["properties"].keys()
    found = Problems()
    text = "steps:\n  - unblock: {rule: $x.rule}\n  - kill: $x.name\n  - await: {event: told, where: {n: {at-least: $x.n}}}\n"
    node = parse(HEAD + text + "expect:\n  - {value: $x.y, one-of: $x.z}\n", "story.yaml", found)
    assert node is not None
    read(node, published, found)
    assert list(found) == []
    node = parse(HEAD + "steps:\n  - unblock: {rule: first}\n", "story.yaml", found)
    assert node is not None
    read(node, published, found)
    assert found


def test_the_scenarios_that_come_with_it_have_no_mistakes() -> None:
    files = sorted((Path(__file__).parents[2] / "scenarios").rglob("*.yaml"))
    assert files
    for file in files:
        assert [str(problem) for problem in check(file)] == []
        assert load(file).expectations
