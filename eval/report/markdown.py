"""A report as Markdown, its figures in files beside it."""

from collections.abc import Iterable

from datacards.render.markdown import Markdown, code, fenced, strong, table, text
from datacards.render.markup import visible
from eval.report.blocks import Block, Document, Example, Grid, Lines, Picture, Value, Words

FIGURES = "figures"


def page(document: Document) -> str:
    """Return the text; every name and text in it is escaped, replies stand in blocks of code."""
    lines = [f"# {text(document.title)}", text(document.lead)]
    lines.append(", ".join(f"{text(name)}: {text(number)}" for name, number in document.keys))
    for part in document.parts:
        lines += [f"## {text(part.title)}", *(told for block in part.blocks for told in _block(block))]
    lines.append("## Where the numbers come from")
    for trail in document.trails:
        facts = "\n".join(f"- {text(name)}: {code(value)}" for name, value in trail.facts)
        lines.append(f'<a id="{trail.key}"></a>\n\n### {text(trail.title)}\n\n{facts}')
    return "\n\n".join(filter(None, [*lines, text(document.foot)])) + "\n"


def _block(block: Block) -> Iterable[str]:
    if isinstance(block, Words):
        label = f"{strong(block.label)}: " if block.label else ""
        yield f"{label}{text(block.text)}"
    elif isinstance(block, Picture):
        yield f"![{text(block.told)}]({FIGURES}/{block.key}.svg)"
        yield f"*{text(block.caption)}*"
    elif isinstance(block, Example):
        yield from _example(block)
    elif isinstance(block, Lines):
        yield strong(block.title)
        yield "\n".join(f"- {text(line)}" for line in block.lines)
    else:
        yield from _grid(block)


def _grid(grid: Grid) -> Iterable[str]:
    yield strong(grid.caption)
    yield table(grid.head, [[_cell(value) for value in row] for row in grid.rows])


def _cell(value: Value) -> object:
    if isinstance(value, str):
        return value
    words = strong(value.text) if value.strong else Markdown(text(value.text))
    if value.trails:
        words = Markdown(f"[{words}](#{value.trails[0]})")
    return Markdown(f"{words} {text(value.more)}") if value.more else words


def _example(example: Example) -> Iterable[str]:
    yield f"### {text(example.name)}"
    yield fenced(_shown(example.prompt), "text")
    for reply in example.replies:
        where = f" ([{text(reply.note)}](#{reply.trail}))" if reply.trail else ""
        yield f"{strong(reply.label)}{where}:"
        yield fenced(_shown(reply.text), "text")


def _shown(said: str) -> str:
    """Return a text of several lines without signs that a terminal or a reader would obey."""
    return "\n".join(visible(line) for line in said.splitlines()) or "(nothing)"
