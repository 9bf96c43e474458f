"""A teacher for acousticness: the tags that MSD-MusiCNN hears (Pons & Serra 2019; weights ISC, see the models' knowledge).

The weights are looked for below the data folder of the benchmarks; the project does not need them.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soxr

from tests.bench.truth.cache_folder import shared_data

_RATE_HZ: Final = 16_000
_WINDOW: Final = 512
_HOP: Final = 256
_BANDS: Final = 96
_PATCH_HOPS: Final = 187
_PATCHES: Final = 6
_ACOUSTIC: Final = (9, 14, 20, 26, 29, 32, 36, 23)
"""Numbers of jazz, classic rock, folk, blues, acoustic, guitar, country, instrumental ..."""
_ELECTRONIC: Final = (4, 6, 18, 41, 48)
"""... and of electronic, dance, electronica, electro, House, in the order of the published tags."""
_DOUBT: Final = 0.02


def weights() -> Path | None:
    """Return the file of weights; None where it is not there."""
    folder = shared_data()
    path = folder / "weights" / "musicnn" / "MSD_musicnn.onnx" if folder is not None else None
    return path if path is not None and path.exists() else None


def acoustic_share(sound: npt.NDArray[np.float32], rate_hz: int) -> float | None:
    """Return how acoustic against electronic the tags call a sound, 0 ... 1; None without the weights."""
    path = weights()
    if path is None:
        return None
    wave = soxr.resample(sound, rate_hz, _RATE_HZ)
    frames = np.lib.stride_tricks.sliding_window_view(wave, _WINDOW)[::_HOP] * np.hanning(_WINDOW + 1)[:-1]
    bands = np.log10(1e4 * (np.abs(np.fft.rfft(frames, axis=1)) ** 2 @ _mel().T) + 1.0).astype(np.float32)
    starts = np.linspace(0, len(bands) - _PATCH_HOPS, _PATCHES).astype(int)
    session = _session(str(path))
    batch = np.stack([bands[start : start + _PATCH_HOPS] for start in starts])
    tags = np.asarray(session.run(None, {session.get_inputs()[0].name: batch})[0]).mean(axis=0)
    acoustic, electronic = float(tags[list(_ACOUSTIC)].sum()), float(tags[list(_ELECTRONIC)].sum())
    return (acoustic + _DOUBT) / (acoustic + electronic + 2.0 * _DOUBT)


@cache
def _session(path: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


@cache
def _mel() -> npt.NDArray[np.float64]:
    """Return the triangles of Slaney's mel scale with equal areas, ``(bands, bins)``."""

    def to_hz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(mels < 15.0, mels * 200.0 / 3.0, 1000.0 * np.exp(np.log(6.4) / 27.0 * (mels - 15.0)))

    highest = 15.0 + np.log(_RATE_HZ / 2 / 1000.0) / (np.log(6.4) / 27.0)
    edges = to_hz(np.linspace(0.0, highest, _BANDS + 2))
    hz = np.fft.rfftfreq(_WINDOW, 1.0 / _RATE_HZ)
    rising = (hz - edges[:-2, np.newaxis]) / np.diff(edges)[:-1, np.newaxis]
    falling = (edges[2:, np.newaxis] - hz) / np.diff(edges)[1:, np.newaxis]
    heights = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * heights[:, np.newaxis])
