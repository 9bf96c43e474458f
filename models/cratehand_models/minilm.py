"""What free words say about sound, by the meaning of words: all-MiniLM-L6-v2 (Wang et al. 2020) beside MusiCNN's tags.

Not a model of text and sound: it compares a text with the names of the tags that are heard, so it finds "electro" for
"synthesizer", but knows no sound that none of the fifty tags speaks of.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.embedding import TAG_SPACE, Vector
from cratehand.domain.sound_tags import TAG_NAMES
from cratehand_models.session import ModelSession
from cratehand_models.text_tokens import read_tokenizer, tokens_of

MODEL: Final = "minilm"
_LONGEST: Final = 64
"""Tokens of a text that are read; a query has a handful."""

Array = npt.NDArray[np.float32]


class MiniLmTagWords:
    """Implements `cratehand.domain.ports.TextListener`: how near each tag's name is to the words.

    Args:
        session: The graph of `MODEL`.
        tokenizer: Its ``tokenizer.json``.
    """

    name: Final = MODEL
    space: Final = TAG_SPACE

    def __init__(self, session: ModelSession, tokenizer: Path) -> None:
        self._session = session
        self._tokenizer_path = tokenizer

    def place(self, words: Sequence[str], unwanted: Sequence[str]) -> Vector | None:
        """Return the weight of each tag; see the port."""
        texts = [" ".join(part) for part in (words, unwanted) if part]
        if not texts:
            return None
        likeness = self.embed([f"{text} music" for text in texts]) @ self._tags.T
        # Every tag is a little like every text; what counts is which are more so.
        likeness -= likeness.mean(axis=1, keepdims=True)
        wanted = likeness[0] if words else np.zeros(len(TAG_NAMES), dtype=np.float32)
        away = likeness[-1] if unwanted else 0.0
        return np.asarray(wanted - np.maximum(away, 0.0), dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> Array:
        """Return where texts lie, float32 ``(texts, 384)``, unit length each.

        Raises:
            UnsupportedError: The library `tokenizers` is not installed.
            CorruptFileError: The tokenizer can not be read.
        """
        [found] = self._session.run(tokens_of(self._tokenizer, texts))
        return np.asarray(found, dtype=np.float32)

    @cached_property
    def _tags(self) -> Array:
        return self.embed([f"{tag} music" for tag in TAG_NAMES])

    @cached_property
    def _tokenizer(self) -> Any:
        remedy = f"`cratehand models fetch {MODEL}`"
        tokenizer = read_tokenizer(self._tokenizer_path, longest=_LONGEST, remedy=remedy)
        tokenizer.enable_padding()
        return tokenizer
