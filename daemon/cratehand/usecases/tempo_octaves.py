"""Which octave of a tempo counts: the sound proposes, the genre of this collection and its corrections decide."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from cratehand.domain.beatgrid import BeatGrid
from cratehand.domain.belief import believe
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.provenance import AnyFact, Fact
from cratehand.domain.stores import Stores
from cratehand.domain.tempo import PERSONS_WEIGHT, GenreTempo, PossibleTempo, choose_octave, is_octave
from cratehand.domain.track_analysis import TrackAnalysis
from cratehand.usecases.reading_facts import ANALYSIS

logger = logging.getLogger(__name__)


def settle_octave(analysis: TrackAnalysis, genre: Sequence[GenreTempo]) -> TrackAnalysis:
    """Return the analysis with the tempo and grid of the octave in which the genre is counted."""
    if not analysis.possible_tempos or analysis.tempo_bpm is None:
        return analysis
    chosen = choose_octave(analysis.possible_tempos, genre)
    if chosen.tempo_bpm == analysis.tempo_bpm:
        return replace(analysis, tempo_confidence=chosen.confidence)
    if analysis.beat_grid is None:
        return analysis
    factor = _factor(chosen.tempo_bpm / analysis.tempo_bpm)
    return replace(
        analysis,
        tempo_bpm=chosen.tempo_bpm,
        tempo_confidence=chosen.confidence,
        beat_grid=analysis.beat_grid.scaled(factor),
    )


def reconsider_genre(stores: Stores, track_id: TrackId, *, at_s: float) -> list[TrackId]:
    """Judge the octaves of the other tracks of a genre anew, after a person corrected one of them.

    Only what our own analysis said is stated anew; what persons and other programs said stays as it is.

    Args:
        stores: Inside a write transaction.
        track_id: The corrected track.
        at_s: When.

    Returns:
        The tracks whose own tempo moved to another octave.
    """
    tempos = dict(stores.tracks.genre_tempos(track_id))
    others = list(tempos)
    corrected = stores.tracks.summary(track_id)
    if not others or corrected is None or corrected.tempo_bpm is None:
        return []
    tempos[track_id] = GenreTempo(tempo_bpm=corrected.tempo_bpm, weight=PERSONS_WEIGHT)
    said = {
        field: stores.facts.statements(others, field)
        for field in (Field.POSSIBLE_TEMPOS, Field.TEMPO_BPM, Field.BEAT_GRID)
    }
    moved = []
    for other in others:
        possible, tempo, grid = (_own(facts.get(other, ())) for facts in said.values())
        if possible is None or tempo is None or grid is None:
            continue
        genre = [each for track, each in tempos.items() if track != other]
        chosen = choose_octave(cast("Sequence[PossibleTempo]", possible.value), genre)
        now_bpm = cast("float", tempo.value)
        if not is_octave(chosen.tempo_bpm / now_bpm):
            continue
        scaled = cast("BeatGrid", grid.value).scaled(_factor(chosen.tempo_bpm / now_bpm))
        later_s = max(at_s, tempo.at_s + 0.001, grid.at_s + 0.001)
        stores.facts.record(
            other,
            [
                replace(tempo, value=chosen.tempo_bpm, confidence=chosen.confidence, at_s=later_s),
                replace(grid, value=scaled, at_s=later_s),
            ],
        )
        moved.append(other)
    if moved:
        logger.info("%d tracks of the genre are counted in another octave now", len(moved))
    return moved


def _own(facts: Sequence[AnyFact]) -> Fact[object] | None:
    ours = ANALYSIS.kind, ANALYSIS.name
    return believe([fact for fact in facts if (fact.source.kind, fact.source.name) == ours])


def _factor(ratio: float) -> float:
    return 2.0 if ratio > 1.0 else 0.5
