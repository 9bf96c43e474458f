"""Small letters for pictures: five by eight pixels each, drawn twice as large."""

from typing import Final

import numpy as np

from cratehand.app.png import Pixels

_SCALE: Final = 2
_GLYPHS: Final = {
    # Five columns each, the lowest bit on top.
    " ": "0000000000", "-": "0808080808", ".": "0060600000", ":": "0036360000", ",": "0050300000",
    "0": "3e5149453e", "1": "00427f4000", "2": "4261514946", "3": "2141454b31", "4": "1814127f10",
    "5": "2745454539", "6": "3c4a494930", "7": "0171090503", "8": "3649494936", "9": "064949291e",
    "B": "7f49494936", "H": "7f0808087f", "S": "4649494931", "F": "7f09090901",
    "a": "2054545478", "b": "7f48444438", "c": "3844444420", "d": "384444487f", "e": "3854545418",
    "f": "087e090102", "g": "18a4a4a47c", "h": "7f08040478", "i": "00447d4000", "j": "4080847d00",
    "k": "7f10284400", "l": "00417f4000", "m": "7c04180478", "n": "7c08040478", "o": "3844444438",
    "p": "fc24242418", "q": "18242418fc", "r": "7c08040408", "s": "4854545420", "t": "043f444020",
    "u": "3c4040207c", "v": "1c2040201c", "w": "3c4030403c", "x": "4428102844", "y": "1ca0a0a07c",
    "z": "4464544c44",
}  # fmt: skip
_ADVANCE: Final = 6 * _SCALE
HEIGHT: Final = 8 * _SCALE
"""Pixels from the top of a letter to the end of its tail."""


def text_width(text: str) -> int:
    """Return how many pixels wide a text is."""
    return max(len(text) * _ADVANCE - _SCALE, 0)


def draw_text(pixels: Pixels, text: str, *, left: int, top: int, colour: tuple[int, int, int]) -> None:
    """Write into a picture; what lies outside is cut off, unknown letters are left blank."""
    for number, letter in enumerate(text):
        columns = np.frombuffer(bytes.fromhex(_GLYPHS.get(letter, _GLYPHS[" "])), dtype=np.uint8)
        dots = np.unpackbits(columns[:, np.newaxis], axis=1, bitorder="little").T.astype(bool)
        shape = np.kron(dots, np.ones((_SCALE, _SCALE), dtype=bool))
        x = left + number * _ADVANCE
        area = pixels[max(top, 0) : top + shape.shape[0], max(x, 0) : x + shape.shape[1]]
        cut = shape[max(-top, 0) :, max(-x, 0) :][: area.shape[0], : area.shape[1]]
        area[cut] = colour
