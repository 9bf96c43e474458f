"""Turns a PyTorch checkpoint of htdemucs into the ONNX graph that `cratehand_models.demucs` runs.

    python models/export/htdemucs.py htdemucs.onnx                 # the official weights, fetched by demucs itself
    python models/export/htdemucs.py small.onnx --random --small   # random weights, to try the export itself

Needs the extra `export`. The transform to the spectrum and back stays outside the graph: it takes the mix
``[1, 2, frames]`` and its spectrum ``[1, 4, 2048, hops]``; it gives the spectra of the stems and what the time branch
adds, all under the names that `cratehand_models.demucs` and the manifest know. The dynamo exporter is used; PyTorch's
assertion on data in ``pad1d`` is never met, since no transform is left inside. Ends by running both on noise and
printing the largest relative difference.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from demucs.htdemucs import HTDemucs
from torch import Tensor, nn

from cratehand_models.demucs import INPUTS, OUTPUTS

STEMS = ("drums", "bass", "other", "vocals")
SEGMENT_S = 7.8


class Core(nn.Module):
    """The network alone: its transforms are replaced by what is handed in and taken out."""

    def __init__(self, network: HTDemucs) -> None:
        super().__init__()
        self.network = network
        self._spectra: Tensor | None = None
        self._spectrum: Tensor | None = None
        network._spec = lambda _mix: self._spectrum
        network._magnitude = lambda spectrum: spectrum
        network._mask = lambda _spectrum, spectra: spectra
        network._ispec = self._keep

    def forward(self, mix: Tensor, spectrum: Tensor) -> tuple[Tensor, Tensor]:
        self._spectrum = spectrum
        wave = self.network(mix)
        assert self._spectra is not None
        return self._spectra, wave

    def _keep(self, spectra: Tensor, length: int) -> Tensor:
        self._spectra = spectra
        return torch.zeros(1, len(STEMS), 2, length)


def load(*, random: bool, small: bool) -> HTDemucs:
    """Return the network, ready to run."""
    if random:
        torch.manual_seed(0)
        size: dict[str, Any] = (
            {"channels": 8, "t_layers": 1, "bottom_channels": 0} if small else {"bottom_channels": 512}
        )
        return HTDemucs(sources=list(STEMS), segment=SEGMENT_S, **size).eval()
    from demucs.pretrained import get_model

    bag = get_model("htdemucs")
    return bag.models[0].eval()


def export(core: Core, out: Path, inputs: tuple[Tensor, Tensor]) -> None:
    """Write the graph."""
    torch.backends.mha.set_fastpath_enabled(False)
    torch.onnx.export(
        core,
        inputs,
        str(out),
        dynamo=True,
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        opset_version=18,
        external_data=False,
    )


def parity(core: Core, out: Path, inputs: tuple[Tensor, Tensor]) -> float:
    """Return the largest difference between PyTorch and ONNX Runtime, relative to the largest value."""
    import onnxruntime

    with torch.no_grad():
        expected = [each.numpy() for each in core(*inputs)]
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    found = session.run(None, {name: given.numpy() for name, given in zip(INPUTS, inputs, strict=True)})
    pairs = zip(expected, found, strict=True)
    return max(float(np.abs(first - second).max() / np.abs(first).max()) for first, second in pairs)


def main() -> int:
    """Export."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--random", action="store_true", help="random weights instead of the official ones")
    parser.add_argument("--small", action="store_true", help="with --random: a network of a few channels")
    chosen = parser.parse_args()
    network = load(random=chosen.random, small=chosen.small)
    frames = int(network.segment * network.samplerate)
    generator = torch.Generator().manual_seed(1)
    inputs = (
        torch.rand(1, 2, frames, generator=generator) * 2 - 1,
        torch.randn(1, 4, 2048, -(-frames // 1024), generator=generator),
    )
    core = Core(network).eval()
    with torch.no_grad():
        export(core, chosen.out, inputs)
    print(f"{chosen.out}: {chosen.out.stat().st_size:,} bytes")
    print(f"largest relative difference to PyTorch: {parity(core, chosen.out, inputs):.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
