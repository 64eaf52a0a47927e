"""The pass over the files of a dataset version that makes its Profile."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from tqdm import tqdm

from datacards.columns import meaning
from datacards.profile import quality, tokens
from datacards.profile.blocks import Shard, blocks, shards
from datacards.profile.industry import industries
from datacards.profile.left_out import LeftOut
from datacards.profile.record import (
    FORMATS,
    POINTERS,
    TABLES,
    Column,
    Columns,
    Profile,
    Quality,
    Table,
    TestReport,
)
from datacards.profile.rows import COLUMNS, Rows

TESTS = "tests.parquet"
_DUPLICATES = {"exact_duplicate": "exact", "near_duplicate": "near"}


def profile(folder: Path, tokenizers: Sequence[str] = ()) -> Profile | None:
    """Return what the dataset version in ``folder`` holds, None when it has no file of any config.

    Rows are read in blocks of bounded size and only the columns that are counted; texts are read only to be
    tokenized, or where rows carry no signals of quality, and then of a sample. Raises UserError for a tokenizer that
    cannot be loaded.
    """
    unreadable: list[str] = []
    documents = shards(folder, (*FORMATS, POINTERS), unreadable)
    tables = {name: shards(folder, (name,), unreadable) for name in TABLES}
    if not documents and not any(tables.values()) and not unreadable:
        return None
    by_format: dict[str, list[Shard]] = defaultdict(list)
    for shard in documents:
        by_format[shard.config].append(shard)
    base = next((name for name in (*FORMATS, POINTERS) if name in by_format), "")
    rows = Rows(industries(tables["facts"]), base, sum(one.rows for one in by_format[base]))
    with tqdm(total=sum(one.rows for one in documents), desc="profile", unit=" rows", disable=None) as bar:
        for shard in documents:
            for block in blocks(shard.path, COLUMNS):
                rows.add(shard, block)
                bar.update(block.num_rows)
    left = LeftOut()
    left.read(tables["dropped"])
    dropped = left.found()
    texts = {name: files for name, files in by_format.items() if name != POINTERS}
    characters = {
        name: sum(
            n for (config, _), part in rows.parts.items() if config == name for _, _, n in part.sorted()
        )
        for name in texts
    }
    counted = {_DUPLICATES[one.reason]: 0 for one in dropped if one.reason in _DUPLICATES}
    for one in dropped:
        if one.reason in _DUPLICATES:
            counted[_DUPLICATES[one.reason]] += one.rows
    return Profile(
        parts=rows.part_rows(),
        tables=_tables(tables),
        groups=rows.group_rows(),
        year_from=dict(sorted(rows.year_from.items())),
        lengths={name: made for name, bins in rows.lengths.items() if (made := bins.histogram())},
        clusters=rows.clusters.histogram(),
        quality=_quality(rows, base, texts, characters),
        tokens=tuple(tokens.tokens(tokenizers, texts, characters)),
        dropped=dropped,
        tests=_tests(folder / TESTS),
        duplicates=counted | {"similar_kept": sum(one.rows for one in tables["similar"])},
        marked=dict(sorted(rows.marked.items())),
        unreadable=tuple(unreadable),
        columns=_columns([*documents, *(one for files in tables.values() for one in files)]),
    )


def _quality(
    rows: Rows, base: str, texts: dict[str, list[Shard]], characters: dict[str, int]
) -> Quality | None:
    return rows.quality.found([base]) or quality.of_texts(texts.get(base, []), characters.get(base, 0))


def _tables(found: dict[str, list[Shard]]) -> tuple[Table, ...]:
    counted: Counter[tuple[str, str]] = Counter()
    for name, files in found.items():
        for one in files:
            counted[name, one.split] += one.rows
    return tuple(Table(config=name, split=split, rows=rows) for (name, split), rows in counted.items())


def _tests(path: Path) -> tuple[TestReport, ...]:
    """Return the rows of ``tests.parquet``, one per test, none when there is no such file."""
    if not path.is_file():
        return ()
    with pq.ParquetFile(path) as file:
        held = [name for name in TestReport.model_fields if name in file.schema_arrow.names]
    missing = {name: "" if name in ("test", "status") else 0 for name in TestReport.model_fields}
    return tuple(
        TestReport.model_validate({**missing, **row}) for row in pq.read_table(path, columns=held).to_pylist()
    )


def _columns(files: Sequence[Shard]) -> tuple[Columns, ...]:
    """Return the columns of every config as its first file has them, equal ones together."""
    configs: dict[tuple[Column, ...], list[str]] = defaultdict(list)
    for name, shard in {shard.config: shard for shard in reversed(files)}.items():
        with pq.ParquetFile(shard.path) as file:
            schema = file.schema_arrow
        told = (Column(name=one.name, type=str(one.type), meaning=meaning(one)) for one in schema)
        configs[tuple(told)].append(name)
    order = {name: place for place, name in enumerate((*FORMATS, POINTERS, *TABLES))}
    found = [
        Columns(configs=tuple(sorted(names, key=order.__getitem__)), columns=columns)
        for columns, names in configs.items()
    ]
    return tuple(sorted(found, key=lambda one: order[one.configs[0]]))
