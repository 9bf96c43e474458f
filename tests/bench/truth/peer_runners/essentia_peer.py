"""essentia: RhythmExtractor2013 (multifeature) and KeyExtractor with the profile edma."""

from typing import Any

import essentia
import essentia.standard as es
from json_lines import serve

essentia.log.infoActive = False
essentia.log.warningActive = False


def analyse(path: str) -> dict[str, Any]:
    audio = es.MonoLoader(filename=path, sampleRate=44_100)()
    tempo_bpm, ticks, _, _, _ = es.RhythmExtractor2013(method="multifeature")(audio)
    tonic, mode, _ = es.KeyExtractor(profileType="edma")(audio)
    return {
        "tempo_bpm": float(tempo_bpm) or None,
        "beats_s": [float(tick) for tick in ticks],
        "key": f"{tonic} {mode}",
    }


serve(analyse)
