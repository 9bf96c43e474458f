"""What is true of a sound, what an analyser said of it, and how both are kept as JSON."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

RELATIONS: Final = (1.0, 2.0, 0.5)
"""How another right tempo can lie to the first one."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Everything known of one file. Empty or None is "not defined for it", never "not there"."""

    name: str
    set: str
    group: str
    duration_s: float = 0.0
    tempo_bpm: float | None = None
    """The written tempo; of changing music that of the longest piece."""
    also_right_bpm: float | None = None
    """A second octave that counts as right."""
    constant: bool = True
    beats_s: list[float] = field(default_factory=list)
    downbeats_s: list[float] = field(default_factory=list)
    beats_per_bar: int = 4
    pieces: int | None = None
    """How many constant pieces the tempo has; None where it has none (ramps, live)."""
    key: str | None = None
    """Tonic and mode in words, as in surface.md: ``A minor``."""
    tuning_cents: float | None = None
    sections: list[tuple[float, float, str]] = field(default_factory=list)
    minor_boundaries_s: list[float] = field(default_factory=list)
    """Where a layer enters inside a section: a boundary said there is neither right nor wrong."""
    layers: float | None = None
    """Mean number of layers, weighted by time."""
    voice: str | None = None
    """``none``, ``sung`` or ``spoken``."""
    music: bool | None = None
    codec: str | None = None
    """``lossless`` or the class it went through, e.g. ``mp3 128``."""
    walled: bool | None = None
    """Of an encode: whether its wall lies below 19.9 kHz, so that it has to be recognised."""
    full_band: bool | None = None
    """Whether the lossless original has sound up to 21 kHz."""
    loudness: dict[str, float] = field(default_factory=dict)
    """Published values of EBU test signals."""
    base: str | None = None
    """Name of the file that this one is a variant of."""
    offset_s: float = 0.0
    """How much later the sound lies in this variant than in its base, measured on the decoded audio."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read what `to_json` gave."""
        known = {part.name for part in fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        values["sections"] = [(start, end, label) for start, end, label in values.get("sections", [])]
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A file and its truth."""

    path: Path
    truth: Truth


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one analyser said of one file; None is "said nothing"."""

    name: str
    seconds: float = 0.0
    """Wall time of the analysis in its process, decoding included."""
    cpu_seconds: float = 0.0
    peak_rss_mb: float | None = None
    tempo_bpm: float | None = None
    tempo_confidence: float | None = None
    beats_s: list[float] | None = None
    downbeats_s: list[float] | None = None
    beat_confidence: float | None = None
    grid_pieces: int | None = None
    tempos: list[tuple[float, float]] | None = None
    """Start and tempo of each constant piece."""
    alternatives: list[float] | None = None
    key: str | None = None
    key_confidence: float | None = None
    tuning_cents: float | None = None
    sections: list[tuple[float, float, str]] | None = None
    sections_confidence: float | None = None
    cues: list[tuple[float, str]] | None = None
    features: dict[str, float] = field(default_factory=dict)
    """Energy, danceability and the like, by name."""
    feature_confidences: dict[str, float] = field(default_factory=dict)
    integrated_lufs: float | None = None
    range_lu: float | None = None
    max_short_term_lufs: float | None = None
    true_peak_dbtp: float | None = None
    verdict: str | None = None
    source_class: str | None = None
    quality_confidence: float | None = None
    findings: list[str] | None = None
    evidence: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read what `to_json` gave, or what a peer's runner wrote; unknown names are left out."""
        known = {part.name for part in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


def write_truth(path: Path, truth: Truth) -> None:
    """Keep the truth beside its sound; written last, so that a sound with a truth is complete."""
    path.write_text(json.dumps(truth.to_json()), encoding="utf-8")


def read_truth(path: Path) -> Truth:
    """Read what `write_truth` kept."""
    return Truth.from_json(json.loads(path.read_text(encoding="utf-8")))
