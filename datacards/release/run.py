"""Recipe -> release: rights held, splits drawn, one set of files for each source, pointers for what stays at home."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.keys import Keys, KeyTable, column_keys, is_id
from datacards.profile.tokens import load
from datacards.provenance import capture
from datacards.release import bases, reports
from datacards.release.bases import CROSSES, TEST, TRAIN, VALIDATION
from datacards.release.files import Files, source_name
from datacards.release.pointers import POINTER, pointer_table
from datacards.release.recipe import FORMATS, ByCompany, ByTime, ReleaseRecipe
from datacards.rights import Refusal, counted, merged, permitted, refusals
from datacards.store import Draft, Store

BATCH = 1 << 14  # rows that are looked at together
POINTERS = 100_000  # of a file at most: a rebuild holds one file of them
SPLITS = {TRAIN: "train", TEST: "test", VALIDATION: "validation"}
_NUMBER = {name: number for number, name in SPLITS.items()}
_INSTEAD = "say restricted: pointers (hash and recipe in place of the text) or restricted: leave_out"
_AGAIN = "release it again under a new version; what may not be given on becomes pointers or is left out"
QUESTIONS = ("qa", "multiple_choice")  # the first parent is what is asked about
_RIGHTS = ["id", "license", "redistribution", "format", "made_from", "meta"]


def release(recipe: ReleaseRecipe, store: Store, corpus: str) -> Ref:
    """Make the release that ``recipe`` asks for from the dataset version called ``corpus``; return its Ref.

    The input is verified first. The same input and recipe give the same bytes. In memory are a batch of rows for each
    source and, for a holdout by company, some 60 bytes a base document. Raises UserError naming the records
    when some may not be given on and the recipe says ``refuse``.
    """
    source = store.verified(corpus, "dataset")
    request = recipe.model_dump(mode="json")
    if done := store.finished(recipe.name, recipe.version, recipe=request, made_from=[source]):
        return done
    card = store.card(source)
    files = [file.path for file in card.files if _is_of(file.path, recipe)]
    if not files:
        held = sorted({file.path.partition("/")[0] for file in card.files if "/" in file.path})
        raise UserError(
            recipe.name, f"{source} has none of the formats", f"it holds {', '.join(held)}", "name others"
        )
    folder = store.path(source)
    for name in recipe.tokenizers:
        load(name)  # one that is not there is said before the long work
    if recipe.restricted == "refuse":
        _refuse(folder, files, source, _INSTEAD)
    with store.write(
        name=recipe.name,
        version=recipe.version,
        kind="dataset",
        recipe=request,
        made_from=[source],
        description=recipe.description,
    ) as draft:
        draft.clear()
        draft.tokenizers = list(recipe.tokenizers)
        _Release(recipe, folder, source, draft).write(
            files, sum(file.rows or 0 for file in card.files if file.path in files)
        )
        reports.write_reports(store, source, draft)
        reports.write_recipes(store, source, _told(recipe, source), draft)
        if not any(draft.counts[f"documents_{name}"] for name in (*recipe.formats, "pointers")):
            raise UserError(
                recipe.name, "nothing of it may be given to others", "", "say restricted: pointers"
            )
    return store.resolve(f"{recipe.name}@{recipe.version}")


def is_release(card: Card) -> bool:
    """Return whether a version was made by a release recipe."""
    return card.kind == "dataset" and {"restricted", "holdout"} <= card.recipe.keys()


def check(store: Store, ref: Ref) -> None:
    """Raise UserError naming the records of a release that may not be given on after all, and texts it must not hold.

    It is asked once more before anything is published: what made the release may have been another code.
    """
    folder = store.path(ref)
    files = [file.path for file in store.card(ref).files if file.path.endswith(".parquet")]
    _refuse(folder, [path for path in files if path.partition("/")[0] in FORMATS], ref, _AGAIN)
    for path in files:
        config = path.partition("/")[0]
        held = {"text", "meta"} & set(pq.read_schema(folder / path).names) if config not in FORMATS else set()
        if held or config == "index":
            raise UserError(str(ref), f"{path} tells of texts that stay at home", todo="release it again")


def _is_of(path: str, recipe: ReleaseRecipe) -> bool:
    return path.partition("/")[0] in recipe.formats and path.endswith(".parquet")


def _refuse(folder: Path, files: list[str], source: Ref, todo: str) -> None:
    found: list[list[Refusal]] = []
    untraced = 0
    for path in files:
        for table in _tables(folder / path, _RIGHTS):
            found.append(refusals(_judged(table)))
            untraced += pc.sum(_untraced(table)).as_py() or 0
    if told := merged(found):
        lines = [
            f"{one.records:,} records under {one.license} ({one.why}): {', '.join(one.ids[:5])}"
            + (", ..." if one.records > 5 else "")
            for one in told
        ]
        if untraced:
            lines.append(
                f"{untraced:,} of them are questions by an earlier code, which noted nothing of their wrong choices"
            )
        raise UserError(
            str(source),
            f"holds {sum(one.records for one in told):,} records that may not be given to others: {'; '.join(lines)}",
            "records whose license allows it",
            todo,
        )


def _judged(table: pa.Table) -> pa.Table:
    """Return what rights are judged by: a question whose wrong choices are of documents that nobody names stays at home.

    Earlier code noted only what the answer was made from; the choices may be of another license.
    """
    given = pc.and_(pc.fill_null(table["redistribution"], False), pc.invert(_untraced(table)))
    at = table.column_names.index("redistribution")
    return table.set_column(at, "redistribution", given).select(["id", "license", "redistribution"])


def _untraced(table: pa.Table) -> pa.ChunkedArray:
    asked = pc.and_(
        pc.equal(table["format"], "multiple_choice"), pc.less(pc.list_value_length(table["made_from"]), 2)
    )
    return pc.and_(asked, pc.match_substring(table["meta"], '"generator": "facts"'))


def _told(recipe: ReleaseRecipe, source: Ref) -> Card:
    """Return what can be said of the release while it is made, for its own recipe file."""
    return Card(
        name=recipe.name,
        version=recipe.version,
        kind="dataset",
        made_from=(source,),
        recipe=recipe.model_dump(mode="json"),
        provenance=capture(),
        files=(),
        created_at=datetime.fromtimestamp(0, UTC),  # no part of what is written
    )


def _tables(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=columns):
            yield pa.Table.from_batches([batch])


class _Sorted(NamedTuple):
    """What becomes of the rows of a table: its split's number (CROSSES for none), and whether its text may go."""

    split: npt.NDArray[np.int32]
    given: npt.NDArray[np.bool_]


class _Release:
    """One release in the making."""

    def __init__(self, recipe: ReleaseRecipe, folder: Path, source: Ref, draft: Draft) -> None:
        self.recipe, self.folder, self.source, self.draft = recipe, folder, source, draft
        self.licenses: Counter[str] = Counter()
        self.pointers = Files(draft.path / "pointers", POINTER, recipe.shard_characters, POINTERS)
        self.dropped = Files(draft.path / "dropped", reports.DROPPED, 1)
        holdout = recipe.holdout
        self.sides: KeyTable | None = (
            bases.companies(folder).table(holdout) if isinstance(holdout, ByCompany) else None
        )
        self._keys: list[
            Keys
        ] = []  # base documents that are given, with their splits: their facts go with them
        self._splits: list[npt.NDArray[np.int32]] = []
        self._names: dict[str, int] = {}  # SPLIT-SOURCE -> its number

    def write(self, files: list[str], rows: int) -> None:
        """Write all formats, pointers, facts and what was left out by the release itself."""
        for name in (*self.recipe.formats, "pointers"):
            self.draft.counts.update({f"documents_{name}": 0, f"characters_{name}": 0})
        with tqdm(total=rows, desc="releasing", unit=" rows", disable=None) as bar:
            for config in self.recipe.formats:
                of_config = [path for path in files if path.startswith(f"{config}/")]
                if not of_config:
                    continue
                out = Files(
                    self.draft.path / config,
                    pq.read_schema(self.folder / of_config[0]),
                    self.recipe.shard_characters,
                )
                for path in of_config:
                    held_out = Path(path).name.split("-")[0]
                    for table in _tables(self.folder / path):
                        self._put(config, table, held_out, out)
                        bar.update(len(table))
                self.draft.rows.update(out.close())
        for one in (self.pointers, self.dropped):
            self.draft.rows.update(one.close())
        if "markdown" in self.recipe.formats:
            self._facts()
        self.draft.rights.extend(counted(self.licenses))

    def _put(self, config: str, table: pa.Table, held_out: str, out: Files) -> None:
        found = self._sorted(table, held_out, asked=config in QUESTIONS)
        names = self._names_of(table, found.split)
        crosses = found.split == CROSSES
        self._leave(table, crosses, "crosses_splits")
        restricted = ~found.given & ~crosses
        if self.recipe.restricted == "pointers":
            for name, rows in _parts(table, names, restricted):
                self.pointers.add(name, pointer_table(rows, str(self.source)))
                self._count("pointers", rows)
        else:
            self._leave(table, restricted, "rights")
        given = found.given & ~crosses
        for name, rows in _parts(table, names, given):
            out.add(name, rows)
            self._count(config, rows)
        if config == "markdown":
            self._keys.append(column_keys(table["id"].combine_chunks().filter(pa.array(given))))
            self._splits.append(
                np.array([self._names.setdefault(n, len(self._names)) for n in names[given]], dtype=np.int32)
            )

    def _sorted(self, table: pa.Table, held_out: str, *, asked: bool) -> _Sorted:
        """Return the splits: what was held out before is never trained on again."""
        split = np.full(len(table), _NUMBER.get(held_out, VALIDATION), dtype=np.int32)
        side = np.zeros(len(table), dtype=np.int32)
        if isinstance(self.recipe.holdout, ByTime):
            side[_days(table) >= self.recipe.holdout.since.toordinal()] = TEST
        elif self.sides:
            side = bases.sides(table, self.sides, asked=asked)
        if self.recipe.holdout:
            split[split != TRAIN] = VALIDATION
            split = np.where((side == TEST) | (side == CROSSES), side, split)
        given = permitted(_judged(table)).to_numpy(zero_copy_only=False)
        return _Sorted(split, given)

    def _names_of(self, table: pa.Table, split: npt.NDArray[np.int32]) -> npt.NDArray[np.str_]:
        encoded = table["source"].combine_chunks().dictionary_encode()
        sources = np.array([source_name(str(one)) for one in encoded.dictionary.to_pylist()])
        splits = np.array([SPLITS.get(number, "train") for number in range(VALIDATION + 1)])
        joined = np.char.add(np.char.add(splits[split], "-"), sources[encoded.indices.to_numpy()])
        return joined.astype(np.str_)

    def _leave(self, table: pa.Table, which: npt.NDArray[np.bool_], reason: str) -> None:
        rows = table.filter(pa.array(which))
        if not rows.num_rows:
            return
        said = {
            "reason": [reason] * len(rows), "detail": rows["format"].to_pylist(), "stage": ["release"] * len(rows),
            "sha256": [""] * len(rows), "version": [str(self.source)] * len(rows), "document_id": rows["id"],
        }  # fmt: skip
        columns = {name: said[name] if name in said else rows[name] for name in reports.DROPPED.names}
        self.dropped.add("train-release", pa.table(columns).cast(reports.DROPPED))
        self.draft.drops[reason] += len(rows)

    def _count(self, config: str, rows: pa.Table) -> None:
        self.draft.counts[f"documents_{config}"] += len(rows)
        self.draft.counts[f"characters_{config}"] += int(pc.sum(rows["n_chars"]).as_py() or 0)
        for one in pc.value_counts(rows["license"]).to_pylist():
            self.licenses[one["values"]] += one["counts"]

    def _facts(self) -> None:
        """Write the facts of the documents that are given, in their splits."""
        given = KeyTable(self._keys, self._splits)
        names = np.array([*self._names, ""])
        paths = sorted((self.folder / "facts").glob("*.parquet"))
        if not paths:
            return
        out = Files(self.draft.path / "facts", pq.read_schema(paths[0]), self.recipe.shard_characters)
        for path in paths:
            for table in _tables(path):
                fits = pa.array(is_id(table["document_id"].combine_chunks()))
                rows = table.filter(fits)
                of = given.get(column_keys(rows["document_id"].combine_chunks()), len(self._names))
                for name, chosen in _parts(rows, names[of], of < len(self._names)):
                    out.add(name, chosen)
                    self.draft.counts["facts"] += len(chosen)
        self.draft.rows.update(out.close())


def _parts(
    table: pa.Table, names: npt.NDArray[np.str_], which: npt.NDArray[np.bool_]
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the chosen rows by name, in order of the names."""
    for name in np.unique(names[which]):
        yield str(name), table.filter(pa.array(which & (names == name)))


def _days(table: pa.Table) -> npt.NDArray[np.int64]:
    """Return the day from which each row could be read, as ordinals of the calendar; that of the capture if none is told."""
    captured = table["captured_at"].cast(pa.date32())
    told = table["available_at"] if "available_at" in table.column_names else captured
    days = pc.fill_null(pc.coalesce(told, captured).cast(pa.int32()), np.iinfo(np.int32).max)
    return days.combine_chunks().to_numpy().astype(np.int64) + date(1970, 1, 1).toordinal()
