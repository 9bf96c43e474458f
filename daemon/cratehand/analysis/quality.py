"""The verdict on a file's codec history and the defects found, each with its number. In doubt: cannot tell."""

from typing import Final

from cratehand.analysis.bandwidth import Bandwidth
from cratehand.analysis.signal_levels import SignalLevels
from cratehand.domain.audio import AudioFormat
from cratehand.domain.audio_quality import AudioQuality, QualityFinding, QualityVerdict

_CLIPPED_RUNS_A_MINUTE: Final = 5.0
_SILENCE_START_S: Final = 1.0
_SILENCE_END_S: Final = 2.0
_DC_OFFSET: Final = 0.004
_SAME_CHANNELS: Final = 1e-5
"""Residual at -50 dB."""
_MISSING_LOSSLESS_S: Final = 0.1
_MISSING_LOSSY_S: Final = 1.0
_MISSING_LOSSY_SHARE: Final = 0.02
"""The declared length of a lossy file without an index is an estimate."""

_WALL_DB: Final = 24.0
_HIGHEST_TELLING_WALL_HZ: Final = 17_800.0
"""Walls of 18 kHz and more are made by mastering filters and by encoders alike."""
_EMPTY_DB: Final = -105.0
_FULL_BAND_HZ: Final = 20_300.0
_FULL_BAND_DB: Final = -105.0
_UPSAMPLED_RATES_HZ: Final = 80_000
_OLD_NYQUIST_HZ: Final = 24_500.0
_ENOUGH_WINDOWS: Final = 20
_CLASSES: Final = ((11_600.0, "mp3 64"), (15_600.0, "mp3 112"), (16_700.0, "mp3 128"), (17_800.0, "mp3 160"))
"""Upper ends of what LAME keeps (measured); AAC 128 has its wall at 17 kHz, so the class names a strength."""


def judge(
    levels: SignalLevels,
    bandwidth: Bandwidth | None,
    *,
    sample_rate_hz: int,
    channels: int,
    declared: AudioFormat | None,
) -> tuple[AudioQuality, float]:
    """Return the verdict with findings and evidence, and how sure the verdict is, 0 ... 1."""
    verdict, source_class, confidence = _verdict(bandwidth, sample_rate_hz, declared)
    quality = AudioQuality(
        verdict=verdict,
        findings=_findings(levels, sample_rate_hz, channels, declared),
        source_class=source_class,
        evidence=_evidence(levels, bandwidth),
    )
    return quality, confidence


def _verdict(
    bandwidth: Bandwidth | None, sample_rate_hz: int, declared: AudioFormat | None
) -> tuple[QualityVerdict, str | None, float]:
    if declared is not None and not declared.lossless:
        return QualityVerdict.LOSSY, None, 1.0
    if bandwidth is None or bandwidth.windows < _ENOUGH_WINDOWS:
        return QualityVerdict.CANNOT_TELL, None, 0.0
    wall_hz = bandwidth.wall_hz
    empty_above = bandwidth.above_db < _EMPTY_DB
    if sample_rate_hz >= _UPSAMPLED_RATES_HZ and bandwidth.effective_hz < _OLD_NYQUIST_HZ and empty_above:
        return QualityVerdict.UPSAMPLED, None, 0.8
    walled = wall_hz is not None and bandwidth.wall_db >= _WALL_DB and wall_hz <= _HIGHEST_TELLING_WALL_HZ
    # A wall alone may be the master's own filter, hence the modest confidence.
    if walled and wall_hz is not None and empty_above:
        source_class = next(name for upper_hz, name in _CLASSES if wall_hz <= upper_hz)
        return QualityVerdict.TRANSCODE, source_class, 0.7
    no_wall = wall_hz is None or wall_hz >= _FULL_BAND_HZ
    if no_wall and bandwidth.top_db > _FULL_BAND_DB and sample_rate_hz >= 44_100:
        return QualityVerdict.GENUINE, None, 0.8
    return QualityVerdict.CANNOT_TELL, None, 0.5


def _findings(
    levels: SignalLevels, sample_rate_hz: int, channels: int, declared: AudioFormat | None
) -> tuple[QualityFinding, ...]:
    duration_s = levels.frames / sample_rate_hz
    found: list[QualityFinding] = []
    if levels.channel_difference is not None and levels.channel_difference < _SAME_CHANNELS and levels.sounding:
        found.append(QualityFinding.FAKE_STEREO)
    if levels.clipped_runs >= 3 and levels.clipped_runs >= _CLIPPED_RUNS_A_MINUTE * duration_s / 60.0:
        found.append(QualityFinding.CLIPPED)
    if _is_truncated(duration_s, declared):
        found.append(QualityFinding.TRUNCATED)
    if levels.silence_start_s >= _SILENCE_START_S:
        found.append(QualityFinding.SILENCE_AT_START)
    if levels.silence_end_s >= _SILENCE_END_S:
        found.append(QualityFinding.SILENCE_AT_END)
    if levels.dc_offset >= _DC_OFFSET:
        found.append(QualityFinding.DC_OFFSET)
    if channels == 1:
        found.append(QualityFinding.MONO)
    return tuple(found)


def _is_truncated(duration_s: float, declared: AudioFormat | None) -> bool:
    if declared is None or declared.duration_s is None:
        return False
    missing_s = declared.duration_s - duration_s
    if declared.lossless:
        return missing_s > _MISSING_LOSSLESS_S
    return missing_s > max(_MISSING_LOSSY_S, _MISSING_LOSSY_SHARE * declared.duration_s)


def _evidence(levels: SignalLevels, bandwidth: Bandwidth | None) -> dict[str, float]:
    evidence: dict[str, float] = {
        "clipped_runs": float(levels.clipped_runs),
        "silence_at_start_s": round(levels.silence_start_s, 3),
        "silence_at_end_s": round(levels.silence_end_s, 3),
        "dc_offset": round(levels.dc_offset, 5),
    }
    if levels.channel_difference is not None:
        evidence["channel_difference"] = round(levels.channel_difference, 6)
    if levels.bits_in_use is not None:
        evidence["bits_in_use"] = float(levels.bits_in_use)
    if bandwidth is not None:
        evidence["effective_bandwidth_hz"] = bandwidth.effective_hz
        evidence["wall_height_db"] = bandwidth.wall_db
        evidence["level_above_wall_db"] = bandwidth.above_db
        if bandwidth.wall_hz is not None:
            evidence["wall_hz"] = bandwidth.wall_hz
    return evidence
