"""Keys that change along a track, and what the bass says of the tonic."""

import numpy as np
import pytest

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.key import fit_key
from cratehand.analysis.key_changes import find_key_changes
from cratehand.analysis.pitch import CHROMA_BINS, PITCH_HOP_S, TUNING_BINS
from cratehand.analysis.tonal_profile import Bars, bars_of, tonal_profile
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.key import Mode, MusicalKey

IN_TUNE = np.eye(TUNING_BINS)[TUNING_BINS // 2] * 100.0
A_MINOR, C_MAJOR = MusicalKey(tonic=9, mode=Mode.MINOR), MusicalKey(tonic=0, mode=Mode.MAJOR)
CHORDS = {"Am": (9, 0, 4), "F": (5, 9, 0), "C": (0, 4, 7), "G": (7, 11, 2)}
BAR_ROWS = 22
BAR_S = BAR_ROWS * PITCH_HOP_S


def played(chords: list[str], *, transposed: int = 0) -> tuple[HopStore, HopStore]:
    """Play a bar of each chord, root in the bass."""
    chroma, bass = HopStore(CHROMA_BINS), HopStore(12)
    for name in chords:
        tones = [(tone + transposed) % 12 for tone in CHORDS[name]]
        row, low = np.zeros(CHROMA_BINS), np.zeros(12)
        row[[tone * CHROMA_BINS // 12 for tone in tones]] = 1.0
        low[tones[0]] = 1.0
        chroma.append(np.tile(row, (BAR_ROWS, 1)).astype(np.float32))
        bass.append(np.tile(low, (BAR_ROWS, 1)).astype(np.float32))
    return chroma, bass


def joined(*parts: tuple[HopStore, HopStore]) -> tuple[HopStore, HopStore]:
    chroma, bass = HopStore(CHROMA_BINS), HopStore(12)
    for part_chroma, part_bass in parts:
        for block in part_chroma.blocks():
            chroma.append(block)
        for block in part_bass.blocks():
            bass.append(block)
    return chroma, bass


GRID = BeatGrid(anchors=(GridAnchor(start_s=0.0, tempo_bpm=240.0 / BAR_S),))


@pytest.mark.parametrize(("loop", "key"), [(["Am", "F", "C", "G"], A_MINOR), (["C", "G", "Am", "F"], C_MAJOR)])
def test_where_two_keys_share_their_chords_the_beginning_of_the_loop_decides(loop: list[str], key: MusicalKey) -> None:
    chroma, bass = played(loop * 8)
    duration_s = len(loop) * 8 * BAR_S
    bars = bars_of(GRID, (), duration_s=duration_s)
    assert int(tonal_profile(chroma, bass, bars, cents=0.0).phrase_bass.argmax()) == key.tonic
    assert fit_key(chroma, bass, IN_TUNE, bars, duration_s=duration_s).key == key


def test_a_modulation_is_found_where_it_happens() -> None:
    loop = ["Am", "F", "C", "G"] * 8
    found = find_key_changes(*joined(played(loop), played(loop, transposed=3)), IN_TUNE)
    assert len(found) == 2
    assert found[0].start_s == 0.0
    assert found[1].start_s == pytest.approx(len(loop) * BAR_S, abs=8.0)
    assert (found[1].key.tonic - found[0].key.tonic) % 12 == 3


def test_a_track_in_one_key_has_no_changes_nor_has_a_passing_passage() -> None:
    loop = ["Am", "F", "C", "G"] * 8
    assert find_key_changes(*played(loop * 3), IN_TUNE) == ()
    passing = played(["Am", "F"], transposed=6)
    assert find_key_changes(*joined(played(loop), passing, played(loop)), IN_TUNE) == ()


def heard(transposed: int, *, with_grid: bool) -> tuple[HopStore, HopStore, Bars]:
    chroma, bass = played(["Am", "F", "C", "G"] * 8, transposed=transposed)
    return chroma, bass, bars_of(GRID if with_grid else None, (), duration_s=32 * BAR_S)


@pytest.mark.parametrize("with_grid", [True, False])
@pytest.mark.parametrize("transposed", [1, 6, 11])
def test_a_transposed_track_has_the_transposed_key_and_is_as_sure(transposed: int, with_grid: bool) -> None:
    here, there = (
        fit_key(chroma, bass, IN_TUNE, bars, duration_s=32 * BAR_S)
        for chroma, bass, bars in (heard(0, with_grid=with_grid), heard(transposed, with_grid=with_grid))
    )
    assert here.key is not None
    assert there.key is not None
    assert (there.key.tonic - here.key.tonic) % 12 == transposed
    assert there.key.mode is here.key.mode
    assert there.confidence == pytest.approx(here.confidence, abs=0.002)


def test_a_triad_in_every_bar_is_counted_as_a_chord() -> None:
    profile = tonal_profile(*heard(0, with_grid=True), cents=0.0)
    majors, minors = profile.chords.reshape(2, 12)
    assert majors[[5, 0, 7]] == pytest.approx([0.25] * 3, abs=0.05)
    assert minors[9] == pytest.approx(0.25, abs=0.05)
    assert profile.first_chords.argmax() == 12 + 9


def test_silence_has_no_key_to_change() -> None:
    chroma, bass = HopStore(CHROMA_BINS), HopStore(12)
    chroma.append(np.zeros((2000, CHROMA_BINS), dtype=np.float32))
    bass.append(np.zeros((2000, 12), dtype=np.float32))
    assert find_key_changes(chroma, bass, np.zeros(TUNING_BINS)) == ()
    assert not tonal_profile(chroma, bass, bars_of(GRID, (), duration_s=100.0), cents=0.0).phrase_bass.any()
