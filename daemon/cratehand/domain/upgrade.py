"""Whether one file is a better copy of the recording that another file carries: the evidence and the judgement."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cratehand.domain.audio import AudioFormat
from cratehand.domain.audio_quality import AudioQuality, QualityVerdict


class Relation(StrEnum):
    """What two files are to each other, by their sound."""

    SAME = "same"
    """One recording in one master: only codec, level, polarity, sample rate or silence at the ends differ."""
    RELATED = "related"
    """Remaster, instrumental, edit, other speed or pitch: a person may want it, nothing is swapped by itself."""
    DIFFERENT = "different"


class Standing(StrEnum):
    """How the candidate compares with the current file, by what the sound itself says."""

    BETTER = "better"
    EQUAL = "equal"
    WORSE = "worse"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyName:
    """How a copy is called; None is "not known"."""

    title: str | None = None
    artist: str | None = None
    mix: str | None = None
    """The version where it stands in a field of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyEvidence:
    """What is known of one file that takes part in a judgement."""

    path: Path
    format: AudioFormat
    """What the file declares: codec, bit rate, sample rate, bit depth, channels, lossless or not."""
    name: CopyName
    duration_s: float
    """Length of what the decoder delivered."""
    sounding_start_s: float
    """Time of the first sample above -60 dBFS; equal to `sounding_end_s` where nothing sounds."""
    sounding_end_s: float
    """Time after the last sample above -60 dBFS."""
    fingerprint: str | None = None
    """Chromaprint, the compressed base64 form; None for sound too short to have any."""
    quality: AudioQuality
    """Verdict, supposed source class, findings and the numbers behind them."""

    @property
    def sounding_s(self) -> float:
        """Length between the first and the last sounding sample."""
        return self.sounding_end_s - self.sounding_start_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Where the candidate's sound lies against the current file's.

    A moment at `t` seconds of the current file is at `t + offset_s` of the candidate.
    """

    offset_s: float
    """Positive: the candidate's sound starts later."""
    start_offset_s: float
    """Measured near the start alone; likewise `middle_offset_s` and `end_offset_s`."""
    middle_offset_s: float
    end_offset_s: float
    drift_ppm: float
    """How much faster (positive) time runs in the candidate, parts per million; about 0 for true copies."""
    correlation: float
    """0..1: how alike the aligned waveforms are in the common band."""
    residual_db: float
    """Level of the difference after alignment and matched gain, against the current file; -80 is a bare copy."""
    gain_db: float
    """Level of the candidate against the current file."""
    inverted: bool = False
    """Whether the candidate has the opposite polarity, which nobody hears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The answer for one pair of files."""

    current: CopyEvidence
    candidate: CopyEvidence
    relation: Relation
    better: Standing
    """Of the candidate; `CANNOT_TELL` also where the relation already decides."""
    accepted: bool
    """Whether the candidate may take the current file's place: same recording, better, aligned."""
    reason: str
    """Why, in one sentence that a DJ understands."""
    alignment: Alignment | None = None
    """None where the two could not be aligned."""
    numbers: dict[str, float] = field(default_factory=dict)
    """What the answer rests on, with units in the names: ``fingerprint_ber``, ``worst_window_ber``, ..."""

    @property
    def offset_s(self) -> float | None:
        """What to add to every cue, loop, anchor and section of the current file; None where they can't be aligned."""
        return None if self.alignment is None else self.alignment.offset_s

    @property
    def candidate_verdict(self) -> QualityVerdict:
        """The verdict on the candidate's codec history."""
        return self.candidate.quality.verdict
