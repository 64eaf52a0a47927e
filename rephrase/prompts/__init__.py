"""Prompt files, one per style and version; their digest goes into the log and so into the version."""

from importlib.resources import files

from datacards.errors import UserError


def template(style: str, version: str) -> str:
    """Return the prompt of a style, with ``{passage}`` where the document goes; raise UserError if unknown."""
    folder = files("rephrase.prompts")
    name = f"{style}.{version}.txt"
    known = sorted(item.name for item in folder.iterdir() if item.name.endswith(".txt"))
    if name not in known:
        raise UserError("prompts", f"no prompt file '{name}'", f"known: {', '.join(known)}")
    return (folder / name).read_text(encoding="utf-8")


def fill(prompt: str, passage: str) -> str:
    """Return the prompt for one passage."""
    return prompt.replace("{passage}", passage.strip())
