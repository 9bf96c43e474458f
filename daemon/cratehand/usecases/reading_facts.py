"""What a reading of a file says, as statements."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

from cratehand.domain.audio_features import AudioFeatures
from cratehand.domain.embedding import SOUND_SPACE
from cratehand.domain.fields import AUDIO_FEATURE_FIELDS, INTEGER_FIELDS, TEXT_FIELDS, Field
from cratehand.domain.provenance import AnyFact, Fact, Source, SourceKind
from cratehand.domain.sound_tags import with_genres
from cratehand.domain.track_analysis import FileReading, TrackAnalysis

ANALYSIS: Final = Source(kind=SourceKind.ANALYSIS, name="cratehand", version="1")
TAGS: Final = Source(kind=SourceKind.TAGS, name="file")
FILE: Final = Source(kind=SourceKind.ANALYSIS, name="file")
"""What the container declares."""
TAGGER: Final = Source(kind=SourceKind.ANALYSIS, name=SOUND_SPACE.model, version=SOUND_SPACE.version)
FILE_NAME: Final = Source(kind=SourceKind.FILE_NAME)


_TAG_FIELDS: Final = sorted(TEXT_FIELDS | INTEGER_FIELDS | {Field.TEMPO_BPM, Field.KEY, Field.TAGS})


def facts_of(reading: FileReading, *, at_s: float, genres: Sequence[str] = ()) -> list[AnyFact]:
    """Turn a reading into statements: tags, declarations, file name, and what was measured.

    What a tag or a measurement said before and says no more becomes a None, which takes the old statement back.

    Args:
        reading: What was found in the file.
        at_s: Wall time of the statements.
        genres: The collection's names of genres, the most used first: tags that a model hears are told in them.
    """
    facts = [_fact(field, reading.tags.get(field), TAGS, at_s) for field in _TAG_FIELDS if reading.format is not None]
    facts += [_fact(field, value, FILE, at_s) for field, value in _declared(reading).items()]
    facts += [_fact(field, value, FILE_NAME, at_s, 0.5) for field, value in names_in(reading.path).items()]
    if reading.analysis is not None:
        facts.append(_fact(Field.FINGERPRINT, reading.fingerprint, ANALYSIS, at_s))
        measured = {**_measured(reading.analysis), **_features(reading.analysis)}
        facts.append(_heard(reading, genres, at_s))
        facts += [
            _fact(field, None if value == () else value, ANALYSIS, at_s, confidence)
            for field, (value, confidence) in measured.items()
        ]
    return facts


def _heard(reading: FileReading, genres: Sequence[str], at_s: float) -> AnyFact:
    sound = reading.sound
    if sound is None or not sound.tags:
        return _fact(Field.SOUND_TAGS, None, TAGGER, at_s)
    source = Source(kind=SourceKind.ANALYSIS, name=sound.model, version=sound.version)
    return _fact(Field.SOUND_TAGS, with_genres(sound.tags, genres), source, at_s, sound.tags[0].probability)


def _declared(reading: FileReading) -> Mapping[Field, object]:
    size = {Field.FILE_SIZE_BYTES: reading.stamp.size_bytes} if reading.stamp else {}
    declared = reading.format
    if declared is None:
        return size
    return size | {
        Field.CODEC: declared.codec,
        Field.SAMPLE_RATE_HZ: declared.sample_rate_hz,
        Field.CHANNELS: declared.channels,
        Field.BIT_DEPTH: declared.bit_depth,
        Field.BIT_RATE_KBPS: declared.bit_rate_kbps,
    }


def _measured(analysis: TrackAnalysis) -> Mapping[Field, tuple[object, float]]:
    return {
        Field.DURATION_S: (round(analysis.duration_s, 4), 1.0),
        Field.TEMPO_BPM: (analysis.tempo_bpm, analysis.tempo_confidence),
        Field.POSSIBLE_TEMPOS: (analysis.possible_tempos, analysis.tempo_confidence),
        Field.BEAT_GRID: (analysis.beat_grid, analysis.beat_grid_confidence),
        Field.KEY: (analysis.key, analysis.key_confidence),
        Field.KEY_CHANGES: (analysis.key_changes, analysis.key_confidence),
        Field.TUNING_CENTS: (analysis.tuning_cents, analysis.key_confidence),
        Field.LOUDNESS: (analysis.loudness, 1.0),
        Field.ENERGY: (analysis.whole_energy, analysis.energy_confidence),
        Field.SECTIONS: (analysis.sections, analysis.sections_confidence),
        Field.SUGGESTED_CUES: (analysis.suggested_cues, analysis.sections_confidence),
        Field.WAVEFORM: (analysis.waveform, 1.0),
        Field.QUALITY: (analysis.quality, analysis.quality_confidence),
    }


def _features(analysis: TrackAnalysis) -> Mapping[Field, tuple[object, float]]:
    features = analysis.audio_features or AudioFeatures()
    return {field: (getattr(features, field.value), features.confidence) for field in sorted(AUDIO_FEATURE_FIELDS)}


def names_in(path: str) -> dict[Field, object]:
    """Guess title and artist from a file name like ``01 - Artist - Title.mp3``; without a dash all is title."""
    stem = PurePath(path).stem.encode("utf-8", "replace").decode("utf-8").replace("_", " ").strip()
    parts = [part.strip() for part in stem.split(" - ") if part.strip()]
    if len(parts) > 1 and parts[0].rstrip(".").isdigit():
        parts = parts[1:]
    if len(parts) >= 2:
        return {Field.ARTIST: parts[0], Field.TITLE: " - ".join(parts[1:])}
    return {Field.TITLE: stem} if stem else {}


def _fact(field: Field, value: object, source: Source, at_s: float, confidence: float = 1.0) -> AnyFact:
    return Fact(field=field, value=value, source=source, at_s=at_s, confidence=confidence)
