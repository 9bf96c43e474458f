"""Makes MusiCNN's ONNX anew from the checkpoint in the PyPI package ``musicnn`` 0.1.0 (ISC), without TensorFlow.

    pip download --no-deps musicnn==0.1.0
    python models/export/musicnn.py musicnn-0.1.0-py3-none-any.whl models/cratehand_models/weights/musicnn.onnx

Needs the extra `export` (only `onnx` of it). The architecture is `musicnn.models.build_musicnn` of the package for
``MSD_musicnn``: ``[N, 187, 96]`` log-mel in; 50 tag probabilities and the 200 values of the penultimate layer before
its activation out. With ``--compare OTHER.onnx`` it runs both on noise and prints the largest difference.
"""

import argparse
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = "musicnn/MSD_musicnn/"
HOPS, BANDS, TAGS, UNITS = 187, 96, 50, 200
EPSILON = 1e-3
"""Of ``tf.layers.batch_normalization``."""

Weights = dict[str, np.ndarray[Any, Any]]


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read one base-128 number; return it and where the next byte is."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def block_entries(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of one block of a LevelDB table; keys are written as what differs from the one before."""
    if data[offset + size] != 0:
        raise ValueError("the block is compressed, which TensorFlow's own checkpoints never are")
    restarts = int.from_bytes(data[offset + size - 4 : offset + size], "little")
    end, at, key = offset + size - 4 * (restarts + 1), offset, b""
    while at < end:
        shared, at = varint(data, at)
        unshared, at = varint(data, at)
        length, at = varint(data, at)
        key = key[:shared] + data[at : at + unshared]
        at += unshared
        yield key, data[at : at + length]
        at += length


def message_fields(data: bytes) -> dict[int, Any]:
    """Read a Protocol Buffers message: field number → last value."""
    found: dict[int, Any] = {}
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            found[number], at = varint(data, at)
        elif kind == 2:
            length, at = varint(data, at)
            found.setdefault(-number, []).append(data[at : at + length])
            found[number] = data[at : at + length]
            at += length
        else:
            at += {1: 8, 5: 4}[kind]
    return found


def read_checkpoint(index: bytes, data: bytes) -> Weights:
    """Read a TensorFlow checkpoint of one shard (``tensorflow/core/protobuf/tensor_bundle.proto``), floats only."""
    at = len(index) - 48
    _, at = varint(index, at)
    _, at = varint(index, at)
    offset, at = varint(index, at)
    size, at = varint(index, at)
    weights: Weights = {}
    for _, handle in block_entries(index, offset, size):
        start, after = varint(handle, 0)
        length, _ = varint(handle, after)
        for key, value in block_entries(index, start, length):
            entry = message_fields(value)
            if not key or entry.get(1) != 1:  # the header, and what is no float32
                continue
            dims = [message_fields(dim).get(1, 0) for dim in message_fields(entry.get(2, b"")).get(-2, [])]
            place = entry.get(4, 0)
            weights[key.decode()] = np.frombuffer(data[place : place + entry[5]], "<f4").reshape(dims)
    return weights


class Graph:
    """Collects nodes and constants."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def norm(self, source: str, layer: str, *, out: str | None = None) -> str:
        parts = [
            self.constant(f"{layer}/{part}", self.weights[f"{layer}/{part}"].astype(np.float32))
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        ]
        return self.add("BatchNormalization", [source, *parts], out or f"{layer}/out", epsilon=EPSILON)

    def conv(self, source: str, layer: str, norm: str, *, pads: tuple[int, int]) -> str:
        """Convolution (time padded by `pads`), activation, normalisation."""
        kernel = self.constant(f"{layer}/kernel", self.weights[f"{layer}/kernel"].transpose(3, 2, 0, 1).copy())
        bias = self.constant(f"{layer}/bias", self.weights[f"{layer}/bias"])
        before, after = pads
        convolved = self.add("Conv", [source, kernel, bias], f"{layer}/conv", pads=[before, 0, after, 0])
        return self.norm(self.add("Relu", [convolved], f"{layer}/relu"), norm)

    def dense(self, source: str, layer: str, name: str) -> str:
        kernel = self.constant(f"{layer}/kernel", self.weights[f"{layer}/kernel"])
        bias = self.constant(f"{layer}/bias", self.weights[f"{layer}/bias"])
        return self.add("Gemm", [source, kernel, bias], name)


def layer(kind: str, number: int) -> str:
    """Return TensorFlow's name of a layer: ``conv2d``, ``conv2d_1`` ..."""
    return f"{kind}_{number}" if number else kind


def build(weights: Weights) -> onnx.ModelProto:
    """Build the graph."""
    graph = Graph(weights)
    channel_axis = graph.constant("axis/channel", np.array([1], dtype=np.int64))
    band_axis = graph.constant("axis/band", np.array([3], dtype=np.int64))
    hop_axis = graph.constant("axis/hop", np.array([1], dtype=np.int64))
    image = graph.norm(graph.add("Unsqueeze", ["mel", channel_axis], "image"), "batch_normalization")
    front = []
    for number, pads in enumerate([(3, 3), (3, 3), (63, 64), (31, 32), (15, 16)]):
        found = graph.conv(image, layer("conv2d", number), layer("batch_normalization", number + 1), pads=pads)
        pooled = graph.add("ReduceMax", [found, band_axis], f"front/{number}/max", keepdims=0)
        front.append(graph.add("Transpose", [pooled], f"front/{number}", perm=[0, 2, 1]))
    # (N, 187, features): one band per feature, as the layers behind see it.
    features = [graph.add("Concat", front, "front", axis=2)]
    for number in (5, 6, 7):
        source = graph.add("Unsqueeze", [features[-1], channel_axis], f"middle/{number}/image")
        found = graph.conv(source, layer("conv2d", number), layer("batch_normalization", number + 1), pads=(3, 3))
        squeezed = graph.add("Squeeze", [found, band_axis], f"middle/{number}/squeezed")
        out = graph.add("Transpose", [squeezed], f"middle/{number}/out", perm=[0, 2, 1])
        features.append(out if number == 5 else graph.add("Add", [out, features[-1]], f"middle/{number}/sum"))
    joined = graph.add("Concat", features, "middle", axis=2)
    highest = graph.add("ReduceMax", [joined, hop_axis], "highest", keepdims=0)
    mean = graph.add("ReduceMean", [joined, hop_axis], "mean", keepdims=0)
    # TensorFlow joins both behind an axis of length 1 and flattens: maximum and mean of a feature stand side by side.
    pair_axis = graph.constant("axis/pair", np.array([2], dtype=np.int64))
    pairs = [graph.add("Unsqueeze", [each, pair_axis], f"{each}/pair") for each in (highest, mean)]
    flat = graph.add("Flatten", [graph.add("Concat", pairs, "pooled", axis=2)], "flat")
    dense = graph.dense(graph.norm(flat, "batch_normalization_9"), "dense", "embedding")
    active = graph.norm(graph.add("Relu", [dense], "dense/relu"), "batch_normalization_10")
    graph.add("Sigmoid", [graph.dense(active, "dense_1", "logits")], "tags")
    return finished(graph)


def finished(graph: Graph) -> onnx.ModelProto:
    """Wrap the nodes up as a model and check it."""
    made = helper.make_graph(
        graph.nodes,
        "MSD_musicnn",
        [helper.make_tensor_value_info("mel", TensorProto.FLOAT, ["patches", HOPS, BANDS])],
        [
            helper.make_tensor_value_info("tags", TensorProto.FLOAT, ["patches", TAGS]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["patches", UNITS]),
        ],
        graph.constants,
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 18)], producer_name="cratehand", ir_version=9
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def compare(made: Path, other: Path) -> float:
    """Return the largest difference of tags and embeddings of two graphs on noise."""
    import onnxruntime

    patches = np.random.default_rng(0).uniform(0.0, 3.0, (4, HOPS, BANDS)).astype(np.float32)
    answers = []
    for path in (made, other):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        answers.append(session.run(None, {session.get_inputs()[0].name: patches}))
    return max(float(np.abs(first - second).max()) for first, second in zip(*answers, strict=True))


def main() -> int:
    """Convert."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--compare", type=Path)
    chosen = parser.parse_args()
    with zipfile.ZipFile(chosen.package) as package:
        weights = read_checkpoint(package.read(f"{FOLDER}.index"), package.read(f"{FOLDER}.data-00000-of-00001"))
    onnx.save(build(weights), chosen.out)
    print(f"{chosen.out}: {chosen.out.stat().st_size:,} bytes")
    if chosen.compare:
        print(f"largest difference to {chosen.compare.name}: {compare(chosen.out, chosen.compare):.2e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
