import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.errors import InvalidInputError
from cratehand.domain.search import SortOrder
from cratehand.servers.grpc.questions import absolute_path, choice, limit, page_offset, page_token, track_filter
from cratehand_api.v1 import library_pb2, track_pb2

QUESTION = library_pb2.ListTracksRequest(order="title")


@given(st.integers(1, 2**31))
def test_a_page_token_brings_its_offset_back(offset: int) -> None:
    assert page_offset(QUESTION, page_token(QUESTION, offset)) == offset


@given(st.text(max_size=40).filter(bool))
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidInputError):
        page_offset(QUESTION, token)


def test_the_end_has_an_empty_token_and_an_empty_token_is_the_beginning() -> None:
    assert page_token(QUESTION, None) == ""
    assert page_offset(QUESTION, "") == 0


def test_limits_have_a_default_and_an_end() -> None:
    assert [limit("x", value, default=20, most=500) for value in (0, 1, 500, 501, 2**31 - 1)] == [20, 1, 500, 500, 500]
    with pytest.raises(InvalidInputError, match="x"):
        limit("x", -1, default=20, most=500)


def test_a_choice_names_what_can_be_chosen() -> None:
    assert choice("order", "", SortOrder, default=SortOrder.ARTIST) is SortOrder.ARTIST
    with pytest.raises(InvalidInputError, match=r"order.*title.*tempo"):
        choice("order", "colour", SortOrder, default=SortOrder.ARTIST)


def test_an_open_end_of_a_range_is_beyond_everything_real() -> None:
    chosen = track_filter(track_pb2.TrackFilter(tempo_from_bpm=120, energy_to=3, year_from=1990))
    assert chosen.tempo_bpm is not None
    assert chosen.tempo_bpm[0] == 120
    assert chosen.tempo_bpm[1] > 1_000
    assert chosen.energy == (0, 3)
    assert chosen.year is not None
    assert chosen.year[1] > 9_999


def test_keys_of_any_notation_become_camelot() -> None:
    assert track_filter(track_pb2.TrackFilter(camelot=["Am", "8b", "1m"])).camelot == {"8A", "8B"}


@pytest.mark.parametrize("path", ["", "a.xml", "./a.xml", "~/a.xml", "/a\0b"])
def test_a_path_that_depends_on_where_somebody_stands_is_refused(path: str) -> None:
    with pytest.raises(InvalidInputError):
        absolute_path("path", path)
