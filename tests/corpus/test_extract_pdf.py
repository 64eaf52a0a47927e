"""PDF files: paragraphs as they were written, tables as tables, and a named reason where nothing can be read."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import Capture, Document, Drop
from corpus.extract import extract
from corpus.extract.layout import Line, Page, gutter, without_margins
from corpus.extract.paragraphs import markdown
from sample import boj
from sample.boj_speeches import BROKEN_CHARTS, LOCKED_CHARTS
from sample.http import Request
from sample.pdf import Block, Face, Heading, Layout, Paragraph, Table, render, truncated
from sample.prose import passages

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
PROSE = [
    text.strip("　")
    for key, text in passages("speeches/economy.txt").items()
    if "{" not in text and "[^" not in text and "\n" not in text
]


def _extract(
    body: bytes, url: str = "https://example.jp/data/report.pdf", **meta: str
) -> list[Document | Drop]:
    return extract(
        Capture(
            url=url,
            source="example",
            fetched_at=NOW,
            status=200,
            headers=(),
            media_type="application/pdf",
            body=body,
            license="all-rights-reserved",
            meta=meta,
        )
    )


def _document(body: bytes, url: str = "https://example.jp/data/report.pdf", **meta: str) -> Document:
    found = _extract(body, url, **meta)
    assert len(found) == 1
    assert isinstance(found[0], Document), found
    return found[0]


def _reason(body: bytes) -> str:
    (found,) = _extract(body)
    assert isinstance(found, Drop)
    return found.reason


# -- what the sample world prints ----------------------------------------------------------------------------


@pytest.mark.parametrize("face", ["gothic", "mincho"])
@pytest.mark.parametrize("indent", ["", "　"])
def test_paragraphs_come_back_as_they_were_written(face: Face, indent: str) -> None:
    """Over line and page breaks, with running headers and page numbers between."""
    layout = Layout(header=("見本レポート　2026年", "見本銀行"), footer="- {page} -", face=face, font_size=20)
    texts = PROSE[:20]
    blocks: list[Block] = [Heading("第１章　景気"), *(Paragraph(indent + text) for text in texts)]
    document = _document(render("見本レポート", blocks, layout=layout))
    assert int(document.meta["pages"]) > 2
    assert document.text.split("\n\n") == ["# 見本レポート", "## 第１章　景気", *texts]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(20, 400), min_size=3, max_size=8))
def test_any_length_of_paragraph_comes_back(lengths: list[int]) -> None:
    """Also one whose last line is full, when paragraphs begin indented."""
    running = "".join(PROSE).replace("。", "")
    texts = [running[n * 50 : n * 50 + length] + "ました。" for n, length in enumerate(lengths)]
    document = _document(render("題", [Paragraph("　" + text) for text in texts], layout=Layout(font_size=9)))
    assert document.text.split("\n\n") == ["# 題", *texts]


def test_tables_are_tables_and_go_on_over_the_page() -> None:
    rows = tuple((f"項目{n}", f"{n * 1234:,}", f"△{n}.5") for n in range(1, 80))
    head = ("区分", "金額（百万円）", "前年比（％）")
    document = _document(render("表", [Paragraph("次の表のとおりです。"), Table((head, *rows))]))
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    lines.insert(1, "| --- | --- | --- |")
    assert document.text.split("\n\n") == ["# 表", "次の表のとおりです。", "\n".join(lines)]


def test_broken_lines_of_a_cell_are_joined_and_figures_are_not() -> None:
    table = Table(
        (
            ("会社", "事業", "額"),
            ("見本", "ソフトウェアの開発及び運用の受託並びに機器の販売", "1,234\n5,678\n－\n△9"),
        )
    )
    document = _document(render("表", [table]))
    assert "| 見本 | ソフトウェアの開発及び運用の受託並びに機器の販売 | 1,234 5,678 － △9 |" in document.text


def test_questions_and_answers_begin_paragraphs() -> None:
    blocks = [
        Paragraph("（問）物価の見通しを伺います。"),
        Paragraph("（答）先ほど申し上げたとおりです。"),
    ] * 3
    parts = _document(render("会見", blocks)).text.split("\n\n")[1:]
    assert parts == ["（問）", "物価の見通しを伺います。", "（答）", "先ほど申し上げたとおりです。"] * 3


def test_a_press_conference_of_the_bank_knows_its_days() -> None:
    (path,) = (path for path in boj.addresses() if "kk260126a.pdf" in path)
    body = boj.respond(Request("boj", path, {}, {}, NOW)).body
    document = _document(body, f"https://www.boj.or.jp{path}", kind="press_conference")
    parts = document.text.split("\n\n")
    assert parts.count("（問）") == parts.count("（答）") > 5
    assert document.meta["kind"] == "press_conference"
    assert (document.event_at, document.published_at) == (date(2026, 1, 23), date(2026, 1, 26))


def test_minutes_with_alternating_headers_lose_them() -> None:
    (path,) = (path for path in boj.addresses() if "g260123.pdf" in path and "/en/" not in path)
    document = _document(boj.respond(Request("boj", path, {}, {}, NOW)).body, f"https://www.boj.or.jp{path}")
    assert "公表資料" not in document.text
    assert document.text.count("開催分）") == 1
    assert not re.search(r"^\d+$", document.text, re.MULTILINE)
    assert "\n## Ⅱ．金融経済情勢と展望に関する委員会の検討の概要\n" in document.text
    assert (document.event_at, document.published_at) == (date(2026, 1, 23), date(2026, 3, 25))


def test_files_that_cannot_be_read_say_why() -> None:
    body = render("秘密", [Paragraph("本文")], password="mihon")
    assert _reason(body) == "encrypted_pdf"
    whole = render("切れた", [Paragraph(text) for text in PROSE[:20]])
    assert _reason(truncated(whole)) == "broken_pdf"
    assert _reason(b"%PDF-1.7\n") == "broken_pdf"
    for name, reason in ((LOCKED_CHARTS, "encrypted_pdf"), (BROKEN_CHARTS, "broken_pdf")):
        (path,) = (path for path in boj.addresses() if f"{name}1.pdf" in path)
        assert _reason(boj.respond(Request("boj", path, {}, {}, NOW)).body) == reason


# -- layout --------------------------------------------------------------------------------------------------


def _line(text: str, x: float, y: float, size: float = 10.0, turn: int = 0) -> Line:
    if turn:
        return Line(text, x, y, x + size, y + size * len(text), size, turn=turn)
    return Line(text, x, y, x + size * len(text), y + size, size)


def test_two_columns_are_read_one_after_the_other() -> None:
    left = [_line("左" * 20, 50, 100 + 15 * n) for n in range(12)]
    right = [_line("右" * 20, 320, 100 + 15 * n) for n in range(12)]
    rows = [line for pair in zip(left, right, strict=True) for line in pair]
    assert gutter(rows, 595) is not None
    text = markdown([Page(595, 842, tuple(rows))], {}, "題")
    assert text == f"# 題\n\n{'左' * 240}{'右' * 240}"


def test_vertical_writing_comes_one_sign_a_line_and_leaves_as_lines() -> None:
    columns = ["縦書きの本文が右から左へ", "続いていき︵括弧も立つ︶。"]
    lines = [
        _line(sign, 500 - 20 * number, 50 + 10 * at, turn=1)
        for number, column in enumerate(columns)
        for at, sign in enumerate(column)
    ]
    assert markdown([Page(595, 842, tuple(lines))], {}, "題") == "# 題\n\n" + "".join(columns)


def test_a_line_on_every_page_goes_and_one_on_a_single_page_stays() -> None:
    pages = [
        Page(
            595,
            842,
            (_line(f"第{n}章　表題", 50, 30), _line(f"本文{n}", 50, 400), _line(f"- {n} -", 290, 810)),
        )
        for n in range(1, 10)
    ]
    pages[4] = Page(595, 842, (_line("注目の見出し", 50, 30), *pages[4].lines[1:]))
    kept = [[line.text for line in page.lines] for page in without_margins(pages)]
    assert kept[0] == ["本文1"]
    assert kept[4] == ["注目の見出し", "本文5"]


# -- real files ----------------------------------------------------------------------------------------------


def test_every_real_odd_file_gives_text_or_a_reason(shared_data: Path) -> None:
    found = {path.name: _extract(path.read_bytes()) for path in sorted((shared_data / "pdf").glob("*.pdf"))}
    reasons = {
        name: sorted({one.reason for one in result if isinstance(one, Drop)})
        for name, result in found.items()
        if any(isinstance(one, Drop) for one in result)
    }
    assert reasons == {
        "Pages-tree-refs.pdf": ["broken_pdf_page"],
        "empty_protected.pdf": ["needs_ocr"],
        "issue6010_1.pdf": ["encrypted_pdf"],
        "pdfminer_aes-256.pdf": ["encrypted_pdf"],
        "poppler-85140-0.pdf": ["broken_pdf"],
        "scan-bad.pdf": ["needs_ocr"],
    }
    texts = {name: one.text for name, result in found.items() for one in result if isinstance(one, Document)}
    assert "特定の同値確率測度が選ばれる理由がなくリスク中立確率のもとでの資産過程" in texts["issue16538.pdf"]
    assert "あいうえお日本語" in texts["vertical.pdf"]
    assert "\n\n過去とかんずる方角から\n\n" in texts["pdfminer_jo.pdf"]
    assert "あのイーハトーヴォのすきとおった風" in texts["issue6387.pdf"]
    assert "ABC あいうえお123" in texts["noembed-identity.pdf"]
    assert "あいうえお" in texts["noembed-sjis.pdf"]
    assert "一つの箱内" in texts["issue15340.pdf"]  # the file says KANGXI RADICAL ONE
    assert "Beautiful is better than ugly." in texts["pdfminer_zen_of_python_corrupted.pdf"]
    assert "100000x100000 = 1.16GB each" in texts["bomb_giant.pdf"]


def test_a_real_annual_report_comes_out_as_clean_paragraphs(shared_data: Path) -> None:
    """117 pages of TIS: what the brief of this reader was."""
    document = _document((shared_data / "edinet/pdf/TIS_FY2017_asr_117p.pdf").read_bytes(), kind="filing")
    text = document.text
    parts = text.split("\n\n")
    assert document.meta["kind"] == "filing"
    assert document.meta["pages"] == "117"
    assert "ハードウェアの選定及びシステムの運用など" in text
    assert not re.search(r"^\s*- \d+ -\s*$", text, re.MULTILINE)
    assert "\n### 第１【企業の概況】\n" in text
    assert "\n#### ４【事業等のリスク】\n" in text
    assert "| 売上高 （百万円） | 337,834 | 346,647 | 361,025 | 382,689 | 393,398 |" in text
    assert "－△18,855" not in text
    risks = parts[parts.index("#### ４【事業等のリスク】") + 1 :]
    assert risks[0].startswith("当社グループの事業(経営成績と財政状態)に重大な影響を及ぼす可能性のあるリスク")
    assert risks[0].endswith("であります。")
    assert risks[1] == "(1) 価格競争、競争激化について"
    prose = [part for part in parts if len(part) > 120 and not part.startswith("|")]
    assert len(prose) > 100
    assert sum(part.endswith(("。", "）", "」", ")")) for part in prose) > 0.97 * len(prose)


def test_a_real_schedule_of_the_bank(shared_data: Path) -> None:
    document = _document((shared_data / "boj/mpm_2026_schedule_en.pdf").read_bytes())
    assert document.language == "en"
    assert "| Sept. 17 (Thurs.), 18 (Fri.) | -- | Oct. 1 (Thurs.) | Nov. 5 (Thurs.) |" in document.text
