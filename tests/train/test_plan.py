"""The plan of the paper's run against its arithmetic, DeepSpeed's estimators and the text's own numbers."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from deepspeed.runtime.zero.stage3 import estimate_zero3_model_states_mem_needs
from deepspeed.runtime.zero.stage_1_and_2 import estimate_zero2_model_states_mem_needs

from datacards.card import Ref
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.store import Store
from train.base import Shard, TrainData
from train.data.packing import Packed
from train.data.tokens import tokenize
from train.inputs import Inputs
from train.plan.advice import advice, warnings
from train.plan.amount import Amount, counted, said
from train.plan.cli import command
from train.plan.estimate import estimate
from train.plan.fit import check_fits, check_run, free_memory
from train.plan.memory import Item, Memory, Size, cards_needed, single, zero
from train.plan.precision import unchanged_after, unchanged_by
from train.plan.record import Estimate
from train.plan.run import plan
from train.plan.steps import packed, padded
from train.plan.told import told
from train.recipe import TrainRecipe
from train.trainers.causal_lm import CausalLM

RECIPE = Path(__file__).parents[2] / "train/recipes/nekomata-14b.yaml"
#: Qwen-14B as its authors describe it (arXiv 2309.16609, table 1), in the words of transformers' Qwen2.
NEKOMATA = json.loads((RECIPE.parent / "nekomata-14b.config.json").read_text(encoding="utf-8"))
PAPER = (370_000_000, 8_100_000)
FOURTEEN = 14_167_290_880


@pytest.fixture(scope="module")
def paper() -> Estimate:
    recipe = read_recipe(RECIPE, TrainRecipe)
    options = CausalLM.model_validate(recipe.options)
    return estimate(recipe, options, NEKOMATA, said(*PAPER), card=80e9, cards=4, price=2.0)


def test_the_papers_run_in_numbers(paper: Estimate) -> None:
    assert paper.weights.total == FOURTEEN  # 40 layers of 315,253,760, two of 152,064 x 5,120, one norm
    assert paper.weights.total == 40 * 315_253_760 + 2 * 152_064 * 5120 + 5120
    assert paper.amounts.documents == 8_100_000
    assert paper.packed.steps == pytest.approx(37_650, rel=0.01)
    assert paper.padded.steps == 1_687_500  # one document a row: 45 times as many
    assert paper.packed.fill > 0.9999
    assert paper.padded.fill == pytest.approx(0.022, abs=0.001)
    assert paper.packed.rate_sum == pytest.approx(5e-7 * paper.packed.steps / 2, rel=1e-3)
    assert paper.packed.walk == pytest.approx(5.6e-5, rel=0.01)
    assert paper.padded.walk == pytest.approx(3.75e-4, rel=0.01)


def test_states_of_each_stage_are_those_of_the_arithmetic(paper: Estimate) -> None:
    states = [round(one.states / 1e9) for one in paper.memory]
    assert states == [227, 99, 78, 57]
    assert not any(
        "bucket" in one.name for one in paper.memory[0].things
    )  # one process has nobody to exchange with


def test_the_papers_run_fits_with_stage_3_and_a_chunked_loss_alone(paper: Estimate) -> None:
    assert [one.fits for one in paper.memory] == [False, False, False, True]
    assert paper.asked.total + paper.plain_scores > 80e9
    assert "it fits" in paper.advice
    assert "Without loss_chunk it would need 17 GB more and not fit" in paper.advice
    recipe = read_recipe(RECIPE, TrainRecipe)
    sentence = advice(paper.memory[2], paper.memory, 80e9, CausalLM.model_validate(recipe.options), plain=0)
    assert sentence.startswith("ZeRO-2 needs 94 GB on each of 4 cards, a card has 80 GB: needs ")
    assert sentence.endswith("cards; ZeRO-3 fits (73 GB).")


def test_hours_and_money_of_the_papers_run(paper: Estimate) -> None:
    """62 and 78 hours in a count that takes all weights; embeddings, which multiply nothing, are 5.5 % of them."""
    at_best = next(one for one in paper.hours if one.card == "A100" and one.mfu == 0.576)
    at_45 = next(one for one in paper.hours if one.card == "A100" and one.mfu == 0.45)
    assert at_best.hours == pytest.approx(62 * (1 - 0.055), rel=0.03)
    assert at_45.hours == pytest.approx(78 * (1 - 0.055), rel=0.03)
    assert at_45.price == pytest.approx(at_45.hours * 4 * 2.0)
    assert at_45.hours_padded > 40 * at_45.hours


def test_states_agree_with_deepspeeds_own_estimators() -> None:
    """Theirs count the float32 gradients of the step for all weights; stage 3 here steps on 10^9 at a time."""
    options, size = CausalLM(), Size(FOURTEEN, FOURTEEN, 778_567_680, 0, 0)
    for cards in (1, 2, 4, 8, 64):
        ours = zero(size, options, 2, cards, cuda=True)
        _, theirs = estimate_zero2_model_states_mem_needs(FOURTEEN, cards, 1, cpu_offload=False)
        stepped = next(item.bytes for item in ours.items if "float32, as" in item.name)
        assert ours.states + stepped == pytest.approx(theirs, rel=1e-6)
        three = zero(size, options, 3, cards, cuda=True)
        _, theirs, largest = estimate_zero3_model_states_mem_needs(
            FOURTEEN, size.largest, cards, 1, cpu_offload=False, cpu_offload_params=False
        )
        assert three.states + 2 * FOURTEEN / cards == pytest.approx(theirs - largest, rel=1e-6)


def test_cards_that_are_needed_are_where_memory_is_just_full() -> None:
    size, options = Size(10**9, 10**9, 10**7, 10**9, 0), CausalLM()
    needed = cards_needed(lambda n: zero(size, options, 2, n, cuda=False), 10e9)
    assert needed is not None
    assert zero(size, options, 2, needed, cuda=False).total == pytest.approx(10e9, rel=0.01)
    assert (
        cards_needed(lambda n: zero(size, options, 2, n, cuda=False), 2e9) is None
    )  # its weights alone are as large


def test_adapters_alone_have_gradients_and_moments() -> None:
    whole = single(Size(10**9, 10**9, 0, 0, 0), CausalLM(), cuda=False)
    adapters = single(Size(10**9, 10**6, 0, 0, 0), CausalLM(), cuda=False)
    assert whole.total == 16 * 10**9
    assert adapters.total == 4 * 10**9 + 12 * 10**6


def test_steps_that_bfloat16_holds() -> None:
    """The shares that a simulation of four million weights gave."""
    moved = [1 - unchanged_by(step) for step in (5e-7, 6e-6, 1e-4)]
    assert moved == pytest.approx([0.0098, 0.078, 0.88], rel=0.01)
    left = [unchanged_after(size) for size in (5e-6, 1e-5, 5.6e-5, 1e-4, 3.8e-4)]
    assert left == pytest.approx([0.94, 0.88, 0.50, 0.32, 0.09], abs=0.01)


def test_a_rate_too_small_for_bfloat16_is_told_with_what_to_do(paper: Estimate) -> None:
    recipe = read_recipe(RECIPE, TrainRecipe)
    lost = CausalLM.model_validate({**recipe.options, "vector": None})
    (sentence,) = warnings(lost, packed(said(10**6, 10**4), lost), NEKOMATA)
    assert "leaves 99.0% of them as they are" in sentence
    assert "vector: bf16" in sentence
    assert [note for note in paper.notes if note.endswith("none.")] == ["Warm-up: none."]
    assert any("Replay of general text: none" in note for note in paper.notes)
    assert not paper.warnings  # the recipe asks for the vector


def test_rows_are_those_of_the_packing_itself() -> None:
    lengths = np.random.default_rng(0).integers(1, 90, 500).astype(np.int32)
    options = CausalLM(sequence_length=64, rows_per_step=24, rows_per_device=6, epochs=3, learning_rate=1e-3)
    amount = Amount(lengths, np.ones(500, np.float32), "")
    rows = Packed.of(np.arange(500, dtype=np.int32), lengths, width=64, seed=0).n_rows
    steps = packed(amount, options)
    assert (steps.rows, steps.fill) == (rows, pytest.approx(int(lengths.sum()) / (64 * rows)))
    assert steps.steps == -(-rows * 3 // 24)
    assert padded(amount, options).rows == 500 + int((lengths > 64).sum())


def test_tokens_of_a_version_are_counted_by_the_bases_tokenizer(
    ask: Callable[..., TrainRecipe], corpus: Ref, store: Store, base: Path, tmp_path: Path
) -> None:
    inputs = Inputs([str(corpus)])
    made = plan(ask(), inputs, store)
    assert made.amounts.how == "counted by the base's tokenizer"
    assert made.amounts.documents == 65
    data, _ = inputs.verified(store).data(ask(), store)
    without = counted(data, None, ())
    assert without.how.startswith("assumed")
    assert without.documents == 65
    tokenize(base, data, tmp_path)
    cached = counted(data, base, ())
    assert cached.how == "from the token cache"
    assert (cached.tokens, cached.documents) == (made.amounts.tokens, 65)


def test_what_is_not_here_is_said(ask: Callable[..., TrainRecipe], corpus: Ref, store: Store) -> None:
    with pytest.raises(UserError, match="give it by --model-config"):
        plan(ask(base="./not-here"), Inputs([str(corpus)]), store)
    with pytest.raises(UserError, match="how much text is not said"):
        plan(ask(), Inputs([]), store)
    with pytest.raises(UserError, match="convert the checkpoint first"):
        check_run({"model_type": "qwen"}, CausalLM(), cuda=False, free=1)


def test_the_command_plans_from_a_config_and_two_numbers(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**NEKOMATA, "num_hidden_layers": 2}), encoding="utf-8")
    asked = [
        str(RECIPE),
        "--model-config",
        str(config),
        "--tokens",
        "1000000",
        "--documents",
        "20000",
        "--cards",
        "2",
    ]
    done = CliRunner().invoke(command, [*asked, "--json"])
    assert done.exit_code == 0, done.output
    found = Estimate.model_validate_json(done.output)
    assert [one.cards for one in found.memory] == [1, 2, 2, 2]
    assert "The recipe asks for 4 processes, the plan is for 2 cards." in told(found)


def test_the_plan_as_text(paper: Estimate) -> None:
    lines = told(paper).splitlines()
    assert any(line.split() == ["steps", "37,647", "1,687,500"] for line in lines)
    assert "* ZeRO-3                     4       57 GB       73 GB       62 GB       73 GB  fits" in lines
    assert any(line.startswith("A100 at 45.0% of its peak") and "for all cards" in line for line in lines)


def test_a_run_that_cannot_fit_is_refused_before_anything_is_loaded() -> None:
    needed = Memory(0, 1, (Item("weights", 10**9),))
    assert check_fits(needed, 2 * 10**9, cuda=True) is None
    assert "may not fit" in (check_fits(needed, int(1.05e9), cuda=True) or "")
    assert "may not fit" in (check_fits(needed, int(0.95e9), cuda=True) or "")
    with pytest.raises(UserError, match=r"needs 1.0 GB of memory, each card has 0.8 GB free"):
        check_fits(needed, 8 * 10**8, cuda=True)
    with pytest.raises(UserError, match=r"needs 2.0 GB of memory, the machine has 1.5 GB free"):
        check_fits(needed, 15 * 10**8, cuda=False, here=2)


def test_a_small_run_passes_and_the_papers_is_refused_here() -> None:
    tiny = {
        **NEKOMATA,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "vocab_size": 300,
        "intermediate_size": 128,
    }
    assert check_run(tiny, CausalLM(sequence_length=64, rows_per_device=2), cuda=False) is None
    with pytest.raises(UserError, match="train plan RECIPE says"):
        check_run(NEKOMATA, CausalLM(), cuda=False, free=100 * 10**9)
    assert free_memory(cuda=False) > 0


def test_replay_is_read_until_it_makes_up_its_share(tmp_path: Path) -> None:
    """And a row that is read every other epoch counts half."""
    files = []
    for name, texts in (("own", ["物価の安定が大切である。"] * 8), ("general", ["今日はよい天気だ。"] * 40)):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"text": texts}), path)
        files.append(path)
    halves = np.array([1, 1, 1, 1, 0.5, 0.5, 0, 0], np.float32)
    shards = (
        Shard(files[0], "0", "own@1", "markdown", halves),
        Shard(files[1], "1", "general@1", "markdown", replay=True),
    )
    amount = counted(TrainData(shards, replay_share=0.25), None, ())
    of_own = float(amount.lengths[:8] @ amount.times[:8])
    assert of_own == 5 * amount.lengths[0]
    assert of_own / amount.tokens == pytest.approx(0.75, abs=0.01)
    assert amount.documents == 6 + 40
