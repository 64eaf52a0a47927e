"""What other people wrote, in models, sources and ids, runs nothing, breaks no record and steers no terminal."""

import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from datacards.checkpoints import resolve_checkpoint
from datacards.errors import UserError
from datacards.places import sha256_of
from datacards.store import Store
from datacards.trained import VALIDATION, held_out, read_training
from tests.train.conftest import SENTENCES
from train.base import Shard
from train.cli import main
from train.data import cache
from train.data.cache import NAMED, OTHERS, SOURCES
from train.data.tokenizer import Encoder
from train.data.tokens import MOST, Group, _number
from train.recipe import TrainRecipe
from train.trainers.attention import attention
from train.trainers.causal_lm import CausalLM
from train.trainers.engine import Engine
from train.trainers.lines import Lines
from train.watch.rows import Piece, StepRow
from train.watch.spikes import Figure, Verdict, stopped

Ask = Callable[..., TrainRecipe]


@contextmanager
def _answering(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.StringIO(text)
    try:
        yield
    finally:
        sys.stdin = before


@pytest.fixture
def foreign(base: Path, tmp_path: Path) -> Path:
    """Return a model folder whose config and tokenizer name code that lies beside them."""
    folder = tmp_path / "foreign"
    shutil.copytree(base, folder)
    code = {
        "AutoConfig": "own.Own",
        "AutoModelForCausalLM": "own.Own",
        "AutoTokenizer": ["own.Own", "own.Own"],
    }
    for name, said in (
        ("config.json", {"model_type": "own"}), ("tokenizer_config.json", {"tokenizer_class": "OwnTokenizer"})
    ):  # fmt: skip
        told = json.loads((folder / name).read_bytes()) | said | {"auto_map": code}
        (folder / name).write_text(json.dumps(told), encoding="utf-8")
    (folder / "own.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\nclass Own: pass\n", encoding="utf-8")
    return folder


def test_code_of_a_checkpoint_is_not_run_nor_asked_about(foreign: Path) -> None:
    """transformers by itself asks on the terminal, and here the answer would be yes."""
    with _answering("y\n" * 9):
        with pytest.raises(
            UserError, match=r"foreign: its tokenizer cannot be loaded: .*code that comes with"
        ):
            Encoder.of(foreign)
        attention("auto", "fp32", cuda=False, base=foreign)
    assert not (foreign / "ran").exists()


def test_weights_outside_the_folder_have_no_digest_and_are_refused(
    base: Path, store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(base, folder)
    assert resolve_checkpoint(store, str(folder))[0].digest
    shutil.copyfile(folder / "model.safetensors", tmp_path / "other.safetensors")
    for name in ("../other.safetensors", str(tmp_path / "other.safetensors"), "gone.safetensors"):
        told = json.dumps({"metadata": {}, "weight_map": {"model.norm.weight": name}})
        (folder / "model.safetensors.index.json").write_text(told, encoding="utf-8")
        with pytest.raises(UserError, match="which is no file in it"):
            resolve_checkpoint(store, str(folder))
    (folder / "model.safetensors.index.json").write_text("[]", encoding="utf-8")
    assert resolve_checkpoint(store, str(folder))[0].digest  # it names nothing: loading says what is wrong


def test_damaged_weights_are_told(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(base, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"cut: cannot be loaded: .*header"):
        Engine(CausalLM(precision="fp32"), folder, tmp_path)


def test_a_source_named_with_line_separators_keeps_the_first_measure(tmp_path: Path) -> None:
    """A resumed run reads the lines of the run before it; without the first there would be no loss before training."""
    path, label = tmp_path / VALIDATION, "決算\u2028短信\x85"
    before = Lines(path, saved=0, writes=True)
    for step, loss in ((0, 4.0), (10, 3.0), (20, 2.5)):
        before.add({"step": step, "losses": {label: loss}, "tokens": {label: 7}})
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"step": 2')  # a kill
    after = Lines(path, saved=10, writes=True)
    assert after.kept == before.kept[:2]
    assert held_out(after.kept)[0].before == 4.0
    assert (
        held_out(after.kept[1:] * 2)[0].before is None
    )  # a measure after training has begun is none before it


def test_a_document_named_by_escape_codes_steers_no_terminal() -> None:
    piece = Piece("fin@1", "qa/x", 0, "\x1b[2J\x1b]0;", "qa", "boj\u202egnp", "", "", 0, 5, 5, "")
    verdict = Verdict(3, (Figure("loss", 9.0, 2.0, 40.0),), stops=True)
    error = stopped(verdict, [StepRow(1, 9.0, 5, (piece,))])
    shown = error.format_message()
    assert "\x1b" in error.message
    assert "loss 9: \ufffd[2J\ufffd]0; (boj\ufffdgnp)" in shown
    assert UserError("corpus", "全角\u3000空白").format_message() == "corpus: 全角\u3000空白"


@pytest.mark.filterwarnings("ignore:Glyph")  # a font need not have the sign that stands for others
def test_a_run_on_a_source_named_by_escape_codes_ends_well(ask: Ask, store: Store, tmp_path: Path) -> None:
    """From the file over the command's words to the card."""
    texts = [SENTENCES[i % 5] * (i % 3 + 1) for i in range(40)]
    sources = ["boj\x1b[2J\u202e", "<script>\u2028"] * 20
    with store.write(name="odd", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "markdown").mkdir()
        table = pa.table({"id": [f"\x07{i}" for i in range(40)], "text": texts, "source": sources})
        pq.write_table(table, draft.path / "markdown" / "train-00000.parquet")
    recipe = ask(options={"max_steps": 2}, validation={"share": 0.3})
    (tmp_path / "recipe.yaml").write_text(recipe.model_dump_json(), encoding="utf-8")
    asked = [str(tmp_path / "recipe.yaml"), "--corpus", "odd@2026.11.21", "--store", str(store.root)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    assert r"source_boj\u{1b}[2J\u{202e}" in done.output
    assert not {"\x1b", "\u202e", "\x07"} & set(done.output)
    made = read_training(store.path(store.resolve("trained")))
    assert made
    assert {one.label for one in made.held_out} == set(sources)


def test_more_sources_than_are_told_apart_are_counted_together(tmp_path: Path) -> None:
    """One of the first bears the very name that the rest gets."""
    names = [OTHERS, *(f"s{i}" for i in range(NAMED + 5))]
    path = tmp_path / "markdown" / "train-00000.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"text": [""] * len(names), "source": names}), path)
    shard = Shard(path, sha256_of(path), "fin@2026.11.21", "markdown")
    folder = tmp_path / "cache" / "entry"
    cache.make(folder, shard, lambda texts: [[] for _ in texts], lambda _: None)  # type: ignore[arg-type]
    entry = cache.found(folder, thorough=True)
    assert entry
    numbers = entry.array(SOURCES)
    assert len(entry.sources) == NAMED
    assert [entry.sources[n] for n in numbers[:2]] == [OTHERS, "s0"]
    assert {entry.sources[n] for n in numbers[NAMED:]} == {OTHERS}


def test_groups_of_many_files_stay_within_what_a_number_holds() -> None:
    numbers: dict[Group, int] = {}
    groups = [
        _number(numbers, Group("fin@1", f, f"s{i}")) for f in ("qa", "listing") for i in range(MOST - 5)
    ]
    assert np.array(groups, np.int16).min() == 0
    assert len(numbers) == MOST + 1
    assert numbers[Group("fin@1", "listing", OTHERS)] == MOST
