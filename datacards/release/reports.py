"""What a release tells beside its records: what left and why, overlap with the tests, pairs that resemble each other."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards import columns
from datacards.card import Card, Ref
from datacards.release.files import Files
from datacards.release.recipes import recipe_text, recipes_below
from datacards.store import Draft, Store

TESTS = "tests.parquet"
REPORTS = ("dropped", "contamination", "similar")
#: What is told of a record that left; never its text, nor what may quote one: the details of questions and of bodies.
_QUOTING = ("rephrase", "extract")
DROPPED = pa.schema(
    [
        *(field for field in columns.DROPPED if field.name != "text"),
        columns.column("version", pa.string(), "The dataset that it left: name@version"),
    ]
)


def datasets_below(store: Store, ref: Ref) -> Iterator[tuple[Ref, Card]]:
    """Yield ``ref`` and every dataset that it was made from, nearest first, each once."""
    waiting, seen = [ref], set[str]()
    while waiting:
        here = waiting.pop(0)
        if ":" in here.name or str(here) in seen or not store.digest(here):
            continue
        seen.add(str(here))
        card = store.card(here)
        if card.kind == "dataset":
            yield here, card
            waiting.extend(card.made_from)


def write_reports(store: Store, ref: Ref, draft: Draft) -> None:
    """Write the reports of ``ref`` and of the datasets below it into the draft, without the texts of what left.

    A file that several versions share, as of a version that extends another, is told once.
    """
    seen: set[str] = set()
    tests = False
    for here, card in datasets_below(store, ref):
        folder = store.path(here)
        files: dict[str, Files] = {}
        for file in card.files:
            config = file.path.partition("/")[0]
            if config not in REPORTS or not file.path.endswith(".parquet") or file.sha256 in seen:
                continue
            seen.add(file.sha256)
            _copy(folder / file.path, files, draft.path / config, here)
        for one in files.values():
            draft.rows.update(one.close())
        if not tests and (folder / TESTS).is_file():
            (draft.path / TESTS).write_bytes((folder / TESTS).read_bytes())
            draft.rows[TESTS] = pq.read_metadata(folder / TESTS).num_rows
            tests = True
        draft.drops.update(_drops_of(card))


def _copy(path: Path, files: dict[str, Files], folder: Path, version: Ref) -> None:
    config = folder.name
    with pq.ParquetFile(path) as file:
        schema = DROPPED if config == "dropped" else file.schema_arrow
        held = file.schema_arrow.names
        if config not in files:
            files[config] = Files(folder, schema, characters=1)
        for batch in file.iter_batches(1 << 14, columns=[name for name in schema.names if name in held]):
            table = pa.Table.from_batches([batch])
            for name in schema.names:
                if name == "detail":
                    table = _unquoted(table)
                elif name not in table.column_names:
                    said = [str(version)] * len(table) if name == "version" else None
                    column = (
                        pa.array(said, pa.string()) if said else pa.nulls(len(table), schema.field(name).type)
                    )
                    table = table.append_column(name, column)
            files[config].add(f"train-{version.name.replace('-', '_')}", table.select(schema.names))


def _unquoted(table: pa.Table) -> pa.Table:
    """Return drops without the details that may say what their documents, or others beside them, do."""
    quoting = pc.is_in(table["stage"], pa.array(_QUOTING))
    quoting = pc.and_not(quoting, pc.starts_with(table["reason"], "filing_"))  # its detail is an id
    at = table.column_names.index("detail")
    return table.set_column(at, table.schema.field(at), pc.if_else(quoting, "", table["detail"]))


def _drops_of(card: Card) -> Mapping[str, int]:
    return card.drops


def write_recipes(store: Store, ref: Ref, card: Card, draft: Draft) -> None:
    """Write how this release, every dataset below it and their captures were made."""
    folder = draft.path / "recipes"
    folder.mkdir(exist_ok=True)
    for name, text in {
        **recipes_below(store, ref),
        f"{card.name}-{card.version}.yaml": recipe_text(card),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
