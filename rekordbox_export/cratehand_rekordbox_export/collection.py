"""A TRACK element's own attributes, from and to domain values.

The order of the attributes and their formats are those of eight genuine exports, rekordbox 5.4.3 to 7.2.8. Where an
export spells a value differently from how we would (a localised ``Kind``, a key in Camelot notation, ``2019-9-3``),
the original text is kept in `CollectionTrack.attributes` and written again as long as it still means the value.
"""

from collections.abc import Callable, Mapping
from posixpath import splitext
from typing import Any, Final

from cratehand.domain.collection import CollectionTrack
from cratehand.domain.fields import Field
from cratehand.domain.key import MusicalKey, parse_key
from cratehand_rekordbox_export import location
from cratehand_rekordbox_export.elements import ATTRIBUTE_NAME
from cratehand_rekordbox_export.numbers import parse_date, parse_decimal, parse_positive

KNOWN_ATTRIBUTES: Final = (
    "TrackID", "Name", "Artist", "Composer", "Album", "Grouping", "Genre", "Kind", "Size", "TotalTime", "DiscNumber",
    "TrackNumber", "Year", "AverageBpm", "DateAdded", "BitRate", "SampleRate", "Comments", "PlayCount", "Rating",
    "Location", "Remixer", "Tonality", "Label", "Mix", "Colour",
)  # fmt: skip
"""In the order of the file. All are always there but Colour, which is there only when set."""

RATINGS: Final = ("0", "51", "102", "153", "204", "255")
"""Rating by stars."""

COLOUR_NAMES: Final = {
    "FF007F": "Pink", "FF0000": "Red", "FFA500": "Orange", "FFFF00": "Yellow",
    "00FF00": "Green", "25FDE9": "Aqua", "0000FF": "Blue", "660099": "Purple",
}  # fmt: skip
"""The eight track colours of Rekordbox, named as its database names them."""

_COLOUR_CODES: Final = {name.casefold(): code for code, name in COLOUR_NAMES.items()} | {
    "rose": "FF007F",
    "lemon": "FFFF00",
    "turquoise": "25FDE9",
    "violet": "660099",
}
_KINDS: Final = {
    ".mp3": ("MP3 File", "mp3"), ".m4a": ("M4A File", "m4a mp4 aac alac"), ".mp4": ("MP4 File", "mp4 m4a aac alac"),
    ".aac": ("M4A File", "aac m4a mp4"), ".flac": ("FLAC File", "flac"), ".wav": ("WAV File", "wav"),
    ".aif": ("AIFF File", "aif"), ".aiff": ("AIFF File", "aif"),
}  # fmt: skip
"""Suffix: what Rekordbox writes in English, and words of which one occurs in every language."""
_KIND_WORDS: Final = frozenset(word for _, words in _KINDS.values() for word in words.split())
_UNKNOWN_KIND: Final = "Unknown Format"

_TEXTS: Final = {
    "Name": Field.TITLE, "Artist": Field.ARTIST, "Composer": Field.COMPOSER, "Album": Field.ALBUM,
    "Grouping": Field.GROUPING, "Genre": Field.GENRE, "Comments": Field.COMMENT, "Remixer": Field.REMIXER,
    "Label": Field.LABEL, "Mix": Field.MIX,
}  # fmt: skip
_WHOLE_NUMBERS: Final = {
    "Size": Field.FILE_SIZE_BYTES, "DiscNumber": Field.DISC_NUMBER, "TrackNumber": Field.TRACK_NUMBER,
    "Year": Field.YEAR, "SampleRate": Field.SAMPLE_RATE_HZ,
}  # fmt: skip


def parse_stars(text: str | None) -> int | None:
    """Read a Rating as stars, 1..5; None for 0 (not rated) and for values that Rekordbox does not use."""
    return RATINGS.index(text) or None if text in RATINGS else None


def parse_colour(text: str | None) -> str | None:
    """Read ``0xRRGGBB`` (also ``#RRGGBB``): one of the eight names, else ``#RRGGBB``; None where it is no colour."""
    digits = (text or "").strip().removeprefix("0x").removeprefix("0X").removeprefix("#").upper()
    if len(digits) != 6 or not set(digits) <= set("0123456789ABCDEF"):
        return None
    return COLOUR_NAMES.get(digits, f"#{digits}")


def format_colour(value: str) -> str | None:
    """Return ``0xRRGGBB`` of a colour's name or ``#RRGGBB``; None where it is neither."""
    code = _COLOUR_CODES.get(value.strip().casefold())
    if code is None and (parsed := parse_colour(value)):
        code = _COLOUR_CODES.get(parsed.casefold(), parsed.removeprefix("#"))
    return f"0x{code}" if code else None


def _tempo(text: str | None) -> float | None:
    tempo_bpm = parse_decimal(text)
    return tempo_bpm if tempo_bpm is not None and tempo_bpm > 0 else None


def _duration(text: str | None) -> float | None:
    seconds = parse_positive(text)
    return None if seconds is None else float(seconds)


def _text(text: str | None) -> str | None:
    return text if text and not text.isspace() else None


_PARSERS: Final[Mapping[str, tuple[Field, Callable[[str | None], Any]]]] = {
    **{name: (field, _text) for name, field in _TEXTS.items()},
    **{name: (field, parse_positive) for name, field in _WHOLE_NUMBERS.items()},
    "TotalTime": (Field.DURATION_S, _duration),
    "AverageBpm": (Field.TEMPO_BPM, _tempo),
    "DateAdded": (Field.DATE_ADDED, parse_date),
    "BitRate": (Field.BIT_RATE_KBPS, _duration),
    "PlayCount": (Field.PLAY_COUNT, parse_positive),
    "Rating": (Field.RATING, parse_stars),
    "Tonality": (Field.KEY, lambda text: parse_key(text or "")),
    "Colour": (Field.COLOUR, parse_colour),
}


def parse_values(attributes: Mapping[str, str]) -> dict[Field, object]:
    """Read the domain values of a TRACK's attributes; what is empty, 0 for "not known", or no value is absent."""
    values: dict[Field, object] = {}
    for name, (field, parse) in _PARSERS.items():
        value = parse(attributes.get(name))
        if value is not None:
            values[field] = value
    return values


def track_attributes(track: CollectionTrack, *, track_id: int) -> list[tuple[str, str]]:
    """Return name and text of all attributes of a TRACK in the order of the file, unknown ones last."""
    fresh = _fresh(track, track_id)
    kept = track.attributes
    if kept:
        for name, text in kept.items():
            if name in _PARSERS or name in {"Kind", "Location"}:
                if _means_the_same(name, text, fresh.get(name), track):
                    fresh[name] = text
            elif name not in fresh and ATTRIBUTE_NAME.fullmatch(name):
                fresh[name] = text
        if "Colour" in fresh:
            # Unknown attributes stand behind all known ones.
            ordered = {name: fresh[name] for name in KNOWN_ATTRIBUTES if name in fresh}
            fresh = ordered | fresh
    return list(fresh.items())


def kept_attributes(raw: Mapping[str, str], track: CollectionTrack) -> dict[str, str]:
    """Return the attributes that have to be kept as text: unknown ones, and those we would spell differently."""
    fresh = _fresh(track, 0)
    return {
        name: text
        for name, text in raw.items()
        if name != "TrackID" and fresh.get(name) != text and ATTRIBUTE_NAME.fullmatch(name)
    }


def _fresh(track: CollectionTrack, track_id: int) -> dict[str, str]:
    values = track.values
    fresh = {"TrackID": str(track_id)}
    for name in KNOWN_ATTRIBUTES[1:-1]:
        if name in _TEXTS:
            value = values.get(_TEXTS[name])
            fresh[name] = value if isinstance(value, str) else ""
        elif name in _WHOLE_NUMBERS:
            fresh[name] = _whole(values.get(_WHOLE_NUMBERS[name]))
        else:
            fresh[name] = _FORMATS[name](track)
    colour = values.get(Field.COLOUR)
    if isinstance(colour, str) and (code := format_colour(colour)):
        fresh["Colour"] = code
    return fresh


def _whole(value: object) -> str:
    # Rekordbox cuts fractions: a sampler file of 7.6 s has TotalTime 7, one of 2116.8 kbit/s BitRate 2116.
    return str(int(value)) if isinstance(value, int | float) and 0 < value <= 2**53 else "0"


def _tempo_text(track: CollectionTrack) -> str:
    value = track.values.get(Field.TEMPO_BPM)
    return f"{value:.2f}" if isinstance(value, int | float) and 0 < value <= 2**53 else "0.00"


def _stars_text(track: CollectionTrack) -> str:
    stars = track.values.get(Field.RATING)
    return RATINGS[stars] if isinstance(stars, int) and 0 <= stars <= 5 else "0"


def _key_text(track: CollectionTrack) -> str:
    key = track.values.get(Field.KEY)
    return key.short if isinstance(key, MusicalKey) else ""


def _kind_text(track: CollectionTrack) -> str:
    return _KINDS.get(_suffix(track), (_UNKNOWN_KIND, ""))[0]


def _suffix(track: CollectionTrack) -> str:
    return splitext(track.location.replace("\\", "/"))[1].lower()


_FORMATS: Final[Mapping[str, Callable[[CollectionTrack], str]]] = {
    "Kind": _kind_text,
    "TotalTime": lambda track: _whole(track.values.get(Field.DURATION_S)),
    "AverageBpm": _tempo_text,
    "DateAdded": lambda track: parse_date(str(track.values.get(Field.DATE_ADDED) or "")) or "",
    "BitRate": lambda track: _whole(track.values.get(Field.BIT_RATE_KBPS)),
    "PlayCount": lambda track: _whole(track.values.get(Field.PLAY_COUNT)),
    "Rating": _stars_text,
    "Location": lambda track: location.encode(track.location),
    "Tonality": _key_text,
}


def _means_the_same(name: str, kept: str, fresh: str | None, track: CollectionTrack) -> bool:
    if name == "Location":
        return location.decode_absolute(kept) == track.location
    if name == "Kind":
        words = _KINDS.get(_suffix(track), ("", ""))[1].split()
        named = {word for word in _KIND_WORDS if word in kept.casefold()}
        return not named or not words or bool(named & set(words))
    field, parse = _PARSERS[name]
    meaning = parse(kept)
    return bool(meaning == parse(fresh) or (meaning is None and field not in track.values))
