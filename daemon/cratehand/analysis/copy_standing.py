"""Whether a copy of the same master is really better: by the sound's own verdict, with the reason in words."""

from typing import Final

from cratehand.analysis.copy_likeness import CopyLikeness
from cratehand.analysis.copy_worth import CopyWorth, History, rate_copy
from cratehand.domain.audio_quality import QualityFinding
from cratehand.domain.upgrade import CopyEvidence, Standing

_BETTER_BY: Final = 1.3
"""Between neighbouring bit rates nobody hears a difference."""
_SAME_SOUND_DB: Final = -50.0
"""The noise of all codecs at their best rates stands above -50 dB from 4 kHz on; a bare copy lies below."""
_OWN_LIMITS: Final = ((160.0, -15.5), (320.0, -32.0))
"""Worth of the current file, and the residual from 4 to 10 kHz below which the candidate was made from it: a master
differs from that file by its codec's noise, whatever was made from it only by its own."""
_CLIPPED_RUNS_A_MINUTE: Final = 5.0
_CLIPPED_SHARE: Final = 0.01
_CUT_PEAKS_DB: Final = 0.5

Peaks = tuple[float, ...]

Answer = tuple[Standing, str]


def compare_standing(
    current: CopyEvidence, candidate: CopyEvidence, likeness: CopyLikeness, *, peaks_db: tuple[Peaks, Peaks]
) -> Answer:
    """Return how the candidate compares, and why, as a clause.

    Args:
        current: Of the track.
        candidate: A copy of the same master.
        likeness: Of the two, aligned.
        peaks_db: How high the peaks of each reach, see `CopyListener.peaks_db`.
    """
    one = rate_copy(current.format, current.quality, duration_s=current.duration_s)
    other = rate_copy(candidate.format, candidate.quality, duration_s=candidate.duration_s)
    return (
        _defect(current, candidate, one, other)
        or _cut_peaks(one, other, likeness, peaks_db)
        or _shared_history(one, other, likeness)
        or _by_worth(one, other)
    )


def _defect(current: CopyEvidence, candidate: CopyEvidence, one: CopyWorth, other: CopyWorth) -> Answer | None:
    if QualityFinding.TRUNCATED in candidate.quality.findings:
        return Standing.WORSE, "but the new file is cut off: get it again"
    if candidate.format.channels > 2 >= current.format.channels:
        return (
            Standing.CANNOT_TELL,
            f"but the new file has {candidate.format.channels} channels, which players mix down",
        )
    if other.is_mono and not one.is_mono:
        return Standing.WORSE, "but the new file is mono"
    return None


def _cut_peaks(
    one: CopyWorth, other: CopyWorth, likeness: CopyLikeness, peaks_db: tuple[Peaks, Peaks]
) -> Answer | None:
    """Find peaks that are cut off in the candidate and are not in the current file.

    A codec lets the cut tops of a loud master overshoot, so it is not enough that the current file reaches higher:
    it also must never have been at full scale.
    """
    runs = other.clipped_runs_a_minute
    over_db = peaks_db[0][1] + likeness.gain_db - peaks_db[1][1]
    if runs < _CLIPPED_RUNS_A_MINUTE or one.clipped_runs_a_minute > _CLIPPED_SHARE * runs or over_db < _CUT_PEAKS_DB:
        return None
    return Standing.WORSE, f"but {over_db:.1f} dB of the new file's peaks are cut off"


def _shared_history(one: CopyWorth, other: CopyWorth, likeness: CopyLikeness) -> Answer | None:
    if max(likeness.residual_db, likeness.high_residual_db) < _SAME_SOUND_DB:
        return Standing.EQUAL, "but both hold the very same sound"
    if one.history not in (History.LOSSY, History.FAKE):
        return None
    (low, low_db), (high, high_db) = _OWN_LIMITS
    place = min(max((one.kbps - low) / (high - low), 0.0), 1.0)
    if likeness.high_residual_db >= low_db + place * (high_db - low_db):
        return None
    return Standing.EQUAL, f"but the new file was made from the current one or its source, {one.words}"


def _by_worth(one: CopyWorth, other: CopyWorth) -> Answer:
    against = f"{other.words} against {one.words}"
    if other.history is History.FAKE:
        return Standing.WORSE if other.kbps < one.kbps else Standing.EQUAL, f"but the new file is a fake: {against}"
    if one.history is History.LOSSLESS:
        better = other.history is History.LOSSLESS
        return (Standing.EQUAL, f"no better: {against}") if better else (Standing.WORSE, f"not better: {against}")
    if other.history is History.LOSSLESS and one.history is not History.UNKNOWN:
        return Standing.BETTER, f"better: {against}"
    if one.history is History.UNKNOWN:
        lossy = other.history is History.LOSSY
        return (Standing.WORSE if lossy else Standing.CANNOT_TELL), f"perhaps no better: {against}"
    ratio = other.kbps / max(one.kbps, 1.0)
    if other.history is History.UNKNOWN:
        if ratio >= _BETTER_BY:
            # Were it a fake of the kind that can't be seen, it would still be the better one.
            return Standing.BETTER, f"better: {against}, which at worst is like an MP3 of {other.kbps:.0f} kbit/s"
        return Standing.CANNOT_TELL, f"perhaps no better: {against}"
    if ratio >= _BETTER_BY:
        return Standing.BETTER, f"better: {against}"
    return (Standing.EQUAL if ratio * _BETTER_BY > 1.0 else Standing.WORSE), f"no better: {against}"
