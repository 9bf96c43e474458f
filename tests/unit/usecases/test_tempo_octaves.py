"""The genre of the collection and a person's corrections decide between half and double tempo."""

from dataclasses import replace
from pathlib import Path

import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.events import Event, TrackChanged
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.provenance import SourceKind
from cratehand.domain.tempo import GenreTempo, PossibleTempo
from cratehand.domain.track import Presence, Track
from cratehand.domain.track_analysis import TrackAnalysis
from cratehand.usecases.library import Library
from cratehand.usecases.plan_rows import PlanRows
from cratehand.usecases.reading_facts import facts_of
from cratehand.usecases.tempo_octaves import settle_octave
from tests.fakes.clock import HandWoundClock, counting_ids
from tests.fakes.readings import analysis, reading

IDS = [TrackId(f"bbbb{number:012}") for number in range(8)]


def ambiguous() -> TrackAnalysis:
    possible = (PossibleTempo(tempo_bpm=87.0, confidence=0.55), PossibleTempo(tempo_bpm=174.0, confidence=0.35))
    return replace(analysis(tempo_bpm=87.0), possible_tempos=possible)


@pytest.fixture
def library(catalogue: SqliteCatalogue, clock: HandWoundClock, published: list[Event]) -> Library:
    with catalogue.writing() as stores:
        for number, track_id in enumerate(IDS):
            path = Path(f"/music/{number}.flac")
            stores.tracks.add([Track(id=track_id, path=path, presence=Presence.PRESENT, added_at_s=1.0)])
            genre = "House" if number == 7 else "Drum & Bass"
            said = reading(str(path), analysis=ambiguous(), tags={Field.GENRE: genre})
            stores.facts.record(track_id, facts_of(said, at_s=clock.now_s()))
    return Library(catalogue, clock=clock, new_id=counting_ids(), publish=published.append)


def test_an_analysis_follows_its_genre_with_tempo_and_grid() -> None:
    genre = [GenreTempo(tempo_bpm=tempo_bpm, weight=1.0) for tempo_bpm in (172.0, 174.0, 175.0, 174.0, 176.0)]
    settled = settle_octave(ambiguous(), genre)
    assert settled.tempo_bpm == 174.0
    assert settled.beat_grid is not None
    assert settled.beat_grid.main_tempo_bpm == 174.0
    assert settled.possible_tempos == ambiguous().possible_tempos


def test_an_analysis_without_a_genre_stays_as_it_is() -> None:
    assert settle_octave(ambiguous(), []).tempo_bpm == 87.0
    silent = analysis(tempo_bpm=None)
    assert settle_octave(silent, [GenreTempo(tempo_bpm=174.0, weight=1.0)]) is silent


def test_corrections_bring_the_genre_along_and_no_other(library: Library, published: list[Event]) -> None:
    for track_id in IDS[:3]:
        library.correct(track_id, {"tempo": "174"})
    tempos = [library.track(track_id).summary.tempo_bpm for track_id in IDS]
    assert tempos == [174.0] * 7 + [87.0]
    assert {event.track_id for event in published if isinstance(event, TrackChanged)} == set(IDS[:7])
    moved = library.track(IDS[5])
    said = [fact for fact in moved.facts if fact.field is Field.BEAT_GRID]
    assert {fact.source.kind for fact in said} == {SourceKind.ANALYSIS}
    assert len(said) == 2, "what was said before is kept"


def test_what_a_person_said_is_not_touched_by_the_correction_of_another_track(library: Library) -> None:
    library.correct(IDS[0], {"tempo": "87"})
    for track_id in IDS[1:6]:
        library.correct(track_id, {"tempo": "174"})
    assert library.track(IDS[0]).summary.tempo_bpm == 87.0


def test_undoing_a_correction_takes_the_genre_back_to_its_octave(
    library: Library, catalogue: SqliteCatalogue, clock: HandWoundClock, published: list[Event]
) -> None:
    before = {track_id: library.track(track_id).summary for track_id in IDS}
    for track_id in IDS[:3]:
        clock.wind(1)
        library.correct(track_id, {"tempo": "174"})
    tempos = [library.track(track_id).summary.tempo_bpm for track_id in IDS]
    assert tempos == [174.0] * 7 + [87.0]
    rows = PlanRows(clock=clock, new_id=counting_ids())
    with catalogue.writing() as stores:
        for plan in stores.plans.history():
            clock.wind(1)
            rows.switch_back(stores, plan, None, published)
    after = {track_id: library.track(track_id).summary for track_id in IDS}
    assert after == before
    assert library.track(IDS[5]).summary.tempo_bpm == 87.0
