"""The errors that the command line turns into a message and an exit code."""

from backbones.errors import UserError, unknown_name

__all__ = ["RunFailed", "UserError", "unknown_name"]


class RunFailed(Exception):
    """A run that could not be finished through no mistake of the user's; what was computed is kept."""

    exit_code = 1
