from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cratehand.domain.errors import CorruptFileError, InvalidInputError, UnavailableError
from cratehand_models.providers import choose_provider
from cratehand_models.session import Array, ModelSession
from tests.fakes.clock import HandWoundClock
from tests.unit.models.weights import model

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


@dataclass
class Input:
    name: str = "in"
    shape: tuple[object, ...] = ("batch", 4)


@dataclass
class DoublingGraph:
    """Doubles what it is given; can be told to have little memory, or to fail."""

    providers: Sequence[str]
    rows_that_fit: int = 1000
    on_cuda: int | None = None
    """Rows that fit there, where that is other than on the processor."""
    fails_on: str = ""
    shape: tuple[object, ...] = ("batch", 4)
    batches: list[int] = field(default_factory=list)

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Array]) -> list[Array]:
        if self.providers[0] == self.fails_on:
            raise RuntimeError("CUDNN_STATUS_EXECUTION_FAILED\nmore")
        self.batches.append(len(feeds["in"]))
        here = self.rows_that_fit if self.on_cuda is None or self.providers[0] != CUDA else self.on_cuda
        if len(feeds["in"]) > here:
            raise RuntimeError(
                "[ONNXRuntimeError] : 1 : FAIL : Failed to allocate memory for requested buffer of size 7"
            )
        return [feeds["in"] * 2]

    def get_inputs(self) -> Sequence[Input]:
        return [Input(shape=self.shape)]

    def get_providers(self) -> Sequence[str]:
        return self.providers


class Opener:
    def __init__(self, **options: object) -> None:
        self.options = options
        self.graphs: list[DoublingGraph] = []

    def __call__(self, path: Path, *, providers: Sequence[str], threads: int) -> DoublingGraph:
        self.graphs.append(DoublingGraph(providers, **self.options))  # type: ignore[arg-type]
        return self.graphs[-1]


def session(opener: Opener, *, wanted: str = "cpu", clock: HandWoundClock | None = None) -> ModelSession:
    choice = choose_provider(wanted, [CUDA, CPU])
    return ModelSession(model(), Path("tiny.onnx"), choice=choice, clock=clock or HandWoundClock(), open_with=opener)


ROWS = {"in": np.arange(40, dtype=np.float32).reshape(10, 4)}


def test_a_graph_is_loaded_at_the_first_use_and_only_once() -> None:
    opener = Opener()
    running = session(opener)
    assert not running.is_loaded
    running.run(ROWS)
    [doubled] = running.run(ROWS)
    np.testing.assert_array_equal(doubled, ROWS["in"] * 2)
    assert len(opener.graphs) == 1


def test_an_idle_graph_is_released_and_loaded_again() -> None:
    opener, clock = Opener(), HandWoundClock()
    running = session(opener, clock=clock)
    running.run(ROWS)
    clock.wind(59.0)
    assert not running.release_if_idle(idle_s=60.0)
    clock.wind(2.0)
    assert running.release_if_idle(idle_s=60.0)
    assert not running.is_loaded
    running.run(ROWS)
    assert len(opener.graphs) == 2


def test_a_provider_that_fails_is_left_once_and_loudly(caplog: pytest.LogCaptureFixture) -> None:
    opener = Opener(fails_on=CUDA)
    running = session(opener, wanted="cuda")
    running.run(ROWS)
    running.run(ROWS)
    assert running.provider == CPU
    assert [graph.providers[0] for graph in opener.graphs] == [CUDA, CPU]
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "CUDNN_STATUS_EXECUTION_FAILED" in warnings[0]


def test_a_failure_on_the_processor_is_told() -> None:
    with pytest.raises(UnavailableError, match="CUDNN"):
        session(Opener(fails_on=CPU)).run(ROWS)


def test_where_memory_runs_out_the_batch_is_halved_and_every_row_comes_back_in_order() -> None:
    opener = Opener(rows_that_fit=3)
    [doubled] = session(opener).run_batched(ROWS, batch=8)
    np.testing.assert_array_equal(doubled, ROWS["in"] * 2)
    assert opener.graphs[0].batches == [8, 4, 2, 2, 2, 2, 2]


def test_where_not_even_one_row_fits_it_says_so() -> None:
    with pytest.raises(UnavailableError, match="memory does not suffice"):
        session(Opener(rows_that_fit=0)).run_batched(ROWS, batch=4)


def test_where_not_even_one_row_fits_on_the_accelerator_the_processor_takes_over_loudly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opener = Opener(on_cuda=0)
    running = session(opener, wanted="cuda")
    [doubled] = running.run_batched(ROWS, batch=4)
    np.testing.assert_array_equal(doubled, ROWS["in"] * 2)
    assert [graph.batches for graph in opener.graphs] == [[4, 2, 1], [1] * 10]
    assert running.provider == CPU
    assert "the processor takes over" in caplog.text
    [doubled] = session(Opener(on_cuda=3), wanted="cuda").run(ROWS)
    np.testing.assert_array_equal(doubled, ROWS["in"] * 2)


def test_a_graph_with_other_shapes_than_the_manifest_says_is_refused() -> None:
    with pytest.raises(CorruptFileError, match=r"in\[batch,5\].*in\[n,4\]"):
        session(Opener(shape=("batch", 5))).run(ROWS)


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"<html>")
    running = ModelSession(model(), path, choice=choose_provider("cpu", [CPU]), clock=HandWoundClock())
    with pytest.raises(CorruptFileError, match="models verify"):
        running.run(ROWS)


@pytest.mark.parametrize(
    ("wanted", "available", "chosen"),
    [
        ("auto", [CPU], "cpu"),
        ("auto", [CUDA, CPU], "cuda"),
        ("auto", ["TensorrtExecutionProvider", CUDA, CPU], "cuda"),
        ("tensorrt", ["TensorrtExecutionProvider", CUDA, CPU], "tensorrt"),
        ("auto", ["CoreMLExecutionProvider", CPU], "coreml"),
        ("directml", ["DmlExecutionProvider", CPU], "directml"),
        ("cuda", [CPU], "cpu"),
        ("CPU", [CUDA, CPU], "cpu"),
    ],
)
def test_the_provider_is_chosen_by_what_is_there(wanted: str, available: list[str], chosen: str) -> None:
    choice = choose_provider(wanted, available)
    assert choice.name == chosen
    assert choice.order[-1] == CPU
    assert choice.reason.startswith(chosen)


def test_a_provider_nobody_knows_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInputError, match="auto, cuda"):
        choose_provider("gpu", [CPU])
