"""LAION's names of tensors become those of transformers; what does not fit is refused before anything is written."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[3] / "models" / "export" / "clap.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("export_clap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("module.audio_branch.bn0.running_mean", "audio_model.audio_encoder.batch_norm.running_mean"),
        (
            "audio_branch.layers.2.blocks.11.attn.proj.weight",
            "audio_model.audio_encoder.layers.2.blocks.11.attention.output.dense.weight",
        ),
        (
            "audio_branch.layers.0.blocks.1.attn.relative_position_bias_table",
            "audio_model.audio_encoder.layers.0.blocks.1.attention.self.relative_position_bias_table",
        ),
        (
            "audio_branch.layers.0.blocks.0.norm1.bias",
            "audio_model.audio_encoder.layers.0.blocks.0.layernorm_before.bias",
        ),
        (
            "audio_branch.layers.0.blocks.0.norm2.bias",
            "audio_model.audio_encoder.layers.0.blocks.0.layernorm_after.bias",
        ),
        (
            "audio_branch.layers.0.blocks.0.mlp.fc1.bias",
            "audio_model.audio_encoder.layers.0.blocks.0.intermediate.dense.bias",
        ),
        (
            "audio_branch.layers.0.blocks.0.mlp.fc2.bias",
            "audio_model.audio_encoder.layers.0.blocks.0.output.dense.bias",
        ),
        ("audio_branch.layers.1.downsample.norm.weight", "audio_model.audio_encoder.layers.1.downsample.norm.weight"),
        ("audio_branch.patch_embed.proj.weight", "audio_model.audio_encoder.patch_embed.proj.weight"),
        ("audio_branch.norm.weight", "audio_model.audio_encoder.norm.weight"),
        ("module.text_branch.pooler.dense.weight", "text_model.pooler.dense.weight"),
        (
            "text_branch.encoder.layer.3.attention.self.query.weight",
            "text_model.encoder.layer.3.attention.self.query.weight",
        ),
        ("text_branch.encoder.layer.3.output.dense.weight", "text_model.encoder.layer.3.output.dense.weight"),
        ("text_projection.0.weight", "text_projection.linear1.weight"),
        ("audio_projection.2.bias", "audio_projection.linear2.bias"),
        ("logit_scale_a", "logit_scale_a"),
    ],
)
def test_each_part_gets_its_name(script: ModuleType, theirs: str, ours: str) -> None:
    assert list(script.renamed({theirs: np.zeros(3)})) == [ours]


def test_query_key_and_value_come_apart_in_this_order(script: ModuleType) -> None:
    joined = np.arange(12).reshape(6, 2)
    found = script.renamed({"module.audio_branch.layers.0.blocks.0.attn.qkv.weight": joined})
    assert [name.rpartition("self.")[2] for name in found] == ["query.weight", "key.weight", "value.weight"]
    np.testing.assert_array_equal(np.concatenate(list(found.values())), joined)


@pytest.mark.parametrize(
    "name",
    [
        "audio_branch.spectrogram_extractor.stft.conv_real.weight", "audio_branch.logmel_extractor.melW",
        "audio_branch.tscam_conv.weight", "audio_branch.head.bias", "audio_branch.layers.0.blocks.1.attn_mask",
        "text_transform.sequential.0.weight", "audio_transform.sequential.3.bias",
        "module.text_branch.embeddings.position_ids",
    ],
)  # fmt: skip
def test_what_only_the_training_used_is_left_out(script: ModuleType, name: str) -> None:
    assert script.renamed({name: np.zeros(3)}) == {}


def test_the_sizes_are_read_off_the_tensors(script: ModuleType) -> None:
    audio, text = script.sizes(tensors())
    assert audio == {
        "patch_embeds_hidden_size": 128, "depths": [2, 1], "hidden_size": 1024, "num_attention_heads": [4, 8],
    }  # fmt: skip
    assert text == {
        "vocab_size": 50_265, "hidden_size": 768, "num_hidden_layers": 1, "num_attention_heads": 12,
        "intermediate_size": 3072, "max_position_embeddings": 514, "layer_norm_eps": 1e-5,
    }  # fmt: skip


def test_a_checkpoint_that_fuses_windows_is_refused(script: ModuleType) -> None:
    fused = tensors() | {"audio_model.audio_encoder.patch_embed.mel_conv2d.weight": np.zeros(1)}
    with pytest.raises(SystemExit, match="fuses windows"):
        script.sizes(fused)


def test_another_checkpoint_is_refused_by_what_it_lacks(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"no checkpoint of LAION's CLAP.*patch_embed"):
        script.sizes({"encoder.weight": np.zeros(1)})


def tensors() -> dict[str, np.ndarray]:
    encoder, table = "audio_model.audio_encoder", "attention.self.relative_position_bias_table"
    shapes = {
        f"{encoder}.patch_embed.proj.weight": (128, 1, 4, 4),
        f"{encoder}.layers.0.blocks.0.{table}": (225, 4),
        f"{encoder}.layers.0.blocks.1.{table}": (225, 4),
        f"{encoder}.layers.1.blocks.0.{table}": (225, 8),
        "audio_projection.linear1.weight": (512, 1024),
        "text_model.embeddings.word_embeddings.weight": (50_265, 768),
        "text_model.embeddings.position_embeddings.weight": (514, 768),
        "text_model.encoder.layer.0.intermediate.dense.weight": (3072, 768),
    }
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}


def test_random_weights_come_through_the_export_unchanged(tmp_path: Path) -> None:
    for needed in ("torch", "transformers", "onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(needed)
    command = [sys.executable, str(SCRIPT), "--random", "--small", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=True)
    assert "largest relative difference" in done.stdout
    made = json.loads((tmp_path / "made.json").read_text())
    assert set(made["files"]) == {"clap-audio.onnx", "clap-text.onnx"}
