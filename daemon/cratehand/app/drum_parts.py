"""The drum generators put together, and their files."""

import secrets
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from cratehand.usecases.drum_generation import DrumGeneration

_MIDI_MAGIC: Final = b"MThd"
_LARGEST_BYTES: Final = 1024 * 1024


def drum_generation() -> DrumGeneration:
    """Return the use case; the model's weights are loaded when they are first needed."""
    from cratehand_models.drum_midi import GeneralMidi
    from cratehand_models.drum_templates import DrumTemplates
    from cratehand_models.drums import DrumModel

    return DrumGeneration(
        model=DrumModel(), templates=DrumTemplates(), files=GeneralMidi(), draw_seed=lambda: secrets.randbelow(2**31)
    )


def read_file(path: Path) -> bytes:
    """Return the bytes of a file to start from.

    Raises:
        NotFoundError: No such file.
        InvalidInputError: Far too large for a clip of drums.
        UnavailableError: It can't be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} does not exist") from error
    except OSError as error:
        raise UnavailableError(f"{path} can't be read: {error.strerror}") from error
    if len(data) > _LARGEST_BYTES:
        raise InvalidInputError(
            f"{path} is larger than {_LARGEST_BYTES // 1024} KiB: give a MIDI clip of at most 64 bars"
        )
    return data


def check_target(target: Path, *, source: Path | None) -> bool:
    """Look whether a MIDI file may be written there; return whether it replaces one.

    Raises:
        NotFoundError: Its folder is not there.
        InvalidInputError: It is a folder.
        ConflictError: It is the file to start from, or something that is no MIDI file.
        UnavailableError: What is there can't be read.
    """
    if target.is_dir():
        raise InvalidInputError(f"{target} is a folder: give the name of a file in it")
    if not target.parent.is_dir():
        raise NotFoundError(f"{target.parent} does not exist: make the folder first")
    if not target.exists():
        return False
    if source is not None and source.exists() and target.samefile(source):
        raise ConflictError(f"{target} is the file to start from: give the result another name")
    try:
        with target.open("rb") as file:
            magic = file.read(len(_MIDI_MAGIC))
    except OSError as error:
        raise UnavailableError(f"{target} can't be read: {error.strerror}") from error
    if magic not in (_MIDI_MAGIC, b""):
        raise ConflictError(f"{target} is there and is no MIDI file: choose another name")
    return True


def write_file(target: Path, data: bytes) -> None:
    """Write a file; complete or not at all."""
    from cratehand_rekordbox_export import write_file_atomically

    write_file_atomically(target, partial(_write, data))


def _write(data: bytes, file: BinaryIO) -> int:
    return file.write(data)
