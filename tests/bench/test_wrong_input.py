"""A benchmark that is given what it cannot measure says so, instead of a figure or a traceback."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench import (
    contamination,
    corpus_scale,
    engine,
    hostile,
    minhash,
    near_duplicates,
    number_fidelity,
    pdf_text,
)

PDF = "report.pdf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    for name in ("words.zip", "words.xbrl", PDF):
        (tmp_path / name).write_text("これは文章です。", "utf-8")
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04" + bytes(50))
    return tmp_path


@pytest.mark.parametrize(
    ("command", "given", "said"),
    [
        (number_fidelity.main, ("empty",), "no .zip, .xbrl, .tsv or .csv file in"),
        (hostile.main, ("empty",), "no file in"),
        (near_duplicates.main, ("empty", "--peers=none"), "holds no docs/*.parquet"),
        (contamination.main, ("words.zip",), "no Parquet file with a column named text"),
        (minhash.main, ("words.zip",), "no Parquet file with a column named text"),
        (engine.main, ("--items=0",), "0 is not in the range x>=1"),
        (near_duplicates.main, ("--documents=0",), "0 is not in the range x>=1"),
        (corpus_scale.main, ("--docs=10,x",), "whole numbers above 0"),
        (pdf_text.main, (PDF,), "PDF needs the XBRL"),
        (pdf_text.main, (PDF, "words.xbrl"), "no instance, and no package with one"),
        (pdf_text.main, (PDF, "cut.zip"), "not a zip file"),
    ],
)
def test_wrong_input_is_named(
    folder: Path, command: click.Command, given: tuple[str, ...], said: str
) -> None:
    words = [one if one.startswith("-") else str(folder / one) for one in given]
    found = CliRunner().invoke(command, words)
    assert found.exit_code == 2
    assert said in " ".join(found.output.split())


def test_nothing_that_could_be_read_has_no_fidelity(folder: Path) -> None:
    found = CliRunner().invoke(number_fidelity.main, [str(folder / "words.zip"), str(folder / "cut.zip")])
    figures = json.loads(found.output.splitlines()[-1])
    assert (figures["fidelity"], figures["fidelity_csv"], figures["false_numbers"]) == (None, None, 0)
