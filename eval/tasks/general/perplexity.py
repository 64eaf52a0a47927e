"""perplexity: how well a model predicts text that was held out, in bits per byte, by source."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field, PositiveInt, StringConstraints, field_serializer
from tqdm import tqdm

from datacards.errors import UserError
from datacards.evaluated import Figure
from eval.items import Kind, Passage, Surprise, content_id
from eval.tasks.base import Measured, Task, by_group, weighted
from eval.tasks.general.local import local_file, told


class PassageTask(Task):
    """What both tasks share: of every source ``per_source`` documents, of each the first ``characters``.

    Documents are drawn by their ids, which are hashes of their content: the lowest are taken, so that a draw depends on neither
    the order nor the number of files. ``bits_per_byte`` is the sum of all bits over the sum of all bytes of UTF-8, which
    models of different tokenizers share; ``token_perplexity`` compares models of one tokenizer only. Documents of
    one address form a cluster.
    """

    per_source: PositiveInt = 100
    characters: Annotated[int, Field(ge=16)] = 4000
    kind: ClassVar[Kind] = "passage"
    metric: ClassVar[str] = "bits_per_byte"
    figure: ClassVar[Figure] = "ratio"
    higher_is_better: ClassVar[bool] = False

    def passages(self, paths: Sequence[Path], since: date | None = None) -> list[Passage]:
        """Return the passages of ``paths`` in order of source and id.

        Only the chosen rows' texts are read; of all others id, source, address and day, one row group at a time. ``since``
        leaves out what a reader could have had before that day, and what bears no day.
        """
        chosen = self._chosen(paths, since)
        texts = _texts(paths, chosen)
        found = {}
        for row in chosen.to_pylist():
            text = texts[row["file"], row["row"]][: self.characters]
            if text.strip():
                name = str(row["source"] or "")
                found[row["id"]] = Passage(
                    id=content_id({"source": name, "text": text}),
                    text=text,
                    label=name,
                    group=name,
                    cluster=str(row["url"] or row["id"]),
                )
        return list({passage.id: passage for passage in found.values()}.values())

    def _chosen(self, paths: Sequence[Path], since: date | None) -> pa.Table:
        kept: pa.Table | None = None
        for place, path in enumerate(tqdm(paths, desc=f"{self.task}: reading ids", disable=None)):
            for table in _groups(path, place, since):
                kept = self._lowest(table if kept is None else pa.concat_tables([kept, table]))
        if kept is None or not kept.num_rows:
            raise UserError(
                self.task, "no document was found", todo="name another format, split, day or file"
            )
        return kept

    def _lowest(self, table: pa.Table) -> pa.Table:
        """Return the rows with the lowest ids of every source, in order of source and id."""
        ordered = table.sort_by([("source", "ascending"), ("id", "ascending")])
        codes = ordered["source"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
        starts = np.searchsorted(codes, np.arange(codes.max(initial=-1) + 1))
        places = np.arange(len(codes)) - starts[codes] if len(codes) else codes
        return ordered.filter(pa.array(places < self.per_source))

    def measure(self, results: Sequence[Surprise]) -> list[Measured]:
        """Return bits_per_byte and token_perplexity."""
        nats = weighted("nats", [(result.nats, float(result.tokens)) for result in results])
        value = math.exp(min(nats.value, 700.0))
        return [
            weighted(self.metric, [self.value(result) for result in results]),
            Measured("token_perplexity", value, None if nats.stderr is None else value * nats.stderr),
        ]

    def parts(self, results: Sequence[Surprise]) -> Mapping[str, Sequence[Surprise]]:
        """Return the results of every source."""
        return by_group(results)


class Perplexity(PassageTask):
    """Documents of one format of the dataset version that was given, in a split that no training reads.

    A version whose every document is held out has the split ``train`` alone: name it, where the model was not trained on it.
    ``since`` (a day) keeps what became available then or later.
    """

    task: Literal["perplexity"] = "perplexity"
    format: Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")] = "markdown"
    split: Literal["test", "validation", "train"] = "test"
    since: date | None = None
    needs_corpus: ClassVar[bool] = True

    def items(self, corpus: Path | None) -> list[Passage]:
        """Return the passages in order of source and id; raise UserError where there is none."""
        if corpus is None:
            raise UserError(self.task, "no corpus was given", todo="add: --corpus NAME@VERSION")
        files = sorted((corpus / self.format).glob(f"{self.split}-*.parquet"))
        if not files:
            raise UserError(
                self.task, f"no document was found: the corpus has no {self.format} in the split '{self.split}'",
                f"it has, of that split: {', '.join(_formats(corpus, self.split)) or 'nothing'}",
                "name a format or a split that no training has read",
            )  # fmt: skip
        return self.passages(files, self.since)


def _formats(corpus: Path, split: str) -> list[str]:
    """Return the formats that have documents in a split."""
    first = {path.parent.name: path for path in corpus.glob(f"*/{split}-*.parquet")}
    return sorted(name for name, path in first.items() if "text" in pq.read_schema(path).names)


class PerplexityFile(PassageTask):
    """Rows of a local Parquet file with a column ``text``, and if there are any ``id``, ``source`` and ``url``."""

    task: Literal["perplexity_file"] = "perplexity_file"
    file: str

    @field_serializer("file")
    def _told(self, file: str) -> str:
        return told([Path(file).expanduser()])

    def items(self, corpus: Path | None) -> list[Passage]:
        """Return the passages in order of source and id; raise UserError where the file has no texts."""
        del corpus
        return self.passages([local_file(self.task, self.file, (".parquet",))])


def _groups(path: Path, place: int, since: date | None) -> Iterator[pa.Table]:
    """Yield id, source, url, file and row of every row group, as strings; a file without ids is read for its texts."""
    with _opened(path) as file:
        names = set(file.schema_arrow.names)
        if "text" not in names:
            raise UserError(
                path.name, f"has the columns {', '.join(sorted(names))}", "a column text is needed"
            )
        wanted = [name for name in ("source", "url", "available_at") if name in names]
        first = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=[*wanted, "id" if "id" in names else "text"])
            n = table.num_rows
            ids = table["id"] if "id" in names else pa.array(_hashes(table["text"]))
            rows = {
                "id": ids.cast(pa.string()),
                **{
                    name: pc.fill_null(table[name].cast(pa.string()), "")
                    if name in names
                    else pa.array([""] * n, pa.string())
                    for name in ("source", "url")
                },
                "file": pa.array(np.full(n, place, np.int32)),
                "row": pa.array(np.arange(first, first + n)),
            }
            first += n
            found = pa.table(rows)
            if since and "available_at" in names:
                days = table["available_at"].cast(pa.date32())
                found = found.filter(pc.fill_null(pc.greater_equal(days, pa.scalar(since)), False))
            yield found


def _hashes(texts: pa.ChunkedArray) -> list[str]:
    return [content_id({"text": text}) for text in texts.to_pylist()]


def _texts(paths: Sequence[Path], chosen: pa.Table) -> dict[tuple[int, int], str]:
    """Return the texts of the chosen rows by file and row; row groups without one are not read."""
    wanted: dict[int, list[int]] = {}
    for file, row in zip(chosen["file"].to_pylist(), chosen["row"].to_pylist(), strict=True):
        wanted.setdefault(file, []).append(row)
    found = {}
    for place, rows in tqdm(sorted(wanted.items()), desc="reading texts", disable=None):
        with _opened(paths[place]) as file:
            first = 0
            for group in range(file.num_row_groups):
                n = file.metadata.row_group(group).num_rows
                inside = [row for row in rows if first <= row < first + n]
                if inside:
                    column = file.read_row_group(group, columns=["text"])["text"]
                    found.update({(place, row): column[row - first].as_py() or "" for row in inside})
                first += n
    return found


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(path.name, f"cannot be read: {error}", "a Parquet file") from error
