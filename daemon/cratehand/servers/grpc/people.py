"""Whose name stands in the history where a caller gave none."""

import getpass


def user_name() -> str:
    """Return the login name of whoever runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
