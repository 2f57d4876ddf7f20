"""A channel is dead when it really is, and not because somebody is slow."""

from __future__ import annotations

import pytest

from server.client.health import Health, Sample, State


def sample(
    now: float,
    *,
    acked: int = 0,
    unacked: int = 0,
    rto: float = 0.2,
    heard: int = 0,
    owed: float | None = None,
) -> Sample:
    return Sample(now, acked, unacked, rto, heard, owed)


def states(health: Health, samples: list[Sample], *, alternative: bool = False) -> list[State]:
    return [health.judge(one, alternative=alternative).state for one in samples]


ALIVE, UNSURE, SILENT = State.ALIVE, State.UNSURE, State.SILENT


@pytest.mark.parametrize(("rto", "limit"), [(0.05, 1.2), (0.2, 1.2), (0.5, 3.0), (1.0, 6.0), (9.0, 6.0)])
def test_no_byte_acked_for_six_rto_is_silence(rto: float, limit: float) -> None:
    health = Health(0.0)
    health.judge(sample(0.0, rto=rto), alternative=False)
    before = sample(limit - 0.01, unacked=9, rto=rto, owed=limit)
    after = sample(limit + 0.01, unacked=9, rto=rto, owed=limit)
    assert states(health, [before, after]) == [ALIVE, SILENT]
    assert "9 waiting" in health.judge(after, alternative=False).reason


def test_retransmissions_that_double_the_rto_do_not_double_the_patience() -> None:
    health = Health(0.0)
    health.judge(sample(0.0, rto=0.2), alternative=False)
    assert states(health, [sample(1.3, unacked=9, rto=3.2)]) == [SILENT]


def test_each_byte_acked_starts_the_count_anew() -> None:
    health = Health(0.0)
    slow = [sample(t, acked=t, unacked=5000, owed=0.0) for t in range(1, 60)]
    assert set(states(health, slow)) == {ALIVE}, "a slow link is not a dead one, however long an answer takes"


def test_bytes_that_all_arrived_long_ago_do_not_count_against_the_next_ones() -> None:
    health = Health(0.0)
    health.judge(sample(100.0, acked=50), alternative=False)
    assert states(health, [sample(100.5, acked=50, unacked=10)]) == [ALIVE]


def test_an_answer_that_is_owed_is_asked_for_and_missed_sooner_if_there_is_another_channel() -> None:
    owing = [sample(t, owed=0.0) for t in (0.5, 1.5, 4.5)]
    assert states(Health(0.0), owing, alternative=True) == [ALIVE, UNSURE, SILENT]
    assert states(Health(0.0), owing, alternative=False) == [ALIVE, UNSURE, UNSURE]
    assert states(Health(0.0), [sample(8.5, owed=0.0)], alternative=False) == [SILENT]


def test_any_answer_is_a_sign_of_life() -> None:
    """A slow read with an ECHO answered meanwhile: the server works."""
    samples = [sample(t, heard=int(t), owed=0.0) for t in (0.9, 1.9, 2.9, 3.9, 4.9, 5.9)]
    assert SILENT not in states(Health(0.0), samples, alternative=True)


def test_a_quiet_channel_is_asked_now_and_then() -> None:
    assert states(Health(0.0), [sample(4.9), sample(5.1)]) == [ALIVE, UNSURE]


def test_time_in_which_nobody_looked_proves_nothing() -> None:
    health = Health(0.0)
    health.forgive(100.0)
    assert states(health, [sample(100.1, unacked=9)]) == [ALIVE]
    assert states(health, [sample(101.4, unacked=9)]) == [SILENT]


def test_what_goes_the_way_of_a_dead_channel_has_to_prove_itself() -> None:
    dead, quiet, busy = Health(0.0), Health(0.0), Health(0.0)
    dead.judge(sample(5.0, acked=9), alternative=True)
    busy.judge(sample(5.9, acked=9), alternative=True)
    quiet.judge(sample(5.2, acked=9), alternative=True)
    assert not busy.shares_fate(dead, 6.2)
    assert quiet.shares_fate(dead, 6.2)
    quiet.doubt("as quiet as that one")
    assert quiet.judge(sample(6.5, acked=9), alternative=True).reason == "as quiet as that one"
    later = [
        sample(6.6, acked=90),  # Acknowledged by whom? The peer has to speak for itself.
        sample(6.7, acked=90, heard=76),
        sample(6.8, acked=90, heard=76),
    ]
    assert states(quiet, later) == [SILENT, ALIVE, ALIVE]
