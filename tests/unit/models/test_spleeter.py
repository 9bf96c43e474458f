import numpy as np

from cratehand_models.spleeter import WINDOW_FRAMES, soft_masks, to_spectrum, to_wave


def test_the_transform_and_back_gives_the_signal() -> None:
    mix = np.random.default_rng(1).uniform(-1, 1, (2, WINDOW_FRAMES)).astype(np.float32)
    spectrum = to_spectrum(mix)
    assert spectrum.shape == (2, 512, 2049)
    assert np.abs(to_wave(spectrum) - mix).max() < 1e-5


def test_masks_add_up_to_one_and_follow_the_power() -> None:
    loud, quiet = (np.full((2, 512, 1024), value, dtype=np.float32) for value in (3.0, 1.0))
    first, second = soft_masks(loud, quiet)
    np.testing.assert_allclose(first + second, 1.0, atol=1e-6)
    np.testing.assert_allclose(first, 0.9, atol=1e-6)
    assert first.shape == (2, 512, 2049)


def test_silence_is_shared_evenly() -> None:
    silence = np.zeros((2, 512, 1024), dtype=np.float32)
    first, second = soft_masks(silence, silence)
    np.testing.assert_allclose(first, 0.5)
    np.testing.assert_allclose(second, 0.5)
