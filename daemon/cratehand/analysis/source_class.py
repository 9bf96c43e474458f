"""The supposed codec and bitrate of what a decoded file was made from."""

from typing import Final

_CLASSES: Final[dict[str, tuple[tuple[float, str], ...]]] = {
    "mp3": (
        (13_400.0, "mp3 64"),
        (15_900.0, "mp3 96"),
        (16_900.0, "mp3 128"),
        (18_050.0, "mp3 160"),
        (19_200.0, "mp3 192"),
        (19_900.0, "mp3 256"),
        (20_450.0, "mp3 320"),
    ),
    "aac": ((17_100.0, "aac 96"), (17_700.0, "aac 128"), (18_800.0, "aac 160"), (20_200.0, "aac 192")),
    "ogg": ((17_150.0, "ogg q2"), (18_500.0, "ogg q3"), (19_900.0, "ogg q4"), (21_000.0, "ogg q5")),
}
"""Up to which wall a class is taken for granted: halfway between the walls that LAME 3.100, the AAC encoder of ffmpeg
and libvorbis leave (measured on 16 pieces of music each)."""
_WITHOUT_WALL: Final = {"mp3": "mp3 V0", "aac": "aac 256", "ogg": "ogg q6"}


def name_source(codec: str, wall_hz: float | None, *, full_band: bool) -> str:
    """Return codec and bitrate in words, as ``mp3 128``.

    Args:
        codec: ``mp3``, ``aac`` or ``ogg``, as found in the sound.
        wall_hz: Where the spectrum ends steeply, None where it does not: then the codec alone can be named, or, of
            full-band sound, its class without a wall.
        full_band: Whether there is sound at 21 kHz.
    """
    if wall_hz is not None:
        for upper_hz, name in _CLASSES[codec]:
            if wall_hz <= upper_hz:
                return name
    return _WITHOUT_WALL[codec] if full_band or wall_hz is not None else codec
