"""The pulse curve: one onset strength for the whole track, evened out so that a loud drop does not outvote the rest."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.onsets import FLUX_LEAD_S
from cratehand.analysis.smoothing import moving_max, moving_mean, moving_mean32
from cratehand.analysis.spectra import HOP_S

Curve = npt.NDArray[np.float32]
"""float32, shape ``(hops,)``."""

EVEN_WEIGHTS: Final = (1.0, 1.0, 1.0, 1.0)
"""All bands alike: every regular sound tells the tempo."""
BEAT_WEIGHTS: Final = (1.0, 1.5, 1.5, 0.5)
"""For where the beat lies: kicks and snares, whose clicks reach up to 2.5 kHz, rather than hats."""
ATTACK_LEAD_S: Final = 0.005
"""A window of 23 ms rises before the attack reaches its middle: by 4 to 6 ms on clicks, kicks, hats and real tracks."""

_STRIKE_HOPS: Final = 8
_STRIKE_STEP: Final = 4
_STRIKE_OF_LEVEL: Final = 0.05
_STRIKE_OF_MEAN: Final = 2.3
_EVEN_S: Final = 8.0
_SILENT_FLUX: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pulse:
    """Onset strength at `hop_s`.

    Attributes:
        strength: float32 ``(hops,)``, about 1 on average where the track plays, at least 0.
        hop_s: Seconds between two values.
        start_s: Time of the first value; the attack that caused value k was at ``start_s + k * hop_s``.
    """

    strength: Curve
    hop_s: float
    start_s: float

    @property
    def duration_s(self) -> float:
        """Time the curve covers."""
        return self.strength.size * self.hop_s


def make_pulse(flux: HopStore, *, every_hops: int = 2, weights: tuple[float, ...] = EVEN_WEIGHTS) -> Pulse | None:
    """Join the onset strengths of all bands.

    Args:
        flux: As `OnsetStream` keeps it.
        every_hops: How many hops of `HOP_S` are averaged to one value.
        weights: How much each band counts.

    Returns:
        The pulse, or None where nothing ever starts.
    """
    whole = flux.hops // every_hops
    means = flux.means
    if whole == 0 or means.sum() < _SILENT_FLUX:
        return None
    # Each band counts alike before its weight, but one that hardly exists is not blown up.
    scales = np.asarray(weights) / (means + 0.2 * means.mean())
    curve = np.zeros(whole, dtype=np.float32)
    for band, scale in enumerate(scales):
        column = flux.column(band)[: whole * every_hops]
        curve += np.float32(scale / every_hops) * column.reshape(whole, every_hops).sum(axis=1)
    hop_s = every_hops * HOP_S
    # The sum runs in float64: over hours float32 would drift.
    around = moving_mean(curve, round(_EVEN_S / hop_s))
    curve = (curve / np.maximum(around + 0.5 * curve.mean(dtype=np.float64), 1e-12)).astype(np.float32)
    start_s = (every_hops - 1) / 2 * HOP_S - FLUX_LEAD_S + ATTACK_LEAD_S
    return Pulse(strength=curve, hop_s=hop_s, start_s=start_s)


def between(pulse: Pulse, start_s: float, end_s: float) -> Pulse:
    """Return the part of a pulse between two times, not empty."""
    first = min(max(round((start_s - pulse.start_s) / pulse.hop_s), 0), pulse.strength.size - 1)
    last = min(max(round((end_s - pulse.start_s) / pulse.hop_s), first + 1), pulse.strength.size)
    return Pulse(strength=pulse.strength[first:last], hop_s=pulse.hop_s, start_s=pulse.start_s + first * pulse.hop_s)


def strikes(pulse: Pulse, *, above: float, apart_s: float) -> npt.NDArray[np.intp]:
    """Return the places of the highest values within `apart_s` that are over `above`, ascending."""
    apart = max(round(apart_s / pulse.hop_s), 1)
    peak = (pulse.strength == moving_max(pulse.strength, 2 * apart + 1)) & (pulse.strength > above)
    return np.flatnonzero(peak)


def has_pulse(flux: HopStore, levels: HopStore) -> bool:
    """Whether anything strikes: held tones beat and noise hisses, but neither stands out in time.

    Smoothed over 23 ms, the strongest 2 % of onset strength of all finished tracks at hand reach 2.9 times the mean and
    more, of noise 1.4 times, of held chords 2.1 times.
    """
    if flux.hops == 0:
        return False
    size = len(range(0, flux.hops, _STRIKE_STEP))
    total, even = np.zeros(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
    for band, mean in enumerate(flux.means):
        smooth = moving_mean32(flux.column(band), _STRIKE_HOPS)[::_STRIKE_STEP]
        total += smooth
        even += smooth / np.float32(1e-3 + mean)
    strikes = float(np.percentile(total, 98.0)) > _STRIKE_OF_LEVEL * max(float(levels.means.sum()), 1e-6)
    return strikes and float(np.percentile(even, 98.0)) > _STRIKE_OF_MEAN * float(even.mean(dtype=np.float64))
