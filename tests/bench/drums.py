"""How true the drum model is to drummers it never heard, and how fast: ``python -m tests.bench.drums [--record]
[--quick]``.

The official test split of the Groove MIDI Dataset, in windows of two bars that each begin from nothing, through the ONNX
files that the package carries. Style and tempo are told; density, swing and fill are not. Every difference is shown with
its 95 % interval over 1,000 bootstrap draws of whole performances.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from cratehand.domain.drum_pattern import Metre
from cratehand.domain.drum_request import DrumRequest, DrumTask
from cratehand_models.drum_decoder import GIVEN_WIDTH, DrumDecoder, DrumLuck, DrumScore, WrittenDrums
from cratehand_models.drum_grid import DrumGrid
from cratehand_models.drum_inputs import DrumConditions, conditions_scalars
from cratehand_models.drum_templates import DrumTemplates
from cratehand_models.drums import DrumModel
from tests.bench import drum_baselines as base
from tests.bench.drum_baselines import STEPS, Windows
from tests.bench.report import Report, command
from tests.bench.truth.cache_folder import cache_folder

ROOT: Final = Path(__file__).parents[2]
DRAWS: Final = 1000
DRAWN_PATTERNS: Final = 12
THRESHOLDS: Final = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
Values = NDArray[np.float64]


def load_windows() -> tuple[dict[str, Windows], list[str]] | None:
    """Return the windows of each split, and the styles; None where the data are not there."""
    sys.path.append(str(ROOT / "models" / "training" / "drums"))
    from groove import ZIP, load_grooves

    data = Path(os.environ.get("CRATEHAND_BENCH_DATA") or ROOT.parent / "shared" / "data")
    if not (data / ZIP).exists():
        return None
    grooves = load_grooves(data, cache=cache_folder() / "groove-1.pickle")
    styles = sorted({groove.style for groove in grooves})
    in_four = [groove for groove in grooves if groove.pattern.metre == Metre()]
    return {
        split: _windows([g for g in in_four if g.split == split], styles) for split in ("train", "validation", "test")
    }, styles


def _windows(grooves: Sequence[object], styles: list[str]) -> Windows:
    found: dict[str, list[object]] = {field.name: [] for field in fields(Windows)}
    for number, groove in enumerate(grooves):
        for bar in range(0, groove.pattern.bars, 2):
            span = slice(bar * base.BAR, bar * base.BAR + STEPS)
            counted = len(groove.grid.hits[span])
            for name in ("hits", "velocities", "offsets"):
                found[name].append(np.pad(getattr(groove.grid, name)[span], ((0, STEPS - counted), (0, 0))))
            found["counted"].append(np.arange(STEPS) < counted)
            found["style"].append(styles.index(groove.style))
            found["tempo_bpm"].append(groove.pattern.tempo_bpm)
            found["first_bar"].append(bar)
            found["performance"].append(number)
    return Windows(**{name: np.array(values) for name, values in found.items()})


def score(windows: Windows, told: base.Floats, known: base.Floats, decoder: DrumDecoder) -> DrumScore:
    """Return what the decoder is told about every window; `known` cells are the true ones."""
    number = len(windows.hits)
    step = np.arange(STEPS)
    place = np.zeros((number, STEPS, 4), np.int64)
    place[..., 0] = step % base.BAR
    place[..., 1] = decoder.meta.metres.index("4/4")
    place[..., 2] = (windows.first_bar[:, None] + step // base.BAR) % 8
    place[..., 3] = windows.style[:, None]
    scalars = [
        conditions_scalars(DrumConditions(style=int(style), metre=0, tempo_bpm=float(tempo)))
        for style, tempo in zip(windows.style, windows.tempo_bpm, strict=True)
    ]
    return DrumScore(
        given=told, place=place, scalars=np.repeat(np.array(scalars)[:, None], STEPS, 1), per_bar=base.BAR,
        known=known, hits=windows.hits * known, felt=np.zeros_like(known), velocities=windows.velocities,
        offsets=windows.offsets, tapped=None,
    )  # fmt: skip


def foretold(windows: Windows, decoder: DrumDecoder) -> Values:
    """Return for each window the sum of -ln P of its steps' hits, each step told the true ones before."""
    told, cells = np.zeros((len(windows.hits), STEPS, GIVEN_WIDTH), np.float32), np.ones_like(windows.hits)
    asked = score(windows, told, cells, decoder)
    true = DrumScore(**{**{f.name: getattr(asked, f.name) for f in fields(DrumScore)}, "felt": cells})
    logits = decoder.write(true, DrumLuck.none(cells.shape)).hit_logits.astype(np.float64)
    costs = np.logaddexp(0, np.where(windows.hits > 0, -logits, logits)).sum(-1)
    return (costs * windows.counted).sum(1)


def from_taps(windows: Windows, decoder: DrumDecoder, *, dynamics: bool) -> base.Floats:
    """Return how probable each hit is on the onsets, a mean over drawn patterns: ``(windows, 32, 9)``.

    With `dynamics` it is also told how loud and late each was tapped.
    """
    told = np.zeros((len(windows.hits), STEPS, GIVEN_WIDTH), np.float32)
    tapped = windows.hits.any(-1)
    told[..., 18], told[..., 21] = tapped, 1.0
    if dynamics:
        loudest = windows.velocities.argmax(-1)[..., None]
        told[..., 19], told[..., 22] = windows.velocities.max(-1), 1.0
        told[..., 20] = 2 * np.take_along_axis(windows.offsets, loudest, -1)[..., 0]
    silent = np.repeat(~tapped[..., None], 9, -1).astype(np.float32)
    asked = score(windows, told, silent, decoder)
    rng, shape = np.random.default_rng(3), silent.shape
    total = np.zeros(shape)
    for _ in range(DRAWN_PATTERNS):
        luck = DrumLuck(
            hits=rng.random(shape, np.float32),
            velocities=rng.random(shape, np.float32),
            offsets=rng.random(shape, np.float32),
        )
        total += 1 / (1 + np.exp(-decoder.write(asked, luck).hit_logits.astype(np.float64)))
    return (total / DRAWN_PATTERNS * tapped[..., None]).astype(np.float32)


def humanised(windows: Windows, decoder: DrumDecoder) -> WrittenDrums:
    """Return velocities and offsets that the model gives to the true hits."""
    told, cells = np.zeros((len(windows.hits), STEPS, GIVEN_WIDTH), np.float32), np.ones_like(windows.hits)
    told[..., :9], told[..., 9:18] = windows.hits, 1.0
    return decoder.write(score(windows, told, cells, decoder), DrumLuck.none(cells.shape))


def by_template(windows: Windows, styles: list[str], task: DrumTask) -> DrumGrid:
    """Return what the templates make of every window."""
    templates, grids = DrumTemplates(), []
    for number in range(len(windows.hits)):
        # The hits alone are given: how loud and late they were is what is asked.
        flat = windows.hits[number]
        grid = DrumGrid(hits=flat, velocities=flat * np.float32(96 / 127), offsets=np.zeros_like(flat))
        request = DrumRequest(
            style=styles[windows.style[number]], tempo_bpm=float(windows.tempo_bpm[number]), bars=2, seed=number
        )
        given = grid.pattern(request.silence())
        told = DrumRequest(
            style=request.style, tempo_bpm=request.tempo_bpm, bars=2, seed=number, given=given, task=task
        )
        grids.append(DrumGrid.of(templates.generate(told)))
    return DrumGrid(**{name: np.array([getattr(g, name) for g in grids]) for name in ("hits", "velocities", "offsets")})


def draws(windows: Windows) -> NDArray[np.int64]:
    """Return how often each window counts in each bootstrap draw of whole performances, ``(1000, windows)``."""
    rng = np.random.default_rng(5)
    names = np.unique(windows.performance)
    place = np.searchsorted(names, windows.performance)
    return np.array(
        [np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))[place] for _ in range(DRAWS)]
    )


def f1_parts(found: base.Floats, windows: Windows) -> Values:
    """Return of each window: right hits, found hits, true hits."""
    counted = windows.counted[..., None]
    return np.stack([(part * counted).sum((1, 2)) for part in (found * windows.hits, found, windows.hits)], -1).astype(
        np.float64
    )


def f1(parts: Values, weight: NDArray[np.int64] | None = None) -> float:
    """Return 2 x right / (found + true), in all windows together."""
    right, found, true = parts.sum(0) if weight is None else weight @ parts
    return float(2 * right / (found + true))


def mean_of(sums: Values, weight: NDArray[np.int64] | None = None) -> float:
    """Return the mean of ``(windows, 2)``: sum and number."""
    total = sums.sum(0) if weight is None else weight @ sums
    return float(total[0] / total[1])


def against(
    report: Report, what: str, ours: Values, theirs: dict[str, Values], weights: NDArray[np.int64],
    figure: Callable[..., float], *, higher: bool, unit: str = "",
) -> None:  # fmt: skip
    """Add one row a rival: both figures and the interval of the gain."""
    sign = 1 if higher else -1
    for name, rival in theirs.items():
        gains = [sign * (figure(ours, weight) - figure(rival, weight)) for weight in weights]
        low, high = np.quantile(gains, [0.025, 0.975])
        report.add(
            f"{what}, against {name}",
            f"{figure(ours):.3f} to {figure(rival):.3f}{unit}; better by {low:.3f} ... {high:.3f}",
            "interval above 0",
            met=bool(low > 0),
        )


def feel_rows(report: Report, split: dict[str, Windows], styles: list[str], decoder: DrumDecoder) -> None:
    """Measure velocity and micro-timing given to the true hits."""
    test, train = split["test"], split["train"]
    weights = draws(test)
    ours = humanised(test, decoder)
    template = by_template(test, styles, DrumTask.HUMANISE)
    rivals = {
        "the usual of style, place and voice": base.usual_feel(train, test),
        "template": (template.velocities, template.offsets),
        "copied neighbour": base.copied_feel(train, test),
    }
    played = test.hits > 0
    step_ms = (15_000 / test.tempo_bpm)[:, None, None]

    def sums(found: base.Floats, true: base.Floats, scale: object) -> Values:
        return np.stack([(np.abs(found - true) * played * scale).sum((1, 2)), played.sum((1, 2))], -1)

    against(
        report, "velocity error (of 127), hits given", sums(ours.velocities, test.velocities, 127),
        {name: sums(feel[0], test.velocities, 127) for name, feel in rivals.items()}, weights, mean_of, higher=False,
    )  # fmt: skip
    against(
        report, "timing error, hits given", sums(ours.offsets, test.offsets, step_ms),
        {name: sums(feel[1], test.offsets, step_ms) for name, feel in rivals.items()}, weights, mean_of,
        higher=False, unit=" ms",
    )  # fmt: skip


def hit_rows(report: Report, split: dict[str, Windows], styles: list[str], decoder: DrumDecoder) -> None:
    """Measure likelihood, and the pattern on tapped onsets."""
    train, validation, test = (split[name] for name in ("train", "validation", "test"))
    weights, steps = draws(test), test.counted.sum(1).astype(np.float64)
    chains = {
        "per-style histogram": base.histogram_contexts,
        "Markov chain": base.markov_contexts,
        "Markov chain that knows the place": base.placed_markov_contexts,
    }
    rivals = {
        name: np.stack([base.step_costs(train, validation, test, way), steps], -1) for name, way in chains.items()
    }
    ours = np.stack([foretold(test, decoder), steps], -1)
    against(report, "NLL per step (nats)", ours, rivals, weights, mean_of, higher=False)
    copied = train.hits[base.neighbours(train, test, by_taps=True)]
    patterns = {
        "most frequent pattern": base.frequent_pattern(train, test),
        "most frequent hits on the taps": base.frequent_on_taps(train, test),
        "template on the taps": by_template(test, styles, DrumTask.TAP).hits,
        "copied neighbour": copied,
        "copied neighbour on the taps": base.on_taps(copied, test),
    }
    parts = {name: f1_parts(found, test) for name, found in patterns.items()}
    held = from_taps(validation, decoder, dynamics=False)
    sure = max(THRESHOLDS, key=lambda threshold: f1(f1_parts(held >= threshold, validation)))
    bare = f1_parts(from_taps(test, decoder, dynamics=False) >= sure, test)
    against(report, "onset F1 from bare taps", bare, parts, weights, f1, higher=True)
    full = f1(f1_parts(from_taps(test, decoder, dynamics=True) >= sure, test))
    report.add("onset F1 from taps with loudness and timing", f"{full:.3f}")
    report.notes.append(
        f"Taps: a hit is played from a mean probability of {sure:g} on (over {DRAWN_PATTERNS} drawn patterns), which was "
        "chosen on the validation split."
    )


def style_rows(report: Report, split: dict[str, Windows], styles: list[str], model: DrumModel, patterns: int) -> None:
    """Measure whether a style's kick and snare fall where its drummers play them, and whether seeds and styles differ."""
    everything = [split[name] for name in ("train", "validation", "test")]
    found = {}
    for number, style in enumerate(styles):
        true = (
            np.concatenate([w.hits[(w.style == number)][..., :2] for w in everything]).reshape(-1, base.BAR, 2).mean(0)
        )
        made = [
            DrumGrid.of(model.generate(DrumRequest(style=style, tempo_bpm=model.styles()[style], bars=4, seed=seed)))
            for seed in range(patterns)
        ]
        ours = np.concatenate([grid.hits[:, :2] for grid in made]).reshape(-1, base.BAR, 2).mean(0)
        found[style] = float(np.corrcoef(true.ravel(), ours.ravel())[0, 1])
    worst = min(found, key=lambda style: found[style])
    mean = float(np.mean(list(found.values())))
    report.at_least(f"kick and snare histogram, worst of {len(found)} styles", found[worst], 0.5, "correlation", digits=2, remark=f" ({worst}; mean {mean:.2f})")  # fmt: skip
    requests = [DrumRequest(style=style, tempo_bpm=110, bars=4, seed=seed) for style in styles for seed in range(5)]
    different = len({tuple((h.step, h.voice) for h in model.generate(request).hits) for request in requests})
    report.add("different patterns of as many styles and seeds", f"{different} of {len(requests)}", "all", met=different == len(requests))  # fmt: skip


def speed_rows(report: Report, model: DrumModel) -> None:
    """Measure four bars, the weights loaded, in processor time of one core."""
    model.generate(DrumRequest(style="rock", tempo_bpm=110, bars=4, seed=0))
    spent = []
    for seed in range(15):
        began = time.process_time()
        model.generate(DrumRequest(style="funk", tempo_bpm=110, bars=4, seed=seed))
        spent.append((time.process_time() - began) * 1e3)
    report.at_most("four bars, median of 15, processor", float(np.median(spent)), 100, "ms", digits=0)
    began = time.process_time()
    DrumDecoder.load()
    report.add("loading the weights, processor", f"{(time.process_time() - began) * 1e3:.0f} ms")


def run(quick: bool) -> Report | None:
    """Measure everything."""
    found = load_windows()
    if found is None:
        return None
    split, styles = found
    decoder, model = DrumDecoder.load(), DrumModel()
    report = Report(title="Drums")
    speed_rows(report, model)
    hit_rows(report, split, styles, decoder)
    feel_rows(report, split, styles, decoder)
    style_rows(report, split, styles, model, 4 if quick else 16)
    test = split["test"]
    report.notes.append(
        f"Model {model.name}; {len(test.hits)} windows of {len(np.unique(test.performance))} test performances in 4/4, "
        f"{int(test.hits.sum())} hits. Baselines are fitted on the training split, their trust in rare counts on the "
        "validation split; of each style the model was trained on the training split only."
    )
    return report


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
