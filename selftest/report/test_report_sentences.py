"""Every event is a sentence; none can break the line that it stands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrap.events import CATALOGUE, Event
from swrap.report.sentences import TEMPLATES, Tone, sentence

Make = Callable[..., Event]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_each_kind_of_the_catalogue_has_a_sentence_of_its_own(kind: str) -> None:
    assert kind in TEMPLATES


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_a_sentence_names_no_field_that_the_catalogue_does_not_have(kind: str) -> None:
    fields = dict.fromkeys(CATALOGUE[kind].fields, 1)
    full = sentence(Event(0, kind, "run", fields)).text
    assert "?" not in full, full


def test_a_cable_that_is_pulled_says_what_it_touched(event: Make) -> None:
    said = sentence(event("link-down", 3.5, interface="server.eth0", flows=2, bytes=131072))
    assert said.text == "server.eth0 is pulled, 2 flows frozen, 128 KiB under way"
    assert (said.at, said.tone) == (3.5, Tone.BAD)


def test_what_an_event_does_not_say_is_not_there(event: Make) -> None:
    assert sentence(event("link-down", interface="server.eth0")).text == "server.eth0 is pulled"
    assert sentence(event("link-up", interface="a.b", flows=0, bytes=0)).text == "a.b is plugged in again"


def test_an_inner_part_falls_with_its_outer_one(event: Make) -> None:
    opened = event("session-opened", session_id="0x1", signing="AES-128-GMAC")
    assert sentence(opened).text == "session 0x1 opened"


def test_counts_and_lists_are_both_counted(event: Make) -> None:
    assert sentence(event("replayed", requests=[7, 8])).text == "2 requests sent again"
    assert sentence(event("replayed", requests=1, channel=3)).text == "1 request of channel 3 sent again"


def test_a_field_of_a_wrong_type_is_shown_as_it_came(event: Make) -> None:
    assert "much" in sentence(event("flow-closed", client="a", server="b", bytes="much")).text


def test_an_unknown_kind_is_shown_with_its_fields(event: Make) -> None:
    said = sentence(event("lease-broken", key="k 1", to=None, count=3))
    assert said.text == "lease-broken key=k 1 to=null count=3"
    assert said.tone is Tone.PLAIN


def test_what_another_event_tells_as_well_is_quiet(event: Make) -> None:
    assert sentence(event("step-started", text="link-down server.eth0")).tone is Tone.QUIET
    assert sentence(event("step-started", text="laptop.login")).tone is Tone.PLAIN
    assert sentence(event("connection-ready", pid=5, passed=True)).tone is Tone.QUIET
    assert sentence(event("connection-ready", pid=5, passed=False)).tone is Tone.GOOD


def test_an_actor_that_ends_unasked_is_bad_news(event: Make) -> None:
    assert sentence(event("actor-exited", pid=5, status=1, expected=False)).tone is Tone.BAD
    assert sentence(event("actor-exited", pid=5, status=0, expected=True)).tone is Tone.QUIET


def test_control_characters_cannot_reach_a_terminal(event: Make) -> None:
    said = sentence(event("run-started", title="red \x1b[31m and\r\ntwo lines\x07\x9b"))
    assert said.text == "red \\x1b[31m and two lines\\x07\\x9b"


@given(
    kind=st.sampled_from([*TEMPLATES, "unheard-of"]),
    source=st.text(),
    data=st.dictionaries(
        st.sampled_from(["client", "bytes", "flows", "requests", "text", "interfaces"]) | st.text(), JSON
    ),
)
def test_no_data_makes_a_sentence_fail_or_fill_two_lines(
    kind: str, source: str, data: dict[str, Any]
) -> None:
    said = sentence(Event(0.0, kind, source, data))
    for text in (said.text, said.source):
        assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text)
