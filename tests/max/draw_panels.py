"""Draw the devices' panels with something on their screens: ``python -m tests.max.draw_panels``."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from cratehand.domain.drum_request import DrumRequest
from cratehand_models.drum_midi import clip_notes
from cratehand_models.drum_templates import DrumTemplates
from max4live.builder.drawing import Panel
from max4live.builder.sources import DEVICES, ROOT
from tests.max.fake_max import FakeMax

TRACKS = [
    ("Night Drive", "Lena Vos", 124.0, "8A", 6, "same key"),
    ("Glasshouse (Dub)", "Okoro", 123.5, "8A", 5, "tempo -0.4 %"),
    ("Harbour Lights", "Mirko Senn", 125.0, "9A", 6, "keys mix: 8A and 9A"),
    ("Second Floor", "Aya Lund & Petra Holm", 124.2, "7A", 7, "keys mix: 8A and 7A"),
    ("Copper", "Tidewater", 126.0, "8B", 7, "tempo +1.6 %"),
    ("Late Ferry Home", "Jonas Reed", 122.0, "8A", 4, "same key"),
    ("Paper Moon", "Ilse Marant", 124.0, "9A", 5, "energy 5"),
]


def shown_of(name: str) -> dict[str, Any]:
    if name == "audio":
        rows = [
            dict(
                zip(("title", "artist", "tempo_bpm", "camelot", "energy", "reasons"), (*row[:5], [row[5]]), strict=True)
            )
            for row in TRACKS
        ]
        return {"results": [{**row, "on_this_device": True} for row in rows], "chosen": 0, "text": "7 tracks"}
    pattern = DrumTemplates().generate(DrumRequest(style="house", tempo_bpm=124.0, bars=4, seed=1))
    items = [[note.pitch, note.start_beats, note.duration_beats, note.velocity] for note in clip_notes(pattern)]
    found = {"items": items, "length_beats": 16, "style": "house"}
    return {"pattern": found, "text": f"{len(items)} notes, seed 1, template"}


async def draw(folder: Path) -> None:
    for name in DEVICES:
        async with FakeMax(name, 9) as device:
            await device.script(
                f"set_tempo = 124; link.phase = 'online'; shown.bad = false; (function (more) {{ for (var key in more) shown[key] = more[key]; }})"
                f"({json.dumps(shown_of(name))})"
            )
            steps = await device.tell("paint")
        panel = Panel(name)
        panel.paint(steps).save(folder / panel.file_name, optimize=True)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "pictures"
    target.mkdir(exist_ok=True)
    asyncio.run(draw(target))
