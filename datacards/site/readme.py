"""A version's README as a part of a page: what the version says of itself, word for word, and nothing that runs."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from datacards.render.markup import Markup, tag

_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)  # the hub's header
Picture = Callable[[str], Markup | None]  # a path in the version -> the picture in the page


def readme(
    text: str, *, pages: Callable[[str], str], picture: Picture
) -> tuple[Markup, list[tuple[str, str]]]:
    """Return the README ``text`` as HTML without its title, and (id, heading) of its parts.

    HTML in it is shown as text. A cell that names a version for which ``pages`` gives an address links to it;
    pictures are those that ``picture`` gives, all others and all links to files are left as words.
    """
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = list(_untitled(parser.parse(_FRONT.sub("", text.replace("\r\n", "\n"), count=1))))
    parts = _prepared(tokens)
    made = parser.renderer.render(tokens, parser.options, {"pages": pages, "picture": picture})
    return Markup(made), parts


def _untitled(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens without headings of the first level: the page has its own."""
    inside = False
    for token in tokens:
        top = token.tag == "h1" and token.type.startswith("heading")
        inside = (inside or top) and not (top and token.nesting == -1)
        if not (inside or top):
            yield token


def _prepared(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Give headings their ids and tables their captions; return the parts of the second level."""
    parts: list[tuple[str, str]] = []
    title, used = "Table", 0
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            title, used = _words(tokens[place + 1]), used + 1
            token.attrSet("id", f"part-{used}")
            if token.tag == "h2":
                parts.append((f"part-{used}", title))
        elif token.type == "table_open":
            close = next(at for at in range(place, len(tokens)) if tokens[at].type == "table_close")
            first = _tabulated(tokens[place:close])
            token.meta["caption"] = ": ".join(filter(None, [title, first]))
    return parts


def _tabulated(tokens: Sequence[Token]) -> str:
    """Give the cells of a table their scopes, numbers their side; return the first heading."""
    columns: list[list[tuple[Token, Token, str]]] = []
    column = 0
    for opened, inner, closed in zip(tokens, tokens[1:], tokens[2:], strict=False):
        column = 0 if opened.type == "tr_open" else column
        if opened.type in ("th_open", "td_open"):
            opened.attrs = {k: v for k, v in opened.attrs.items() if k != "style"}
            columns += [[]] if column == len(columns) else []
            columns[column].append((opened, closed, _words(inner)))
            column += 1
    for cells in columns:
        (head, end, title), *body = cells
        if title:
            head.attrSet("scope", "col")
        else:
            head.tag = end.tag = "td"  # what heads nothing is no heading
        said = [words for _, _, words in body if words]
        if said and all(re.fullmatch(r"[+-]?[\d,.]+(e[+-]\d+)?( %)?", words) for words in said):
            for cell, _, _ in cells:
                cell.attrSet("class", "n")
    return columns[0][0][2] if columns else ""


def _words(token: Token) -> str:
    return "".join(child.content for child in token.children or () if child.type in ("text", "code_inline"))


class _Renderer(RendererHTML):
    """Writes tables that can be scrolled and heard, and no address but those that are known."""

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        caption = tokens[idx].meta["caption"]
        label = str(tag("i", **{"aria-label": caption})).removeprefix("<i ").removesuffix("></i>")
        unseen = tag("caption", caption, class_="unseen")
        return f'<div class="scroll" tabindex="0" role="region" {label}><table>{unseen}'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def text(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        content = tokens[idx].content
        page = env["pages"](content) if len(tokens) == 1 else ""
        return str(tag("a", content, href=page) if page else tag("bdi", content))

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        known = env["picture"](str(tokens[idx].attrs.get("src", "")))
        return known if known is not None else str(tag("span", tokens[idx].content))

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        address = str(tokens[idx].attrs.get("href", ""))
        outside = address.startswith(("https://", "http://"))
        return str(tag("a", href=address, rel="noreferrer")).removesuffix("</a>") if outside else "<span>"

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        opened = next(
            t for t in reversed(tokens[:idx]) if t.type == "link_open" and t.level == tokens[idx].level
        )
        return "</a>" if str(opened.attrs.get("href", "")).startswith(("https://", "http://")) else "</span>"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _block(tokens[idx])

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _block(tokens[idx])


def _block(token: Token) -> str:
    label: dict[str, Any] = {"aria-label": f"Code, {token.info.strip()}" if token.info.strip() else "Code"}
    return str(tag("pre", tag("code", token.content), tabindex="0", role="region", **label)) + "\n"
