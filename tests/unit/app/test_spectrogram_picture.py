"""The picture that `analyse --picture` draws."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from cratehand.analysis.spectrogram import Spectrogram
from cratehand.app.cli.pictures import draw_picture, picture_path
from cratehand.app.pixel_text import draw_text, text_width
from cratehand.app.png import encode_png
from cratehand.app.spectrogram_picture import paint
from cratehand.domain.audio_quality import AudioQuality, QualityVerdict
from tests import signals


def pixels_of(png: bytes) -> np.ndarray:
    """Read a PNG back, chunk by chunk, every checksum checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, chunks = 8, {}
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack(">I", png[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + data)
        chunks[kind] = data
        place += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(height, 1 + 3 * width)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, 3)


def test_a_png_reads_back_as_it_was() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, size=(7, 13, 3), dtype=np.uint8)
    assert (pixels_of(encode_png(pixels)) == pixels).all()
    with pytest.raises(ValueError, match="height, width, 3"):
        encode_png(np.zeros((3, 3), dtype=np.uint8))


def test_text_beyond_the_edge_is_cut_and_never_breaks() -> None:
    for left, top in [(-9, -5), (35, 10), (100, 100), (0, 0)]:
        pixels = np.zeros((20, 40, 3), dtype=np.uint8)
        draw_text(pixels, "16.4 kHz ü", left=left, top=top, colour=(255, 0, 0))
        assert pixels.any() == (left < 40)
    assert text_width("kHz") == 34


def test_loud_rows_are_bright_and_the_wall_is_marked() -> None:
    levels_db = np.full((512, 300), -120.0, dtype=np.float32)
    levels_db[:256] = -20.0
    spectrogram = Spectrogram(levels_db=levels_db, duration_s=240.0, sample_rate_hz=44_100)
    quality = AudioQuality(
        verdict=QualityVerdict.TRANSCODE, source_class="mp3 128", evidence={"wall_hz": 16_000.0, "wall_height_db": 60.0}
    )
    picture = pixels_of(paint(spectrogram, quality)).astype(int)
    plain = pixels_of(paint(spectrogram, None)).astype(int)
    inside = plain[60:550, 100:1200].sum(axis=2)
    assert inside[:200].max() < 20
    assert inside[300:].min() > 500
    changed = np.nonzero((picture != plain).any(axis=(1, 2)))[0]
    below_the_words = changed[changed > 50]
    # 16 of 22.05 kHz up from the lower edge at 50 + 512.
    assert below_the_words.tolist() == [pytest.approx(562 - 512 * 16.0 / 22.05, abs=2)]


def test_a_picture_never_overwrites(tmp_path: Path) -> None:
    song = tmp_path / "song.flac"
    soundfile.write(song, signals.stereo(signals.noise(duration_s=3.0)).T, 44_100)
    drawn = [draw_picture(str(song), str(tmp_path), None) for _ in range(3)]
    names = [Path(path).name for path, error in drawn if path and error is None]
    assert names == [f"song.flac.spectrogram{number}.png" for number in ("", "-2", "-3")]
    assert pixels_of((tmp_path / names[0]).read_bytes()).shape == (602, 1400, 3)
    assert picture_path(song, tmp_path).name == "song.flac.spectrogram-4.png"


def test_what_can_not_be_drawn_is_told_in_one_line(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    soundfile.write(song, signals.noise(duration_s=2.0).T, 44_100)
    (tmp_path / "broken.wav").write_bytes(b"RIFF nonsense")
    for file, folder in (
        (song, tmp_path / "missing"),
        (tmp_path / "broken.wav", tmp_path),
        (tmp_path / "no", tmp_path),
    ):
        path, error = draw_picture(str(file), str(folder), None)
        assert path is None
        assert error is not None
        assert "\n" not in error
    assert not list(tmp_path.glob("*.png"))
