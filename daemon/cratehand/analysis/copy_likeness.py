"""Whether two aligned signals are one master: what codecs do to a signal, and what they never do.

A codec adds noise, but keeps the level of each band over each second to a fraction of a decibel. A missing voice, an
equaliser, a compressor or a limiter changes those levels. Measured on 8 pieces of music: true copies down to AAC at
96 kbit/s and MP3 at 64 change the level of a cell (0.7 s of one band below 2.8 kHz) by at most 1.0 dB in 99 of 100
cells, a voice 18 dB below the mix by 1.7 dB and more, a remaster by an equaliser and a compressor by 1.9 and more.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.copy_bands import CopyBands

_CELL_HOPS: Final = 8
_LOW_BANDS: Final = 8
"""Below 2.8 kHz every codec keeps the wave itself; above, the cheap ones keep its level only."""
_HIGH_FROM: Final = 9
"""From 4 kHz: where codecs round coarsely, and where what two files share betrays a common history."""
_LOUD_CELL: Final = 1e-3
_LOUD_TIME: Final = 1e-2

_LARGEST_RESIDUAL_DB: Final = -14.0
_LARGEST_CELL_RESIDUAL_DB: Final = -4.5
_LEVEL_CHANGE_95_DB: Final = 0.7
_LEVEL_CHANGE_99_DB: Final = 1.25
_BAND_CHANGE_DB: Final = 0.5
_GAIN_CHANGE_DB: Final = 0.25

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyLikeness:
    """How alike two aligned signals are; levels in dB against the current one at matched gain."""

    correlation: float
    """0..1 over the bands up to 10 kHz."""
    gain_db: float
    inverted: bool
    residual_db: float
    """What the one has and the other has not, below 2.8 kHz."""
    high_residual_db: float
    """The same from 4 to 10 kHz."""
    cell_residual_db: float
    """The residual that one of a hundred cells exceeds."""
    level_change_95_db: float
    """The change of level that one of twenty cells exceeds."""
    level_change_99_db: float
    band_change_db: float
    """The largest change of a whole band: an equaliser."""
    gain_change_db: float
    """The change of gain over time that one of twenty moments exceeds: a compressor or a limiter."""

    @property
    def is_same_master(self) -> bool:
        """Whether a codec, a level and rounding explain all differences."""
        return self.objection is None

    @property
    def objection(self) -> str | None:
        """What speaks against one master, in words; None where nothing does."""
        if self.residual_db > _LARGEST_RESIDUAL_DB:
            return "after alignment too much is left over: another mix, master or performance"
        if self.cell_residual_db > _LARGEST_CELL_RESIDUAL_DB or self.level_change_99_db > _LEVEL_CHANGE_99_DB:
            return "in places one of them has sound that the other has not, as in an instrumental or another mix"
        if self.band_change_db > _BAND_CHANGE_DB:
            return "its tone is another, as in a remaster"
        if self.gain_change_db > _GAIN_CHANGE_DB or self.level_change_95_db > _LEVEL_CHANGE_95_DB:
            return "its dynamics are others, as in a remaster"
        return None


def compare_copies(bands: CopyBands) -> CopyLikeness | None:
    """Compare what the walk found; None where too little sounds to say anything (below 3 s)."""
    x, y, common = (_cells(each) for each in (bands.current, bands.candidate, bands.common))
    moments = x.sum(axis=1)
    if x.shape[0] < 4 or moments.mean() <= 0.0 or y.sum() <= 0.0:
        return None
    gain = common.sum() / x.sum()
    power_gain = max(gain * gain, 1e-12)
    residual = np.maximum(y - 2.0 * gain * common + gain * gain * x, 0.0)
    in_time = moments > _LOUD_TIME * moments.mean()
    loud = (x > _LOUD_CELL * x.mean(axis=0)) & (x > _LOUD_CELL * moments[:, np.newaxis]) & in_time[:, np.newaxis]
    low = loud[:, :_LOW_BANDS]
    if low.sum() < 4:
        return None
    changes = np.abs(_db(y[:, :_LOW_BANDS] / (power_gain * x[:, :_LOW_BANDS] + 1e-20))[low])
    cell_residuals = _db(residual[:, :_LOW_BANDS] / (power_gain * x[:, :_LOW_BANDS] + 1e-20))[low]
    bands_db = _db(y.sum(axis=0) / (power_gain * x.sum(axis=0) + 1e-20))
    heard = x.sum(axis=0) > _LOUD_CELL * x.sum()
    return CopyLikeness(
        correlation=float(min(abs(common.sum()) / np.sqrt(x.sum() * y.sum()), 1.0)),
        gain_db=float(_db(np.array(power_gain))),
        inverted=bool(gain < 0.0),
        residual_db=_share_db(residual[:, :_LOW_BANDS], power_gain * x[:, :_LOW_BANDS]),
        high_residual_db=_share_db(residual[:, _HIGH_FROM:], power_gain * x[:, _HIGH_FROM:]),
        cell_residual_db=float(np.percentile(cell_residuals, 99.0)),
        level_change_95_db=float(np.percentile(changes, 95.0)),
        level_change_99_db=float(np.percentile(changes, 99.0)),
        band_change_db=float(np.abs(bands_db[:_LOW_BANDS][heard[:_LOW_BANDS]]).max(initial=0.0)),
        gain_change_db=_gain_change_db(x[in_time, :_LOW_BANDS], common[in_time, :_LOW_BANDS]),
    )


def _cells(powers: Floats) -> Floats:
    count = powers.shape[0] // _CELL_HOPS
    cells: Floats = powers[: count * _CELL_HOPS].reshape(count, _CELL_HOPS, powers.shape[1]).sum(axis=1)
    return cells


def _gain_change_db(x: Floats, common: Floats) -> float:
    overall = abs(common.sum()) / max(float(x.sum()), 1e-20)
    each = np.abs(common.sum(axis=1)) / np.maximum(x.sum(axis=1), 1e-20)
    return float(np.percentile(np.abs(2.0 * _db(each / max(overall, 1e-12))), 95.0)) if each.size else 0.0


def _share_db(residual: Floats, whole: Floats) -> float:
    return float(_db(np.array(residual.sum() / max(float(whole.sum()), 1e-20))))


def _db(ratio: Floats) -> Floats:
    levels: Floats = 10.0 * np.log10(np.maximum(ratio, 1e-15))
    return levels
