"""Scores of sections: boundaries, labels, and whether drops and breaks were found."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tests.bench.truth.score_tempo import matches

Sections = Sequence[tuple[float, float, str]]
EDGE_S: Final = 2.0
"""Boundaries this near to the first and the last true one of the track are the track's own ends."""


def boundary_f(said: Sections, true: Sections, *, window_s: float, neutral_s: Sequence[float] = ()) -> float:
    """Return the F-measure of inner boundaries.

    A said boundary within the window of a neutral one (a layer enters inside a section) counts neither way, unless it
    is needed for a true one.
    """
    start_s, end_s = true[0][0], true[-1][1]
    right = np.sort(np.array([section[0] for section in true[1:]]))
    edge_s = max(EDGE_S, window_s)
    inner = [section[0] for section in said[1:] if start_s + edge_s < section[0] < end_s - edge_s]
    found = np.sort(np.array(inner))
    hits = matches(found, right, window_s=window_s)
    near_neutral = sum(
        1
        for at_s in inner
        if any(abs(at_s - other) <= window_s for other in neutral_s)
        and not any(abs(at_s - other) <= window_s for other in right)
    )
    counted = found.size - near_neutral
    if counted + right.size == 0:
        return 1.0
    return 2.0 * hits / (counted + right.size)


def label_agreement(said: Sections, true: Sections) -> float:
    """Return the share of the time on which the labels agree."""
    total = sum(end - start for start, end, _ in true)
    agreed = sum(
        max(0.0, min(end, true_end) - max(start, true_start))
        for start, end, label in said
        for true_start, true_end, true_label in true
        if label == true_label
    )
    return agreed / total if total else 0.0


def found(
    label: str, said: Sections, cues: Sequence[tuple[float, str]], true: Sections, *, window_s: float
) -> tuple[int, int]:
    """Return how many true sections of a label were found, and how many there are.

    Found is a section or a cue of that label that begins within the window.
    """
    starts = [start for start, _, name in true if name == label]
    places = [start for start, _, name in said if name == label] + [at for at, name in cues if name == label]
    return sum(1 for start in starts if any(abs(start - place) <= window_s for place in places)), len(starts)
