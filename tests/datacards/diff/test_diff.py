"""What holds of every diff: sums add up whatever the rows, damage is named, and the command tells it all."""

import csv
import json
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import Document
from datacards.cli import main
from datacards.diff import REASONS, diff
from datacards.diff.keys import RECORD, only
from datacards.errors import UserError
from datacards.keys import KEY, among, key_of, keys
from datacards.store import Store
from tests.datacards.diff.worlds import made
from tests.datacards.release.made import page, part

FILES = ("markdown/train-00000.parquet", "markdown/test-00000.parquet", "sections/train-00000.parquet")


@st.composite
def version(draw: st.DrawFn) -> dict[str, list[Document]]:
    """Return files of documents: some the same from version to version, some with other texts or columns, some twice."""

    def some(derived: bool) -> list[Document]:
        chosen = draw(
            st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(1, 2)), max_size=9)
        )
        found = [replace(page(n, text=f"第{n}号の{text}"), cluster_size=size) for n, text, size in chosen]
        return [part([one, page(9)]) for one in found] if derived else found

    files = {FILES[0]: some(derived=False), FILES[1]: some(derived=False), FILES[2]: some(derived=True)}
    return {name: documents for name, documents in files.items() if documents}


@pytest.mark.slow
@settings(max_examples=7, deadline=None)
@given(st.tuples(version(), version(), version(), version()))
def test_the_sums_add_up_whatever_the_rows(versions: tuple[dict[str, list[Document]], ...]) -> None:
    """Of every pair, both ways: to write a version takes far longer than to compare two."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        refs = [made(store, f"2026.11.2{number}", files) for number, files in enumerate(versions)]
        for (a, one), (b, other) in combinations(zip(refs, versions, strict=True), 2):
            found, back = diff(store, a, b), diff(store, b, a)
            rows = list(found.rows())
            assert Counter(row[:3] for row in rows) == {count[:3]: count.rows for count in found.counts}
            for form in ("markdown", "sections"):
                ids = [
                    Counter(d.id for name, ds in files.items() if name.startswith(form) for d in ds)
                    for files in (one, other)
                ]
                mine = [row for row in rows if row.format == form]
                left = Counter(row.id_a for row in mine if row.id_a)
                came = Counter(row.id_b for row in mine if row.id_b)
                assert ids[0] - left + came == ids[1] and not left - ids[0]
            assert (found.number("added"), found.number("removed")) == (
                back.number("removed"),
                back.number("added"),
            )


@given(st.lists(st.integers(0, 30)), st.lists(st.integers(0, 30)))
def test_records_are_subtracted_as_often_as_they_are_there(a: list[int], b: list[int]) -> None:
    one, other = (np.sort(np.array([b"%024d" % n for n in numbers], RECORD)) for numbers in (a, b))
    left, right = (Counter(found.tolist()) for found in only(one, other))
    assert left == Counter(one.tolist()) - Counter(other.tolist())
    assert right == Counter(other.tolist()) - Counter(one.tolist())


def test_a_key_is_an_id_or_a_hash_of_what_is_none() -> None:
    assert key_of("0" * 32) == b"\0" * 16
    assert key_of("第一号") != key_of("第二号")
    known = np.sort(keys(["00" * 16, "第一号", "ff" * 16]))
    assert known.dtype == KEY and (among(keys(["第一号", "第二号"]), known) >= 0).tolist() == [True, False]


@pytest.fixture
def two(store: Store) -> Store:
    """Return a store with two versions of a hostile title and address."""
    hostile = replace(page(1), title="[red]=1+1[/]\x1b[2J", url="https://example.invalid/<script>")
    made(store, "2026.11.21", {FILES[0]: [page(2), hostile], FILES[2]: [part([page(2), hostile])]})
    made(store, "2026.11.22", {FILES[0]: [page(2), page(3)], FILES[2]: [part([page(2), page(3)])]})
    return store


def call(store: Store, *words: str) -> Result:
    return CliRunner().invoke(main, ["diff", "--store", str(store.root), *words])


def test_the_command_prints_tables_and_one_json_object(two: Store) -> None:
    done = call(two, "made@2026.11.21", "made@2026.11.22")
    assert done.exit_code == 0, done.output
    assert "\x1b[2J" not in done.output and "[red]=1+1[/]" in done.output
    assert "capture_gone" in done.output and "https://example.invalid/<script>" in done.output
    said = json.loads(call(two, "made@2026.11.21", "made@2026.11.22", "--json").stdout)
    assert said["formats"]["markdown"] == {"before": 2, "after": 2, "added": 1, "removed": 1, "changed": 0}
    assert sum(one["rows"] for one in said["counts"]) == sum(said["formats"][form][change] for form in said["formats"] for change in ("added", "removed", "changed"))  # fmt: skip
    assert {one["reason"] for one in said["counts"]} <= REASONS.keys()


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
def test_every_row_is_written_to_a_file(two: Store, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"rows.{ending}"
    done = call(two, "made@2026.11.21", "made@2026.11.22", "--rows", str(out))
    assert done.exit_code == 0, done.output
    if ending == "parquet":
        rows = pq.read_table(out).to_pylist()
    elif ending == "jsonl":
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    else:
        rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    expected = diff(two, two.resolve("made@2026.11.21"), two.resolve("made@2026.11.22"))
    assert rows == [row._asdict() for row in expected.rows()]
    assert [one.name for one in tmp_path.iterdir() if "rows" in one.name] == [out.name]


def test_what_cannot_be_compared_is_told(two: Store, tmp_path: Path) -> None:
    with two.write(name="pages", version="2026.11.21", kind="captures", recipe={}) as draft:
        (draft.path / "note").write_text("x", encoding="utf-8")
    said = call(two, "made@2026.11.21", "pages@2026.11.21").output
    assert "made@2026.11.21 is a version of kind 'dataset', pages@2026.11.21 of kind 'captures'" in said
    assert "no version 'made@2020.01.01'" in call(two, "made@2020.01.01", "made").output
    assert "no version 'other'" in call(two, "other", "made").output
    assert "'x.txt' has no known ending" in call(two, "made@2026.11.21", "made", "--rows", "x.txt").output
    assert "its card names no captures.parquet" in call(two, "pages", "pages").output
    gone = str(tmp_path / "absent" / "rows.csv")
    assert "No such file" in call(two, "made@2026.11.21", "made", "--rows", gone).output


def test_a_damaged_file_is_named(two: Store) -> None:
    path = two.path(two.resolve("made@2026.11.22"), FILES[0])
    path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    with pytest.raises(UserError, match=r"made@2026.11.22/markdown/train-00000.parquet: has changed since"):
        diff(two, two.resolve("made@2026.11.21"), two.resolve("made@2026.11.22"))
    path.unlink()
    with pytest.raises(UserError, match=r"train-00000.parquet: cannot be read: No such file"):
        diff(two, two.resolve("made@2026.11.21"), two.resolve("made@2026.11.22"))


def test_a_version_is_the_same_as_itself(two: Store) -> None:
    ref = two.resolve("made")
    assert diff(two, ref, ref).counts == ()
    assert "No row differs." in call(two, "made", "made").output


def test_checkpoints_are_compared_by_files_and_metrics(store: Store) -> None:
    for day, steps, loss in (("21", 10, 2.5), ("22", 20, 2.0)):
        with store.write(
            name="cpt", version=f"2026.11.{day}", kind="checkpoint", recipe={"steps": steps}
        ) as draft:
            (draft.path / "model.safetensors").write_text(str(loss), encoding="utf-8")
            (draft.path / "config.json").write_text("{}", encoding="utf-8")
            draft.metrics["loss"] = loss
    found = diff(store, store.resolve("cpt@2026.11.21"), store.resolve("cpt@2026.11.22"))
    rows = {(row.format, row.url): row for row in found.rows() if row.url not in ("README.md", "SHA256SUMS")}
    assert set(rows) == {("files", "model.safetensors"), ("metrics", "loss")}
    assert rows["metrics", "loss"].detail == "2.5 -> 2.0; steps: 10 -> 20"
    assert {row.reason for row in rows.values()} == {"other_recipe"}
