"""Prepared documents -> the files of a version: duplicates found, shards written by jobs, everything counted."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path

import numpy as np
from tqdm import tqdm

from corpus import shards, verdicts
from corpus.contamination.benchmarks import Benchmark
from corpus.contamination.decontaminate import TESTS, build_index, find_tests, summary
from corpus.contamination.overlaps import Index as TestIndex
from corpus.duplicates import near
from corpus.duplicates.index import Index, index_of
from corpus.engine import Engine
from corpus.recipe import CorpusRecipe
from corpus.repeats import RepeatOptions, Repeats, count_repeats
from corpus.write import SIMILAR, Tally, Writer, plan, write_shard
from datacards.card import DESCRIPTIONS, Card
from datacards.provenance import capture
from datacards.rights import counted
from datacards.store import CARD, Draft

TOLD = "tests.parquet"  # what became of each test
_TOLD = ("test_items", "test_items_touched", "tests_absent")  # counted over the whole version


def finish(
    recipe: CorpusRecipe, prepared: Sequence[Path], draft: Draft, engine: Engine, older: Sequence[Path] = ()
) -> None:
    """Turn prepared chunks into the files of a version: find duplicates, write shards, fill counts, drops, rights.

    ``older`` are the folders of versions whose documents come before these.
    """
    held = recipe.decontamination
    tests = find_tests(held) if held else []
    known = build_index(tests, held) if held else None
    index = index_of(prepared, older)
    work = draft.work / f"shards-{code_digest(*(test.sha256 for test in tests))}"
    duplicates = near.find(index, recipe.dedup, work / "near", engine)
    repeats = _repeats(index, duplicates, recipe.repeats, draft) if recipe.repeats else None
    verdicts.save(work, duplicates, repeats, known)
    number = _next_number(older)
    jobs = plan(prepared, recipe.shard_characters, number, index.earlier)
    writer = Writer(recipe.rendered(), held, recipe.dedup, work / "out", work)
    tallies = engine.map(partial(write_shard, writer=writer), jobs)
    _count(draft, recipe, list(tqdm(tallies, total=len(jobs), desc="writing", unit=" shards")))
    draft.counts["similar_pairs_kept"] = len(duplicates.similar)
    if duplicates.similar:
        name = f"similar/train-{number:05d}.parquet"
        draft.rows[name] = shards.write(writer.out / name, _similar(duplicates), SIMILAR)
    for folder in sorted(writer.out.iterdir()) if writer.out.is_dir() else ():
        shutil.move(folder, draft.path / folder.name)
    for folder in older:
        _carry(folder, draft)
    if known:
        _tell_tests(tests, known, draft)


def _next_number(folders: Sequence[Path]) -> int:
    """Return the first shard number that no file of earlier versions has; a shard of drops alone has no index."""
    stems = (path.stem.rpartition("-")[2] for folder in folders for path in folder.glob("*/*.parquet"))
    return 1 + max(map(int, stems), default=-1)


def _repeats(index: Index, duplicates: near.Duplicates, options: RepeatOptions, draft: Draft) -> Repeats:
    """Return what is said before, and count it over the documents that stay."""
    found = count_repeats(index.said, index.issuers(), index.numbers("available"), options)
    stays = duplicates.survivor[index.earlier :] == np.arange(index.earlier, index.count)
    for name in ("characters", "statutory", "repeated"):
        draft.counts[f"prose_{name}"] = int(getattr(found, name)[index.earlier :][stays].sum())
    return found


def _tell_tests(tests: Sequence[Benchmark], known: TestIndex, draft: Draft) -> None:
    """Write what became of each test over the whole version, the absent ones too."""
    found = chain.from_iterable(map(shards.read, shards.shard(draft.path, "contamination", "train")))
    told = summary(tests, known, found)
    draft.rows[TOLD] = shards.write(draft.path / TOLD, told, TESTS)
    draft.counts["test_items"] = sum(row["items"] for row in told)
    draft.counts["test_items_touched"] = sum(row["items_touched"] for row in told)
    draft.counts["tests_absent"] = sum(row["status"] == "absent" for row in told)


def _count(draft: Draft, recipe: CorpusRecipe, tallies: Sequence[Tally]) -> None:
    licenses: Counter[str] = Counter()
    for name in recipe.rendered():
        draft.counts.update({f"documents_{name}": 0, f"characters_{name}": 0})
    draft.counts["facts"] += 0
    for tally in tallies:
        draft.rows.update(tally.rows)
        draft.counts.update(tally.counts)
        draft.drops.update(tally.drops)
        licenses.update(tally.licenses)
    draft.rights.extend(counted(licenses))


def _carry(folder: Path, draft: Draft) -> None:
    """Take the files of the version that is extended over as they are, and what its card counts."""
    card = Card.model_validate_json((folder / CARD).read_bytes())
    for file in card.files:
        if "/" in file.path and not file.path.startswith(DESCRIPTIONS):
            shards.take_over(folder / file.path, draft.path / file.path)
            if file.rows is not None:
                draft.rows[file.path] = file.rows
    draft.counts.update(
        {name: n for name, n in card.counts.items() if name not in ("captures_known", *_TOLD)}
    )
    draft.drops.update(card.drops)
    licenses: Counter[str] = Counter()
    for one in [*card.rights, *draft.rights]:
        licenses[one.license] += one.records
    draft.rights[:] = counted(licenses)


def _similar(duplicates: near.Duplicates) -> Iterator[dict[str, object]]:
    for pair in duplicates.similar:
        yield {
            "id": duplicates.id(pair.smaller),
            "other_id": duplicates.id(pair.larger),
            "similarity": pair.similarity,
            "reason": pair.reason,
        }


def code_digest(*more: str) -> str:
    """Return a short digest of the code that makes a version: this package and the libraries; and of ``more``."""
    digest = sha256(repr([*sorted(capture().libraries.items()), *more]).encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
