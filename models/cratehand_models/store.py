"""Where weights lie on this computer: ``<data folder>/models/<name>-<version>/<file>``, or inside the package."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

from cratehand.domain.errors import CorruptFileError, CratehandError, NotFoundError, UnavailableError
from cratehand.domain.model import Model, ModelFile

logger = logging.getLogger(__name__)

_ACCEPTED: Final = "accepted.json"
_PIECE_BYTES: Final = 1 << 20
MADE: Final = "made.json"
"""What the script that made a model says of its files; it lies beside them."""
SHIPPED: Final = "package:"
"""What the sources of files inside the package begin with."""


class WeightsStore:
    """Finds the files of models, tells whether they are whole, and remembers which licences were accepted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, model: Model, file: ModelFile) -> Path:
        """Return where a file belongs, whether it is there or not.

        A model that is shipped lies in the package. Where only its graph is, that is copied beside the weights, since
        a graph may refer to nothing outside its own folder.
        """
        if model.is_shipped:
            return shipped_file(file.sources[0])
        return self._folder / model.versioned_name / file.name

    def known(self, model: Model) -> Model:
        """Return a model with the digests and sizes of its files; of one that is made, those of when it was made.

        Where what was written then can not be read they stay unknown, and the model counts as not being here.
        """
        if not model.is_made:
            return model
        try:
            made = read_made(self.place(model, model.files[0]).with_name(MADE))
        except CratehandError as error:
            logger.warning("%s", error)
            return model
        return replace(model, files=tuple(replace(file, **made.get(file.name, {})) for file in model.files))

    def is_present(self, model: Model) -> bool:
        """Whether every file is there at its full size: a cheap look; `verify` reads them."""
        return all(
            file.size_bytes is not None and _size(self.place(model, file)) == file.size_bytes
            for file in self.known(model).files
        )

    def has_any(self, model: Model) -> bool:
        """Whether any of its files is there, whole or not."""
        return any(self.place(model, file).is_file() for file in model.files)

    def paths(self, model: Model) -> dict[str, Path]:
        """Return name → path of every file.

        Raises:
            NotFoundError: One is missing or not whole; the message names the command that fetches it.
        """
        if not self.is_present(model):
            raise NotFoundError(f"the weights of {model.name} are not here: {how_to_get(model)}")
        return {file.name: self.place(model, file) for file in model.files}

    def verify(self, model: Model) -> list[str]:
        """Read every file whole; return one sentence for each that is not what the manifest says."""
        faults, remedy = [], how_to_get(model)
        for file in self.known(model).files:
            path = self.place(model, file)
            if not path.is_file():
                faults.append(f"{path} is not there: {remedy}")
            elif file.sha256 is None:
                faults.append(f"{path} is not in {MADE} beside it: {remedy}")
            elif (found := sha256_of(path)) != file.sha256:
                faults.append(f"{path} has the checksum {found[:12]}…, not {file.sha256[:12]}…: {remedy}")
        return faults

    def is_accepted(self, model: Model) -> bool:
        """Whether the licence of the weights needs no word of the user, or has it."""
        return model.commercial_use or self._accepted().get(model.name) == model.licence_weights

    def accept(self, model: Model) -> None:
        """Remember that the user accepted the licence of the weights, as it is worded now."""
        accepted = self._accepted() | {model.name: model.licence_weights}
        self._folder.mkdir(parents=True, exist_ok=True)
        path, written = self._folder / _ACCEPTED, self._folder / f".{_ACCEPTED}.part"
        written.write_text(json.dumps(accepted, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        written.replace(path)

    def _accepted(self) -> dict[str, str]:
        try:
            read = json.loads((self._folder / _ACCEPTED).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UnavailableError(
                f"{self._folder / _ACCEPTED} can not be read ({error}): mend its permissions or remove it"
            ) from error
        return {str(name): str(licence) for name, licence in read.items()} if isinstance(read, dict) else {}


def how_to_get(model: Model) -> str:
    """Return in a few words how a model comes here, and comes here anew."""
    if not model.is_made:
        return f"`cratehand models fetch {model.name}`"
    script = model.files[0].sources[0].removeprefix("made:")
    return f"it is made on your own computer by {script}, see models/cards/{model.name}.md"


def read_made(path: Path) -> dict[str, dict[str, Any]]:
    """Read what a script said of the files that it made; see `parse_made`. Nothing where nothing was made."""
    try:
        return parse_made(path.read_bytes(), name=str(path))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UnavailableError(f"{path} can not be read ({error}): mend its permissions") from error


def parse_made(data: bytes, *, name: str) -> dict[str, dict[str, Any]]:
    """Return file name to ``sha256`` and ``size_bytes``.

    Raises:
        CorruptFileError: It is no such list; `name` stands in the message.
    """
    try:
        read = json.loads(data)["files"]
        return {
            str(file): {"sha256": str(each["sha256"]), "size_bytes": int(each["size_bytes"])}
            for file, each in read.items()
        }
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CorruptFileError(f"{name} can not be read ({error}): make the model anew, its card says how") from error


def shipped_file(source: str) -> Path:
    """Return the file inside the package that a source ``package:FILE`` names."""
    return Path(str(resources.files(__package__).joinpath("weights", source.removeprefix(SHIPPED))))


def sha256_of(path: Path, *, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            on_bytes(len(piece))
    return digest.hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
