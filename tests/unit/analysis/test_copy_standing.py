"""One order of all copies by what the sound says, never by the container."""

from pathlib import Path

import pytest

from cratehand.analysis.copy_likeness import CopyLikeness
from cratehand.analysis.copy_relation import version_objection
from cratehand.analysis.copy_standing import compare_standing
from cratehand.domain.audio import AudioFormat
from cratehand.domain.audio_quality import AudioQuality, QualityFinding, QualityVerdict
from cratehand.domain.upgrade import CopyEvidence, CopyName, Standing


def lossy(kbps: float, *, codec: str = "mp3", **evidence: float) -> CopyEvidence:
    return copy(codec, QualityVerdict.LOSSY, kbps=kbps, **evidence)


def copy(
    codec: str,
    verdict: QualityVerdict,
    *findings: QualityFinding,
    kbps: float | None = None,
    source: str | None = None,
    channels: int = 2,
    title: str | None = None,
    stem: str = "x",
    **evidence: float,
) -> CopyEvidence:
    is_lossless = verdict is not QualityVerdict.LOSSY
    return CopyEvidence(
        path=Path(f"/music/{stem}.{codec}"),
        format=AudioFormat(
            codec=codec, container=codec, sample_rate_hz=44_100, channels=channels, duration_s=300.0, bit_rate_kbps=kbps,
            lossless=is_lossless, bit_depth=16 if is_lossless else None,
        ),
        name=CopyName(title=title),
        duration_s=300.0,
        sounding_start_s=0.0,
        sounding_end_s=300.0,
        quality=AudioQuality(verdict=verdict, findings=findings, source_class=source, evidence=evidence),
    )  # fmt: skip


GENUINE = copy("flac", QualityVerdict.GENUINE)
UNKNOWN = copy("flac", QualityVerdict.CANNOT_TELL)
FAKE_128 = copy("flac", QualityVerdict.TRANSCODE, source="mp3 128")
FAKE_320 = copy("flac", QualityVerdict.TRANSCODE, source="mp3 320")
UPSAMPLED = copy("flac", QualityVerdict.UPSAMPLED)


def standing(
    current: CopyEvidence,
    candidate: CopyEvidence,
    *,
    residual_db: float = -25.0,
    high_db: float = -9.0,
    peaks_db: tuple[float, float] = (-1.0, -1.0),
) -> Standing:
    likeness = CopyLikeness(
        correlation=0.99, gain_db=0.0, inverted=False, residual_db=residual_db, high_residual_db=high_db,
        cell_residual_db=-12.0, level_change_95_db=0.2, level_change_99_db=0.3, band_change_db=0.1, gain_change_db=0.05,
    )  # fmt: skip
    peaks = tuple((peak, peak, peak) for peak in peaks_db)
    return compare_standing(current, candidate, likeness, peaks_db=(peaks[0], peaks[1]))[0]


@pytest.mark.parametrize(
    ("current", "candidate", "wanted"),
    [
        (lossy(320), GENUINE, Standing.BETTER),
        (lossy(128), UNKNOWN, Standing.BETTER),
        (lossy(256), UNKNOWN, Standing.CANNOT_TELL),
        (lossy(320), UNKNOWN, Standing.CANNOT_TELL),
        (lossy(128), copy("flac", QualityVerdict.CANNOT_TELL, wall_hz=16_000.0), Standing.CANNOT_TELL),
        (lossy(64), FAKE_320, Standing.EQUAL),
        (lossy(320), FAKE_128, Standing.WORSE),
        (FAKE_128, GENUINE, Standing.BETTER),
        (FAKE_128, lossy(320), Standing.BETTER),
        (GENUINE, UPSAMPLED, Standing.EQUAL),
        (GENUINE, UNKNOWN, Standing.WORSE),
        (GENUINE, lossy(320), Standing.WORSE),
        (UNKNOWN, GENUINE, Standing.CANNOT_TELL),
        (lossy(128), lossy(320), Standing.BETTER),
        (lossy(256), lossy(320), Standing.EQUAL),
        (lossy(320), lossy(128), Standing.WORSE),
        (lossy(128), lossy(320, wall_hz=16_000.0), Standing.EQUAL),
        (lossy(128), lossy(256, codec="aac"), Standing.BETTER),
        (lossy(256), lossy(256, codec="aac"), Standing.EQUAL),
    ],
)
def test_the_order_follows_the_sound(current: CopyEvidence, candidate: CopyEvidence, wanted: Standing) -> None:
    # Against high rates a true master leaves less over.
    assert standing(current, candidate, high_db=-9.0) is wanted


@pytest.mark.parametrize("candidate", [GENUINE, UNKNOWN, lossy(320)])
def test_what_differs_less_than_the_codec_did_was_made_from_the_file(candidate: CopyEvidence) -> None:
    assert standing(lossy(128), candidate, high_db=-21.0) is Standing.EQUAL
    assert standing(lossy(320), candidate, high_db=-40.0) is Standing.EQUAL


def test_the_same_sound_is_equal_whatever_is_said_of_it() -> None:
    assert standing(UNKNOWN, GENUINE, residual_db=-80.0, high_db=-75.0) is Standing.EQUAL


def test_a_truncated_copy_is_never_better() -> None:
    assert standing(lossy(64), copy("flac", QualityVerdict.GENUINE, QualityFinding.TRUNCATED)) is Standing.WORSE


def test_mono_is_no_better_than_stereo_but_than_mono() -> None:
    mono = copy("flac", QualityVerdict.GENUINE, QualityFinding.FAKE_STEREO)
    assert standing(lossy(128), mono) is Standing.WORSE
    assert standing(copy("mp3", QualityVerdict.LOSSY, kbps=128, channels=1), mono) is Standing.BETTER


def test_six_channels_are_left_to_the_person() -> None:
    assert standing(lossy(128), copy("flac", QualityVerdict.GENUINE, channels=6)) is Standing.CANNOT_TELL


def test_cut_off_peaks_are_worse_but_not_those_of_a_loud_master() -> None:
    loud = copy("flac", QualityVerdict.GENUINE, QualityFinding.CLIPPED, clipped_runs=500.0)
    assert standing(lossy(128), loud, peaks_db=(1.5, 0.0)) is Standing.WORSE
    # An MP3 of that very master overshoots at the cut tops and so is at full scale itself.
    assert standing(lossy(128, clipped_runs=20.0), loud, peaks_db=(1.5, 0.0)) is Standing.BETTER


@pytest.mark.parametrize(
    ("current", "candidate", "agree"),
    [
        ("Song", "Song (Original Mix)", True),
        ("Song", "Song (Remastered 2011)", True),
        ("Song (Radio Edit)", "Song (Radio Mix)", True),
        ("Song", "Song (Live)", False),
        ("Song (Extended Mix)", "Song", False),
        ("Song (Anna Remix)", "Song (Bert Remix)", False),
        ("Song (Acapella)", "Song (Instrumental)", False),
        ("Song (VIP)", "Song (Club Mix)", False),
    ],
)
def test_version_words_have_to_agree(current: str, candidate: str, agree: bool) -> None:
    pair = (copy("mp3", QualityVerdict.LOSSY, title=current), copy("flac", QualityVerdict.GENUINE, title=candidate))
    assert (version_objection(pair[0].name, pair[1].name, paths=pair) is None) is agree


@pytest.mark.parametrize(("stem", "agree"), [("01 whatever", True), ("song (dub)", False)])
def test_a_file_name_speaks_only_where_it_names_a_version(stem: str, agree: bool) -> None:
    pair = (
        copy("mp3", QualityVerdict.LOSSY, title="Song (Extended Mix)"),
        copy("flac", QualityVerdict.GENUINE, stem=stem),
    )
    assert (version_objection(pair[0].name, pair[1].name, paths=pair) is None) is agree
