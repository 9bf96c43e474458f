"""The models of this installation: the manifest, the folder of their weights, and what brings them."""

from collections.abc import Mapping
from dataclasses import dataclass

from cratehand.app.data_folder import DataFolder
from cratehand.app.finding import Finding, good, note
from cratehand.app.settings import Settings
from cratehand.domain.model import Model
from cratehand_models.fetching import WeightsFetcher
from cratehand_models.manifest import find_model, shipped_manifest
from cratehand_models.providers import ProviderChoice, choose_provider
from cratehand_models.store import WeightsStore


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


def provider_choice(settings: Settings) -> ProviderChoice:
    """Choose what runs the models here; raises as `choose_provider`, `ImportError` where ONNX Runtime is missing."""
    import onnxruntime

    return choose_provider(settings.models.provider, onnxruntime.get_available_providers())


def check_models(settings: Settings, folder: DataFolder) -> list[Finding]:
    """Look at what runs models, and which of them are here."""
    try:
        import onnxruntime
    except ImportError:
        return [note("models", "ONNX Runtime is not installed", 'pip install "cratehand[cpu]" or "cratehand[gpu]"')]
    choice = provider_choice(settings)
    parts = model_parts(settings, folder)
    here = [model.name for model in parts.models.values() if parts.store.is_present(model)]
    runs = good("model provider", f"{choice.reason} (ONNX Runtime {onnxruntime.__version__})")
    missing = "`cratehand models list` shows all, `cratehand models fetch NAME` brings one"
    return [runs, good("models", ", ".join(here)) if here else note("models", "none is here", missing)]
