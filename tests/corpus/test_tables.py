"""HTML tables become Markdown tables in which every row can be read alone and no two cells are one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from corpus.extract.tables import Element, grid, markdown_table, plain

Box = tuple[int, int, int, int]  # top, bottom, left, right


def _table(source: str) -> Element:
    table = html.fragment_fromstring(source)
    assert isinstance(table, etree._Element)
    return table


def _text(cell: Element) -> str:
    return " ".join("".join(str(part) for part in cell.itertext()).split())


def _markdown(source: str) -> str:
    return markdown_table(_table(source), _text)


def test_a_plain_table() -> None:
    assert _markdown("<table><tr><th>年月<th>事項<tr><td>1993年９月<td>創業</table>") == (
        "| 年月 | 事項 |\n| --- | --- |\n| 1993年９月 | 創業 |"
    )


def test_a_merged_label_is_repeated_so_that_each_row_and_column_can_be_read_alone() -> None:
    assert _markdown(
        "<table><tr><td rowspan=2>項目<td colspan=2>報告セグメント<td rowspan=2>計"
        "<tr><td>EC事業<td>金融事業<tr><td>売上高<td>1<td>2<td>3</table>"
    ) == (
        "| 項目 | 報告セグメント | 報告セグメント | 計 |\n| --- | --- | --- | --- |\n"
        "| 項目 | EC事業 | 金融事業 | 計 |\n| 売上高 | 1 | 2 | 3 |"
    )


def test_a_merged_number_stands_once() -> None:
    """Repeated, it would be a second amount that nobody displayed."""
    text = _markdown("<table><tr><td>甲<td rowspan=2>1,234<tr><td>乙<tr><td>丙<td>5</table>")
    assert text.count("1,234") == 1


def test_indentation_made_of_columns_folds_into_one() -> None:
    assert _markdown(
        "<table><tr><td colspan=3>資産の部<td>前期<td>当期<tr><td>&nbsp;<td colspan=2>流動資産<td><td>"
        "<tr><td>&nbsp;<td>&nbsp;<td>現金及び預金<td>10<td>20</table>"
    ) == ("| 資産の部 | 前期 | 当期 |\n| --- | --- | --- |\n| 流動資産 |  |  |\n| 現金及び預金 | 10 | 20 |")


def test_two_columns_of_values_stay_two_even_when_no_row_fills_both() -> None:
    text = _markdown("<table><tr><td>内訳<td>5<td><tr><td>合計<td><td>9</table>")
    assert "| 内訳 | 5 |  |" in text
    assert "| 合計 |  | 9 |" in text


def test_a_note_on_units_stands_above_the_table() -> None:
    source = "<table><tr><td><td><td>（単位：百万円）<tr><td><td>前期<td>当期<tr><td>売上高<td>1<td>2</table>"
    assert _markdown(source).startswith("（単位：百万円）\n\n|  | 前期 | 当期 |")


def test_a_table_of_one_column_is_paragraphs_and_an_empty_one_is_nothing() -> None:
    assert _markdown("<table><tr><td>一<tr><td>二</table>") == "一\n\n二"
    assert _markdown("<table><tr><td>&nbsp;</table>") == ""
    assert _markdown("<table></table>") == ""


def test_what_is_not_displayed_is_not_in_the_table() -> None:
    source = '<table><tr style="Display : None"><td>隠<td>隠<tr><td>甲<td hidden>隠<td>乙</table>'
    assert _markdown(source) == "| 甲 | 乙 |\n| --- | --- |"


def test_a_pipe_in_a_cell_does_not_end_it() -> None:
    assert _markdown("<table><tr><td>a|b<td>c</table>").startswith("| a\\|b | c |")


@pytest.mark.parametrize("span", ["0", "-1", "x", "", "99999999", "1.5"])
def test_spans_that_make_no_sense_lose_no_cell(span: str) -> None:
    source = f"<table><tr><td colspan='{span}' rowspan='{span}'>甲<td>1<tr><td>乙<td>2</table>"
    text = _markdown(source)
    assert all(word in text for word in ("甲", "乙", "1", "2"))


def test_hostile_spans_take_neither_time_nor_cells() -> None:
    """A hundred kilobytes that ask for a hundred million positions."""
    rows = "".join(f"<tr><td colspan=1000 rowspan=9999>{n}<td>b" for n in range(300))
    wide = "<tr>" + "<td>1" * 20_000
    for source in (f"<table>{rows}</table>", f"<table>{wide}{wide}</table>"):
        text = _markdown(source)
        assert text.count("1") >= 1
        assert len(text) < 20_000_000
    assert all(f" {n} " in _markdown(f"<table>{rows}</table>") for n in (0, 150, 299))


@st.composite
def tilings(draw: st.DrawFn) -> tuple[int, int, list[Box]]:
    """A rectangle cut into boxes: a table in which each position has one owner."""
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    free = {(y, x) for y in range(height) for x in range(width)}
    boxes = []
    for y in range(height):
        for x in range(width):
            if (y, x) not in free:
                continue
            right = x + 1
            while right < width and (y, right) in free and draw(st.booleans()):
                right += 1
            bottom = y + 1
            while (
                bottom < height
                and all((bottom, column) in free for column in range(x, right))
                and draw(st.integers(0, 2)) == 0
            ):
                bottom += 1
            free -= {(row, column) for row in range(y, bottom) for column in range(x, right)}
            boxes.append((y, bottom, x, right))
    return height, width, boxes


def _source(height: int, boxes: list[Box], texts: list[str]) -> str:
    rows = [""] * height
    for (top, bottom, left, right), text in zip(boxes, texts, strict=True):
        rows[top] += f"<td rowspan={bottom - top} colspan={right - left}>{text}</td>"
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


@given(tilings())
def test_the_grid_of_merged_cells_is_found_again(tiling: tuple[int, int, list[Box]]) -> None:
    height, _, boxes = tiling
    cells = grid(_table(_source(height, boxes, ["x"] * len(boxes))))
    assert [(cell.top, cell.bottom, cell.left, cell.right) for cell in cells] == boxes


@given(tilings())
def test_every_number_of_a_table_stands_in_it_once_and_whole(tiling: tuple[int, int, list[Box]]) -> None:
    height, _, boxes = tiling
    texts = [f"{1000 + n:,}" for n in range(len(boxes))]
    text = _markdown(_source(height, boxes, texts))
    assert sorted(re.findall(r"[\d,]+", text)) == sorted(texts)


@given(tilings(), st.data())
def test_rows_are_equally_long_and_no_text_is_lost(
    tiling: tuple[int, int, list[Box]], data: st.DataObject
) -> None:
    height, _, boxes = tiling
    words = st.sampled_from(["", "売上高", "1,234", "－", "\x01注\x03"])
    texts = [data.draw(words) for _ in boxes]
    cells = iter(texts)
    table = _table(_source(height, boxes, ["x"] * len(boxes)))
    text = markdown_table(table, lambda _: next(cells))
    lines = [line for line in text.split("\n") if line.startswith("|")]
    assert len({line.count("|") for line in lines}) <= 1
    assert text.count("1,234") == texts.count("1,234")
    assert text.count("\x01注\x03") == texts.count("\x01注\x03")
    assert ("売上高" in text) == ("売上高" in texts)
    assert "売上高売上高" not in plain(text)
