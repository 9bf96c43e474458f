"""``djmdCue`` rows → cues.

``Kind`` is 0 for a memory cue, 1 2 3 for pads A B C and 5..9 for D..H (10..17 for the second page of pads); 4 is a
memory loop. ``OutMsec`` is above 0 for loops only, a point has -1. Measured on a real Rekordbox 6 database, see
bridges/rekordbox-tables.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, Final

from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand_bridges.rekordbox.rows import Row

_MEMORY_KINDS: Final = (0, 4)
_HOT, _MEMORY = CueKind.HOT, CueKind.MEMORY
_LAST_PAD: Final = 15
_FAR_MS: Final = 10**10
"""Later than any cue, by some months."""

PADS: Final = {kind: kind - 1 if kind < 4 else kind - 2 for kind in (*range(1, 4), *range(5, 18))}
"""Pad by ``Kind``."""

KINDS: Final = {pad: kind for kind, pad in PADS.items()}
"""``Kind`` by pad."""


def _colours(codes: str) -> tuple[Colour, ...]:
    return tuple(Colour(red=(n := int(code, 16)) >> 16, green=n >> 8 & 255, blue=n & 255) for code in codes.split())


PAD_COLOURS: Final = _colours(
    "305AFF 5073FF 508CFF 50A0FF 50B4FF 50B0F2 50AEE8 45ACDB 00E0FF 19DAF0 32D2E6 21B4B9 20AAA0 1FA392 19A08C 14A584 "
    "14AA7D 10B176 30D26E 37DE5A 3CEB50 28E214 7DC13D 8CC832 9BD723 A5E116 A5DC0A AAD208 B4C805 B4BE04 BAB404 C3AF04 "
    "E1AA00 FFA000 FF9600 FF8C00 FF7500 E0641B E0461E E0301E E02823 E62828 FF376F FF2D6F FF127B F51E8C EB2DA0 E637B4 "
    "DE44CF DE448D E630B4 E619DC E600FF DC00FF CC00FF B432FF B93CFF C542FF AA5AFF AA72FF 8272FF 6473FF"
)
"""What Rekordbox shows for ``ColorTableIndex`` 1..62, as beat-link found out (Deep-Symmetry/beat-link, issue 51)."""

MEMORY_COLOURS: Final = _colours("FF0000 FFA500 FFFF00 00FF00 25FDE9 0000FF 660099")
"""``Color`` 1..7 of a memory cue: red, orange, yellow, green, aqua, blue, purple, in the shades of the XML.

-1 is none; 0 may be pink, but tools also write it for none, so it is taken for none.
"""


def parse_cues(rows: Iterable[Row]) -> Mapping[str, tuple[Cue, ...]]:
    """Return the cues of each track, by pad, then memory cues by time; rows without a usable place are left out."""
    cues: defaultdict[str, list[tuple[int, Cue]]] = defaultdict(list)
    for row in rows:
        cue_id, _, deleted, track, in_ms, out_ms, kind, colour, colour_index, active, label = row
        pad = PADS.get(kind)
        if deleted or type(in_ms) is not int or in_ms < 0 or (pad is None and kind not in _MEMORY_KINDS):
            continue
        loop = type(out_ms) is int and out_ms > 0 and out_ms > in_ms
        cue = Cue(
            kind=_MEMORY if pad is None else _HOT,
            start_s=in_ms / 1000.0,
            end_s=out_ms / 1000.0 if loop else None,
            pad=pad,
            label=label if type(label) is str else "",
            colour=_memory_colour(colour) if pad is None else _pad_colour(colour_index),
            active_loop=loop and active == 1,
            foreign_id=cue_id,
        )
        # One number to sort by: the pad, memory cues after the last one, then the time.
        cues[track].append(((_LAST_PAD + 1 if pad is None else pad) * _FAR_MS + in_ms, cue))
    first = itemgetter(0)
    return {track: tuple(cue for _, cue in sorted(found, key=first)) for track, found in cues.items()}


def _pad_colour(index: Any) -> Colour | None:
    return PAD_COLOURS[index - 1] if type(index) is int and 1 <= index <= len(PAD_COLOURS) else None


def _memory_colour(index: Any) -> Colour | None:
    return MEMORY_COLOURS[index - 1] if type(index) is int and 1 <= index <= len(MEMORY_COLOURS) else None
