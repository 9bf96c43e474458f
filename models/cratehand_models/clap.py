"""Sound and words in one space: LAION's CLAP for music (Wu et al. 2023), the audio tower and the text tower.

The graphs are made by `models/export/clap.py` of a checkpoint that the user brings. The spectrum is made here, as
`ClapFeatureExtractor` of transformers does without fusion, which is what the checkpoint was trained on.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft

from cratehand.domain.audio import Samples
from cratehand.domain.embedding import CLAP_SPACE, Vector
from cratehand.domain.errors import CorruptFileError, InvalidInputError
from cratehand.domain.model import Model
from cratehand_models.mel_scale import mel_filters
from cratehand_models.session import ModelSession
from cratehand_models.text_tokens import read_tokenizer, tokens_of

MODEL: Final = CLAP_SPACE.model
AUDIO_FILE: Final = "clap-audio.onnx"
TEXT_FILE: Final = "clap-text.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"

SAMPLE_RATE_HZ: Final = 48_000
WINDOW_S: Final = 10.0
WINDOW_FRAMES: Final = 480_000
HOPS: Final = 1001
BANDS: Final = 64

_POINTS: Final = 1024
_HOP: Final = 480
_LOWEST_HZ: Final = 50.0
_HIGHEST_HZ: Final = 14_000.0
_FLOOR: Final = 1e-10
_LONGEST: Final = 77
"""Tokens of a text that are read, as in the training."""
_PAD: Final = "<pad>"
_AWAY: Final = 0.5
"""How much of what is not wanted is taken off what is: half, so that the wanted words still decide."""
_SMALLEST: Final = 1e-9

HEARS: Final = ("mel",)
READS: Final = ("input_ids", "attention_mask")
"""What each tower takes, of the inputs that the manifest names."""

Array = npt.NDArray[np.float32]


def tower(model: Model, inputs: Sequence[str]) -> Model:
    """Return the entry of the manifest as one of its graphs sees it: with its own inputs only."""
    return replace(model, inputs=tuple(each for each in model.inputs if each.name in inputs))


class ClapSound:
    """Implements `cratehand.domain.model_ports.SoundPlacer`: where sounds lie in `CLAP_SPACE`."""

    space: Final = CLAP_SPACE
    sample_rate_hz: Final = SAMPLE_RATE_HZ
    window_frames: Final = WINDOW_FRAMES

    def __init__(self, session: ModelSession) -> None:
        self._session = session

    def embed(self, windows: Sequence[Samples]) -> Array:
        """Return where windows lie.

        Args:
            windows: Each float32 ``(1, frames)`` at 48 kHz, see `log_mel`.

        Returns:
            float32 ``(windows, 512)``, unit length each.

        Raises:
            CorruptFileError: The graph is another one.
            UnavailableError: It can not run now.
        """
        if not windows:
            return np.zeros((0, CLAP_SPACE.dimension), dtype=np.float32)
        # One by one: on a processor as quick as several, and a window takes half a gigabyte while it runs.
        found = [self._session.run({"mel": log_mel(window)[np.newaxis, np.newaxis]})[0] for window in windows]
        return np.concatenate([_rows(each) for each in found])

    def place(self, windows: Sequence[Samples]) -> Vector | None:
        """Return where a track lies: the mean over its windows, of unit length; see the port."""
        if not windows:
            return None
        return _unit(self.embed(windows).mean(axis=0))


class ClapWords:
    """Implements `cratehand.domain.model_ports.TextListener`: where words lie among sounds.

    Args:
        session: The graph of the text tower.
        tokenizer: RoBERTa's ``tokenizer.json``.
    """

    name: Final = MODEL
    space: Final = CLAP_SPACE

    def __init__(self, session: ModelSession, tokenizer: Path) -> None:
        self._session = session
        self._tokenizer_path = tokenizer

    def place(self, words: Sequence[str], unwanted: Sequence[str]) -> Vector | None:
        """Return where the words lie, away from what is not wanted; see the port."""
        texts = [" ".join(part) for part in (words, unwanted) if part]
        if not texts:
            return None
        found = self.embed([f"{text} music" for text in texts])
        if not unwanted:
            return np.asarray(found[0], dtype=np.float32)
        wanted = found[0] if words else np.zeros(CLAP_SPACE.dimension, dtype=np.float32)
        return _unit(wanted - np.float32(_AWAY) * found[-1])

    def embed(self, texts: Sequence[str]) -> Array:
        """Return where texts lie, float32 ``(texts, 512)``, unit length each.

        Raises:
            UnsupportedError: The library `tokenizers` is not installed.
            CorruptFileError: The tokenizer can not be read, or the graph is another one.
        """
        [found] = self._session.run(tokens_of(self._tokenizer, texts))
        return _rows(found)

    @cached_property
    def _tokenizer(self) -> Any:
        remedy = f"make {MODEL} anew with models/export/clap.py"
        tokenizer = read_tokenizer(self._tokenizer_path, longest=_LONGEST, remedy=remedy)
        pad = tokenizer.token_to_id(_PAD)
        if pad is None:
            raise CorruptFileError(f"{self._tokenizer_path} has no {_PAD}: it is not RoBERTa's tokenizer")
        tokenizer.enable_padding(pad_id=pad, pad_token=_PAD)
        return tokenizer


def log_mel(mono: Samples) -> Array:
    """Turn one window into what the audio tower sees.

    Power spectrum of 1024 points (Hann, a hop of 480, the signal mirrored at its ends), 64 mel bands of equal area
    after Slaney from 50 Hz to 14 kHz, in dB over 1 and not below -100 dB.

    Args:
        mono: float32 ``(1, frames)`` at 48 kHz, at least one frame; of more than 10 s the first are taken, less is
            repeated as often as it fits whole and then filled up with silence, as in the model's training.

    Returns:
        float32 ``(1001, 64)``.

    Raises:
        InvalidInputError: There is no frame.
    """
    heard = mono[0, :WINDOW_FRAMES].astype(np.float64)
    if not len(heard):
        raise InvalidInputError("a window has to hold at least one frame")
    repeated = np.tile(heard, WINDOW_FRAMES // len(heard))
    signal = np.pad(repeated, (0, WINDOW_FRAMES - len(repeated)))
    padded = np.pad(signal, _POINTS // 2, mode="reflect")
    hops = np.lib.stride_tricks.sliding_window_view(padded, _POINTS)[::_HOP]
    window = np.hanning(_POINTS + 1)[:-1]
    power = np.abs(rfft(hops * window, axis=1)) ** 2
    mel = np.maximum(power @ _mel_filters().T, _FLOOR)
    return np.asarray(10.0 * np.log10(mel), dtype=np.float32)


@cache
def _mel_filters() -> npt.NDArray[np.float64]:
    """Return ``(64, 513)``."""
    return mel_filters(BANDS, low_hz=_LOWEST_HZ, high_hz=_HIGHEST_HZ, points=_POINTS, sample_rate_hz=SAMPLE_RATE_HZ)


def _rows(found: npt.NDArray[np.float32]) -> Array:
    """Return what a tower gave; raise `CorruptFileError` where it is of another length than the space's."""
    if found.ndim != 2 or found.shape[1] != CLAP_SPACE.dimension:
        raise CorruptFileError(
            f"a graph of {MODEL} gives {list(found.shape)}, not [any, {CLAP_SPACE.dimension}]: make it anew with "
            "models/export/clap.py"
        )
    return np.asarray(found, dtype=np.float32)


def _unit(vector: npt.NDArray[np.float32]) -> Vector:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), _SMALLEST), dtype=np.float32)
