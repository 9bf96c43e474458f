"""A drawing of a device's panel from its presentation rectangles: ``python -m max4live.builder.drawing FOLDER``.

What the screen shows comes from the script itself: the tests' fake Max records what `paint` draws. Without it
the screen stays empty.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from max4live.builder.patcher import HEIGHT_PX, patcher_of
from max4live.builder.sources import DEVICES, read_device

SCALE: Final = 3
_GROUND: Final = (60, 60, 60)
_FIELD: Final = (34, 34, 34)
_EDGE: Final = (24, 24, 24)
_INK: Final = (215, 215, 215)
_LIT: Final = (255, 173, 51)
_SCREEN: Final = (33, 33, 33)
_FONT_PX: Final = 9.5

Step = Sequence[Any]
"""One call on `mgraphics`: its name and arguments."""


class Panel:
    """The panel of one device, three pixels for one of Live's."""

    def __init__(self, name: str) -> None:
        source = read_device(name)
        self.file_name = f"{source.name}.png"
        self._boxes = [entry["box"] for entry in patcher_of(source)["patcher"]["boxes"]]
        self._image = Image.new("RGB", (int(source.width * SCALE), int(HEIGHT_PX * SCALE)), _GROUND)
        self._draw = ImageDraw.Draw(self._image)
        self._font = ImageFont.load_default(_FONT_PX * SCALE)

    def paint(self, screen: Sequence[Step] = ()) -> Image.Image:
        """Draw all controls, and on the screen what the script drew."""
        for box in self._boxes:
            if "presentation_rect" in box:
                self._paint_box(box, screen)
        return self._image

    def _paint_box(self, box: dict[str, Any], screen: Sequence[Step]) -> None:
        left, top, width, height = box["presentation_rect"]
        value = box.get("saved_attribute_attributes", {}).get("valueof", {})
        first = value.get("parameter_initial", [0])[0]
        match box["maxclass"]:
            case "live.comment":
                self._text(left, top + height / 2, box["text"], middle=False)
            case "live.text":
                lit = box.get("mode") == 1 and first == 1
                self._rect(left, top, width, height, _LIT if lit else _FIELD)
                self._text(left + width / 2, top + height / 2, box["text"], colour=_EDGE if lit else _INK)
            case "live.menu":
                self._rect(left, top, width, height, _FIELD)
                self._text(left + width / 2 - 3, top + height / 2, value["parameter_enum"][first])
                self._triangle(left + width - 8, top + height / 2)
            case "live.numbox":
                self._rect(left, top, width, height, _FIELD)
                self._text(left + width / 2, top + height / 2, str(first))
            case "live.dial":
                self._dial(left, top, width, box, value)
            case "textedit":
                self._rect(left, top, width, height, _FIELD)
                self._text(left + 4, top + height / 2, "warm piano", middle=False)
            case "jsui":
                self._rect(left, top, width, height, _SCREEN)
                self._screen(left, top, screen)

    def _dial(self, left: float, top: float, width: float, box: dict[str, Any], value: dict[str, Any]) -> None:
        low, high, first = value["parameter_mmin"], value["parameter_mmax"], value["parameter_initial"][0]
        self._text(left + width / 2, top + 5, value["parameter_shortname"])
        middle, radius = left + width / 2, 11.0
        ring = [SCALE * edge for edge in (middle - radius, top + 12, middle + radius, top + 12 + 2 * radius)]
        turn = 135 + 270 * (first - low) / (high - low)
        self._draw.arc(ring, 135, 405, fill=_EDGE, width=2 * SCALE)
        self._draw.arc(ring, 135, max(turn, 141), fill=_LIT, width=2 * SCALE)
        told = value["parameter_enum"][first] if "parameter_enum" in value else str(first)
        self._text(left + width / 2, top + 42, told)

    def _screen(self, left: float, top: float, steps: Sequence[Step]) -> None:
        colour, place, rect, is_round = (255, 255, 255), (0.0, 0.0), (0.0, 0.0, 0.0, 0.0), False
        for name, *given in steps:
            if name == "set_source_rgba":
                red, green, blue, opacity = given[0]
                colour = (
                    round((red * opacity + 0.13 * (1 - opacity)) * 255),
                    round((green * opacity + 0.13 * (1 - opacity)) * 255),
                    round((blue * opacity + 0.13 * (1 - opacity)) * 255),
                )
            elif name in ("rectangle", "ellipse"):
                rect, is_round = (given[0], given[1], given[2], given[3]), name == "ellipse"
            elif name == "fill":
                radius = rect[2] / 2 if is_round else 0
                self._rect(left + rect[0], top + rect[1], rect[2], rect[3], colour, radius=radius)
            elif name == "move_to":
                place = (given[0], given[1])
            elif name == "show_text":
                at = (SCALE * (left + place[0]), SCALE * (top + place[1]))
                self._draw.text(at, given[0], fill=colour, font=self._font, anchor="ls")

    def _rect(
        self, left: float, top: float, width: float, height: float, colour: tuple[int, int, int], radius: float = 2
    ) -> None:
        if width <= 0 or height <= 0:
            return
        edges = [SCALE * left, SCALE * top, SCALE * (left + width) - 1, SCALE * (top + height) - 1]
        self._draw.rounded_rectangle(edges, radius=radius * SCALE, fill=colour)

    def _triangle(self, x: float, y: float) -> None:
        corners = [(x - 3, y - 1.5), (x + 3, y - 1.5), (x, y + 2.5)]
        self._draw.polygon([(SCALE * across, SCALE * down) for across, down in corners], fill=_LIT)

    def _text(self, x: float, y: float, text: str, *, middle: bool = True, colour: tuple[int, int, int] = _INK) -> None:
        anchor = "mm" if middle else "lm"
        self._draw.text((SCALE * x, SCALE * y), text, fill=colour, font=self._font, anchor=anchor)


def main(folder: Path) -> None:
    """Draw every device without what its screen shows."""
    for name in DEVICES:
        panel = Panel(name)
        panel.paint().save(folder / panel.file_name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
