"""Writes a report into a folder: HTML, Markdown, LaTeX, figures, and all its numbers as JSON."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from datacards.errors import from_os_error
from eval.report import html, latex, markdown
from eval.report.blocks import Document, Picture


def write(document: Document, facts: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write all files of the report below ``folder`` and return their paths; what is there is written over.

    Raises UserError when the disk refuses.
    """
    written = []
    try:
        for name, content in _files(document, facts):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{os.getpid()}.part")
            part.write_bytes(content)
            part.replace(path)
            written.append(path)
    except OSError as error:
        raise from_os_error(error, "report") from error
    return written


def _files(document: Document, facts: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield "report.html", html.page(document).encode()
    yield "report.md", markdown.page(document).encode()
    yield "report.tex", latex.page(document).encode()
    yield "report.json", (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()
    for key, text in latex.tables(document).items():
        yield f"{latex.TABLES}/{key}.tex", text.encode()
    for part in document.parts:
        for block in part.blocks:
            if isinstance(block, Picture):
                yield f"{markdown.FIGURES}/{block.key}.svg", block.svg.encode()
                yield f"{markdown.FIGURES}/{block.key}.pdf", latex.pdf(block.svg)
