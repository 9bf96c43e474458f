"""What the bass plays where phrases begin: mostly the tonic, also where the chords alone fit two keys.

The loop Am F C G holds the very notes of C major and of A minor; that it begins and ends its round on A tells which.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.pitch import PITCH_HOP_S
from cratehand.domain.beatgrid import BeatGrid
from cratehand.domain.structure import Section

_PHRASE_BARS: Final = 4
_LISTENED_BEATS: Final = 2.0
_FRAME_S: Final = 0.19
"""Half the window of a row of pitches: a row is about the time this long after its start."""
_NEAR_S: Final = 0.1

Floats = npt.NDArray[np.float64]


def phrase_bass(bass: HopStore, grid: BeatGrid, sections: tuple[Section, ...], *, duration_s: float) -> Floats:
    """Return the share of each pitch class in the bass of the first two beats of all phrases of four bars, ``(12,)``.

    Args:
        bass: Rows of `cratehand.analysis.pitch.PitchStream.bass`.
        grid: The beat grid.
        sections: Where they begin, phrases begin.
        duration_s: Length of the track.

    Returns:
        Zeros where no bass sounds there.
    """
    downbeats_s = np.array([time_s for time_s, beat in grid.beats(until_s=duration_s) if beat == 1])
    if downbeats_s.size == 0:
        return np.zeros(12)
    phase = _phrase_phase(downbeats_s, sections)
    rows = np.concatenate(list(bass.blocks())) if bass.hops else np.zeros((0, 12), dtype=np.float32)
    total = np.zeros(12)
    length_s = _LISTENED_BEATS * grid.anchors[0].beat_s
    for start_s in downbeats_s[phase::_PHRASE_BARS]:
        first = max(round((start_s - 0.5 * _FRAME_S) / PITCH_HOP_S), 0)
        last = max(round((start_s + length_s - _FRAME_S) / PITCH_HOP_S), first + 1)
        heard = rows[first:last].sum(axis=0, dtype=np.float64)
        # Every phrase counts alike, however loud it is.
        total += heard / heard.sum() if heard.sum() > 0.0 else 0.0
    return np.asarray(total / total.sum()) if total.sum() > 0.0 else total


def _phrase_phase(downbeats_s: Floats, sections: tuple[Section, ...]) -> int:
    """Return which bar of four begins the phrases: the one on which most sections begin."""
    votes = np.zeros(_PHRASE_BARS)
    for section in sections[1:]:
        bar = int(np.abs(downbeats_s - section.start_s).argmin())
        if abs(downbeats_s[bar] - section.start_s) < _NEAR_S:
            votes[bar % _PHRASE_BARS] += 1.0
    return int(votes.argmax())
