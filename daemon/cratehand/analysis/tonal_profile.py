"""What is told of a key from all sides: tones, bass, chords, and what stands at the beginning and end of phrases.

A `TonalProfile` is a set of numbers per pitch class. `seen_from_every_tonic` turns it so that each of the twelve tonics
comes first: a model that reads the rows one by one can't prefer a key, since all keys share its constants.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.hop_store import Features, HopStore
from cratehand.analysis.pitch import CHROMA_BINS, PITCH_HOP_S
from cratehand.domain.beatgrid import BeatGrid
from cratehand.domain.structure import Section

PHRASE_BARS: Final = 4
_LISTENED_BEATS: Final = 2.0
_FRAME_S: Final = 0.19
"""Half the window of a row of pitches: a row is about the time this long after its start."""
_NEAR_S: Final = 0.1
_GRIDLESS_BAR_S: Final = 2.0
_CHORD_SHARPNESS: Final = 10.0
"""How much the best chord of a bar leads: about 0.2 of a likeness is a factor of seven."""
_BASS_SHARE: Final = 0.5
_TRIADS: Final = ((0, 4, 7), (0, 3, 7))

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TonalProfile:
    """Shares per pitch class, C first; each sums to 1, or to 0 where nothing of the kind was heard.

    Attributes:
        tones: All that lasts, ``(12,)``.
        bass: The same below 200 Hz, ``(12,)``.
        bar_bass: Bass in the first two beats of all bars, ``(12,)``.
        phrase_bass: Bass in the first two beats of all phrases of four bars, ``(12,)``.
        phrase_ends: Tones in the last beat of all phrases, ``(12,)``.
        chords: Share of bars in each major, then each minor triad, ``(24,)``.
        first_chords: The same of the first bars of phrases, ``(24,)``.
    """

    tones: Floats
    bass: Floats
    bar_bass: Floats
    phrase_bass: Floats
    phrase_ends: Floats
    chords: Floats
    first_chords: Floats

    def seen_from_every_tonic(self) -> Floats:
        """Return one row for each tonic, ``(12, 108)``: every share, counted from that tonic up."""
        twelves = (self.tones, self.bass, self.bar_bass, self.phrase_bass, self.phrase_ends)
        parts = [*twelves, *self.chords.reshape(2, 12), *self.first_chords.reshape(2, 12)]
        return np.array([np.concatenate([np.roll(part, -tonic) for part in parts]) for tonic in range(12)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Where bars begin, the length of a beat, and which bars begin phrases; without a grid nothing begins a phrase."""

    starts_s: Floats
    beat_s: float
    phrase_phase: int | None


def bars_of(grid: BeatGrid | None, sections: tuple[Section, ...], *, duration_s: float) -> Bars:
    """Return the bars of a grid; pieces of two seconds where there is none."""
    downbeats_s = np.array([time_s for time_s, beat in grid.beats(until_s=duration_s) if beat == 1] if grid else [])
    if grid is None or downbeats_s.size < 2:
        starts_s = np.arange(0.0, max(duration_s, _GRIDLESS_BAR_S), _GRIDLESS_BAR_S)
        return Bars(starts_s=starts_s, beat_s=_GRIDLESS_BAR_S / 4.0, phrase_phase=None)
    phase = _phrase_phase(downbeats_s, sections)
    return Bars(starts_s=downbeats_s, beat_s=grid.anchors[0].beat_s, phrase_phase=phase)


def _phrase_phase(downbeats_s: Floats, sections: tuple[Section, ...]) -> int:
    """Return which bar of four begins the phrases: the one on which most sections begin."""
    votes = np.zeros(PHRASE_BARS)
    for section in sections[1:]:
        bar = int(np.abs(downbeats_s - section.start_s).argmin())
        if abs(downbeats_s[bar] - section.start_s) < _NEAR_S:
            votes[bar % PHRASE_BARS] += 1.0
    return int(votes.argmax())


def tonal_profile(chroma: HopStore, bass: HopStore, bars: Bars, *, cents: float) -> TonalProfile:
    """Sum up a track.

    Args:
        chroma: Rows of `cratehand.analysis.pitch.PitchStream.chroma`.
        bass: Its bass.
        bars: Of the track.
        cents: Its tuning.
    """
    tones, low = _running(chroma, folding(cents)), _running(bass, np.eye(12))
    starts_s, beat_s = bars.starts_s, bars.beat_s
    ends_s = np.append(starts_s[1:], 2.0 * starts_s[-1] - starts_s[-2] if starts_s.size > 1 else starts_s[-1] + 2.0)
    bar_tones, bar_low = tones.between(starts_s, ends_s), low.between(starts_s, ends_s)
    first_low = low.between(starts_s, starts_s + _LISTENED_BEATS * beat_s)
    chords = _chords(bar_tones, bar_low)
    phrases, closing = _every_phrase(bars, 0), _every_phrase(bars, PHRASE_BARS - 1)
    ends = tones.between(ends_s[closing] - 1.2 * beat_s, ends_s[closing])
    return TonalProfile(
        tones=_shares(lasting_mean(chroma) @ folding(cents)),
        bass=_shares(lasting_mean(bass)),
        bar_bass=_even_mean(first_low),
        phrase_bass=_even_mean(first_low[phrases]),
        phrase_ends=_even_mean(ends),
        chords=_shares(chords.sum(axis=0)),
        first_chords=_shares(chords[phrases].sum(axis=0)),
    )


def _every_phrase(bars: Bars, bar: int) -> slice:
    """Return which bars are the `bar`-th of a phrase; none without phrases."""
    if bars.phrase_phase is None:
        return slice(0, 0)
    return slice((bars.phrase_phase + bar) % PHRASE_BARS, None, PHRASE_BARS)


def folding(cents: float) -> Floats:
    """Return what folds fine chroma bins to the 12 pitch classes of a tuning, ``(CHROMA_BINS, 12)``."""
    step = CHROMA_BINS // 12
    matrix = np.zeros((CHROMA_BINS, 12))
    for pitch_class in range(12):
        for shift in range(-(step // 2), step // 2 + 1):
            # The quarter tones between two pitch classes count half for each.
            weight = 0.5 if abs(shift) == step // 2 else 1.0
            place = pitch_class * step + shift + cents * CHROMA_BINS / 1200.0
            below = int(np.floor(place))
            matrix[below % CHROMA_BINS, pitch_class] += weight * (1.0 - (place - below))
            matrix[(below + 1) % CHROMA_BINS, pitch_class] += weight * (place - below)
    return matrix


def lasting_mean(store: HopStore) -> Floats:
    """Average what lasts: of each row what also sounds in a neighbour, for tones outlast 93 ms and drums do not.

    Loud passages count more than silence, yet not without limit.
    """
    strongest = [lasting(block).max(axis=1, initial=0.0) for block in store.blocks()]
    typical = float(np.median(np.concatenate(strongest))) + 1e-9 if strongest else 1.0
    total: Floats = np.zeros(store.means.size)
    for block, top in zip(store.blocks(), strongest, strict=True):
        total += (lasting(block) / (top + np.float32(typical))[:, np.newaxis]).sum(axis=0, dtype=np.float64)
    return total / max(store.hops, 1)


def lasting(rows: Features) -> Features:
    """Return of each row what also sounds in a neighbour."""
    if len(rows) < 3:
        return rows
    beside = np.maximum(np.roll(rows, 1, axis=0), np.roll(rows, -1, axis=0))
    return np.minimum(rows, beside)


class _Sums:
    """Running sums over rows, so that any stretch is read from two of them."""

    def __init__(self, sums: Floats) -> None:
        self._sums = sums

    def between(self, starts_s: Floats, ends_s: Floats) -> Floats:
        """Return the sums from times to times, ``(times, 12)``."""
        first, last = (
            np.clip(np.round((times_s - _FRAME_S) / PITCH_HOP_S).astype(np.intp), 0, len(self._sums) - 1)
            for times_s in (starts_s, ends_s)
        )
        return np.asarray(self._sums[np.maximum(last, first)] - self._sums[first])


def _running(store: HopStore, fold: Floats) -> _Sums:
    rows = [lasting(block) @ fold for block in store.blocks()]
    return _Sums(np.vstack([np.zeros((1, 12)), np.cumsum(np.concatenate(rows), axis=0)]) if rows else np.zeros((1, 12)))


def _chords(tones: Floats, low: Floats) -> Floats:
    """Return how likely each bar is each major, then each minor triad, ``(bars, 24)``; rows sum to 1, in silence 0."""
    height = np.linalg.norm(tones, axis=1, keepdims=True)
    unit = tones / np.maximum(height, 1e-9)
    under = low / np.maximum(low.sum(axis=1, keepdims=True), 1e-9)
    fits = []
    for triad in _TRIADS:
        template = np.zeros(12)
        template[list(triad)] = 1.0 / np.sqrt(3.0)
        fits += [unit @ np.roll(template, root) + _BASS_SHARE * under[:, root] for root in range(12)]
    likeness = np.stack(fits, axis=1)
    weights = np.exp(_CHORD_SHARPNESS * (likeness - likeness.max(axis=1, keepdims=True)))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True) * (height > 1e-6))


def _shares(values: Floats) -> Floats:
    total = float(values.sum())
    return np.asarray(values / total) if total > 0.0 else np.zeros(values.size)


def _even_mean(rows: Floats) -> Floats:
    """Return the mean share of the rows; every row counts alike, however loud it is, silent ones not."""
    sums = rows.sum(axis=1, keepdims=True)
    heard = rows[sums[:, 0] > 0.0] / sums[sums[:, 0] > 0.0]
    return _shares(heard.sum(axis=0)) if len(heard) else np.zeros(12)
