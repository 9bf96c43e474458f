"""From the streams' features to a tempo and a beat grid, or to an honest none."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.beat_features import BeatFeatures, HopFeatures, per_beat
from cratehand.analysis.beat_phase import attack_offset_s, find_beat, lies_between, snare_once_in_four
from cratehand.analysis.beat_tracking import tempo_curve, track_beats
from cratehand.analysis.calibration import GRID, TEMPO, Evidence, confidence
from cratehand.analysis.downbeats import BEATS_PER_BAR, change_on_beats, find_downbeat, find_metre
from cratehand.analysis.eighths import judge_eighths
from cratehand.analysis.grid_pieces import Piece, fit_pieces, sharpen
from cratehand.analysis.lattice import LatticeFit, fit_lattice
from cratehand.analysis.metronome import metronome_bpm
from cratehand.analysis.pulse import BEAT_WEIGHTS, Pulse, has_pulse, make_pulse
from cratehand.analysis.tempo import SAME, TempoCandidate, clarity, local_agreement, tempo_candidates
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.tempo import PossibleTempo, is_octave

_CONSTANT_AGREEMENT: Final = 0.85
"""Share of segments that must lie within 12 ms of one lattice."""
_NO_PULSE: Final = 2.0
"""Clarity of noise, syllables and scattered hits stays below 1.6; music with a beat reaches 3.6 to 10."""
_FULL_PULSE: Final = 3.8
_HALF_TIME_BPM: Final = 150.0
"""From it on, a snare once in four beats, or beats that are eighths, mean hip-hop or reggae at half the tempo; 140
stays 140 (dubstep, trap)."""
_EIGHTHS: Final = 0.5
_UNSURE_PHASE: Final = 0.15
_SHORTEST_S: Final = 2.5
_SNAP: Final = (0.006, 0.002)
"""Programmed music has whole tempos, or hundredths: one that ends up this near (s) over the whole track is taken."""
_SNAP_PIECE: Final = (0.002, 0.0005)
"""A piece has to meet the next one."""
_BEFORE_START_S: Final = 0.005
_WORTH_TELLING: Final = 0.01
_OCTAVE_WORTH_TELLING: Final = 0.001
"""The octave is told sooner: a genre may turn it."""
_LEAST_HALF: Final = 0.4
"""Weight of half a tempo of 150 and more that the comb did not name."""
_OCTAVES_MORE: Final = 6.0
"""Of what is doubted, two thirds are the octave: of 35 wrong tempos of 347 played drum grooves 24 were octaves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridFit:
    """What was found; every part may be unsure.

    Attributes:
        tempo_bpm: Main tempo.
        tempo_confidence: 0 ... 1, including the doubt about the octave.
        grid: The beat grid.
        grid_confidence: 0 ... 1 that beats lie within 10 ms of it in the first and last minute.
        beats: Features per beat of this grid.
        candidates: Tempos that were weighed, best first; octaves of the chosen one among them.
        evidence: What both confidences follow from, see `cratehand.analysis.calibration`; each quantity 0 ... 1.
    """

    tempo_bpm: float
    tempo_confidence: float
    grid: BeatGrid
    grid_confidence: float
    beats: BeatFeatures
    candidates: tuple[TempoCandidate, ...]
    evidence: Evidence

    @property
    def possible(self) -> tuple[PossibleTempo, ...]:
        """The tempo and what else it may be, most likely first; the doubt about it is shared out among the others."""
        first = PossibleTempo(tempo_bpm=round(self.tempo_bpm, 2), confidence=self.tempo_confidence)
        others = [
            (
                self.tempo_bpm * _octave(each.tempo_bpm / self.tempo_bpm),
                each.weight**2 * (_OCTAVES_MORE if is_octave(each.tempo_bpm / self.tempo_bpm) else 1.0),
            )
            for each in self.candidates
            if abs(each.tempo_bpm / self.tempo_bpm - 1.0) > SAME
        ]
        total = sum(weight for _, weight in others)
        found = [
            PossibleTempo(
                tempo_bpm=round(tempo_bpm, 2), confidence=round((1.0 - self.tempo_confidence) * weight / total, 3)
            )
            for tempo_bpm, weight in others
        ]
        likely = [
            other
            for other in found
            if other.confidence
            >= (_OCTAVE_WORTH_TELLING if is_octave(other.tempo_bpm / self.tempo_bpm) else _WORTH_TELLING)
        ]
        return (first, *sorted(likely, key=lambda other: -other.confidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beats:
    """A grid before its bars are known."""

    grid: BeatGrid
    fit_quality: float
    phase_quality: float
    eighths: float
    """How surely its beats were eighths of half the tempo, or would be if they are not halved; 0 ... 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slower:
    """Which of two beats are counted, where half the tempo is; how surely they are its eighths."""

    first: int | None = None
    eighths: float = 0.0


def fit_grid(features: HopFeatures) -> GridFit | None:
    """Find tempo and grid; None where there is no pulse worth the name."""
    pulse = make_pulse(features.flux) if has_pulse(features.flux, features.levels) else None
    if pulse is None or pulse.duration_s < _SHORTEST_S:
        return None
    ticks_bpm = metronome_bpm(features.flux, pulse)
    candidates = tempo_candidates(pulse, known_bpm=ticks_bpm)
    if not candidates:
        return None
    chosen, lattice = _choose(pulse, candidates if ticks_bpm is None else candidates[:1])
    clear = clarity(pulse, chosen.tempo_bpm)
    if clear < _NO_PULSE:
        return None
    agreement = min(lattice.agreement, local_agreement(pulse, lattice.tempo_bpm))
    if agreement >= _CONSTANT_AGREEMENT:
        found: _Beats | None = _constant(features, lattice, halved=ticks_bpm is None)
    else:
        found = _moving(features, pulse, chosen.tempo_bpm)
    if found is None:
        return None
    pulse_sure = float(np.clip((clear - _NO_PULSE) / (_FULL_PULSE - _NO_PULSE), 0.0, 1.0))
    return _with_bars(features, found, candidates, pulse_sure)


def _choose(pulse: Pulse, candidates: tuple[TempoCandidate, ...]) -> tuple[TempoCandidate, LatticeFit]:
    """Return the candidate that is both likely and laid through the whole track."""
    fits = [(candidate, fit_lattice(pulse, candidate.tempo_bpm)) for candidate in candidates]
    return max(fits, key=lambda pair: pair[0].weight * (0.2 + 0.8 * pair[1].agreement * pair[1].steadiness))


def _constant(features: HopFeatures, lattice: LatticeFit, *, halved: bool) -> _Beats:
    """Lay one line through the whole track; `halved` where a snare on three tells."""
    tempo_bpm = _snapped(lattice.tempo_bpm, features.duration_s)
    end_s = features.duration_s
    phase = find_beat(features.flux, tempo_bpm=tempo_bpm, start_s=0.0, end_s=end_s)
    beats_s = np.arange(phase.offset_s, end_s, 60.0 / tempo_bpm)
    slower = _slower(features, tempo_bpm, beats_s) if halved else _Slower()
    if slower.first is not None:
        tempo_bpm /= 2.0
        phase = find_beat(features.flux, tempo_bpm=tempo_bpm, start_s=0.0, end_s=end_s)
    grid = _anchored(phase.offset_s, tempo_bpm)
    if phase.margin < _UNSURE_PHASE:
        other = _anchored(phase.offset_s + 30.0 / tempo_bpm, tempo_bpm)
        if _change(features, other) > _change(features, grid):
            grid = other
    return _Beats(
        grid=grid,
        fit_quality=lattice.agreement,
        phase_quality=min(0.5 + 1.5 * phase.margin, 1.0),
        eighths=slower.eighths,
    )


def _slower(features: HopFeatures, tempo_bpm: float, beats_s: npt.NDArray[np.float64]) -> _Slower:
    """Judge whether beats of a fast tempo are counted at half of it."""
    if tempo_bpm < _HALF_TIME_BPM:
        return _Slower()
    if (snare := snare_once_in_four(features.flux, beats_s)) is not None:
        return _Slower(first=snare % 2)
    eighths = judge_eighths(features.flux, beats_s)
    return _Slower(first=eighths.first if eighths.score >= _EIGHTHS else None, eighths=eighths.score)


def _snapped(tempo_bpm: float, duration_s: float, *, of: tuple[float, float] = _SNAP) -> float:
    """Return the whole tempo or the hundredth, where the last beat would move by milliseconds only."""
    for digits, limit_s in zip((0, 2), of, strict=True):
        rounded = round(tempo_bpm, digits)
        if abs(rounded - tempo_bpm) / tempo_bpm * duration_s <= limit_s:
            return float(rounded)
    return round(tempo_bpm, 4)


def _anchored(offset_s: float, tempo_bpm: float) -> BeatGrid:
    """Return a grid whose anchor is the first beat of the track."""
    beat_s = 60.0 / tempo_bpm
    start_s = (offset_s + _BEFORE_START_S) % beat_s - _BEFORE_START_S
    return BeatGrid(anchors=(GridAnchor(start_s=max(start_s, 0.0), tempo_bpm=tempo_bpm),), beats_per_bar=BEATS_PER_BAR)


def _change(features: HopFeatures, grid: BeatGrid) -> float:
    times_s = np.array([time_s for time_s, _ in grid.beats(until_s=features.duration_s)])
    return change_on_beats(per_beat(features, times_s)) if times_s.size >= 2 * BEATS_PER_BAR else 0.0


def _moving(features: HopFeatures, pulse: Pulse, tempo_bpm: float) -> _Beats | None:
    """Track every beat, then lay few straight pieces over them."""
    accents = make_pulse(features.flux, weights=BEAT_WEIGHTS)
    if accents is None:
        return None
    long = features.duration_s > 1800.0
    times_s, tempos_bpm = tempo_curve(pulse, near_bpm=None if long else tempo_bpm)
    beats_s = track_beats(accents, times_s, tempos_bpm)
    beats_s = beats_s[beats_s >= -_BEFORE_START_S]
    if beats_s.size < 2 * BEATS_PER_BAR:
        return None
    if lies_between(features.flux, beats_s):
        beats_s = 0.5 * (beats_s[1:] + beats_s[:-1])
    beats_s, sure = sharpen(beats_s, accents)
    # One octave for all pieces: of a jump from 164 to 145 both are judged by what most beats have.
    slower = _slower(features, 60.0 / float(np.median(np.diff(beats_s))), beats_s)
    if slower.first is not None:
        beats_s, sure = beats_s[slower.first :: 2], sure[slower.first :: 2]
    if beats_s.size < 2 * BEATS_PER_BAR:
        return None
    pieces = fit_pieces(beats_s, sure)
    lines_s = [piece.start_s + piece.beat_s * np.arange(piece.beats) for piece in pieces]
    anchors = _anchors(pieces, offset_s=attack_offset_s(features.flux, np.unique(np.concatenate(lines_s))))
    steadiness = min(beats_s.size / (16.0 * len(pieces)), 1.0)
    return _Beats(
        grid=BeatGrid(anchors=anchors, beats_per_bar=BEATS_PER_BAR),
        fit_quality=0.8 * steadiness,
        phase_quality=0.7,
        eighths=slower.eighths,
    )


def _anchors(pieces: tuple[Piece, ...], *, offset_s: float) -> tuple[GridAnchor, ...]:
    """Turn pieces into anchors; the bar runs on through a change of tempo."""
    anchors: list[GridAnchor] = []
    for piece in pieces:
        start_s = max(piece.start_s + offset_s, 0.0)
        if anchors and start_s <= anchors[-1].start_s + 0.05:
            continue
        tempo_bpm = _snapped(60.0 / piece.beat_s, piece.beats * piece.beat_s, of=_SNAP_PIECE)
        beat = piece.first_beat % BEATS_PER_BAR + 1
        anchors.append(GridAnchor(start_s=start_s, tempo_bpm=tempo_bpm, beat_in_bar=beat))
    return tuple(anchors)


def _with_bars(
    features: HopFeatures, found: _Beats, candidates: tuple[TempoCandidate, ...], pulse_sure: float
) -> GridFit:
    places = np.array(list(found.grid.beats(until_s=features.duration_s)))
    beats = per_beat(features, places[:, 0])
    metre = find_metre(beats)
    downbeat = find_downbeat(beats, metre=metre)
    grid = BeatGrid(
        anchors=tuple(
            GridAnchor(
                start_s=anchor.start_s,
                tempo_bpm=anchor.tempo_bpm,
                beat_in_bar=(int(np.abs(places[:, 0] - anchor.start_s).argmin()) - downbeat.first) % metre + 1,
            )
            for anchor in found.grid.anchors
        ),
        beats_per_bar=metre,
    )
    tempo_bpm = _longest_tempo_bpm(grid, features.duration_s)
    candidates = _with_half(candidates, tempo_bpm, found.eighths)
    rival = max((other.weight for other in candidates if is_octave(other.tempo_bpm / tempo_bpm)), default=0.0)
    # Seven may be two bars of 7/8, whose second one begins between two of these beats.
    is_usual = metre in (3, BEATS_PER_BAR)
    evidence = {
        "pulse": pulse_sure,
        "fit": found.fit_quality,
        "phase": found.phase_quality,
        "bars": downbeat.confidence,
        "octave": 1.0 - min(rival, 1.0) ** 2,
    }
    return GridFit(
        tempo_bpm=tempo_bpm,
        tempo_confidence=confidence(TEMPO, evidence, duration_s=features.duration_s),
        grid=grid,
        grid_confidence=round(
            confidence(GRID, evidence, duration_s=features.duration_s) * (1.0 if is_usual else 0.5), 3
        ),
        beats=beats,
        candidates=candidates,
        evidence=evidence,
    )


def _with_half(candidates: tuple[TempoCandidate, ...], tempo_bpm: float, eighths: float) -> tuple[TempoCandidate, ...]:
    """Return the candidates; for a fast tempo, half of it weighs at least as much as its beats are like eighths."""
    if tempo_bpm < _HALF_TIME_BPM:
        return candidates
    half_bpm = tempo_bpm / 2.0
    same = [each for each in candidates if abs(each.tempo_bpm / half_bpm - 1.0) < SAME]
    others = tuple(each for each in candidates if each not in same)
    known = same[0] if same else TempoCandidate(tempo_bpm=half_bpm, salience=0.0, weight=_LEAST_HALF)
    half = replace(known, weight=max(known.weight, min(eighths / _EIGHTHS, 1.0)))
    return tuple(sorted((*others, half), key=lambda each: -each.weight))


def _longest_tempo_bpm(grid: BeatGrid, duration_s: float) -> float:
    """Return the tempo of the longest piece, the last one included."""
    ends_s = [anchor.start_s for anchor in grid.anchors[1:]] + [duration_s]
    spans = [(end_s - anchor.start_s, anchor.tempo_bpm) for anchor, end_s in zip(grid.anchors, ends_s, strict=True)]
    return max(spans)[1]


def _octave(ratio: float) -> float:
    """Return the ratio, or exactly 2 or 1/2 where it is that."""
    return 2.0 if is_octave(ratio) and ratio > 1.0 else 0.5 if is_octave(ratio) else ratio
