"""Tags are written into every kind of file, and the sound stays as it is."""

import struct
import zlib
from pathlib import Path
from typing import Any

import mutagen.flac
import mutagen.id3
import mutagen.mp4
import pytest

from cratehand.audio.covers import cover_of, larger
from cratehand.audio.digest import AudioDigester
from cratehand.audio.tag_writing import MutagenTagWriter
from cratehand.audio.tags import MutagenTags
from cratehand.domain.errors import InvalidInputError, UnsupportedError
from cratehand.domain.fields import Field
from cratehand.domain.key import parse_key
from tests.audio_files import SUFFIXES, tag_audio, write_audio
from tests.signals import noise

KINDS = ("mp3", "flac", "m4a", "alac", "ogg", "opus", "oggflac", "wav", "aiff")
OLD = {
    Field.TITLE: "Titel", Field.ARTIST: "Künstler", Field.COMMENT: "mine", Field.GENRE: "House", Field.YEAR: 2019,
    Field.KEY: parse_key("Am"), Field.TEMPO_BPM: 126.0, Field.RATING: 4, Field.LABEL: "Label",
}  # fmt: skip


def audio(folder: Path, kind: str, name: str = "a") -> Path:
    return write_audio(folder / f"{name}.{SUFFIXES.get(kind, kind)}", noise(duration_s=0.5), codec=kind)


def png(side: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (side + 1) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", KINDS)
def test_tempo_key_and_energy_are_written(tmp_path: Path, kind: str) -> None:
    path = audio(tmp_path, kind)
    tag_audio(path, {Field.TITLE: "stays"})
    before = AudioDigester().digest(path)
    MutagenTagWriter().write(path, {"tempo_bpm": "126", "key": "Am", "energy": "7"})
    tags = MutagenTags().tags(path)
    assert (tags[Field.TEMPO_BPM], str(tags[Field.KEY]), tags[Field.ENERGY]) == (126.0, "A minor", 7)
    assert tags[Field.TITLE] == "stays"
    assert AudioDigester().digest(path) == before
    MutagenTagWriter().write(path, {"energy": ""})
    assert Field.ENERGY not in MutagenTags().tags(path)


@pytest.mark.parametrize("old", KINDS)
@pytest.mark.parametrize("new", ["mp3", "flac", "m4a", "opus", "wav", "aiff"])
def test_what_the_old_file_says_wins(tmp_path: Path, old: str, new: str) -> None:
    source, target = audio(tmp_path, old, "old"), audio(tmp_path, new, "new")
    tag_audio(source, OLD)
    tag_audio(target, {Field.TITLE: "Shop", Field.ALBUM: "Album", Field.COMMENT: "www.shop"})
    before = AudioDigester().digest(target)
    MutagenTagWriter().merge(source, target)
    tags = MutagenTags().tags(target)
    assert {field: tags.get(field) for field in OLD} == OLD
    assert tags[Field.ALBUM] == "Album"
    assert AudioDigester().digest(target) == before


@pytest.mark.parametrize("kind", ["mp3", "flac", "m4a", "ogg", "aiff"])
def test_the_larger_cover_stays(tmp_path: Path, kind: str) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    small.write_bytes(png(8))
    large.write_bytes(png(64))
    writer = MutagenTagWriter()
    for mine, theirs in ((small, large), (large, small)):
        source, target = audio(tmp_path, kind, f"old {mine.stem}"), audio(tmp_path, "flac", f"new {mine.stem}")
        writer.write(source, {}, cover=mine)
        writer.write(target, {}, cover=theirs)
        writer.merge(source, target)
        (picture,) = mutagen.flac.FLAC(target).pictures
        assert picture.data == large.read_bytes()


@pytest.mark.parametrize("version", [3, 4])
def test_id3_goes_out_in_the_version_that_was_found(tmp_path: Path, version: int) -> None:
    path = audio(tmp_path, "mp3")
    tags: Any = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=3, text=["x"]))
    tags.save(path, v2_version=version)
    MutagenTagWriter().write(path, {"tempo_bpm": "126"})
    assert mutagen.id3.ID3(path, translate=False).version[:2] == (2, version)


def test_a_free_text_goes_over_and_programs_own_data_stays_behind(tmp_path: Path) -> None:
    source, target = audio(tmp_path, "mp3", "old"), audio(tmp_path, "mp3", "new")
    tags: Any = mutagen.id3.ID3()
    tags.add(mutagen.id3.TXXX(encoding=3, desc="MOOD", text=["dark"]))
    tags.add(mutagen.id3.GEOB(encoding=0, mime="application/octet-stream", desc="Serato Markers2", data=b"times"))
    tags.save(source)
    MutagenTagWriter().merge(source, target)
    found = mutagen.id3.ID3(target)
    assert [str(text) for text in found.getall("TXXX:MOOD")[0].text] == ["dark"]
    assert not found.getall("GEOB")
    flac = audio(tmp_path, "flac", "new")
    MutagenTagWriter().merge(source, flac)
    assert mutagen.flac.FLAC(flac)["mood"] == ["dark"]


def test_what_can_not_be_written_is_said(tmp_path: Path) -> None:
    writer = MutagenTagWriter()
    with pytest.raises(UnsupportedError, match="no tags can be written"):
        writer.write(audio(tmp_path, "w64"), {"tempo_bpm": "126"})
    mp3 = audio(tmp_path, "mp3")
    with pytest.raises(InvalidInputError, match="no field"):
        writer.write(mp3, {"nonsense": "1"})
    text = tmp_path / "cover.txt"
    text.write_text("no picture")
    with pytest.raises(InvalidInputError, match="no JPEG or PNG"):
        writer.write(mp3, {}, cover=text)


def test_the_first_of_equal_covers_stays() -> None:
    one, other = cover_of(png(8)), cover_of(png(8))
    assert larger(one, other) is one
    assert larger(None, other) is other
    assert cover_of(b"GIF89a") is None
    jpeg = b"\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc0\x00\x11\x08\x00\x20\x00\x40\x03" + b"\0" * 12
    found = cover_of(jpeg)
    assert found is not None
    assert found.pixels == (64, 32)
