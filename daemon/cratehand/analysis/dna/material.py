"""What the one pass over a track leaves behind, as far as its features are made of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cratehand.analysis.beat_features import HopFeatures
from cratehand.analysis.energy import Drive
from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.key import KeyFit
from cratehand.analysis.signal_levels import SignalLevels
from cratehand.domain.audio import Samples
from cratehand.domain.track_analysis import TrackAnalysis

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackMaterial:
    """One analysed track; what could not be measured is None or has no rows.

    Attributes:
        analysis: What was found.
        features: What the streams kept of the whole track.
        bass: As `cratehand.analysis.pitch.PitchStream` keeps it.
        deviations: Likewise.
        tonalness: Likewise.
        layers: Rows of `cratehand.analysis.layer_windows.describe_layers`.
        windows: Rows of `cratehand.analysis.sound_windows.describe_windows`.
        levels: What was counted on the samples.
        key: The key with what it was found by.
        drive: The measures behind the energy; None for silence.
        excerpts: Of three seconds at `cratehand.analysis.analysis_rate.ANALYSIS_RATE_HZ`, float32 ``(1, frames)``.
    """

    analysis: TrackAnalysis
    features: HopFeatures
    bass: HopStore
    deviations: Floats
    tonalness: float
    layers: Floats
    windows: Floats
    levels: SignalLevels
    key: KeyFit
    drive: Drive | None
    excerpts: tuple[Samples, ...]
