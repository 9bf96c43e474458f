"""Words of the command line: global options anywhere, second words, ranges."""

import pytest
import typer

from cratehand.app.cli.arguments import hoist_global_options, parse_range, settle_verb
from cratehand.app.cli.filters import track_filter

GROUPS = {"watch": {"add", "list"}, "track": {"show", "set"}}
FALLBACKS = {"track": "show"}


@pytest.mark.parametrize(
    ("given", "hoisted"),
    [
        (["tracks", "--data-dir", "/d"], ["--data-dir", "/d", "tracks"]),
        (["--config=c", "tracks", "--data-dir=/d", "x"], ["--config=c", "--data-dir=/d", "tracks", "x"]),
        (["track", "set", "id", "--data-dir", "/d", "a=b"], ["--data-dir", "/d", "track", "set", "id", "a=b"]),
        (["search", "--", "--data-dir", "x"], ["search", "--", "--data-dir", "x"]),
        (["tracks", "--data-dir"], ["--data-dir", "tracks"]),
        ([], []),
    ],
)
def test_global_options_are_accepted_before_and_after_the_verb(given: list[str], hoisted: list[str]) -> None:
    assert hoist_global_options(given) == hoisted


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        (["track", "0a1b"], ["track", "show", "0a1b"]),
        (["track", "--json", "0a1b"], ["track", "show", "--json", "0a1b"]),
        (["track", "--json", "set", "0a1b", "a=b"], ["track", "set", "--json", "0a1b", "a=b"]),
        (["--data-dir", "watch", "watch", "--json", "list"], ["--data-dir", "watch", "watch", "list", "--json"]),
        (["watch", "nothing"], ["watch", "nothing"]),
        (["track", "--help"], ["track", "--help"]),
        (["tracks", "set"], ["tracks", "set"]),
        (["--help"], ["--help"]),
    ],
)
def test_options_may_stand_before_the_second_word(given: list[str], settled: list[str]) -> None:
    assert settle_verb(given, GROUPS, FALLBACKS) == settled


@pytest.mark.parametrize(
    ("text", "range_"),
    [
        ("120-126", (120.0, 126.0)),
        ("120..126", (120.0, 126.0)),
        ("127,5-128.5", (127.5, 128.5)),
        ("120-", (120.0, 1e9)),
        ("-126", (0.0, 126.0)),
        ("174", (173.5, 174.5)),
    ],
)
def test_a_range_is_read(text: str, range_: tuple[float, float]) -> None:
    assert parse_range(text, "--tempo", slack=0.5) == range_


@pytest.mark.parametrize("text", ["", "-", "x", "126-120", "1-2-3", "120 126", "nan"])
def test_what_is_no_range_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_range(text, "--tempo")


def test_a_filter_takes_keys_in_any_notation() -> None:
    nothing = {"genre": None, "year": None, "rating": None, "playlist": None, "analysed": None}
    found = track_filter(tempo="120-126", camelot=["8a,9A", "F#m"], energy="5-7", **nothing)
    assert found.camelot == {"8A", "9A", "11A"}
    assert found.energy == (5, 7)
    with pytest.raises(typer.BadParameter, match="is no key"):
        track_filter(tempo=None, camelot=["13A"], energy=None, **nothing)
