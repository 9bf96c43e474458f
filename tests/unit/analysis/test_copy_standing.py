"""One order of all copies by what the sound says, never by the container."""

from dataclasses import replace
from pathlib import Path

import pytest

from cratehand.analysis.codec_rounding import RoundingEvidence
from cratehand.analysis.copy_likeness import CopyLikeness
from cratehand.analysis.copy_relation import version_objection
from cratehand.analysis.copy_standing import compare_standing, search_decides
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
MASTER = RoundingEvidence(cells=9_000, evenness=0.2, zeros=0.4)
OTHER_CODEC = RoundingEvidence(cells=9_000, evenness=0.0, zeros=0.3)
SAME_CODEC = RoundingEvidence(cells=9_000, evenness=0.2, zeros=0.0)
UPSAMPLED = copy("flac", QualityVerdict.UPSAMPLED)


def likeness(
    *, residual_db: float = -25.0, high_db: float = -9.0, energy: float = 0.0, cell_db: float = -20.0
) -> CopyLikeness:
    return CopyLikeness(
        correlation=0.99, gain_db=0.0, inverted=False, residual_db=residual_db, high_residual_db=high_db,
        energy_change=energy, cell_residual_db=cell_db, level_change_95_db=0.2, level_change_99_db=0.3,
        band_change_db=0.1, gain_change_db=0.05,
    )  # fmt: skip


def standing(
    current: CopyEvidence,
    candidate: CopyEvidence,
    *,
    residual_db: float = -25.0,
    high_db: float = -9.0,
    energy: float = 0.0,
    peaks_db: tuple[float, float] = (-1.0, -1.0),
    rounding: RoundingEvidence | None = None,
) -> Standing:
    peaks = tuple((peak, peak, peak) for peak in peaks_db)
    alike = likeness(residual_db=residual_db, high_db=high_db, energy=energy)
    return compare_standing(current, candidate, alike, peaks_db=(peaks[0], peaks[1]), rounding=rounding)[0]


@pytest.mark.parametrize(
    ("current", "candidate", "wanted"),
    [
        (lossy(320), GENUINE, Standing.BETTER),
        (lossy(128), UNKNOWN, Standing.BETTER),
        (lossy(256), UNKNOWN, Standing.BETTER),
        (lossy(128), copy("flac", QualityVerdict.CANNOT_TELL, wall_hz=16_000.0), Standing.BETTER),
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
    assert standing(current, candidate, rounding=MASTER) is wanted


@pytest.mark.parametrize("candidate", [GENUINE, UNKNOWN, lossy(320)])
def test_what_differs_less_than_the_codec_did_was_made_from_the_file(candidate: CopyEvidence) -> None:
    assert standing(lossy(128), candidate, high_db=-21.0) is Standing.EQUAL
    assert standing(lossy(320), candidate, high_db=-40.0) is Standing.EQUAL


@pytest.mark.parametrize(
    ("rounding", "wanted"),
    [
        (MASTER, Standing.BETTER),
        (OTHER_CODEC, Standing.CANNOT_TELL),
        (SAME_CODEC, Standing.EQUAL),
        (None, Standing.CANNOT_TELL),
    ],
)
@pytest.mark.parametrize("candidate", [GENUINE, UNKNOWN])
def test_better_is_only_what_shows_what_the_codec_rounded_away(
    candidate: CopyEvidence, rounding: RoundingEvidence | None, wanted: Standing
) -> None:
    assert standing(lossy(320), candidate, high_db=-20.0, rounding=rounding) is wanted


def test_who_holds_what_was_rounded_away_may_differ_as_little_as_it_will() -> None:
    assert standing(lossy(320), GENUINE, high_db=-40.0, energy=-3.0, rounding=MASTER) is Standing.BETTER


def test_up_to_200_kbit_s_the_difference_itself_is_enough_where_the_rounding_can_not_be_seen() -> None:
    assert standing(lossy(128), GENUINE, high_db=-9.0) is Standing.BETTER
    assert standing(lossy(128), GENUINE, high_db=-9.0, rounding=OTHER_CODEC) is Standing.CANNOT_TELL


@pytest.mark.parametrize(
    ("current", "energy", "wanted"),
    [
        (lossy(320), -0.5, Standing.CANNOT_TELL),
        (lossy(320), -4.0, Standing.EQUAL),
        (lossy(128), 1.5, Standing.BETTER),
        (lossy(256, codec="aac"), -4.0, Standing.EQUAL),
    ],
)
def test_lost_energy_betrays_what_was_coded_after_the_current_file(
    current: CopyEvidence, energy: float, wanted: Standing
) -> None:
    assert standing(current, GENUINE, high_db=-14.0, energy=energy) is wanted


def test_a_dull_master_is_not_taken_for_made_from_the_file_that_is_as_dull() -> None:
    dull = copy("flac", QualityVerdict.CANNOT_TELL, wall_hz=16_100.0)
    assert standing(lossy(225, wall_hz=16_000.0), dull, high_db=-19.9) is Standing.CANNOT_TELL
    assert standing(lossy(225, wall_hz=16_000.0), dull, high_db=-24.0) is Standing.EQUAL


def test_doubt_about_the_candidate_widens_what_counts_as_made_from_the_current_file() -> None:
    assert standing(lossy(136, codec="vorbis"), GENUINE, high_db=-15.6, energy=2.0) is Standing.BETTER
    assert standing(lossy(136, codec="vorbis"), UNKNOWN, high_db=-15.6, energy=2.0) is Standing.EQUAL


def test_more_bits_and_a_higher_rate_are_named_and_no_better() -> None:
    fine = replace(GENUINE, format=replace(GENUINE.format, sample_rate_hz=96_000, bit_depth=24))
    peaks = ((-1.0, -1.0, -1.0), (-1.0, -1.0, -1.0))
    found, reason = compare_standing(GENUINE, fine, likeness(), peaks_db=peaks)
    assert found is Standing.EQUAL
    assert "96 against 44.1 kHz and 24 against 16 bits" in reason


@pytest.mark.parametrize(
    ("current", "candidate", "high_db", "decides"),
    [
        (lossy(128), UNKNOWN, -9.0, True),
        (lossy(128), lossy(320), -9.0, False),
        (lossy(128), UNKNOWN, -25.0, False),
        (lossy(128), copy("flac", QualityVerdict.CANNOT_TELL, wall_hz=16_000.0, wall_height_db=40.0), -9.0, False),
        (lossy(128), copy("flac", QualityVerdict.CANNOT_TELL, wall_hz=16_000.0, wall_height_db=9.0), -9.0, True),
        (lossy(64), copy("flac", QualityVerdict.CANNOT_TELL, QualityFinding.TRUNCATED), -9.0, False),
    ],
)
def test_a_candidate_is_searched_only_where_that_decides(
    current: CopyEvidence, candidate: CopyEvidence, high_db: float, *, decides: bool
) -> None:
    peaks = ((-1.0, -1.0, -1.0), (-1.0, -1.0, -1.0))
    alike = likeness(high_db=high_db)
    assert search_decides(current, candidate, alike, peaks_db=peaks, of_current=False) is decides


def test_what_may_be_made_from_opus_is_not_better_however_much_it_holds() -> None:
    opus = copy("flac", QualityVerdict.CANNOT_TELL, wall_hz=20_338.0, wall_height_db=41.0)
    opus = replace(opus, format=replace(opus.format, sample_rate_hz=48_000))
    assert standing(lossy(64.0), opus, rounding=MASTER) is Standing.CANNOT_TELL
    dull = replace(opus, quality=replace(opus.quality, evidence={"wall_hz": 21_700.0, "wall_height_db": 41.0}))
    of_a_disc = replace(opus, format=replace(opus.format, sample_rate_hz=44_100))
    for other in (dull, of_a_disc):
        assert standing(lossy(64.0), other, rounding=MASTER) is Standing.BETTER


def test_the_better_the_copies_the_less_a_codec_explains() -> None:
    voice = likeness(cell_db=-8.9)
    assert voice.objection(128.0) is None
    assert voice.objection(320.0) is not None


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
