"""The models of this installation: the manifest, the folder of their weights, and what brings them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cratehand.app.clap_switch import check_clap
from cratehand.app.clock import SystemClock
from cratehand.app.data_folder import DataFolder
from cratehand.app.finding import Finding, good, note
from cratehand.app.process_lock import held_lock
from cratehand.app.settings import Settings
from cratehand.audio.decode import FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.stem_file import StemFilePacker
from cratehand.audio.write import FileWriter
from cratehand.domain.errors import InvalidInputError, UnsupportedError
from cratehand.domain.model import Model, ModelTask
from cratehand.usecases.stem_separation import StemSeparation, StemTools
from cratehand_models.demucs import DemucsSeparator
from cratehand_models.fetching import WeightsFetcher
from cratehand_models.manifest import find_model, shipped_manifest
from cratehand_models.providers import ProviderChoice, choose_provider
from cratehand_models.session import ModelSession
from cratehand_models.spleeter import SpleeterSeparator
from cratehand_models.store import WeightsStore

INSTALL: Final = 'pip install "cratehand[cpu]" or "cratehand[gpu]"'

_SEPARATORS: Final[Mapping[str, type[DemucsSeparator] | type[SpleeterSeparator]]] = {
    "htdemucs": DemucsSeparator,
    "spleeter-2stems": SpleeterSeparator,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelParts:
    """What works on models."""

    models: Mapping[str, Model]
    store: WeightsStore
    fetcher: WeightsFetcher

    def find(self, name: str) -> Model:
        """Return a model; raises `NotFoundError` with the nearest name."""
        return find_model(name, self.models)


def model_parts(settings: Settings, folder: DataFolder) -> ModelParts:
    """Put them together for one data folder."""
    store = WeightsStore(folder.models)
    return ModelParts(
        models=shipped_manifest(), store=store, fetcher=WeightsFetcher(store, mirror=settings.models.mirror)
    )


def stem_separation(settings: Settings, folder: DataFolder, wanted: str | None) -> tuple[StemSeparation, str]:
    """Return the use case on the model that was named, else on the best that is here; and the model's name.

    Raises:
        NotFoundError: The model does not exist, or its weights are not here.
        InvalidInputError: It makes no stems.
        UnsupportedError: ONNX Runtime is not installed.
    """
    parts = model_parts(settings, folder)
    model = _stem_model(parts, wanted)
    tools = StemTools(
        reader=FileReader(), writer=FileWriter(), digester=AudioDigester(), packer=StemFilePacker(), lock=held_lock
    )
    session = open_session(settings, parts, model)
    separator = _SEPARATORS[model.name](session, name=model.versioned_name)
    return StemSeparation(tools, separator, cache=folder.cache / "stems"), model.name


def open_session(settings: Settings, parts: ModelParts, model: Model) -> ModelSession:
    """Return a session on a model of one graph; raises `NotFoundError` where its weights are not here."""
    graph = next(path for name, path in parts.store.paths(model).items() if name.endswith(".onnx"))
    return ModelSession(
        model, graph, choice=provider_choice(settings), clock=SystemClock(), threads=settings.models.threads
    )


def _stem_model(parts: ModelParts, wanted: str | None) -> Model:
    makers = [model for model in parts.models.values() if model.task is ModelTask.STEMS]
    if wanted is None:
        return next((model for model in makers if parts.store.is_present(model)), makers[0])
    model = parts.find(wanted)
    if model.task is not ModelTask.STEMS:
        names = ", ".join(each.name for each in makers)
        raise InvalidInputError(f"{model.name} makes no stems: choose one of {names}")
    return model


def provider_choice(settings: Settings) -> ProviderChoice:
    """Choose what runs the models here.

    Raises:
        InvalidInputError: The setting names no provider.
        UnsupportedError: ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UnsupportedError(f"ONNX Runtime is not installed: {INSTALL}") from error

    return choose_provider(settings.models.provider, onnxruntime.get_available_providers())


def check_models(settings: Settings, folder: DataFolder) -> list[Finding]:
    """Look at what runs models, and which of them are here."""
    try:
        import onnxruntime
    except ImportError:
        return [note("models", "ONNX Runtime is not installed: tracks get no tags, no stems can be made", INSTALL)]
    choice = provider_choice(settings)
    parts = model_parts(settings, folder)
    here = [model.name for model in parts.models.values() if parts.store.is_present(model)]
    runs = good("model provider", f"{choice.reason} (ONNX Runtime {onnxruntime.__version__})")
    missing = "`cratehand models list` shows all, `cratehand models fetch NAME` brings one"
    found = good("models", ", ".join(here)) if here else note("models", "none is here", missing)
    return [runs, found, *check_clap(settings.analysis, folder.models)]
