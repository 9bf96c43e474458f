"""A metronome is evenly spaced ticks without drums."""

import numpy as np
import pytest

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.metronome import metronome_bpm
from cratehand.analysis.onsets import FLUX_BANDS
from cratehand.analysis.pulse import Pulse

HOP_S = 0.005
BRIGHT, KICK = (0.1, 0.2, 0.4, 0.3), (0.4, 0.3, 0.2, 0.1)


def heard(places: np.ndarray, bands: tuple[float, ...]) -> tuple[HopStore, Pulse]:
    strength = np.zeros(int(places[-1]) + 100, dtype=np.float32)
    strength[places] = 20.0
    flux = HopStore(FLUX_BANDS)
    flux.append(np.outer(strength, bands).astype(np.float32))
    return flux, Pulse(strength=strength, hop_s=HOP_S, start_s=0.0)


def test_even_ticks_are_a_metronome() -> None:
    assert metronome_bpm(*heard(50 + 120 * np.arange(40), BRIGHT)) == pytest.approx(100.0)


def test_even_kicks_are_not() -> None:
    assert metronome_bpm(*heard(50 + 120 * np.arange(40), KICK)) is None


def test_long_and_short_distances_in_turn_are_not_though_their_mean_is_even() -> None:
    places = 50 + np.cumsum(np.tile([80, 120], 20))[:39]
    with np.errstate(all="raise"):
        assert metronome_bpm(*heard(places, BRIGHT)) is None


def test_a_few_ticks_are_not_enough() -> None:
    assert metronome_bpm(*heard(50 + 120 * np.arange(10), BRIGHT)) is None


def test_ticks_faster_than_any_tempo_are_not() -> None:
    assert metronome_bpm(*heard(50 + 40 * np.arange(100), BRIGHT)) is None
