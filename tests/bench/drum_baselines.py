"""What the drum model has to beat: histograms, Markov chains, frequent patterns and copied neighbours.

All are fitted on the training split alone, in 4/4; how much they trust rare counts is chosen on the validation split.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
BAR = 16
STEPS = 32
TRUSTS = (1.0, 4.0, 16.0, 64.0)
_BITS = 1 << np.arange(9)


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """Two bars each of 4/4: arrays ``(windows, 32, 9)``; what is behind the end of a performance does not count."""

    hits: Floats
    velocities: Floats
    offsets: Floats
    counted: NDArray[np.bool_]
    """``(windows, 32)``."""
    style: NDArray[np.int64]
    tempo_bpm: Floats
    first_bar: NDArray[np.int64]
    performance: NDArray[np.int64]

    def combinations(self) -> NDArray[np.int64]:
        """Return the nine hits of each step as one number."""
        return (self.hits.astype(np.int64) * _BITS).sum(-1)


class BackOff:
    """P(combination | contexts), from the widest context to the narrowest, each trusted by how often it was seen."""

    def __init__(self, trust: float) -> None:
        self._trust = trust
        self._counts: list[dict[Hashable, Counter[int]]] = []
        self._single = np.full(9, 0.5)

    def fit(self, events: Iterable[tuple[int, Sequence[Hashable]]]) -> "BackOff":
        """Count; each event is a combination and its contexts, the widest first."""
        for combination, contexts in events:
            while len(self._counts) < len(contexts):
                self._counts.append(defaultdict(Counter))
            for table, context in zip(self._counts, contexts, strict=True):
                table[context][combination] += 1
        total: Counter[int] = sum(self._counts[0].values(), Counter())
        seen = (
            np.array([[(c >> voice) & 1 for voice in range(9)] for c in total])
            * np.array(list(total.values()))[:, None]
        )
        self._single = (seen.sum(0) + 0.5) / (total.total() + 1)
        return self

    def probability(self, combination: int, contexts: Sequence[Hashable]) -> float:
        """Return it; never 0, since any nine independent voices are possible."""
        bits = np.array([(combination >> voice) & 1 for voice in range(9)])
        found = float(np.prod(np.where(bits, self._single, 1 - self._single)))
        for table, context in zip(self._counts, contexts, strict=True):
            seen = table.get(context)
            if seen:
                found = (seen[combination] + self._trust * found) / (seen.total() + self._trust)
        return found


Contexts = Callable[[int, int, int], Sequence[Hashable]]


def histogram_contexts(style: int, place: int, before: int) -> Sequence[Hashable]:
    """Return the contexts of the per-style histogram over the places of a bar."""
    return ("all", place, (style, place))


def markov_contexts(style: int, place: int, before: int) -> Sequence[Hashable]:
    """Return the contexts of a first-order Markov chain per style."""
    return ("all", before, (style, before))


def placed_markov_contexts(style: int, place: int, before: int) -> Sequence[Hashable]:
    """Return those of one that also knows the place in the bar: stronger than what was asked to be beaten."""
    return ("all", place, (before, place), (style, before, place))


def events(windows: Windows, contexts: Contexts) -> list[tuple[int, Sequence[Hashable], int]]:
    """Return every counted step: combination, contexts, window."""
    combinations = windows.combinations()
    found = []
    for window, row in enumerate(combinations):
        before = -1
        for step in np.flatnonzero(windows.counted[window]):
            now = int(row[step])
            found.append((now, contexts(int(windows.style[window]), int(step) % BAR, before), window))
            before = now
    return found


def step_costs(train: Windows, validation: Windows, test: Windows, contexts: Contexts) -> NDArray[np.float64]:
    """Return for each window of the test split the sum of -ln P over its steps, with the trust validated best."""
    counted = [(combination, context) for combination, context, _ in events(train, contexts)]
    fitted = [BackOff(trust).fit(counted) for trust in TRUSTS]
    held = events(validation, contexts)
    best = min(fitted, key=lambda model: -sum(np.log(model.probability(c, context)) for c, context, _ in held))
    costs = np.zeros(len(test.hits))
    for combination, context, window in events(test, contexts):
        costs[window] -= np.log(best.probability(combination, context))
    return costs


def frequent_on_taps(train: Windows, test: Windows) -> Floats:
    """Return on each tapped step what the style plays there most often when it plays anything."""
    counts: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for combination, contexts, _ in events(train, histogram_contexts):
        if combination:
            for context in contexts:
                counts[context][combination] += 1
    found = np.zeros_like(test.hits)
    for window, step in np.argwhere(test.hits.any(-1)):
        contexts = histogram_contexts(int(test.style[window]), int(step) % BAR, -1)
        seen = next(counts[context] for context in reversed(contexts) if counts.get(context))
        combination = seen.most_common(1)[0][0]
        found[window, step] = [(combination >> voice) & 1 for voice in range(9)]
    return found


def frequent_pattern(train: Windows, test: Windows) -> Floats:
    """Return the most frequent two bars of each style, whatever was tapped."""
    found = np.zeros_like(test.hits)
    for style in np.unique(test.style):
        full = train.counted.all(1) & (train.style == style)
        whole = train.hits[full if full.any() else train.counted.all(1)]
        keys = Counter(row.astype(np.uint8).tobytes() for row in whole)
        pattern = np.frombuffer(keys.most_common(1)[0][0], np.uint8).reshape(STEPS, 9)
        found[test.style == style] = pattern
    return found


def neighbours(train: Windows, test: Windows, *, by_taps: bool) -> NDArray[np.int64]:
    """Return for each test window the training window of its style that differs least: in onsets, or in all hits."""
    ours, theirs = (
        w.hits.any(-1).astype(np.float32) if by_taps else w.hits.reshape(len(w.hits), -1) for w in (test, train)
    )
    apart = ours.sum(1)[:, None] + theirs.sum(1)[None] - 2 * ours @ theirs.T
    apart[test.style[:, None] != train.style[None]] += 1000
    return apart.argmin(1)


def on_taps(copied: Floats, test: Windows) -> Floats:
    """Return copied hits where something was tapped; a tapped step without any gets the closed hat."""
    tapped = test.hits.any(-1)
    found = copied * tapped[..., None]
    found[tapped & ~found.any(-1), 2] = 1.0
    return found


def usual_feel(train: Windows, test: Windows) -> tuple[Floats, Floats]:
    """Return the median velocity and offset that the style has for each voice on each place of the bar."""
    velocities, offsets = np.zeros_like(test.hits), np.zeros_like(test.hits)
    place = np.tile(np.arange(STEPS) % BAR, (len(train.hits), 1))
    for style in np.unique(test.style):
        for voice in range(9):
            every = train.hits[..., voice] > 0
            for at in range(BAR):
                of_place = every & (place == at)
                of_style = of_place & (train.style == style)[:, None]
                chosen = of_style if of_style.sum() >= 5 else of_place if of_place.any() else every
                rows = test.style == style
                for step in (at, at + BAR):
                    velocities[rows, step, voice] = np.median(train.velocities[..., voice][chosen])
                    offsets[rows, step, voice] = np.median(train.offsets[..., voice][chosen])
    return velocities, offsets


def copied_feel(train: Windows, test: Windows) -> tuple[Floats, Floats]:
    """Return velocity and offset of the nearest training window where it has the hit, the usual ones elsewhere."""
    usual = usual_feel(train, test)
    near = neighbours(train, test, by_taps=False)
    has = train.hits[near] > 0
    return np.where(has, train.velocities[near], usual[0]), np.where(has, train.offsets[near], usual[1])
