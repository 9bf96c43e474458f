"""Feeding a whole signal to the analysis, once per signal and test run."""

from functools import cache

import numpy as np

from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.key import Mode
from cratehand.domain.track_analysis import TrackAnalysis
from tests import music


def analyse(
    samples: Samples, *, sample_rate_hz: int = 44_100, declared: AudioFormat | None = None, block_frames: int = 50_000
) -> TrackAnalysis:
    analyser = TrackAnalyser(sample_rate_hz, samples.shape[0], declared=declared)
    for start in range(0, samples.shape[1], block_frames):
        analyser.feed(samples[:, start : start + block_frames])
    return analyser.finish()


def lossless(*, duration_s: float | None = None, lossy: bool = False, sample_rate_hz: int = 44_100) -> AudioFormat:
    return AudioFormat(
        codec="mp3" if lossy else "flac",
        container="mp3" if lossy else "flac",
        sample_rate_hz=sample_rate_hz,
        channels=2,
        duration_s=duration_s,
        lossless=not lossy,
    )


@cache
def club_track() -> tuple[music.Song, TrackAnalysis]:
    """A whole arrangement in A minor at 126 BPM."""
    song = music.arrangement(tempo_bpm=126.0, tonic=9, mode=Mode.MINOR)
    return song, analyse(song.samples, declared=lossless())


def worst_grid_error_ms(analysis: TrackAnalysis, song: music.Song) -> float:
    """The largest distance of a grid beat from the nearest true beat."""
    assert analysis.beat_grid is not None
    found = np.array([time_s for time_s, _ in analysis.beat_grid.beats(until_s=float(song.beats_s[-1]) + 0.01)])
    found = found[found > song.beats_s[0] - 0.1]
    return float(np.abs(found[:, np.newaxis] - song.beats_s).min(axis=1).max() * 1000.0)
