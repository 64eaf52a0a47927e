"""A report as LaTeX for LuaLaTeX (Japanese through luatexja): booktabs tables, each in a file of its own, figures as PDF."""

from collections.abc import Iterable
from typing import Any

import pymupdf

from datacards.render.markup import visible
from eval.report.blocks import Block, Document, Example, Grid, Lines, Picture, Value, Words
from eval.report.markdown import FIGURES

TABLES = "tables"
SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    "-": "-{}", "[": "{[}", "]": "{]}", "±": r"\textpm{}", "–": r"\textendash{}", "…": r"\textellipsis{}",
}  # fmt: skip
_TABLE = str.maketrans(SIGNS)
_PREAMBLE = r"""% Needs LuaLaTeX with luatexja, booktabs, longtable, graphicx and geometry: lualatex report.tex
\documentclass[10pt]{article}
\usepackage{luatexja}
\usepackage[a4paper,landscape,margin=18mm]{geometry}
\usepackage{booktabs,longtable,graphicx}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\raggedbottom
\begin{document}
"""


def escaped(value: object) -> str:
    """Return a value as LaTeX text of one line: no sign in it is obeyed, none is joined with its neighbor."""
    return visible(" ".join(str(value).split())).translate(_TABLE)


def page(document: Document) -> str:
    """Return ``report.tex``, which reads ``tables/*.tex`` and ``figures/*.pdf`` beside it."""
    lines = [_PREAMBLE + rf"\section*{{{escaped(document.title)}}}", escaped(document.lead)]
    lines.append(", ".join(f"{escaped(name)}: {escaped(number)}" for name, number in document.keys))
    for part in document.parts:
        lines.append(rf"\subsection*{{{escaped(part.title)}}}")
        lines += [told for block in part.blocks for told in _block(block)]
    lines.append(r"\subsection*{Where the numbers come from}")
    for trail in document.trails:
        facts = r" \par ".join(f"{escaped(name)}: {_breakable(value)}" for name, value in trail.facts)
        lines.append(rf"\textbf{{{escaped(trail.title)}}} \par {{\footnotesize {facts}\par}}")
    return "\n\n".join([*lines, escaped(document.foot), r"\end{document}"]) + "\n"


def tables(document: Document) -> dict[str, str]:
    """Return every table as a longtable of booktabs, by its key."""
    return {b.key: _grid(b) for part in document.parts for b in part.blocks if isinstance(b, Grid)}


def pdf(svg: str) -> bytes:
    """Return a figure as PDF; the same figure gives the same bytes."""
    document: Any = pymupdf.open
    with document("svg", svg.encode()) as drawn, document("pdf", drawn.convert_to_pdf()) as made:
        made.set_metadata({})
        data: bytes = made.tobytes(garbage=4, deflate=True, no_new_id=True)
    return data


def _block(block: Block) -> Iterable[str]:
    if isinstance(block, Words):
        label = rf"\textbf{{{escaped(block.label)}}}: " if block.label else ""
        size = r"\footnotesize " if block.soft else ""
        yield f"{{{size}{label}{escaped(block.text)}\\par}}"
    elif isinstance(block, Picture):
        yield rf"\begin{{center}}\includegraphics[width=.7\linewidth,height=.8\textheight,keepaspectratio]{{{FIGURES}/{block.key}.pdf}}\end{{center}}"
        yield rf"{{\footnotesize {escaped(block.caption)}\par}}"
    elif isinstance(block, Example):
        yield rf"\subsubsection*{{{escaped(block.name)}}}"
        yield _quoted(block.prompt)
        for reply in block.replies:
            yield rf"\textbf{{{escaped(reply.label)}}} ({escaped(reply.note)})"
            yield _quoted(reply.text)
    elif isinstance(block, Lines):
        lines = "\n".join(rf"\item {escaped(line)}" for line in block.lines)
        yield (
            rf"\textbf{{{escaped(block.title)}}} {{\footnotesize\begin{{itemize}}"
            f"\n{lines}\n"
            r"\end{itemize}}"
        )
    else:
        yield rf"\input{{{TABLES}/{block.key}.tex}}"


def _grid(grid: Grid) -> str:
    columns = "".join("r" if place in grid.numbers else "l" for place in range(len(grid.head)))
    head = " & ".join(escaped(one) for one in grid.head)
    rows = "\n".join(" & ".join(_cell(value) for value in row) + r" \\" for row in grid.rows)
    size = r"\footnotesize" if len(grid.head) <= 8 else r"\tiny"
    title = rf"\multicolumn{{{len(grid.head)}}}{{l}}{{\textbf{{{escaped(grid.caption)}}}}}\\"
    return (
        f"% Needs booktabs, longtable and, for Japanese, luatexja.\n{{{size}\\setlength{{\\tabcolsep}}{{4pt}}\n"
        f"\\begin{{longtable}}{{{columns}}}\n{title}\n\\toprule\n{head} \\\\\n\\midrule\n\\endhead\n"
        f"{rows}\n\\bottomrule\n\\end{{longtable}}}}\n"
    )


def _cell(value: Value) -> str:
    if isinstance(value, str):
        return escaped(value)
    words = rf"\textbf{{{escaped(value.text)}}}" if value.strong else escaped(value.text)
    return rf"{words} {{\scriptsize {escaped(value.more)}}}" if value.more else words


def _quoted(said: str) -> str:
    lines = r" \par ".join(escaped(line) for line in said.splitlines() if line.strip())
    return rf"\begin{{quote}}\footnotesize {lines or '(nothing)'}\end{{quote}}"


def _breakable(value: str) -> str:
    """Return a long word such as a digest so that a line may break within it."""
    return r"\allowbreak{}".join(escaped(value[at : at + 16]) for at in range(0, len(value), 16))
