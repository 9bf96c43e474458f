"""Where along a track the key changes: the cheapest way through the keys, for a change has its price."""

from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.key import tuning
from cratehand.analysis.key_model import key_scores
from cratehand.analysis.pitch import PITCH_HOP_S
from cratehand.analysis.tonal_profile import folding, lasting
from cratehand.domain.key import KeyStretch, Mode, MusicalKey

_WINDOW_S: Final = 12.0
_STEP_S: Final = 4.0
_CHANGE_COST: Final = 1.6
"""In units of a correlation, over all windows after the change together: 30 s in a key that fits 0.2 better pay it."""
_SHORTEST_S: Final = 24.0
_LEAST_CORRELATION: Final = 0.5
_LEAST_LEAD: Final = 0.2
"""Lead of a key in its stretch over that of the stretch beside it; 95 % of joins of two keys have it on both sides."""

Floats = npt.NDArray[np.float64]


def find_key_changes(chroma: HopStore, bass: HopStore, deviations: Floats) -> tuple[KeyStretch, ...]:
    """Return the stretches of a track that changes its key, in order; nothing for a track in one key.

    Each 12 s, every 4 s, are scored for all 24 keys; the path with the best sum of scores less the price of its
    changes is taken. Stretches under 24 s are no change of key but a passage.
    """
    scores = _scores(chroma, bass, tuning(deviations)[0])
    if len(scores) < 2 * round(_SHORTEST_S / _STEP_S):
        return ()
    stretches = _stretches(scores, _best_path(scores))
    if len(stretches) < 2:
        return ()
    # A window is about its middle.
    return tuple(
        KeyStretch(start_s=0.0 if index == 0 else round(first * _STEP_S + 0.5 * _WINDOW_S, 1), key=_key(number))
        for index, (first, _, number) in enumerate(stretches)
    )


def _stretches(scores: Floats, path: npt.NDArray[np.intp]) -> list[tuple[int, int, int]]:
    """Return first window, window behind the last, and key of what is long and clear enough."""
    starts = np.flatnonzero(np.append(True, path[1:] != path[:-1]))
    kept: list[tuple[int, int, int]] = []
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), path.size], strict=True):
        number = int(path[first])
        if (end - first) * _STEP_S < _SHORTEST_S:
            continue
        if kept and (kept[-1][2] == number or not _is_another(scores, kept[-1], (first, end, number))):
            kept[-1] = (kept[-1][0], end, kept[-1][2])
        else:
            kept.append((first, end, number))
    return kept


def _is_another(scores: Floats, before: tuple[int, int, int], after: tuple[int, int, int]) -> bool:
    """Whether each of two stretches clearly prefers its own key to that of the other."""
    leads = [
        float((scores[first:end, own] - scores[first:end, other]).mean())
        for (first, end, own), other in ((before, after[2]), (after, before[2]))
    ]
    return min(leads) >= _LEAST_LEAD


def _key(number: int) -> MusicalKey:
    return MusicalKey(tonic=number % 12, mode=Mode.MAJOR if number < 12 else Mode.MINOR)


def _scores(chroma: HopStore, bass: HopStore, cents: float) -> Floats:
    """Return the scores of all keys in each window, ``(windows, 24)``; zeros where tones are few."""
    window, step = round(_WINDOW_S / PITCH_HOP_S), round(_STEP_S / PITCH_HOP_S)
    fine, low = (_window_sums(store, window, step) for store in (chroma, bass))
    rows = []
    fold = folding(cents)
    for tones, bass_tones in zip(fine, low, strict=True):
        score = key_scores(tones @ fold, bass_tones) if tones.any() else np.zeros(24)
        rows.append(np.where(score.max() >= _LEAST_CORRELATION, score, 0.0))
    return np.array(rows).reshape(-1, 24)


def _window_sums(store: HopStore, window: int, step: int) -> list[Floats]:
    """Sum what lasts over windows; blocks are joined by their running sums, so a long track is never there whole."""
    running = [np.zeros(store.means.size)]
    total = np.zeros(store.means.size)
    for block in store.blocks():
        held = lasting(block)
        # Every step counts alike, however loud it is.
        for start in range(0, len(held) - step + 1, step):
            part = held[start : start + step].sum(axis=0, dtype=np.float64)
            total = total + part / max(float(part.sum()), 1e-9)
            running.append(total)
    reach = max(window // step, 1)
    return [late - early for early, late in zip(running, running[reach:], strict=False)]


def _best_path(scores: Floats) -> npt.NDArray[np.intp]:
    """Return the key of each window."""
    count = len(scores)
    came_from = np.zeros(scores.shape, dtype=np.intp)
    total = scores[0].copy()
    for index in range(1, count):
        best = int(total.argmax())
        stay = total
        change = total[best] - _CHANGE_COST
        came_from[index] = np.where(stay >= change, np.arange(24), best)
        total = np.maximum(stay, change) + scores[index]
    path = np.zeros(count, dtype=np.intp)
    path[-1] = int(total.argmax())
    for index in range(count - 1, 0, -1):
        path[index - 1] = came_from[index, path[index]]
    return path
