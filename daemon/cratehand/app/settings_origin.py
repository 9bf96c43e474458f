"""Where a setting comes from, and what is wrong with it, in words a person can act on."""

import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from cratehand.domain.errors import InvalidInputError, UnavailableError

ENV_PREFIX: Final = "CRATEHAND__"
COMMAND_LINE: Final = "command line"
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One source of settings: section → key → value."""

    name: str
    """``command line``, ``env``, or ``file /path``."""
    values: Mapping[str, Any]


def env_name(section: str, key: str) -> str:
    """Return the environment variable of a setting."""
    return f"{ENV_PREFIX}{section.upper()}__{key.upper()}"


def read_toml(file: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InvalidInputError: It is no TOML; the message names line and column.
        UnavailableError: It can not be opened.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file} is no TOML: {error}") from error
    except OSError as error:
        raise UnavailableError(f"{file} can not be read: {error.strerror or error}: check its rights") from error


def split_list(value: object) -> object:
    """Turn the text of an environment variable into a list: JSON, or parts between the platform's path separators."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is no JSON list: {error}") from error
    return [part for part in value.split(os.pathsep) if part]


def unknown_keys(layer: Layer, sections: Mapping[str, Sequence[str]]) -> list[str]:
    """Return one line for each section or key that does not exist, with the nearest one that does."""
    faults = []
    for section, keys in layer.values.items():
        if section not in sections:
            faults += [_unknown_section(layer, section, keys, sections)]
        elif isinstance(keys, Mapping):
            faults += [_unknown_key(layer, section, key, sections) for key in keys if key not in sections[section]]
        elif layer.name != "env":
            faults += [f"{_place(layer)}: {section} is a section: write [{section}] on a line of its own"]
    return faults


def _unknown_section(layer: Layer, section: str, keys: object, sections: Mapping[str, Sequence[str]]) -> str:
    if layer.name == "env":
        first = next(iter(keys), "") if isinstance(keys, Mapping) else ""
        name = env_name(section, first) if first else f"{ENV_PREFIX}{section.upper()}"
        return f"environment: {name} is no setting: {_nearest_env(section, first, sections)}"
    if isinstance(keys, Mapping):
        near = difflib.get_close_matches(section, sections, n=1, cutoff=0.5)
        hint = f"did you mean [{near[0]}]?" if near else f"there are {_listed(f'[{name}]' for name in sections)}"
        return f"{_place(layer)}: there is no section [{section}]: {hint}"
    return f"{_place(layer)}: {section} stands in no section: {_nearest_anywhere(section, sections)}"


def _unknown_key(layer: Layer, section: str, key: str, sections: Mapping[str, Sequence[str]]) -> str:
    if layer.name == "env":
        return f"environment: {env_name(section, key)} is no setting: {_nearest_env(section, key, sections)}"
    near = difflib.get_close_matches(key, sections[section], n=1)
    if near:
        return f"{_place(layer)}: [{section}] {key} is no setting: did you mean {near[0]}?"
    return f"{_place(layer)}: [{section}] {key} is no setting: {_nearest_anywhere(key, sections, home=section)}"


def _nearest_anywhere(key: str, sections: Mapping[str, Sequence[str]], *, home: str = "") -> str:
    places = {name: section for section, names in sections.items() for name in names}
    if near := difflib.get_close_matches(key, places, n=1):
        return f"did you mean {near[0]} in [{places[near[0]]}]?"
    if home:
        return f"[{home}] has {_listed(sections[home])}"
    return f"there are {_listed(f'[{name}]' for name in sections)}"


def _nearest_env(section: str, key: str, sections: Mapping[str, Sequence[str]]) -> str:
    names = [env_name(known, name) for known, keys in sections.items() for name in keys]
    near = difflib.get_close_matches(env_name(section, key), names, n=1, cutoff=0.0)
    return f"did you mean {near[0]}?"


def wrong_values(error: ValidationError, layers: Sequence[Layer]) -> list[str]:
    """Return one line for each value that can not be, with where it stands."""
    lines = []
    for fault in error.errors():
        section, key = (*(str(part) for part in fault["loc"][:2]), "")[:2]
        origin = origin_of(section, key, layers)
        message = fault["msg"].removeprefix("Value error, ")
        given = "" if "Value error" in fault["msg"] else f", not {fault['input']!r}"
        what = f"[{section}] {key}" if key else f"[{section}]"
        if origin.startswith("env "):
            lines.append(f"environment: {env_name(section, key)}: {_lower(message)}{given}")
        else:
            lines.append(f"{origin.removeprefix('file ')}: {what}: {_lower(message)}{given}")
    return lines


def origin_of(section: str, key: str, layers: Sequence[Layer]) -> str:
    """Return the name of the highest layer that sets a key; `DEFAULT` where none does."""
    for layer in layers:
        keys = layer.values.get(section)
        if keys is not None and (not key or not isinstance(keys, Mapping) or key in keys):
            return f"env {env_name(section, key)}" if layer.name == "env" else layer.name
    return DEFAULT


def _place(layer: Layer) -> str:
    return layer.name.removeprefix("file ")


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
