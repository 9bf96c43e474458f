"""Tags written into files; the sound stays as it is, byte for byte."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import mutagen.aiff
import mutagen.flac
import mutagen.mp4
import mutagen.oggflac
import mutagen.oggopus
import mutagen.oggspeex
import mutagen.oggvorbis
import mutagen.wave

from cratehand.audio import ogg
from cratehand.audio.container import Container, opened, printable, recognise
from cratehand.audio.covers import cover_of, larger
from cratehand.audio.tag_families import WRITABLE_FIELDS, Id3Family, Mp4Family, TagFamily, VorbisFamily
from cratehand.audio.tags import MutagenTags
from cratehand.domain.errors import CorruptFileError, InvalidInputError, UnavailableError, UnsupportedError
from cratehand.domain.fields import Field
from cratehand.domain.key import MusicalKey

# mutagen has no types.
_wave: Any = mutagen.wave
_aiff: Any = mutagen.aiff
_flac: Any = mutagen.flac
_mp4: Any = mutagen.mp4
_LARGEST_COVER_BYTES: Final = 16 << 20
_OGG: Final[dict[str, Callable[[Path], Any]]] = {
    "vorbis": mutagen.oggvorbis.OggVorbis,
    "opus": mutagen.oggopus.OggOpus,
    "flac": mutagen.oggflac.OggFLAC,
    "speex": mutagen.oggspeex.OggSpeex,
}


class MutagenTagWriter:
    """Implements `TagWriter` with mutagen for MP3, WAV, AIFF, FLAC, Ogg (Vorbis, Opus, Speex, FLAC) and M4A."""

    def __init__(self) -> None:
        self._reader = MutagenTags()

    def merge(self, old: Path, into: Path) -> None:
        new = _opened(into)
        if new is None:
            return
        before = _opened(old)
        for field, value in self._reader.tags(old).items():
            if field in WRITABLE_FIELDS:
                new.set(field, _text(value))
        if before is not None:
            if type(before) is type(new):
                new.copy_from(before)
            else:
                mine = {name.upper() for name in new.free()}
                for name, texts in before.free().items():
                    if name.upper() not in mine and not _is_field_or_program(name):
                        new.set_free(name, texts)
            covers = before.covers()
            mine_first = new.covers()
            chosen = larger(covers[0] if covers else None, mine_first[0] if mine_first else None)
            if chosen is not None and (not mine_first or chosen.data != mine_first[0].data):
                new.set_cover(chosen)
        _save(new, into)

    def write(self, path: Path, tags: Mapping[str, str], *, cover: Path | None = None) -> None:
        file = _opened(path)
        if file is None:
            raise UnsupportedError(f"{printable(path)}: no tags can be written into this kind of file")
        for name, text in tags.items():
            try:
                field = Field(name)
            except ValueError as error:
                raise InvalidInputError(f"{name!r} is no field that can be written into tags") from error
            if field not in WRITABLE_FIELDS:
                raise InvalidInputError(f"{name} can not be written into tags")
            file.set(field, text)
        if cover is not None:
            with opened(cover) as picture:
                found = cover_of(picture.read(_LARGEST_COVER_BYTES + 1))
            if found is None or len(found.data) > _LARGEST_COVER_BYTES:
                raise InvalidInputError(f"{printable(cover)}: no JPEG or PNG picture of up to 16 MB")
            file.set_cover(found)
        _save(file, path)


def _opened(path: Path) -> TagFamily | None:
    """Open the tags of a file; None where its kind has none that we write."""
    with opened(path) as file:
        container = recognise(file, path)
        codec = ogg.read_info(file).codec if container is Container.OGG else ""
    try:
        match container:
            case Container.MP3 | Container.ADTS:
                return Id3Family(path)
            case Container.WAV:
                with opened(path) as file:
                    # mutagen knows RIFF only, not its 64-bit and big-endian relatives.
                    return Id3Family(path, _wave.WAVE(path)) if file.read(4) == b"RIFF" else None
            case Container.AIFF:
                return Id3Family(path, _aiff.AIFF(path))
            case Container.FLAC:
                return VorbisFamily(_flac.FLAC(path))
            case Container.M4A:
                return Mp4Family(_mp4.MP4(path))
            case Container.OGG if codec in _OGG:
                return VorbisFamily(_OGG[codec](path))
            case _:
                return None
    except mutagen.MutagenError as error:
        raise CorruptFileError(f"{printable(path)}: its tags can not be opened ({error})") from error


def _save(file: TagFamily, path: Path) -> None:
    try:
        file.save()
    except OSError as error:
        raise UnavailableError(f"{printable(path)}: tags can not be written: {error.strerror or error}") from error
    except mutagen.MutagenError as error:
        cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else None
        if cause is not None:
            raise UnavailableError(f"{printable(path)}: tags can not be written: {cause.strerror or cause}") from error
        raise CorruptFileError(f"{printable(path)}: tags can not be written ({error})") from error


def _text(value: object) -> str:
    if isinstance(value, MusicalKey):
        return value.short
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)


def _is_field_or_program(name: str) -> bool:
    upper = name.upper()
    known = {"METADATA_BLOCK_PICTURE", "COVERART", "ENCODER", "ITUNSMPB", "ITUNNORM", "CDEC"}
    return upper in known or upper.startswith(("REPLAYGAIN_", "SERATO")) or Field.__members__.get(upper) is not None
