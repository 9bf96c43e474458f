"""Fit what turns evidence into confidence, and say how true it is: ``python -m tests.bench.fit_confidence [--write]``.

Sound with exact truth is made and analysed as in `tests.bench.musical_truth`. The constants of
`cratehand.analysis.calibration` are fitted on the seeds ``--fit`` and judged on ``--judge``, which no constant has seen;
``--write`` replaces them. Those in the file are of the seeds 1 and 2 (4 judged); sections, of which a seed has few whole
tracks, of 1, 2, 4 and all arrangements of 13 and 14. To be run again after every change of tempo, grid, key or sections.

    --fit 1,2 --judge 3,4   seeds of either side
    --every N               only every n-th whole track (default 2; they take the most time); 0 for none
    --only A,B              these fields; the others stay as they are
    --out DIR               evidence as JSON, and the reliability plot as SVG (default: results/ in the cache folder)
"""

import argparse
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

from cratehand.analysis import calibration
from cratehand.analysis.calibration import Calibration, confidence
from tests.bench.truth import (
    ours,
    rows_doubt,
    set_arrangements,
    set_excerpts,
    set_key,
    set_key_studies,
    set_robustness,
    set_tempo,
)
from tests.bench.truth.cache_folder import cache_folder
from tests.bench.truth.processes import map_each
from tests.bench.truth.recipes import Recipe, make_all
from tests.bench.truth.reliability_plot import write_svg
from tests.bench.truth.statistics import auc, expected_calibration_error, reliability
from tests.bench.truth.truth import Item

FIELDS: Final = ("tempo", "grid", "key", "sections")
_RIDGE: Final = 0.5
"""Weight of a smooth fit, in cases: evidence that tells little gets a small weight."""
_LEAST_SPREAD: Final = 0.1
"""Evidence that hardly varies in these cases must not get a huge weight for those it has not seen."""
_EMPTY_CASES: Final = 5
"""So many answers without any evidence, all wrong, stand beside the cases: what is unlike them all is to be doubted."""
_WHOLE_TRACKS: Final = (set_tempo, set_arrangements)
_PIECES: Final = (set_key, set_key_studies, set_excerpts, set_robustness)
_CALIBRATION_FILE: Final = Path(calibration.__file__)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One answer of one field: its evidence, and whether it was right."""

    name: str
    field: str
    evidence: Mapping[str, float]
    duration_s: float
    right: bool


def recipes(seed: int, every: int) -> list[Recipe]:
    """Return what one seed is about."""
    whole = [recipe for module in _WHOLE_TRACKS for recipe in module.recipes(seed, quick=False)]
    pieces = [recipe for module in _PIECES for recipe in module.recipes(seed, quick=module is set_robustness)]
    # A third of the short pieces is some hundred of each kind.
    return (whole[::every] if every else []) + pieces[seed % 3 :: 3]


def cases_of(item: Item) -> list[Case]:
    """Analyse one file; where there is nothing to find, every answer is wrong."""
    told, evidence = ours.read_with_evidence(str(item.path))
    right = rows_doubt.answers((item.truth, told))
    if item.truth.set == "robustness":
        nothing = {"tempo": set_robustness.NO_TEMPO, "grid": set_robustness.NO_TEMPO, "key": set_robustness.NO_KEY}
        right |= {field: False for field, groups in nothing.items() if item.truth.group in groups and field in evidence}
    return [
        Case(name=item.truth.name, field=field, evidence=evidence[field], duration_s=item.truth.duration_s, right=flag)
        for field, flag in right.items()
        if evidence.get(field)
    ]


def gather(seeds: Sequence[int], every: int, console: Console) -> list[Case]:
    """Make and analyse everything of some seeds."""
    items, failed = make_all([recipe for seed in seeds for recipe in recipes(seed, every)])
    for word in failed:
        console.print(f"could not be made: {word}")
    found: list[Case] = []
    for answer in map_each(cases_of, items):
        if isinstance(answer, BaseException):
            console.print(f"could not be read: {answer!r}")
        else:
            found += answer
    return found


def fit(cases: Sequence[Case], names: Sequence[str]) -> Calibration:
    """Return the most likely logistic function without negative weights."""
    seen = np.array([[case.evidence[name] for name in names] for case in cases])
    rows = np.vstack([seen, np.zeros((_EMPTY_CASES, len(names)))])
    right = np.append(np.array([case.right for case in cases], dtype=float), np.zeros(_EMPTY_CASES))
    centre, spread = seen.mean(axis=0), np.maximum(seen.std(axis=0), _LEAST_SPREAD)
    standard = (rows - centre) / spread

    def loss(values: Floats) -> tuple[float, Floats]:
        logit = standard @ values[:-1] + values[-1]
        chance = 1.0 / (1.0 + np.exp(-logit))
        gap = chance - right
        cost = float(np.logaddexp(0.0, logit).sum() - right @ logit + 0.5 * _RIDGE * values[:-1] @ values[:-1])
        return cost, np.append(standard.T @ gap + _RIDGE * values[:-1], gap.sum())

    bounds = [(0.0, None)] * len(names) + [(None, None)]
    found = minimize(loss, np.zeros(len(names) + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = found[:-1] / spread
    bias = float(found[-1] - weights @ centre)
    return Calibration(
        {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)}, round(bias, 3)
    )


def told(cases: Sequence[Case], scale: Calibration) -> tuple[list[float], list[bool]]:
    """Return confidences and whether the answers were right."""
    values = [confidence(scale, case.evidence, duration_s=case.duration_s) for case in cases]
    return values, [case.right for case in cases]


def row(field: str, word: str, values: Sequence[float], flags: Sequence[bool]) -> tuple[str, ...]:
    """Return one row of the table."""
    error, ranked = expected_calibration_error(values, flags), auc(values, flags)
    shown = ["-" if number is None else f"{number:.3f}" for number in (error, ranked)]
    return field, word, str(len(flags)), f"{np.mean(flags):.3f}" if flags else "-", *shown


def source(name: str, scale: Calibration) -> str:
    """Return the line of a constant."""
    weights = ", ".join(f'"{part}": {weight}' for part, weight in scale.weights.items())
    return f"{name.upper()}: Final = Calibration({{{weights}}}, {scale.bias})"


def write(scales: Mapping[str, Calibration]) -> None:
    """Replace the constants in the analysis."""
    text = _CALIBRATION_FILE.read_text(encoding="utf-8")
    for field, scale in scales.items():
        text = re.sub(rf"^{field.upper()}: Final = .*$", source(field, scale), text, flags=re.MULTILINE)
    _CALIBRATION_FILE.write_text(text, encoding="utf-8")


def run(
    sides: Mapping[str, Sequence[Case]], fields: Sequence[str], console: Console, out: Path
) -> dict[str, Calibration]:
    """Fit every field that has cases, and show both sides."""
    table = Table("field", "constants", "cases", "right", "calibration error", "AUC")
    scales, plots = {}, {}
    for field in fields:
        mine = {side: [case for case in cases if case.field == field] for side, cases in sides.items()}
        if not mine["fit"]:
            continue
        now: Calibration = getattr(calibration, field.upper())
        scales[field] = fit(mine["fit"], list(now.weights))
        table.add_row(*row(field, "as they are, judged", *told(mine["judge"], now)))
        table.add_row(*row(field, "fitted, on what they saw", *told(mine["fit"], scales[field])))
        judged = told(mine["judge"], scales[field])
        table.add_row(*row(field, "fitted, judged", *judged))
        plots[field] = reliability(*judged) if judged[0] else []
        console.print(source(field, scales[field]))
    console.print(table)
    write_svg(out / "reliability.svg", plots)
    return scales


def _seeds(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def _fields(text: str) -> list[str]:
    chosen = text.split(",")
    if not set(chosen) <= set(FIELDS):
        raise argparse.ArgumentTypeError(f"of {', '.join(FIELDS)}")
    return chosen


def main() -> None:
    """Gather, fit, tell, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fit_confidence")
    parser.add_argument("--fit", type=_seeds, default=[1, 2])
    parser.add_argument("--judge", type=_seeds, default=[3, 4])
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--only", type=_fields, default=list(FIELDS))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    console = Console()
    out: Path = options.out or cache_folder() / "results"
    out.mkdir(parents=True, exist_ok=True)
    sides = {side: gather(getattr(options, side), options.every, console) for side in ("fit", "judge")}
    kept = {side: [vars(case) for case in cases] for side, cases in sides.items()}
    (out / "evidence.json").write_text(json.dumps(kept, indent=0), encoding="utf-8")
    scales = run(sides, options.only, console, out)
    if options.write:
        write(scales)
    console.print(f"evidence and reliability plot: {out}")


if __name__ == "__main__":
    main()
