"""Links that work once, and sessions that end."""

from __future__ import annotations

import pytest
from tests.web.visitor import MovingClock

from backchannel.web import auth
from backchannel.web.auth import (
    LINK_MINUTES,
    MAX_LINKS,
    MAX_SESSIONS,
    NEW_LINK_SECONDS,
    SESSION_HOURS,
    Logins,
)


@pytest.fixture
def logins(clock: MovingClock) -> Logins:
    return Logins(clock)


def test_a_link_opens_one_session_and_no_second_one(logins: Logins):
    link = logins.new_link()
    session = logins.redeem(link)
    assert session is not None
    assert logins.is_open(session)
    assert logins.redeem(link) is None


def test_a_link_runs_out(logins: Logins, clock: MovingClock):
    link = logins.new_link()
    clock.wind(minutes=LINK_MINUTES, seconds=-1)
    assert logins.redeem(link) is not None
    link = logins.new_link()
    clock.wind(minutes=LINK_MINUTES)
    assert logins.redeem(link) is None


@pytest.mark.parametrize("secret", ["", "x", "x" * 43, "x" * 100_000, "é" * 43])
def test_a_wrong_secret_opens_nothing(logins: Logins, secret: str):
    link = logins.new_link()
    assert logins.redeem(secret) is None
    assert not logins.is_open(secret)
    assert logins.redeem(link) is not None, "a wrong secret must not use up the right one"


def test_a_session_runs_out_however_busy_it_is(logins: Logins, clock: MovingClock):
    session = logins.redeem(logins.new_link())
    assert session is not None
    for _ in range(SESSION_HOURS - 1):
        clock.wind(hours=1)
        assert logins.is_open(session)
    clock.wind(hours=1)
    assert not logins.is_open(session)


def test_a_closed_session_is_closed_and_others_stay(logins: Logins):
    one, other = logins.redeem(logins.new_link()), logins.redeem(logins.new_link())
    assert one is not None
    assert other is not None
    logins.close(one)
    logins.close("never opened")
    assert not logins.is_open(one)
    assert logins.is_open(other)


def test_links_and_sessions_are_bounded_in_number_and_the_newest_stay(logins: Logins):
    links = [logins.new_link() for _ in range(MAX_LINKS + 2)]
    assert [logins.redeem(link) is not None for link in links] == [False, False] + [True] * MAX_LINKS
    sessions = [logins.redeem(logins.new_link()) or "" for _ in range(MAX_SESSIONS + 1)]
    assert not logins.is_open(sessions[0])
    assert all(map(logins.is_open, sessions[1:]))


def test_a_stranger_cannot_have_links_printed_without_pause(logins: Logins, clock: MovingClock):
    assert logins.ask_for_link() is not None
    assert logins.ask_for_link() is None
    clock.wind(seconds=NEW_LINK_SECONDS)
    assert logins.ask_for_link() is not None


def test_no_secret_is_kept_as_it_is(logins: Logins):
    link = logins.new_link()
    session = logins.redeem(link)
    held = repr(vars(logins))
    assert session is not None
    assert link not in held
    assert session not in held
    assert len(session) >= 43, "256 bits"
    assert "compare_digest" in vars(auth)
