import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage

from cratehand.domain.errors import InvalidInputError
from cratehand.servers.osc.addresses import (
    ADDRESSES,
    INWARD,
    OUTWARD,
    Direction,
    read_arguments,
    table_rows,
)
from cratehand.servers.osc.datagrams import MalformedDatagramError, decode, encode
from tests.api.clients import datagram
from tests.api.osc_junk import junk

INT32 = st.integers(-(2**31) + 1, 2**31 - 1)
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=2_000)


@given(INT32, INT32, ANY_TEXT, ANY_TEXT)
@example(1, 2, "unsupported", "\udcff" * 3_000)
def test_what_we_say_always_fits_and_is_one_message_of_the_three_types(
    session: int, request: int, code: str, text: str
) -> None:
    raw = encode("/cratehand/err", session, request, code, text)
    message = OscMessage(raw)
    assert len(raw) <= 1_200
    assert message.address == "/cratehand/err"
    assert message.params[:2] == [session, request]
    assert len(message.params) == 4


def test_the_longest_of_every_address_fits() -> None:
    for address in OUTWARD.values():
        longest = {"i": 2**31 - 1, "f": 1e30, "s": "日" * 1_000}
        assert len(encode(address.path, *[longest[argument.type] for argument in address.arguments])) <= 1_200


@given(
    INT32,
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_characters="\0", codec="utf-8")),
)
def test_what_a_device_says_is_read_as_it_was_meant(whole: int, real: float, text: str) -> None:
    message = decode(datagram("/cratehand/search", whole, real, text))
    assert (message.path, message.values) == ("/cratehand/search", [whole, real, text])


@given(st.binary(max_size=300))
@example(b"")
@example(b"/cratehand/ping")
@example(b"/cratehand/ping\0,i\0\0\0")
@example(b"/cratehand/ping\0,f\0\0\x7f\xc0\0\0")
@example(b"/cratehand/ping\0,s\0\0\xff\xff\0\0")
def test_random_bytes_are_a_message_or_malformed_and_nothing_else(raw: bytes) -> None:
    for piece in (raw, b"/cratehand/" + raw):
        with contextlib.suppress(MalformedDatagramError):
            assert decode(piece).path.startswith("/cratehand/")


def test_types_we_do_not_speak_are_malformed_without_a_word_of_the_library(caplog: pytest.LogCaptureFixture) -> None:
    refused = 0
    for piece in junk(seed=3, count=700):
        try:
            decode(piece)
        except MalformedDatagramError:
            refused += 1
    assert refused > 500
    assert not caplog.records


def test_the_table_has_each_address_once_and_describes_it() -> None:
    assert len({address.path for address in ADDRESSES}) == len(ADDRESSES) == len(table_rows())
    for address, (path, arguments, direction, does) in zip(ADDRESSES, table_rows(), strict=True):
        assert path == address.path
        assert path.isascii()
        assert does
        assert direction in set(Direction)
        assert len(arguments.split()) == len(address.arguments)


def test_every_request_begins_with_session_and_request() -> None:
    assert {path for path, address in INWARD.items() if not address.is_request} == {
        "/cratehand/hello",
        "/cratehand/ping",
    }


def test_events_begin_with_a_sequence_number() -> None:
    for path, address in OUTWARD.items():
        if "/event/" in path:
            assert (address.arguments[0].name, address.arguments[0].type) == ("sequence", "i")


def test_arguments_are_checked_by_the_table() -> None:
    search = INWARD["/cratehand/search"]
    assert read_arguments(search, [1, 2, "a"]) == {"session": 1, "request": 2, "text": "a"}
    assert read_arguments(search, [1.0, 2, 128, 5.0]) == {"session": 1, "request": 2, "text": "128", "limit": 5}
    for values in ([], [1, 2], [1, 2, "a", 3, 4], [1, "2", "a"], [1, 2, "a", 2.5], [1e12, 2, "a"], [1, 2, "x" * 5_000]):
        with pytest.raises(InvalidInputError):
            read_arguments(search, values)
