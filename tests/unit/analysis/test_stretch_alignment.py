"""Stretches are brought to one place, whatever lies between two frames."""

import numpy as np
import pytest
import soxr

from cratehand.analysis.stretch_alignment import Stretch, align_stretches
from cratehand.domain.audio import Samples

RATE_HZ = 44_100


def noise(seconds: float, rate_hz: int = RATE_HZ) -> Samples:
    """Noise below 15 kHz."""
    white = np.random.default_rng(3).standard_normal((round(seconds * 30_000), 2)).astype(np.float32) * 0.1
    return np.ascontiguousarray(soxr.resample(white, 30_000, rate_hz, quality="VHQ").T)


@pytest.mark.parametrize("off_frames", [0.0, 0.3, -1.4])
@pytest.mark.parametrize("candidate_hz", [44_100, 48_000])
def test_a_rough_place_is_refined_and_the_level_is_matched(off_frames: float, candidate_hz: int) -> None:
    sound = noise(1.2)
    landed = sound if candidate_hz == RATE_HZ else soxr.resample(sound.T, RATE_HZ, candidate_hz, quality="VHQ").T
    stretch = Stretch(
        current=sound[:, 9_216 : 9_216 + 16_384], candidate=-0.5 * landed, begins_frames=9_216.0 + off_frames
    )
    ((current, candidate),) = align_stretches([stretch], rate_hz=RATE_HZ, candidate_hz=candidate_hz)
    rest_db = 20.0 * np.log10(np.std(candidate - current) / np.std(current) + 1e-9)
    assert rest_db < -60.0
    assert np.std(current) == pytest.approx(0.5 * np.std(sound), rel=0.05)
