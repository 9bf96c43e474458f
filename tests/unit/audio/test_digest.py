from pathlib import Path
from typing import Any

import mutagen
import mutagen.apev2
import mutagen.flac
import mutagen.id3
import numpy as np
import pytest

from cratehand.audio import AudioDigester
from cratehand.domain.errors import CorruptFileError, NotFoundError, UnsupportedError
from cratehand.domain.fields import Field
from tests.audio_files import SUFFIXES, tag_audio, write_audio
from tests.signals import noise, stereo

DIGESTER = AudioDigester()
SOUND = stereo(noise(duration_s=1.5))
METHODS = {
    "wav": "samples", "wavex": "samples", "rf64": "samples", "aiff": "samples", "aifc": "samples", "flac": "flac-md5",
    "flacstream": "flac-frames", "oggflac": "decoded", "mp3": "mpeg-frames", "mp3plain": "mpeg-frames",
    "m4a": "mp4-media", "m4alate": "mp4-media", "alac": "mp4-media", "aac": "adts-frames", "ogg": "ogg-packets",
    "opus": "ogg-packets", "w64": "decoded", "wavpack": "decoded",
}  # fmt: skip
TAGGABLE = [codec for codec in METHODS if codec not in ("rf64", "w64", "wavpack")]


@pytest.mark.parametrize("codec", METHODS)
def test_every_format_has_its_own_method(codec: str, tmp_path: Path) -> None:
    method, _, code = DIGESTER.digest(write_audio(tmp_path / "x", SOUND, codec=codec)).partition(":")
    assert method == METHODS[codec]
    assert len(code) == 32


@pytest.mark.parametrize("codec", TAGGABLE)
def test_tagging_growing_and_removing_tags_never_changes_the_digest(codec: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / f"x.{SUFFIXES.get(codec, codec)}", SOUND, codec=codec)
    digests = {DIGESTER.digest(path)}
    for length in (5, 3000, 150_000, 10):
        tag_audio(path, {Field.TITLE: "x" * length, Field.COMMENT: "y" * length, Field.TEMPO_BPM: 120})
        digests.add(DIGESTER.digest(path))
    if codec == "aac":
        mutagen.id3.delete(path)
    else:
        audio: Any = mutagen.File(path)
        audio.delete()
    digests.add(DIGESTER.digest(path))
    assert len(digests) == 1


@pytest.mark.parametrize("codec", [codec for codec in METHODS if METHODS[codec] not in ("flac-md5", "decoded")])
def test_one_changed_byte_of_the_sound_changes_the_digest(codec: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x", SOUND, codec=codec)
    before = DIGESTER.digest(path)
    data = bytearray(path.read_bytes())
    if "m4a" in codec or codec == "alac":
        at = data.index(b"mdat") + 2000
    else:
        at = len(data) * 2 // 3
    data[at] ^= 1
    path.write_bytes(data)
    assert DIGESTER.digest(path) != before


def test_all_kinds_of_tags_around_an_mp3_are_left_out(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.mp3", SOUND)
    before = DIGESTER.digest(path)
    ape: Any = mutagen.apev2.APEv2()
    ape["Title"] = "x" * 500
    ape.save(path)
    tag: Any = mutagen.id3.ID3()
    tag.add(mutagen.id3.TIT2(encoding=3, text=["Title"]))
    tag.save(path, v1=2, padding=lambda info: 10_000)
    assert path.read_bytes()[-128:-125] == b"TAG"
    assert DIGESTER.digest(path) == before
    lyrics = b"LYRICSBEGIN" + b"IND00002" + b"10"
    path.write_bytes(path.read_bytes()[:-128] + lyrics + b"%06d" % len(lyrics) + b"LYRICS200")
    assert DIGESTER.digest(path) == before


def test_a_flac_in_another_compression_and_with_an_id3_tag_is_the_same(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.flac", SOUND)
    before = DIGESTER.digest(path)
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.TIT2(encoding=3, text=["Title"]))
    tag.save(path)
    assert DIGESTER.digest(path) == before
    assert DIGESTER.digest(write_audio(tmp_path / "other.flac", SOUND, codec="flac")) == before


def test_the_same_samples_have_one_digest_in_wav_and_wave_extensible(tmp_path: Path) -> None:
    plain = DIGESTER.digest(write_audio(tmp_path / "a", SOUND, codec="wav24"))
    assert DIGESTER.digest(write_audio(tmp_path / "b", SOUND, codec="wavex")) == plain
    assert DIGESTER.digest(write_audio(tmp_path / "c", SOUND, 48_000, codec="wav24")) != plain
    assert DIGESTER.digest(write_audio(tmp_path / "d", SOUND, codec="rf64")) == DIGESTER.digest(
        write_audio(tmp_path / "e", SOUND, codec="wav")
    )


def test_different_sounds_have_different_digests(tmp_path: Path) -> None:
    for codec in ("wav", "flac", "mp3", "m4a", "ogg", "opus", "w64"):
        one = write_audio(tmp_path / "one", SOUND, codec=codec)
        other = write_audio(tmp_path / "other", SOUND * np.float32(0.5), codec=codec)
        assert DIGESTER.digest(one) != DIGESTER.digest(other)


def test_what_can_not_be_digested_raises_like_probe(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        DIGESTER.digest(tmp_path / "none.wav")
    for content in (b"", b"no music at all", b"fLaC\x00\x00\x00\x22", b"OggS" + bytes(100), b"RIFF\0\0\0\0WAVE"):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(CorruptFileError):
            DIGESTER.digest(tmp_path / "x")
    path = write_audio(tmp_path / "x.m4a", SOUND)
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"drms"))
    with pytest.raises(UnsupportedError):
        DIGESTER.digest(path)
