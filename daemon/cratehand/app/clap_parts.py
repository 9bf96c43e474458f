"""CLAP, put together from the folder of models: what hears tracks, and what reads words."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cratehand.app.clock import SystemClock
from cratehand.domain.embedding import CLAP_SPACE
from cratehand.domain.errors import UnsupportedError
from cratehand.domain.model import Model
from cratehand.domain.model_ports import SoundPlacer, TextListener

if TYPE_CHECKING:
    from cratehand_models.session import ModelSession
    from cratehand_models.store import WeightsStore

_NAME: Final = CLAP_SPACE.model


def clap_is_here(models: Path) -> bool:
    """Whether CLAP was made and what runs it is installed."""
    # A look at the folder first: the manifest costs more to read than most searches take.
    if not any(models.glob(f"{_NAME}-*")) or find_spec("onnxruntime") is None or find_spec("tokenizers") is None:
        return False
    model, store = _entry(models)
    return store.is_present(model)


def clap_sound(models: Path) -> SoundPlacer:
    """Return what hears tracks, on one thread of the processor: a worker has its core to itself.

    Raises:
        NotFoundError: It was not made yet.
        UnsupportedError: ONNX Runtime is not installed.
    """
    from cratehand_models.clap import AUDIO_FILE, HEARS, ClapSound

    return ClapSound(_session(models, AUDIO_FILE, HEARS))


def clap_words(models: Path) -> TextListener:
    """Return what reads words; raises as `clap_sound`. It runs on the processor: a query has ten words."""
    from cratehand_models.clap import READS, TEXT_FILE, TOKENIZER_FILE, ClapWords

    model, store = _entry(models)
    return ClapWords(_session(models, TEXT_FILE, READS), store.paths(model)[TOKENIZER_FILE])


def _session(models: Path, file: str, inputs: Sequence[str]) -> "ModelSession":
    from cratehand_models.clap import tower
    from cratehand_models.providers import ProviderChoice
    from cratehand_models.session import ModelSession

    if find_spec("onnxruntime") is None:
        raise UnsupportedError('ONNX Runtime is not installed: pip install "cratehand[cpu]" or "cratehand[gpu]"')
    model, store = _entry(models)
    processor = ProviderChoice(name="cpu", reason="cpu: one window or one line of text at a time")
    return ModelSession(tower(model, inputs), store.paths(model)[file], choice=processor, clock=SystemClock())


def _entry(models: Path) -> "tuple[Model, WeightsStore]":
    from cratehand_models.manifest import shipped_manifest
    from cratehand_models.store import WeightsStore

    return shipped_manifest()[_NAME], WeightsStore(models)
