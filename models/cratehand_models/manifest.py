"""The manifest: every model that cratehand can run, where its weights come from, and what may be done with them."""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from cratehand.domain.errors import InternalError, NotFoundError
from cratehand.domain.model import Model, ModelFile, ModelTask, ModelTensor

FILE_NAME: Final = "manifest.toml"

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
_FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Source = Annotated[
    str,
    StringConstraints(
        pattern=r"^(https://\S+|(?:pypi|sdist):[A-Za-z0-9._-]+==[^#\s]+#\S+|npm:\S+@[^#\s]+#\S+"
        r"|package:[A-Za-z0-9._-]+|made:[A-Za-z0-9._/-]+)$"
    ),
]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Tensor(_Entry):
    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"


class _File(_Entry):
    name: _FileName
    sha256: _Digest | None = None
    size_bytes: Annotated[int, Field(gt=0)] | None = None
    sources: Annotated[tuple[_Source, ...], Field(min_length=1)]
    conversion: Literal["pickled_arrays", "half_precision"] | None = None
    download_bytes: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _digest_unless_made(self) -> Self:
        made = {source.startswith("made:") for source in self.sources}
        known = {self.sha256 is not None, self.size_bytes is not None}
        if len(made) != 1 or known != {not made.pop()}:
            raise ValueError(f"{self.name}: a file has digest and size, or is made; all its sources say the same")
        return self


class _Model(_Entry):
    version: Annotated[str, Field(min_length=1)]
    task: ModelTask
    about: str
    licence_code: str
    licence_weights: str
    commercial_use: bool
    sample_rate_hz: Annotated[int, Field(gt=0)] | None = None
    inputs: tuple[_Tensor, ...] = ()
    outputs: tuple[_Tensor, ...] = ()
    files: Annotated[tuple[_File, ...], Field(min_length=1)]


class _Manifest(_Entry):
    models: dict[_Name, _Model]


def parse_manifest(text: str) -> Mapping[str, Model]:
    """Read a manifest; the order of the file is kept.

    Raises:
        InternalError: It is not as a manifest has to be: the manifest is ours, so that is a bug of ours.
    """
    try:
        read = _Manifest.model_validate({"models": tomllib.loads(text)})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InternalError(f"the manifest of the models is broken: {error}") from error
    return {name: _domain(name, entry) for name, entry in read.models.items()}


@cache
def shipped_manifest() -> Mapping[str, Model]:
    """Return the manifest inside the package."""
    return parse_manifest(resources.files(__package__).joinpath(FILE_NAME).read_text(encoding="utf-8"))


def find_model(name: str, models: Mapping[str, Model]) -> Model:
    """Return the model of that name.

    Raises:
        NotFoundError: There is none; the message names the nearest.
    """
    if (model := models.get(name)) is not None:
        return model
    near = get_close_matches(name, models, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`cratehand models list` shows all"
    raise NotFoundError(f"there is no model {name!r}: {hint}")


def _domain(name: str, entry: _Model) -> Model:
    return Model(
        name=name,
        version=entry.version,
        task=entry.task,
        about=entry.about,
        licence_code=entry.licence_code,
        licence_weights=entry.licence_weights,
        commercial_use=entry.commercial_use,
        sample_rate_hz=entry.sample_rate_hz,
        inputs=_tensors(entry.inputs),
        outputs=_tensors(entry.outputs),
        files=tuple(
            ModelFile(
                name=file.name,
                sha256=file.sha256,
                size_bytes=file.size_bytes,
                sources=file.sources,
                conversion=file.conversion,
                download_bytes=file.download_bytes,
            )
            for file in entry.files
        ),
    )


def _tensors(entries: Sequence[_Tensor]) -> tuple[ModelTensor, ...]:
    return tuple(ModelTensor(name=entry.name, shape=entry.shape, dtype=entry.dtype) for entry in entries)
