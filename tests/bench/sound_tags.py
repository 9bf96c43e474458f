"""What tags and embedding cost an analysis, and what few excerpts miss: ``python -m tests.bench.sound_tags [--record]``.

The tracks come from ``CRATEHAND_BENCH_DATA`` (default ``../shared/data``). Processor time of reading a file with and
without the model, in turn, in one process on one thread. Full coverage is every three seconds of the track.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from cratehand.analysis.analysis_rate import ANALYSIS_RATE_HZ, MonoStream
from cratehand.analysis.excerpts import EXCERPT_S
from cratehand.app.reading_tools import reading_tools
from cratehand.audio.decode import FileReader
from cratehand.domain.audio import Samples
from cratehand.domain.model_ports import SoundDescriber
from cratehand.domain.sound_tags import SoundDescription
from cratehand.usecases.file_reading import ReadingTools, read_file
from tests.bench.rekordbox_collection import BENCH_DATA
from tests.bench.report import Report, command

COST: Final = 0.2
SURE: Final = 0.2
"""A tag that full coverage gives this probability counts as one that has to be found."""


def run(quick: bool) -> Report | None:
    """Read every track with and without the model, and listen to all of it once."""
    tracks = sorted((BENCH_DATA / "audio").glob("*.flac"))[: 2 if quick else None]
    tools = reading_tools()
    if not tracks or tools.describer is None:
        return None
    report = Report(title="Tags and embedding of MusiCNN in the analysis of a track")
    read_file(tools, tracks[0])  # imports and the graph are loaded once a worker
    bare_s = with_s = 0.0
    wanted, found, errors, cosines = 0, 0, [], []
    for path in tracks:
        _, without = _timed(replace(tools, describer=None), path)
        few, along = _timed(tools, path)
        bare_s, with_s = bare_s + without, with_s + along
        whole = _everything(tools.describer, path)
        if few is None or whole is None:
            continue
        sure = np.flatnonzero(whole.probabilities >= SURE)
        wanted += len(sure)
        found += int((few.probabilities[sure] >= SURE / 2).sum())
        errors.append(float(np.abs(few.probabilities - whole.probabilities).max()))
        cosines.append(float(few.embedding @ whole.embedding))
    share = with_s / bare_s - 1.0
    report.at_most(f"processor time on top of the analysis, {len(tracks)} tracks", 100 * share, 100 * COST, "%")
    report.add(f"tags that full coverage gives {SURE:g} or more and the excerpts {SURE / 2:g}", f"{found} of {wanted}")
    report.add("largest error of a probability, mean over the tracks", f"{np.mean(errors):.3f}")
    report.add("cosine of the embedding to that of full coverage, lowest", f"{min(cosines):.4f}")
    return report


def _timed(tools: ReadingTools, path: Path) -> tuple[SoundDescription | None, float]:
    began_s = time.process_time()
    reading = read_file(tools, path)
    return reading.sound, time.process_time() - began_s


def _everything(describer: SoundDescriber, path: Path) -> SoundDescription | None:
    reader = FileReader()
    declared = reader.probe(path)
    stream = MonoStream(sample_rate_hz=declared.sample_rate_hz, channels=declared.channels)
    mono = np.concatenate([*(stream.feed(block) for block in reader.blocks(path)), stream.finish()])
    frames = int(EXCERPT_S * ANALYSIS_RATE_HZ)
    pieces: list[Samples] = [mono[np.newaxis, at : at + frames] for at in range(0, len(mono) - frames + 1, frames)]
    return describer.describe(pieces, sample_rate_hz=ANALYSIS_RATE_HZ)


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
