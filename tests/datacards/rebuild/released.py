"""Makes a small release of a dataset version: what may be given on as it is, of the rest pointers."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.card import Ref
from datacards.rebuild.groups import FORMATS
from datacards.release.pointers import pointer_table
from datacards.release.recipes import recipes_below
from datacards.store import Store


def release(store: Store, corpus: Ref, name: str = "fin-public", formats: Iterable[str] = FORMATS) -> Ref:
    """Return the release of a dataset version, split by source."""
    folder = store.path(corpus)
    recipe = {"releases": str(corpus), "restricted": "pointers"}
    with store.write(
        name=name, version=corpus.version, kind="dataset", recipe=recipe, made_from=[corpus]
    ) as draft:
        pointers: dict[str, list[pa.Table]] = {}
        given: set[str] = set()
        for form in formats:
            for path in sorted((folder / form).glob("*.parquet")):
                table = pq.read_table(path)
                split, number = path.stem.split("-")[0], path.stem.rpartition("-")[2]
                for source in sorted(pc.unique(table["source"]).to_pylist()):
                    leaf = f"{split}-{source}-{number}.parquet"
                    own = table.filter(pc.equal(table["source"], source))
                    free = own.filter(own["redistribution"])
                    if len(free):
                        _add(draft.path / form / leaf, free)
                        given.update(free["id"].to_pylist())
                    if len(kept := own.filter(pc.invert(own["redistribution"]))):
                        pointers.setdefault(leaf, []).append(pointer_table(kept, str(corpus)))
        for leaf, tables in pointers.items():
            _add(draft.path / "pointers" / leaf, pa.concat_tables(tables))
        for path in sorted((folder / "facts").glob("*.parquet")):
            table = pq.read_table(path)
            free = table.filter(pc.is_in(table["document_id"], pa.array(sorted(given))))
            if len(free):
                split, number = path.stem.split("-")[0], path.stem.rpartition("-")[2]
                _add(draft.path / "facts" / f"{split}-{number}.parquet", free)
        for leaf, text in recipes_below(store, corpus).items():
            (draft.path / "recipes").mkdir(exist_ok=True)
            (draft.path / "recipes" / leaf).write_text(text, encoding="utf-8")
    return store.resolve(f"{name}@{corpus.version}")


def _add(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        table = pa.concat_tables([pq.read_table(path), table])
    pq.write_table(table, path, compression="zstd")
