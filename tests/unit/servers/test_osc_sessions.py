import pytest

from cratehand.domain.errors import RateLimitedError
from cratehand.domain.ids import JobId, TrackId
from cratehand.servers.osc.sessions import SILENCE_S, Session, Sessions
from tests.fakes.clock import HandWoundClock

HERE = ("127.0.0.1", 5000)


@pytest.fixture
def clock() -> HandWoundClock:
    return HandWoundClock()


@pytest.fixture
def sessions(clock: HandWoundClock) -> Sessions:
    return Sessions(clock=clock, first_number=2**24 - 2)


def begin(sessions: Sessions, instance: str = "a", *, port: int = 6000, ip: str = "127.0.0.1") -> Session:
    return sessions.begin(instance=instance, source=(ip, 5000), reply_to=(ip, port))


def test_numbers_are_never_used_twice_in_a_row_and_stay_exact_in_a_float(sessions: Sessions) -> None:
    numbers = [begin(sessions).number for _ in range(5)]
    assert len(set(numbers)) == 5
    assert all(0 < number < 2**24 for number in numbers)


def test_a_session_belongs_to_its_computer(sessions: Sessions) -> None:
    session = begin(sessions)
    assert sessions.hear(session.number, "192.0.2.7") is None
    assert sessions.hear(session.number, "127.0.0.1") is session


def test_the_same_name_on_two_computers_is_two_devices(sessions: Sessions) -> None:
    begin(sessions)
    begin(sessions, ip="192.0.2.7")
    assert len(sessions) == 2


def test_every_sign_of_life_counts(sessions: Sessions, clock: HandWoundClock) -> None:
    session = begin(sessions)
    for _ in range(3):
        clock.wind(SILENCE_S - 1)
        assert sessions.hear_from(HERE) is session
    clock.wind(SILENCE_S + 1)
    assert sessions.hear_from(HERE) is None
    assert sessions.reply_place(session.number, HERE) == ("127.0.0.1", 6000)
    assert sessions.reply_place(session.number, ("192.0.2.7", 1)) == ("192.0.2.7", 1)


def test_too_many_devices_are_refused_until_one_falls_silent(sessions: Sessions, clock: HandWoundClock) -> None:
    for number in range(64):
        begin(sessions, f"device {number}")
    with pytest.raises(RateLimitedError):
        begin(sessions, "one more")
    begin(sessions, "device 3")
    clock.wind(SILENCE_S + 1)
    begin(sessions, "one more")
    assert len(sessions) == 1


def test_what_a_session_remembers_has_an_end(sessions: Sessions) -> None:
    session = begin(sessions)
    for number in range(10_000):
        session.answer(number)
        session.follow_track(TrackId(str(number)), number)
        session.follow_job(JobId(str(number)), number)
        session.error_text("not_found", f"text {number}")
        session.next_token(str(number))
    assert session.answer(9_999)[1] is False
    assert session.answer(5)[1] is True
    assert session.request_of_track(TrackId("9999")) == 9_999
    assert session.request_of_track(TrackId("0")) is None
    assert len(session.followed_jobs) == 64
    assert session.error_text("not_found", "yet another") == "not found"
    assert session.error_text("not_found", "text 7") == "text 7"
    assert {session.next_token("fresh") for _ in range(100)} == {str(number) for number in range(16)}
