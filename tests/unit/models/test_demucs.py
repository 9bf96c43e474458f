import numpy as np

from cratehand_models.demucs import WINDOW_FRAMES, to_spectrum, to_wave


def test_a_tone_lies_in_its_bin_and_in_the_channel_it_came_from() -> None:
    time_s = np.arange(WINDOW_FRAMES) / 44_100
    mix = np.stack([np.sin(2 * np.pi * 44_100 / 4096 * 100 * time_s), np.zeros(WINDOW_FRAMES)]).astype(np.float32)
    spectrum = to_spectrum(mix)
    assert spectrum.shape == (1, 4, 2048, 336)
    power = (spectrum[0, :2] ** 2).sum(axis=0)[:, 10:-10]
    assert (power.argmax(axis=0) == 100).all()
    assert np.abs(spectrum[0, 2:]).max() == 0.0


def test_the_transform_and_back_gives_what_lies_below_the_last_bin() -> None:
    noise = np.random.default_rng(1).normal(size=(2, WINDOW_FRAMES)).astype(np.float32)
    smooth = (noise[:, :-1] + noise[:, 1:]) / 2
    mix = np.pad(smooth, ((0, 0), (0, 1))).astype(np.float32)
    back = to_wave(to_spectrum(mix)[0])
    assert np.abs(back - mix)[:, 2048:-2048].max() < 1e-3


def test_numbers_of_the_reference_implementation() -> None:
    """Taken from `HTDemucs._magnitude(_spec(x))` of demucs 4.1.0 with torch 2.13.0 on the same ramp."""
    ramp = np.linspace(-1, 1, WINDOW_FRAMES, dtype=np.float32)
    spectrum = to_spectrum(np.stack([ramp, ramp[::-1]]))
    np.testing.assert_allclose(REFERENCE, spectrum[0, [0, 1, 2, 3], [0, 1, 0, 1], [5, 100, 200, 330]], atol=1e-5)


REFERENCE = np.array([-30.952122, 0.09096842, -6.199913, -0.0909667], dtype=np.float32)
