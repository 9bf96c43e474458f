"""Paths as a person types them."""

import os
from pathlib import Path


def absolute(path: Path) -> Path:
    """Return a path from the root, ``~`` taken apart, symbolic links as the person named them."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links


def absolute_reference(reference: str) -> str:
    """Return a TRACK argument for another process: a path that is there becomes absolute, an id stays."""
    path = absolute(Path(reference))
    return str(path) if os.sep in reference or path.exists() else reference
