"""How faithful the text of web pages is: ours against trafilatura alone, on pages whose text is known.

``python -m bench.html_text PAGE TRUTH [PAGE TRUTH ...]`` takes pairs of an HTML file and a text file, or folders with
NAME.html beside NAME.txt. Without arguments it dresses articles in the skins of ``sample.web_skins`` and takes the
central bank's speeches and the glossary of the sample world.

All figures are of characters without white space and without the signs of Markdown (``# - * | > [^1]``), full-width
forms as they are. Precision and recall are shares of runs of five characters, each counted as often as it occurs;
an order error is a paragraph of the truth that is found before the one it should follow. A number is a run of
digits with its separators; one is whole when it stands as such in the text. A mark is glued when the digits of a
footnote mark follow the word before it in the text.
"""

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click
import trafilatura
from rich.console import Console
from rich.table import Table

from corpus.document import Capture, Document
from corpus.encoding import decode
from corpus.extract import extract
from corpus.extract.tree import parse, text_of
from sample import glossary
from sample.boj_speeches import Speech, speech_page, speeches
from sample.prose import notes, passages, wide
from sample.web_skins import (
    SKINS,
    Article,
    Piece,
    footnotes,
    grid,
    heading,
    listing,
    pairs,
    paragraph,
    ruby,
)

RUN = 5
_MARKDOWN = re.compile(
    r"\[\^\w+\]:?|^\s*(?:#{1,6} |> |[-*+] |\d{1,3}\. )|\*\*|\\(?=\|)|\|[\s:|-]*", re.MULTILINE
)
_NUMBER = re.compile(r"[0-9０-９]+(?:[,.，．][0-9０-９]+)*")


class Page(NamedTuple):
    """A page with its text; ``source`` is the name by which our readers choose an adapter."""

    group: str
    url: str
    body: bytes
    truth: str
    source: str = "pages"


class Figures(NamedTuple):
    """What one extraction of one page is worth."""

    precision: float
    recall: float
    order_errors: int
    numbers: float
    glued: int
    seconds: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def bare(text: str) -> str:
    """Return text without signs of Markdown and white space."""
    return "".join(_MARKDOWN.sub(" ", text).split())


def judge(page: Page, text: str, seconds: float) -> Figures:
    """Return how well ``text`` gives back the truth of a page."""
    wanted, found = bare(page.truth), bare(text)
    ours, truth = _runs(found), _runs(wanted)
    shared = (ours & truth).total()
    numbers = Counter(_NUMBER.findall(_MARKDOWN.sub(" ", page.truth)))
    whole = numbers & Counter(_NUMBER.findall(_MARKDOWN.sub(" ", text)))
    return Figures(
        precision=shared / max(1, ours.total()),
        recall=shared / max(1, truth.total()),
        order_errors=_order_errors(page.truth, found),
        numbers=whole.total() / numbers.total() if numbers else 1.0,
        glued=_glued(page.body, wanted, found),
        seconds=seconds,
    )


def _runs(text: str) -> Counter[str]:
    return Counter(text[at : at + RUN] for at in range(max(1, len(text) - RUN + 1)) if text)


def _order_errors(truth: str, found: str) -> int:
    """Count the paragraphs that come before the one they should follow; those that are nowhere do not count."""
    places, errors, last = (
        (found.find(bare(part)[:40]) for part in truth.split("\n\n") if len(bare(part)) > 12),
        0,
        -1,
    )
    for place in places:
        errors += 0 <= place < last
        last = max(last, place)
    return errors


def _glued(body: bytes, wanted: str, found: str) -> int:
    """Count the footnote marks of a page that became part of the word before them."""
    tree = parse(decode(body).text)
    if tree is None:
        return 0
    count = 0
    for mark in tree.iter("sup"):
        before, above = mark.getprevious(), mark.getparent()
        left = (before.tail if before is not None else above.text if above is not None else "") or ""
        digits = "".join(text_of(mark).split())
        stretch = bare(left)[-6:] + digits
        if digits.isdigit() and len(stretch) > len(digits) + 2 and stretch in found and stretch not in wanted:
            count += 1
    return count


def ours(page: Page) -> str:
    """Return the text of a page as the corpus stage reads it."""
    capture = Capture(
        url=page.url,
        source=page.source,
        fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
        status=200,
        headers=(),
        media_type="text/html",
        body=page.body,
        license="all-rights-reserved",
    )
    return "\n\n".join(one.text for one in extract(capture) if isinstance(one, Document))


def theirs(page: Page) -> str:
    """Return the text of a page as trafilatura alone gives it, told to be precise; the bytes are its to decode."""
    found = trafilatura.extract(
        page.body, url=page.url, fast=True, favor_precision=True, include_comments=False
    )
    return found or ""


def _resiliparse() -> dict[str, Callable[[Page], str]]:
    """Return Resiliparse's main-content extraction where it is installed."""
    try:
        from resiliparse.extract.html2text import extract_plain_text  # noqa: PLC0415
        from resiliparse.parse.encoding import bytes_to_str, detect_encoding  # noqa: PLC0415
    except ImportError:
        return {}

    def extracted(page: Page) -> str:
        text = bytes_to_str(page.body, detect_encoding(page.body))
        return str(extract_plain_text(text, main_content=True, alt_texts=False, list_bullets=False))

    return {"resiliparse": extracted}


def given(paths: Sequence[Path]) -> list[Page]:
    """Return the pages that arguments name: folders, or pairs of a page and its text."""
    pages, files = [], []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        beside = ((page, page.with_suffix(".txt")) for page in sorted(path.rglob("*.htm*")))
        pages += [_read(page, text) for page, text in beside if text.is_file()]
    if len(files) % 2:
        raise click.UsageError(f"{files[-1]} has no text beside it: give PAGE TRUTH pairs, or folders")
    pages += [_read(page, text) for page, text in zip(files[::2], files[1::2], strict=True)]
    if not pages:
        raise click.UsageError("no NAME.html with a NAME.txt was found")
    return pages


def _read(page: Path, text: Path) -> Page:
    return Page(
        page.parent.name or "pages",
        f"https://pages.example/{page.name}",
        page.read_bytes(),
        text.read_text("utf-8"),
    )


def made() -> list[Page]:
    """Return pages of the sample world with their texts."""
    dressed = [
        Page(
            skin,
            f"https://{skin}.example/{n}.html",
            dress(one).encode("cp932" if skin == "tables" else "utf-8", "xmlcharrefreplace"),
            one.text,
        )
        for n, one in enumerate(articles(12))
        for skin, dress in SKINS.items()
    ]
    return [*dressed, *_speeches(), *_terms()]


def articles(n: int) -> Iterator[Article]:
    """Yield articles made of the speeches' passages, with every kind of piece, the same ones each time."""
    chance = random.Random(3)
    written = [
        re.sub(r"\{\w+\}", lambda _: str(chance.randint(1, 9) / 10), notes(t)[0].replace("\0", "")).strip(
            "　"
        )
        for t in passages("speeches/economy.txt", "speeches/prices.txt", "speeches/policy.txt").values()
    ]
    for number in range(n):
        texts = [one.replace("\n", "") for one in chance.sample(written, 7)]
        amounts = [
            [
                f"{chance.randint(1, 9)},{chance.randint(100, 999)}",
                f"▲{chance.randint(1, 99)}.{chance.randint(0, 9)}",
            ]
            for _ in range(3)
        ]
        pieces: list[Piece] = [
            paragraph(texts[0], note=1),
            paragraph(texts[1]),
            heading(f"{number + 1}．金利と物価の動き"),
            paragraph(texts[2], note=2),
            listing(
                (
                    "短期金利は小動きで推移した。",
                    "長期金利は１．２％まで上昇した。",
                    "株価は小幅に下落した。",
                ),
                numbered=number % 2 == 0,
            ),
            grid(
                ("年度", "売上高（百万円）", "前年比（％）"),
                tuple((f"{2021 + k}年度", *amounts[k]) for k in range(3)),
                merged="連結" if number % 3 == 0 else "",
            ),
            heading("先行きの見方", 3),
            ruby(
                "先行きについては、",
                "鑑",
                "かんが",
                "みるべき点が多い。とりわけ海外経済の動向には注意がいる。",
            ),
            paragraph(texts[3]),
        ]
        if number % 2:
            pieces += [
                paragraph("くわしくは、次の資料をご覧ください。"),
                listing((f"金融システムの点検（2025年{number}月）", "地域経済の報告"), links=True),
            ]
        if number % 3 == 1:
            pieces += [
                heading("会社の概要"),
                pairs({"商号": "株式会社見本銀行", "設立": "1951年6月", "資本金": "1,250億円"}),
            ]
        pieces += [
            paragraph(texts[4]),
            footnotes((f"数字は2026年{number + 1}月末のもの。", "消費税の影響を除いた試算値である。")),
        ]
        yield Article(
            f"物価と金利をめぐる{'一二三四五六七八九十百千'[number]}つの論点",
            f"2026年11月{number + 1}日　経済部",
            tuple(pieces),
        )


def _speeches() -> Iterator[Page]:
    for speech in speeches():
        group = "boj_current" if speech.encoding == "utf-8" else "boj_older"
        yield Page(
            group,
            f"https://www.boj.or.jp{speech.path}",
            speech_page(speech).body,
            _spoken(speech),
            "boj_speeches",
        )


def _spoken(speech: Speech) -> str:
    """Return what the page of a speech says, from what it was made of."""
    old = speech.encoding != "utf-8"
    show = wide if speech.wide_digits or old else str
    title = speech.title if old else f"【{speech.kind}】{speech.title}"
    parts = [title, speech.event]
    day = f"{speech.date.year}年{' ' * old}{speech.date.month}月{' ' * old}{speech.date.day}日"
    parts += [f"{day}\n日本銀行"] if old else [f"日本銀行{speech.post}　{speech.speaker}\n{day}"]
    below = []
    for number, (head, texts) in enumerate(speech.sections, start=1):
        parts.append(f"{wide(str(number))}．{head}")
        for text in texts:
            plain, found = notes(show(text))
            parts.append(plain.replace("\0", ""))
            below += [] if old else found
    return "\n\n".join([*parts, "以　上", *below])


def _terms() -> Iterator[Page]:
    for path, term in glossary.terms().items():
        body = glossary.term_page(path).body
        stocks = [f"{c.name}\n{c.sec_code[:4]}\n{c.industry}" for c in glossary.related_companies(term)]
        parts = [term.headword, term.reading, term.english, *term.paragraphs]
        parts += ["関連用語", *term.related] if term.related else []
        parts += ["関連銘柄", "銘柄名\nコード\n業種", *stocks] if stocks else []
        yield Page("glossary", f"https://jpx.example{path}", body, "\n\n".join(parts), "jpx_glossary")


def mean(rows: Sequence[Figures]) -> Figures:
    """Return the mean over pages; errors and seconds are sums."""
    n = len(rows)
    return Figures(
        sum(r.precision for r in rows) / n,
        sum(r.recall for r in rows) / n,
        sum(r.order_errors for r in rows),
        sum(r.numbers for r in rows) / n,
        sum(r.glued for r in rows),
        sum(r.seconds for r in rows),
    )


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--worst", default=0, help="Show so many of our worst pages.")
def main(paths: tuple[Path, ...], worst: int) -> None:
    """Extract all pages with every extractor and print a table; the last line is one JSON object."""
    pages = given(paths) if paths else made()
    extractors = {"": ours, "trafilatura": theirs, **_resiliparse()}
    judged: dict[str, list[tuple[Page, Figures]]] = {}
    for name, read in extractors.items():
        read(pages[0])  # what is loaded once is no cost of a page
        for page in pages:
            start = time.perf_counter()
            text = read(page)
            judged.setdefault(name, []).append((page, judge(page, text, time.perf_counter() - start)))
    columns = (
        "pages",
        "by",
        "F1",
        "precision",
        "recall",
        "order errors",
        "numbers whole",
        "glued marks",
        "pages/s",
    )
    table = Table(*columns, box=None, header_style="bold")
    figures: dict[str, float] = {"pages": len(pages)}
    for group in [*dict.fromkeys(page.group for page in pages), "all"]:
        for name, rows in judged.items():
            some = [one for page, one in rows if group in (page.group, "all")]
            found = mean(some)
            f1 = sum(one.f1 for one in some) / len(some)
            table.add_row(
                group, name or "ours", f"{f1:.4f}", f"{found.precision:.4f}", f"{found.recall:.4f}",
                str(found.order_errors), f"{found.numbers:.4f}", str(found.glued), f"{len(some) / found.seconds:.0f}",
            )  # fmt: skip
            end = f"_{name}" if name else ""
            if group == "all":
                figures |= {
                    f"char_f1{end}": round(f1, 4), f"precision{end}": round(found.precision, 4), f"recall{end}": round(found.recall, 4),
                    f"order_errors{end}": found.order_errors, f"numbers_whole{end}": round(found.numbers, 4),
                    f"glued{end}": found.glued, f"pages_per_s{end}": round(len(some) / found.seconds, 1),
                }  # fmt: skip
            else:
                figures[f"char_f1_{group}{end}"] = round(f1, 4)
    Console(width=140).print(table)
    for page, one in sorted(judged[""], key=lambda pair: pair[1].f1)[:worst]:
        click.echo(f"{one.f1:.4f} {one.precision:.4f} {one.recall:.4f} {page.group} {page.url}")
    click.echo(json.dumps(figures))


if __name__ == "__main__":
    main()
