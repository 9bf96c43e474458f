"""What a model of words sees of texts: numbers of their pieces."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cratehand.domain.errors import CorruptFileError, UnsupportedError


def read_tokenizer(path: Path, *, longest: int, remedy: str) -> Any:
    """Return the tokenizer of a ``tokenizer.json``; its type comes from a library that may be missing.

    Args:
        path: The file.
        longest: Tokens of a text that are read.
        remedy: What to do where it can't be read.

    Raises:
        UnsupportedError: The library `tokenizers` is not installed.
        CorruptFileError: The file can not be read.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise UnsupportedError('tokenizers is not installed: pip install "cratehand[cpu]"') from error
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise CorruptFileError(f"{path} can not be read ({error}): {remedy}") from error
    tokenizer.enable_truncation(longest)
    return tokenizer


def tokens_of(tokenizer: Any, texts: Sequence[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Return ``input_ids`` and ``attention_mask`` of texts, int64 ``(texts, tokens)`` each; the tokenizer pads."""
    encoded = tokenizer.encode_batch(list(texts))
    return {
        "input_ids": np.array([each.ids for each in encoded], dtype=np.int64),
        "attention_mask": np.array([each.attention_mask for each in encoded], dtype=np.int64),
    }
