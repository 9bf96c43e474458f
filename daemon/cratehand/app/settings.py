"""The settings: which there are, what they may be, and where each value comes from.

One file is read, the first of these that is given or there: ``--config``, ``CRATEHAND_CONFIG``,
``<data folder>/cratehand.toml``, ``<config folder of the platform>/cratehand.toml``. Above it stands the environment
(``CRATEHAND__SECTION__KEY``), above that the command line, below it the defaults.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as EnvironmentValueError

from cratehand.app.settings_origin import (
    COMMAND_LINE,
    DEFAULT,
    ENV_PREFIX,
    Layer,
    env_name,
    origin_of,
    read_toml,
    split_list,
    unknown_keys,
    wrong_values,
)
from cratehand.app.shared_folders import parse_resource, parse_shared_folders
from cratehand.domain.cue_rules import DEFAULT_CUE_RULES, parse_cue_rules
from cratehand.domain.errors import InvalidInputError, NotFoundError

FILE_NAME: Final = "cratehand.toml"
CONFIG_VARIABLE: Final = "CRATEHAND_CONFIG"


class SettingsError(InvalidInputError):
    """The settings can not be used; the message has one line per fault: where, which key, what is wrong."""


def _absolute(value: object) -> object:
    """Take ``~`` apart; a path that depends on where a program was started is no setting."""
    if isinstance(value, str):
        value = Path(value)
    if not isinstance(value, Path):
        return value
    path = value.expanduser()
    if not path.is_absolute():
        raise ValueError(f"{str(value)!r} is not absolute: write the whole path, or begin it with ~/")
    return path


def _rekordbox(value: object) -> object:
    return value if value in {"auto", "off"} or not isinstance(value, str | Path) else str(_absolute(value))


def _hours(value: object) -> object:
    if isinstance(value, str) and value:
        from cratehand.usecases.quiet import parse_hours  # brings numpy along, which most calls do without

        try:
            parse_hours(value)
        except InvalidInputError as error:
            raise ValueError(str(error)) from error
    return value


def _cue_pads(value: tuple[str, ...]) -> tuple[str, ...]:
    try:
        parse_cue_rules(value)
    except InvalidInputError as error:
        raise ValueError(str(error)) from error
    return value


def _shared_folders(value: tuple[str, ...]) -> tuple[str, ...]:
    try:
        parse_shared_folders(value)
    except InvalidInputError as error:
        raise ValueError(str(error)) from error
    return value


def _resources(value: tuple[str, ...]) -> tuple[str, ...]:
    try:
        for rule in value:
            parse_resource(rule)
    except InvalidInputError as error:
        raise ValueError(str(error)) from error
    return value


def default_workers() -> int:
    """Return one fewer than the processors this process may use, at least one."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 2
    return max(1, cores - 1)


AbsolutePath = Annotated[Path, BeforeValidator(_absolute)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """One ``[section]`` of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WatchSettings(Section):
    """What is looked at."""

    folders: Annotated[tuple[AbsolutePath, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Folders of music."""
    ignore: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Patterns of paths that are never music, as in ``.gitignore``."""
    rekordbox: Annotated[str, BeforeValidator(_rekordbox)] = "auto"
    """``auto``, ``off``, or the path of a ``master.db``."""
    sweep_minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60)] = 30.0
    """How often all folders are looked through for what events missed."""
    settle_s: Annotated[float, Field(ge=0.1, le=600)] = 2.0
    """How long a file must have stood still before it counts as landed."""
    poll: bool = False
    """Look at all folders on a timer instead of waiting for events; network shares always are."""


class ServerSettings(Section):
    """Where the servers listen; port 0 picks a free one."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    grpc_port: Port = 50551
    osc_port: Port = 9200
    http_port: Port = 9280


class MasterSettings(Section):
    """The Postgres master; an empty URL means this device alone."""

    url: SecretStr = SecretStr("")
    collection: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "main"
    """Which of the collections on it; each is a name space of its own with its own sharing."""


class ModelSettings(Section):
    """Where model weights come from, and what runs them."""

    mirror: str = ""
    provider: Annotated[str, Field(min_length=1)] = "auto"
    threads: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=default_workers)
    """Threads of one model on the processor."""


class AnalysisSettings(Section):
    """When and with how much of the machine tracks are analysed."""

    workers: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=default_workers)
    cluster: Annotated[str, Field(pattern=r"^$|^(tcp|tls|ws|wss)://[^\s/]+$")] = ""
    """A Dask scheduler whose workers analyse in the place of processes of our own, e.g. ``tcp://studio:8786``."""
    cluster_folders: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(_shared_folders)
    ] = ()
    """Folders that those workers see elsewhere, ``HERE=THERE``, e.g. ``/Users/anna/Music=/mnt/music``."""
    cluster_resources: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(_resources)
    ] = ()
    """What a worker has to offer to be given an analysis, e.g. ``GPU=1``; see ``dask worker --resources``."""
    cluster_stems: bool = False
    """Whether stems are made by those workers, too; they need the models."""
    cluster_stem_resources: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(_resources)
    ] = ()
    """What a worker has to offer to be given a separation, e.g. ``GPU=1``."""
    hours: Annotated[str, BeforeValidator(_hours)] = ""
    """Window of local time in which background work may run, e.g. ``22:00-06:30``; empty is always."""
    clap: bool = False
    """Whether tracks are also placed by CLAP, for search by words, where it was made (``cratehand models show clap``);
    costs up to 6 s of processor a track."""
    on_battery: bool = True
    """Whether background work may run on battery."""


class UpgradeSettings(Section):
    """What happens with a better copy of a track."""

    policy: Literal["review", "automatic"] = "review"
    """``review``: plans wait for you; ``automatic``: better copies are swapped in as they land."""
    trash_days: Annotated[float, Field(gt=0, le=3650)] = 30.0
    """How long replaced files are kept, and so for how long plans can be undone."""
    write_rekordbox: bool = False
    """Whether Rekordbox's own database is written to, each time it has been closed; else you import XML."""


class ExportSettings(Section):
    """What goes out to Rekordbox."""

    cue_pads: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(_cue_pads)] = (
        DEFAULT_CUE_RULES
    )
    """Pad and colour of each kind of suggested cue, e.g. ``drop=B:#E62828``."""


class LogSettings(Section):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(BaseSettings):
    """All settings, read once at the start and handed on as values."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    watch: WatchSettings = WatchSettings()
    servers: ServerSettings = ServerSettings()
    master: MasterSettings = MasterSettings()
    models: ModelSettings = Field(default_factory=ModelSettings)
    analysis: AnalysisSettings = Field(default_factory=AnalysisSettings)
    upgrade: UpgradeSettings = UpgradeSettings()
    export: ExportSettings = ExportSettings()
    logs: LogSettings = LogSettings()


SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(section.annotation.model_fields)
    for name, section in Settings.model_fields.items()
    if isinstance(section.annotation, type) and issubclass(section.annotation, BaseModel)
}
"""Every section and its keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSettings:
    """The settings, the file they were read from, and where each value comes from."""

    settings: Settings
    file: Path | None
    """None where there is no file."""
    origins: Mapping[tuple[str, str], str]
    """Section and key to ``command line``, ``env CRATEHAND__...``, ``file /path`` or ``default``."""

    def plain(self) -> dict[str, dict[str, Any]]:
        """Return section → key → JSON-able value; secrets are masked."""
        return self.settings.model_dump(mode="json")


def default_config_file() -> Path:
    """Return the platform's own place for the settings."""
    return Path(platformdirs.user_config_dir("cratehand", appauthor=False)) / FILE_NAME


def find_config_file(explicit: Path | None, *, data_dir: Path) -> Path | None:
    """Return the file to read, None where there is none.

    Raises:
        NotFoundError: The file that was asked for is not there.
    """
    named = explicit or (Path(value) if (value := os.environ.get(CONFIG_VARIABLE)) else None)
    if named is not None:
        named = named.expanduser().absolute()
        if not named.is_file():
            what = "is a folder" if named.is_dir() else "does not exist"
            raise NotFoundError(f"{named} {what}: --config and {CONFIG_VARIABLE} name a settings file")
        return named
    for candidate in (data_dir / FILE_NAME, default_config_file()):
        if candidate.is_file():
            return candidate
    return None


def load_settings(
    *, data_dir: Path, config: Path | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None
) -> LoadedSettings:
    """Read the settings.

    Args:
        data_dir: The data folder, which may hold the file.
        config: A file that was named on the command line.
        overrides: Section → key → value from the command line.

    Raises:
        SettingsError: Unknown keys or wrong values, one line each with where they stand.
        NotFoundError: The file that was asked for is not there.
        UnavailableError: The file can not be read.
    """
    file = find_config_file(config, data_dir=data_dir)
    given = Layer(name=COMMAND_LINE, values={name: dict(keys) for name, keys in (overrides or {}).items()})
    stored = Layer(name=f"file {file}", values=read_toml(file) if file else {})
    faults = unknown_keys(stored, SECTIONS) + unknown_keys(_environment_names(), SECTIONS)
    if faults:
        raise SettingsError("\n".join(faults))
    try:
        environment = Layer(name="env", values=EnvSettingsSource(Settings)())
        settings = _settings_class(stored.values)(**given.values)
    except EnvironmentValueError as error:
        raise SettingsError(f"environment: {error}: write a section as JSON, or set its keys one by one") from error
    except ValidationError as error:
        layers = (given, Layer(name="env", values=_environment_names().values), stored)
        raise SettingsError("\n".join(wrong_values(error, layers))) from error
    origins = {
        (section, key): origin_of(section, key, (given, environment, stored))
        for section, keys in SECTIONS.items()
        for key in keys
    }
    return LoadedSettings(settings=settings, file=file, origins=origins)


def _settings_class(stored: Mapping[str, Any]) -> type[Settings]:
    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=dict(stored))

    return Loaded


def _environment_names() -> Layer:
    """Return the variables of ours as section → key → text."""
    values: dict[str, Any] = {}
    for variable, text in os.environ.items():
        if variable.upper().startswith(ENV_PREFIX):
            section, _, key = variable[len(ENV_PREFIX) :].lower().partition("__")
            values.setdefault(section, {}).update({key: text} if key else _section_of(text))
    return Layer(name="env", values=values)


def _section_of(text: str) -> dict[str, Any]:
    """Read a whole section written as a JSON object; what is none is left to the validation."""
    try:
        section = json.loads(text)
    except ValueError:
        return {}
    return section if isinstance(section, dict) else {}


__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT",
    "FILE_NAME",
    "SECTIONS",
    "LoadedSettings",
    "Settings",
    "SettingsError",
    "default_config_file",
    "env_name",
    "find_config_file",
    "load_settings",
]
