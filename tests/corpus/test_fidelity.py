"""The measure of fidelity sees every kind of harm that a text can do to a number, and none where there is none."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Capture, Document
from corpus.extract import xbrl
from corpus.extract.alignment import aligned
from corpus.extract.displayed import Pages, read_page
from corpus.extract.fidelity import examine, measure, number_fidelity, pages_of, summary
from corpus.extract.flattened import displays, fused_numbers, is_csv_package, kept_rows
from sample.annual_report import annual_report
from sample.companies import COMPANIES
from sample.xbrl import package
from sample.xbrl_csv import csv_package
from tests.corpus.inline_packages import archive

LOSS = ' sign="-"'
TAG = '<ix:nonFraction xmlns:ix="http://www.xbrl.org/2013/inlineXBRL" name="a:{}" contextRef="Y"{}>{}</ix:nonFraction>'
ROWS = (
    ("売上高", "1,234,567", "2,345,678"),
    ("営業損失", "△98,765", "△87,654"),
    ("従業員数", "4,321", "5,432"),
)


def _page() -> str:
    cells = ""
    for label, *values in ROWS:
        cells += f"<tr><td>{label}</td>"
        for value in values:
            sign, digits = ("△", value[1:]) if value.startswith("△") else ("", value)
            cells += f"<td>{sign}{TAG.format(label, LOSS if sign else '', digits)}</td>"
        cells += "</tr>"
    return (
        "<html><head><title>31,415</title></head><body><p>第12期の業績</p>"
        f'<table>{cells}</table><p style="display:none">27,182</p><p>設備投資は（{TAG.format("Cap", LOSS, "777")}）'
        f"百万円、配当は{TAG.format('Div', '', '－')}円。16,180</p></body></html>"
    )


def _text() -> str:
    lines = "\n".join("| " + " | ".join(row) + " |" for row in ROWS)
    table = lines.replace("\n", "\n| --- | --- | --- |\n", 1)
    return f"第12期の業績\n\n{table}\n\n設備投資は（777）百万円、配当は－円。16,180"


@pytest.fixture
def pages() -> Pages:
    found = Pages()
    read_page(_page().encode(), found)
    return found


def test_a_true_text_is_true(pages: Pages) -> None:
    found = examine(pages, _text())
    assert (found.displayed, found.kept) == (8, 8)
    assert (found.false, found.extra, found.lost) == ((), (), ())


DEFECTS: dict[str, tuple[str, str, int, int]] = {
    # what happened: (found, put in its place, tagged numbers that are kept no longer, false runs)
    "two cells are glued": ("1,234,567 | 2,345,678", "1,234,5672,345,678", 2, 1),
    "two short cells are glued": ("4,321 | 5,432", "4,3215,432", 2, 1),
    "a digit is lost": ("1,234,567", "1,234,56", 1, 1),
    "a leading digit is lost": ("4,321", ",321", 1, 1),
    "a digit is doubled": ("4,321", "4,3211", 1, 1),
    "a separator is lost": ("1,234,567", "1234,567", 1, 1),
    "a number is split": ("1,234,567", "1,234, 567", 1, 2),
    "a number is split over lines": ("4,321", "4,\n321", 1, 2),
    "a whole row is lost": ("| 従業員数 | 4,321 | 5,432 |\n", "", 2, 0),
    "two numbers change places": ("4,321 | 5,432", "5,432 | 4,321", 1, 0),
    "a loss becomes a profit": ("△98,765", "98,765", 1, 0),
    "a profit becomes a loss": ("4,321", "△4,321", 1, 0),
    "the brackets of a loss are lost": ("（777）", "777", 1, 0),
    "a dash becomes a number": ("配当は－円", "配当は0円", 1, 1),
    "a dash is lost": ("配当は－円", "配当は円", 1, 0),
    "a hidden number comes in": ("16,180", "16,180 27,182", 0, 1),
    "the title of the file comes in": ("第12期", "31,415 第12期", 0, 1),
    "a mark of a note is glued on": ("5,432", "5,4322", 1, 1),
    "an untagged number is changed": ("16,180", "16,181", 0, 1),
    "full-width digits are mixed in": ("4,321", "４,321", 1, 1),
}


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_each_harm_is_seen(defect: str, pages: Pages) -> None:
    old, new, unkept, false = DEFECTS[defect]
    assert old in _text() or old.strip() in _text()
    harmed = _text().replace(old.strip() if old not in _text() else old, new.rstrip() if new else "", 1)
    assert harmed != _text()
    found = examine(pages, harmed)
    assert found.displayed - found.kept == unkept
    assert len(found.false) == false
    assert found.kept < found.displayed or found.false


def test_a_number_that_is_moved_is_not_kept_though_it_is_somewhere(pages: Pages) -> None:
    text = _text()
    moved = "1,234,567\n\n".join(["", text.replace("1,234,567", "", 1)])
    found = examine(pages, moved + "\n")
    assert found.false == ()
    assert found.kept == found.displayed  # still the first number of all: nothing changed its order
    far = text.replace("1,234,567", "", 1) + "\n\n1,234,567"
    found = examine(pages, far)
    assert (found.kept, found.false, found.extra, found.lost) == (7, (), ("1,234,567",), ("1,234,567",))


def test_a_number_said_twice_is_extra_and_none_is_hidden_by_it(pages: Pages) -> None:
    found = examine(pages, _text() + "\n\n4,321")
    assert (found.kept, found.extra, found.false) == (8, ("4,321",), ())


def test_an_empty_text_keeps_nothing(pages: Pages) -> None:
    found = examine(pages, "")
    assert (found.displayed, found.kept) == (8, 0)


def test_no_facts_are_placed_where_the_document_has_none(pages: Pages) -> None:
    assert examine(pages, _text()).placed == 0


# --- on whole packages ----------------------------------------------------------------------------------------


def _capture(body: bytes) -> Capture:
    return Capture(
        "https://example.com/x",
        "edinet",
        datetime(2026, 1, 1, tzinfo=UTC),
        200,
        (),
        "application/zip",
        body,
        "PDL-1.0",
    )


def _sample() -> bytes:
    company = COMPANIES[0]
    return package(annual_report(company, company.years[-1]))


def _changed(text: str, number: str) -> Iterator[tuple[str, str]]:
    at = text.index(number)
    yield "a digit is lost", text[:at] + number[:-1] + text[at + len(number) :]
    yield (
        "a digit is changed",
        text[:at] + number[:-1] + str((int(number[-1]) + 1) % 10) + text[at + len(number) :],
    )
    yield "glued to the next", text[: at + len(number)] + "1" + text[at + len(number) :]
    yield "split", text[:at] + number[:1] + " " + number[1:] + text[at + len(number) :]
    yield "removed", text[:at] + text[at + len(number) :]


def test_one_harmed_number_in_a_whole_filing_is_seen() -> None:
    body = _sample()
    (document, *_) = xbrl.extract(_capture(body))
    assert isinstance(document, Document)
    pages = pages_of(body)
    whole = examine(pages, document.text, document.facts)
    assert whole.kept == whole.placed == whole.displayed > 60
    number = next(
        fact.value for fact in document.facts if len(fact.value) > 4 and document.text.count(fact.value) == 1
    )
    for harm, text in _changed(document.text, number):
        found = examine(pages, text)
        assert found.kept < whole.kept, harm


def test_a_package_that_gives_no_text_keeps_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(archive({"PublicDoc/1_ixbrl.htm": _page().encode()}))
    assert measure(path)["kept"] == 8
    assert summary([measure(path)])["fidelity"] == 1.0
    unread = examine(pages_of(path.read_bytes()), "")
    assert (unread.displayed, unread.kept) == (8, 0)


def test_the_csv_of_the_same_pages_loses_most_of_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "sample.zip"
    path.write_bytes(_sample())
    found = summary([measure(path)])
    assert (found["fidelity"], found["false_numbers"]) == (1.0, 0)
    assert float(found["fidelity_csv"]) < 0.5
    assert int(found["false_numbers_csv"]) > 10


def test_a_csv_package_is_measured_by_itself(tmp_path: Path) -> None:
    company = COMPANIES[0]
    body = csv_package(annual_report(company, company.years[-1]))
    assert is_csv_package(body)
    with zipfile.ZipFile(BytesIO(body)) as zipped:
        inside = zipped.read(zipped.namelist()[0])
    assert is_csv_package(inside)
    assert not is_csv_package(_sample())
    assert kept_rows(inside) == kept_rows(body)
    path = tmp_path / "csv.zip"
    path.write_bytes(body)
    ours = tmp_path / "ours.zip"
    ours.write_bytes(_sample())
    both = summary([measure(path), measure(ours)])
    assert both["displayed_csv"] == kept_rows(body).stated
    assert both["fidelity"] == 1.0


@pytest.mark.parametrize(
    ("text", "fused"),
    [
        ("158,23248,9115,17821,3503", 1),
        ("1,234 5,678", 0),
        ("1,2345", 1),
        ("1,234,567", 0),
        ("10,0002,000", 1),
    ],
)
def test_fused_numbers_are_found(text: str, fused: int) -> None:
    assert len(fused_numbers(text)) == fused


def test_an_amount_is_known_in_every_scale_without_remainder() -> None:
    assert displays("180143000000") == {"180,143,000,000", "180,143,000", "180,143"}
    assert displays("-1744.41") == {"1,744.41"}
    assert displays("12") == displays("0") == displays("x") == displays("3000000") == frozenset()


def test_text_blocks_are_flattened_and_cut_as_edinet_does() -> None:
    pages = Pages()
    inside = "<table>\n  <tr>\n<td>1,234</td>\n<td><p>5,678</p></td></tr></table>"
    ix = 'xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"'
    read_page(
        (
            f'<html {ix}><body><ix:nonNumeric name="a:XTextBlock" continuedAt="c">{inside}</ix:nonNumeric><p>外</p>'
            f'<ix:continuation id="c"><p>続き<ix:exclude>－5－</ix:exclude></p></ix:continuation></body></html>'
        ).encode(),
        pages,
    )
    assert list(pages.flattened(30_000)) == ["1,2345,678続き"]
    assert list(pages.flattened(3)) == ["1,2"]


# --- the parts --------------------------------------------------------------------------------------------------


WORDS = st.lists(st.sampled_from(["1", "2", "3", "44", "555"]), max_size=30)


def _subsequence_length(first: list[str], second: list[str]) -> int:
    row = [0] * (len(second) + 1)
    for one in first:
        last = 0
        for at, other in enumerate(second):
            last, row[at + 1] = row[at + 1], last + 1 if one == other else max(row[at], row[at + 1])
    return row[-1]


@given(WORDS, WORDS)
def test_what_is_aligned_is_equal_and_in_order(first: list[str], second: list[str]) -> None:
    pairs = sorted(aligned(first, second).items())
    assert all(first[a] == second[b] for a, b in pairs)
    assert [b for _, b in pairs] == sorted({b for _, b in pairs})
    assert len(pairs) <= _subsequence_length(first, second)


@given(WORDS, st.integers(0, 30))
def test_one_missing_word_costs_one(words: list[str], at: int) -> None:
    rest = words[:at] + words[at + 1 :]
    assert len(aligned(words, rest)) == len(rest)


def test_long_sequences_align_quickly() -> None:
    first = [str(n % 997) for n in range(40_000)]
    second = [one for at, one in enumerate(first) if at % 1000]
    assert len(aligned(first, second)) >= len(second) * 0.99


def test_both_readings_agree_on_what_a_harmless_page_displays() -> None:
    for write in (str, _as_html):
        pages = Pages()
        read_page(write(_page()).encode(), pages)
        found = examine(pages, _text())
        assert (found.displayed, found.kept, found.false, found.lost) == (8, 8, (), ())


def _as_html(page: str) -> str:
    return re.sub(r"</(?:td|tr|p)>", "", page).replace("第12期", "第12期&nbsp;")


def test_the_command_measures_files(tmp_path: Path) -> None:
    path = tmp_path / "sample.zip"
    path.write_bytes(_sample())
    broken = tmp_path / "broken.zip"
    broken.write_bytes(_sample()[:3000])
    for module in ("corpus.extract.fidelity", "bench.number_fidelity"):
        run = subprocess.run(
            [sys.executable, "-m", module, str(path), str(broken)], capture_output=True, text=True, check=True
        )
        found = json.loads(run.stdout.splitlines()[-1])
        assert (found["files"], found["fidelity"], found["false_numbers"]) == (2, 1.0, 0)
        assert "truncated_zip" in run.stdout


def test_a_fact_that_points_elsewhere_is_not_placed() -> None:
    body = _sample()
    (document, *_) = xbrl.extract(_capture(body))
    assert isinstance(document, Document)
    pages = pages_of(body)
    moved = [replace(fact, start=fact.start + 1000, end=fact.end + 1000) for fact in document.facts]
    assert examine(pages, document.text, moved).placed < 5
    assert number_fidelity(body, document).share == 1.0
