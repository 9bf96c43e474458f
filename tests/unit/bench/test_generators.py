"""The stick itself: what the generators call true is in the sound, whatever is installed here."""

import itertools

import numpy as np
import pytest

from tests.bench.truth import harmony, set_variants, tempo_map
from tests.bench.truth.arrangement import Band, Part, perform
from tests.bench.truth.mixdown import RATE_HZ, Bus, master
from tests.bench.truth.plans import random_plan
from tests.bench.truth.styles import CLUB, STYLES

BAND = Band(kit="formula_909", bass="sub", chords="organ", pad="soft_pad", lead="bell")
A_MINOR = harmony.Harmony(tonic=9, mode="minor", progression=(0, 3, 4, 0))


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_a_sound_lies_at_the_nearest_frame_to_its_time() -> None:
    bus = Bus(1.0)
    bus.add(np.ones(10, dtype=np.float32), 0.25)
    assert int(np.argmax(bus.samples[0] > 0)) == round(0.25 * RATE_HZ)


def test_beats_of_a_jump_have_both_tempi_and_no_gap() -> None:
    steps = np.diff(tempo_map.jumps([(120.0, 8), (150.0, 8)], start_s=1.0).beats(17))
    assert steps[:8] == pytest.approx([0.5] * 8)
    assert steps[8:] == pytest.approx([0.4] * 8)


def test_a_ramp_begins_and_ends_at_its_tempi() -> None:
    steps = np.diff(tempo_map.ramp(100.0, 110.0, 64).beats(65))
    assert 60.0 / steps[0] == pytest.approx(100.0)
    assert 60.0 / steps[-1] == pytest.approx(110.0)
    assert np.all(np.diff(steps) < 0)


def test_a_live_band_wanders_but_never_stops() -> None:
    steps = np.diff(tempo_map.live(110.0, 200, rng()).beats(200))
    assert steps.std() > 0.004
    assert np.all(np.abs(60.0 / steps / 110.0 - 1.0) < 0.15)


def test_kicks_sound_on_the_true_beats() -> None:
    times = tempo_map.constant(127.43, 16, start_s=0.7)
    parts = [Part(label="intro", bars=4, layers=frozenset({"kick"}))]
    rendered = perform(STYLES["house"], A_MINOR, BAND, times, parts, rng())
    mono = np.abs(rendered.samples).max(axis=0)
    for at_s in rendered.beats_s:
        frame = round(at_s * RATE_HZ)
        assert mono[frame : frame + 90].max() > 20.0 * mono[frame - 400 : frame - 5].max()


def test_a_plan_gives_touching_sections_on_bar_lines_and_the_mean_of_its_layers() -> None:
    times = tempo_map.constant(120.0, 48, start_s=0.5)
    parts = [
        Part(label="intro", bars=4, layers=frozenset({"kick"})),
        Part(label="drop", bars=8, layers=frozenset({"kick", "bass", "hats"})),
    ]
    rendered = perform(STYLES["techno"], A_MINOR, BAND, times, parts, rng())
    assert rendered.sections == [(0.5, 8.5, "intro"), (8.5, 24.5, "drop")]
    assert rendered.layers == pytest.approx((4 * 1 + 8 * 3) / 12)
    assert rendered.downbeats_s == rendered.beats_s[::4]


@pytest.mark.parametrize("cents", [-40.0, 0.0, 40.0])
def test_a_detuned_band_sounds_at_its_tuning_and_drums_keep_their_place(cents: float) -> None:
    band = Band(kit="formula_909", bass="sub", chords="organ", pad="soft_pad", lead="bell", tuning_cents=cents)
    times = tempo_map.constant(120.0, 16)
    one_chord = harmony.Harmony(tonic=9, mode="minor", progression=(0,))
    part = Part(label="verse", bars=4, layers=frozenset({"pad"}))
    sound = perform(STYLES["pop"], one_chord, band, times, [part], rng()).samples.mean(axis=0)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    hz = np.fft.rfftfreq(sound.size, 1.0 / RATE_HZ)
    # The pad's A lies at 220 Hz; it is played by three saws at -6, 0 and +6 cents.
    near = (hz > 210.0) & (hz < 230.0)
    heard = float(np.sum(hz[near] * spectrum[near] ** 2) / np.sum(spectrum[near] ** 2))
    assert 1_200.0 * np.log2(heard / 220.0) == pytest.approx(cents, abs=4.0)


def test_progressions_begin_on_the_tonic_and_melodies_end_on_it() -> None:
    for mode, choices in harmony.PROGRESSIONS.items():
        for progression in choices:
            key = harmony.Harmony(tonic=2, mode=mode, progression=progression)
            assert key.chord(0)[0] % 12 == 2
            assert key.melody(3, 8, rng())[-1] % 12 == 2


def test_minor_chords_are_minor_and_the_harmonic_fifth_is_major() -> None:
    key = harmony.Harmony(tonic=9, mode="minor", progression=(0, 4), harmonic=True)
    assert [note % 12 for note in key.chord(0)] == [9, 0, 4]
    assert [note % 12 for note in key.chord(1)] == [4, 8, 11]


def test_neighbouring_sections_of_every_plan_differ() -> None:
    for seed in range(50):
        luck = np.random.default_rng(seed)
        plan = random_plan(luck, density=luck.uniform(), club=seed % 2 == 0)
        for one, other in itertools.pairwise(plan):
            assert one.label != other.label
            # A build has its riser and roll besides its layers.
            assert one.layers | one.entering != other.layers or other.label == "build"


def test_styles_stay_inside_their_bars() -> None:
    for name in CLUB:
        style = STYLES[name]
        span = 4 * style.beats_per_bar * style.bars
        assert all(0 <= step < span for steps in style.drums.values() for step in steps)
        assert all(0 <= step < 4 * style.beats_per_bar for step in (*style.bass, *style.chords))


def test_a_master_stays_below_full_scale_at_its_level() -> None:
    sound = (0.1 * rng().standard_normal((2, 4 * RATE_HZ))).astype(np.float32)
    loud = master(sound, rms_db=-12.0, rng=rng())
    assert float(np.abs(loud).max()) <= 0.98
    assert 20.0 * np.log10(float(loud.std())) == pytest.approx(-12.5, abs=0.8)


def test_the_offset_of_a_decoder_is_measured_to_a_fraction_of_a_millisecond() -> None:
    sound = rng().standard_normal(5 * RATE_HZ).astype(np.float32)
    late = np.concatenate([np.zeros(1_105, dtype=np.float32), sound])
    assert set_variants.offset_s(sound, late) == pytest.approx(1_105 / RATE_HZ, abs=1e-5)
    assert set_variants.offset_s(sound, sound[500:]) == pytest.approx(-500 / RATE_HZ, abs=1e-5)
