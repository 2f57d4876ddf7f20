"""What failed is tried again later and later, and at once when there is news of it."""

from __future__ import annotations

from ipaddress import ip_address

from server.client.ledger import MOST, Ledger
from server.client.policy import Path

PATH = Path(ip_address("10.0.1.1"), interface="eth0")
OTHER = Path(ip_address("10.0.2.1"), interface="wlan0")


def pause(ledger: Ledger, now: float) -> float:
    """Seconds until the path is usable, in steps of a tenth."""
    return next(t / 10 for t in range(200) if ledger.usable(PATH, now + t / 10))


def test_the_pause_doubles_up_to_a_limit() -> None:
    ledger = Ledger()
    pauses = []
    for _ in range(7):
        ledger.failed(PATH, 100.0)
        pauses.append(pause(ledger, 100.0))
    assert pauses == [0.5, 1.0, 2.0, 4.0, MOST, MOST, MOST]
    assert ledger.usable(OTHER, 100.0)


def test_a_connection_that_was_reset_may_be_made_again_at_once_but_not_over_and_over() -> None:
    ledger = Ledger()
    ledger.failed(PATH, 0.0, forgivable=True)
    assert ledger.usable(PATH, 0.0)
    ledger.failed(PATH, 0.0, forgivable=True)
    assert not ledger.usable(PATH, 0.0)


def test_it_works_again_but_is_only_trusted_after_a_while() -> None:
    ledger = Ledger()
    ledger.failed(PATH, 0.0)
    ledger.works(PATH)
    assert ledger.usable(PATH, 0.0)
    ledger.failed(PATH, 0.0)
    assert pause(ledger, 0.0) == 1.0, "the earlier failure counts"
    ledger.works(PATH)
    ledger.settled(PATH)
    ledger.failed(PATH, 0.0)
    assert pause(ledger, 0.0) == 0.5


def test_news_of_an_address_or_an_interface_wipes_its_record() -> None:
    for news in (PATH.remote, "eth0"):
        ledger = Ledger()
        ledger.failed(PATH, 0.0)
        ledger.failed(OTHER, 0.0)
        ledger.forget(lambda key, news=news: news in key)  # type: ignore[misc]
        assert ledger.usable(PATH, 0.0)
        assert not ledger.usable(OTHER, 0.0)


def test_a_path_that_gives_no_more_channels_is_not_a_bad_path() -> None:
    ledger = Ledger()
    ledger.full(PATH, 0.0)
    assert ledger.usable(PATH, 0.0)
    assert not ledger.room(PATH, 1.0)
    assert ledger.room(PATH, MOST)
