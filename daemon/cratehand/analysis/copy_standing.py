"""Whether a copy of the same master is really better: by the sound's own verdict, with the reason in words."""

from dataclasses import replace
from typing import Final

import numpy as np

from cratehand.analysis.codec_rounding import RoundingEvidence
from cratehand.analysis.copy_likeness import CopyLikeness
from cratehand.analysis.copy_worth import CopyWorth, History, declared_kbps, ends_as_opus, has_codec_wall, rate_copy
from cratehand.domain.audio_quality import QualityFinding, QualityVerdict
from cratehand.domain.upgrade import CopyEvidence, Standing

_BETTER_BY: Final = 1.3
"""Between neighbouring bit rates nobody hears a difference."""
_SAME_SOUND_DB: Final = -50.0
"""The noise of all codecs at their best rates stands above -50 dB from 4 kHz on; a bare copy lies below."""
_OWN_LIMITS: Final = ((160.0, -15.5), (192.0, -19.5), (256.0, -24.0), (320.0, -28.0))
"""Worth of the current file, and the residual from 4 to 10 kHz below which the candidate was made from it: a master
differs from that file by its codec's noise, whatever was made from it only by its own."""
_LOST_ENERGY: Final = -1.2
"""See `CopyLikeness.energy_change`: such a candidate was coded after the current file was. Measured on 4 pieces:
masters -0.9 to 0 over MP3, 0.6 to 6 over AAC and Vorbis; what AAC and Vorbis made of the current file -1.2 to -17."""
_DOUBT_DB: Final = 1.5
"""By how much the limits are higher for a candidate that nothing shows to be genuine."""
_SETTLED_KBPS: Final = 200.0
"""Worth up to which the limits of the residual settle it; above, a fine fake adds no more noise than the codec did."""
_SAME_WALL_HZ: Final = 500.0
_CLIPPED_RUNS_A_MINUTE: Final = 5.0
_CLIPPED_SHARE: Final = 0.01
_CUT_PEAKS_DB: Final = 0.5

Peaks = tuple[float, ...]

Answer = tuple[Standing, str]


def compare_standing(
    current: CopyEvidence,
    candidate: CopyEvidence,
    likeness: CopyLikeness,
    *,
    peaks_db: tuple[Peaks, Peaks],
    rounding: RoundingEvidence | None = None,
) -> Answer:
    """Return how the candidate compares, and why, as a clause.

    Args:
        current: Of the track.
        candidate: A copy of the same master.
        likeness: Of the two, aligned.
        peaks_db: How high the peaks of each reach, see `CopyListener.peaks_db`.
        rounding: What the candidate holds of what the current file's codec rounded away; None where it was not or could
            not be looked at.
    """
    one = rate_copy(current.format, current.quality, duration_s=current.duration_s)
    other = rate_copy(candidate.format, candidate.quality, duration_s=candidate.duration_s)
    refused = (
        _defect(current, candidate, one, other)
        or _cut_peaks(one, other, likeness, peaks_db)
        or _same_sound(likeness)
        or _shared_history(_coded_at(current, candidate, one), other, likeness, rounding)
    )
    standing, why = refused or _by_worth(current, candidate, one, other, rounding)
    if standing is Standing.BETTER and not _is_shown(one, rounding):
        return Standing.CANNOT_TELL, f"but nothing shows that it holds more than the current one, {one.words}"
    if standing is Standing.BETTER and other.history is History.UNKNOWN and ends_as_opus(candidate):
        return Standing.CANNOT_TELL, "but the new file ends at 20 kHz as Opus does: it may be made from a file of Opus"
    return standing, why


def rounding_decides(
    current: CopyEvidence, candidate: CopyEvidence, likeness: CopyLikeness, *, peaks_db: tuple[Peaks, Peaks]
) -> bool:
    """Return whether what the current file's codec rounded away has to be looked for in the candidate.

    Args:
        current: A copy; of FLAC files made from lossy ones only their wall tells what they are worth.
        candidate: With the verdict without a search.
        likeness: As for `compare_standing`.
        peaks_db: As for `compare_standing`.
    """
    one = rate_copy(current.format, current.quality, duration_s=current.duration_s)
    other = rate_copy(candidate.format, candidate.quality, duration_s=candidate.duration_s)
    if one.history is not History.LOSSY or other.history is History.FAKE:
        return False
    refused = _defect(current, candidate, one, other) or _cut_peaks(one, other, likeness, peaks_db)
    fine = other.history is not History.LOSSY or other.kbps >= _BETTER_BY * one.kbps
    return fine and not refused and not _same_sound(likeness)


def search_decides(
    current: CopyEvidence,
    candidate: CopyEvidence,
    likeness: CopyLikeness,
    *,
    peaks_db: tuple[Peaks, Peaks],
    of_current: bool,
    rounding: RoundingEvidence | None = None,
) -> bool:
    """Return whether the search of one of them for the traces of codecs can change whether the candidate is better.

    Args:
        current: With the verdict as it is known; after its own search when it is asked for the candidate.
        candidate: With the verdict without a search.
        likeness: As for `compare_standing`.
        peaks_db: As for `compare_standing`.
        of_current: Whether it is the current file that would be searched.
        rounding: As for `compare_standing`.
    """
    searched = current if of_current else candidate
    if not searched.format.lossless or searched.quality.verdict is not QualityVerdict.CANNOT_TELL:
        return False
    one = rate_copy(current.format, current.quality, duration_s=current.duration_s)
    other = rate_copy(candidate.format, candidate.quality, duration_s=candidate.duration_s)
    if (
        _defect(current, candidate, one, other)
        or _cut_peaks(one, other, likeness, peaks_db)
        or _same_sound(likeness)
        # The search may clear it of doubt.
        or _shared_history(
            _coded_at(current, candidate, one),
            replace(other, history=History.LOSSLESS),
            likeness,
            rounding,
        )
    ):
        return False
    # Behind a codec's wall nobody is genuine: at best nobody can tell, and then the wall says what it is worth.
    return of_current or not has_codec_wall(candidate.quality) or other.kbps >= _BETTER_BY * one.kbps


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


def _coded_at(current: CopyEvidence, candidate: CopyEvidence, one: CopyWorth) -> CopyWorth:
    """Return the worth of the current file by its declared rate where its wall is the master's, as both have it."""
    wall_hz, other_hz = (each.quality.evidence.get("wall_hz") for each in (current, candidate))
    if (
        one.history is not History.LOSSY
        or wall_hz is None
        or other_hz is None
        or abs(wall_hz - other_hz) > _SAME_WALL_HZ
    ):
        return one
    return replace(one, kbps=declared_kbps(current.format))


def _same_sound(likeness: CopyLikeness) -> Answer | None:
    if max(likeness.residual_db, likeness.high_residual_db) < _SAME_SOUND_DB:
        return Standing.EQUAL, "but both hold the very same sound"
    return None


def _shared_history(
    one: CopyWorth, other: CopyWorth, likeness: CopyLikeness, rounding: RoundingEvidence | None
) -> Answer | None:
    """Find what was made from the current file; who holds what its codec rounded away was not."""
    if one.history not in (History.LOSSY, History.FAKE) or (rounding is not None and rounding.holds_more):
        return None
    doubt_db = _DOUBT_DB if other.history is History.UNKNOWN else 0.0
    rates, limits_db = (list(column) for column in zip(*_OWN_LIMITS, strict=True))
    quiet = likeness.high_residual_db < float(np.interp(one.kbps, rates, limits_db)) + doubt_db
    repeats = rounding is not None and rounding.keeps_zeros
    if quiet or repeats or likeness.energy_change <= _LOST_ENERGY:
        return Standing.EQUAL, f"but the new file was made from the current one or its source, {one.words}"
    return None


def _is_shown(one: CopyWorth, rounding: RoundingEvidence | None) -> bool:
    """Whether a better copy is more than one that was made from the current file in a way that nobody can see."""
    if one.history not in (History.LOSSY, History.FAKE):
        return True
    return one.kbps <= _SETTLED_KBPS if rounding is None else rounding.holds_more


def _by_worth(
    current: CopyEvidence,
    candidate: CopyEvidence,
    one: CopyWorth,
    other: CopyWorth,
    rounding: RoundingEvidence | None,
) -> Answer:
    against = f"{other.words} against {one.words}"
    if other.history is History.FAKE:
        return Standing.WORSE if other.kbps < one.kbps else Standing.EQUAL, f"but the new file is a fake: {against}"
    if one.history is History.LOSSLESS:
        better = other.history is History.LOSSLESS
        return (
            (Standing.EQUAL, f"no better: {against}{_finer_words(current, candidate)}")
            if better
            else (Standing.WORSE, f"not better: {against}")
        )
    if other.history is History.LOSSLESS and one.history is not History.UNKNOWN:
        return Standing.BETTER, f"better: {against}"
    if one.history is History.UNKNOWN:
        lossy = other.history is History.LOSSY
        return (Standing.WORSE if lossy else Standing.CANNOT_TELL), f"perhaps no better: {against}"
    ratio = other.kbps / max(one.kbps, 1.0)
    if other.history is History.UNKNOWN:
        if rounding is not None and rounding.holds_more:
            return Standing.BETTER, f"better: {against}, but holds what is lost in the current one"
        if ratio >= _BETTER_BY:
            # Were it a fake of the kind that can't be seen, it would still be the better one.
            return Standing.BETTER, f"better: {against}, which at worst is like an MP3 of {other.kbps:.0f} kbit/s"
        return Standing.CANNOT_TELL, f"perhaps no better: {against}"
    if ratio >= _BETTER_BY:
        return Standing.BETTER, f"better: {against}"
    return (Standing.EQUAL if ratio * _BETTER_BY > 1.0 else Standing.WORSE), f"no better: {against}"


def _finer_words(current: CopyEvidence, candidate: CopyEvidence) -> str:
    """Say why more bits or a higher rate don't count between two lossless copies of one master."""
    one, other = current.format, candidate.format
    finer = []
    if other.sample_rate_hz > one.sample_rate_hz:
        finer.append(f"{other.sample_rate_hz / 1000:g} against {one.sample_rate_hz / 1000:g} kHz")
    if (other.bit_depth or 0) > (one.bit_depth or 0) > 0:
        finer.append(f"{other.bit_depth} against {one.bit_depth} bits")
    return f"; {' and '.join(finer)} make no difference that can be heard" if finer else ""
