"""The Max objects our devices are made of: how many inlets and outlets each has, and what comes out.

Max ignores a name it does not know without a word, so a device may hold these and no others.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class MaxObject:
    """One kind of box."""

    inlets: int
    outlets: tuple[str, ...] = ()
    """What each outlet sends: ``signal``, ``int``, ``float``, ``bang``, or empty for anything."""
    is_control: bool = False
    """Has a maxclass of its own instead of being a ``newobj`` with text."""
    is_parameter: bool = False
    """Live can store, map and automate it."""


_ANY: Final = ("",)
_SIGNAL: Final = ("signal",)

OBJECTS: Final = {
    # messages
    "udpreceive": MaxObject(1, _ANY),
    "udpsend": MaxObject(1),
    "maxurl": MaxObject(1, ("dictionary", "")),
    "live.thisdevice": MaxObject(1, ("bang", "int", "int")),
    "deferlow": MaxObject(1, _ANY),
    "prepend": MaxObject(1, _ANY),
    "route": MaxObject(1, ("", "")),
    "t": MaxObject(1, ("bang", "bang")),
    "message": MaxObject(2, _ANY, is_control=True),
    # MIDI
    "midiin": MaxObject(1, ("int",)),
    "midiout": MaxObject(1),
    "notein": MaxObject(1, ("int", "int", "int")),
    "stripnote": MaxObject(2, ("int", "int")),
    "pack": MaxObject(2, _ANY),
    "mtof": MaxObject(1, ("",)),
    "/": MaxObject(2, ("float",)),
    "split": MaxObject(3, ("int", "int")),
    # sound
    "plugin~": MaxObject(2, ("signal", "signal")),
    "plugout~": MaxObject(2, ("signal", "signal")),
    "cycle~": MaxObject(2, _SIGNAL),
    "noise~": MaxObject(1, _SIGNAL),
    "line~": MaxObject(2, ("signal", "bang")),
    "*~": MaxObject(2, _SIGNAL),
    "+~": MaxObject(2, _SIGNAL),
    "onepole~": MaxObject(2, _SIGNAL),
    "-~": MaxObject(2, _SIGNAL),
    # what is seen
    "jsui": MaxObject(1, ("", "", "", "", ""), is_control=True),
    "textedit": MaxObject(1, ("", "int", "", ""), is_control=True),
    "live.comment": MaxObject(1, is_control=True),
    "live.text": MaxObject(1, ("", ""), is_control=True, is_parameter=True),
    "live.menu": MaxObject(1, ("", "", "float"), is_control=True, is_parameter=True),
    "live.numbox": MaxObject(1, ("", "float"), is_control=True, is_parameter=True),
    "live.dial": MaxObject(1, ("", "float"), is_control=True, is_parameter=True),
}
"""By name; `prepend`, `route` and the like with the one argument that we give them."""
