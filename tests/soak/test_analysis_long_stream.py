"""Eight hours of music in one stream: the memory stays bounded, the grid follows every change of tempo."""

import resource
import sys
import time

import pytest

from cratehand.analysis.track_analyser import TrackAnalyser
from tests import music

HOURS = 8.0
LIMIT_MB = 800


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform == "win32", reason="the resource module knows Unix only")
def test_an_eight_hour_mix_stays_under_800_mb_and_fast() -> None:
    pieces = [
        music.groove(tempo_bpm=tempo, bars=16, tonic=tonic).samples for tempo, tonic in ((126, 9), (128, 2), (124, 5))
    ]
    analyser = TrackAnalyser(44_100, 2)
    started_s, fed, index = time.process_time(), 0, 0
    while fed < HOURS * 3600 * 44_100:
        piece = pieces[index // 10 % 3]
        analyser.feed(piece)
        fed += piece.shape[1]
        index += 1
    found = analyser.finish()
    spent_s = time.process_time() - started_s
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale < LIMIT_MB
    assert fed / 44_100 / spent_s > 60
    assert found.beat_grid is not None
    assert len(found.beat_grid.anchors) > 80
    assert found.waveform is not None
    assert found.waveform.levels.shape[1] <= 1200
