"""What value each field holds, as text for the catalogue and the wire, and back.

The text is JSON: strings and numbers as they are, `MusicalKey` as ``"A minor"``, everything else as the objects of
surface.md. Reading is strict: a text that is not of the field's shape raises `InvalidInputError`.
"""

import base64
import json
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from cratehand.domain.audio_quality import AudioQuality, QualityFinding, QualityVerdict
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.cue import SuggestedCue, SuggestedCueKind
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import FLOAT_FIELDS, INTEGER_FIELDS, TEXT_FIELDS, Field
from cratehand.domain.key import MusicalKey, parse_key
from cratehand.domain.loudness import Loudness
from cratehand.domain.structure import Section, SectionLabel
from cratehand.domain.waveform import Waveform


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
            return [asdict(cast("Any", item)) if isinstance(item, Section | SuggestedCue) else item for item in value]
        case _:
            raise InvalidInputError(f"a {type(value).__name__} can not be the value of a fact")


def encode(value: object) -> str:
    """Return the compact JSON text of a fact's value."""
    return json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def decode(field: Field, text: str) -> object:
    """Read the value of `field` back from its JSON text.

    Raises:
        InvalidInputError: The text is not JSON or not of the field's shape.
    """
    try:
        return from_json(field, json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInputError(f"{field}: {text[:80]!r} is not a value of this field") from error


def from_json(field: Field, raw: Any) -> object:
    """Turn the JSON-able form into the field's domain value; raises ValueError, TypeError or KeyError if it can't."""
    if raw is None:
        return None
    if field in TEXT_FIELDS:
        return _expect(str, raw)
    if field in INTEGER_FIELDS:
        return int(_expect(int, raw))
    if field in FLOAT_FIELDS:
        return float(raw)
    return _structured(field, raw)


def _structured(field: Field, raw: Any) -> object:
    match field:
        case Field.KEY:
            return _expect(MusicalKey, parse_key(raw))
        case Field.TAGS:
            return tuple(_expect(str, tag) for tag in raw)
        case Field.BEAT_GRID:
            return BeatGrid(
                anchors=tuple(GridAnchor(**anchor) for anchor in raw["anchors"]),
                beats_per_bar=raw["beats_per_bar"],
            )
        case Field.LOUDNESS:
            return Loudness(**raw)
        case Field.SECTIONS:
            return tuple(Section(**{**section, "label": SectionLabel(section["label"])}) for section in raw)
        case Field.SUGGESTED_CUES:
            return tuple(SuggestedCue(**{**cue, "kind": SuggestedCueKind(cue["kind"])}) for cue in raw)
        case Field.WAVEFORM:
            levels = np.frombuffer(base64.b64decode(raw["levels"]), dtype=np.uint8).reshape(4, -1)
            return Waveform(levels=levels, step_s=raw["step_s"])
        case Field.QUALITY:
            findings = tuple(QualityFinding(finding) for finding in raw["findings"])
            return AudioQuality(**{**raw, "verdict": QualityVerdict(raw["verdict"]), "findings": findings})
        case _:
            raise ValueError(f"{field} has no structured form")


def _expect(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value
