"""Sections, cues, energy and the overview against an arrangement whose plan is known."""

import numpy as np

from cratehand.analysis.waveform import MAX_STEPS, WaveformStream
from cratehand.domain.cue import SuggestedCueKind
from cratehand.domain.structure import SectionLabel
from tests import music, signals
from tests.unit.analysis.feeding import analyse, club_track


def test_sections_begin_where_the_arrangement_changes() -> None:
    song, found = club_track()
    beat_s = 60.0 / song.tempo_bpm
    true_s = np.array([section.start_s for section in song.sections])
    found_s = np.array([section.start_s for section in found.sections])
    assert len(found_s) == len(true_s)
    assert np.abs(found_s - true_s).max() < beat_s


def test_sections_touch_and_cover_the_track() -> None:
    song, found = club_track()
    assert found.sections[0].start_s == 0.0
    assert found.sections[-1].end_s == song.duration_s
    for before, after in zip(found.sections[:-1], found.sections[1:], strict=True):
        assert before.end_s == after.start_s


def test_sections_are_called_what_they_do() -> None:
    song, found = club_track()
    assert [section.label for section in found.sections] == [section.label for section in song.sections]
    assert found.sections_confidence > 0.4


def test_cues_lie_on_downbeats_and_say_why() -> None:
    song, found = club_track()
    kinds = [cue.kind for cue in found.suggested_cues]
    for kind in SuggestedCueKind:
        assert kind in kinds
    for cue in found.suggested_cues:
        assert np.abs(song.downbeats_s - cue.start_s).min() < 0.01
        assert len(cue.reason) > 10
    drop = next(cue for cue in found.suggested_cues if cue.kind is SuggestedCueKind.DROP)
    true_drop = next(section for section in song.sections if section.label is SectionLabel.DROP)
    assert abs(drop.start_s - true_drop.start_s) < 0.01
    loop = next(cue for cue in found.suggested_cues if cue.kind is SuggestedCueKind.LOOP_OUT)
    assert loop.end_s is not None
    assert abs(loop.end_s - loop.start_s - 4 * 4 * 60.0 / song.tempo_bpm) < 0.01


def test_a_fuller_and_louder_track_has_more_energy() -> None:
    full = analyse(music.groove(tempo_bpm=128.0, bars=12).samples)
    bars_s = music.bar_times(80.0, 6)
    pads = np.zeros(round(bars_s[-1] * music.SAMPLE_RATE_HZ))
    music.harmony(pads, bars_s, key=music.MusicalKey(tonic=0, mode=music.Mode.MAJOR), parts=("pad",))
    calm = analyse(0.3 * np.stack([pads, pads]).astype(np.float32))
    assert full.energy is not None
    assert calm.energy is not None
    assert 1 <= calm.energy < full.energy <= 10


def overview(samples: np.ndarray, *, block_frames: int = 10_000) -> tuple[np.ndarray, float]:
    waveform = analyse(samples, block_frames=block_frames).waveform
    assert waveform is not None
    return waveform.levels, waveform.step_s


def test_the_overview_follows_peaks_and_bands_in_time() -> None:
    low = signals.sine(frequency_hz=80.0, duration_s=4.0, level=0.8)
    middle = signals.sine(frequency_hz=700.0, duration_s=4.0, level=0.4)
    high = signals.sine(frequency_hz=6000.0, duration_s=4.0, level=0.2)
    levels, step_s = overview(np.concatenate([low, middle, high], axis=1))
    for part, (peak, band) in enumerate(((0.8, 1), (0.4, 2), (0.2, 3))):
        inside = levels[:, round((4 * part + 1) / step_s) : round((4 * part + 3) / step_s)]
        assert abs(int(np.median(inside[0])) - peak * 255) < 8
        assert int(inside[1:].mean(axis=1).argmax()) + 1 == band
        assert abs(float(inside[band].mean()) - peak * 255) < 0.1 * peak * 255


def test_the_overview_never_has_more_than_1200_steps_and_covers_the_length() -> None:
    for duration_s in (0.05, 13.0, 14.5, 61.0, 500.0):
        stream = WaveformStream(sample_rate_hz=8_000)
        frames = round(duration_s * 8_000)
        for start in range(0, frames, 30_000):
            stream.feed(np.full((1, min(30_000, frames - start)), 0.5, dtype=np.float32))
        waveform = stream.finish()
        assert waveform is not None
        steps = waveform.levels.shape[1]
        assert 1 <= steps <= MAX_STEPS
        assert steps * waveform.step_s >= duration_s > (steps - 1) * waveform.step_s
        assert (waveform.levels[0] == 128).all()
