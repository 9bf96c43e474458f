import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratehand.analysis.overlap import OverlapAdd, Windows, each_window


@given(
    frames=st.integers(1, 5000),
    length=st.integers(2, 900),
    overlap=st.floats(0.0, 0.5),
    block=st.integers(1, 2000),
)
@settings(max_examples=150, deadline=None)
def test_a_model_that_returns_its_input_gives_the_signal_back(
    frames: int, length: int, overlap: float, block: int
) -> None:
    signal = np.random.default_rng(frames).uniform(-1, 1, (2, frames)).astype(np.float32)
    windows = Windows(length_frames=length, overlap=overlap)
    adding = OverlapAdd(windows, channels=2)
    blocks = [signal[:, start : start + block] for start in range(0, frames, block)]
    pieces = [adding.add(window) for window in each_window(blocks, windows)]
    back = np.concatenate([*pieces, adding.rest()], axis=1)[:, :frames]
    assert back.shape == signal.shape
    assert np.abs(back - signal).max() < 1e-6


def test_an_empty_signal_has_no_window() -> None:
    assert list(each_window([np.zeros((2, 0), dtype=np.float32)], Windows(length_frames=8))) == []


def test_windows_that_overlap_by_more_than_half_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        Windows(length_frames=8, overlap=0.6)
