"""A train recipe chooses documents by what they say of themselves, and the card says which were used."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacards.card import Ref, Rights
from datacards.errors import UserError
from datacards.store import Store
from train.base import Shard, TrainData
from train.data.chosen import Chosen, prepare
from train.recipe import TrainRecipe
from train.run import run

Ask = Callable[..., TrainRecipe]

ROWS = [
    ("s1", "boj_speeches", "BOJ-terms", {"speaker": "総裁"}, "物価の安定が大切である。"),
    ("s2", "boj_speeches", "BOJ-terms", {"speaker": "副総裁"}, "日本銀行は金融政策を決める。"),
    ("m1", "boj_minutes", "BOJ-terms", {}, "為替の変動に注意する。"),
    ("e1", "edinet", "PDL-1.0", {"edinet_code": "E00001"}, "売上高は前期より増えた。"),
    ("e2", "edinet", "PDL-1.0", {"edinet_code": "E00002"}, "営業利益は十億円となった。"),
    ("e3", "edinet", "PDL-1.0", {"edinet_code": "E00002"}, "営業利益は減った。"),
]


def _table(rows: list[tuple[str, str, str, dict[str, str], str]]) -> pa.Table:
    ids, sources, licenses, metas, texts = zip(*rows, strict=True)
    meta = [json.dumps(one, ensure_ascii=False) for one in metas]
    columns = {"id": ids, "text": texts, "source": sources, "license": licenses, "meta": meta}
    return pa.table({name: pa.array(list(values), pa.string()) for name, values in columns.items()})


@pytest.fixture
def sources(store: Store) -> Ref:
    """Return a dataset version of two files with documents of three sources."""
    with store.write(name="mixed", version="2026.11.21", kind="dataset", recipe={}) as draft:
        for format_, rows in {"markdown": ROWS[:4], "sections": ROWS[4:]}.items():
            (draft.path / format_).mkdir()
            pq.write_table(_table(rows), draft.path / format_ / "train-00000.parquet", row_group_size=2)
        draft.rights += [
            Rights(license="BOJ-terms", attribution="日本銀行", redistribution=False, records=3),
            Rights(license="PDL-1.0", attribution="金融庁", redistribution=True, records=3),
        ]
    return store.resolve("mixed@2026.11.21")


@pytest.fixture
def shards(sources: Ref, store: Store) -> tuple[Path, ...]:
    """Return the files of that version, in order of their formats."""
    return tuple(sorted(store.path(sources).glob("*/train-*.parquet")))


def _choose(paths: Sequence[Path], **asked: Any) -> tuple[tuple[Shard, ...], Chosen]:
    recipe = TrainRecipe.model_validate(
        {"name": "trained", "version": "2026.11.21", "base": "./base", **asked}
    )
    return prepare(recipe, [Shard(path, path.name, "mixed@2026.11.21", path.parent.name) for path in paths])


def _ids(paths: tuple[Path, ...], **asked: Any) -> list[str]:
    shards, chosen = _choose(paths, **asked)
    data = TrainData(shards)
    ids = [id_ for shard in shards for batch in data.documents(shard) for id_, _, _ in batch]
    assert data.n == len(ids) == len(ROWS) - chosen.left_out.total()
    return ids


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"only": {"source": ["boj_speeches"]}}, "s1 s2"),
        ({"only": {"source": ["boj_*"]}}, "s1 s2 m1"),
        ({"only": {"source": ["boj_minutes", "edinet"]}}, "m1 e1 e2 e3"),
        ({"only": {"edinet_code": ["E00002"]}}, "e2 e3"),
        ({"only": {"source": ["boj_speeches"], "speaker": ["総裁"]}}, "s1"),
        ({"without": {"source": ["edinet"]}}, "s1 s2 m1"),
        ({"without": {"edinet_code": ["E00002"]}}, "s1 s2 m1 e1"),
        ({"without": {"edinet_code": ["*"]}}, "s1 s2 m1"),
        ({"only": {"license": ["PDL-*"]}, "without": {"id": ["e2"]}}, "e1 e3"),
    ],
)
def test_documents_are_chosen_by_columns_and_by_meta(
    shards: tuple[Path, ...], asked: dict[str, Any], left: str
) -> None:
    assert _ids(shards, **asked) == left.split()


def test_every_document_that_is_left_out_has_one_reason(shards: tuple[Path, ...]) -> None:
    without = {"edinet_code": ["E00001"], "license": ["BOJ-*"]}
    _, chosen = _choose(shards, only={"source": ["edinet"]}, without=without)
    assert chosen.left_out == {"only_source": 3, "without_edinet_code": 1}
    assert chosen.sources == {"edinet": 2}
    assert chosen.licenses == {"PDL-1.0": 2}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"only": {"source": ["boj_speech"]}},
            r"only\.source: no document has 'boj_speech'; there are: edinet \(3\), boj_speeches \(2\), boj_minutes \(1\)",
        ),
        ({"only": {"source": ["edinet", "jpx"]}}, r"only\.source: no document has 'jpx'"),
        (
            {"without": {"edinet_code": ["E0000X"]}},
            r"without\.edinet_code: no document has 'E0000X'; there are: E00002 \(2\), E00001 \(1\)",
        ),
        (
            {"only": {"company": ["E00001"]}},
            r"only\.company: no document has it; documents have: id, source, license, speaker, edinet_code",
        ),
        (
            {"only": {"source": ["edinet"]}, "without": {"license": ["PDL-1.0"]}},
            "leave none of 6 documents",
        ),
    ],
)
def test_what_fits_nothing_is_refused_with_what_there_is(
    shards: tuple[Path, ...], asked: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        _ids(shards, **asked)


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["文"], "made_from": [["a"]]}), tmp_path / "train-0.parquet")
    with pytest.raises(UserError, match="'made_from' is a column of lists"):
        _choose([tmp_path / "train-0.parquet"], only={"made_from": ["a"]})


def test_days_and_truth_values_are_chosen_as_they_are_written(tmp_path: Path) -> None:
    days = np.array(["2024-03-29", "2025-06-20", "2025-06-27"], "datetime64[D]")
    table = pa.table(
        {"text": ["一", "二", "三"], "published_at": days, "redistribution": [True, True, False]}
    )
    pq.write_table(table, tmp_path / "train-0.parquet")
    path = tmp_path / "train-0.parquet"
    for asked, times in (
        ({"published_at": ["2025-*"]}, [0, 1, 1]),
        ({"redistribution": ["true"]}, [1, 1, 0]),
    ):
        [shard], _ = _choose([path], only=asked)
        assert shard.times is not None
        assert shard.times.tolist() == times


def test_a_choice_over_many_rows_holds_four_bytes_for_each(tmp_path: Path) -> None:
    n = 150_000
    source = pa.DictionaryArray.from_arrays(np.arange(n, dtype=np.int32) % 3, ["甲", "乙", "丙"])
    pq.write_table(pa.table({"text": pa.array(["文"] * n), "source": source}), tmp_path / "train-0.parquet")
    [shard], _ = _choose([tmp_path / "train-0.parquet"], only={"source": ["乙"]})
    assert shard.times is not None
    assert shard.held_out is None
    assert shard.times.nbytes == 4 * n
    assert np.flatnonzero(shard.times).tolist() == list(range(1, n, 3))


def test_the_card_counts_what_was_used_and_holds_its_rights_alone(
    ask: Ask, sources: Ref, store: Store
) -> None:
    made = run(ask(only={"source": "edinet"}, options={"epochs": 1}), [str(sources)], store)
    card = store.card(made.ref)
    assert card.recipe["only"] == {"source": ["edinet"]}
    assert card.counts["documents"] == card.counts["source_edinet"] == 3
    assert card.drops == {"only_source": 3}
    assert [(one.license, one.records) for one in card.rights] == [("PDL-1.0", 3)]
    assert card.made_from[1] == sources


def test_rights_that_the_documents_do_not_tell_are_those_of_the_whole_corpus(
    ask: Ask, corpus: Ref, store: Store
) -> None:
    made = run(ask(only={"id": "qa-*"}, options={"epochs": 1}), [str(corpus)], store)
    card = store.card(made.ref)
    assert card.counts["documents"] == 5
    assert [(one.license, one.records) for one in card.rights] == [("CC-BY-SA-4.0", 65)]


def test_nothing_is_written_for_a_choice_that_is_refused(ask: Ask, sources: Ref, store: Store) -> None:
    with pytest.raises(UserError, match="no document has 'nobody'"):
        run(ask(only={"source": ["nobody"]}), [str(sources)], store)
    assert [ref.name for ref in store.refs()] == ["mixed"]
    assert not list(store.root.glob(".drafts/trained*"))


def test_a_recipe_without_a_choice_is_the_recipe_it_was(ask: Ask, corpus: Ref, store: Store) -> None:
    made = run(ask(options={"max_steps": 1}), [str(corpus)], store)
    assert {"only", "without"}.isdisjoint(store.card(made.ref).recipe)
    with pytest.raises(UserError, match="differs in 'only'"):
        run(ask(only={"id": ["qa-*"]}, options={"max_steps": 1}), [str(corpus)], store)


def test_the_rows_that_are_left_out_are_no_part_of_what_is_learned(
    ask: Ask, sources: Ref, store: Store
) -> None:
    """Two corpora, one mixed and chosen from, one that holds those documents alone, give the same losses."""
    with store.write(name="alone", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "markdown").mkdir()
        pq.write_table(_table(ROWS[:2]), draft.path / "markdown" / "train-00000.parquet")
    options = {"epochs": 2, "rows_per_step": 2, "rows_per_device": 2}
    chosen = run(ask(name="chosen", only={"source": "boj_speeches"}, options=options), [str(sources)], store)
    alone = run(ask(name="whole", options=options), ["alone@2026.11.21"], store)
    texts = [(store.path(made.ref) / "loss.jsonl").read_text(encoding="utf-8") for made in (chosen, alone)]
    assert texts[0] == texts[1] != ""
