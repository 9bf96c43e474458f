"""Four stems: the transforms around the graph, and the names that a graph has to have, wherever it came from."""

import ast
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cratehand.domain.stem import StemKind
from cratehand_models.demucs import INPUTS, OUTPUTS, WINDOW_FRAMES, DemucsSeparator, to_spectrum, to_wave
from cratehand_models.manifest import shipped_manifest
from cratehand_models.providers import choose_provider
from cratehand_models.session import ModelSession, OpenGraph, open_graph
from tests.fakes.clock import HandWoundClock

SCRIPT = Path(__file__).parents[3] / "models" / "export" / "htdemucs.py"
HTDEMUCS = shipped_manifest()["htdemucs"]


class ThroughGraph:
    """Gives the spectrum of the mix as the drums, and the mix itself as what the time branch adds to the bass."""

    def get_inputs(self) -> Sequence[Any]:
        return HTDEMUCS.inputs

    def get_providers(self) -> Sequence[str]:
        return ["CPUExecutionProvider"]

    def get_modelmeta(self) -> Any:
        return SimpleNamespace()

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Any]) -> list[Any]:
        mix, spectrum = (feeds[tensor.name] for tensor in HTDEMUCS.inputs)
        spectra = np.zeros((1, 4, *spectrum.shape[1:]), dtype=np.float32)
        waves = np.zeros((1, 4, *mix.shape[1:]), dtype=np.float32)
        spectra[0, 0], waves[0, 1] = spectrum[0], mix[0]
        return [spectra, waves]


def session(path: Path, opener: OpenGraph) -> ModelSession:
    choice = choose_provider("cpu", ["CPUExecutionProvider"])
    return ModelSession(HTDEMUCS, path, choice=choice, clock=HandWoundClock(), open_with=opener)


def test_the_manifest_names_the_tensors_as_the_runner_does() -> None:
    assert tuple(tensor.name for tensor in HTDEMUCS.inputs) == INPUTS
    assert tuple(tensor.name for tensor in HTDEMUCS.outputs) == OUTPUTS


def test_the_export_spells_no_name_of_a_tensor_itself() -> None:
    named = {
        keyword.arg: ast.unparse(keyword.value)
        for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    }
    assert (named["input_names"], named["output_names"]) == ("list(INPUTS)", "list(OUTPUTS)")


def test_the_mix_goes_in_beside_its_spectrum_and_both_branches_come_out_as_one() -> None:
    noise = np.random.default_rng(2).normal(size=(2, WINDOW_FRAMES)).astype(np.float32)
    separator = DemucsSeparator(session(Path("x.onnx"), lambda *_, **__: ThroughGraph()), name="htdemucs-4")
    stems = dict(zip(separator.kinds, separator.separate(noise), strict=True))
    np.testing.assert_allclose(stems[StemKind.DRUMS], to_wave(to_spectrum(noise)[0]), atol=1e-6)
    np.testing.assert_allclose(stems[StemKind.BASS], noise, atol=1e-6)
    assert not stems[StemKind.VOCALS].any()


def test_a_graph_that_was_exported_anew_is_one_the_runner_takes(tmp_path: Path) -> None:
    for needed in ("torch", "demucs", "onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(needed)
    made = tmp_path / "htdemucs.onnx"
    command = [sys.executable, str(SCRIPT), str(made), "--random", "--small"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=True)
    assert "largest relative difference" in done.stdout
    silence = np.zeros((2, WINDOW_FRAMES), dtype=np.float32)
    stems = DemucsSeparator(session(made, open_graph), name="htdemucs-4").separate(silence)
    assert stems.shape == (4, 2, WINDOW_FRAMES)


def test_a_tone_lies_in_its_bin_and_in_the_channel_it_came_from() -> None:
    time_s = np.arange(WINDOW_FRAMES) / 44_100
    mix = np.stack([np.sin(2 * np.pi * 44_100 / 4096 * 100 * time_s), np.zeros(WINDOW_FRAMES)]).astype(np.float32)
    spectrum = to_spectrum(mix)
    assert spectrum.shape == (1, 4, 2048, 336)
    power = (spectrum[0, :2] ** 2).sum(axis=0)[:, 10:-10]
    assert (power.argmax(axis=0) == 100).all()
    assert np.abs(spectrum[0, 2:]).max() == 0.0


def test_the_transform_and_back_gives_what_lies_below_the_last_bin() -> None:
    noise = np.random.default_rng(1).normal(size=(2, WINDOW_FRAMES)).astype(np.float32)
    smooth = (noise[:, :-1] + noise[:, 1:]) / 2
    mix = np.pad(smooth, ((0, 0), (0, 1))).astype(np.float32)
    back = to_wave(to_spectrum(mix)[0])
    assert np.abs(back - mix)[:, 2048:-2048].max() < 1e-3


def test_numbers_of_the_reference_implementation() -> None:
    """Taken from `HTDemucs._magnitude(_spec(x))` of demucs 4.1.0 with torch 2.13.0 on the same ramp."""
    ramp = np.linspace(-1, 1, WINDOW_FRAMES, dtype=np.float32)
    spectrum = to_spectrum(np.stack([ramp, ramp[::-1]]))
    np.testing.assert_allclose(REFERENCE, spectrum[0, [0, 1, 2, 3], [0, 1, 0, 1], [5, 100, 200, 330]], atol=1e-5)


REFERENCE = np.array([-30.952122, 0.09096842, -6.199913, -0.0909667], dtype=np.float32)
