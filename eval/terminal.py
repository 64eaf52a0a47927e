"""What the commands of this stage print with: a screen of the right width, and remarks that are said once."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape


def screen() -> Console:
    """Return the console to print to, which breaks no line of a table where the output is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=1000)


def say(console: Console, text: str) -> None:
    """Print one line of text as it is, whatever signs it holds; only the terminal breaks it."""
    console.print(escape(text), soft_wrap=True, highlight=False)


def remarks(console: Console, told: Iterable[tuple[str, str]]) -> None:
    """Print each remark once, after the names of all that it holds for; the empty ones not at all."""
    names: dict[str, list[str]] = {}
    for name, remark in told:
        if remark and name not in names.setdefault(remark, []):
            names[remark].append(name)
    for remark, those in names.items():
        say(console, f"{', '.join(those)}: {remark}")
