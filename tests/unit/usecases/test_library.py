"""A person's word is kept, wins, and can be taken back."""

from pathlib import Path

import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError
from cratehand.domain.events import Event, TrackChanged
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.provenance import SourceKind
from cratehand.domain.track import Presence, Track
from cratehand.usecases.library import Library
from cratehand.usecases.reading_facts import facts_of
from tests.fakes.clock import HandWoundClock, counting_ids
from tests.fakes.readings import reading

TRACK = TrackId("aaaa000000000001")
OTHER = TrackId("aaaa000000000002")


@pytest.fixture
def library(catalogue: SqliteCatalogue, clock: HandWoundClock, published: list[Event]) -> Library:
    with catalogue.writing() as stores:
        for number, track_id in enumerate((TRACK, OTHER)):
            path = Path(f"/music/Artist - Title {number}.flac")
            stores.tracks.add([Track(id=track_id, path=path, presence=Presence.PRESENT, added_at_s=1.0)])
            stores.facts.record(track_id, facts_of(reading(str(path)), at_s=clock.now_s()))
    return Library(catalogue, clock=clock, new_id=counting_ids(), publish=published.append)


def test_a_correction_wins_over_every_later_analysis(
    library: Library, catalogue: SqliteCatalogue, clock: HandWoundClock, published: list[Event]
) -> None:
    assert library.track(TRACK).summary.tempo_bpm == 126.0
    corrected = library.correct(TRACK, {"tempo": "half", "title": "Mine"})
    assert corrected.track.summary.tempo_bpm == 63.0
    assert published == [TrackChanged(track_id=TRACK)]
    clock.wind(3600)
    with catalogue.writing() as stores:
        stores.facts.record(TRACK, facts_of(reading("/music/Artist - Title 0.flac"), at_s=clock.now_s()))
    after = library.track(TRACK)
    assert (after.summary.tempo_bpm, after.summary.title) == (63.0, "Mine")
    said_by_analysis = [f for f in after.facts if f.field is Field.TEMPO_BPM and f.source.kind is SourceKind.ANALYSIS]
    assert said_by_analysis, "the losing claim is kept"


def test_a_correction_can_be_taken_back(library: Library) -> None:
    library.correct(TRACK, {"tempo": "140"})
    assert library.correct(TRACK, {"tempo": ""}).track.summary.tempo_bpm == 126.0


def test_the_later_word_wins_even_if_the_clock_went_back(library: Library, clock: HandWoundClock) -> None:
    library.correct(TRACK, {"title": "first"})
    clock.wall_s -= 86_400
    assert library.correct(TRACK, {"title": "second"}).track.summary.title == "second"


def test_a_dry_run_says_and_changes_nothing(library: Library, published: list[Event]) -> None:
    shown = library.correct(TRACK, {"key": "8B"}, dry_run=True)
    assert [(change.what, change.before, change.after) for change in shown.plan.changes] == [
        ("set key", '"A minor"', '"C major"')
    ]
    assert library.track(TRACK).summary.key == "A minor"
    assert not published


def test_a_wrong_value_changes_nothing_at_all(library: Library) -> None:
    with pytest.raises(InvalidInputError):
        library.correct(TRACK, {"title": "good", "rating": "eleven"})
    assert library.track(TRACK).summary.title == "Title 0"


@pytest.mark.parametrize("reference", [TRACK, "/music/Artist - Title 0.flac", "aaaa000000000001"])
def test_a_track_is_found_by_id_and_path(library: Library, reference: str) -> None:
    assert library.track(reference).track.id == TRACK


def test_the_beginning_of_an_id_must_be_unambiguous(library: Library) -> None:
    with pytest.raises(ConflictError, match="2 track ids"):
        library.track("aaaa")
    with pytest.raises(NotFoundError, match="cratehand tracks"):
        library.track("bbbb")
    with pytest.raises(NotFoundError):
        library.track("")
