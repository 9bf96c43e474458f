"""Energy from 1 to 10: how many instruments play at once, on a scale that is the same for every track.

Each three seconds are described by `cratehand.analysis.layer_windows`; `cratehand.analysis.layer_model`, a ridge
regression learnt on arrangements whose layers are known, says from the mean, the emptier and the fuller ones of them
about how many parts play (kick, bass, snare, hats, chords, pad, percussion, arpeggio, lead, and a voice is heard as a
lead). That is mapped linearly: 2.4 parts are 1, 5.7 are 10. Two decimals are kept, so that an encode or another gain
moves the value by little; tracks and tags carry it in whole steps.

What plays but does not move drives nobody: the parts count in full from a movement (rise of all bands over the level)
of 0.07 on, where nearly all tracks are, and not at all under 0.02, as drones are.

Loudness is left out on purpose: it says how a track was mastered, and a file that was turned down plays the same music.
All measures are ratios of levels, so gain does not change them; nor do encodes, whose traces the fit avoids.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.bare_levels import bare_blocks
from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.layer_model import count_parts
from cratehand.analysis.layer_windows import describe_layers
from cratehand.analysis.pulse import Pulse, strikes
from cratehand.analysis.spectra import BAND_CENTRES_HZ, BANDS

_MOVING: Final = (0.02, 0.07)
_PARTS: Final = (2.4, 5.7)
"""Parts at energy 1 and 10: about the ends of what is said of arrangements of two to seven."""
_LOW_HZ: Final = 150.0
_HIGH_HZ: Final = 2000.0
_STRIKE: Final = 1.5
_STRIKE_APART_S: Final = 0.05
_BROAD: Final = 0.5
_SILENT: Final = 0.05
"""Fourth root of power, relative to the track's mean: at -52 dB the noise of a pause is broad, and a codec leaves it
out."""
_NOTHING: Final = 1e-6
_CONFIDENCE: Final = 0.7
"""The scale is ours; how well it meets a DJ's own is not measured yet."""
_DIGITS: Final = 2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """The measures behind the energy; `low_share` and `high_share` are those of the feature vector, with a floor.

    `parts` is about how many play at once, None for less than one window.
    """

    onsets_a_s: float
    low_share: float
    high_share: float
    brightness: float
    breadth: float
    movement: float
    parts: float | None


def measure_drive(
    pulse: Pulse | None, flux: HopStore, levels: HopStore, chroma: HopStore, *, layers: Floats | None = None
) -> Drive | None:
    """Measure strikes, fullness and balance; None for silence.

    Args:
        pulse: Of the whole track.
        flux: As `OnsetStream` keeps it.
        levels: Likewise.
        chroma: As `PitchStream` keeps it.
        layers: What `describe_layers` says of the three, where it is known already.
    """
    bands = levels.means
    total = float(bands.sum())
    if total <= 1e-6:
        return None
    centres_hz = np.asarray(BAND_CENTRES_HZ)
    means, breadth = _bare_means(levels)
    return Drive(
        onsets_a_s=_strikes_a_second(pulse) if pulse is not None else 0.0,
        low_share=float(bands[centres_hz < _LOW_HZ].sum()) / total,
        high_share=float(bands[centres_hz > _HIGH_HZ].sum()) / total,
        brightness=float(means[centres_hz > _HIGH_HZ].sum() / means.sum()),
        breadth=breadth,
        movement=float(flux.means.sum() / means.sum()),
        parts=count_parts(describe_layers(flux, levels, chroma) if layers is None else layers),
    )


def _bare_means(levels: HopStore) -> tuple[Floats, float]:
    """Return the mean bare level of each band, ``(BANDS,)``, and the share of them that are strong at a time."""
    strong, total = 0, np.zeros(BANDS)
    silent = max(_SILENT * float(levels.means.mean()), _NOTHING)
    for block in bare_blocks(levels):
        total += block.sum(axis=0, dtype=np.float64)
        strong += int((block > np.maximum(_BROAD * block.max(axis=1, keepdims=True), silent)).sum())
    return np.maximum(total, _NOTHING) / max(levels.hops, 1), strong / max(levels.hops * BANDS, 1)


def _strikes_a_second(pulse: Pulse) -> float:
    found = strikes(pulse, above=_STRIKE, apart_s=_STRIKE_APART_S)
    return float(found.size / max(pulse.duration_s, 1.0))


def drive_score(drive: Drive) -> float:
    """Return the energy before it is rounded, 0 ... 1; NaN where not even a window is known."""
    if drive.parts is None:
        return float("nan")
    return _share(drive.movement, *_MOVING) * _share(drive.parts, *_PARTS)


def _share(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def rate_energy(drive: Drive | None, *, duration_s: float) -> tuple[float | None, float]:
    """Return the energy, 1.0 ... 10.0, and its confidence; None for silence and less than 3 s."""
    if drive is None or drive.parts is None:
        return None, 0.0
    energy = round(1.0 + 9.0 * drive_score(drive), _DIGITS)
    return energy, round(_CONFIDENCE * min(duration_s / 20.0, 1.0), 3)
