"""mixxx-analyzer: tempo, beats, key, loudness."""

from typing import Any

import mixxx_analyzer
from json_lines import serve


def analyse(path: str) -> dict[str, Any]:
    found = mixxx_analyzer.analyze(path)
    return {
        "tempo_bpm": found.bpm,
        "beats_s": list(found.beatgrid),
        "key": found.key if found.key and found.key.split()[-1] in ("major", "minor") else None,
        "integrated_lufs": found.lufs,
    }


serve(analyse)
