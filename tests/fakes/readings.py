"""Readings of files that were never opened."""

import numpy as np

from cratehand.domain.audio import AudioFormat
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.embedding import DSP_SPACE, Vector
from cratehand.domain.ids import ContentDigest
from cratehand.domain.key import Mode, MusicalKey
from cratehand.domain.loudness import Loudness
from cratehand.domain.track import FileStamp
from cratehand.domain.track_analysis import FileReading, TrackAnalysis

FLAC = AudioFormat(codec="flac", container="flac", sample_rate_hz=44_100, channels=2, duration_s=60.0, lossless=True)
STAMP = FileStamp(size_bytes=1000, mtime_ns=1, ctime_ns=2, inode=3)


def unit_vector(seed: int) -> Vector:
    """Return a random vector of the DSP space, length 1."""
    vector = np.random.default_rng(seed).standard_normal(DSP_SPACE.dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


def analysis(*, tempo_bpm: float | None = 126.0, seed: int = 1) -> TrackAnalysis:
    """Return a plausible analysis."""
    grid = BeatGrid(anchors=(GridAnchor(start_s=0.1, tempo_bpm=tempo_bpm),)) if tempo_bpm else None
    return TrackAnalysis(
        duration_s=60.0,
        tempo_bpm=tempo_bpm,
        tempo_confidence=0.9 if tempo_bpm else 0.0,
        beat_grid=grid,
        beat_grid_confidence=0.9 if grid else 0.0,
        key=MusicalKey(tonic=9, mode=Mode.MINOR),
        key_confidence=0.8,
        loudness=Loudness(integrated_lufs=-9.0, range_lu=4.0, true_peak_dbtp=-0.3),
        energy=7,
        energy_confidence=0.7,
        feature_vector=unit_vector(seed),
    )


def reading(path: str, *, digest: str = "", stamp: FileStamp | None = STAMP, **changes: object) -> FileReading:
    """Return a reading of `path` whose sound is named by `digest`, the path itself where none is given."""
    given: dict[str, object] = {"analysis": analysis(), "fingerprint": "AQAA"} | changes
    return FileReading(
        path=path,
        stamp=stamp,
        digest=ContentDigest(f"fake:{digest or path}"),
        format=FLAC,
        **given,  # type: ignore[arg-type]
    )
