"""Makes `drums.json` anew from the weights in the package: ``python -m tests.golden.make_drums``."""

import json
from pathlib import Path

from cratehand.domain.drum_request import DrumRequest
from cratehand_models.drum_grid import DrumGrid
from cratehand_models.drums import DrumModel

STYLES = ("rock", "funk", "jazz")


def main() -> None:
    model, found = DrumModel(), []
    for seed, style in enumerate(STYLES, start=1):
        pattern = model.generate(DrumRequest(style=style, tempo_bpm=110.0, bars=4, seed=seed))
        hits = DrumGrid.of(pattern).hits
        rows = ["".join(".x"[int(hit)] for hit in hits[:, voice]) for voice in range(9)]
        found.append(
            {"style": style, "seed": seed, "rows": rows, "velocities": [hit.velocity for hit in pattern.hits[:20]]}
        )
    Path(__file__).with_name("drums.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
