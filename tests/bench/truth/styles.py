"""How genres are drummed and played: sixteenths of a bar, swing, tempo, and which other octave is as right."""

from dataclasses import dataclass, field
from typing import Final

Steps = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Style:
    """One genre. Steps count sixteenths from the bar line and may be fractional; a pattern may span several bars."""

    name: str
    tempo_bpm: tuple[float, float]
    drums: dict[str, Steps]
    bars: int = 1
    """Bars the drum pattern spans."""
    beats_per_bar: int = 4
    swing: tuple[float, float] = (0.5, 0.5)
    """Where the second sixteenth lies between two eighths; 0.5 is straight."""
    bass: Steps = (0, 4, 8, 12)
    chords: Steps = (0,)
    pumped: bool = True
    electronic: bool = True
    also_right: float | None = None
    """Factor of a second right tempo."""
    ghosts: Steps = ()
    """Sixteenths at which the snare whispers now and then."""
    kits: tuple[str, ...] = field(default=())
    """Kits by preference of the genre; all of them where empty."""


_EIGHTHS: Final = (0, 2, 4, 6, 8, 10, 12, 14)
_OFFBEATS: Final = (2, 6, 10, 14)
_FOUR: Final = (0, 4, 8, 12)
_ALL: Final = tuple(float(step) for step in range(16))

STYLES: Final = {
    style.name: style
    for style in (
        Style(
            name="house", tempo_bpm=(118, 128), bass=(2, 6, 10, 14), chords=(0, 3, 6, 10, 12), swing=(0.5, 0.56),
            drums={"kick": _FOUR, "clap": (4, 12), "open_hat": _OFFBEATS, "hat": _ALL, "shaker": _EIGHTHS, "rim": (3, 10)},
        ),
        Style(
            name="deep_house", tempo_bpm=(118, 124), bass=(0, 3, 6, 10), chords=(3, 9), swing=(0.52, 0.6),
            drums={"kick": _FOUR, "clap": (4, 12), "open_hat": _OFFBEATS, "shaker": _ALL, "rim": (7, 13)},
        ),
        Style(
            name="techno", tempo_bpm=(130, 145), bass=(2, 3, 6, 7, 10, 11, 14, 15), chords=(0, 6, 12),
            drums={"kick": _FOUR, "clap": (12,), "open_hat": _OFFBEATS, "hat": _ALL, "tom": (3, 11), "ride": _EIGHTHS},
        ),
        Style(
            name="minimal", tempo_bpm=(123, 129), bass=(3, 7, 10), chords=(6,), swing=(0.5, 0.57),
            drums={"kick": _FOUR, "rim": (4, 12), "hat": _OFFBEATS, "shaker": (1, 3, 5, 7, 9, 11, 13, 15), "tom": (7, 10)},
        ),
        Style(
            name="trance", tempo_bpm=(134, 142), bass=(2, 3, 6, 7, 10, 11, 14, 15), chords=_EIGHTHS,
            drums={"kick": _FOUR, "clap": (4, 12), "open_hat": _OFFBEATS, "hat": _ALL, "ride": _FOUR},
        ),
        Style(
            name="dnb", tempo_bpm=(170, 178), bars=2, bass=(0, 6, 10), ghosts=(7, 9, 15),
            drums={
                "kick": (0, 10, 16, 18, 26), "snare": (4, 12, 20, 28), "hat": tuple(float(s) for s in range(0, 32, 2)),
                "ride": (0, 4, 8, 12, 16, 20, 24, 28), "rim": (7, 25),
            },
        ),
        Style(
            name="dubstep", tempo_bpm=(138, 142), bars=2, bass=(0, 3, 6, 12), also_right=0.5,
            drums={
                "kick": (0, 6, 16, 26), "snare": (8, 24), "hat": tuple(float(s) for s in range(0, 32, 2)),
                "rim": (14, 30), "shaker": (3, 11, 19, 27),
            },
        ),
        Style(
            name="trap", tempo_bpm=(136, 150), bars=2, bass=(0, 7, 10), also_right=0.5,
            drums={
                "kick": (0, 7, 10, 16, 23, 27), "clap": (8, 24), "open_hat": (14,), "rim": (5, 21),
                "hat": (*(float(s) for s in range(0, 32, 2)), 13, 29, 29.5, 30.5, 31),
            },
        ),
        Style(
            name="hiphop", tempo_bpm=(80, 98), bars=2, swing=(0.54, 0.64), bass=(0, 5, 8, 11), pumped=False, ghosts=(9, 15),
            drums={"kick": (0, 7, 10, 16, 18, 26), "snare": (4, 12, 20, 28), "hat": tuple(float(s) for s in range(0, 32, 2)),
                   "open_hat": (30,)},
        ),
        Style(
            name="reggae", tempo_bpm=(72, 88), swing=(0.56, 0.66), bass=(0, 3, 6, 11), chords=(4, 12), pumped=False,
            electronic=False, also_right=2.0,
            drums={"kick": (8,), "rim": (8,), "hat": (0, 2, 4, 6, 8, 10, 12, 14), "open_hat": (14,)},
        ),
        Style(
            name="breakbeat", tempo_bpm=(126, 138), bars=2, bass=(0, 3, 8, 11), ghosts=(7, 9, 14),
            drums={"kick": (0, 2, 10, 16, 18, 27), "snare": (4, 12, 20, 28), "hat": tuple(float(s) for s in range(0, 32, 2)),
                   "ride": (0, 8, 16, 24)},
        ),
        Style(
            name="garage", tempo_bpm=(130, 136), bars=2, swing=(0.58, 0.66), bass=(0, 3, 10), chords=(3, 10), ghosts=(7, 15),
            drums={"kick": (0, 11, 16, 22, 27), "clap": (4, 12, 20, 28), "hat": tuple(float(s) for s in range(32)),
                   "open_hat": (2, 10, 18, 26), "rim": (6, 23)},
        ),
        Style(
            name="electro", tempo_bpm=(120, 132), bars=2, bass=(0, 3, 6, 8, 11, 14),
            drums={"kick": (0, 6, 16, 22, 26), "snare": (4, 12, 20, 28), "hat": tuple(float(s) for s in range(32)),
                   "clap": (12, 28), "open_hat": (14, 30)},
        ),
        Style(
            name="pop", tempo_bpm=(96, 118), bass=_EIGHTHS, chords=(0, 6), pumped=False, electronic=False, ghosts=(7, 14),
            drums={"kick": (0, 7, 8), "snare": (4, 12), "hat": _EIGHTHS, "ride": (0, 4, 8, 12)},
        ),
        Style(
            name="rock", tempo_bpm=(104, 152), bass=_EIGHTHS, chords=_EIGHTHS, pumped=False, electronic=False,
            drums={"kick": (0, 8, 10), "snare": (4, 12), "hat": _EIGHTHS, "ride": _FOUR},
        ),
        Style(
            name="disco", tempo_bpm=(110, 126), bass=(0, 2, 4, 6, 8, 10, 12, 14), chords=(2, 6, 10, 14), pumped=False,
            electronic=False,
            drums={"kick": _FOUR, "snare": (4, 12), "open_hat": _OFFBEATS, "hat": _FOUR, "shaker": _ALL},
        ),
        Style(
            name="waltz", tempo_bpm=(96, 168), beats_per_bar=3, bass=(0,), chords=(4, 8), pumped=False, electronic=False,
            drums={"kick": (0,), "snare": (4, 8), "hat": (0, 2, 4, 6, 8, 10), "ride": (0, 4, 8)},
        ),
        Style(
            name="seven", tempo_bpm=(220, 280), beats_per_bar=7, bass=(0, 4, 8), chords=(0, 8), pumped=False,
            electronic=False,
            drums={"kick": (0, 8), "snare": (4, 16), "hat": (0, 4, 8, 12, 16, 20, 24), "ride": (0, 8, 16)},
        ),
    )
}  # fmt: skip
"""By name. ``seven`` counts eighths as beats: seven of them make a bar of 7/8, grouped 2 + 2 + 3."""

CLUB: Final = (
    "house", "deep_house", "techno", "minimal", "trance", "dnb", "dubstep", "trap", "hiphop", "reggae", "breakbeat",
    "garage", "electro", "pop", "rock", "disco",
)  # fmt: skip
"""Styles in 4/4."""
