"""Results as JUnit XML, for a CI.

Owns the mapping: a run is a testsuite, a step or an expectation a testcase. What could not be decided is an
error and no skip: a run that proved nothing must not look green. Called through ``reporters``.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from swrap.events import Event

from .files import check, write
from .model import Model
from .outcome import Expectation, Step, Verdict
from .sentences import shown
from .state import State

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document can hold, escaped or not (XML 1.0, 2.2)."""


def suite(state: State) -> ElementTree.Element:
    """A finished run as a ``testsuite``."""
    outcome = state.outcome
    element = ElementTree.Element("testsuite", name=_clean(state.title or state.file or "run"))
    name = _clean(state.file or state.title or "run")
    cases = [_step(step, name) for step in outcome.steps.values()]
    cases += [_expectation(expectation, name) for expectation in outcome.expectations]
    bad = any(len(case) and case[0].tag != "skipped" for case in cases)
    if outcome.exit_code and not bad:
        # Nothing that was listed went wrong, and yet the run did not pass: that is a case of its own.
        case = ElementTree.Element("testcase", classname=name, name="the run", time="0")
        case.append(_problem("error", outcome.verdict, outcome.reason or outcome.tally()))
        cases.append(case)
    element.extend(cases)
    if outcome.gaps:
        told = ElementTree.SubElement(element, "system-out")
        told.text = _clean("not emulated:\n" + "".join(f"{gap.text}\n" for gap in outcome.gaps))
    tags = [case[0].tag if len(case) else "" for case in cases]
    element.set("tests", str(len(cases)))
    element.set("failures", str(tags.count("failure")))
    element.set("errors", str(tags.count("error")))
    element.set("skipped", str(tags.count("skipped")))
    element.set("time", f"{state.at:.3f}")
    return element


def document(suites: list[ElementTree.Element]) -> str:
    """The whole file."""
    root = ElementTree.Element("testsuites")
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(element.get(total, "0")) for element in suites)))
    root.set("time", f"{sum(float(element.get('time', '0')) for element in suites):.3f}")
    root.extend(suites)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _step(step: Step, classname: str) -> ElementTree.Element:
    seconds = 0.0 if step.ended is None else step.ended - step.started
    case = _case(f"step: {step.text}", classname, step.where, seconds)
    details = _details(step.error, step.expected, step.seen, step.where)
    if step.status == "fail":
        case.append(_problem("failure", step.error or "the step failed", details))
    elif step.status == "inconclusive":
        case.append(_problem("error", step.error, details))
    elif step.status == "skipped":
        case.append(_problem("skipped", "an earlier step failed", ""))
    elif step.status == "running":
        case.append(_problem("error", "the step did not end", f"where: {step.where}"))
    return case


def _expectation(expectation: Expectation, classname: str) -> ElementTree.Element:
    case = _case(f"expect: {expectation.text}", classname, expectation.where, 0.0)
    tag = {"pass": "", "fail": "failure", "skipped": "skipped"}.get(expectation.status, "error")
    if tag:
        message = "" if expectation.seen is None else f"seen {shown(expectation.seen)}"
        if expectation.expected is not None:
            message = f"expected {shown(expectation.expected)}" + (f", {message}" if message else "")
        details = _details("", expectation.expected, expectation.seen, expectation.where)
        case.append(_problem(tag, message or expectation.status, details))
    return case


def _case(name: str, classname: str, where: str, seconds: float) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=classname, name=_clean(name), time=f"{seconds:.3f}")
    file, colon, line = where.partition(":")
    if colon and (number := re.match(r"\d+", line)):
        case.set("file", _clean(file))
        case.set("line", number[0])
    return case


def _problem(tag: str, message: str, details: str) -> ElementTree.Element:
    element = ElementTree.Element(tag, message=_clean(message))
    if tag != "skipped":
        element.set("type", tag)
    element.text = _clean(details)
    return element


def _details(error: str, expected: object, seen: object, where: str) -> str:
    said = {"error": error or None, "expected": expected, "seen": seen, "where": where or None}
    return "\n".join(f"{name}: {shown(value)}" for name, value in said.items() if value is not None)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


class JunitReporter:
    """Keeps the file at ``path`` up to date: after each run it holds all runs so far."""

    def __init__(self, path: Path) -> None:
        check(path)
        self._path = path
        self._model = Model()
        self._suites: list[ElementTree.Element] = []

    def event(self, e: Event, /) -> None:
        self._model.apply(e)

    def finish(self, verdict: Verdict | int | None = None, /) -> None:
        self._model.finish(verdict)
        self._suites.append(suite(self._model.state))
        write(self._path, document(self._suites))

    def close(self) -> None:
        """Nothing is held."""
