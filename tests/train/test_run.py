"""A train recipe and an exact corpus version become a checkpoint that says what it learned from."""

import _thread
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards.card import Ref
from datacards.checkpoints import resolve_checkpoint
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.store import Store
from tests.train.conftest import loss_alone
from train.base import Trainer
from train.cli import main
from train.recipe import TrainRecipe
from train.run import asked_of, run
from train.trainers.causal_lm import CausalLM
from train.trainers.rates import learning_rate

Ask = Callable[..., TrainRecipe]


def _write_recipe(folder: Path, asked: TrainRecipe) -> Path:
    recipe = folder / "recipe.yaml"
    recipe.write_text(asked.model_dump_json(), encoding="utf-8")
    return recipe


def _lines(store: Store, ref: Ref) -> list[dict[str, Any]]:
    text = (store.path(ref) / "loss.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_loss_falls_and_the_checkpoint_loads(ask: Ask, corpus: Ref, store: Store) -> None:
    made = run(ask(), [str(corpus)], store)
    card, folder = store.card(made.ref), store.path(made.ref)
    assert store.verify(made.ref) == []
    lines = _lines(store, made.ref)
    assert [line["step"] for line in lines] == list(range(1, card.counts["steps"] + 1))
    assert lines[-1]["loss"] < 0.8 * lines[0]["loss"]
    assert lines[-1]["tokens"] == card.counts["tokens_seen"] == 2 * card.counts["tokens"]
    assert [ref.name for ref in card.made_from] == ["local:tiny", "tiny"]
    assert card.made_from[1] == corpus
    assert [rights.license for rights in card.rights] == ["CC-BY-SA-4.0"]
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert model.dtype == torch.float32
    words = AutoTokenizer.from_pretrained(folder)("売上高は", return_tensors="pt")
    assert model.generate(words["input_ids"], max_new_tokens=4, do_sample=False).shape[1] > 4


def test_the_first_loss_is_what_the_base_says_of_the_text(
    ask: Ask, base: Path, corpus: Ref, store: Store
) -> None:
    """One step over all rows: its loss is the mean over every document alone, as transformers computes it."""
    rows = 128  # more than there are
    made = run(ask(options={"rows_per_step": rows, "rows_per_device": rows, "max_steps": 1, "epochs": 1}), [str(corpus)], store)  # fmt: skip
    paths = sorted(store.path(corpus).glob("*/train-*.parquet"))
    texts = [text for path in paths for text in pq.read_table(path).column("text").to_pylist()]
    alone, _ = loss_alone(base, texts, 64)
    assert _lines(store, made.ref)[0]["loss"] == pytest.approx(alone, rel=1e-5)


def test_gradients_added_up_over_turns_are_those_of_one_batch(ask: Ask, corpus: Ref, store: Store) -> None:
    """Rows hold different numbers of predictions, so a mean of means would be another gradient."""
    losses = []
    for rows in (4, 1):
        made = run(ask(name=f"turns-{rows}", options={"rows_per_device": rows}), [str(corpus)], store)
        losses.append([line["loss"] for line in _lines(store, made.ref)])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_gradient_checkpointing_changes_memory_not_the_result(ask: Ask, corpus: Ref, store: Store) -> None:
    plain = run(ask(), [str(corpus)], store)
    saving = run(ask(name="saving", options={"gradient_checkpointing": True}), [str(corpus)], store)
    assert [line["loss"] for line in _lines(store, plain.ref)] == pytest.approx(
        [line["loss"] for line in _lines(store, saving.ref)], abs=1e-6
    )


def test_tiny_rates_move_the_weights_in_bf16_too(ask: Ask, base: Path, corpus: Ref, store: Store) -> None:
    """The steps are taken on float32 weights: at 5e-7 a bfloat16 weight would stay where it is."""
    made = run(ask(options={"precision": "bf16", "learning_rate": 5e-7}), [str(corpus)], store)
    before, after = (load_file(folder / "model.safetensors") for folder in (base, store.path(made.ref)))
    inner = {name for name, value in after.items() if ".layers." in name and value.dim() == 2}
    moved = sum(int((before[name] != after[name]).sum()) for name in inner)
    visible = sum(int((before[name].bfloat16() != after[name].bfloat16()).sum()) for name in inner)
    n = sum(after[name].numel() for name in inner)
    assert moved > 0.99 * n
    assert visible < 0.5 * n
    assert {value.dtype for value in after.values()} == {torch.float32}


def test_only_the_formats_asked_for_are_read(ask: Ask, corpus: Ref, store: Store) -> None:
    made = run(ask(formats=["qa"]), [str(corpus)], store)
    assert store.card(made.ref).counts["documents"] == 5
    with pytest.raises(UserError, match="no training text in the format 'listing'"):
        run(ask(name="other", formats=["listing"]), [str(corpus)], store)


def test_several_corpora_are_read_in_the_order_given(ask: Ask, corpus: Ref, store: Store) -> None:
    with store.write(name="more", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "qa").mkdir()
        pq.write_table(
            pa.table({"text": ["質問：何。\n回答：物価。", " ", ""]}),
            draft.path / "qa" / "train-00000.parquet",
        )
    made = run(ask(), [str(corpus), "more@2026.11.21"], store)
    card = store.card(made.ref)
    assert card.counts["documents"] == 66
    assert card.drops == {"empty_text": 2}
    assert [ref.name for ref in card.made_from] == ["local:tiny", "tiny", "more"]


def test_a_corpus_with_one_changed_byte_is_refused(ask: Ask, corpus: Ref, store: Store) -> None:
    path = store.path(corpus) / "qa" / "train-00000.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        UserError, match=r"tiny@2026\.11\.21: does not verify: qa/train-00000\.parquet has changed"
    ):
        run(ask(), [str(corpus)], store)


def test_an_unknown_version_is_answered_with_the_known_ones(ask: Ask, corpus: Ref, store: Store) -> None:
    with pytest.raises(UserError, match=r"no version 'tiny@2026\.01\.01'.*tiny@2026\.11\.21"):
        run(ask(), ["tiny@2026.01.01"], store)
    with pytest.raises(UserError, match="no version 'nobody'"):
        run(ask(base="nobody"), [str(corpus)], store)


def test_a_checkpoint_is_no_corpus(ask: Ask, corpus: Ref, store: Store) -> None:
    made = run(ask(options={"max_steps": 1}), [str(corpus)], store)
    with pytest.raises(UserError, match="is a version of kind 'checkpoint'; a dataset is needed"):
        run(ask(), [str(made.ref)], store)
    again = run(ask(name="further", base=str(made.ref), options={"max_steps": 1}), [str(corpus)], store)
    assert store.card(again.ref).made_from[0] == made.ref


def test_a_loss_that_is_not_finite_names_step_and_documents(ask: Ask, corpus: Ref, store: Store) -> None:
    wild = {"learning_rate": 1e30, "max_grad_norm": None}
    with pytest.raises(
        UserError, match=r"step \d+: the loss is .*its rows with the highest losses: .*(markdown|qa)-train"
    ):
        run(ask(options=wild), [str(corpus)], store)
    assert [ref.name for ref in store.refs()] == ["tiny"]


def test_a_base_with_a_missing_weight_is_refused(
    ask: Ask, base: Path, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    """transformers would fill it with random numbers and only print a table."""
    broken = tmp_path / "broken"
    shutil.copytree(base, broken)
    state = load_file(broken / "model.safetensors")
    del state["model.layers.1.mlp.up_proj.weight"]
    save_file(state, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"do not agree on model\.layers\.1\.mlp\.up_proj\.weight"):
        run(ask(base=str(broken)), [str(corpus)], store)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"lr": 1e-3}, r"causal_lm: unknown key 'lr'.*learning_rate"),
        ({"rows_per_step": 3, "rows_per_device": 2}, "rows_per_step must be a multiple"),
        ({"deepspeed": {"zero_stage": 4}}, r"deepspeed\.zero_stage = 4"),
        ({"learning_rate": -1}, "learning_rate = -1"),
    ],
)
def test_a_wrong_option_is_named(
    ask: Ask, corpus: Ref, store: Store, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        run(ask(options=options), [str(corpus)], store)


def test_the_rate_rises_over_the_warm_up_and_falls_to_zero() -> None:
    options = CausalLM(learning_rate=1.0, warmup_steps=2)
    assert [learning_rate(options, step, 6) for step in range(6)] == [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    assert learning_rate(CausalLM(learning_rate=1.0), 0, 6) == 1.0


def test_the_command_says_what_it_made_and_a_second_time_does_nothing(
    ask: Ask, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    recipe = _write_recipe(tmp_path, ask(options={"max_steps": 2}))
    arguments = [str(recipe), "--corpus", str(corpus), "--store", str(store.root)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "trained@2026.11.21: 65 documents" in done.output
    assert "nothing to do" in CliRunner().invoke(main, arguments).output
    refused = CliRunner().invoke(main, [*arguments[:2], "tiny@1999.01.01", *arguments[3:]])
    assert refused.exit_code == 1
    assert "no version 'tiny@1999.01.01'" in refused.output


def test_a_version_older_than_an_option_is_still_the_one_that_is_asked_for(
    ask: Ask, base: Path, corpus: Ref, store: Store
) -> None:
    """Its card lacks what could not be asked then; a recipe that asks for it now asks for something else."""
    recipe = ask()
    asked = asked_of(recipe, CausalLM.model_validate(recipe.options))
    there = resolve_checkpoint(store, str(base))[0]
    for name in ("attention", "loss", "lora", "spikes", "keep", "weights", "vector", "schedule"):
        asked["options"].pop(name)
    with store.write(
        name=recipe.name, version=recipe.version, kind="checkpoint", recipe=asked | {"base": str(there)}, made_from=[there, corpus],
    ) as draft:  # fmt: skip
        (draft.path / "README.md").touch()
    assert run(recipe, [str(corpus)], store).existed
    with pytest.raises(
        UserError, match=r"differs in 'options': in 'vector' it was made with None, now asked"
    ):
        run(ask(options={"vector": "bf16"}), [str(corpus)], store)
    with pytest.raises(UserError, match=r"in 'epochs' it was made with 2, now asked: 3"):
        run(ask(options={"epochs": 3}), [str(corpus)], store)


def test_ctrl_c_ends_with_one_line_and_the_command_goes_on(
    ask: Ask, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    """Sent when a saved state has appeared, as by a user who watches the bar."""
    recipe = _write_recipe(tmp_path, ask(options={"save_every": 1, "max_steps": 12}))
    arguments = [str(recipe), "--corpus", "tiny", "--store", str(store.root)]
    work, over = store.root / ".drafts" / "trained@2026.11.21" / ".work", threading.Event()

    def press() -> None:
        while not over.wait(0.001):
            if (work / "steps" / "2").exists():
                _thread.interrupt_main()
                return

    user = threading.Thread(target=press)
    user.start()
    stopped = CliRunner().invoke(main, arguments)
    over.set()
    user.join()
    assert stopped.exit_code == 1
    assert stopped.output.splitlines()[-1].startswith("Error: trained@2026.11.21: stopped; ")
    assert "Traceback" not in stopped.output and not store.refs("trained")
    assert CliRunner().invoke(main, arguments).exit_code == 0 and store.refs("trained")


def test_no_name_of_a_source_steers_the_terminal(ask: Ask, store: Store, tmp_path: Path) -> None:
    """A source may be called anything."""
    with store.write(name="tiny", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "markdown").mkdir()
        rows = {"text": ["物価の安定が大切である。"] * 4, "source": ["\x1b[31m赤\n# 題"] * 4}
        pq.write_table(pa.table(rows), draft.path / "markdown" / "train-00000.parquet")
    recipe = _write_recipe(tmp_path, ask(options={"max_steps": 1}))
    done = CliRunner().invoke(main, [str(recipe), "--corpus", "tiny", "--store", str(store.root)])
    assert done.exit_code == 0 and r"4 source_\u{1b}[31m赤\u{a}# 題" in done.output
    assert "\x1b[31m" not in done.output


def test_a_foreign_launcher_is_turned_away(tmp_path: Path) -> None:
    """Two processes must not both open the draft."""
    arguments = [str(tmp_path / "recipe.yaml"), "--corpus", "tiny@2026.11.21"]
    refused = CliRunner(env={"WORLD_SIZE": "2"}).invoke(main, arguments)
    assert refused.exit_code == 1
    assert "it starts its processes itself" in refused.output


@pytest.mark.parametrize(
    "path",
    ["train/recipes/nekomata-14b.yaml", "train/recipes/laptop.yaml", "sample/recipes/train-sample.yaml"],
)
def test_the_recipes_of_the_house_are_valid(root: Path, path: str) -> None:
    recipe = read_recipe(root / path, TrainRecipe)
    assert issubclass(CausalLM, Trainer)
    assert CausalLM.model_validate(recipe.options).turns >= 1


def test_rows_longer_than_the_model_knows_are_refused(ask: Ask, corpus: Ref, store: Store) -> None:
    with pytest.raises(UserError, match=r"sequence_length = 100,000; the base model knows [\d,]+ positions"):
        run(ask(options={"sequence_length": 100_000, "max_steps": 1}), [str(corpus)], store)
