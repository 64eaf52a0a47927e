"""EDINET's list of accounts (an Excel workbook) -> the same term documents that the taxonomy itself gives."""

from collections.abc import Iterator

from corpus.document import Capture, Document, Drop
from corpus.extract.archive import ArchiveError
from corpus.extract.taxonomy import Item, documents
from corpus.extract.workbook import Row, sheets

_COLUMNS = {
    "標準ラベル（日本語）": "label",
    "冗長ラベル（日本語）": "verbose",
    "標準ラベル（英語）": "english",
    "名前空間プレフィックス": "prefix",
    "要素名": "name",
    "periodType": "period",
    "balance": "balance",
    "abstract": "abstract",
    "depth": "depth",
}
_LONGEST = 300  # characters of a label


def extract(capture: Capture) -> list[Document | Drop]:
    """Return the term documents of the list, in its order, or why there are none.

    Each sheet is an industry; an element that several sheets have is described where it comes first.
    """
    try:
        items = [item for _, rows in sheets(capture.body) for item in _items(rows)]
    except ArchiveError as error:
        return [error.drop]
    return list(documents(capture, items, None)) or [
        Drop("unknown_columns", "a workbook without a list of accounts")
    ]


def _items(rows: list[Row]) -> Iterator[Item]:
    """Yield the items of a sheet; the rows above one, less deep, are where it stands."""
    columns: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for row in rows:
        if "要素名" in row.values():
            columns = {column: _COLUMNS[text] for column, text in row.items() if text in _COLUMNS}
            above = []
            continue
        said = {name: row.get(column, "") for column, name in columns.items()}
        if not said.get("name") or not said.get("label") or len(said["label"]) > _LONGEST:
            continue
        depth = int(said["depth"]) if said.get("depth", "").isdecimal() else 0
        above = [one for one in above if one[0] < depth]
        if said.get("abstract") == "false":
            names = [name for _, name in above]
            yield Item(
                element=f"{said.get('prefix', '')}:{said['name']}",
                label=said["label"],
                verbose=said.get("verbose") or said["label"],
                english=said.get("english", ""),
                place=tuple(name for at, name in enumerate(names) if not at or names[at - 1] != name),
                balance=said.get("balance", ""),
                period=said.get("period", ""),
            )
        above.append((depth, said["label"]))
