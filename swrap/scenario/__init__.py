"""Scenarios: a file becomes a checked story, the story is played on a network, and comes to a verdict.

``load`` and ``check`` read files, ``schema`` is what they may say, ``run`` plays one on a back end. A file::

    title: …
    lab: {hosts: {…}}                          # or the name of a lab file beside this one
    actors:
      NAME: {program: smb-client, host: …, with: {…}}             # an installed actor
      NAME: {command: [prog, …], host: …}                         # any program: run, watched, ended
      NAME: {command: [prog, …], schema: prog.json, host: …}      # one that speaks the protocol
    within: 60s                                # the default deadline of a step
    steps:                                     # one after the other; each does one thing:
      - ACTOR.VERB: {…}                        # an actor is told a verb
      - link-down: HOST.IFACE                  # or any other fault
      - await: {event: KIND, from: SOURCE, where: {FIELD: CONDITION}, count: 1}
      - join: NAME                             # a step in the background is done
      - wait: {progress: NAME, reaches: 50%}   # or an event
      - start: ACTOR                           # which then does not run from the beginning
      - exit: ACTOR                            # or {actor: …, status: 7 | KILL | any}
    expect:
      - {value: $NAME.path, equals: …}
      - {events: KIND, from: SOURCE, where: {…}, skip: 1, each: {…}, same: FIELD, at-least: 4}
      - {order: [{link-down: HOST.IFACE}, {event: KIND, where: {…}}]}

Beside its action a step can say ``as: NAME`` (then ``$NAME.path`` is its result), ``when:`` ({after: 2s},
{at: 6s}, {event: …}, {progress: NAME, reaches: 32MiB}), ``within: 5s``, ``background: true``,
``fails: true`` (or {message: CONDITION, status: CONDITION}) and, for a fault, ``may-miss: true``.
A CONDITION is a value, or a mapping with equals, not, at-least, at-most, more-than, less-than, one-of,
matches. An expectation can have a ``title:``.
"""

from swrap.scenario.backend import Backend, Ended, Program
from swrap.scenario.loader import check, load
from swrap.scenario.model import Scenario
from swrap.scenario.runner import run
from swrap.scenario.shape import schema
from swrap.scenario.verdict import Outcome, Verdict

__all__ = ["Backend", "Ended", "Outcome", "Program", "Scenario", "Verdict", "check", "load", "run", "schema"]
