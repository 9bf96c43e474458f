"""Whether two aligned signals are one master: what codecs do to a signal, and what they never do.

A codec adds noise, but keeps the level of each band over each second to a fraction of a decibel, the better the higher
its rate. A missing voice, an equaliser, a compressor or a limiter changes those levels. Measured on pieces of real and
rendered music, after the offset is taken out to a fraction of a sample; the cells are 0.7 s of one band below 2.8 kHz:

| copy | cell residual, 99 % | level, 99 % | level, 95 % | band | gain |
| --- | --- | --- | --- | --- | --- |
| AAC 96, MP3 64 | -7.1 dB | 0.86 dB | 0.51 dB | 0.21 dB | 0.38 dB |
| MP3 96, Vorbis q2, Opus 96 | -11.2 | 0.56 | 0.30 | 0.19 | 0.23 |
| MP3 128, AAC 128 | -10.5 | 0.61 | 0.35 | 0.08 | 0.14 |
| MP3 192 | -18.4 | 0.20 | 0.11 | 0.02 | 0.05 |
| MP3 320 | -26.7 | 0.06 | 0.03 | 0.01 | 0.02 |
| a voice 18 dB below | -2.6 and more | 1.9 and more | 0.7 | 0.2 | 0.03 |
| a voice 24 dB below | -9.0 and more | 0.6 and more | 0.2 | 0.05 | 0.02 |
| a limiter, 2 dB on one moment of ten | | 0.5 and more | 0.4 | 0.34 and more | 0.41 and more |

So a voice 24 dB below the mix is heard over copies of about 200 kbit/s and more; one 30 dB below, and a limiter that
works at one moment of a hundred, are not.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.copy_bands import CopyBands

_CELL_HOPS: Final = 8
_LOW_BANDS: Final = 8
"""Below 2.8 kHz every codec keeps the wave itself; above, the cheap ones keep its level only."""
_SURE_BANDS: Final = 6
_HIGH_FROM: Final = 9
"""From 4 kHz: where codecs round coarsely, and where what two files share betrays a common history."""
_LOUD_CELL: Final = 1e-3
_LOUD_TIME: Final = 1e-2

_LARGEST_RESIDUAL_DB: Final = -14.0
_KBPS: Final = (128.0, 160.0, 200.0, 320.0)
"""What the worse of two copies is worth; between these rates the limits are interpolated."""
_CELL_RESIDUAL_DB: Final = (-4.5, -7.0, -9.0, -13.0)
_LEVEL_CHANGE_99_DB: Final = (1.25, 1.0, 0.8, 0.5)
_LEVEL_CHANGE_95_DB: Final = (0.7, 0.6, 0.4, 0.3)
_BAND_CHANGE_DB: Final = (0.5, 0.45, 0.35, 0.25)
_GAIN_CHANGE_DB: Final = (0.45, 0.3, 0.2, 0.15)

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
    energy_change: float
    """Power that the candidate has more than the current one, in parts of the residual, the middle of the bands from
    2.8 to 10 kHz. A codec of the MDCT kind loses what it rounds to zero: what AAC and Vorbis made of a file has 3 to 8
    parts less than that file, the master has -1.5 to 4 parts more."""
    cell_residual_db: float
    """The residual that one of a hundred cells exceeds."""
    level_change_95_db: float
    """The change of level that one of twenty cells exceeds."""
    level_change_99_db: float
    band_change_db: float
    """The largest change of a whole band: an equaliser."""
    gain_change_db: float
    """The change of gain over time that one of twenty moments exceeds: a compressor or a limiter."""

    def objection(self, kbps: float) -> str | None:
        """Return what speaks against one master, in words; None where a codec, a level and rounding explain it all.

        Args:
            kbps: What the worse of the two is worth, in kbit/s of MP3: the higher, the less a codec explains.
        """

        def exceeds(value_db: float, limits_db: tuple[float, ...]) -> bool:
            return value_db > float(np.interp(kbps, _KBPS, limits_db))

        if self.residual_db > _LARGEST_RESIDUAL_DB:
            return "after alignment too much is left over: another mix, master or performance"
        if exceeds(self.cell_residual_db, _CELL_RESIDUAL_DB) or exceeds(self.level_change_99_db, _LEVEL_CHANGE_99_DB):
            return "in places one of them has sound that the other has not, as in an instrumental or another mix"
        if exceeds(self.band_change_db, _BAND_CHANGE_DB):
            return "its tone is another, as in a remaster"
        if exceeds(self.gain_change_db, _GAIN_CHANGE_DB) or exceeds(self.level_change_95_db, _LEVEL_CHANGE_95_DB):
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
        energy_change=_energy_change(x.sum(axis=0), y.sum(axis=0), common.sum(axis=0)),
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


def _energy_change(x: Floats, y: Floats, common: Floats) -> float:
    # Below 2 kHz the residual is so small that the gain is exact.
    gain = common[:_SURE_BANDS].sum() / max(float(x[:_SURE_BANDS].sum()), 1e-20)
    residual = y - 2.0 * gain * common + gain * gain * x
    more = (y - gain * gain * x)[_LOW_BANDS:]
    return float(np.median(more / np.maximum(residual[_LOW_BANDS:], 1e-9 * x[_LOW_BANDS:] + 1e-20)))


def _share_db(residual: Floats, whole: Floats) -> float:
    return float(_db(np.array(residual.sum() / max(float(whole.sum()), 1e-20))))


def _db(ratio: Floats) -> Floats:
    levels: Floats = 10.0 * np.log10(np.maximum(ratio, 1e-15))
    return levels
