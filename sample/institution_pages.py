"""What the sites of the sample institutions share: a page in any charset, a profile, and what must be kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from sample.companies import Company
from sample.http import Response, not_found, page, text
from sample.prose import passages

#: A site: a path with its query -> the page; "/index.html" stands for "/" too.
Pages = Mapping[str, Callable[[], Response]]


@dataclass(frozen=True, slots=True)
class Kept:
    """One page that a crawl must keep: its path with its query, its title, and what it is."""

    path: str
    title: str
    kind: str


@dataclass(frozen=True, slots=True)
class Institution:
    """One site: what is special about its layout, its pages, and which of them must be kept."""

    layout: str
    pages: Callable[[], Pages]
    kept: Callable[[], tuple[Kept, ...]]
    endless: Callable[[str], Response | None] = lambda path: None

    def answer(self, path: str) -> Response:
        """Return the page of a path with its query, or that there is none."""
        render = self.pages().get(path + "index.html" if path.endswith("/") else path)
        return render() if render is not None else self.endless(path) or not_found()


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of a glossary; paragraphs are plain text."""

    headword: str
    reading: str
    english: str
    paragraphs: tuple[str, ...]
    related: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skin:
    """How an institution's pages look, and in which charset they are, say they are, and are said to be."""

    owner: str
    codec: str = "utf-8"
    declared: str = ""  # in the page's head
    header: str = ""  # in the Content-Type

    def dressed(self, title: str, main: str, *, head: str = "", body: str = "") -> Response:
        """Return a page with the institution's menu around ``main``; ``body`` instead of all of that."""
        body = body or (
            f'<body>\n<div id="header"><a href="/index.html"><img src="/img/logo.gif" alt="{self.owner}"></a>'
            '<ul class="menu"><li>個人のお客さま</li><li>法人のお客さま</li><li>株主・投資家の皆さま</li></ul></div>\n'
            f'<div id="main">\n<h1>{escape(title)}</h1>\n{main}\n</div>\n'
            f'<div id="footer"><p>Copyright (C) {self.owner} All Rights Reserved.</p></div>\n</body>'
        )
        declared = (
            f'<meta http-equiv="Content-Type" content="text/html; charset={self.declared}">\n'
            if self.declared
            else ""
        )
        markup = (
            f'<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">\n<html lang="ja">\n<head>\n{declared}'
            f"<title>{escape(title)}｜{self.owner}</title>\n{head}</head>\n{body}\n</html>\n"
        )
        charset = f"; charset={self.header}" if self.header else ""
        return page(markup.encode(self.codec), f"text/html{charset}")


def written(name: str) -> tuple[Term, ...]:
    """Return the terms of one file of texts, in the order written."""
    found = []
    for key, body in passages(f"institutions/{name}.txt").items():
        headword, reading, english = key.split("|")
        lines = body.splitlines()
        related = next((line.removeprefix("関連: ") for line in lines if line.startswith("関連: ")), "")
        prose = "\n".join(line for line in lines if not line.startswith("関連: "))
        paragraphs = tuple(part.strip() for part in prose.split("\n\n") if part.strip())
        found.append(Term(headword, reading, english, paragraphs, tuple(related.split())))
    return tuple(found)


def paragraphs(lines: tuple[str, ...]) -> str:
    """Return paragraphs of plain text as HTML."""
    return "\n".join(f"<p>{escape(line)}</p>" for line in lines)


def profile(rows: Mapping[str, str], note: str = "") -> str:
    """Return the table of a company's profile, with a sentence below it."""
    cells = "\n".join(
        f'<tr><th scope="row">{label}</th><td>{escape(value)}</td></tr>' for label, value in rows.items()
    )
    return f'<table class="outline" border="1" summary="会社概要">\n{cells}\n</table>\n<p>{note}</p>'


def company_rows(company: Company, president: str, founded: str) -> dict[str, str]:
    """Return the rows of a sample company's profile, as its annual report has them."""
    latest = company.years[-1]
    return {
        "商号": f"{company.name}（英文名　{company.name_en}）",
        "本店所在地": company.address,
        "設立": founded,
        "資本金": f"{company.capital // company.unit:,}{company.unit_name}（{latest.end.year}年{latest.end.month}月末現在）",
        "代表者": president,
        "事業内容": company.business,
        "従業員数": f"{latest.employees:,}名（連結）",
        "証券コード": company.sec_code[:4],
    }


def robots(*folders: str) -> Callable[[], Response]:
    """Return what answers for a robots.txt that forbids some folders."""
    return lambda: text("User-agent: *\n" + "".join(f"Disallow: {folder}\n" for folder in folders))
