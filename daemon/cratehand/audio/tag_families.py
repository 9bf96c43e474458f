"""The three families of tags that are written: ID3, Vorbis comments, MP4 atoms."""

import base64
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import mutagen.flac
import mutagen.id3
import mutagen.mp4

from cratehand.audio.covers import Cover, cover_of
from cratehand.domain.fields import Field

# mutagen has no types.
_id3: Any = mutagen.id3
_flac: Any = mutagen.flac
_mp4: Any = mutagen.mp4

_ID3: Final = {
    Field.TITLE: "TIT2", Field.ARTIST: "TPE1", Field.ALBUM: "TALB", Field.ALBUM_ARTIST: "TPE2", Field.GENRE: "TCON",
    Field.LABEL: "TPUB", Field.REMIXER: "TPE4", Field.COMPOSER: "TCOM", Field.MIX: "TIT3", Field.GROUPING: "TIT1",
    Field.ISRC: "TSRC", Field.YEAR: "TDRC", Field.TRACK_NUMBER: "TRCK", Field.DISC_NUMBER: "TPOS",
    Field.TEMPO_BPM: "TBPM", Field.KEY: "TKEY",
}  # fmt: skip
_VORBIS: Final = {
    Field.TITLE: "TITLE", Field.ARTIST: "ARTIST", Field.ALBUM: "ALBUM", Field.ALBUM_ARTIST: "ALBUMARTIST",
    Field.GENRE: "GENRE", Field.LABEL: "LABEL", Field.REMIXER: "REMIXER", Field.COMPOSER: "COMPOSER",
    Field.MIX: "VERSION", Field.GROUPING: "GROUPING", Field.COMMENT: "COMMENT", Field.ISRC: "ISRC",
    Field.YEAR: "DATE", Field.TRACK_NUMBER: "TRACKNUMBER", Field.DISC_NUMBER: "DISCNUMBER", Field.RATING: "RATING",
    Field.TEMPO_BPM: "BPM", Field.KEY: "INITIALKEY", Field.ENERGY: "ENERGYLEVEL",
}  # fmt: skip
_MP4: Final = {
    Field.TITLE: "\xa9nam", Field.ARTIST: "\xa9ART", Field.ALBUM: "\xa9alb", Field.ALBUM_ARTIST: "aART",
    Field.GENRE: "\xa9gen", Field.COMPOSER: "\xa9wrt", Field.GROUPING: "\xa9grp", Field.COMMENT: "\xa9cmt",
    Field.YEAR: "\xa9day",
}  # fmt: skip
_MP4_COUNTS: Final = {Field.TRACK_NUMBER: "trkn", Field.DISC_NUMBER: "disk"}
_FREE_FORM: Final = "----:com.apple.iTunes:"
_WINDOWS_RATINGS: Final = (0, 1, 64, 128, 196, 255)
"""Stars as the Windows Media Player and most others count them in POPM."""
_PROGRAM_DATA: Final = frozenset({"APIC", "GEOB", "PRIV", "UFID", "MCDI", "SYLT", "ETCO", "MLLT", "TLEN", "RVA2"})
"""Frames that do not go over to another file: pictures apart, programs' own data and what is true of the old sound."""
_FRONT: Final = 3

WRITABLE_FIELDS: Final = frozenset(_VORBIS)
"""Fields that can be written into tags."""


class TagFamily(ABC):
    """An open file whose tags can be changed."""

    @abstractmethod
    def set(self, field: Field, text: str) -> None:
        """Set one field; an empty text takes it out."""

    @abstractmethod
    def free(self) -> Mapping[str, list[str]]:
        """Return texts under names of people's own choice."""

    @abstractmethod
    def set_free(self, name: str, texts: list[str]) -> None:
        """Set such a text."""

    @abstractmethod
    def copy_from(self, other: "TagFamily") -> None:
        """Take over everything of a file of the same family as it is, but pictures and programs' own data."""

    @abstractmethod
    def covers(self) -> list[Cover]:
        """Return the pictures that players show."""

    @abstractmethod
    def set_cover(self, cover: Cover) -> None:
        """Set the front cover instead of those that are there."""

    @abstractmethod
    def save(self) -> None:
        """Write it."""


class Id3Family(TagFamily):
    """MP3, WAV and AIFF.

    Args:
        path: The file.
        audio: `WAVE` or `AIFF` of mutagen; None for ID3 in front of the sound.
    """

    def __init__(self, path: Path, audio: Any = None) -> None:
        self._path = path
        self._audio = audio
        self.tags: Any = _id3_of(path) if audio is None else _tags_of(audio)
        # mutagen brings everything to 2.4 on reading; it goes out in what was found.
        self._version = 3 if tuple(self.tags.version) < (2, 4, 0) else 4

    def set(self, field: Field, text: str) -> None:
        if field is Field.COMMENT:
            self.tags.delall("COMM::eng")
            if text:
                self.tags.add(_id3.COMM(encoding=3, lang="eng", desc="", text=[text]))
        elif field is Field.RATING:
            self.tags.delall("POPM")
            if text:
                rating = _WINDOWS_RATINGS[max(0, min(round(float(text)), 5))]
                self.tags.add(_id3.POPM(email="Windows Media Player 9 Series", rating=rating))
        elif field in _ID3:
            self.tags.delall(_ID3[field])
            if text:
                self.tags.add(_id3.Frames[_ID3[field]](encoding=3, text=[text]))
        else:
            self.set_free(_VORBIS[field], [text] if text else [])

    def free(self) -> Mapping[str, list[str]]:
        return {frame.desc: [str(text) for text in frame.text] for frame in self.tags.getall("TXXX")}

    def set_free(self, name: str, texts: list[str]) -> None:
        for frame in self.tags.getall("TXXX"):
            if frame.desc.upper() == name.upper():
                self.tags.delall(frame.HashKey)
        if texts:
            self.tags.add(_id3.TXXX(encoding=3, desc=name, text=texts))

    def copy_from(self, other: TagFamily) -> None:
        assert isinstance(other, Id3Family)
        for frame in other.tags.values():
            if frame.FrameID not in _PROGRAM_DATA:
                if frame.FrameID in {"POPM", *_ID3.values()}:
                    self.tags.delall(frame.FrameID if frame.FrameID != "POPM" else frame.HashKey)
                self.tags.setall(frame.HashKey, [frame])

    def covers(self) -> list[Cover]:
        pictures = sorted(self.tags.getall("APIC"), key=lambda frame: frame.type != _FRONT)
        return _known(frame.data for frame in pictures)

    def set_cover(self, cover: Cover) -> None:
        self.tags.delall("APIC")
        self.tags.add(_id3.APIC(encoding=0, mime=cover.mime, type=_FRONT, desc="", data=cover.data))

    def save(self) -> None:
        if self._version == 3:
            self.tags.update_to_v23()
        if self._audio is None:
            self.tags.save(self._path, v2_version=self._version)
        else:
            self._audio.save(v2_version=self._version)


class VorbisFamily(TagFamily):
    """FLAC, and Vorbis, Opus, Speex and FLAC in Ogg."""

    def __init__(self, audio: Any) -> None:
        self._audio = audio
        self._is_flac = isinstance(audio, mutagen.flac.FLAC)
        if audio.tags is None:
            audio.add_tags()

    def set(self, field: Field, text: str) -> None:
        self.set_free(_VORBIS[field], [text] if text else [])

    def free(self) -> Mapping[str, list[str]]:
        return {name.upper(): list(self._audio.tags[name]) for name in self._audio.tags.keys()}  # noqa: SIM118

    def set_free(self, name: str, texts: list[str]) -> None:
        if texts:
            self._audio.tags[name] = texts
        elif name in self._audio.tags:
            del self._audio.tags[name]

    def copy_from(self, other: TagFamily) -> None:
        for name, texts in other.free().items():
            if name not in {"METADATA_BLOCK_PICTURE", "COVERART", "ENCODER"} and not name.startswith("REPLAYGAIN_"):
                self.set_free(name, texts)

    def covers(self) -> list[Cover]:
        if self._is_flac:
            pictures = list(self._audio.pictures)
        else:
            pictures = [_picture(text) for text in self._audio.tags.get("metadata_block_picture", [])]
        return _known(picture.data for picture in sorted(pictures, key=lambda picture: picture.type != _FRONT))

    def set_cover(self, cover: Cover) -> None:
        picture = _flac.Picture()
        picture.type, picture.mime, picture.data = _FRONT, cover.mime, cover.data
        picture.width, picture.height = cover.pixels
        picture.depth = 24
        if self._is_flac:
            self._audio.clear_pictures()
            self._audio.add_picture(picture)
        else:
            self._audio.tags["metadata_block_picture"] = [base64.b64encode(picture.write()).decode("ascii")]

    def save(self) -> None:
        self._audio.save()


class Mp4Family(TagFamily):
    """M4A."""

    def __init__(self, audio: Any) -> None:
        self._audio = audio
        if audio.tags is None:
            audio.add_tags()

    def set(self, field: Field, text: str) -> None:
        if field in _MP4:
            self._put(_MP4[field], [text] if text else [])
        elif field in _MP4_COUNTS:
            self._put(_MP4_COUNTS[field], [(int(text), 0)] if text else [])
        elif field is Field.TEMPO_BPM:
            self._put("tmpo", [round(float(text))] if text else [])
        else:
            self.set_free(_VORBIS[field], [text] if text else [])

    def free(self) -> Mapping[str, list[str]]:
        return {
            name.rsplit(":", 1)[-1]: [bytes(value).decode("utf-8", "replace") for value in self._audio.tags[name]]
            for name in self._audio.tags
            if name.startswith("----:")
        }

    def set_free(self, name: str, texts: list[str]) -> None:
        for known in [key for key in self._audio.tags if key.rsplit(":", 1)[-1].upper() == name.upper()]:
            del self._audio.tags[known]
        self._put(_FREE_FORM + name, [text.encode("utf-8") for text in texts])

    def copy_from(self, other: TagFamily) -> None:
        assert isinstance(other, Mp4Family)
        for name, value in other._audio.tags.items():
            if name != "covr" and not name.endswith(("iTunSMPB", "iTunNORM", "cdec")):
                self._audio.tags[name] = value

    def covers(self) -> list[Cover]:
        return _known(bytes(picture) for picture in self._audio.tags.get("covr", []))

    def set_cover(self, cover: Cover) -> None:
        kind = _mp4.MP4Cover.FORMAT_PNG if cover.mime == "image/png" else _mp4.MP4Cover.FORMAT_JPEG
        self._audio.tags["covr"] = [_mp4.MP4Cover(cover.data, imageformat=kind)]

    def save(self) -> None:
        self._audio.save()

    def _put(self, name: str, values: list[Any]) -> None:
        if values:
            self._audio.tags[name] = values
        else:
            self._audio.tags.pop(name, None)


def _id3_of(path: Path) -> Any:
    try:
        return _id3.ID3(path)
    except mutagen.id3.ID3NoHeaderError:
        return _new(_id3.ID3())


def _tags_of(audio: Any) -> Any:
    if audio.tags is None:
        audio.add_tags()
        _new(audio.tags)
    return audio.tags


def _new(tags: Any) -> Any:
    # What every player reads, the oldest included.
    tags.version = (2, 3, 0)
    return tags


def _known(pictures: Iterable[bytes]) -> list[Cover]:
    return [cover for data in pictures if (cover := cover_of(data)) is not None]


def _picture(text: str) -> Any:
    try:
        return _flac.Picture(base64.b64decode(text))
    except Exception:  # mutagen raises whatever hostile bytes lead it to
        return _flac.Picture()
