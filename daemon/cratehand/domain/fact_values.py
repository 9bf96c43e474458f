"""What value each field holds, as text for the catalogue and the wire, and back.

The text is JSON: strings and numbers as they are, `MusicalKey` as ``"A minor"``, everything else as the objects of
surface.md. Reading is strict: a text that is not of the field's shape raises `InvalidInputError`.
"""

import base64
import json
import math
from dataclasses import asdict
from typing import Any, Final, cast

import numpy as np

from cratehand.domain.audio_quality import AudioQuality, QualityFinding, QualityVerdict
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.cue import SuggestedCue, SuggestedCueKind
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import FLOAT_FIELDS, INTEGER_FIELDS, TEXT_FIELDS, Field
from cratehand.domain.key import KeyStretch, MusicalKey, parse_key
from cratehand.domain.loudness import Loudness
from cratehand.domain.sound_tags import SoundTag, TagKind
from cratehand.domain.structure import Section, SectionLabel
from cratehand.domain.tempo import PossibleTempo
from cratehand.domain.waveform import Waveform

_ITEMS: Final = (Section, SuggestedCue, PossibleTempo, SoundTag)


def to_json(value: object) -> Any:
    """Return the JSON-able form of a fact's value: str, int, float, list or dict."""
    match value:
        case None | str() | int() | float():
            return value
        case MusicalKey():
            return str(value)
        case BeatGrid():
            return {
                "anchors": [asdict(anchor) for anchor in value.anchors],
                "beats_per_bar": value.beats_per_bar,
            }
        case Loudness() | AudioQuality():
            return asdict(value)
        case Waveform():
            levels = base64.b64encode(np.ascontiguousarray(value.levels).tobytes()).decode("ascii")
            return {"levels": levels, "step_s": value.step_s}
        case tuple() | list():
            return [_item_json(item) for item in value]
        case _:
            raise InvalidInputError(f"a {type(value).__name__} can not be the value of a fact")


def _item_json(item: object) -> Any:
    if isinstance(item, KeyStretch):
        return {"start_s": item.start_s, "key": str(item.key)}
    return asdict(cast("Any", item)) if isinstance(item, _ITEMS) else item


def encode(value: object) -> str:
    """Return the compact JSON text of a fact's value.

    Raises:
        InvalidInputError: It is of no kind that a fact can have, or holds a number that is not finite.
    """
    try:
        return json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"a {type(value).__name__} can not be stored: {error}") from error


def decode(field: Field, text: str) -> object:
    """Read the value of `field` back from its JSON text.

    Raises:
        InvalidInputError: The text is not JSON or not of the field's shape.
    """
    try:
        return from_json(field, json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidInputError(f"{field}: {text[:80]!r} is not a value of this field") from error


def from_json(field: Field, raw: Any) -> object:
    """Turn the JSON-able form into the field's domain value; raises ValueError, TypeError or KeyError if it can't."""
    if raw is None:
        return None
    if field in TEXT_FIELDS:
        return _expect(str, raw)
    if field in INTEGER_FIELDS:
        return _whole(raw)
    if field in FLOAT_FIELDS:
        return _number(raw)
    return _structured(field, raw)


def _structured(field: Field, raw: Any) -> object:
    match field:
        case Field.KEY:
            return _expect(MusicalKey, parse_key(raw))
        case Field.TAGS:
            return tuple(_expect(str, tag) for tag in _expect(list, raw))
        case Field.BEAT_GRID:
            return BeatGrid(
                anchors=tuple(_anchor(**anchor) for anchor in raw["anchors"]),
                beats_per_bar=_whole(raw["beats_per_bar"]),
            )
        case Field.POSSIBLE_TEMPOS:
            return tuple(_possible_tempo(**each) for each in raw)
        case Field.KEY_CHANGES:
            return tuple(_key_stretch(**each) for each in raw)
        case Field.LOUDNESS:
            return Loudness(**{name: _number_or_none(value) for name, value in raw.items()})
        case Field.SECTIONS:
            return tuple(_section(**section) for section in raw)
        case Field.SUGGESTED_CUES:
            return tuple(_suggested_cue(**cue) for cue in raw)
        case Field.WAVEFORM:
            levels = np.frombuffer(base64.b64decode(raw["levels"], validate=True), dtype=np.uint8).reshape(4, -1)
            return Waveform(levels=levels, step_s=_number(raw["step_s"]))
        case Field.QUALITY:
            return _quality(**raw)
        case Field.SOUND_TAGS:
            return tuple(_sound_tag(**each) for each in raw)
        case _:
            raise ValueError(f"{field} has no structured form")


def _anchor(*, start_s: Any, tempo_bpm: Any, beat_in_bar: Any = 1) -> GridAnchor:
    return GridAnchor(start_s=_number(start_s), tempo_bpm=_number(tempo_bpm), beat_in_bar=_whole(beat_in_bar))


def _possible_tempo(*, tempo_bpm: Any, confidence: Any) -> PossibleTempo:
    return PossibleTempo(tempo_bpm=_number(tempo_bpm), confidence=_number(confidence))


def _key_stretch(*, start_s: Any, key: Any) -> KeyStretch:
    return KeyStretch(start_s=_number(start_s), key=_expect(MusicalKey, parse_key(key)))


def _section(*, start_s: Any, end_s: Any, label: Any) -> Section:
    return Section(start_s=_number(start_s), end_s=_number(end_s), label=SectionLabel(label))


def _suggested_cue(*, kind: Any, start_s: Any, end_s: Any = None, reason: Any) -> SuggestedCue:
    return SuggestedCue(
        kind=SuggestedCueKind(kind),
        start_s=_number(start_s),
        end_s=_number_or_none(end_s),
        reason=_expect(str, reason),
    )


def _quality(*, verdict: Any, findings: Any, source_class: Any = None, evidence: Any) -> AudioQuality:
    return AudioQuality(
        verdict=QualityVerdict(verdict),
        findings=tuple(QualityFinding(finding) for finding in findings),
        source_class=None if source_class is None else _expect(str, source_class),
        evidence={name: _number(value) for name, value in evidence.items()},
    )


def _sound_tag(*, tag: Any, kind: Any, probability: Any, genre: Any = None) -> SoundTag:
    return SoundTag(
        tag=_expect(str, tag),
        kind=TagKind(kind),
        probability=_number(probability),
        genre=None if genre is None else _expect(str, genre),
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, got {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError("expected a finite number")
    return float(value)


def _number_or_none(value: Any) -> float | None:
    return None if value is None else _number(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError("expected a whole number, got bool")
    return int(_expect(int, value))


def _expect(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value
