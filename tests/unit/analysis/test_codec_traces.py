"""What a codec leaves in the sound is found after decoding into 16 bits; what has other reasons is not."""

import subprocess
from functools import cache
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from scipy.signal import firwin, oaconvolve

from cratehand.analysis.codec_traces import CodecTrace, search_traces
from cratehand.analysis.codec_transforms import (
    codec_transforms,
    kaiser_bessel_window,
    mdct_kernel,
    sine_window,
    vorbis_window,
)
from cratehand.analysis.passages import PASSAGE_FRAMES, PASSAGES, PassageStream
from cratehand.domain.audio import Samples
from cratehand.domain.audio_quality import QualityVerdict
from tests import music, signals
from tests.unit.analysis.feeding import analyse, lossless

_RATE_HZ = 44_100
_ENCODERS = {
    "mp3 128": ("mp3", "libmp3lame", "-b:a", "128k"),
    "mp3 320": ("mp3", "libmp3lame", "-b:a", "320k"),
    "aac 128": ("ipod", "aac", "-b:a", "128k"),
    "aac 256": ("ipod", "aac", "-b:a", "256k"),
    "ogg q3": ("ogg", "libvorbis", "-q:a", "3"),
    "ogg q6": ("ogg", "libvorbis", "-q:a", "6"),
}


@cache
def bright_music() -> Samples:
    """Drums, bass and chords with air: noise that reaches to the top, as cymbals do."""
    song = music.groove(tempo_bpm=124.0, bars=6).samples[:, : 10 * _RATE_HZ]
    air = np.concatenate([signals.noise(duration_s=10.0, level=0.01, seed=seed) for seed in (3, 4)])
    return (0.6 * song + air[:, : song.shape[1]]).astype(np.float32)


@cache
def decoded(name: str, folder: Path) -> Samples:
    """Encode the music, decode it into 16 bits."""
    kind, codec, *options = _ENCODERS[name]
    source, coded, target = (folder / f"{name}.{suffix}" for suffix in ("wav", kind, "flac"))
    soundfile.write(source, bright_music().T, _RATE_HZ, subtype="PCM_16")
    for arguments in (
        ["-i", str(source), "-c:a", codec, *options, "-f", kind, str(coded)],
        ["-i", str(coded), "-sample_fmt", "s16", str(target)],
    ):
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *arguments]
        subprocess.run(command, check=True, timeout=60)
    return np.ascontiguousarray(soundfile.read(target, dtype="float32", always_2d=True)[0].T)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("encodes")


def clearest(samples: Samples) -> CodecTrace:
    stream = PassageStream()
    for start in range(0, samples.shape[1], 1 << 17):
        stream.feed(samples[:, start : start + (1 << 17)])
    return max(search_traces(stream.finish()), key=lambda trace: trace.margin)


@pytest.mark.parametrize("name", list(_ENCODERS))
def test_the_codec_of_a_decoded_file_is_named(name: str, folder: Path) -> None:
    quality = analyse(decoded(name, folder), declared=lossless()).quality
    assert quality is not None
    assert quality.verdict is QualityVerdict.TRANSCODE
    assert quality.source_class is not None
    assert quality.source_class.split()[0] == name.split(maxsplit=1)[0]


def test_the_class_follows_from_the_wall_that_the_encoder_left(folder: Path) -> None:
    named = {}
    for name in ("mp3 128", "mp3 320"):
        quality = analyse(decoded(name, folder), declared=lossless()).quality
        assert quality is not None
        named[name] = quality.source_class
    assert named == {"mp3 128": "mp3 128", "mp3 320": "mp3 320"}


def test_the_place_of_the_frames_moves_with_the_sound(folder: Path) -> None:
    samples = decoded("aac 128", folder)
    here, later = clearest(samples), clearest(samples[:, 100:])
    assert here.convinces
    assert later.convinces
    assert (here.offset_frames - later.offset_frames) % 1_024 == 100


def test_other_gain_hides_nothing(folder: Path) -> None:
    softer = np.round(decoded("mp3 320", folder) * 0.71 * 32768) / 32768
    assert clearest(softer.astype(np.float32)).convinces


def test_originals_show_no_trace() -> None:
    quantised = np.round(bright_music() * 32768) / 32768
    kernel = firwin(1023, 16_000.0, fs=_RATE_HZ, window=("kaiser", 12.0))
    walled = np.round(oaconvolve(quantised, kernel[np.newaxis], mode="same", axes=1) * 32768) / 32768
    for samples in (quantised, walled):
        assert not clearest(samples.astype(np.float32)).convinces


def test_flat_clipping_is_no_trace() -> None:
    loud = np.clip(6.0 * bright_music(), -0.99, 0.99)
    assert not clearest((np.round(loud * 32768) / 32768).astype(np.float32)).convinces


def test_silence_and_short_sounds_have_nothing_to_search() -> None:
    stream = PassageStream()
    stream.feed(np.zeros((2, 1 << 17), dtype=np.float32))
    stream.feed(signals.stereo(signals.noise(duration_s=0.05)))
    assert stream.finish() == ()
    assert search_traces(()) == []


def test_one_channel_is_searched_too(folder: Path) -> None:
    assert clearest(decoded("mp3 128", folder)[:1]).convinces


def test_a_long_track_keeps_few_passages_from_all_over() -> None:
    stream = PassageStream()
    block = signals.stereo(signals.noise(duration_s=PASSAGE_FRAMES / _RATE_HZ))
    for number in range(500):
        stream.feed(block * np.float32(1.0 + 0.001 * (number % 7)))
    passages = stream.finish()
    assert len(passages) == PASSAGES
    starts = sorted(passage.start_frame // PASSAGE_FRAMES for passage in passages)
    assert starts[0] < 50
    assert starts[-1] > 400


@pytest.mark.parametrize("window", [sine_window(256), kaiser_bessel_window(256), vorbis_window(256)])
def test_windows_and_transform_are_orthonormal_over_two_frames(window: np.ndarray) -> None:
    kernel = mdct_kernel(window, range(128)).astype(np.float64)
    # Princen and Bradley: the lines of a frame are orthonormal, and orthogonal to those of the next.
    assert kernel.T @ kernel == pytest.approx(np.eye(128), abs=1e-5)
    assert kernel[128:].T @ kernel[:128] == pytest.approx(np.zeros((128, 128)), abs=1e-5)


def test_each_mp3_line_answers_to_its_own_frequency() -> None:
    kernel = codec_transforms()[0].kernel
    spectrum = np.abs(np.fft.rfft(kernel, n=1 << 14, axis=0))
    peaks_hz = spectrum.argmax(axis=0) * _RATE_HZ / (1 << 14)
    lines_hz = (np.arange(100, 420, 4) + 0.5) * _RATE_HZ / 1_152
    assert np.abs(peaks_hz - lines_hz).max() < 40.0
    # The standard's filter bank keeps what is two subbands away 90 dB down.
    far = spectrum[:, 0][round(12_000 / _RATE_HZ * (1 << 14)) :].max() / spectrum[:, 0].max()
    assert 20.0 * np.log10(far) < -90.0
