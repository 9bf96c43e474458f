"""Makes the two ONNX graphs of LAION's CLAP for music that `cratehand_models.clap` runs: one hears, one reads.

    python models/export/clap.py music_audioset_epoch_15_esc_90.14.pt roberta-base "<data folder>/models/clap-1"
    python models/export/clap.py --random /tmp/clap-1        # random weights, to try the export itself

Needs the extra `export`. The first is the authors' checkpoint (LAION-AI/CLAP: Wu et al. 2023), or a folder in the form
of `transformers` (``config.json`` and weights); the second a folder with RoBERTa's ``tokenizer.json``, or with
``vocab.json`` and ``merges.txt``. Written are ``clap-audio.onnx``, ``clap-text.onnx``, ``tokenizer.json``, and
``made.json``, which says their digests: a checkpoint is exported anew by everybody, so only its own digest is known.

The dynamo exporter is used: the older one writes the audio tower without an error and with wrong numbers. Ends by
running both towers on noise in PyTorch and ONNX Runtime; a difference of more than 1e-4 is an error and leaves nothing
behind. So does a text tower for which all texts are the same, as in the conversion ``laion/larger_clap_music``.
"""

import argparse
import hashlib
import json
import pickle
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

AUDIO, TEXT, TOKENIZER, MADE = "clap-audio.onnx", "clap-text.onnx", "tokenizer.json", "made.json"
CHECKPOINT_SHA256 = "fae3e9c087f2909c28a09dc31c8dfcdacbc42ba44c70e972b58c1bd1caf6dedd"
"""Of music_audioset_epoch_15_esc_90.14.pt, 2,352,471,003 bytes."""
WIDTH, HOPS, BANDS = 512, 1001, 64
MOST_RELATIVE_ERROR = 1e-4
SAME = 0.98
"""Two texts as unlike as `UNLIKE` whose cosine is above this are not told apart."""
UNLIKE = ("a dog barks", "solo piano, slow and sad", "drum and bass", "a woman speaks", "death metal", "silence")

RENAMED = (
    ("text_branch.", "text_model."),
    ("audio_branch.", "audio_model.audio_encoder."),
    (".attn.proj.", ".attention.output.dense."),
    (".attn.", ".attention.self."),
    (".mlp.fc1.", ".intermediate.dense."),
    (".mlp.fc2.", ".output.dense."),
    (".norm1.", ".layernorm_before."),
    (".norm2.", ".layernorm_after."),
    (".bn0.", ".batch_norm."),
    ("_projection.0.", "_projection.linear1."),
    ("_projection.2.", "_projection.linear2."),
)
"""What LAION calls a part, and what `transformers` does, for names that hold it; in this order."""
UNUSED = re.compile(
    r"(text|audio)_transform\.|.*(spectrogram_extractor|logmel_extractor|tscam_conv|\.attn_mask$|position_ids$)"
    r"|audio_branch\.head\."
)
"""Of the training, or made by the network itself; the sound is turned into its spectrum outside."""


def renamed(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return LAION's tensors under the names of `transformers`, query, key and value apart.

    Args:
        state: Name to tensor (anything that has a shape and can be cut), with or without ``module.`` in front.
    """
    found: dict[str, Any] = {}
    for given, tensor in state.items():
        name = _renamed(given.removeprefix("module."))
        if name is None:
            continue
        if ".attention.self.qkv." not in name:
            found[name] = tensor
            continue
        third = tensor.shape[0] // 3
        for number, part in enumerate(("query", "key", "value")):
            found[name.replace("qkv", part)] = tensor[number * third : (number + 1) * third]
    return found


def _renamed(name: str) -> str | None:
    if UNUSED.match(name):
        return None
    for theirs, ours in RENAMED:
        name = name.replace(theirs, ours)
    return name


def sizes(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the sizes of both towers off the tensors of a checkpoint under the names of `transformers`.

    Raises:
        SystemExit: It is a checkpoint that fuses several windows, or none of CLAP.
    """
    if any("fusion_model" in name or "mel_conv2d" in name for name in state):
        raise SystemExit("this checkpoint fuses windows (enable_fusion): take one without, e.g. of music_audioset")
    encoder, texts = "audio_model.audio_encoder", "text_model"
    try:
        patch = state[f"{encoder}.patch_embed.proj.weight"].shape[0]
        pooled = state["audio_projection.linear1.weight"].shape[1]
        words = state[f"{texts}.embeddings.word_embeddings.weight"].shape
        places = state[f"{texts}.embeddings.position_embeddings.weight"].shape[0]
        wide = state[f"{texts}.encoder.layer.0.intermediate.dense.weight"].shape[0]
    except KeyError as error:
        raise SystemExit(f"this is no checkpoint of LAION's CLAP: it has no {error}") from None
    stages = [rows for stage in range(8) if (rows := _count(state, rf"{encoder}\.layers\.{stage}\.blocks\.(\d+)\."))]
    table = "attention.self.relative_position_bias_table"
    heads = [state[f"{encoder}.layers.{stage}.blocks.0.{table}"].shape[1] for stage in range(len(stages))]
    audio = {"patch_embeds_hidden_size": patch, "depths": stages, "hidden_size": pooled, "num_attention_heads": heads}
    text = {
        "vocab_size": words[0],
        "hidden_size": words[1],
        "num_hidden_layers": _count(state, rf"{texts}\.encoder\.layer\.(\d+)\."),
        "num_attention_heads": max(1, words[1] // 64),
        "intermediate_size": wide,
        "max_position_embeddings": places,
        "layer_norm_eps": 1e-5,  # as RoBERTa, which the checkpoint goes on from; `transformers` has 1e-12 for CLAP
    }
    return audio, text


def _count(state: Mapping[str, Any], pattern: str) -> int:
    """Return how many different numbers the names have in that place."""
    matches = (re.match(pattern, name) for name in state)
    return len({match[1] for match in matches if match})


def load(source: Path) -> Any:
    """Return the network of a checkpoint or a folder, ready to run.

    Raises:
        SystemExit: It is neither, or lacks a tensor.
    """
    import torch
    from transformers import ClapConfig, ClapModel

    if source.is_dir():
        return ClapModel.from_pretrained(source, attn_implementation="eager").eval()
    core = np._core.multiarray  # type: ignore[attr-defined]  # where NumPy 2 keeps what NumPy 1 wrote into the pickle
    plain = [core.scalar, (core.scalar, "numpy.core.multiarray.scalar"), np.dtype]
    try:
        with torch.serialization.safe_globals([*plain, *(type(np.dtype(kind)) for kind in "fdqil")]):
            read = torch.load(source, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(source))
    except (pickle.UnpicklingError, RuntimeError, OSError) as error:
        # PyTorch's own words advise to read it as code, which nobody should do.
        raise SystemExit(f"{source} is no checkpoint, or holds more than tensors: is it whole?") from error
    state = renamed(read.get("state_dict", read))
    audio, text = sizes(state)
    config = ClapConfig(audio_config=audio, text_config=text, attn_implementation="eager")
    network = ClapModel(config)
    missing, foreign = network.load_state_dict(state, strict=False)
    made_here = ("position_ids", "token_type_ids", "relative_position_index")
    if lacking := [name for name in missing if not name.endswith(made_here)] or foreign:
        raise SystemExit(f"{source.name} does not fit: {', '.join(lacking[:5])} ({len(lacking)} tensors)")
    return network.eval()


def random_network(*, small: bool) -> Any:
    """Return a network of the music checkpoint's size, or of a tenth, with random weights."""
    import torch
    from transformers import ClapConfig, ClapModel

    torch.manual_seed(0)
    audio = {"patch_embeds_hidden_size": 128, "depths": [2, 2, 12, 2], "hidden_size": 1024}
    text: dict[str, Any] = {"layer_norm_eps": 1e-5}
    if small:
        audio = {"patch_embeds_hidden_size": 16, "depths": [2, 2], "hidden_size": 32, "num_attention_heads": [2, 4]}
        text |= {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 2}
    return ClapModel(ClapConfig(audio_config=audio, text_config=text, attn_implementation="eager")).eval()


def towers(network: Any) -> tuple[Any, Any]:
    """Return both towers as modules: mel in, and token numbers and mask in; each vector out has unit length."""
    from torch import nn
    from torch.nn.functional import normalize

    class Hears(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower, self.projection = network.audio_model, network.audio_projection

        def forward(self, mel: Any) -> Any:
            return normalize(self.projection(self.tower(input_features=mel).pooler_output), dim=-1)

    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower, self.projection = network.text_model, network.text_projection

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            pooled = self.tower(input_ids=input_ids, attention_mask=attention_mask).pooler_output
            return normalize(self.projection(pooled), dim=-1)

    return Hears().eval(), Reads().eval()


def noise(network: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return inputs of both towers by name: three windows of noise; two texts, of which one is padded."""
    import torch

    generator = torch.Generator().manual_seed(1)
    mel = torch.rand(3, 1, HOPS, BANDS, generator=generator) * 80 - 60
    ids = torch.randint(5, network.config.text_config.vocab_size, (2, 12), generator=generator)
    mask = torch.ones_like(ids)
    ids[1, 7:], mask[1, 7:] = network.config.text_config.pad_token_id, 0
    return {"mel": mel}, {"input_ids": ids, "attention_mask": mask}


def export(network: Any, folder: Path) -> float:
    """Write both graphs; return the largest relative difference between PyTorch and ONNX Runtime."""
    import torch

    sounds, texts = torch.export.Dim("clips", min=1, max=64), torch.export.Dim("texts", min=1, max=256)
    tokens = torch.export.Dim("tokens", min=2, max=network.config.text_config.max_position_embeddings - 2)
    free: tuple[dict[str, Any], ...] = (
        {"mel": {0: sounds}},
        {"input_ids": {0: texts, 1: tokens}, "attention_mask": {0: texts, 1: tokens}},
    )
    worst = 0.0
    for tower, inputs, shapes, name in zip(towers(network), noise(network), free, (AUDIO, TEXT), strict=True):
        program = torch.onnx.export(
            tower,
            kwargs=inputs,
            dynamo=True,
            input_names=list(inputs),
            output_names=["vector"],
            dynamic_shapes=shapes,
            opset_version=18,
            external_data=False,
            verbose=False,
        )
        assert program is not None
        program.save(str(folder / name), external_data=False)
        worst = max(worst, parity(tower, inputs, folder / name))
    return worst


def parity(tower: Any, inputs: Mapping[str, Any], graph: Path) -> float:
    """Return the largest difference of a tower to its graph, together and one by one, relative to the largest value."""
    import onnxruntime
    import torch

    with torch.no_grad():
        expected = tower(**inputs).numpy()
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    [together] = session.run(None, arrays)
    alone = [
        session.run(None, {name: array[row : row + 1] for name, array in arrays.items()})[0]
        for row in range(len(expected))
    ]
    differences = [np.abs(expected - found).max() for found in (together, np.concatenate(alone))]
    return float(max(differences) / np.abs(expected).max())


def write_tokenizer(source: Path, out: Path) -> None:
    """Write RoBERTa's tokenizer as one file; raises `SystemExit` where the folder holds none."""
    if (source / TOKENIZER).is_file():
        shutil.copyfile(source / TOKENIZER, out)
        return
    if not (source / "vocab.json").is_file() or not (source / "merges.txt").is_file():
        raise SystemExit(f"{source} holds no tokenizer: neither {TOKENIZER} nor vocab.json and merges.txt")
    from transformers import RobertaTokenizer

    RobertaTokenizer.from_pretrained(source).backend_tokenizer.save(str(out))


def tells_texts_apart(graph: Path, tokenizer: Path) -> float:
    """Return the largest cosine between two of some texts that have nothing in common."""
    import onnxruntime
    from tokenizers import Tokenizer

    words = Tokenizer.from_file(str(tokenizer))
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    vectors = []
    for text in UNLIKE:
        ids = np.array([words.encode(text).ids], dtype=np.int64)
        vectors.append(session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
    cosines = np.stack(vectors) @ np.stack(vectors).T
    return float(cosines[~np.eye(len(UNLIKE), dtype=bool)].max())


def made(folder: Path, source: str) -> dict[str, Any]:
    """Return what ``made.json`` says: of what the files were made, and their digests."""
    names = [name for name in (AUDIO, TEXT, TOKENIZER) if (folder / name).is_file()]
    files = {name: {"sha256": sha256(folder / name), "size_bytes": (folder / name).stat().st_size} for name in names}
    return {"of": source, "files": files}


def sha256(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("checkpoint", type=Path, nargs="?", help="LAION's file, or a folder as of transformers")
    parser.add_argument("tokenizer", type=Path, nargs="?", help="folder with RoBERTa's tokenizer")
    parser.add_argument("out", type=Path, help="folder to write into: <data folder>/models/clap-1")
    parser.add_argument("--random", action="store_true", help="random weights, no tokenizer: to try the export")
    parser.add_argument("--small", action="store_true", help="with --random: a network of a tenth of the size")
    chosen = parser.parse_args()
    if chosen.random == (chosen.tokenizer is not None):
        parser.error(
            "give a checkpoint, a folder with the tokenizer and where to write; or --random and where to write"
        )
    return chosen


def main() -> int:
    """Export; what is not right is not written."""
    chosen = arguments()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.out, prefix=".making-") as scratch:
        folder = Path(scratch)
        network = random_network(small=chosen.small) if chosen.random else load(chosen.checkpoint)
        error = export(network, folder)
        print(f"largest relative difference to PyTorch: {error:.1e}")
        if error > MOST_RELATIVE_ERROR:
            raise SystemExit(f"more than {MOST_RELATIVE_ERROR:g}: nothing was written")
        source = "random weights"
        if not chosen.random:
            write_tokenizer(chosen.tokenizer, folder / TOKENIZER)
            if (cosine := tells_texts_apart(folder / TEXT, folder / TOKENIZER)) > SAME:
                raise SystemExit(
                    f"texts that have nothing in common have a cosine of {cosine:.4f}: nothing was written"
                )
            digest = sha256(chosen.checkpoint) if chosen.checkpoint.is_file() else "a folder"
            known = " (the music checkpoint)" if digest == CHECKPOINT_SHA256 else ""
            source = f"{chosen.checkpoint.name}, SHA-256 {digest}{known}"
        told = made(folder, source)
        (folder / MADE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        for name in (*told["files"], MADE):  # what says that all is there comes last
            (folder / name).replace(chosen.out / name)
    for name, each in told["files"].items():
        print(f"{chosen.out / name}: {each['size_bytes']:,} bytes, {each['sha256']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
