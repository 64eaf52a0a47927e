"""Converts the published benchmark files into the vendored ``*.jsonl.gz``: ``python -m eval.data.convert FOLDER``.

FOLDER holds the published files (``CONVERTED`` names where; LICENSES.md says whose they are). The same files always give
the same bytes: rows are in a fixed order and carry a hash of their content as id.
"""

import gzip
import io
import json
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from datacards.errors import UserError
from eval.data import chats, general
from eval.items import content_id

HERE = Path(__file__).parent
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
MAX_MEMBER = 50_000_000  # bytes of one member of the workbook, unpacked; the real ones have less than 2 MB
STATEMENTS = "アイウエオカ"


def chabsa(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield one row per opinion of the annotated reports in ``folder``, in order of report, sentence, place."""
    rows = []
    copies: Counter[str] = Counter()
    for path in sorted(folder.glob("e*_ann.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        for sentence in report["sentences"]:
            for opinion in sentence["opinions"]:
                row = {
                    "report": report["header"]["document_id"],
                    "sentence_id": sentence["sentence_id"],
                    "start": opinion["from"],
                    "end": opinion["to"],
                    "sentence": sentence["sentence"],
                    "target": opinion["target"],
                    "polarity": opinion["polarity"],
                }
                # Some opinions stand twice or more in the published files; all count there, so all count here.
                first = content_id(row)
                row["copy"] = copies[first]
                copies[first] += 1
                rows.append({"id": content_id(row), **row})
    yield from sorted(rows, key=lambda r: (r["report"], int(r["sentence_id"]), r["start"], r["end"], r["id"]))


def cpa_audit(path: Path) -> Iterator[dict[str, Any]]:
    """Yield one row per question of the workbook ``path`` that its authors did not flag as abnormal."""
    rows = []
    for cells in worksheet(path):
        if int(float(cells["abnormal_flg"])):
            continue
        row = {
            "exam": cells["key"],
            "number": int(float(cells["q_no"])),
            "question": cells["question"],
            "statements": {mark: cells[mark] for mark in STATEMENTS if mark in cells},
            "choices": [cells[f"{n}.0"] for n in range(1, 7) if f"{n}.0" in cells],
            "answer": int(float(cells["a_no"])) - 1,
        }
        rows.append({"id": content_id(row), **row})
    yield from sorted(rows, key=lambda r: (str(r["exam"]), r["number"], r["id"]))


def worksheet(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of the first worksheet of an xlsx file as {heading: text}; empty cells are left out.

    The parts of ECMA-376 that one table of texts and numbers needs: shared strings, and ``r``, ``t``, ``v`` of cells.
    """
    with zipfile.ZipFile(path) as book:
        strings = [_text(item) for item in _member(book, "xl/sharedStrings.xml").iter(f"{SHEET}si")]
        sheet = _member(book, "xl/worksheets/sheet1.xml")
    headings: dict[str, str] = {}
    for row in sheet.iter(f"{SHEET}row"):
        cells: dict[str, str] = {}
        for cell in row.iter(f"{SHEET}c"):
            value = cell.findtext(f"{SHEET}v")
            if value is not None:
                column = cell.attrib["r"].rstrip("0123456789")
                cells[column] = strings[int(value)] if cell.get("t") == "s" else value
        if not headings:
            headings = cells
        elif cells:
            yield {headings[column]: value for column, value in cells.items() if column in headings}


def _member(book: zipfile.ZipFile, name: str) -> Element:
    if book.getinfo(name).file_size > MAX_MEMBER:
        raise UserError(name, "is larger than any real one", f"at most {MAX_MEMBER:,} bytes unpacked")
    root: Element = fromstring(book.read(name))
    return root


def _text(item: Element) -> str:
    # Phonetic readings (rPh) are no part of the text.
    runs = [item, *item.findall(f"{SHEET}r")]
    return "".join(run.findtext(f"{SHEET}t") or "" for run in runs)


def write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write ``rows`` as gzipped JSON Lines without date or file name; return how many."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=9, mtime=0) as packed:
        packed.write("".join(lines).encode())
    path.write_bytes(stream.getvalue())
    return len(lines)


#: Every vendored file: where its published form lies below FOLDER, and what makes rows of it.
CONVERTED: Mapping[str, tuple[str, Callable[[Path], Iterator[dict[str, Any]]]]] = {
    "chabsa": ("chabsa", chabsa),
    "cpa_audit": ("cpa_audit/CPA_AUDIT.xlsx", cpa_audit),
    "ja_mt_bench": ("ja_mt_bench", chats.ja_mt_bench),
    "jcommonsenseqa": ("jglue/jcommonsenseqa-valid-v1.3.json", general.jcommonsenseqa),
    "jfinqa": ("jfinqa/jfinqa_v1.json", general.jfinqa),
    "jmmlu": ("jmmlu", general.jmmlu),
    "jnli": ("jglue/jnli-valid-v1.3.json", general.jnli),
    "jsquad": ("jglue/jsquad-valid-v1.3.json", general.jsquad),
    "mgsm": ("mgsm", general.mgsm),
}


def main(argv: list[str]) -> None:
    """Convert the files in the folder ``argv[0]`` and say how many rows each task has."""
    if len(argv) != 1:
        raise UserError("convert", f"{len(argv)} arguments", "one folder with the published files is needed")
    for name, (below, rows) in CONVERTED.items():
        number = write(HERE / f"{name}.jsonl.gz", rows(Path(argv[0]) / below))
        sys.stdout.write(f"{name}: {number} rows\n")


if __name__ == "__main__":
    main(sys.argv[1:])
