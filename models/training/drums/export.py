"""Write the trained drum network as the two ONNX files that the package carries, and prove that they say the same.

CRATEHAND_BENCH_DATA=DATA python models/training/drums/export.py drums.pt
"""

import argparse
import json
import os
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
import torch
from groove import Groove, density_of, load_grooves
from network import CONTEXT, GIVEN, HIDDEN, Decoder, DrumNetwork, Where
from torch import Tensor, nn
from train import held_out, tensors
from windows import cut

from cratehand_models.drum_decoder import DECODER_FILE, ENCODER_FILE, META_KEY, WEIGHTS, DrumLuck
from cratehand_models.drum_inputs import METRES

VERSION: Final = "1"
INPUTS: Final = {
    "before": 27,
    "ago": 56,
    "context": CONTEXT,
    "place": 4,
    "scalars": 5,
    "state": HIDDEN,
    "known": 9,
    "given": 9,
    "luck": 9,
}
"""Of the decoder, with the width of each; then the temperature."""
_HOW: Final = {"dynamo": True, "opset_version": 18, "external_data": False}
MOST_RELATIVE_ERROR: Final = 1e-4
_QUANTILES: Final = 11


class OneStep(nn.Module):
    """The decoder, one step at a time; hits are drawn inside by the luck that is handed in."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, *told: Tensor) -> tuple[Tensor, ...]:
        """Return the hits drawn, the logits of hits, velocities and offsets, and the next state; see `INPUTS`."""
        before, ago, context, place, scalars, state, known, given, luck, temperature = told
        decoder = self.decoder
        where = Where(place[:, 0], place[:, 1], place[:, 2], place[:, 3], scalars)
        inputs = decoder.inputs(before, ago, context, where)
        gru = decoder.gru
        of_input = nn.functional.linear(inputs, gru.weight_ih_l0, gru.bias_ih_l0)
        of_state = nn.functional.linear(state, gru.weight_hh_l0, gru.bias_hh_l0)
        reset_in, update_in, new_in = of_input.chunk(3, -1)
        reset_state, update_state, new_state = of_state.chunk(3, -1)
        update = torch.sigmoid(update_in + update_state)
        new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_state) * new_state)
        state = (1 - update) * new + update * state
        known_of_step = torch.cat([state, inputs], -1)
        seen, hits, logits = decoder.hits_in(known_of_step), [], []
        for voice in range(len(decoder.hits_bias)):
            logit = (torch.relu(seen) * decoder.hits_out[voice]).sum(-1) + decoder.hits_bias[voice]
            drawn = (torch.sigmoid(logit / temperature) > luck[:, voice]).float()
            hit = known[:, voice] * given[:, voice] + (1 - known[:, voice]) * drawn
            seen = seen + hit.unsqueeze(-1) * decoder.hits_seen[voice]
            hits.append(hit)
            logits.append(logit)
        played = torch.stack(hits, -1)
        return played, torch.stack(logits, -1), *decoder.feel_logits(known_of_step, played), state


def write_files(network: DrumNetwork, folder: Path, meta: dict[str, object]) -> None:
    """Write both graphs; the batch is free in both, the steps in the encoder."""
    folder.mkdir(parents=True, exist_ok=True)
    batch, steps = torch.export.Dim("batch"), torch.export.Dim("steps")
    encoder = torch.onnx.export(
        network.encoder.eval(),
        (torch.zeros(2, 32, GIVEN),),
        input_names=["given"],
        output_names=["context"],
        dynamic_shapes=({0: batch, 1: steps},),
        **_HOW,
    )
    examples = [torch.zeros(2, width, dtype=torch.int64 if name == "place" else None) for name, width in INPUTS.items()]
    decoder = torch.onnx.export(
        OneStep(network.decoder).eval(),
        (*examples, torch.ones(())),
        input_names=[*INPUTS, "temperature"],
        output_names=["hits", "hit_logits", "velocity_logits", "offset_logits", "next_state"],
        dynamic_shapes=((*[{0: batch}] * len(INPUTS), {}),),
        **_HOW,
    )
    for program, name in ((encoder, ENCODER_FILE), (decoder, DECODER_FILE)):
        assert program is not None
        _save(program.model_proto, folder / name, meta)


def _save(model: onnx.ModelProto, path: Path, meta: dict[str, object]) -> None:
    model.producer_name, model.doc_string = "cratehand", ""
    del model.metadata_props[:]
    model.metadata_props.add(key=META_KEY, value=json.dumps(meta, sort_keys=True))
    graph = model.graph
    for part in [*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer]:
        # Where each operation stood in our sources is nobody's business at run time.
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        part.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, path)


def meta_of(styles: list[str], grooves: list[Groove]) -> dict[str, object]:
    """Return what the runner has to know beside the weights; from the training split alone."""
    train = [groove for groove in grooves if groove.split == "train"]
    windows = [cut(groove, bar, 2, styles).grid for groove in train for bar in range(0, groove.pattern.bars, 2)]
    densities = np.quantile(
        [density_of(grid) for grid in windows if grid.hits.any()], np.linspace(0.02, 0.98, _QUANTILES)
    )
    beats = [groove for groove in train if not groove.is_fill] or train
    return {
        "name": f"drums-{VERSION}",
        "styles": styles,
        "metres": list(METRES),
        "hits_per_step": [round(float(value), 4) for value in densities],
        "tempo_bpm": {
            style: float(np.median([g.pattern.tempo_bpm for g in beats if g.style == style] or [110.0])).__round__()
            for style in styles
        },
        "shared_timing": shared_timing(train),
    }


def shared_timing(grooves: list[Groove]) -> float:
    """Return how much hits of one step are late together: correlation of their offsets about each voice's mean."""
    first, second = [], []
    for groove in grooves:
        grid = groove.grid
        mean = (grid.offsets * grid.hits).sum(0) / np.maximum(grid.hits.sum(0), 1)
        apart = (grid.offsets - mean) * grid.hits
        for step in np.flatnonzero(grid.hits.sum(1) == 2):
            a, b = np.flatnonzero(grid.hits[step])
            first.append(apart[step, a])
            second.append(apart[step, b])
    return round(float(np.corrcoef(first, second)[0, 1]), 3)


def check(network: DrumNetwork, folder: Path, grooves: list[Groove], styles: list[str]) -> float:
    """Return the largest relative error of ONNX against PyTorch over held-out windows; raise where it is too large."""
    from cratehand_models.drum_decoder import DrumDecoder, DrumScore

    held = [item for item in held_out(grooves[:8], styles, "vary") if item.steps == 32][:16]
    batch = tensors(held, len(styles))
    place = batch["place"]
    where = Where(place[..., 0], place[..., 1], place[..., 2], place[..., 3], batch["scalars"])
    with torch.no_grad():
        wanted = network.eval()(batch["rows"], batch["ago"], batch["given"], where)
    arrays = {name: tensor.numpy() for name, tensor in batch.items()}
    cells = np.ones_like(arrays["rows"][..., :9])
    score = DrumScore(
        given=arrays["given"], place=arrays["place"], scalars=arrays["scalars"], per_bar=16,
        known=cells, felt=cells, hits=arrays["rows"][..., :9], velocities=arrays["rows"][..., 9:18],
        offsets=arrays["rows"][..., 18:] / 2,
    )  # fmt: skip
    found = DrumDecoder.load(folder).write(score, DrumLuck.none(cells.shape))
    worst = 0.0
    for ours, theirs in zip((found.hit_logits, found.velocity_logits, found.offset_logits), wanted, strict=True):
        worst = max(worst, float(np.abs(ours - theirs.numpy()).max() / np.abs(theirs.numpy()).max()))
    if worst > MOST_RELATIVE_ERROR:
        raise SystemExit(f"ONNX and PyTorch differ by {worst:.1e}")
    return worst


def main() -> None:
    """Export and check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--cache", type=Path, default=None)
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept = torch.load(options.weights, weights_only=True)
    grooves = load_grooves(Path(os.environ["CRATEHAND_BENCH_DATA"]), cache=options.cache)
    network = DrumNetwork(len(kept["styles"]))
    network.load_state_dict(kept["weights"])
    write_files(network, options.out, meta_of(kept["styles"], grooves))
    worst = check(network, options.out, [g for g in grooves if g.split == "validation"], kept["styles"])
    sizes = {path.name: path.stat().st_size for path in sorted(options.out.glob("*.onnx"))}
    print(f"relative error {worst:.1e}, {sizes}, onnxruntime {onnxruntime.__version__}, epoch {kept['epoch']}")


if __name__ == "__main__":
    main()
