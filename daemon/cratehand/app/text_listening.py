"""What knows which sound words mean: all that is here, the best first."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from cratehand.app.clap_parts import clap_is_here, clap_words
from cratehand.app.clock import SystemClock
from cratehand.domain.model_ports import TextListener
from cratehand.usecases.sound_words import TagWords

_MODEL: Final = "minilm"


def text_listeners(models: Path) -> Sequence[TextListener]:
    """Return CLAP where it was made and can run, and behind it, for tracks it has not heard, what ranks by tags."""
    return (clap_words(models), _tag_listener(models)) if clap_is_here(models) else (_tag_listener(models),)


def _tag_listener(models: Path) -> TextListener:
    """Return MiniLM where it was fetched into the folder of models and can run, else words and a small table.

    It runs on the processor: a query has ten words.
    """
    # A look at the folder first: the manifest costs more to read than most searches take.
    if not any(models.glob(f"{_MODEL}-*")) or find_spec("onnxruntime") is None or find_spec("tokenizers") is None:
        return TagWords()
    from cratehand_models.manifest import shipped_manifest
    from cratehand_models.minilm import MiniLmTagWords
    from cratehand_models.providers import ProviderChoice
    from cratehand_models.session import ModelSession
    from cratehand_models.store import WeightsStore

    model, store = shipped_manifest()[_MODEL], WeightsStore(models)
    if not store.is_present(model):
        return TagWords()
    paths = store.paths(model)
    processor = ProviderChoice(name="cpu", reason="cpu: a query has ten words")
    session = ModelSession(model, paths["minilm.onnx"], choice=processor, clock=SystemClock())
    return MiniLmTagWords(session, paths["tokenizer.json"])
