"""Pages stay together, mixtures are exact over epochs, and each file is tokenized once for all runs."""

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacards.errors import UserError
from datacards.places import sha256_of
from tests.train.conftest import SENTENCES
from train.base import Shard, TrainData
from train.data import cache
from train.data.chosen import Chosen, prepare
from train.data.fitting import Ints
from train.data.measured import Repeated, held_out, repeated
from train.data.packing import batch
from train.data.schedule import Schedule
from train.data.tokens import File, Group, Tokens, read_tokens, tokenize
from train.recipe import TrainRecipe
from train.watch.rows import documents

PAGES = 400


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shard, ...]:
    """Return two formats of the same pages and questions on some of them, of two sources, without a column ``format``."""
    folder = tmp_path_factory.mktemp("files")
    shards = []
    for format_, pages in (
        ("markdown", range(PAGES)),
        ("sections", range(PAGES)),
        ("qa", range(0, PAGES, 3)),
    ):
        rows = [
            {
                "id": f"{format_}-{page}",
                "text": SENTENCES[page % 5] * (page % 4 + 1),
                "source": "boj_speeches" if page % 2 else "edinet",
                "url": f"https://www.example.jp/{page}.html",
                "license": "PDL-1.0",
            }
            for page in pages
        ]
        path = folder / format_ / "train-00000.parquet"
        path.parent.mkdir()
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=150)
        shards.append(Shard(path, sha256_of(path), "mixed@2026.11.21", format_))
    return tuple(shards)


def _prepared(shards: Sequence[Shard], **asked: Any) -> tuple[tuple[Shard, ...], Chosen]:
    given = {"name": "trained", "version": "2026.11.21", "base": "./base", **asked}
    return prepare(TrainRecipe.model_validate(given), shards)


def _pages(shards: Sequence[Shard], *, held: bool = False) -> list[set[str]]:
    """Return of every file the addresses of the rows that are read, or held out."""
    found = []
    for shard in shards:
        rows = (
            shard.held_out
            if held
            else (np.ones(shard.rows, bool) if shard.times is None else shard.times > 0)
        )
        urls = pq.read_table(shard.path, columns=["url"])["url"].to_pylist()
        found.append({url for url, yes in zip(urls, rows if rows is not None else [], strict=True) if yes})
    return found


def test_a_page_is_held_out_in_all_its_formats_whatever_the_seed(files: tuple[Shard, ...]) -> None:
    shards, chosen = _prepared(files, validation={"share": 0.2})
    held, read = _pages(shards, held=True), _pages(shards)
    assert 0.1 * PAGES < len(held[0]) < 0.3 * PAGES
    assert held[0] == held[1] >= held[2] > set()
    assert not (held[0] & (read[0] | read[1] | read[2]))
    assert chosen.held_out == chosen.left_out["held_out"] == sum(map(len, held))
    assert _pages(_prepared(files, validation={"share": 0.2}, seed=7)[0], held=True) == held
    assert _pages(_prepared(files, validation={"share": 0.1})[0], held=True)[0] < held[0]


def test_a_smaller_fraction_is_a_part_of_a_larger_one(files: tuple[Shard, ...]) -> None:
    small, large = (_pages(_prepared(files, fraction=share)[0]) for share in (0.1, 0.5))
    assert small[0] == small[1]
    assert all(one < other for one, other in zip(small, large, strict=True))
    assert 0.4 * PAGES < len(large[0]) < 0.6 * PAGES
    assert _pages(_prepared(files, fraction=0.1, seed=1)[0]) != small


def test_what_is_held_out_does_not_depend_on_the_fraction(files: tuple[Shard, ...]) -> None:
    asked = {"validation": {"share": 0.2}}
    whole, tenth = (_pages(_prepared(files, fraction=f, **asked)[0], held=True) for f in (1.0, 0.1))
    assert whole == tenth


def test_the_first_entry_of_a_mixture_that_fits_counts(files: tuple[Shard, ...]) -> None:
    mixture = [
        {"where": {"format": ["qa"], "source": "edinet"}, "times": 0},
        {"where": {"format": "qa"}, "times": 2.5},
        {"where": {"source": ["boj_*"]}, "times": 3},
    ]
    shards, chosen = _prepared(files, mixture=mixture)
    times = [Counter((shard.times if shard.times is not None else np.ones(1)).tolist()) for shard in shards]
    assert times == [{3: 200, 1: 200}, {3: 200, 1: 200}, {0: 67, 2.5: 67}]
    assert chosen.left_out == {"mixture": 67}
    assert chosen.formats == {"markdown": 400, "sections": 400, "qa": 67}
    assert chosen.sources == {"boj_speeches": 467, "edinet": 400}
    assert chosen.licenses == {"PDL-1.0": 867}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"mixture": [{"where": {"source": ["boj_speech"]}, "times": 2}]},
            r"mixture\.0\.where\.source: no document has 'boj_speech'; there are: edinet \(467\)",
        ),
        ({"mixture": [{"where": {"source": ["*"]}, "times": 0}]}, "mixture: leave none of 934 documents"),
        ({"replay": {"share": 0.1}}, "replay: no version to replay is given"),
        ({"validation": {"share": 0}}, "validation: holds out nothing"),
        ({"validation": {"share": 1e-9}}, "holds out none of 934 documents"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_refused(
    files: tuple[Shard, ...], asked: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        _prepared(files, **asked)


@pytest.mark.parametrize("flag", ["replay", "validation"])
def test_a_version_that_the_recipe_has_no_use_for_is_refused(files: tuple[Shard, ...], flag: str) -> None:
    path = files[0].path
    more = Shard(
        path, "0", "general@2026.11.21", "markdown", replay=flag == "replay", validation=flag != "replay"
    )
    with pytest.raises(UserError, match="the recipe says nothing of it"):
        _prepared([*files, more])


def _read(base: Path, shards: Sequence[Shard], work: Path, share: float = 0.0) -> Tokens:
    work.mkdir(exist_ok=True)
    tokenize(base, TrainData(tuple(shards), share, work.parent / ".tokens"), work)
    return read_tokens(work)


def test_replayed_text_is_its_share_of_all_tokens(
    base: Path, files: tuple[Shard, ...], tmp_path: Path
) -> None:
    general = Shard(files[2].path, files[2].sha256, "general@2026.11.21", "qa", replay=True)
    shards, _ = _prepared([*files[:2], general], replay={"share": 0.25}, only={"source": "edinet"})
    tokens = _read(base, shards, tmp_path / "work", 0.25)
    order = Schedule.make(tokens, width=64, rows_per_step=8, epochs=4, seed=0)
    seen: Counter[int] = Counter()
    for step in range(order.steps):
        seen.update(order.rows(step).groups())
    replayed = sum(n for group, n in seen.items() if tokens.groups[group].corpus == "general@2026.11.21")
    assert replayed / seen.total() == pytest.approx(0.25, abs=0.005)


def test_tokens_are_made_once_and_a_damaged_file_is_made_again(
    base: Path, files: tuple[Shard, ...], tmp_path: Path
) -> None:
    first = [np.array(flat) for flat in _read(base, files, tmp_path / "one").flat]
    places = sorted(tmp_path.glob(".tokens/*/*/tokens.bin"))
    inodes = [path.stat().st_ino for path in places]
    assert len(places) == 3
    _read(base, files[:2], tmp_path / "two")
    assert [path.stat().st_ino for path in places] == inodes
    damaged = bytearray(places[0].read_bytes())
    damaged[40] ^= 1
    places[0].write_bytes(damaged)
    again = _read(base, files, tmp_path / "three")
    assert [np.array_equal(a, b) for a, b in zip(first, again.flat, strict=True)] == [True] * 3
    assert [path.stat().st_ino != inode for path, inode in zip(places, inodes, strict=True)] == [
        True,
        False,
        False,
    ]
    assert again.n_documents == sum(shard.rows for shard in files)


def test_what_a_killed_run_left_is_no_entry(base: Path, files: tuple[Shard, ...], tmp_path: Path) -> None:
    _read(base, files[:1], tmp_path / "one")
    [place] = tmp_path.glob(".tokens/*/*")
    part = place.with_name(f"{place.name}.part")
    place.rename(part)
    (part / "lengths.bin").write_bytes(b"half")
    assert _read(base, files[:1], tmp_path / "two").n_documents == PAGES
    assert cache.found(place, thorough=True)
    assert not part.exists()


FILL = """
import sys
from pathlib import Path
from train.base import Shard
from train.data import cache, chosen, measured, schedule, shards, tokens
from train.data.tokenizer import Encoder
base, path, folder = map(Path, sys.argv[1:])
encoder = Encoder((base / "tokenizer.json").read_text(encoding="utf-8"), 1)
cache.make(folder, Shard(path, "", "mixed@2026.11.21", "markdown"), encoder.loaded(), lambda n: None)
print(len(cache.found(folder, thorough=True).array("tokens.bin")), {"torch", "transformers"} & set(sys.modules))
"""


def test_two_processes_make_one_entry_and_neither_loads_torch(
    base: Path, files: tuple[Shard, ...], tmp_path: Path
) -> None:
    words = [sys.executable, "-c", FILL, str(base), str(files[0].path), str(tmp_path / "entry")]
    runs = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [run.communicate(timeout=120)[0] for run in runs]
    assert said[0] == said[1]
    assert said[0].endswith(" set()\n")
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]


def test_a_text_cannot_forge_the_end_of_a_document(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "train-0.parquet"
    pq.write_table(
        pa.table({"text": ["物価</s>安定<s>", "  ", None, "為替"], "source": ["甲", "甲", None, "乙"]}), path
    )
    tokens = _read(base, [Shard(path, "ab" * 32, "odd@2026.11.21", "markdown")], tmp_path / "work")
    assert np.flatnonzero(tokens.flat[0] == 1).tolist() == (np.cumsum(tokens.lengths[[0, 3]]) - 1).tolist()
    assert tokens.lengths[[1, 2]].tolist() == [0, 0]
    assert (tokens.n_documents, tokens.dropped) == (2, 2)
    assert [(one.row, one.id, one.source) for one in documents(tokens, np.array([0, 3])).values()] == [
        (0, f"{path.parent.name}/train-0.parquet#0", "甲"),
        (3, f"{path.parent.name}/train-0.parquet#3", "乙"),
    ]


def test_documents_are_named_from_their_files(base: Path, files: tuple[Shard, ...], tmp_path: Path) -> None:
    tokens = _read(base, files, tmp_path / "work")
    found = list(documents(tokens, np.array([3, PAGES + 151])).values())
    assert [(one.id, one.format, one.row, one.source) for one in found] == [
        ("markdown-3", "markdown", 3, "boj_speeches"),
        ("sections-151", "sections", 151, "boj_speeches"),
    ]
    assert found[1].url == "https://www.example.jp/151.html"


def test_every_source_is_measured_on_tokens_of_its_own(
    base: Path, files: tuple[Shard, ...], tmp_path: Path
) -> None:
    extra = Shard(files[2].path, files[2].sha256, "general@2026.11.21", "qa", validation=True)
    shards, _ = _prepared([*files[:2], extra], validation={"share": 0.2})
    tokens = _read(base, shards, tmp_path / "work")
    rows = held_out(tokens, 32, 300)
    assert list(rows) == [
        "boj_speeches", "edinet", "general@2026.11.21: boj_speeches", "general@2026.11.21: edinet",
    ]  # fmt: skip
    for label, some in rows.items():
        assert 200 < some.tokens().sum() <= 300
        assert tokens.held[some.document].all()
        assert {tokens.groups[group].source for group in some.group} == {label.split(": ")[-1]}


def test_measured_texts_that_are_trained_on_too_are_found(
    base: Path, files: tuple[Shard, ...], tmp_path: Path
) -> None:
    """The five texts stand on many pages: those of a version that is measured only, but for one of its own."""
    path = tmp_path / "qa" / "train-00000.parquet"
    path.parent.mkdir()
    texts = [SENTENCES[0], SENTENCES[3] * 4, SENTENCES[0] + "二", f"  {SENTENCES[0]}"]
    pq.write_table(pa.table({"text": texts, "source": ["甲", "甲", "甲", "乙"]}), path)
    extra = Shard(path, sha256_of(path), "general@2026.11.21", "qa", validation=True)
    shards, _ = _prepared([files[0], extra], validation={"share": 0})
    tokens = _read(base, shards, tmp_path / "work")
    found = repeated(tokens, held_out(tokens, 32, 10_000))
    assert found == {"general@2026.11.21: 甲": Repeated(2, 3)}
    alone = replace(tokens, times=np.zeros_like(tokens.times))
    assert repeated(alone, held_out(tokens, 32, 10_000)) == {}


def test_a_long_corpus_is_looked_through_in_parts() -> None:
    """Document 3 is document 5 again, and every part but the last is full."""
    lengths = [400_000, 700_000, 3, 300_000, 0, 300_000, 1_500_000, 2]
    tokens = _made_up(lengths, [1, 1, 1, 1, 1, 0, 1, 1])
    flat = tokens.flat[0].copy()
    flat[tokens.offsets[5] : tokens.offsets[6]] = flat[tokens.offsets[3] : tokens.offsets[4]]
    held = np.array(lengths) == np.array([0, 0, 0, 0, 1, 300_000, 0, 0])
    tokens = replace(tokens, flat=(flat,), held=held, groups=(Group("fin@1", "qa", "甲"),))
    assert repeated(tokens, held_out(tokens, 2048, 400_000)) == {"甲": Repeated(1, 1)}


def _made_up(lengths: list[int], times: list[float]) -> Tokens:
    sizes = np.array(lengths, np.int32)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return Tokens(
        files=(File("", "made up", "", "", False, False, ""),), starts=np.array([0, len(sizes)]),
        flat=(np.arange(offsets[-1], dtype=np.uint32),), begins=offsets[[0, -1]], offsets=offsets[:-1], lengths=sizes,
        group=np.zeros(len(sizes), np.int16), groups=(Group("", "", ""),), times=np.array(times, np.float32),
        held=np.zeros(len(sizes), bool), tokenizer="",
    )  # fmt: skip


DOCUMENTS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([0, 0.25, 0.5, 1, 1.5, 2, 3])), min_size=1, max_size=40
)


def _used(order: Schedule, n_tokens: int, steps: range) -> Ints:
    used = np.zeros(n_tokens, np.int64)
    for step in steps:
        rows = order.rows(step)
        for first, n in zip(rows.first, rows.length, strict=True):
            used[first : first + n] += 1
    return used


@given(DOCUMENTS, st.integers(2, 24), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_every_token_is_used_as_often_as_asked_over_the_epochs(
    documents: list[tuple[int, float]], width: int, rows: int, seed: int
) -> None:
    lengths, times = [n for n, _ in documents], [weight for _, weight in documents]
    tokens = _made_up([*lengths, 5], [*times, 1])
    epochs = 4  # a quarter is a whole after four
    order = Schedule.make(tokens, width=width, rows_per_step=rows, epochs=epochs, seed=seed)
    used = _used(order, sum(lengths) + 5, range(order.steps))
    assert used.tolist() == np.repeat(np.array([*times, 1]) * epochs, [*lengths, 5]).tolist()
    assert order.fill == pytest.approx(used.sum() / (order.ends[-1] * width))
    again = Schedule.make(tokens, width=width, rows_per_step=rows, epochs=epochs, seed=seed)
    last = again.rows(order.steps - 1)
    assert last.first.tolist() == order.rows(order.steps - 1).first.tolist()


def test_an_epoch_uses_each_row_once_in_an_order_of_its_own() -> None:
    tokens = _made_up([9] * 40, [1] * 40)
    order = Schedule.make(tokens, width=10, rows_per_step=16, epochs=3, seed=5)
    drawn = np.concatenate([order.rows(step).document for step in range(order.steps)]).reshape(3, 40)
    assert order.steps == 8
    assert [sorted(epoch) for epoch in drawn.tolist()] == [list(range(40))] * 3
    assert drawn[0].tolist() != drawn[1].tolist()
    other = Schedule.make(tokens, width=10, rows_per_step=16, epochs=3, seed=6)
    assert other.rows(0).document.tolist() != order.rows(0).document.tolist()


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_share_the_rows_that_one_would_have(processes: int) -> None:
    tokens = _made_up(list(range(1, 60)), [1] * 59)
    rows = Schedule.make(tokens, width=32, rows_per_step=8, epochs=1, seed=1).rows(2)
    whole = batch(rows, tokens, slice(0, 8), 8).labels
    each = 8 // processes
    shares = [batch(rows, tokens, slice(n * each, (n + 1) * each), each).labels for n in range(processes)]
    found = [
        np.pad(one, ((0, 0), (0, whole.shape[1] - one.shape[1])), constant_values=-100) for one in shares
    ]
    assert np.concatenate(found).tolist() == whole.tolist()


def test_nothing_to_train_on_is_told(tmp_path: Path, base: Path) -> None:
    path = tmp_path / "train-0.parquet"
    pq.write_table(pa.table({"text": ["", " "]}), path)
    with pytest.raises(UserError, match="holds no text"):
        _read(base, [Shard(path, "cd" * 32, "empty@2026.11.21", "markdown")], tmp_path / "work")
    pq.write_table(pa.table({"body": ["文"]}), path)
    with pytest.raises(UserError, match="has no column 'text'"):
        _read(base, [Shard(path, "ef" * 32, "other@2026.11.21", "markdown")], tmp_path / "work2")
