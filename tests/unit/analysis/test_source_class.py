"""Naming the source by the wall it left."""

import pytest

from cratehand.analysis.source_class import name_source


@pytest.mark.parametrize(
    ("codec", "wall_hz", "name"),
    [
        ("mp3", 11_300.0, "mp3 64"),
        ("mp3", 16_400.0, "mp3 128"),
        ("mp3", 20_180.0, "mp3 320"),
        ("mp3", 20_600.0, "mp3 V0"),
        ("aac", 16_900.0, "aac 96"),
        ("aac", 21_000.0, "aac 256"),
        ("ogg", 17_660.0, "ogg q3"),
    ],
)
def test_a_wall_tells_the_class(codec: str, wall_hz: float, name: str) -> None:
    assert name_source(codec, wall_hz, full_band=wall_hz > 20_600.0) == name


def test_without_a_wall_only_full_band_sound_tells_more_than_the_codec() -> None:
    assert name_source("mp3", None, full_band=True) == "mp3 V0"
    assert name_source("mp3", None, full_band=False) == "mp3"
