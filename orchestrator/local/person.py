"""Who works at this machine: the name that goes on record for what is asked for here."""

import getpass


def os_user() -> str:
    """Give the name of the user that the operating system says this program runs for."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user may have a number and no name
        return "a user without a name"
