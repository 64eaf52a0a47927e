"""A recipe and a checkpoint give one evaluation version that names both and can be read back."""

import io
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from datacards.errors import UserError
from datacards.evaluated import Score, read_scores
from datacards.recipe import read_recipe
from datacards.store import Store
from eval.cli import main, tell
from eval.evaluators.lm_eval import LmEval
from eval.recipe import EvalRecipe
from eval.run import run
from eval.scoring import score
from eval.tasks.general.perplexity import PerplexityFile
from eval.tasks.general.questions import Questions


@pytest.fixture
def stocked(question_store: Store, tiny_model: Path) -> Store:
    """Return a store with a dataset of questions and the checkpoint ``tiny@2026.11.20``."""
    with question_store.write(name="tiny", version="2026.11.20", kind="checkpoint", recipe={}) as draft:
        shutil.copytree(tiny_model, draft.path, dirs_exist_ok=True)
    return question_store


def recipe(**fields: object) -> EvalRecipe:
    asked = {"name": "look", "version": "2026.11.21", "tasks": [{"task": "corpus_questions"}]}
    return EvalRecipe.model_validate(asked | fields)


def test_a_run_becomes_a_version_named_after_model_and_recipe(stocked: Store) -> None:
    ref, scores = run(recipe(), stocked, model="tiny", corpus="fin-ja-qa")
    card = stocked.card(ref)
    assert str(ref) == "tiny-look@2026.11.21"
    assert card.kind == "evaluation"
    assert [str(r) for r in card.made_from] == ["tiny@2026.11.20", "fin-ja-qa@2026.11.21"]
    assert card.metrics["corpus_questions/acc"] == scores[0].value
    assert card.counts == {"corpus_questions items": 12}
    assert card.recipe["options"]["bos"] == "original"
    assert stocked.verify(ref) == []
    told = json.loads((stocked.path(ref) / "scores.json").read_text())
    assert [Score.model_validate(score) for score in told] == read_scores(stocked.path(ref)) == scores


def test_an_equal_request_finds_its_version_again(stocked: Store) -> None:
    first = run(recipe(), stocked, model="tiny", corpus="fin-ja-qa")
    assert run(recipe(), stocked, model="tiny@2026.11.20", corpus="fin-ja-qa@2026.11.21") == first
    with pytest.raises(UserError, match="differs in 'options'"):
        run(recipe(options={"batch_tokens": 64}), stocked, model="tiny", corpus="fin-ja-qa")


def test_a_damaged_checkpoint_is_not_scored(stocked: Store) -> None:
    path = stocked.path(stocked.resolve("tiny")) / "config.json"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(UserError, match="does not verify"):
        run(recipe(), stocked, model="tiny", corpus="fin-ja-qa")


def test_a_damaged_corpus_is_not_asked_about(stocked: Store) -> None:
    (stocked.path(stocked.resolve("fin-ja-qa")) / "extra").write_text("")
    with pytest.raises(UserError, match="extra is not in the card"):
        run(recipe(), stocked, model="tiny", corpus="fin-ja-qa")


@pytest.mark.parametrize(
    ("model", "corpus", "words"),
    [
        ("", "fin-ja-qa", "--model NAME@VERSION"),
        ("tiny", "", "--corpus NAME@VERSION"),
        ("tiny", "tiny", "a dataset is needed"),
        ("fin-ja-qa", "fin-ja-qa", "a checkpoint is needed"),
        ("tny", "fin-ja-qa", "the store holds"),
    ],
)
def test_a_wrong_input_is_named(stocked: Store, model: str, corpus: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        run(recipe(), stocked, model=model, corpus=corpus)


def test_a_corpus_that_no_task_reads_is_refused(stocked: Store) -> None:
    with pytest.raises(UserError, match="no task asks about a corpus"):
        run(recipe(tasks=[{"task": "cpa_audit"}]), stocked, model="tiny", corpus="fin-ja-qa")


def test_a_local_folder_is_named_by_its_last_part(stocked: Store, tiny_model: Path) -> None:
    ref, _ = run(recipe(), stocked, model=str(tiny_model), corpus="fin-ja-qa")
    assert ref.name == f"{tiny_model.name}-look"
    assert stocked.card(ref).made_from[0].name == f"local:{tiny_model.name}"


def test_the_command_prints_every_score_with_its_error(stocked: Store, tmp_path: Path) -> None:
    path = tmp_path / "look.yaml"
    path.write_text("name: look\nversion: 2026.11.21\ntasks:\n  - task: corpus_questions\n")
    words = [str(path), "--model", "tiny", "--corpus", "fin-ja-qa", "--store", str(stocked.root)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    value = stocked.card(stocked.resolve("tiny-look")).metrics["corpus_questions/acc"]
    assert "tiny-look@2026.11.21" in done.output
    assert f"{value:.4f}" in done.output


def test_the_card_names_the_rights_of_the_items(stocked: Store) -> None:
    asked = recipe(tasks=[{"task": "cpa_audit", "subset": 2}], options={"max_length": 32})
    ref, _ = run(asked, stocked, model="tiny")
    (rights,) = stocked.card(ref).rights
    assert (rights.license, rights.records) == ("CC-BY-4.0", 2)
    assert "公認会計士" in rights.attribution


def test_a_task_may_be_asked_for_once() -> None:
    with pytest.raises(ValueError, match="once"):
        recipe(tasks=[{"task": "cpa_audit"}, {"task": "cpa_audit"}])


def test_a_recipe_is_asked_under_every_prompt_and_each_becomes_a_version_of_its_own() -> None:
    asked = recipe(tasks=[{"task": "jnli"}, {"task": "cpa_audit", "subset": 5}])
    under = asked.in_words("all")
    assert [one.name for one in under[:3]] == ["look", "look-0.1", "look-0.1.2"]
    assert len(under) == 9
    assert under[0] == recipe(
        tasks=[{"task": "jnli"}, {"task": "cpa_audit", "subset": 5, "prompt": "default"}]
    )
    (only,) = asked.in_words("0.2")
    assert [(task.task, task.subset, task.model_dump()["prompt"]) for task in only.tasks] == [
        ("cpa_audit", 5, "0.2")
    ]


def test_a_prompt_that_nobody_knows_is_refused_and_one_where_no_task_has_any() -> None:
    with pytest.raises(UserError, match=r"'0.9'; default, 0.1, .* or all"):
        recipe(tasks=[{"task": "cpa_audit"}]).in_words("0.9")
    with pytest.raises(UserError, match="no task of 'look' has a prompt to choose"):
        recipe().in_words("0.2")


def test_few_figures_are_printed_unless_all_are_asked_for_and_a_remark_once() -> None:
    scores = [
        Score(task=task, metric=metric, value=0.5, samples=4, group=group, note="a draw")
        for task in ("exam", "quiz")
        for metric, group in (("acc", ""), ("acc", "law"), ("a2", ""), ("a3", ""), ("a4", ""))
    ]

    def printed(*, whole: bool) -> str:
        console = Console(file=io.StringIO(), width=200)
        tell(console, scores, whole=whole)
        return console.file.getvalue()  # type: ignore[attr-defined]

    few = printed(whole=False)
    assert "a3" in few
    assert "a4" not in few
    assert "law" not in few
    assert "4 more figures: --all" in few
    assert few.count("a draw") == few.count("exam, quiz: a draw") == 1
    assert printed(whole=True).count("acc · law") == 2


def test_a_wrong_option_of_a_task_is_named_without_all_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / "look.yaml"
    path.write_text("name: look\nversion: 2026.11.21\ntasks:\n  - task: cpa_audit\n    promt: 0.2\n")
    with pytest.raises(
        UserError, match=r"^look.yaml: tasks.0: kanagura.tasks: cpa_audit: unknown key 'promt'"
    ):
        read_recipe(path, EvalRecipe)


def test_all_tasks_that_cannot_be_asked_are_named_at_once() -> None:
    two = [PerplexityFile(file="./none.parquet"), Questions(files=("./none.jsonl",))]
    with pytest.raises(UserError, match=r"(?s)2 cannot be asked.*none\.parquet.*none\.jsonl"):
        score(LmEval(), Path("none"), two, None)


def test_a_card_holds_the_figures_to_compare_by(stocked: Store) -> None:
    ref, scores = run(recipe(), stocked, model="tiny", corpus="fin-ja-qa")
    assert len(scores) > 1
    assert set(stocked.card(ref).metrics) == {"corpus_questions/acc"}
