"""Which pages of a PDF file need OCR, and the seam where an engine reads them."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pymupdf
import pytest
from pydantic import ValidationError

from corpus.document import Capture, Document, Drop
from corpus.extract import extract
from corpus.extract.ocr import engine, numbers
from corpus.extract.tesseract import Tesseract
from corpus.prepare import Plan, prepare
from corpus.recipe import CorpusRecipe
from datacards.errors import UserError
from sample.pdf import Paragraph, render
from sample.pdf_layouts import LAYOUTS

TEXT = "当社は、情報システムの開発と運用を主な事業としており、顧客の業務を支える基盤を提供しています。" * 2
#: An engine that reads digits: it holds each blot of ink against the digits of Helvetica.
DIGITS = """
import numpy as np
import pymupdf
from pydantic import BaseModel
from corpus.extract.layout import Line

def blots(ink):
    edges = np.flatnonzero(np.diff(np.r_[0, ink.astype(int), 0]))
    return list(zip(edges[::2], edges[1::2]))

def shape(ink):
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    ink = ink[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    y, x = (np.arange(24) * ink.shape[0] // 24), (np.arange(16) * ink.shape[1] // 16)
    return ink[np.ix_(y, x)]

def ink_of(width, height, samples):
    return np.frombuffer(samples, np.uint8).reshape(height, width) < 128

class Digits(BaseModel, extra="forbid", frozen=True):
    dpi: int = 150

    def read(self, image):
        with pymupdf.open() as file:
            file.new_page().insert_text((50, 100), "0123456789", fontsize=24)
            picture = file[0].get_pixmap(dpi=150, colorspace=pymupdf.csGRAY)
        known = ink_of(picture.width, picture.height, picture.samples)
        shapes = [shape(known[:, a:b]) for a, b in blots(known.any(0))]
        ink = ink_of(image.width, image.height, image.samples)
        lines = []
        for top, bottom in blots(ink.any(1)):
            row = ink[top:bottom]
            places = blots(row.any(0))
            text = "".join(
                str(min(range(10), key=lambda n: (shapes[n] != shape(row[:, a:b])).sum())) for a, b in places
            )
            lines.append(Line(text, places[0][0], top, places[-1][1], bottom, float(bottom - top)))
        return lines
"""


@pytest.fixture
def digits(tmp_path: Path) -> Iterator[None]:
    """Install a third party's distribution that brings an OCR engine, for this test only."""
    info = tmp_path / "digits-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: digits\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kanagura.ocr]\ndigits = outside_digits:Digits\n")
    (tmp_path / "outside_digits.py").write_text(dedent(DIGITS))
    sys.path.insert(0, str(tmp_path))
    yield
    sys.path.remove(str(tmp_path))
    sys.modules.pop("outside_digits", None)


def _capture(body: bytes) -> Capture:
    return Capture(
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


def _scan(file: pymupdf.Document, source: pymupdf.Page, dpi: int = 150) -> None:
    """Append what a scanner makes of a page."""
    picture = source.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY)
    page = file.new_page(width=source.rect.width, height=source.rect.height)
    page.insert_image(page.rect, pixmap=picture)


def _mixed() -> bytes:
    """Text, then two scanned pages of digits, then text."""
    with pymupdf.open(stream=render("報告", [Paragraph(TEXT)])) as file, pymupdf.open() as figures:
        for number in ("20260331", "461538"):
            figures.new_page().insert_text((72, 200), number, fontsize=24)
        for page in figures:
            _scan(file, page)
        with pymupdf.open(stream=render("報告", [Paragraph(TEXT)])) as more:
            file.insert_pdf(more)
        return bytes(file.tobytes())


def test_page_numbers_are_written_as_people_do() -> None:
    assert numbers([3, 7, 8, 9, 12]) == "3, 7-9, 12"
    assert numbers([]) == ""


def test_a_file_of_images_needs_ocr_and_says_which_pages() -> None:
    with pymupdf.open() as file, pymupdf.open(stream=render("報告", [Paragraph(TEXT)])) as source:
        _scan(file, source[0])
        _scan(file, source[0])
        (found,) = extract(_capture(file.tobytes()))
    assert found == Drop("needs_ocr", "pages 1-2 of 2 are images")


def test_letters_drawn_as_outlines_need_ocr_too() -> None:
    with pymupdf.open() as file:
        page = file.new_page()
        for n in range(400):
            page.draw_rect(pymupdf.Rect(n % 50 * 10, n // 50 * 12, n % 50 * 10 + 6, n // 50 * 12 + 8), fill=0)
        (found,) = extract(_capture(file.tobytes()))
    assert isinstance(found, Drop)
    assert found.reason == "needs_ocr"


def test_a_mixed_file_gives_its_text_and_names_the_other_pages() -> None:
    (found,) = extract(_capture(_mixed()))
    assert isinstance(found, Document)
    assert found.text.count(TEXT) == 2
    assert found.meta["pages_needing_ocr"] == "2-3"
    assert "pages_read_by_ocr" not in found.meta


@pytest.mark.usefixtures("digits")
def test_an_engine_of_a_third_party_reads_the_pages_without_text() -> None:
    (found,) = extract(_capture(_mixed()), engine({"digits": {"dpi": 150}}))
    assert isinstance(found, Document)
    assert found.text.count(TEXT) == 2
    assert "20260331" in found.text
    assert "461538" in found.text
    assert found.text.index("20260331") < found.text.index("461538") < found.text.rindex(TEXT)
    assert found.meta["pages_read_by_ocr"] == "2-3"
    assert "pages_needing_ocr" not in found.meta


@pytest.mark.usefixtures("digits")
def test_a_recipe_asks_for_an_engine() -> None:
    recipe = CorpusRecipe(name="figures", version="2026.11.21", captures=("reports",), steps=(), ocr="digits")
    assert recipe.ocr == {"digits": {}}
    plan = Plan(recipe.calls(), recipe.dedup, {}, ocr=engine(recipe.ocr))
    (row,) = prepare(_capture(_mixed()), plan=plan)
    assert "461538" in row["text"]
    (without,) = prepare(_capture(_mixed()), plan=plan._replace(ocr=None))
    assert "461538" not in without["text"]


@pytest.mark.usefixtures("digits")
def test_no_image_of_monstrous_size_is_shown_to_an_engine() -> None:
    with pymupdf.open() as file:
        page = file.new_page()
        page.insert_image(page.rect, pixmap=pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 9, 9), 0))
        xref = page.get_images()[0][0]
        file.xref_set_key(xref, "Width", "100000")
        file.xref_set_key(xref, "Height", "100000")
        (found,) = extract(_capture(file.tobytes()), engine({"digits": {}}))
    assert isinstance(found, Drop)
    assert found.reason == "needs_ocr"


@pytest.mark.usefixtures("digits")
def test_an_engine_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match=r"no plug-in named 'ndl'; installed: .*digits"):
        engine({"ndl": {}})
    with pytest.raises(UserError, match="dots"):
        engine({"digits": {"dots": 3}})
    with pytest.raises(UserError, match="one at a time"):
        engine({"digits": {}, "tesseract": {}})
    assert engine(None) is None


def test_tesseract_without_its_language_data_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no jpn.traineddata in .*apt-get install tesseract-ocr-jpn"):
        Tesseract(tessdata=str(tmp_path))
    with pytest.raises(ValidationError):
        Tesseract(language="../jpn", tessdata=str(tmp_path))


def test_tesseract_reads_a_scanned_page() -> None:
    try:
        tesseract = Tesseract(language="jpn", dpi=200)
    except UserError as error:
        pytest.skip(str(error))
    with pymupdf.open(stream=LAYOUTS["one_column"]().body) as source, pymupdf.open() as file:
        _scan(file, source[0], dpi=200)
        (found,) = extract(_capture(file.tobytes()), tesseract)
    assert isinstance(found, Document)
    assert "潜在成長率を上回る成長" in found.text or "労働と資本の稼働状況から推計しますと" in found.text
