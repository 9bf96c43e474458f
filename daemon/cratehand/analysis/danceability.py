"""Danceability: how regular and strong the beat is, at a tempo people dance to.

The onset strength of the track is compared with itself, moved by every time between 0.3 and 1 s, in pieces of 12 s.
The best likeness counts, weighted by a hill over the tempo (1 at 118 BPM, 0.6 an octave off): no decision for one
tempo is taken, so an octave error can't turn the value over. Joined to 65 : 35 are the likeness of all bands and that
of kick and bass alone.

Scale: 0 no pulse at all (drones, speech, noise), 0.5 a pulse that breathes or hides (rock by hand, film scores with
drums), 1 a steady marked beat at 100 ... 135 BPM (a house track). The ends, likeness 0.08 and 0.80, were set on 267
finished tracks of free games and 48 synthesised arrangements. Onset strength is relative to its own mean, so gain
does not change the value.
"""

from typing import Final

import numpy as np
import scipy.fft

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.pulse import Pulse, make_pulse
from cratehand.analysis.smoothing import moving_mean

_KICK_WEIGHTS: Final = (1.0, 0.3, 0.0, 0.0)
_EVERY_HOPS: Final = 4
_PIECE_S: Final = 12.0
_SHORTEST_S: Final = 0.3
_LONGEST_S: Final = 1.0
_BEST_BPM: Final = 118.0
_HILL_OCTAVES: Final = 1.0
_BLUR_HOPS: Final = 5
_SWELL_S: Final = 1.0
_LIKENESS: Final = (0.08, 0.80)
_ALL_BANDS: Final = 0.65
_LEAST_S: Final = 3.0


def rate_danceability(flux: HopStore) -> float | None:
    """Return the danceability, 0 ... 1; 0 where nothing ever strikes, None under 3 s."""
    pulses = make_pulse(flux, every_hops=_EVERY_HOPS), make_pulse(flux, every_hops=_EVERY_HOPS, weights=_KICK_WEIGHTS)
    if pulses[0] is None:
        return None
    if pulses[0].duration_s < _LEAST_S:
        return None
    likeness = _ALL_BANDS * regularity(pulses[0])
    likeness += (1.0 - _ALL_BANDS) * (regularity(pulses[1]) if pulses[1] is not None else 0.0)
    low, high = _LIKENESS
    return float(np.clip((likeness - low) / (high - low), 0.0, 1.0))


def regularity(pulse: Pulse) -> float:
    """Return the best likeness of the pulse to itself a beat later, weighted by the tempo, -1 ... 1."""
    length = min(round(_PIECE_S / pulse.hop_s), pulse.strength.size)
    # Strikes of a human hand lie 10 ms off and shall still meet.
    smooth = np.convolve(np.sqrt(pulse.strength), np.hanning(_BLUR_HOPS + 2)[1:-1], mode="same")
    # What swells over seconds is like itself at any distance and is no beat.
    smooth -= moving_mean(smooth, round(_SWELL_S / pulse.hop_s))
    shortest, longest = round(_SHORTEST_S / pulse.hop_s), round(_LONGEST_S / pulse.hop_s)
    hill_octaves = np.log2(60.0 / (np.arange(shortest, longest + 1) * pulse.hop_s) / _BEST_BPM)
    hill = np.exp(-0.5 * (hill_octaves / _HILL_OCTAVES) ** 2)
    size = 1 << (2 * length - 1).bit_length()
    best = []
    for start in range(0, smooth.size - length + 1, length):
        piece = smooth[start : start + length]
        piece = piece - piece.mean()
        power = np.abs(scipy.fft.rfft(piece, size)) ** 2
        same = scipy.fft.irfft(power, size)[: longest + 1]
        if same[0] > 1e-9:
            overlap = length / np.maximum(length - np.arange(shortest, longest + 1), 1)
            best.append(float((same[shortest:] / same[0] * overlap * hill).max()))
    return float(np.mean(best)) if best else 0.0
