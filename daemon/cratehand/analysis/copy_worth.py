"""One order of all copies by what is left of the master in them, and the words for it.

Every copy has a *worth* in kbit/s of MP3. A lossless file that never met a codec stands above all of them; one whose
history can't be told is worth what the best fake is that nobody can see, an MP3 of V0; a transcode is worth its source.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cratehand.analysis.quality import CODEC_WALL_DB, HIGHEST_CODEC_WALL_HZ
from cratehand.analysis.source_class import name_source
from cratehand.domain.audio import AudioFormat
from cratehand.domain.audio_quality import AudioQuality, QualityFinding, QualityVerdict
from cratehand.domain.upgrade import CopyEvidence

LOSSLESS_KBPS: Final = 1_411.0
UNSEEN_FAKE_KBPS: Final = 245.0
"""MP3 V0, AAC 256 and Ogg q8 leave no wall and seldom traces; a fake of them is worth about this much."""
_EFFICIENCY: Final = {"mp3": 1.0, "aac": 1.25, "vorbis": 1.25, "opus": 1.5, "mp2": 0.7, "wmav2": 0.9}
"""How many kbit/s of MP3 one kbit/s of each codec is worth."""
_UNKNOWN_RATE_KBPS: Final = 128.0
_CLASS_KBPS: Final = {
    "mp3 64": 64.0, "mp3 96": 96.0, "mp3 128": 128.0, "mp3 160": 160.0, "mp3 192": 192.0, "mp3 256": 256.0,
    "mp3 320": 320.0, "mp3 V0": 245.0, "mp3": 245.0,
    "aac 96": 120.0, "aac 128": 160.0, "aac 160": 200.0, "aac 192": 240.0, "aac 256": 320.0, "aac": 320.0,
    "ogg q2": 120.0, "ogg q3": 140.0, "ogg q4": 160.0, "ogg q5": 200.0, "ogg q6": 240.0, "ogg": 240.0,
}  # fmt: skip
_OPUS_RATE_HZ: Final = 48_000
_OPUS_WALL_HZ: Final = (20_100.0, 20_600.0)
"""Opus codes up to 20 kHz at any bit rate that music is kept in (RFC 6716, 2.1.3). Measured on 13 encodes of 96 to 192
kbit/s: 20,166 to 20,424 Hz."""
_WALLED_KBPS: Final = {"mp3": 1.34, "aac": 1.34, "vorbis": 1.34}
"""How far the bit rate of a file may lie above the class of its wall: encoders set their walls differently."""


class History(StrEnum):
    """What kind of thing a copy is."""

    LOSSLESS = "lossless"
    UNKNOWN = "unknown"
    """In a lossless container, and nobody can tell."""
    LOSSY = "lossy"
    FAKE = "fake"
    """In a lossless container, and made from a lossy file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyWorth:
    """Where one copy stands."""

    history: History
    kbps: float
    """In kbit/s of MP3; `LOSSLESS_KBPS` for what never met a codec."""
    words: str
    """E.g. ``an MP3 of 128 kbit/s``."""
    is_mono: bool
    clipped_runs_a_minute: float


def rate_copy(sound: AudioFormat, quality: AudioQuality, *, duration_s: float) -> CopyWorth:
    """Return where a copy stands, by its verdict, its class and its wall."""
    history, kbps, words = _history(sound, quality)
    findings = quality.findings
    runs = quality.evidence.get("clipped_runs", 0.0)
    return CopyWorth(
        history=history,
        kbps=kbps,
        words=words,
        is_mono=QualityFinding.MONO in findings or QualityFinding.FAKE_STEREO in findings or sound.channels == 1,
        clipped_runs_a_minute=60.0 * runs / max(duration_s, 1.0),
    )


def declared_kbps(sound: AudioFormat) -> float:
    """Return what a lossy file is worth by its codec and bit rate alone, in kbit/s of MP3."""
    return (sound.bit_rate_kbps or _UNKNOWN_RATE_KBPS) * _EFFICIENCY.get(sound.codec, 1.0)


def has_codec_wall(quality: AudioQuality) -> bool:
    """Return whether the spectrum ends where codecs end it and as steeply; such a file is never found genuine."""
    wall_hz, height_db = (quality.evidence.get(name, 0.0) for name in ("wall_hz", "wall_height_db"))
    return 0.0 < wall_hz < HIGHEST_CODEC_WALL_HZ and height_db >= CODEC_WALL_DB


def ends_as_opus(copy: CopyEvidence) -> bool:
    """Return whether the spectrum ends where and as steeply as that of Opus, in a file of Opus's own rate."""
    wall_hz, height_db = (copy.quality.evidence.get(name, 0.0) for name in ("wall_hz", "wall_height_db"))
    low_hz, high_hz = _OPUS_WALL_HZ
    return copy.format.sample_rate_hz == _OPUS_RATE_HZ and low_hz <= wall_hz <= high_hz and height_db >= CODEC_WALL_DB


def _history(sound: AudioFormat, quality: AudioQuality) -> tuple[History, float, str]:
    kind = f"{_spoken(sound.codec if sound.codec != 'pcm' else sound.container)}"
    if quality.verdict in (QualityVerdict.GENUINE, QualityVerdict.UPSAMPLED):
        return History.LOSSLESS, LOSSLESS_KBPS, f"a lossless {kind}"
    if quality.verdict is QualityVerdict.TRANSCODE:
        source = quality.source_class or "a lossy file"
        return History.FAKE, _CLASS_KBPS.get(source, 128.0), f"a {kind} made from {source}"
    if quality.verdict is QualityVerdict.CANNOT_TELL:
        kbps = min(UNSEEN_FAKE_KBPS, _class_of_wall("mp3", quality) or UNSEEN_FAKE_KBPS)
        return History.UNKNOWN, kbps, f"a {kind} whose history can't be told"
    kbps = declared_kbps(sound)
    words = f"{kind} of {sound.bit_rate_kbps or _UNKNOWN_RATE_KBPS:.0f} kbit/s"
    limit = _class_of_wall({"vorbis": "ogg"}.get(sound.codec, sound.codec), quality)
    if limit is not None and kbps > limit * _WALLED_KBPS[sound.codec]:
        return History.LOSSY, limit, f"{words} that sounds like one of {limit:.0f}"
    return History.LOSSY, kbps, words


def _class_of_wall(codec: str, quality: AudioQuality) -> float | None:
    wall_hz = quality.evidence.get("wall_hz")
    if wall_hz is None or codec not in ("mp3", "aac", "ogg"):
        return None
    return _CLASS_KBPS.get(name_source(codec, wall_hz, full_band=False))


def _spoken(name: str) -> str:
    return {"vorbis": "Ogg", "opus": "Opus"}.get(name, name.upper())
