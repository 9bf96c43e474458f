"""The DSP vector: unit length, stable under gain, near for near music."""

import numpy as np

from cratehand.domain.embedding import DSP_SPACE, Vector
from cratehand.domain.key import Mode
from tests import music, signals
from tests.unit.analysis.feeding import analyse


def vector(samples: np.ndarray) -> Vector:
    found = analyse(samples).feature_vector
    assert found is not None
    return found


def distance(one: Vector, other: Vector) -> float:
    return 1.0 - float(one @ other)


def test_it_has_unit_length_and_the_dimension_of_its_space() -> None:
    found = vector(signals.stereo(signals.noise(duration_s=5.0)))
    assert found.shape == (DSP_SPACE.dimension,)
    assert found.dtype == np.float32
    assert abs(float(np.linalg.norm(found)) - 1.0) < 1e-5
    assert not found.flags.writeable


def test_near_music_is_nearer_than_other_music() -> None:
    house = vector(music.groove(tempo_bpm=126.0, bars=12, tonic=9).samples)
    transposed = vector(music.groove(tempo_bpm=125.0, bars=12, tonic=11).samples)
    drum_and_bass = vector(music.drum_loop(tempo_bpm=174.0, bars=16, style="dnb").samples)
    bars_s = music.bar_times(80.0, 8)
    track = np.zeros(round(bars_s[-1] * music.SAMPLE_RATE_HZ))
    music.harmony(track, bars_s, key=music.MusicalKey(tonic=0, mode=Mode.MAJOR), parts=("pad",))
    pads = vector(np.stack([track, track]).astype(np.float32))
    assert distance(house, transposed) < 0.1
    assert distance(house, transposed) < distance(house, drum_and_bass)
    assert distance(house, transposed) < distance(house, pads)


def test_gain_hardly_moves_it() -> None:
    samples = music.groove(tempo_bpm=126.0, bars=8).samples
    assert distance(vector(samples), vector(samples * np.float32(0.5))) < 0.05


def test_silence_has_none() -> None:
    assert analyse(np.zeros((2, 100_000), dtype=np.float32)).feature_vector is None
