"""Weights that come in another form than they are run in, turned into it as they arrive; no PyTorch is needed."""

import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.errors import CorruptFileError

_ALLOWED: Final = {
    ("numpy.core.multiarray", "_reconstruct"): ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"): ("numpy", "ndarray"),
    ("numpy", "dtype"): ("numpy", "dtype"),
    ("_codecs", "encode"): ("_codecs", "encode"),
}
"""All that a dictionary of arrays needs to be read; anything else in a pickle could run code of a stranger."""


def pickled_arrays(path: Path) -> None:
    """Turn a PyTorch file that holds a dictionary of NumPy arrays into their bare numbers, in place.

    Written are all arrays of numbers in the order of their names, each as little-endian float32, row by row, one
    behind the other: what the external data of an ONNX graph refers to.

    Args:
        path: A zip archive with one ``data.pkl``.

    Raises:
        CorruptFileError: It is no such archive, or holds anything but arrays.
    """
    converted = path.with_name(f"{path.name}.numbers")
    try:
        arrays = read_arrays(path)
        with converted.open("wb") as file:
            for name in sorted(arrays):
                file.write(np.ascontiguousarray(arrays[name], dtype="<f4").tobytes())
        converted.replace(path)
    except (zipfile.BadZipFile, pickle.UnpicklingError, KeyError, StopIteration, ValueError, EOFError) as error:
        raise CorruptFileError(f"{path.name} is no file of arrays: {error}") from error
    finally:
        converted.unlink(missing_ok=True)


def half_precision(path: Path) -> None:
    """Turn a safetensors file of float32 numbers into the same of float16, in place; one that is of them is left.

    A number half way between two is rounded away from zero, as by the package whose file this then is to the byte.

    Args:
        path: As https://github.com/huggingface/safetensors describes: length of the head, head in JSON, numbers.

    Raises:
        CorruptFileError: It is no such file.
    """
    converted = path.with_name(f"{path.name}.numbers")
    try:
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        head = json.loads(data[8 : 8 + length])
        if not any(entry.get("dtype") == "F32" for entry in head.values()):
            return
        pieces, at = [], 0
        for entry in (entry for name, entry in head.items() if name != "__metadata__"):
            begin, end = (8 + length + place for place in entry["data_offsets"])
            piece = data[begin:end]
            if entry["dtype"] == "F32":
                entry["dtype"], piece = "F16", _halved(np.frombuffer(piece, dtype="<f4")).tobytes()
            entry["data_offsets"] = [at, at := at + len(piece)]
            pieces.append(piece)
        written = json.dumps(head, separators=(",", ":")).encode()
        converted.write_bytes(b"".join([struct.pack("<Q", len(written)), written, *pieces]))
        converted.replace(path)
    except (struct.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CorruptFileError(f"{path.name} is no file of safetensors: {error}") from error
    finally:
        converted.unlink(missing_ok=True)


def _halved(numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    near = numbers.astype("<f2")
    with np.errstate(over="ignore"):  # behind the largest comes infinity, which no weight is half way to
        further = np.nextafter(near, np.copysign(np.float16(np.inf), near))
    to_even = np.abs(near) < np.abs(numbers)
    is_half_way = to_even & (further.astype(np.float32) - numbers == numbers - near.astype(np.float32))
    return np.where(is_half_way, further, near).astype("<f2")


CONVERSIONS: Final[Mapping[str, Callable[[Path], None]]] = {
    "pickled_arrays": pickled_arrays,
    "half_precision": half_precision,
}
"""By the word of the manifest."""


def read_arrays(path: Path) -> dict[str, Any]:
    """Read a dictionary of arrays; raises as `pickled_arrays`, in the words of the libraries."""
    with zipfile.ZipFile(path) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(member) as file:
            read = _ArraysOnly(file, encoding="latin1").load()
    if not isinstance(read, dict) or not all(isinstance(value, np.ndarray) for value in read.values()):
        raise ValueError("it holds more than arrays")
    return {str(name): value for name, value in read.items()}


class _ArraysOnly(pickle.Unpickler):
    def __init__(self, file: IO[bytes], *, encoding: str) -> None:
        super().__init__(file, encoding=encoding)

    def find_class(self, module: str, name: str) -> Any:
        if (found := _ALLOWED.get((module, name))) is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which arrays do not need")
        return super().find_class(*found)
