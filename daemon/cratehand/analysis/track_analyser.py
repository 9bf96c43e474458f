"""The whole analysis of one track in one pass over its samples."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.analysis_rate import ANALYSIS_RATE_HZ, MonoStream
from cratehand.analysis.audio_features import rate_features
from cratehand.analysis.bandwidth import BandwidthStream
from cratehand.analysis.beat_features import HopFeatures
from cratehand.analysis.beatgrid_fit import GridFit, fit_grid
from cratehand.analysis.block_stream import FixedBlocks
from cratehand.analysis.calibration import Evidence
from cratehand.analysis.codec_traces import search_traces
from cratehand.analysis.cues import suggest_cues
from cratehand.analysis.dna.features import LONGEST_S, measure_features
from cratehand.analysis.dna.material import TrackMaterial
from cratehand.analysis.energy import Drive, measure_drive, rate_energy
from cratehand.analysis.excerpts import ExcerptStream
from cratehand.analysis.feature_vector import Description, describe
from cratehand.analysis.harmonic_motion import HarmonicMotion
from cratehand.analysis.key import KeyFit, doubt_speech, fit_key
from cratehand.analysis.key_changes import find_key_changes
from cratehand.analysis.layer_windows import describe_layers
from cratehand.analysis.loudness import LoudnessStream
from cratehand.analysis.onsets import OnsetStream
from cratehand.analysis.passages import PassageStream
from cratehand.analysis.pitch import PitchStream
from cratehand.analysis.pulse import make_pulse
from cratehand.analysis.quality import judge
from cratehand.analysis.sections import Structure, find_sections
from cratehand.analysis.signal_levels import LevelStream, SignalLevels
from cratehand.analysis.sound_windows import describe_windows
from cratehand.analysis.tonal_profile import bars_of
from cratehand.analysis.waveform import WaveformStream
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.audio_quality import AudioQuality
from cratehand.domain.embedding import Vector
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.track_analysis import TrackAnalysis

Floats = npt.NDArray[np.float64]

_BLOCK_FRAMES: Final = 1 << 17
"""Three seconds at 44.1 kHz: long enough for NumPy to be busy, short enough to stay in little memory."""
_LOUDEST: Final = np.float32(64.0)
"""36 dB over full scale: more is a broken file, and its squares would overflow."""
_RATES_HZ: Final = (4_000, 768_000)


class TrackAnalyser:
    """Measures one track that is fed block by block; what it keeps are features, hardly any samples.

    The result does not depend on the sizes of the blocks. Memory grows by about 10 MB an hour.
    A few excerpts are kept as they are, for models that listen to them.

    Args:
        sample_rate_hz: Rate of the samples, 4,000 ... 768,000.
        channels: How many channels every block has.
        declared: What the file says about itself; the verdict on its quality needs it.

    Raises:
        InvalidInputError: A rate or channel count outside what can be measured.
    """

    def __init__(self, sample_rate_hz: int, channels: int, *, declared: AudioFormat | None = None) -> None:
        if not _RATES_HZ[0] <= sample_rate_hz <= _RATES_HZ[1]:
            raise InvalidInputError(f"a sample rate of {sample_rate_hz} Hz can not be analysed")
        if channels < 1:
            raise InvalidInputError(f"audio has at least one channel, not {channels}")
        self._rate_hz = sample_rate_hz
        self._channels = channels
        self._declared = declared
        self._blocks = FixedBlocks(_BLOCK_FRAMES)
        self._mono = MonoStream(sample_rate_hz=sample_rate_hz, channels=channels)
        self._onsets = OnsetStream()
        self._pitch = PitchStream()
        self._motion = HarmonicMotion()
        self._loudness = LoudnessStream(sample_rate_hz=sample_rate_hz, channels=channels)
        self._levels = LevelStream(sample_rate_hz=sample_rate_hz, channels=channels)
        self._bandwidth = BandwidthStream(sample_rate_hz=sample_rate_hz)
        # What is openly lossy needs no search for its codec.
        self._passages = PassageStream() if declared is None or declared.lossless else None
        self._waveform = WaveformStream(sample_rate_hz=sample_rate_hz)
        self._excerpts = ExcerptStream()
        self._material: TrackMaterial | None = None
        self.evidence: dict[str, Evidence] = {}
        """After `finish`: what the confidences of tempo, grid, key and sections follow from, for fitting them."""

    def feed(self, samples: Samples) -> None:
        """Take the next block, float32 ``(channels, frames)``, of any length.

        Raises:
            InvalidInputError: The block has another shape.
        """
        if samples.ndim != 2 or samples.shape[0] != self._channels:
            raise InvalidInputError(f"a block is ({self._channels}, frames), not {samples.shape}")
        for block in self._blocks.feed(np.asarray(samples, dtype=np.float32)):
            self._measure(block)

    def _measure(self, block: Samples) -> None:
        block = _sane(block)
        self._levels.feed(block)
        self._loudness.feed(block)
        self._bandwidth.feed(block)
        if self._passages is not None:
            self._passages.feed(block)
        self._waveform.feed(block)
        self._follow(self._mono.feed(block))

    def _follow(self, mono: Samples) -> None:
        self._waveform.feed_powers(self._onsets.feed(mono))
        self._pitch.feed(mono)
        self._motion.feed(mono)
        self._excerpts.feed(mono)

    def finish(self) -> TrackAnalysis:
        """Return what was found in everything fed; what can not be measured is None. Call it once."""
        rest = self._blocks.rest()
        if rest is not None:
            self._measure(rest)
        self._follow(self._mono.finish())
        self._waveform.feed_powers(self._onsets.finish())
        self._pitch.finish()
        self._motion.finish()
        return self._conclude()

    def excerpts(self) -> tuple[int, tuple[Samples, ...]]:
        """Return a rate in Hz and some excerpts at it, float32 ``(1, frames)`` of three seconds; call it at the end."""
        return ANALYSIS_RATE_HZ, self._excerpts.finish()

    def dna_features(self, *, longest_s: float = LONGEST_S) -> Vector | None:
        """Return what `cratehand.analysis.dna.features` measures; None before the end, for silence and for mixes."""
        if self._material is None or self._material.drive is None or self._material.analysis.duration_s > longest_s:
            return None
        return measure_features(replace(self._material, excerpts=self._excerpts.finish()))

    def _conclude(self) -> TrackAnalysis:
        levels, loudness = self._levels.finish(), self._loudness.finish()
        duration_s = levels.frames / self._rate_hz
        features = self._features(duration_s)
        found = fit_grid(features)
        structure = _structure(found, duration_s)
        key = self._key(found, structure, duration_s)
        self._note_evidence(found, structure, key)
        layers = describe_layers(features.flux, features.levels, features.chroma)
        windows = describe_windows(features.levels, self._motion.rows)
        drive = measure_drive(make_pulse(features.flux), features.flux, features.levels, features.chroma, layers=layers)
        energy, energy_confidence = rate_energy(drive, duration_s=duration_s)
        quality, quality_confidence = self._judge(levels)
        rated = rate_features(features, drive=drive, tonalness=self._pitch.tonalness, key=key, windows=windows)
        if found is None:
            key = doubt_speech(key, rated.speechiness if rated else None)
        described = Description(
            features=features,
            grid=found.grid if found else None,
            key=key.key,
            tuning_cents=key.tuning_cents,
            loudness=loudness,
            drive=drive,
            energy=None if energy is None else round(energy),
            tonalness=self._pitch.tonalness,
        )
        analysis = TrackAnalysis(
            duration_s=duration_s,
            **_rhythm(found, structure, duration_s),
            **self._harmony(key),
            loudness=loudness,
            energy=energy,
            energy_confidence=energy_confidence,
            audio_features=rated,
            waveform=self._waveform.finish(),
            quality=quality,
            quality_confidence=quality_confidence,
            feature_vector=describe(described),
        )
        self._material = self._left(analysis, levels=levels, key=key, drive=drive, windows=(layers, windows))
        return analysis

    def _left(
        self,
        analysis: TrackAnalysis,
        *,
        levels: SignalLevels,
        key: KeyFit,
        drive: Drive | None,
        windows: tuple[Floats, Floats],
    ) -> TrackMaterial:
        return TrackMaterial(
            analysis=analysis,
            features=self._features(analysis.duration_s),
            bass=self._pitch.bass,
            deviations=self._pitch.deviations,
            tonalness=self._pitch.tonalness,
            layers=windows[0],
            windows=windows[1],
            levels=levels,
            key=key,
            drive=drive,
            excerpts=(),
        )

    def _harmony(self, key: KeyFit) -> dict[str, Any]:
        """Return the fields of `TrackAnalysis` that hang on the key."""
        tones = self._pitch
        return {
            "key": key.key,
            "key_confidence": key.confidence,
            "key_changes": find_key_changes(tones.chroma, tones.bass, tones.deviations) if key.key else (),
            "tuning_cents": key.tuning_cents,
        }

    def _key(self, found: GridFit | None, structure: Structure, duration_s: float) -> KeyFit:
        tones = self._pitch
        bars = bars_of(found.grid if found else None, structure.sections, duration_s=duration_s)
        return fit_key(tones.chroma, tones.bass, tones.deviations, bars, duration_s=duration_s)

    def _note_evidence(self, found: GridFit | None, structure: Structure, key: KeyFit) -> None:
        if found is not None:
            self.evidence |= {"tempo": found.evidence, "grid": found.evidence, "sections": structure.evidence}
        if key.key is not None:
            self.evidence["key"] = key.evidence

    def _judge(self, levels: SignalLevels) -> tuple[AudioQuality, float]:
        return judge(
            levels,
            self._bandwidth.finish(),
            search_traces(self._passages.finish()) if self._passages is not None else [],
            sample_rate_hz=self._rate_hz,
            channels=self._channels,
            declared=self._declared,
        )

    def _features(self, duration_s: float) -> HopFeatures:
        return HopFeatures(
            flux=self._onsets.flux, levels=self._onsets.levels, chroma=self._pitch.chroma, duration_s=duration_s
        )


def _rhythm(found: GridFit | None, structure: Structure, duration_s: float) -> dict[str, Any]:
    """Return the fields of `TrackAnalysis` that hang on the beat grid; none where there is no beat."""
    if found is None:
        return {}
    return {
        "tempo_bpm": round(found.tempo_bpm, 2),
        "tempo_confidence": found.tempo_confidence,
        "possible_tempos": found.possible,
        "beat_grid": found.grid,
        "beat_grid_confidence": found.grid_confidence,
        "sections": structure.sections,
        "sections_confidence": structure.confidence,
        "suggested_cues": suggest_cues(found.grid, structure.sections, duration_s=duration_s),
    }


def _structure(found: GridFit | None, duration_s: float) -> Structure:
    if found is None:
        return Structure(sections=(), confidence=0.0)
    beats = list(found.grid.beats(until_s=duration_s))
    first = next((index for index, (_, beat) in enumerate(beats) if beat == 1), 0)
    return find_sections(
        found.beats,
        first_downbeat=first,
        duration_s=duration_s,
        grid_confidence=found.grid_confidence,
        beats_per_bar=found.grid.beats_per_bar,
    )


def _sane(block: Samples) -> Samples:
    """Replace what is no number by silence and bound the rest; a good block is returned as it is."""
    highest = np.abs(block).max(initial=0.0)
    if highest <= _LOUDEST:
        return block
    # NaN compares false and comes here too.
    return np.clip(np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0), -_LOUDEST, _LOUDEST)
