"""Train the drum network on the Groove MIDI Dataset; one core, 15 to 25 minutes.

CRATEHAND_BENCH_DATA=DATA python models/training/drums/train.py --out drums.pt
"""

import argparse
import copy
import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from groove import Groove, load_grooves
from network import DrumNetwork, Where
from torch import Tensor
from torch.nn import functional
from windows import WINDOW_BARS, Example, Piece, cut, draw_task, example, joined

BATCH: Final = 32
LEARNING_RATE: Final = 2e-3
EMA: Final = 0.995
"""Of the running mean of the weights, which is what is kept."""
FEEL_WEIGHT: Final = 0.5
"""Of the mean cost of a hit's velocity and offset, next to that of a step's hits."""


def batches_of_epoch(grooves: Sequence[Groove], styles: Sequence[str], rng: np.random.Generator) -> list[list[Example]]:
    """Return one random walk through all performances."""
    pieces: list[Piece] = []
    beats = [groove for groove in grooves if not groove.is_fill]
    for groove in grooves:
        start = int(rng.integers(0, WINDOW_BARS))
        for first in [*([0] if start else []), *range(start, groove.pattern.bars, WINDOW_BARS)]:
            piece = cut(groove, first, WINDOW_BARS if first else (start or WINDOW_BARS), styles)
            if groove.is_fill and rng.random() < 0.5:
                piece = _after_a_beat(piece, groove, beats, styles, rng)
            pieces.append(piece)
    examples = [example(piece, draw_task(rng), rng) for piece in pieces if len(piece.grid.hits)]
    examples.sort(key=lambda item: (item.steps, rng.random()))
    batches = [examples[start : start + BATCH] for start in range(0, len(examples), BATCH)]
    rng.shuffle(batches)
    return batches


def _after_a_beat(
    piece: Piece, groove: Groove, beats: Sequence[Groove], styles: Sequence[str], rng: np.random.Generator
) -> Piece:
    same = [b for b in beats if b.style == groove.style and b.pattern.metre == groove.pattern.metre]
    near = [b for b in same if abs(b.pattern.tempo_bpm / groove.pattern.tempo_bpm - 1) < 0.15]
    if not near:
        return piece
    beat = near[int(rng.integers(len(near)))]
    first = int(rng.integers(0, beat.pattern.bars))
    return joined(cut(beat, first, int(rng.integers(1, 4)), styles), piece)


def tensors(batch: Sequence[Example], styles: int) -> dict[str, Tensor]:
    """Return a batch as tensors, shorter ones filled up with steps that do not count."""
    steps = max(item.steps for item in batch)
    padded = {
        name: torch.from_numpy(
            np.stack(
                [
                    np.pad(getattr(item, name), [(0, steps - item.steps)] + [(0, 0)] * (getattr(item, name).ndim - 1))
                    for item in batch
                ]
            )
        )
        for name in ("rows", "ago", "given", "place", "scalars", "hits_asked", "velocity", "offset")
    }
    padded["place"][..., 3][padded["place"][..., 3] < 0] = styles
    counted = torch.arange(steps)[None, :] < torch.tensor([item.steps for item in batch])[:, None]
    return {**padded, "counted": counted.float()}


def costs(network: DrumNetwork, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the negative log-likelihood of hits a step, of velocity and of offset a hit, in nats."""
    place = batch["place"]
    where = Where(place[..., 0], place[..., 1], place[..., 2], place[..., 3], batch["scalars"])
    hit_logits, velocity_logits, offset_logits = network(batch["rows"], batch["ago"], batch["given"], where)
    hits = batch["rows"][..., :9]
    cells = functional.binary_cross_entropy_with_logits(hit_logits, hits, reduction="none")
    asked = batch["hits_asked"] * batch["counted"].unsqueeze(-1)
    steps = (asked.amax(-1)).sum().clamp(min=1)
    played = (hits * batch["counted"].unsqueeze(-1)) > 0
    velocity = functional.cross_entropy(velocity_logits[played], batch["velocity"][played])
    offset = functional.cross_entropy(offset_logits[played], batch["offset"][played])
    return (cells * asked).sum() / steps, velocity, offset


def validate(network: DrumNetwork, examples: Sequence[Example]) -> dict[str, float]:
    """Return the mean costs on held-out windows."""
    network.eval()
    with torch.no_grad():
        found = []
        for start in range(0, len(examples), 64):
            batch = examples[start : start + 64]
            weight = sum(item.steps for item in batch)
            found.append([weight, *[weight * float(cost) for cost in costs(network, tensors(batch, network.styles))]])
    network.train()
    total = np.sum(found, axis=0)
    return dict(zip(("hits", "velocity", "offset"), (total[1:] / total[0]).round(4).tolist(), strict=True))


def held_out(grooves: Sequence[Groove], styles: Sequence[str], task: str) -> list[Example]:
    """Return windows of two bars of held-out performances, without density and swing told."""
    rng = np.random.default_rng(7)
    windows = [cut(groove, first, 2, styles) for groove in grooves for first in range(0, groove.pattern.bars, 2)]
    return [example(window, task, rng, conditions=False) for window in windows]


def main() -> None:
    """Train, and keep the weights that foretold the validation split best."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--minutes", type=float, default=240, help="end by then, with the rate brought down in time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=None, help="keeps what was read of the data for the next time")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    grooves = load_grooves(Path(os.environ["CRATEHAND_BENCH_DATA"]), cache=options.cache)
    train(grooves, options)


def train(grooves: Sequence[Groove], options: argparse.Namespace) -> None:
    """Run through the training split until the time is over."""
    rng = np.random.default_rng(options.seed)
    styles = sorted({groove.style for groove in grooves})
    split = {name: [groove for groove in grooves if groove.split == name] for name in ("train", "validation")}
    checks = {task: held_out(split["validation"], styles, task) for task in ("free", "tap", "humanise")}
    network = DrumNetwork(len(styles))
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.02)
    began, best, epoch, share, done = time.monotonic(), float("inf"), 0, 0.0, 0
    while share < 1:
        batches = batches_of_epoch(split["train"], styles, rng)
        for place, batch in enumerate(batches):
            wall = (time.monotonic() - began) / 60 / options.minutes
            share = min(max((epoch + (place + 1) / len(batches)) / options.epochs, wall), 1.0)
            rate = LEARNING_RATE * min(1.0, done / 100) * (0.5 + 0.5 * math.cos(math.pi * share))
            optimiser.param_groups[0]["lr"] = max(rate, 1e-5)
            _learn(network, optimiser, tensors(batch, network.styles))
            done += 1
            _follow(average, network, share=1 - min(EMA, (1 + done) / (10 + done)))
        epoch += 1
        if epoch % 2 and share < 1:
            continue
        found = {task: validate(average, examples) for task, examples in checks.items()}
        humanised = found["humanise"]
        score = found["free"]["hits"] + found["tap"]["hits"] + humanised["velocity"] + humanised["offset"]
        if score < best:
            best = score
            torch.save({"weights": average.state_dict(), "styles": styles, "epoch": epoch, "found": found}, options.out)
        print(epoch, round(share, 3), round(score, 4), json.dumps(found), flush=True)


def _learn(network: DrumNetwork, optimiser: torch.optim.Optimizer, batch: dict[str, Tensor]) -> None:
    hits, velocity, offset = costs(network, batch)
    optimiser.zero_grad()
    (hits + FEEL_WEIGHT * (velocity + offset)).backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()


def _follow(average: DrumNetwork, network: DrumNetwork, *, share: float) -> None:
    with torch.no_grad():
        for mean, now in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, share)


if __name__ == "__main__":
    main()
