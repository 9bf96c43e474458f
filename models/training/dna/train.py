"""Train the fusion of the DNA; one core, a few minutes.

python models/training/dna/train.py CACHE --out dna.pt          # on all albums but those of `halves.HELD_OUT`
python models/training/dna/train.py CACHE --folds 3             # every album held out once, nothing is kept
"""

import argparse
import os
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from evaluate import first_is_right, precision
from filters import Scale, fit_scale
from halves import HELD_OUT, Halves, load_halves, wanted
from network import DIMENSION, TAG_FLOOR, Fusion
from torch import Tensor

from cratehand.analysis.dna.features import FEATURE_GROUPS, FEATURE_NAMES, FEATURE_VERSION

SHRINKAGE: Final = 0.5
"""Of the covariance inside tracks towards a multiple of the identity: there are fewer tracks than inputs."""
STEPS: Final = 30
LEARNING_RATE: Final = 3e-5
TEMPERATURE: Final = 0.1
DROPOUT: Final = 0.3
"""Share of the inputs that are taken away in a step, from all tracks alike."""
NOISE: Final = 0.1
SEED: Final = 1
FITTED: Final = (
    "energy: parts", "energy: energy", "energy: acousticness", "energy: instrumentalness", "energy: speechiness",
    "energy: liveness",
)  # fmt: skip
"""Features that are themselves what a fitted model says: it may be fitted anew, and the DNA must not move with it."""

Floats = npt.NDArray[np.float64]


def groups() -> list[str]:
    """Return the group of each feature."""
    return [group for group, count in FEATURE_GROUPS.items() for _ in range(count)]


def closed_form(inputs: Floats) -> tuple[Floats, Floats]:
    """Return the linear map that evens out what differs inside tracks and keeps what differs between them.

    Linear discriminant analysis with a shrunk covariance (Friedman 1989), each track a class of its own.

    Args:
        inputs: ``(tracks, views, width)``.

    Returns:
        The mean, ``(width,)``, and the map, ``(width, 512)``.
    """
    tracks, views, width = inputs.shape
    inside = (inputs - inputs.mean(axis=1, keepdims=True)).reshape(-1, width)
    covariance = inside.T @ inside / (tracks * (views - 1))
    covariance = (1.0 - SHRINKAGE) * covariance + SHRINKAGE * np.eye(width) * np.trace(covariance) / width
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors / np.sqrt(values)
    mean = inputs.reshape(-1, width).mean(axis=0)
    white = (inputs.reshape(-1, width) - mean) @ whitening
    spread, axes = np.linalg.eigh(white.T @ white / len(white))
    strongest = np.argsort(-spread)[:DIMENSION]
    return mean, whitening @ axes[:, strongest]


def train(whole: Halves, altered: Halves | None, *, steps: int = STEPS) -> tuple[Fusion, Scale]:
    """Train on all given tracks.

    Args:
        whole: Tracks in halves.
        altered: The same tracks altered, those that there are.
        steps: Of the contrastive training; 0 keeps the map in closed form.
    """
    torch.manual_seed(SEED)
    fitted = [FEATURE_NAMES.index(name) for name in FITTED]
    scale = fit_scale(whole.features.reshape(-1, whole.features.shape[2]), groups(), left_out=fitted)
    heard = np.concatenate([whole.embedding, np.log(whole.tags + TAG_FLOOR)], axis=2).reshape(-1, 250)
    fusion = Fusion(scale, heard.mean(axis=0), heard.std(axis=0))
    inputs = torch.stack([_inputs(fusion, whole, half) for half in (0, 1)], 1)
    rows = {digest: row for row, digest in enumerate(whole.digests)}
    views = _with_altered(fusion, inputs, altered, rows)
    mean, linear = closed_form(views.numpy().astype(np.float64))
    # So that the network beside it starts at its scale.
    linear /= np.sqrt((((inputs.numpy().reshape(-1, inputs.shape[2]) - mean) @ linear) ** 2).mean())
    with torch.no_grad():
        fusion.linear.weight.copy_(torch.as_tensor(linear.T, dtype=torch.float32))
        fusion.linear.bias.copy_(torch.as_tensor(-mean @ linear, dtype=torch.float32))
    _contrast(fusion, views, torch.as_tensor(wanted(whole, views.shape[1]), dtype=torch.float32), steps)
    return fusion.eval(), scale


def vectors(fusion: Fusion, halves: Halves) -> Floats:
    """Return the DNA of both halves, ``(tracks, 2, 512)``."""
    with torch.no_grad():
        joined = torch.stack([fusion.join(_inputs(fusion, halves, half)) for half in (0, 1)], 1)
    return np.asarray(joined.numpy(), dtype=np.float64)


def _inputs(fusion: Fusion, halves: Halves, half: int) -> Tensor:
    told = (halves.features, halves.embedding, halves.tags)
    with torch.no_grad():
        return fusion.inputs(*(torch.as_tensor(each[:, half], dtype=torch.float32) for each in told))


def _with_altered(fusion: Fusion, inputs: Tensor, altered: Halves | None, rows: dict[str, int]) -> Tensor:
    """Return four views of each track, ``(tracks, 4, width)``; where it was not altered, the halves stand twice."""
    doubled = torch.cat([inputs, inputs], 1)
    if altered is not None:
        known = np.array([digest in rows for digest in altered.digests], dtype=np.bool_)
        chosen = altered.of(known)
        places = torch.as_tensor([rows[digest] for digest in chosen.digests])
        for half in (0, 1):
            doubled[places, 2 + half] = _inputs(fusion, chosen, half)
    return doubled


def _contrast(fusion: Fusion, views: Tensor, shares: Tensor, steps: int) -> None:
    """Pull each view towards those that `wanted` names, away from all others (InfoNCE with soft targets)."""
    tracks, count, width = views.shape
    rows = views.reshape(tracks * count, width)
    own = torch.eye(len(rows), dtype=torch.bool)
    scale = float(fusion.linear.weight.detach().pow(2).mean().sqrt())
    small = [*fusion.first.parameters(), *fusion.second.parameters()]
    optimiser = torch.optim.Adam(
        [
            {"params": fusion.linear.parameters(), "lr": LEARNING_RATE * scale},
            {"params": small, "lr": LEARNING_RATE, "weight_decay": 1e-4},
        ]
    )
    for step in range(steps):
        seen = rows * (torch.rand(width) > DROPOUT) / (1.0 - DROPOUT) + NOISE * torch.randn_like(rows)
        joined = fusion.join(seen)
        logits = (joined @ joined.T / TEMPERATURE).masked_fill(own, -1e4)
        loss = -(shares * torch.log_softmax(logits, 1)).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 20 == 0 or step == steps - 1:
            print(f"step {step}: {float(loss):.4f}", flush=True)


def report(name: str, one: Floats, halves: Halves) -> str:
    """Return a row of the table: rank 1 of the other half, precision of artist and playlist."""
    right = 100.0 * first_is_right(one[:, 0], one[:, 1]).mean()
    tracks = one.mean(axis=1)
    artist, by_luck = precision(tracks, halves.artists)
    playlist, chance = precision(tracks, halves.playlists)
    return (
        f"| {name} | {right:.1f} | {100.0 * artist:.1f} ({100.0 * by_luck:.1f}) | "
        f"{100.0 * playlist:.1f} ({100.0 * chance:.1f}) |"
    )


def fold(whole: Halves, altered: Halves | None, outside: npt.NDArray[np.bool_], steps: int) -> Floats:
    """Train without some albums and return the DNA of their tracks."""
    fusion, _ = train(whole.of(~outside), altered, steps=steps)
    return vectors(fusion, whole.of(outside))


def cross_validate(whole: Halves, altered: Halves | None, *, folds: int, steps: int) -> None:
    """Hold every album out once and print what the others learnt about it."""
    albums, counts = np.unique(whole.albums, return_counts=True)
    ordered = albums[np.argsort(-counts, kind="stable")]
    for number in range(folds):
        outside = np.isin(whole.albums, ordered[number::folds])
        inside = whole.of(outside)
        print(f"fold {number + 1}: {outside.sum()} tracks, trained on {(~outside).sum()}")
        for name, how in (("DNA", steps), ("closed form only", 0)):
            print(report(name, fold(whole, altered, outside, how), inside))
        print(report("MusiCNN", inside.embedding, inside))
        print(report("DSP", inside.dsp, inside))


def main() -> None:
    """Train, or cross-validate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--folds", type=int)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    whole = load_halves(options.cache)
    altered = load_halves(options.cache, "altered") if any(options.cache.glob("*.altered.npz")) else None
    if options.folds:
        cross_validate(whole, altered, folds=options.folds, steps=options.steps)
    if options.out:
        outside = np.isin(whole.albums, HELD_OUT)
        fusion, scale = train(whole.of(~outside), altered, steps=options.steps)
        print(f"{(~outside).sum()} tracks; of {whole.features.shape[2]} features {scale.varying} vary, "
              f"{scale.kept.size} stay")  # fmt: skip
        held = whole.of(outside)
        print(report(f"DNA, {outside.sum()} held-out tracks", vectors(fusion, held), held))
        torch.save({"state": fusion.state_dict(), "version": FEATURE_VERSION, "scale": vars_of(scale)}, options.out)


def vars_of(scale: Scale) -> dict[str, Floats | npt.NDArray[np.intp] | int]:
    """Return the scale as plain arrays."""
    return {"kept": scale.kept, "mean": scale.mean, "spread": scale.spread, "weight": scale.weight,
            "varying": scale.varying}  # fmt: skip


if __name__ == "__main__":
    main()
