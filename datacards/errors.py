"""The errors a user can mend; the command line prints them without a traceback."""

import errno
from unicodedata import category

import click


class UserError(click.ClickException):
    """Something the user gave or asked for cannot be used, and the message says what to do.

    Printed as ``<where>: <what was received>; <what is allowed>; <what to do>``. Being a click exception it
    ends a command with status 1 and one line, while library callers may catch it like any other.
    """

    def __init__(self, where: str, received: str, allowed: str = "", todo: str = "") -> None:
        self.where, self.received, self.allowed, self.todo = where, received, allowed, todo
        super().__init__(f"{where}: " + "; ".join(part for part in (received, allowed, todo) if part))

    def format_message(self) -> str:
        """Return the message as a terminal gets it: names and texts of other people that stand in it steer nothing there."""
        signs = (
            sign if sign == "\n" or category(sign) not in ("Cc", "Cf", "Cs") else "\ufffd"
            for sign in self.message
        )
        return "".join(signs)

    def __reduce__(self) -> tuple[type["UserError"], tuple[str, str, str, str]]:
        """Let an error that a job raised in another process arrive here whole."""
        return type(self), (self.where, self.received, self.allowed, self.todo)


def from_os_error(error: OSError, where: str) -> UserError:
    """Turn an operating-system error met while writing a version into one clear message."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(
            where,
            "the disk is full",
            "nothing that was finished is lost",
            "free some space and run the same command again: it goes on where it stopped",
        )
    return UserError(
        where,
        f"{error.strerror or error} ({error.filename})" if error.filename else f"{error.strerror or error}",
        todo="mend that and run the same command again",
    )
