import gc
import logging
import os
import unicodedata
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from cratehand.audio import FileReader
from cratehand.domain.audio import Samples
from cratehand.domain.errors import (
    CorruptFileError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from tests.audio_files import SUFFIXES, write_audio
from tests.signals import Signal, noise, sine, stereo

READER = FileReader()
EXACT = ("wav", "wav24", "wav32", "wavfloat", "wavex", "rf64", "w64", "aiff", "aiff24", "aifc", "caf", "flac", "flac24",
         "alac", "oggflac", "flacstream", "wavstream", "wavpack")  # fmt: skip
LOSSY = ("mp3", "mp3v2", "m4a", "m4alate", "ogg", "opus", "webm")
NAMES = {
    "wav": ("pcm", "wav"), "rf64": ("pcm", "wav"), "aifc": ("pcm", "aiff"), "flac24": ("flac", "flac"),
    "alac": ("alac", "m4a"), "m4a": ("aac", "m4a"), "aac": ("aac", "adts"), "mp3v2": ("mp3", "mp3"),
    "ogg": ("vorbis", "ogg"), "opus": ("opus", "ogg"), "oggflac": ("flac", "ogg"),
}  # fmt: skip


def decode(path: Path, block_s: float = 1.0) -> Samples:
    return np.concatenate(list(READER.blocks(path, block_s=block_s)), axis=1)


def clicks(*, duration_s: float = 1.5, sample_rate_hz: int = 44_100) -> Signal:
    """Noise at -60 dBFS with one click 0.5 s after the start, differing between the channels."""
    left = noise(duration_s=duration_s, sample_rate_hz=sample_rate_hz, level=0.001, seed=1)
    right = noise(duration_s=duration_s, sample_rate_hz=sample_rate_hz, level=0.001, seed=2)
    signal = np.concatenate([left, right])
    signal[:, sample_rate_hz // 2 : sample_rate_hz // 2 + 8] = 0.8
    return signal


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


@pytest.mark.parametrize("codec", EXACT)
def test_lossless_files_decode_to_what_was_written(codec: str, tmp_path: Path) -> None:
    signal = clicks()
    path = write_audio(tmp_path / f"x.{SUFFIXES.get(codec, codec)}", signal, codec=codec)
    decoded = decode(path, block_s=0.4)
    assert decoded.dtype == np.float32
    assert decoded.shape == signal.shape
    assert np.abs(decoded - signal).max() <= 1 / 32_768
    sound = READER.probe(path)
    assert (sound.sample_rate_hz, sound.channels, sound.lossless) == (44_100, 2, True)
    assert sound.duration_s == (None if codec == "flacstream" else pytest.approx(1.5))


@pytest.mark.parametrize("codec", LOSSY)
def test_lossy_files_begin_at_the_first_true_frame_and_end_at_the_last(codec: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / f"x.{SUFFIXES.get(codec, codec)}", clicks(), codec=codec)
    sound, decoded = READER.probe(path), decode(path)
    rate_hz = sound.sample_rate_hz
    assert abs(int(np.argmax(np.abs(decoded[0]) > 0.3)) - rate_hz // 2) <= 2
    assert decoded.shape == (2, round(1.5 * rate_hz))
    assert sound.duration_s == pytest.approx(1.5, abs=0.03)
    assert not sound.lossless
    assert sound.bit_depth is None


def test_an_mp3_without_a_header_starts_late_by_the_encoder_delay(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.mp3", clicks(), codec="mp3plain")
    assert abs(int(np.argmax(np.abs(decode(path)[0]) > 0.3)) - 22_050 - 1105) <= 2
    assert READER.probe(path).duration_s is None


@pytest.mark.parametrize("codec", NAMES)
def test_probe_names_codec_and_container(codec: str, tmp_path: Path) -> None:
    sound = READER.probe(write_audio(tmp_path / "x", clicks(duration_s=0.6), codec=codec))
    assert (sound.codec, sound.container) == NAMES[codec]


def test_probe_tells_bits_and_bit_rate(tmp_path: Path) -> None:
    wav = READER.probe(write_audio(tmp_path / "x.wav", clicks(), codec="wav24"))
    mp3 = READER.probe(write_audio(tmp_path / "x.mp3", stereo(noise(duration_s=5)), codec="mp3"))
    assert (wav.bit_depth, wav.bit_rate_kbps) == (24, pytest.approx(2116.8))
    assert mp3.bit_rate_kbps == pytest.approx(192, abs=3)


@pytest.mark.parametrize("codec", ["wav", "flac", "mp3", "m4a", "ogg", "opus", "aiff"])
def test_the_name_is_not_believed(codec: str, tmp_path: Path) -> None:
    honest = write_audio(tmp_path / f"x.{codec}", clicks(duration_s=0.6), codec=codec)
    for wrong in ("y.mp3", "y.flac", "y.jpg", "y"):
        misnamed = tmp_path / wrong
        misnamed.write_bytes(honest.read_bytes())
        assert np.array_equal(decode(misnamed), decode(honest))


@pytest.mark.parametrize(("codec", "channels", "rate_hz"), [
    ("wav", 1, 8_000), ("wav24", 6, 96_000), ("flac", 1, 192_000), ("flac", 8, 48_000), ("aiff", 3, 22_050),
    ("mp3", 1, 22_050), ("mp3", 2, 48_000), ("m4a", 1, 32_000), ("m4a", 6, 48_000), ("ogg", 6, 44_100),
    ("opus", 1, 48_000), ("alac", 4, 44_100), ("aac", 1, 16_000),
])  # fmt: skip
def test_any_rate_and_any_number_of_channels(codec: str, channels: int, rate_hz: int, tmp_path: Path) -> None:
    tones = [sine(frequency_hz=200 + 150 * n, duration_s=1, sample_rate_hz=rate_hz, level=0.2) for n in range(channels)]
    path = write_audio(tmp_path / "x", np.concatenate(tones), rate_hz, codec=codec)
    sound, decoded = READER.probe(path), decode(path)
    assert (sound.channels, sound.sample_rate_hz) == (channels, rate_hz)
    assert decoded.shape[0] == channels
    assert decoded.shape[1] == pytest.approx(rate_hz, rel=0.09)


@pytest.mark.parametrize("codec", ["wav", "mp3", "m4a"])
def test_every_block_but_the_last_has_the_asked_length(codec: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x", clicks(), codec=codec)
    lengths = [block.shape[1] for block in READER.blocks(path, block_s=0.2)]
    assert set(lengths[:-1]) == {8820}
    assert 0 < lengths[-1] <= 8820


@pytest.mark.parametrize("codec", ["wav", "aiff", "flac", "mp3", "m4a", "ogg", "opus"])
def test_a_truncated_file_gives_what_is_there_and_says_so(codec: str, tmp_path: Path) -> None:
    whole = write_audio(tmp_path / "whole", stereo(noise(duration_s=6)), codec=codec)
    cut = tmp_path / "cut"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with READER.blocks(cut) as stream:
        frames = sum(block.shape[1] for block in stream)
        assert stream.is_truncated
        assert stream.delivered_frames == frames
        assert stream.format is not None
        assert 1.9 < frames / stream.format.sample_rate_hz < 3.5
    with READER.blocks(whole) as stream:
        assert sum(block.shape[1] for block in stream) > 0
        assert not stream.is_truncated


def test_an_m4a_cut_before_its_index_is_corrupt(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.m4a", stereo(noise(duration_s=2)), codec="m4alate")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptFileError, match="index"):
        READER.probe(path)


@pytest.mark.parametrize("codec", ["wav", "aiff", "flac", "mp3", "m4a"])
def test_probe_of_a_truncated_file_says_the_declared_length(codec: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x", stereo(noise(duration_s=4)), codec=codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert READER.probe(path).duration_s == pytest.approx(4, abs=0.05)


def test_damage_in_the_middle_of_a_flac_does_not_end_it(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.flac", stereo(noise(duration_s=8)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 100] = bytes(100)
    path.write_bytes(data)
    blocks = list(READER.blocks(path))
    assert sum(block.shape[1] for block in blocks) > 7.5 * 44_100
    assert {block.shape[1] for block in blocks[:-1]} == {44_100}


def test_an_mp3_of_two_joined_files_is_read_to_its_end(tmp_path: Path) -> None:
    one = write_audio(tmp_path / "one.mp3", stereo(noise(duration_s=2)))
    both = tmp_path / "both.mp3"
    both.write_bytes(one.read_bytes() * 2)
    assert decode(both).shape[1] > 3.9 * 44_100


@pytest.mark.parametrize("content", [
    b"", b"\0" * 5000, b"PK\x03\x04" + bytes(range(256)) * 40, b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 40,
    b"hello, this is no music\n" * 500, np.random.default_rng(3).bytes(200_000), b"RIFF\x00\x00\x00\x00WAVE",
    b"fLaC", b"OggS", b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"\0\0\0\x20ftypM4A " + bytes(64), b"FORM\0\0\0\x04AIFF",
    b"#EXTM3U\nhttp://127.0.0.1:9/x.mp3\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b"\xff\xfb", b"\x1aE\xdf\xa3",
])  # fmt: skip
def test_what_is_no_audio_is_corrupt(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError) as caught:
        READER.probe(path)
    with pytest.raises(CorruptFileError):
        next(READER.blocks(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("codec", ["wav", "aiff", "flac", "ogg"])
def test_a_file_of_no_frames_is_corrupt(codec: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x", np.zeros((2, 0), np.float32), codec=codec)
    with pytest.raises(CorruptFileError):
        READER.probe(path)
    with pytest.raises(CorruptFileError):
        next(READER.blocks(path))


def test_one_frame_is_audio(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.wav", np.full((1, 1), 0.5, np.float32))
    assert decode(path).shape == (1, 1)


@pytest.mark.parametrize("entry", [b"drms", b"enca"])
def test_protected_music_is_unsupported(entry: bytes, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.m4p", clicks(), codec="m4a")
    data = path.read_bytes()
    at = data.index(b"mp4a", data.index(b"stsd"))
    path.write_bytes(data[:at] + entry + data[at + 4 :])
    with pytest.raises(UnsupportedError, match="DRM"):
        READER.probe(path)
    with pytest.raises(UnsupportedError):
        next(READER.blocks(path))


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    for path in (tmp_path / "none.wav", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(NotFoundError):
            READER.probe(path)
        with pytest.raises(NotFoundError):
            next(READER.blocks(path))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user without all rights")
def test_a_file_without_permission_is_unavailable(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.wav", clicks())
    path.chmod(0)
    with pytest.raises(UnavailableError):
        READER.probe(path)


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
def test_folders_and_pipes_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    for path in (tmp_path, tmp_path / "pipe.mp3"):
        with pytest.raises(CorruptFileError):
            READER.probe(path)


@pytest.mark.parametrize("name", [
    "it's & # % (1) ü 日本 🎛.mp3", "-i.mp3", "a\nb.mp3", "%03d.mp3", "http:x.mp3", "x" * 251 + ".mp3",
    unicodedata.normalize("NFD", "Für Elise é.mp3"), unicodedata.normalize("NFC", "Für Elise é.mp3"), "concat:a|b.mp3",
])  # fmt: skip
@pytest.mark.parametrize("codec", ["wav", "m4a"])
def test_any_name_can_be_read(name: str, codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_audio(tmp_path / "plain", clicks(duration_s=0.6), codec=codec)
    path.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert decode(Path(name)).shape == (2, 26_460)


@pytest.mark.skipif(os.name != "posix", reason="names of bytes are a POSIX matter")
@pytest.mark.parametrize("codec", ["wav", "flac", "m4a"])
def test_a_name_that_is_no_text_can_be_read(codec: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "plain", clicks(duration_s=0.6), codec=codec)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe\x80.mp3"))
    path.rename(odd)
    assert decode(odd).shape == (2, 26_460)
    odd.write_bytes(b"no music")
    with pytest.raises(CorruptFileError) as caught:
        READER.probe(odd)
    str(caught.value).encode("utf-8")


def test_samples_that_are_not_finite_become_silence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    signal = sine(frequency_hz=440, duration_s=2)
    signal[0, [10, 50_000]] = np.nan, -np.inf
    signal[0, 60_000] = 1e30
    path = tmp_path / "x.wav"
    soundfile.write(path, signal.T, 44_100, subtype="FLOAT")
    with caplog.at_level(logging.WARNING), READER.blocks(path) as stream:
        decoded = np.concatenate(list(stream), axis=1)
        assert stream.mended_samples == 3
    assert np.isfinite(decoded).all()
    assert (decoded[0, [10, 50_000, 60_000]] == 0).all()
    assert np.array_equal(decoded[0, 100:40_000], signal[0, 100:40_000])
    assert "replaced 3 impossible samples" in caplog.text


def test_absurd_declarations_are_refused(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.wav", clicks())
    data = bytearray(path.read_bytes())
    data[24:28] = (2_000_000_000).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(CorruptFileError, match="2000000000 Hz"):
        READER.probe(path)


@pytest.mark.parametrize("block_s", [0, -1, float("nan"), 3600])
def test_an_absurd_block_length_is_refused(block_s: float, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        READER.blocks(tmp_path / "x.wav", block_s=block_s)


@pytest.mark.parametrize("codec", ["wav", "m4a"])
@pytest.mark.parametrize("how", ["close", "forget", "with", "end"])
def test_nothing_stays_open_behind_a_stream(codec: str, how: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x", stereo(noise(duration_s=30)), codec=codec)
    process = psutil.Process()
    files, processes = len(process.open_files()), len(children())
    stream = READER.blocks(path)
    next(stream)
    match how:
        case "close":
            stream.close()
            stream.close()
        case "forget":
            del stream
            gc.collect()
        case "with":
            with stream:
                next(stream)
        case _:
            assert sum(1 for _ in stream) == 29
    assert len(children()) == processes
    assert len(process.open_files()) == files


def test_a_closed_stream_gives_no_more(tmp_path: Path) -> None:
    stream = READER.blocks(write_audio(tmp_path / "x.m4a", clicks()))
    stream.close()
    assert list(stream) == []
    assert not stream.is_truncated


def test_the_memory_for_a_long_file_is_bounded(tmp_path: Path) -> None:
    minute = write_audio(tmp_path / "minute.mp3", stereo(noise(duration_s=60, sample_rate_hz=22_050)), 22_050)
    long = tmp_path / "long.mp3"
    long.write_bytes(minute.read_bytes() * 20)
    process = psutil.Process()
    stream = READER.blocks(long)
    next(stream)
    before, frames, most = process.memory_info().rss, 0, 0
    for index, block in enumerate(stream):
        frames += block.shape[1]
        if index % 100 == 0:
            most = max(most, process.memory_info().rss)
    assert frames > 19 * 60 * 22_050
    assert most - before < 30e6


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a shell script be ffmpeg, as a user may choose any program."""
    program = folder / "ffmpeg"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_decoder_that_stands_still_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    m4a, mp3 = write_audio(tmp_path / "x.m4a", clicks()), write_audio(tmp_path / "x.mp3", clicks(), codec="mp3plain")
    stand_in(tmp_path, "exec sleep 60\n", monkeypatch)
    reader = FileReader(stall_s=0.3)
    with pytest.raises(UnavailableError, match="no answer"):
        reader.probe(m4a)
    with pytest.raises(UnavailableError, match="stood still"):
        next(reader.blocks(mp3))
    assert not [child for child in children() if "ffmpeg" in child.name()]


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_decoder_that_crashes_makes_the_file_corrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    m4a, mp3 = write_audio(tmp_path / "x.m4a", clicks()), write_audio(tmp_path / "x.mp3", clicks(), codec="mp3plain")
    stand_in(tmp_path, "kill -SEGV $$\n", monkeypatch)
    for path in (m4a, mp3):
        with pytest.raises(CorruptFileError):
            next(READER.blocks(path))


def test_without_ffmpeg_what_needs_it_is_unsupported_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    m4a, mp3 = write_audio(tmp_path / "x.m4a", clicks()), write_audio(tmp_path / "x.mp3", clicks())
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "none"))
    with pytest.raises(UnsupportedError, match="IMAGEIO_FFMPEG_EXE"):
        READER.probe(m4a)
    assert decode(mp3).shape == (2, 66_150)


def test_the_length_of_a_wav_above_4_gigabytes_is_right(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.wav", clicks(), codec="rf64")
    data, size = bytearray(path.read_bytes()), 8 * 3600 * 44_100 * 4
    at = data.index(b"ds64") + 8
    start = data.index(b"data") + 8
    data[at : at + 24] = b"".join(n.to_bytes(8, "little") for n in (start + size - 8, size, size // 4))
    path.write_bytes(data[:start])
    os.truncate(path, start + size)
    assert READER.probe(path).duration_s == 8 * 3600
    with READER.blocks(path) as stream:
        assert next(stream).shape == (2, 44_100)
