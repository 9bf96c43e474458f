"""The offset between two copies to a fraction of a sample, and whether it holds from start to end."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.copy_bands import COPY_RATE_HZ, CopyBands
from cratehand.analysis.copy_likeness import CopyLikeness
from cratehand.analysis.cross_delay import cross_delay_s
from cratehand.domain.upgrade import Alignment

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
    found = np.array([cross_delay_s(bands.crosses[row]) for row in sounding], dtype=np.float64)
    return LocalOffsets(at_s=np.asarray((sounding + 0.5) * window_s, dtype=np.float64), offset_s=found)


def make_alignment(head_offset: float, offsets: LocalOffsets, likeness: CopyLikeness) -> Alignment:
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
