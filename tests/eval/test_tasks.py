"""The vendored test sets are complete, their prompts are the benchmark's, their ids never move."""

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from datacards.errors import UserError
from datacards.plugins import names
from datacards.store import Store
from eval.data import convert, vendored
from eval.items import Item, content_id
from eval.tasks import GROUP
from eval.tasks.base import stratified
from eval.tasks.chabsa import Chabsa
from eval.tasks.cli import command
from eval.tasks.corpus_questions import CorpusQuestions
from eval.tasks.cpa_audit import CpaAudit


def digest(items: list[Item]) -> str:
    return hashlib.sha256("".join(item.id for item in items).encode()).hexdigest()[:16]


def test_chabsa_is_complete() -> None:
    """The counts that the benchmark's published results imply: 7,723 items, 258 of them neutral."""
    items = Chabsa().items(None)
    assert Counter(item.label for item in items) == {"positive": 4334, "negative": 3131, "neutral": 258}
    assert sum(item.gold is None for item in items) == 258
    assert len({item.id for item in items}) == 7723


def test_cpa_audit_is_complete() -> None:
    """408 questions but the 10 that its authors flag; six letters even where the exam has five choices."""
    items = CpaAudit().items(None)
    assert len(items) == len({item.id for item in items}) == 398
    assert {len(item.continuations) for item in items} == {6}
    assert sum("\nF: nan\n" in item.context for item in items) == 38


def test_ids_are_hashes_of_the_content_and_stay() -> None:
    """A sample recorded today must be found again by its id in any later version."""
    for name in ("chabsa", "cpa_audit"):
        assert all(
            row["id"] == content_id({k: v for k, v in row.items() if k != "id"}) for row in vendored(name)
        )
    assert (digest(Chabsa().items(None)), digest(CpaAudit().items(None))) == (
        "c932872723148cec",
        "85d91bdf32466d62",
    )


def test_the_vendored_files_are_what_the_conversion_makes(shared_eval_data: Path, tmp_path: Path) -> None:
    convert.write(tmp_path / "a", convert.chabsa(shared_eval_data / "chabsa"))
    convert.write(tmp_path / "b", convert.cpa_audit(shared_eval_data / "cpa_audit" / "CPA_AUDIT.xlsx"))
    folder = Path(convert.__file__).parent
    assert (tmp_path / "a").read_bytes() == (folder / "chabsa.jsonl.gz").read_bytes()
    assert (tmp_path / "b").read_bytes() == (folder / "cpa_audit.jsonl.gz").read_bytes()


@pytest.mark.parametrize("task", [Chabsa(), CpaAudit()], ids=lambda task: task.task)
def test_every_prompt_is_the_benchmarks_own(task: Chabsa | CpaAudit, golden: Path) -> None:
    """Rendered contexts and right answers equal those of the original task code, as multisets."""
    with gzip.open(golden / "per_item_tiny-llama-tuned.json.gz", "rt") as stream:
        wanted = json.load(stream)[task.task]["items"]
    ours = Counter(
        (hashlib.sha256(i.context.encode()).hexdigest(), -100 if i.gold is None else i.gold)
        for i in task.items(None)
    )
    assert ours == Counter((item["ctx_sha256"], item["gold"]) for item in wanted)


def test_a_stratified_subset_keeps_the_shares_and_ignores_the_order() -> None:
    full = Chabsa().items(None)
    subset, note, of = Chabsa(subset=300, seed=7).draw(None)
    assert Counter(item.label for item in subset) == {"positive": 168, "negative": 122, "neutral": 10}
    assert subset != Chabsa(subset=300, seed=8).draw(None)[0]
    assert {i.id for i in stratified(full[::-1], 300, 7)} == {i.id for i in subset}
    assert of == 7723
    assert note == "a draw of 300 of 7,723 items, no benchmark figure"
    assert Chabsa().draw(None) == Chabsa(subset=9000).draw(None) == (full, "", 7723)
    assert len(CpaAudit(subset=100).draw(None)[0]) == 100


def test_corpus_questions_are_the_held_out_ones_of_the_dataset(question_store: Store) -> None:
    corpus = question_store.path(question_store.resolve("fin-ja-qa"))
    by_text = CorpusQuestions().items(corpus)
    by_letter = CorpusQuestions(answer="letter").items(corpus)
    assert len(by_text) == 12
    assert [i.id for i in by_text] == [i.id for i in by_letter] == sorted(i.id for i in by_text)
    assert by_letter[0].continuations == ("A", "B", "C", "D")
    for item in by_text:
        right = item.choices[item.gold or 0]
        assert item.context.endswith("\n\n【答え】\n")
        assert f": {right}\n" in item.context


def test_corpus_questions_need_a_corpus_with_questions(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--corpus NAME@VERSION"):
        CorpusQuestions().items(None)
    with pytest.raises(UserError, match="kanagura rephrase"):
        CorpusQuestions().items(tmp_path)


def test_unknown_options_of_a_task_are_refused() -> None:
    with pytest.raises(ValidationError):
        Chabsa.model_validate({"task": "chabsa", "shots": 4})


def test_the_command_tells_which_tasks_there_are_and_what_one_takes() -> None:
    told = CliRunner().invoke(command, [], env={"COLUMNS": "200"})
    assert all(f" {name} " in told.output for name in names(GROUP))
    one = CliRunner().invoke(command, ["chabsa"], env={"COLUMNS": "200"})
    assert "7,723 opinions" in one.output
    assert "dialect" in one.output
    assert "no plug-in named 'chabza'" in CliRunner().invoke(command, ["chabza"]).output
