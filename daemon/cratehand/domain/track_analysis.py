"""What one complete analysis of one file found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cratehand.domain.audio import AudioFormat
from cratehand.domain.audio_features import AudioFeatures
from cratehand.domain.audio_quality import AudioQuality
from cratehand.domain.beatgrid import BeatGrid
from cratehand.domain.cue import SuggestedCue
from cratehand.domain.embedding import EmbeddingSpace, Vector
from cratehand.domain.fields import Field
from cratehand.domain.ids import ContentDigest
from cratehand.domain.key import KeyStretch, MusicalKey
from cratehand.domain.loudness import Loudness
from cratehand.domain.sound_tags import SoundDescription
from cratehand.domain.structure import Section
from cratehand.domain.tempo import PossibleTempo
from cratehand.domain.track import FileStamp
from cratehand.domain.waveform import Waveform


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackAnalysis:
    """Everything measured on the sound of one track. None is "could not be measured", never 0."""

    duration_s: float
    """Length of what the decoder delivered."""
    tempo_bpm: float | None = None
    tempo_confidence: float = 0.0
    possible_tempos: tuple[PossibleTempo, ...] = ()
    """What the tempo may be by the sound alone, most likely first; `tempo_bpm` is one of them."""
    beat_grid: BeatGrid | None = None
    beat_grid_confidence: float = 0.0
    key: MusicalKey | None = None
    key_confidence: float = 0.0
    key_changes: tuple[KeyStretch, ...] = ()
    """Empty where the track stays in its key."""
    tuning_cents: float | None = None
    loudness: Loudness | None = None
    energy: float | None = None
    """1.0 ... 10.0, to two decimals."""
    energy_confidence: float = 0.0
    audio_features: AudioFeatures | None = None
    sections: tuple[Section, ...] = ()
    sections_confidence: float = 0.0
    suggested_cues: tuple[SuggestedCue, ...] = ()
    waveform: Waveform | None = None
    quality: AudioQuality | None = None
    quality_confidence: float = 0.0
    feature_vector: Vector | None = None
    """In `cratehand.domain.embedding.DSP_SPACE`, unit length."""

    @property
    def whole_energy(self) -> int | None:
        """The energy in the whole steps that tracks and tags carry, 1 ... 10."""
        return None if self.energy is None else round(self.energy)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileReading:
    """What a worker brings back from one file: identity, declarations, tags, and the analysis or the reason why not."""

    path: str
    stamp: FileStamp | None = None
    digest: ContentDigest | None = None
    format: AudioFormat | None = None
    tags: Mapping[Field, object] = field(default_factory=dict)
    fingerprint: str | None = None
    """Chromaprint of the first 120 s, the base64 form that AcoustID takes."""
    analysis: TrackAnalysis | None = None
    sound: SoundDescription | None = None
    """None where nothing can describe it here, or nothing sounds."""
    places: Mapping[EmbeddingSpace, Vector] = field(default_factory=dict)
    """Where models that are switched on place the sound; what they can not place is absent."""
    dna: Vector | None = None
    """In `cratehand.domain.embedding.DNA_SPACE`; None where nothing can join it here, or nothing sounds."""
    errors: tuple[str, ...] = ()
    """One line each; with `analysis` None the file could not be read."""
    seconds_spent: float = 0.0
