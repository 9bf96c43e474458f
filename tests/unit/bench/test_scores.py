import pytest

from tests.bench.truth import rows_beats, rows_doubt, rows_music, rows_sound
from tests.bench.truth.reliability_plot import write_svg
from tests.bench.truth.report import markdown, worst
from tests.bench.truth.rows import Score
from tests.bench.truth.rows_variants import grid_shift_ms, variant_scores
from tests.bench.truth.statistics import reliability
from tests.bench.truth.truth import Reading, Truth, read_truth, write_truth

BEATS = [0.5 * beat for beat in range(400)]


def value(found: list[Score], what: str) -> float | None:
    (score,) = [score for score in found if score.what == what]
    return score.value


def song(name: str, **more: object) -> Truth:
    return Truth.from_json(
        {"name": name, "set": "tempo", "group": "track", "duration_s": 200.0, "tempo_bpm": 120.0, "beats_s": BEATS,
         "downbeats_s": BEATS[::4], "pieces": 1, **more}
    )  # fmt: skip


def test_a_perfect_reading_reaches_every_aim_of_tempo_beats_and_grid() -> None:
    said = Reading(name="a", seconds=1.0, tempo_bpm=120.0, beats_s=BEATS, downbeats_s=BEATS[::4], grid_pieces=1)
    found = [*rows_beats.tempo_scores([(song("a"), said)]), *rows_beats.beat_scores([(song("a"), said)])]
    assert all(score.reached is not False for score in found)
    assert value(found, "beat F 70 ms, all") == 1.0
    assert value(found, "first and last minute within 10 ms, constant") == 1.0


def test_a_reading_of_nothing_is_wrong_and_does_not_crash() -> None:
    found = rows_beats.tempo_scores([(song("a"), Reading(name="a"))])
    assert value(found, "exact (0.05 BPM), synthesised") == 0.0
    assert rows_beats.beat_scores([(song("a"), Reading(name="a"))]) == []


def test_an_analyser_without_a_field_is_missing_it_not_wrong() -> None:
    truth = Truth(name="a", set="voice", group="none", voice="none")
    found = rows_music.feature_scores([(truth, Reading(name="a"))])
    assert value(found, "speechiness, AUC") is None


def test_a_lossless_file_called_transcode_is_counted_and_named() -> None:
    truth = Truth(name="a", set="quality", group="plain", codec="lossless", full_band=True)
    found = rows_sound.quality_scores([(truth, Reading(name="a", verdict="transcode"))])
    assert value(found, "lossless called transcode") == 1.0
    assert "a: said transcode" in worst(found)


def test_an_honest_doubt_about_an_encode_without_wall_is_right() -> None:
    truth = Truth(name="a", set="quality", group="mp3 320", codec="mp3 320", walled=False)
    found = rows_sound.quality_scores([(truth, Reading(name="a", verdict="cannot_tell"))])
    assert value(found, "other encodes never called genuine") == 1.0
    assert value(found, "other encodes called transcode") == 0.0


def test_confidence_is_compared_with_being_right() -> None:
    pairs = [
        (song("a"), Reading(name="a", tempo_bpm=120.0, tempo_confidence=0.9)),
        (song("b"), Reading(name="b", tempo_bpm=60.0, tempo_confidence=0.2)),
    ]
    assert rows_doubt.calibration_data(pairs)["tempo"] == ([0.9, 0.2], [True, False])


def test_a_tempo_said_of_noise_with_confidence_is_invented() -> None:
    truth = Truth(name="n", set="robustness", group="white_noise")
    sure = Reading(name="n", tempo_bpm=126.0, tempo_confidence=0.9)
    unsure = Reading(name="n", tempo_bpm=126.0, tempo_confidence=0.1)
    what = "no tempo there: none said, or with confidence below 0.5"
    groups = {"no_tempo": ("white_noise",), "no_key": ()}
    assert value(rows_doubt.doubt_scores([(truth, sure)], **groups), what) == 0.0
    assert value(rows_doubt.doubt_scores([(truth, unsure)], **groups), what) == 1.0


def test_ebu_tolerances_hold_on_both_sides() -> None:
    truth = Truth(name="e", set="loudness", group="ebu", loudness={"true_peak_dbtp": -6.0})
    tolerances = {"true_peak_dbtp": (0.4, 0.2)}
    for said, right in ((-6.4, 1.0), (-5.8, 1.0), (-6.5, 0.0), (-5.7, 0.0)):
        found = rows_sound.loudness_scores([(truth, Reading(name="e", true_peak_dbtp=said))], {}, tolerances)
        assert value(found, "EBU signals, true_peak_dbtp") == right


def test_a_variant_is_compared_with_its_base() -> None:
    base = Truth(name="b", set="variants", group="base", base="1")
    quiet = Truth(name="q", set="variants", group="gain", base="1")
    said = [Reading(name="b", features={"energy": 6.0}), Reading(name="q", features={"energy": 7.0})]
    found = variant_scores([(base, said[0]), (quiet, said[1])])
    assert value(found, "energy within 2 % of its range") == 0.0
    assert value(found, "danceability within 2 % of its range") is None


def test_the_offset_of_the_sound_is_no_shift_of_the_grid() -> None:
    base = Reading(name="b", beats_s=BEATS)
    late = Reading(name="l", beats_s=[at + 0.025 for at in BEATS])
    assert grid_shift_ms(base, late, offset_s=0.025) == pytest.approx(0.0, abs=1e-6)
    assert grid_shift_ms(base, late, offset_s=0.0) == pytest.approx(25.0)
    assert grid_shift_ms(base, Reading(name="l"), offset_s=0.0) is None


def test_truth_survives_its_file(tmp_path) -> None:
    truth = song("a", sections=[(0.0, 10.0, "intro")])
    write_truth(tmp_path / "a.json", truth)
    assert read_truth(tmp_path / "a.json") == truth


def test_the_table_tells_what_is_missing_and_what_a_peer_was_not_asked() -> None:
    rows = [Score(area="key", what="exact", value=0.5, count=10, aim=0.9)]
    few = [Score(area="key", what="exact", value=None, count=4)]
    text = markdown({"cratehand": rows, "other": few, "third": []})
    assert "| key | exact | 10 | ≥ 0.9 | 0.500 ✗ | missing |  |" in text


def test_the_reliability_plot_is_svg_with_a_bar_for_each_bin(tmp_path) -> None:
    write_svg(tmp_path / "plot.svg", {"tempo": reliability([0.1, 0.9], [False, True])})
    text = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert text.count("<circle") == 2


def test_keys_are_weighed_and_tuning_wraps_at_half_a_semitone() -> None:
    truth = Truth(name="k", set="key", group="piano", key="A minor", tuning_cents=-48.0)
    found = rows_music.key_scores([(truth, Reading(name="k", key="E minor", tuning_cents=50.0))])
    assert value(found, "MIREX-weighted, rendered MIDI") == 0.5
    assert value(found, "Camelot-compatible, rendered MIDI") == 1.0
    assert value(found, "tuning within 5 cents") == 1.0
    assert "said E minor, is A minor" in worst(found)


def test_sections_are_scored_within_one_beat_of_the_track() -> None:
    plan = [(0.0, 16.0, "intro"), (16.0, 48.0, "drop"), (48.0, 64.0, "outro")]
    truth = song("s", set="arrangements", sections=plan, layers=4.0)
    near = [(0.0, 16.4, "intro"), (16.4, 48.0, "drop"), (48.0, 64.0, "outro")]
    far = [(0.0, 16.6, "intro"), (16.6, 48.0, "drop"), (48.0, 64.0, "outro")]
    for said, f in ((near, 1.0), (far, 0.5)):
        found = rows_music.section_scores([(truth, Reading(name="s", sections=said))])
        assert value(found, "boundary F within one beat") == f
        assert value(found, "drops found") == (1.0 if f == 1.0 else 0.0)


def test_cost_is_told_by_clock_and_by_cpu() -> None:
    found = rows_doubt.speed_scores([(song("a"), Reading(name="a", seconds=2.0, cpu_seconds=1.0))])
    assert value(found, "x real time per process, by the clock") == 100.0
    assert value(found, "x real time per process, by CPU time") == 200.0
