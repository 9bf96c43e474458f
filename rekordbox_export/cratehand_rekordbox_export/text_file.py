"""Text files of unknown origin as text."""

import codecs
from pathlib import Path
from typing import Final

from cratehand.domain.errors import CorruptFileError, InvalidInputError, NotFoundError, UnavailableError

LARGEST_BYTES: Final = 64 << 20
"""No list of tracks is larger; what is larger was chosen by mistake."""


def read_bytes(path: Path) -> bytes:
    """Read a whole file of a size that a list of tracks may have.

    Raises:
        NotFoundError: No such file.
        InvalidInputError: A folder, no possible name, or far too large.
        UnavailableError: It can not be read now.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} does not exist") from error
    except IsADirectoryError as error:
        raise InvalidInputError(f"{path} is a folder, not a playlist file") from error
    except OSError as error:
        raise UnavailableError(f"{path} can not be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidInputError(f"{str(path)!r} can not be the name of a file: {error}") from error
    if len(data) > LARGEST_BYTES:
        raise InvalidInputError(f"{path} is larger than {LARGEST_BYTES >> 20} MB; that is no list of tracks")
    return data


def decode_text(data: bytes, *, name: str) -> str:
    """Return the text of a file: UTF-16 or UTF-8 by its byte order mark, else UTF-8, else Windows-1252 or Latin-1.

    Args:
        data: The whole file.
        name: What to call it in a message.

    Raises:
        CorruptFileError: It is no text: it holds zero bytes, or its UTF-16 is damaged.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise CorruptFileError(f"{name} begins as UTF-16 text and is damaged at byte {error.start}") from error
    if b"\0" in data:
        # UTF-16 without a mark has its zeros on one side of nearly every character.
        even, odd = data[::2], data[1::2]
        for encoding, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
            if zeros.count(0) > len(zeros) * 0.6 and b"\0" not in letters and len(data) % 2 == 0:
                return data.decode(encoding, "replace")
        raise CorruptFileError(f"{name} is not a text file")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
