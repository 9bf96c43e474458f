import struct
from pathlib import Path
from typing import Any

import mutagen.apev2
import mutagen.id3
import mutagen.mp4
import numpy as np
import pytest

from cratehand.audio import FileReader, MutagenTags
from cratehand.audio.tag_values import stars_of_popularimeter, value_of
from cratehand.domain.fields import Field
from cratehand.domain.key import Mode, MusicalKey
from tests.audio_files import SUFFIXES, write_audio
from tests.signals import noise, stereo

READER = MutagenTags()
SOUND = stereo(noise(duration_s=0.5))
TAGS: dict[Field, object] = {
    Field.TITLE: "Für 日本 & mehr",
    Field.ARTIST: "A & B",
    Field.ALBUM: "Album",
    Field.ALBUM_ARTIST: "Various",
    Field.GENRE: "Deep House",
    Field.LABEL: "Label",
    Field.REMIXER: "Remixer",
    Field.COMPOSER: "Composer",
    Field.MIX: "Extended Mix",
    Field.GROUPING: "Group",
    Field.COMMENT: "line 1\nline 2",
    Field.ISRC: "GBAYE0000351",
    Field.YEAR: 2024,
    Field.TRACK_NUMBER: 3,
    Field.DISC_NUMBER: 2,
    Field.RATING: 4,
    Field.TEMPO_BPM: 126.0,
    Field.KEY: MusicalKey(tonic=9, mode=Mode.MINOR),
    Field.ENERGY: 7,
}


@pytest.mark.parametrize("codec", ["wav", "aiff", "flac", "mp3", "m4a", "alac", "aac", "ogg", "opus", "oggflac"])
def test_tags_of_every_format_come_back_as_domain_values(codec: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / f"x.{SUFFIXES.get(codec, codec)}", SOUND, codec=codec, tags=TAGS)
    before = path.read_bytes()
    assert READER.tags(path) == TAGS
    assert path.read_bytes() == before


def test_untagged_unreadable_and_missing_files_have_no_tags(tmp_path: Path) -> None:
    assert READER.tags(write_audio(tmp_path / "x.wav", SOUND)) == {}
    assert READER.tags(write_audio(tmp_path / "x.mp3", SOUND)) == {}
    assert READER.tags(write_audio(tmp_path / "x.caf", SOUND)) == {}
    assert READER.tags(tmp_path / "none.mp3") == {}
    assert READER.tags(tmp_path) == {}
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(1).bytes(5000))
    assert READER.tags(tmp_path / "noise.mp3") == {}


def test_nonsense_values_are_left_out(tmp_path: Path) -> None:
    nonsense = {
        Field.TITLE: "  ",
        Field.TEMPO_BPM: 0,
        Field.YEAR: 0,
        Field.ENERGY: 11,
        Field.KEY: "unknown",
        Field.TRACK_NUMBER: 0,
        Field.ISRC: "none",
    }
    path = write_audio(tmp_path / "x.mp3", SOUND, tags=nonsense)
    assert READER.tags(path) == {}


@pytest.mark.parametrize(("field", "texts", "value"), [
    (Field.TEMPO_BPM, ["126,5"], 126.5), (Field.TEMPO_BPM, ["128 BPM"], 128.0), (Field.TEMPO_BPM, ["nan"], None),
    (Field.TEMPO_BPM, ["12800"], None), (Field.TEMPO_BPM, ["0", "124"], 124.0), (Field.YEAR, ["2019-03-01"], 2019),
    (Field.YEAR, ["01.03.1999"], 1999), (Field.YEAR, ["12345"], None), (Field.TRACK_NUMBER, ["3/12"], 3),
    (Field.TRACK_NUMBER, ["A1"], None), (Field.ISRC, ["gb-aye-00-00351"], "GBAYE0000351"),
    (Field.ENERGY, ["Energy 7"], 7), (Field.ENERGY, ["0"], None),
    (Field.KEY, ["8A"], MusicalKey(tonic=9, mode=Mode.MINOR)), (Field.RATING, ["80"], 4), (Field.RATING, ["3"], 3),
    (Field.RATING, ["0"], None), (Field.ARTIST, ["A", "B", "A"], "A, B"), (Field.TITLE, ["a\0b\nc\x07"], "ab c"),
    (Field.TITLE, ["\ud800x"], "x"), (Field.GENRE, [], None), (Field.TITLE, ["x" * 10_000_000], "x" * 1000),
])  # fmt: skip
def test_texts_become_values(field: Field, texts: list[str], value: object) -> None:
    assert value_of(field, texts) == value


@pytest.mark.parametrize(("rating", "email", "stars"), [
    (0, "", None), (1, "Windows Media Player 9 Series", 1), (64, "", 2), (128, "", 3), (196, "", 4), (255, "", 5),
    (51, "traktor@native-instruments.de", 1), (204, "traktor@native-instruments.de", 4), (-1, "", None),
    (999, "", None),
])  # fmt: skip
def test_popularimeters_become_stars(rating: int, email: str, stars: int | None) -> None:
    assert stars_of_popularimeter(rating, email) == stars


def test_a_cover_of_50_megabytes_and_a_comment_of_a_million_letters_do_not_hurt(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.mp3", SOUND)
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.APIC(encoding=0, mime="image/jpeg", type=3, data=bytes(50_000_000)))
    tag.add(mutagen.id3.COMM(encoding=3, lang="eng", desc="", text=["x" * 1_000_000]))
    tag.add(mutagen.id3.TIT2(encoding=3, text=["Title"]))
    tag.save(path)
    tags = READER.tags(path)
    assert tags[Field.TITLE] == "Title"
    assert len(str(tags[Field.COMMENT])) == 4000
    assert FileReader().probe(path).duration_s == pytest.approx(0.5, abs=0.01)


def test_programs_own_comments_are_not_the_comment(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.mp3", SOUND)
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.COMM(encoding=3, lang="eng", desc="iTunNORM", text=["0000 1111"]))
    tag.save(path)
    assert READER.tags(path) == {}


@pytest.mark.parametrize("version", [3, 4])
def test_older_id3_versions_are_read(version: int, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.mp3", SOUND)
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.TDRC(encoding=3, text=["2001"]))
    tag.add(mutagen.id3.TCON(encoding=3, text=["(18)"]))
    tag.save(path, v2_version=version)
    assert READER.tags(path) == {Field.YEAR: 2001, Field.GENRE: "Techno"}


def test_an_id3v1_tag_alone_is_read(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.mp3", SOUND)
    path.write_bytes(path.read_bytes() + b"TAG" + b"Old title".ljust(30, b"\0") + bytes(94) + b"\xff")
    assert READER.tags(path)[Field.TITLE] == "Old title"


def test_apev2_fills_what_id3_leaves_open(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.mp3", SOUND, tags={Field.TITLE: "From ID3"})
    ape: Any = mutagen.apev2.APEv2()
    ape["Title"], ape["Label"] = "From APE", "Label"
    ape.save(path)
    assert READER.tags(path) == {Field.TITLE: "From ID3", Field.LABEL: "Label"}


def test_the_info_list_of_a_wav_is_read(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.wav", SOUND)
    body = b"INFO" + b"INAM" + struct.pack("<I", 6) + b"Title\0" + b"ICRD" + struct.pack("<I", 4) + b"2020"
    data = path.read_bytes() + b"LIST" + struct.pack("<I", len(body)) + body
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    assert READER.tags(path) == {Field.TITLE: "Title", Field.YEAR: 2020}


def test_a_fractional_tempo_in_a_free_form_atom_is_read(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.m4a", SOUND)
    audio: Any = mutagen.mp4.MP4(path)
    audio["tmpo"] = [0]
    audio["----:com.apple.iTunes:BPM"] = [b"127.5"]
    audio.save()
    assert READER.tags(path) == {Field.TEMPO_BPM: 127.5}
