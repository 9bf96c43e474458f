"""Who types."""

import getpass


def user_name() -> str:
    """Return the login name of the person at the command line."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
