"""Cues and loudness: small nouns with a promise each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.loudness import Loudness


def test_a_cue_with_an_end_is_a_loop_on_a_pad_or_in_the_list() -> None:
    assert Cue(kind=CueKind.HOT, start_s=1.0, end_s=2.0, pad=0).is_loop
    assert Cue(kind=CueKind.MEMORY, start_s=1.0, end_s=2.0).is_loop
    assert not Cue(kind=CueKind.HOT, start_s=1.0, pad=0).is_loop


def test_a_colour_is_written_as_hex() -> None:
    assert str(Colour(red=255, green=0, blue=127)) == "#FF007F"


def test_gain_stops_at_the_true_peak_ceiling() -> None:
    quiet_but_peaky = Loudness(integrated_lufs=-20.0, range_lu=5.0, true_peak_dbtp=-3.0)
    assert quiet_but_peaky.gain_db(target_lufs=-14.0) == 2.0
    assert quiet_but_peaky.gain_db(target_lufs=-14.0, ceiling_dbtp=4.0) == 6.0


@pytest.mark.parametrize("missing", ["integrated_lufs", "true_peak_dbtp"])
def test_gain_of_an_unmeasured_track_is_unknown(missing: str) -> None:
    measured = {"integrated_lufs": -9.0, "range_lu": None, "true_peak_dbtp": 0.1} | {missing: None}
    assert Loudness(**measured).gain_db(target_lufs=-14.0) is None


@given(st.floats(-60, 0), st.floats(-60, 6), st.floats(-30, 0), st.floats(-6, 0))
def test_gain_never_lifts_the_peak_over_the_ceiling(lufs: float, peak: float, target: float, ceiling: float) -> None:
    loudness = Loudness(integrated_lufs=lufs, range_lu=None, true_peak_dbtp=peak)
    gain = loudness.gain_db(target_lufs=target, ceiling_dbtp=ceiling)
    assert gain is not None
    assert peak + gain <= ceiling + 1e-9
    assert lufs + gain <= target + 1e-9
