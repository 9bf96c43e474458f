"""Weights that come in another form than they are run in, turned into it as they arrive; no PyTorch is needed."""

import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

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


CONVERSIONS: Final[Mapping[str, Callable[[Path], None]]] = {"pickled_arrays": pickled_arrays}
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
