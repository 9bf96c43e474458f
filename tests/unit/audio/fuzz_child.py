"""The child of `fuzz.py`: reads paths in hex from stdin, writes one line of JSON for each file it has read."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from cratehand.audio import AudioDigester, FileReader, MutagenTags
from cratehand.domain.audio import AudioFormat
from cratehand.domain.errors import CratehandError, InternalError

_MOST_BLOCKS = 2_000


def _decode(path: Path) -> str:
    with FileReader().blocks(path) as stream:
        for index, block in enumerate(stream):
            assert stream.format is not None
            assert block.dtype == np.float32
            assert block.shape[0] == stream.format.channels
            assert 0 < block.shape[1] <= stream.format.sample_rate_hz
            assert np.isfinite(block).all()
            assert not block.shape[1] < stream.format.sample_rate_hz or next(stream, None) is None
            if index > _MOST_BLOCKS:
                return "endless"
        return "truncated" if stream.is_truncated else "ok"


def _probe(path: Path) -> str:
    sound: AudioFormat = FileReader().probe(path)
    assert sound.duration_s is None or sound.duration_s > 0
    return "ok"


def _tags(path: Path) -> str:
    return "some" if MutagenTags().tags(path) else "none"


def _digest(path: Path) -> str:
    return "ok" if AudioDigester().digest(path) else ""


_VERBS: dict[str, Callable[[Path], str]] = {"probe": _probe, "blocks": _decode, "tags": _tags, "digest": _digest}


def main() -> None:
    for line in sys.stdin:
        path = Path(os.fsdecode(bytes.fromhex(line.strip())))
        outcomes, bugs, began_s = {}, [], time.monotonic()
        for verb, act in _VERBS.items():
            try:
                outcomes[verb] = act(path)
            except InternalError as error:
                bugs.append(f"{verb}: {error!r}")
            except CratehandError as error:
                outcomes[verb] = error.code
                if "\n" in str(error):
                    bugs.append(f"{verb}: a message of two lines: {error}")
            except Exception as error:
                bugs.append(f"{verb}: {error!r}")
        process = psutil.Process()
        result = {
            "outcomes": outcomes,
            "bugs": bugs,
            "seconds": time.monotonic() - began_s,
            "memory_mb": process.memory_info().rss / 1e6,
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
