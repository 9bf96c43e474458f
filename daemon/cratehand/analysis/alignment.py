"""The offset between two copies to a fraction of a sample, and whether it holds from start to end."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.copy_bands import COPY_RATE_HZ, EDGES_HZ, FRAME, CopyBands
from cratehand.analysis.copy_likeness import CopyLikeness
from cratehand.domain.upgrade import Alignment

_FINER: Final = 4
"""The correlation is read at a quarter of a sample, then a parabola is laid through its top."""
_QUIET: Final = 1e-4
"""Windows 40 dB below the average say nothing about where they lie."""
_HOLDS_S: Final = 0.0003
"""How far the offset of a third of the track may be off the offset of the whole."""
_FITS_S: Final = 0.0005
_FITTING_SHARE: Final = 0.9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalOffsets:
    """Offsets of the windows that sound, seconds by which the candidate's sound is later than the walk assumed."""

    at_s: Floats
    offset_s: Floats

    @property
    def middle_s(self) -> float:
        """The median; 0 where nothing sounds."""
        return float(np.median(self.offset_s)) if self.offset_s.size else 0.0

    @property
    def fitting_share(self) -> float:
        """Share of the windows within half a millisecond of the median."""
        if not self.offset_s.size:
            return 0.0
        return float((np.abs(self.offset_s - self.middle_s) <= _FITS_S).mean())

    def thirds_s(self) -> tuple[float, float, float]:
        """Return the medians of start, middle and end."""
        parts = np.array_split(self.offset_s, 3)
        first, second, third = (float(np.median(part)) if part.size else self.middle_s for part in parts)
        return first, second, third

    @property
    def drift_ppm(self) -> float:
        """Return the slope through the windows; 0 for less than three."""
        if self.offset_s.size < 3:
            return 0.0
        return float(np.polyfit(self.at_s, self.offset_s, 1)[0] * 1e6)

    @property
    def is_constant(self) -> bool:
        """Whether one offset serves the whole track."""
        far = max(abs(part - self.middle_s) for part in self.thirds_s())
        return far <= _HOLDS_S and self.fitting_share >= _FITTING_SHARE


def local_offsets(bands: CopyBands, *, window_s: float) -> LocalOffsets:
    """Measure the offset in each window of the walk."""
    strengths = np.abs(bands.crosses).sum(axis=1)
    sounding = np.flatnonzero(strengths > _QUIET * max(float(strengths.mean()), 1e-12))
    found = np.array([_peak_s(bands.crosses[row]) for row in sounding], dtype=np.float64)
    return LocalOffsets(at_s=np.asarray((sounding + 0.5) * window_s, dtype=np.float64), offset_s=found)


def _peak_s(cross: npt.NDArray[np.complex64]) -> float:
    """Return the delay of one window, by the half-whitened correlation of the bins that are compared."""
    low, high = (round(edge * FRAME / COPY_RATE_HZ) for edge in (EDGES_HZ[0], EDGES_HZ[-1]))
    weighted = np.zeros(FRAME * _FINER // 2 + 1, dtype=np.complex128)
    part = cross[low:high].astype(np.complex128)
    # Half way to a pure phase correlation: sharp, and still led by what is loud and therefore well kept.
    weighted[low:high] = part / np.sqrt(np.abs(part) + 1e-20)
    curve = scipy.fft.irfft(weighted)
    # An inverted copy has a trough instead of a peak.
    curve = curve if curve.max() >= -curve.min() else -curve
    top = int(curve.argmax())
    before, at, after = curve[top - 1], curve[top], curve[(top + 1) % curve.size]
    bend = before - 2.0 * at + after
    place = top + (0.5 * (before - after) / bend if bend < 0.0 else 0.0)
    if place > curve.size / 2:
        place -= curve.size
    return float(place / (_FINER * COPY_RATE_HZ))


def make_alignment(head_offset: int, offsets: LocalOffsets, likeness: CopyLikeness) -> Alignment:
    """Put the answer together.

    Args:
        head_offset: By how many frames the candidate was assumed to be later.
        offsets: What the windows say on top.
        likeness: Of the aligned copies.
    """
    assumed_s = head_offset / COPY_RATE_HZ
    start_s, middle_s, end_s = offsets.thirds_s()
    return Alignment(
        offset_s=assumed_s + offsets.middle_s,
        start_offset_s=assumed_s + start_s,
        middle_offset_s=assumed_s + middle_s,
        end_offset_s=assumed_s + end_s,
        drift_ppm=offsets.drift_ppm,
        correlation=likeness.correlation,
        residual_db=likeness.residual_db,
        gain_db=likeness.gain_db,
        inverted=likeness.inverted,
    )
