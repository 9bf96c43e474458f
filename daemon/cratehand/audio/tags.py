"""Tags of every container that can be read, as domain values."""

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

import mutagen.aiff
import mutagen.apev2
import mutagen.asf
import mutagen.flac
import mutagen.id3
import mutagen.mp4
import mutagen.oggflac
import mutagen.oggopus
import mutagen.oggspeex
import mutagen.oggvorbis
import mutagen.wave

from cratehand.audio import boxes, chunks, mpeg, ogg
from cratehand.audio.container import Container, opened, printable, recognise
from cratehand.audio.tag_values import stars_of_popularimeter, value_of
from cratehand.domain.errors import CratehandError
from cratehand.domain.fields import Field

_log = logging.getLogger(__name__)

_Texts = dict[Field, list[str]]

_MAX_TAG_BYTES: Final = 128 << 20
"""A tag with a cover of 50 MB is read; one that claims more than this is left alone."""
_SKIPPED_FRAMES: Final = frozenset({"APIC", "PIC", "GEOB", "GEO", "PRIV", "SYLT", "SLT", "MCDI", "MCI"})
"""Pictures, programs' own data: never parsed."""
_ID3_FRAMES: Final = {
    name: frame
    for name, frame in {**mutagen.id3.Frames, **mutagen.id3.Frames_2_2}.items()
    if name not in _SKIPPED_FRAMES
}

_ID3: Final = {
    "TIT2": Field.TITLE, "TPE1": Field.ARTIST, "TALB": Field.ALBUM, "TPE2": Field.ALBUM_ARTIST, "TCON": Field.GENRE,
    "TPUB": Field.LABEL, "TPE4": Field.REMIXER, "TCOM": Field.COMPOSER, "TIT3": Field.MIX, "TIT1": Field.GROUPING,
    "GRP1": Field.GROUPING, "TDRC": Field.YEAR, "TYER": Field.YEAR, "TDRL": Field.YEAR, "TDOR": Field.YEAR,
    "TRCK": Field.TRACK_NUMBER, "TPOS": Field.DISC_NUMBER, "TSRC": Field.ISRC, "TBPM": Field.TEMPO_BPM,
    "TKEY": Field.KEY,
}  # fmt: skip
"""ID3v2.4 text frames (id3.org); mutagen translates those of v2.2, v2.3 and v1."""
_NAMED: Final = {
    "TITLE": Field.TITLE, "ARTIST": Field.ARTIST, "ALBUM": Field.ALBUM, "ALBUMARTIST": Field.ALBUM_ARTIST,
    "ALBUM ARTIST": Field.ALBUM_ARTIST, "GENRE": Field.GENRE, "LABEL": Field.LABEL, "ORGANIZATION": Field.LABEL,
    "PUBLISHER": Field.LABEL, "REMIXER": Field.REMIXER, "MIXARTIST": Field.REMIXER, "COMPOSER": Field.COMPOSER,
    "SUBTITLE": Field.MIX, "VERSION": Field.MIX, "MIX": Field.MIX, "GROUPING": Field.GROUPING,
    "COMMENT": Field.COMMENT, "DESCRIPTION": Field.COMMENT, "DATE": Field.YEAR, "YEAR": Field.YEAR,
    "ORIGINALDATE": Field.YEAR, "TRACKNUMBER": Field.TRACK_NUMBER, "TRACK": Field.TRACK_NUMBER,
    "DISCNUMBER": Field.DISC_NUMBER, "DISC": Field.DISC_NUMBER, "ISRC": Field.ISRC, "BPM": Field.TEMPO_BPM,
    "TEMPO": Field.TEMPO_BPM, "INITIALKEY": Field.KEY, "INITIAL KEY": Field.KEY, "KEY": Field.KEY,
    "ENERGYLEVEL": Field.ENERGY, "ENERGY LEVEL": Field.ENERGY, "RATING": Field.RATING,
}  # fmt: skip
"""Free names in Vorbis comments, APEv2, TXXX frames and iTunes' free-form atoms; the first that says something wins."""
_TXXX: Final = {
    name: _NAMED[name] for name in ("LABEL", "BPM", "INITIALKEY", "INITIAL KEY", "KEY", "ENERGYLEVEL", "ENERGY LEVEL",
                                    "REMIXER", "VERSION", "ISRC", "ALBUM ARTIST")
}  # fmt: skip
_MP4: Final = {
    "\xa9nam": Field.TITLE, "\xa9ART": Field.ARTIST, "\xa9alb": Field.ALBUM, "aART": Field.ALBUM_ARTIST,
    "\xa9gen": Field.GENRE, "\xa9wrt": Field.COMPOSER, "\xa9grp": Field.GROUPING, "\xa9cmt": Field.COMMENT,
    "\xa9day": Field.YEAR, "\xa9pub": Field.LABEL, "tmpo": Field.TEMPO_BPM, "trkn": Field.TRACK_NUMBER,
    "disk": Field.DISC_NUMBER,
}  # fmt: skip
_ASF: Final = {
    "Title": Field.TITLE, "Author": Field.ARTIST, "WM/AlbumTitle": Field.ALBUM, "WM/AlbumArtist": Field.ALBUM_ARTIST,
    "WM/Genre": Field.GENRE, "WM/Publisher": Field.LABEL, "WM/ModifiedBy": Field.REMIXER,
    "WM/Composer": Field.COMPOSER, "WM/SubTitle": Field.MIX, "WM/ContentGroupDescription": Field.GROUPING,
    "Description": Field.COMMENT, "WM/Year": Field.YEAR, "WM/TrackNumber": Field.TRACK_NUMBER,
    "WM/PartOfSet": Field.DISC_NUMBER, "WM/ISRC": Field.ISRC, "WM/BeatsPerMinute": Field.TEMPO_BPM,
    "WM/InitialKey": Field.KEY,
}  # fmt: skip
_INFO: Final = {
    b"INAM": Field.TITLE, b"IART": Field.ARTIST, b"IPRD": Field.ALBUM, b"IGNR": Field.GENRE, b"ICMT": Field.COMMENT,
    b"ICRD": Field.YEAR, b"ITRK": Field.TRACK_NUMBER, b"IPRT": Field.TRACK_NUMBER,
}  # fmt: skip


class MutagenTags:
    """Reads tags with mutagen; implements `TagReader`. Never raises, never writes."""

    def tags(self, path: Path) -> Mapping[Field, object]:
        """Return what the tags say; nonsense values and everything unreadable are left out."""
        try:
            with opened(path) as file:
                texts = _READERS.get(recognise(file, path), _nothing)(file)
        except CratehandError as error:
            _log.debug("no tags: %s", error)
            return {}
        except Exception as error:  # mutagen raises whatever hostile bytes lead it to, MemoryError included
            _log.info("tags of %s can not be read: %r", printable(path), error)
            return {}
        values = {field: value_of(field, found) for field, found in texts.items()}
        return {field: value for field, value in values.items() if value is not None}


def _load(kind: Any, file: BufferedReader) -> Any:
    """Let mutagen, which has no types, read the open file."""
    file.seek(0)
    return kind(file)


def _nothing(file: BufferedReader) -> _Texts:
    return {}


def _gather(pairs: Iterable[tuple[Field | None, Iterable[object]]]) -> _Texts:
    """Collect texts by field; of several tags for one field the first that is not empty counts."""
    texts: _Texts = {}
    for field, values in pairs:
        if field is not None and field not in texts:
            found = [text for value in values if (text := str(value)).strip("\0 ")]
            if found and value_of(field, found) is not None:
                texts[field] = found
    return texts


def _mp3(file: BufferedReader) -> _Texts:
    texts = _id3_of_file(file)
    try:
        return _named(_load(mutagen.apev2.APEv2, file)) | texts
    except mutagen.MutagenError:
        return texts


def _id3_of_file(file: BufferedReader) -> _Texts:
    if mpeg.skip_id3(file) > _MAX_TAG_BYTES:
        return {}
    try:
        return _id3(_load(partial(mutagen.id3.ID3, known_frames=_ID3_FRAMES), file))
    except mutagen.id3.ID3NoHeaderError:
        return {}


def _id3(tags: Any) -> _Texts:
    pairs: list[tuple[Field | None, Iterable[object]]] = []
    for name, field in _ID3.items():
        for frame in tags.getall(name):
            pairs.append((field, frame.genres if name == "TCON" else frame.text))
    for frame in tags.getall("TXXX"):
        pairs.append((_TXXX.get(frame.desc.upper()), frame.text))
    # The comment proper has no description; programs hide their own data behind one.
    for frame in sorted(tags.getall("COMM"), key=lambda frame: frame.desc != ""):
        if not frame.desc.startswith(("iTun", "Songs-DB", "MusicMatch", "CDDB")):
            pairs.append((Field.COMMENT, frame.text))
    for frame in tags.getall("POPM"):
        stars = stars_of_popularimeter(frame.rating, frame.email)
        pairs.append((Field.RATING, [stars] if stars else []))
    return _gather(pairs)


def _named(tags: Any) -> _Texts:
    """Read free names, in the order of our table, so that a better name goes before a worse one."""
    if tags is None:
        return {}
    found: dict[str, list[object]] = {}
    for name in list(tags.keys())[:1000]:
        value = tags[name]
        found[name.upper()] = list(value)[:100] if isinstance(value, list) else [value]
    texts = _gather((field, found.get(name, ())) for name, field in _NAMED.items())
    if stars := _fmps_stars(found):
        texts[Field.RATING] = [stars]
    return texts


def _fmps_stars(found: Mapping[str, list[object]]) -> str | None:
    """Read the rating of freedesktop.org's FMPS, 0..1."""
    try:
        share = float(str(found["FMPS_RATING"][0]))
    except (KeyError, IndexError, ValueError):
        return None
    return str(round(share * 5)) if 0 < share <= 1 else None


def _flac(file: BufferedReader) -> _Texts:
    return _named(_load(mutagen.flac.FLAC, file).tags)


def _ogg(file: BufferedReader) -> _Texts:
    kind = {
        "vorbis": mutagen.oggvorbis.OggVorbis,
        "opus": mutagen.oggopus.OggOpus,
        "flac": mutagen.oggflac.OggFLAC,
        "speex": mutagen.oggspeex.OggSpeex,
    }.get(ogg.read_info(file).codec)
    return _named(_load(kind, file).tags) if kind is not None else {}


def _mp4(file: BufferedReader) -> _Texts:
    end = file.seek(0, 2)
    if any(box.kind == b"moov" and box.end - box.start > _MAX_TAG_BYTES for box in boxes.walk(file, 0, end)):
        return {}
    tags = _load(mutagen.mp4.MP4, file).tags
    if tags is None:
        return {}
    pairs: list[tuple[Field | None, Iterable[object]]] = [
        (field, (value[0] if isinstance(value, tuple) else value for value in tags.get(name, ())))
        for name, field in _MP4.items()
    ]
    free = {
        name.rsplit(":", 1)[-1].upper(): [bytes(value).decode("utf-8", "replace") for value in tags[name]]
        for name in tags
        if name.startswith("----:")
    }
    pairs += [(field, free.get(name, ())) for name, field in _NAMED.items()]
    return _gather(pairs)


def _asf(file: BufferedReader) -> _Texts:
    tags = _load(mutagen.asf.ASF, file).tags
    return _gather((field, tags.get(name, ())) for name, field in _ASF.items())


def _ape(file: BufferedReader) -> _Texts:
    return _named(_load(mutagen.apev2.APEv2, file))


def _wav(file: BufferedReader) -> _Texts:
    texts = _info(file)
    file.seek(0)
    if file.read(4) == b"RIFF":
        tags = _load(mutagen.wave.WAVE, file).tags
        texts |= _id3(tags) if tags is not None else {}
    return texts


def _info(file: BufferedReader) -> _Texts:
    """Read the INFO list of RIFF, which editors write and mutagen does not know."""
    pairs: list[tuple[Field | None, Iterable[object]]] = []
    for chunk in chunks.walk(file):
        if chunk.name != b"LIST" or not 4 < chunk.size_bytes <= 1 << 20:
            continue
        file.seek(chunk.start)
        content = file.read(chunk.size_bytes)
        offset = 4
        while content[:4] == b"INFO" and offset + 8 <= len(content):
            name, size = content[offset : offset + 4], int.from_bytes(content[offset + 4 : offset + 8], "little")
            raw = content[offset + 8 : offset + 8 + size]
            try:
                pairs.append((_INFO.get(name), [raw.decode("utf-8")]))
            except UnicodeDecodeError:
                pairs.append((_INFO.get(name), [raw.decode("latin-1")]))
            offset += 8 + size + size % 2
    return _gather(pairs)


def _aiff(file: BufferedReader) -> _Texts:
    tags = _load(mutagen.aiff.AIFF, file).tags
    return _id3(tags) if tags is not None else {}


_READERS: Final[dict[Container, Callable[[BufferedReader], _Texts]]] = {
    Container.MP3: _mp3,
    Container.ADTS: _mp3,
    Container.FLAC: _flac,
    Container.OGG: _ogg,
    Container.M4A: _mp4,
    Container.WAV: _wav,
    Container.AIFF: _aiff,
    Container.ASF: _asf,
    Container.WAVPACK: _ape,
}
