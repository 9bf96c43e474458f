"""Which part of the machine runs a model, and why that one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cratehand.domain.errors import InvalidInputError

CPU: Final = "CPUExecutionProvider"

PROVIDERS: Final = {
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "cpu": CPU,
}
"""The words of ``[models] provider`` and what ONNX Runtime calls them."""

# TensorRT builds an engine for minutes at the first run of each model, so it is never chosen by itself.
_BY_ITSELF: Final = ("cuda", "coreml", "directml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChoice:
    """What runs the models."""

    name: str
    """As in `PROVIDERS`."""
    reason: str
    """One line for a person."""

    @property
    def order(self) -> list[str]:
        """What ONNX Runtime is given: the chosen one, behind it the processor for what it can't do."""
        return [PROVIDERS[self.name]] if self.name == "cpu" else [PROVIDERS[self.name], CPU]


def choose_provider(wanted: str, available: Sequence[str]) -> ProviderChoice:
    """Choose by the setting and by what this build of ONNX Runtime has.

    Args:
        wanted: ``auto`` or a word of `PROVIDERS`.
        available: As ``onnxruntime.get_available_providers()`` gives them.

    Raises:
        InvalidInputError: The word is none of them.
    """
    word = wanted.strip().lower()
    if word == "auto":
        for name in _BY_ITSELF:
            if PROVIDERS[name] in available:
                return ProviderChoice(name=name, reason=f"{name}: found in this ONNX Runtime")
        return ProviderChoice(
            name="cpu",
            reason=f"cpu: this ONNX Runtime has none of {', '.join(_BY_ITSELF)}; the extra `gpu` brings cuda",
        )
    if word not in PROVIDERS:
        known = ", ".join(["auto", *PROVIDERS])
        raise InvalidInputError(f"[models] provider = {wanted!r} is not known: write one of {known}")
    if PROVIDERS[word] not in available:
        return ProviderChoice(
            name="cpu", reason=f"cpu: {word} was asked for, but this ONNX Runtime does not have it (the extra `gpu`?)"
        )
    return ProviderChoice(name=word, reason=f"{word}: as set in [models] provider")
