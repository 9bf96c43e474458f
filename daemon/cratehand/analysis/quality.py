"""The verdict on a file's codec history and the defects found, each with its number. In doubt: cannot tell."""

from collections.abc import Sequence
from typing import Final

from cratehand.analysis.bandwidth import Bandwidth
from cratehand.analysis.codec_traces import CodecTrace
from cratehand.analysis.signal_levels import SignalLevels
from cratehand.analysis.source_class import name_source
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

_TELLING_LINES: Final = 100
"""With fewer sounding lines no codec would be found where there was one."""
_ENOUGH_WINDOWS: Final = 12
_FULL_BAND_DB: Final = -117.0
"""12 dB over the noise of 16 bits, 8 over that of dither."""
CODEC_WALL_DB: Final = 20.0
"""Measured: Opus leaves walls of 26 dB and more, the steepest falls of music itself reach 18."""
HIGHEST_CODEC_WALL_HZ: Final = 20_600.0
"""Opus and MP3 320 end below; resampling filters of masters above."""
_OLD_NYQUIST_HZ: Final = 22_200.0
_UPSAMPLED_WALL_DB: Final = 20.0


def judge(
    levels: SignalLevels,
    bandwidth: Bandwidth | None,
    traces: Sequence[CodecTrace],
    *,
    sample_rate_hz: int,
    channels: int,
    declared: AudioFormat | None,
) -> tuple[AudioQuality, float]:
    """Return the verdict with findings and evidence, and how sure the verdict is, 0 ... 1.

    A wall in the spectrum alone accuses nobody, since masters have them too; a transcode is what shows a codec's own
    rounding. Full-band sound without such traces is genuine, and of the rest nobody can tell.
    """
    evidence = _evidence(levels, bandwidth)
    if traces:
        evidence |= _trace_evidence(_clearest(traces))
    verdict, source_class, confidence = _verdict(levels, bandwidth, traces, sample_rate_hz, declared)
    findings = _findings(levels, sample_rate_hz, channels, declared)
    quality = AudioQuality(verdict=verdict, findings=findings, source_class=source_class, evidence=evidence)
    return quality, confidence


def _verdict(
    levels: SignalLevels,
    bandwidth: Bandwidth | None,
    traces: Sequence[CodecTrace],
    sample_rate_hz: int,
    declared: AudioFormat | None,
) -> tuple[QualityVerdict, str | None, float]:
    if declared is not None and not declared.lossless:
        return QualityVerdict.LOSSY, None, 1.0
    if bandwidth is None or not traces:
        return QualityVerdict.CANNOT_TELL, None, 0.0
    full_band = bandwidth.top_db > _FULL_BAND_DB
    trace = _clearest(traces)
    if trace.convinces:
        return QualityVerdict.TRANSCODE, name_source(trace.codec, bandwidth.wall_hz, full_band=full_band), 0.99
    if bandwidth.windows < _ENOUGH_WINDOWS:
        return QualityVerdict.CANNOT_TELL, None, 0.0
    if _is_upsampled(bandwidth, sample_rate_hz) or _is_padded(levels, declared):
        return QualityVerdict.UPSAMPLED, None, 0.9
    walled = (
        bandwidth.wall_hz is not None
        and bandwidth.wall_hz < HIGHEST_CODEC_WALL_HZ
        and bandwidth.wall_db >= CODEC_WALL_DB
    )
    if full_band and not walled and min(found.lines for found in traces) >= _TELLING_LINES:
        return QualityVerdict.GENUINE, None, 0.9
    return QualityVerdict.CANNOT_TELL, None, 0.5


def _clearest(traces: Sequence[CodecTrace]) -> CodecTrace:
    """Return the trace that convinces most, or comes nearest to it."""
    return max(traces, key=lambda found: (found.convinces, found.margin))


def _is_upsampled(bandwidth: Bandwidth, sample_rate_hz: int) -> bool:
    """Whether sound of a higher rate ends steeply where 44.1 or 48 kHz end, with nothing above."""
    if bandwidth.wall_hz is None or bandwidth.wall_db < _UPSAMPLED_WALL_DB or bandwidth.above_db > _FULL_BAND_DB:
        return False
    old_nyquist_hz = 24_200.0 if sample_rate_hz > 80_000 else _OLD_NYQUIST_HZ
    beyond_cd_db = bandwidth.beyond_cd_db
    empty = beyond_cd_db is not None and (beyond_cd_db < _FULL_BAND_DB or sample_rate_hz > 80_000)
    return empty and HIGHEST_CODEC_WALL_HZ <= bandwidth.wall_hz <= old_nyquist_hz


def _is_padded(levels: SignalLevels, declared: AudioFormat | None) -> bool:
    """Whether a file of more than 16 bits holds 16."""
    return declared is not None and (declared.bit_depth or 0) > 16 and levels.bits_in_use == 16


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
        evidence["level_at_21_khz_db"] = bandwidth.top_db
        if bandwidth.wall_hz is not None:
            evidence["wall_hz"] = bandwidth.wall_hz
    return evidence


def _trace_evidence(trace: CodecTrace) -> dict[str, float]:
    """Return the numbers of the likeliest codec, whether or not they convince."""
    return {
        f"{trace.codec}_zero_lines_share": round(trace.share, 4),
        "zero_lines_by_chance_share": round(trace.chance, 4),
        "zero_lines_margin_deviations": round(trace.margin, 1),
        "codec_frames_at_frames": float(trace.offset_frames),
    }
