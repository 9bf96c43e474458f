import base64
import subprocess
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import psutil
import pytest

from cratehand.audio import ChromaprintFingerprinter, FileReader
from cratehand.domain.errors import InvalidInputError
from tests.audio_files import write_audio
from tests.signals import Signal, noise, sine, stereo

PRINTER = ChromaprintFingerprinter()


def melody(*, duration_s: float, sample_rate_hz: int = 44_100) -> Signal:
    rng = np.random.default_rng(5)
    notes = [
        sine(frequency_hz=220 * 2 ** (rng.integers(0, 24) / 12), duration_s=0.25, sample_rate_hz=sample_rate_hz)
        for _ in range(round(duration_s * 4))
    ]
    left = np.concatenate(notes, axis=1)
    return np.concatenate([left, left * np.float32(0.3)])


def fingerprint(signal: Signal, sample_rate_hz: int = 44_100, *, block_frames: int = 50_000) -> str | None:
    session = PRINTER.session(sample_rate_hz=sample_rate_hz, channels=signal.shape[0])
    for start in range(0, signal.shape[1], block_frames):
        session.feed(signal[:, start : start + block_frames])
    found = session.finish()
    session.close()
    return found


def of_ffmpeg(path: Path) -> str:
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-t", "120", "-i", path, "-f", "chromaprint", "-"],
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def items(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_it_is_what_chromaprint_gives_for_the_file(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.flac", melody(duration_s=20))
    decoded = np.concatenate(list(FileReader().blocks(path)), axis=1)
    ours, theirs = fingerprint(decoded), of_ffmpeg(path)
    assert ours is not None
    # Both resample on their own; a bit may fall to the other side, no more.
    different = np.unpackbits(np.frombuffer(items(ours)[:200], np.uint8) ^ np.frombuffer(items(theirs)[:200], np.uint8))
    assert items(ours)[:4] == items(theirs)[:4]
    assert different.mean() < 0.02


def test_the_cut_into_blocks_does_not_matter() -> None:
    signal = melody(duration_s=10)
    assert fingerprint(signal, block_frames=1000) == fingerprint(signal, block_frames=441_000)


def test_only_the_first_two_minutes_count() -> None:
    start = melody(duration_s=120, sample_rate_hz=11_025)
    longer = np.concatenate([start, stereo(noise(duration_s=30, sample_rate_hz=11_025))], axis=1)
    assert fingerprint(start, 11_025) == fingerprint(longer, 11_025)


def test_mono_and_the_same_on_two_channels_are_equal() -> None:
    mono = melody(duration_s=10)[:1]
    assert fingerprint(mono) == fingerprint(stereo(mono))


@pytest.mark.parametrize("frames", [0, 1, 1000, 44_100])
def test_too_short_a_signal_has_none(frames: int) -> None:
    assert fingerprint(melody(duration_s=1)[:, :frames]) is None


def test_silence_has_one() -> None:
    assert fingerprint(np.zeros((2, 441_000), np.float32)) is not None


def test_a_closed_session_holds_nothing_and_no_process_is_left() -> None:
    before = set(psutil.Process().children(recursive=True))
    session = PRINTER.session(sample_rate_hz=44_100, channels=2)
    session.feed(melody(duration_s=10))
    session.close()
    session.close()
    assert session.finish() is None
    fingerprint(melody(duration_s=5))
    assert set(psutil.Process().children(recursive=True)) <= before


def test_an_absurd_signal_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        PRINTER.session(sample_rate_hz=0, channels=2)


@pytest.mark.slow
def test_two_minutes_cost_little() -> None:
    signal = melody(duration_s=120)
    began_s = time.process_time()
    fingerprint(signal)
    assert time.process_time() - began_s < 1.0
