"""Held-out text is drawn by content, source by source, and measured in bits per byte."""

import math
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacards.errors import UserError
from eval.items import Surprise, content_id
from eval.tasks.general.perplexity import Perplexity, PerplexityFile

SOURCES = ("edinet", "boj_speeches", "wikipedia")


def documents(number: int) -> list[dict[str, object]]:
    return [
        {
            "id": content_id({"n": n}),
            "text": f"汐凪水産の第{n}期の売上高は{n * 37:,}百万円であった。" * 5,
            "source": SOURCES[n % 3],
            "url": f"https://example.invalid/{n // 2}",
            "available_at": date(2024, 1 + n % 12, 1),
        }
        for n in range(number)
    ]


def write(folder: Path, rows: list[dict[str, object]], files: int = 1, split: str = "test") -> Path:
    (folder / "markdown").mkdir(parents=True, exist_ok=True)
    for place in range(files):
        table = pa.Table.from_pylist(rows[place::files])
        pq.write_table(table, folder / "markdown" / f"{split}-{place:05d}.parquet", row_group_size=7)
    return folder


def test_the_lowest_ids_of_every_source_are_taken_however_the_files_are_cut(tmp_path: Path) -> None:
    rows = documents(60)
    one, many = write(tmp_path / "a", rows), write(tmp_path / "b", rows[::-1], files=4)
    task = Perplexity(per_source=4)
    items = task.items(one)
    assert items == task.items(many)
    wanted = [sorted(row["id"] for row in rows if row["source"] == source)[:4] for source in sorted(SOURCES)]
    texts = {row["text"]: row["id"] for row in rows}
    assert [texts[item.text] for item in items] == [one for ids in wanted for one in ids]
    assert [item.group for item in items] == [source for source in sorted(SOURCES) for _ in range(4)]
    assert all(item.cluster.startswith("https://example.invalid/") for item in items)


def test_long_documents_are_cut_and_empty_and_equal_ones_left_out(tmp_path: Path) -> None:
    rows = [
        {**row, "text": text}
        for row, text in zip(documents(4), ("長い" * 500, " \n", "同じ文", "同じ文"), strict=True)
    ]
    rows[2]["source"] = rows[3]["source"]
    items = Perplexity(characters=100).items(write(tmp_path, rows))
    assert sorted(len(item.text) for item in items) == [3, 100]


def test_a_day_leaves_out_what_could_be_had_before(tmp_path: Path) -> None:
    folder = write(tmp_path, [*documents(24), {**documents(1)[0], "id": "0", "available_at": None}])
    assert len(Perplexity(since=date(2024, 12, 1)).items(folder)) == 2
    with pytest.raises(UserError, match="no document was found"):
        Perplexity(since=date(2025, 1, 1)).items(folder)


def test_bits_are_weighed_by_bytes_and_told_by_source(tmp_path: Path) -> None:
    """A model that gives every byte one of 256 signs alike needs eight bits for it."""
    task = Perplexity()
    items = task.items(write(tmp_path, documents(12)))
    results = [
        Surprise(item, nats=len(item.text.encode()) * math.log(256), tokens=len(item.text.encode()))
        for item in items
    ]
    bits, perplexity = task.measure(results)
    assert (bits.metric, bits.value) == ("bits_per_byte", pytest.approx(8.0))
    assert perplexity.value == pytest.approx(256)
    assert {name: len(part) for name, part in task.parts(results).items()} == dict.fromkeys(
        sorted(SOURCES), 4
    )
    assert task.chance(items) is None


def test_a_local_file_needs_no_more_than_texts(tmp_path: Path) -> None:
    path = tmp_path / "held.parquet"
    pq.write_table(pa.table({"text": ["預金は増えた。", "貸出金は減った。", None]}), path)
    task = PerplexityFile(file=str(path))
    items = task.items(None)
    assert {item.text for item in items} == {"預金は増えた。", "貸出金は減った。"}
    assert not task.needs_corpus
    assert task.model_dump(mode="json")["file"].startswith("held.parquet sha256:")
    pq.write_table(pa.table({"body": ["預金"]}), path)
    with pytest.raises(UserError, match="a column text is needed"):
        task.items(None)
    path.write_bytes(b"none")
    with pytest.raises(UserError, match="a Parquet file"):
        task.items(None)


def test_a_corpus_and_documents_are_needed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--corpus NAME@VERSION"):
        Perplexity().items(None)
    folder = write(tmp_path, documents(3))
    with pytest.raises(
        UserError, match="no markdown in the split 'validation'; it has, of that split: nothing"
    ):
        Perplexity(split="validation").items(folder)
    with pytest.raises(UserError, match="no qa in the split 'test'; it has, of that split: markdown"):
        Perplexity(format="qa").items(folder)
