"""aubio: the tempo object over a file, block by block."""

from typing import Any

import aubio
import soundfile
from json_lines import serve

HOP_FRAMES = 512


def analyse(path: str) -> dict[str, Any]:
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    tracker = aubio.tempo("default", 1_024, HOP_FRAMES, rate_hz)
    beats = [
        float(tracker.get_last_s())
        for start in range(0, mono.size - HOP_FRAMES, HOP_FRAMES)
        if tracker(mono[start : start + HOP_FRAMES])
    ]
    return {"tempo_bpm": float(tracker.get_bpm()) or None, "beats_s": beats}


serve(analyse)
