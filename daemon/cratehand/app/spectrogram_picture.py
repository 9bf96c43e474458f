"""The spectrogram as a picture, with axes, and the lines that the verdict on the quality rests on."""

from pathlib import Path
from typing import Final

import numpy as np

from cratehand.analysis.spectrogram import Spectrogram, SpectrogramStream
from cratehand.app.pixel_text import HEIGHT, draw_text, text_width
from cratehand.app.png import Pixels, encode_png
from cratehand.domain.audio_quality import AudioQuality
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.ports import AudioReader

_WIDTH: Final = 1_200
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 110, 50, 40
_LOWEST_DB, _HIGHEST_DB = -120.0, -20.0
_LEGEND_DB: Final = (-20, -40, -60, -80, -100, -120)
_PAPER: Final = (18, 18, 22)
_INK: Final = (225, 225, 225)
_WALL_INK: Final = (90, 220, 255)
_COLOURS: Final = np.array(
    [(0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
     (249, 201, 50), (252, 255, 164)], dtype=np.float64,
)  # fmt: skip
"""Black over purple and orange to light yellow: darker is quieter also in greys."""
_TIME_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200)
_MOST_TIMES: Final = 10


def spectrogram_of(reader: AudioReader, path: Path) -> Spectrogram:
    """Decode a file once more and return its spectrogram; raises like `AudioReader.blocks`.

    Raises:
        InvalidInputError: It is too short for a picture.
    """
    stream: SpectrogramStream | None = None
    rate_hz = reader.probe(path).sample_rate_hz
    for block in reader.blocks(path):
        stream = stream or SpectrogramStream(sample_rate_hz=rate_hz, columns=_WIDTH // 2)
        stream.feed(block)
    found = stream.finish() if stream else None
    if found is None:
        raise InvalidInputError(f"{path}: too short for a picture")
    return found


def paint(spectrogram: Spectrogram, quality: AudioQuality | None) -> bytes:
    """Return a PNG: time to the right in minutes, frequency upwards in kHz, level as colour with a legend.

    A line marks the wall where there is one, else the effective bandwidth; the verdict stands above.
    """
    height = spectrogram.levels_db.shape[0]
    pixels = np.empty((_TOP + height + _BOTTOM, _LEFT + _WIDTH + _RIGHT, 3), dtype=np.uint8)
    pixels[:] = _PAPER
    columns = np.arange(_WIDTH) * spectrogram.levels_db.shape[1] // _WIDTH
    pixels[_TOP : _TOP + height, _LEFT : _LEFT + _WIDTH] = _coloured(spectrogram.levels_db[::-1, columns])
    _draw_frequencies(pixels, spectrogram, height)
    _draw_times(pixels, spectrogram, height)
    _draw_legend(pixels, height)
    if quality is not None:
        _draw_evidence(pixels, spectrogram, quality, height)
    return encode_png(pixels)


def _coloured(levels_db: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> Pixels:
    place = np.clip((levels_db - _LOWEST_DB) / (_HIGHEST_DB - _LOWEST_DB), 0.0, 1.0)
    stops = np.linspace(0.0, 1.0, len(_COLOURS))
    return np.stack([np.interp(place, stops, part) for part in _COLOURS.T], axis=-1).astype(np.uint8)


def _row(frequency_hz: float, spectrogram: Spectrogram, height: int) -> int:
    return _TOP + height - 1 - round(frequency_hz / (0.5 * spectrogram.sample_rate_hz) * (height - 1))


def _draw_frequencies(pixels: Pixels, spectrogram: Spectrogram, height: int) -> None:
    top_khz = spectrogram.sample_rate_hz / 2_000.0
    step_khz = next((step for step in (1, 2, 5, 10, 20, 50) if top_khz / step <= 14), 100)
    for khz in range(0, int(top_khz) + 1, step_khz):
        row = _row(1_000.0 * khz, spectrogram, height)
        pixels[row, _LEFT - 8 : _LEFT] = _INK
        word = str(khz)
        draw_text(pixels, word, left=_LEFT - 14 - text_width(word), top=row - HEIGHT // 2 + 1, colour=_INK)
    draw_text(pixels, "kHz", left=_LEFT - 14 - text_width("kHz"), top=_TOP - 2 * HEIGHT - 4, colour=_INK)


def _draw_times(pixels: Pixels, spectrogram: Spectrogram, height: int) -> None:
    duration_s = spectrogram.duration_s
    step_s = next((step for step in _TIME_STEPS_S if duration_s / step <= _MOST_TIMES), 14_400)
    for time_s in range(0, int(duration_s) + 1, step_s):
        column = _LEFT + min(round(time_s / duration_s * _WIDTH), _WIDTH - 1)
        pixels[_TOP + height : _TOP + height + 8, column] = _INK
        hours, minutes, seconds = time_s // 3_600, time_s // 60 % 60, time_s % 60
        word = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        draw_text(pixels, word, left=column - text_width(word) // 2, top=_TOP + height + 14, colour=_INK)


def _draw_legend(pixels: Pixels, height: int) -> None:
    left = _LEFT + _WIDTH + 16
    levels = np.linspace(_HIGHEST_DB, _LOWEST_DB, height, dtype=np.float32)
    pixels[_TOP : _TOP + height, left : left + 14] = _coloured(np.repeat(levels[:, np.newaxis], 14, axis=1))
    for level_db in _LEGEND_DB:
        row = _TOP + round((_HIGHEST_DB - level_db) / (_HIGHEST_DB - _LOWEST_DB) * (height - 1))
        draw_text(pixels, str(level_db), left=left + 22, top=row - HEIGHT // 2 + 1, colour=_INK)
    draw_text(pixels, "dBFS", left=left, top=_TOP - 2 * HEIGHT - 4, colour=_INK)


def _draw_evidence(pixels: Pixels, spectrogram: Spectrogram, quality: AudioQuality, height: int) -> None:
    wall_hz = quality.evidence.get("wall_hz")
    marked_hz = wall_hz if wall_hz is not None else quality.evidence.get("effective_bandwidth_hz")
    words = [quality.verdict.value.replace("_", " ")]
    if quality.source_class is not None:
        words[0] += f": {quality.source_class.lower()}"
    if marked_hz is not None:
        row = _row(marked_hz, spectrogram, height)
        dashes = np.arange(_WIDTH) % 12 < 7
        pixels[row, _LEFT : _LEFT + _WIDTH][dashes] = _WALL_INK
        words.append(f"{'wall' if wall_hz is not None else 'bandwidth'} {marked_hz / 1_000.0:.1f} kHz")
    words += [finding.value.replace("_", " ") for finding in quality.findings]
    draw_text(pixels, ",  ".join(words), left=_LEFT, top=12, colour=_WALL_INK)
