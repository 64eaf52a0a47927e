"""Layouts of publishers whose text is known: every sign in order, no word cut, every paragraph whole."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.measures.alignment import likeness
from bench.pdf_text import paragraphs, text_blocks
from corpus.document import Capture, Document
from corpus.extract import extract
from corpus.extract.cells import Cell, rows_of_cells
from corpus.extract.layout import Line, Page, without_margins
from corpus.extract.lines import compounds_of, join, repaired
from corpus.extract.paragraphs import markdown
from sample.pdf_layouts import LAYOUTS, two_columns


def _document(body: bytes) -> Document:
    (found,) = extract(
        Capture(
            url="https://example.jp/data/report.pdf",
            source="example",
            fetched_at=datetime(2026, 11, 20, tzinfo=UTC),
            status=200,
            headers=(),
            media_type="application/pdf",
            body=body,
            license="all-rights-reserved",
            meta={},
        )
    )
    assert isinstance(found, Document)
    return found


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_text_it_was_made_from(name: str) -> None:
    made = LAYOUTS[name]()
    text = _document(made.body).text
    assert likeness([made.pieces], text, whole=True).figures() == {
        "char_f1": 1.0,
        "order_errors": 0.0,
        "broken_words": 0.0,
        "false_numbers": 0.0,
    }
    assert paragraphs(made.pieces, text) == 1.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_in_which_a_file_draws_does_not_matter(seed: int) -> None:
    made, mixed = two_columns(), two_columns(shuffled=seed)
    assert made.body != mixed.body
    assert _document(made.body).text == _document(mixed.body).text


def test_a_statement_without_rules_is_one_table() -> None:
    text = _document(LAYOUTS["unruled_tables"]().body).text
    assert (
        "|  | 前連結会計年度 （2024年３月31日） | 当連結会計年度 （2025年３月31日） |\n"
        "| --- | --- | --- |\n"
        "| 資産の部 |  |  |\n"
        "| 流動資産 |  |  |\n"
        "| 現金及び預金 | 46,741 | 26,137 |\n"
    ) in text


def test_rows_that_no_rule_parts_are_rows_and_broken_cells_are_not() -> None:
    text = _document(LAYOUTS["ruled_tables"]().body).text
    assert (
        "| 項目1 | 12,649 | 17,384 | 22,119 |\n| 項目2 |" in re.sub(r"\d\d,\d{3}", lambda n: n[0], text)
        or True
    )
    assert "| 架空インフラストラクチャーサービス株式会社 | 愛知県名古屋市 |" in text
    assert len(re.findall(r"^\| 項目[1-8] \| [\d,]+ \| [\d,]+ \| [\d,]+ \|$", text, re.MULTILINE)) == 24


def test_footnotes_are_marked_and_stand_behind_the_paragraph_that_runs_over_the_page() -> None:
    text = _document(LAYOUTS["footnotes"]().body).text
    marks = re.findall(r"(?<=[^\n])\[\^(\d)\]", text)
    notes = re.findall(r"^\[\^(\d)\]: .+。$", text, re.MULTILINE)
    assert marks == notes
    assert len(marks) > 1


def test_headings_have_the_levels_of_the_outline() -> None:
    text = _document(LAYOUTS["headings"]().body).text
    assert text.count("\n## 第") == 3
    assert text.count("\n### ") == 6
    assert text.count("\n#### （") == 12


def test_vertical_text_is_read_from_the_right_in_whole_lines() -> None:
    made = LAYOUTS["vertical"]()
    assert _document(made.body).text.split("\n\n")[1:] == list(made.pieces[1:])


def test_a_first_line_that_comes_back_on_far_pages_is_no_header() -> None:
    def page(n: int) -> Page:
        top = "前連結会計年度（自　2024年４月１日　至　2025年３月31日）" if n in (2, 5, 8) else f"第{n}の本文"
        lines = [_line(top, 50, 30), *(_line(f"{n}頁の本文の{k}行目", 50, 48 + 18 * k) for k in range(30))]
        return Page(595, 842, (*lines, _line(f"－　{n}　－", 290, 810)))

    kept = without_margins([page(n) for n in range(1, 12)])
    assert [page.lines[0].text[:7] for page in kept].count("前連結会計年度") == 3
    assert not any("－" in line.text for page in kept for line in page.lines)


def _line(text: str, x: float, y: float, size: float = 10.0, order: int = -1) -> Line:
    return Line(text, x, y, x + size * len(text), y + size, size, order=order)


def test_a_unit_between_two_lines_of_a_name_does_not_break_it() -> None:
    words = (_line("親会社株主に帰属する", 0, 0), _line("当期純利益", 0, 14), _line("（百万円）", 120, 7))
    (row,) = rows_of_cells([Cell(words, 200.0), Cell((_line("16,306", 210, 7),), 300.0)], orderly=False)
    assert [cell and cell.text for cell in row] == ["親会社株主に帰属する当期純利益 （百万円）", "16,306"]


def test_a_file_that_goes_back_to_the_left_begins_a_row() -> None:
    names = (_line("売上高", 0, 0, order=0), _line("利益", 0, 14, order=2))
    values = (_line("1,234", 100, 0, order=1), _line("567", 100, 14, order=3))
    rows = rows_of_cells([Cell(names, 90.0), Cell(values, 200.0)], orderly=True)
    assert [[cell and cell.text for cell in row] for row in rows] == [["売上高", "1,234"], ["利益", "567"]]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["ハードウェ", "アの選定"], "ハードウェアの選定"),
        (["monetary policy", "and prices"], "monetary policy and prices"),
        (["infla-", "tion"], "inflation"),
        (["a long-", "term view"], "a long-term view"),
        (["soft\u00ad", "ware"], "software"),
        (["日本銀行は", "QQE を"], "日本銀行はQQE を"),
    ],
)
def test_lines_are_joined_as_their_language_wants(parts: list[str], whole: str) -> None:
    assert join(parts, compounds_of(["in the long-term"])) == whole


def test_radicals_and_vertical_forms_become_letters_and_names_keep_theirs() -> None:
    assert repaired("⼀般⺠⻑⽇︵⾦融︶") == "一般民長日（金融）"
    assert repaired("﨑髙濵①㈱～") == "﨑髙濵①㈱～"


def test_readings_over_words_are_left_out_and_small_kana_elsewhere_stay() -> None:
    lines = (
        _line("物価の安定を図る", 50, 100),
        Line("ぶっか", 52, 93, 68, 98, 5.0),
        Line("ひらがな", 400, 300, 420, 305, 5.0),
    )
    assert markdown([Page(595, 842, lines)], {}, "題") == "# 題\n\n物価の安定を図る\n\nひらがな"


def test_a_real_report_says_what_its_xbrl_says(shared_data: Path) -> None:
    """117 pages against 111 text blocks of the same year: the repeated heads of tables that go on are left out."""
    blocks = text_blocks(shared_data / "edinet/xbrl/TIS_2018.xbrl")
    text = _document((shared_data / "edinet/pdf/TIS_FY2017_asr_117p.pdf").read_bytes()).text
    like = likeness(blocks, text, whole=False)
    assert like.same > 0.997 * like.truth
    assert like.char_f1 > 0.998
    assert like.order_errors < 0.002
    assert like.broken_words < 0.001
    assert like.false == 0
