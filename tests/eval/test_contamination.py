"""What a corpus shows of a test is known item by item, with its answer or without, and scores are told without it."""

import json
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from click.testing import CliRunner

from corpus.contamination.benchmarks import benchmark
from corpus.contamination.decontaminate import CONTAMINATION, TESTS
from corpus.document import Capture
from corpus.recipe import CorpusRecipe
from corpus.run import inputs
from corpus.run import run as build
from corpus.shards import write
from datacards.card import Ref
from datacards.errors import UserError
from datacards.evaluated import SCORES, TASKS, write_records
from datacards.store import Store
from eval.base import Evaluator, Keep
from eval.compare.cli import command as compare
from eval.contamination.cli import command
from eval.contamination.exposed import exposed, exposures
from eval.contamination.names import dialogue_numbers, exam_numbers, names_of
from eval.contamination.sentences import sentence_of
from eval.contamination.split import shown, splits
from eval.data import vendored
from eval.items import Answer, Asked, Item
from eval.scoring import score
from eval.tasks.base import Task
from eval.tasks.chabsa import Chabsa
from eval.tasks.cpa_audit import CpaAudit
from eval.tasks.exams import read as exam_questions
from eval.tasks.general.jfinqa import Jfinqa
from eval.tasks.general.jglue import Jcommonsenseqa, Jnli, Jsquad
from eval.tasks.general.jmmlu import Jmmlu
from eval.tasks.general.mgsm import MgsmJa
from spiders.warc import Segments
from tests.eval.living_world import checkpoint

Levels = dict[str, dict[str, str]]
FILLER = "当社は第{0}期の取り組みとして倉庫{1}棟の屋根を塗り替え、従業員{2}名が点検に当たりました。"


class Planted:
    """Pages that show items of two tests, and what each item is therefore: text or label, else clean."""

    def __init__(self, each: int, seed: int = 5) -> None:
        self.chance = random.Random(seed)  # noqa: S311  it chooses what is planted
        self.levels: Levels = {"chabsa": {}, "cpa_audit": {}}
        self.shown: list[str] = []
        self._sentences(each)
        self._questions(each)

    def _sentences(self, each: int) -> None:
        by_sentence: dict[str, list[dict[str, Any]]] = {}
        for row in vendored("chabsa"):
            by_sentence.setdefault(row["sentence"], []).append(row)
        long = sorted(text for text in by_sentence if len(text) > 45)
        for place, text in enumerate(self.chance.sample(long, 2 * each)):
            label = by_sentence[text][0]["polarity"] if place % 2 else ""
            self.shown.append(f"{text}（{label}）" if label else text)
            for row in by_sentence[text]:
                self.levels["chabsa"][row["id"]] = "label" if row["polarity"] == label else "text"

    def _questions(self, each: int) -> None:
        for place, row in enumerate(self.chance.sample(vendored("cpa_audit"), 3 * each)):
            told = [row["question"], *row["statements"].values()]
            if place % 3:
                told += [f"{number}．{choice}" for number, choice in enumerate(row["choices"], 1)]
            if place % 3 == 2:
                told.append(f"正解：{row['answer'] + 1}")
            self.shown.append("\n".join(told))
            self.levels["cpa_audit"][row["id"]] = "label" if place % 3 == 2 else "text"

    def captures(self, every: int = 6) -> list[Capture]:
        """Return pages with some of what is shown each, among other sentences."""
        self.chance.shuffle(self.shown)
        return [
            capture(number, self.shown[at : at + every], self.chance)
            for number, at in enumerate(range(0, len(self.shown), every))
        ]


def capture(number: int, shown: Sequence[str], chance: random.Random) -> Capture:
    fillers = [
        "".join(FILLER.format(*(chance.randrange(10, 9999) for _ in range(3))) for _ in range(4))
        for _ in shown
    ]
    parts = [f"<p>{text}</p>" for pair in zip(fillers, shown, strict=True) for text in pair]
    body = "".join(part.replace("\n", "</p><p>") for part in parts)
    page = f'<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>社内報{number}</title></head><body><main><h1>社内報{number}</h1>{body}</main></body></html>'
    return Capture(
        url=f"https://www.example.jp/{number}.html", source="press", fetched_at=datetime(2026, 11, 20, tzinfo=UTC), status=200,
        headers=(("Content-Type", "text/html; charset=utf-8"),), media_type="text/html", body=page.encode(), license="CC-BY-4.0",
    )  # fmt: skip


def corpus(store: Store, name: str, captures: Sequence[Capture], **decontamination: Any) -> Ref:
    """Build a corpus from captures, held against the two tests."""
    request = {
        "name": f"{name}_press",
        "version": "2026.11.20",
        "kind": "captures",
        "recipe": {"spider": name},
    }
    with store.write(**request) as draft, Segments(draft.path) as segments:  # type: ignore[arg-type]
        for one in captures:
            segments.write(one)
        segments.close(index=True)
    fields = {
        "name": name, "version": "2026.11.21", "captures": [f"{name}_press"], "steps": ["unicode"], "formats": ["markdown"],
        "decontamination": {"tests": ["chabsa", "cpa_audit"], **decontamination},
    }  # fmt: skip
    recipe = CorpusRecipe.model_validate(fields)
    return build(recipe, store, inputs(recipe, store))


class Memory(Evaluator):
    """Knows by heart the items whose answers its corpus shows, and guesses at the others, the same at every call."""

    known: frozenset[str]

    def ask(self, *, model: Any, asked: Mapping[str, Sequence[Asked]], keep: Keep) -> dict[str, list[Answer]]:
        """Return the answers."""
        del model, keep
        return {task: [self._answer(item) for item in items] for task, items in asked.items()}

    def _answer(self, item: Asked) -> Answer:
        assert isinstance(item, Item)
        dice = random.Random(item.id)  # noqa: S311  a guess
        likelihoods = [dice.uniform(-9, -5) for _ in item.choices]
        if item.id in self.known and item.gold is not None:
            likelihoods[item.gold] = -1.0
        return Answer(item, tuple(likelihoods))


def evaluation(
    store: Store, name: str, model: Ref, tasks: Sequence[Task], known: frozenset[str] = frozenset()
) -> Ref:
    """Write an evaluation version of ``model``, scored by the real code."""
    with store.write(
        name=name, version="2026.11.22", kind="evaluation", recipe={}, made_from=[model]
    ) as draft:
        scores, records = score(Memory(known=known), draft.path, tasks, None, out=draft.path)
        write_records(draft.path / SCORES, scores)
        write_records(draft.path / TASKS, records)
    return store.resolve(name)


def reported(
    store: Store,
    name: str,
    overlaps: Sequence[Mapping[str, Any]],
    tests: Mapping[str, str],
    made_from: Sequence[Ref] = (),
) -> Ref:
    """Write a corpus version that holds nothing but its report: overlaps, and where each test was found."""
    counts = {
        "files": [],
        "sha256": "",
        "items": 9,
        "items_unmatchable": 1,
        "items_touched": 0,
        "items_answered": 0,
        "documents": 0,
    }
    place = {"document_id": "d", "url": "", "start": 0, "end": 9, "coverage": 1.0, "characters": 9}
    with store.write(
        name=name, version="2026.11.21", kind="dataset", recipe={}, made_from=list(made_from)
    ) as draft:
        if tests:
            write(
                draft.path / "tests.parquet",
                [{"test": test, "status": where, **counts} for test, where in tests.items()],
                TESTS,
            )
            write(
                draft.path / "contamination/train-00000.parquet",
                [{**place, **row} for row in overlaps],
                CONTAMINATION,
            )
        (draft.path / "note.txt").write_text("no documents")
    return store.resolve(name)


def overlap(
    item: str, *, test: str = "cpa_audit", part: str = "stem", answered: bool = False, policy: str = "mark"
) -> dict[str, Any]:
    return {"test": test, "item": item, "part": part, "answered": answered, "policy": policy}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Levels]:
    """Return a store with a corpus that shows items of two tests, and a merged model of it that was scored on them."""
    store, planted = Store(tmp_path_factory.mktemp("contamination") / "store"), Planted(40)
    fin = corpus(store, "fin", planted.captures())
    asked = reported(store, "fin-qa", [], {}, [fin])  # of questions about it: without a report of its own
    domain = checkpoint(store, "domain", [asked])
    merged = checkpoint(
        store, "merged", [Ref(name="hf:example/base", version="0" * 40, digest="1" * 64), domain]
    )
    known = frozenset(
        one for some in planted.levels.values() for one, level in some.items() if level == "label"
    )
    evaluation(store, "merged-fin", merged, [Chabsa(), CpaAudit()], known)
    return store, planted.levels


def test_every_item_that_a_corpus_shows_is_known_with_its_answer_or_without(
    world: tuple[Store, Levels],
) -> None:
    """At least 95 % of each level are found, and at most 1 % of the others are called what they are not."""
    store, wanted = world
    found = exposed(store, store.resolve("merged-fin"))
    assert {task: len(levels) for task, levels in found.items()} == {"chabsa": 7723, "cpa_audit": 398}
    pairs = Counter(
        (wanted[task].get(one, "clean"), level)
        for task, levels in found.items()
        for one, level in levels.items()
    )
    for level in ("text", "label", "clean"):
        total = sum(number for (want, _), number in pairs.items() if want == level)
        assert pairs[level, level] >= (0.99 if level == "clean" else 0.95) * total, (level, pairs)


def test_a_score_that_rests_on_what_was_read_is_told_apart(world: tuple[Store, Levels]) -> None:
    store, _ = world
    cpa = splits(store, store.resolve("merged-fin"))["cpa_audit"]
    assert cpa.clean and cpa.dirty and cpa.label and cpa.text and cpa.gap and cpa.inflation
    assert cpa.clean.n + cpa.dirty.n == cpa.all.n == 398
    assert cpa.text.n + cpa.label.n == cpa.dirty.n
    assert cpa.label.value == 1.0
    assert cpa.gap.value == pytest.approx(cpa.dirty.value - cpa.clean.value)  # type: ignore[operator]
    assert cpa.inflation.value == pytest.approx(cpa.all.value - cpa.clean.value)  # type: ignore[operator]
    assert cpa.inflated
    assert cpa.exposure.unknown == ("hf:example/base@" + "0" * 40,)
    # Items are independent here: the paired error of a difference of two disjoint parts is that of two means.
    apart = math.hypot(cpa.dirty.interval.stderr or 0, cpa.clean.interval.stderr or 0)
    assert cpa.gap.stderr == pytest.approx(apart, rel=0.03)


def test_the_command_tells_and_writes_all_of_it(world: tuple[Store, Levels], tmp_path: Path) -> None:
    store, _ = world
    words = ["merged-fin", "--store", str(store.root), "--json", str(tmp_path / "told.json")]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.output
    assert "items that no corpus of the model shows" in done.output
    assert "which is beyond noise" in done.output
    assert "Nobody knows what hf:example/base@" in done.output
    told = json.loads((tmp_path / "told.json").read_text())["merged-fin@2026.11.22"]["chabsa"]
    assert set(told["exposure"]["levels"].values()) == {"clean", "text", "label"}
    assert told["dirty"]["n"] + told["clean"]["n"] == 7723


@pytest.fixture
def asked(store: Store) -> list[str]:
    """Return the ids of four questions that the models of ``scored`` are asked."""
    return [item.id for item in FOUR.draw(None)[0]]


FOUR = CpaAudit(subset=4)


def scored(store: Store, *corpora: Ref) -> Ref:
    """Return an evaluation of a model that was trained on these."""
    return evaluation(store, "model-fin", checkpoint(store, "model", corpora), [FOUR])


def test_what_was_cut_or_dropped_is_not_shown_and_the_worst_of_several_counts(
    store: Store, asked: list[str]
) -> None:
    one, two, three, four = asked
    rows = [
        overlap(one),
        overlap(one, answered=True),
        overlap(two, policy="cut"),
        overlap(three, policy="drop"),
        overlap(four, part="filing", answered=True),
    ]
    first = reported(store, "first", rows, {"cpa_audit": "shipped"})
    second = reported(store, "second", [overlap(one), overlap(two)], {"cpa_audit": "shipped"})
    assert exposed(store, scored(store, first, second)) == {
        "cpa_audit": {one: "label", two: "text", three: "clean", four: "text"}
    }


@pytest.mark.parametrize(
    ("rows", "tests", "why"),
    [
        ([], {}, "corpus@2026.11.21 was not held against it"),
        ([], {"cpa_audit": "absent"}, "corpus@2026.11.21 was not held against it"),
        ([], {"chabsa": "shipped"}, "corpus@2026.11.21 was not held against it"),
        ([overlap("17")], {"cpa_audit": "folder"}, "names its items by other ids"),
    ],
)  # fmt: skip
def test_where_nobody_looked_nothing_is_called_clean(
    store: Store, rows: list[dict[str, Any]], tests: dict[str, str], why: str
) -> None:
    ref = scored(store, reported(store, "corpus", rows, tests))
    exposure = exposures(store, ref)["cpa_audit"]
    assert why in exposure.unlooked[0]
    assert exposed(store, ref) == {}
    split = splits(store, ref)["cpa_audit"]
    assert (split.all.n, split.clean, split.gap) == (4, None, None)
    assert "no item can be called clean" in sentence_of(split)


def test_models_are_compared_without_what_any_of_them_may_have_read(
    store: Store, asked: list[str], tmp_path: Path
) -> None:
    one, two, *_ = asked
    refs = []
    for name, item in (("a", one), ("b", two)):
        held = reported(store, f"corpus-{name}", [overlap(item)], {"cpa_audit": "shipped"})
        refs.append(evaluation(store, f"{name}-fin", checkpoint(store, name, [held]), [FOUR]))
    found = shown(store, refs)
    assert found == ({"cpa_audit": frozenset({one, two})}, frozenset(), ())
    words = ["a-fin", "b-fin", "--clean", "--store", str(store.root), "--json", str(tmp_path / "told.json")]
    done = CliRunner().invoke(compare, words)
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "told.json").read_text())
    assert [row["n"] for row in told["all"]["tasks"]] == [4]
    assert [row["n"] for row in told["clean"]["tasks"]] == [2]


def test_nothing_is_compared_as_clean_where_nobody_looked(store: Store) -> None:
    held = reported(store, "corpus", [], {})
    for name in "ab":
        evaluation(store, f"{name}-fin", checkpoint(store, name, [held]), [FOUR])
    done = CliRunner().invoke(compare, ["a-fin", "b-fin", "--clean", "--store", str(store.root)])
    assert done.exit_code == 0, done.output
    assert "no item can be called clean, since corpus@2026.11.21 was not held against it" in done.output
    assert "Clean items only" not in done.output


class Dated(CpaAudit):
    """Questions that stand for those of the living test."""

    task: Literal["living_choice"] = "living_choice"  # type: ignore[assignment]


def test_what_was_published_after_the_cut_off_is_clean_by_date(store: Store) -> None:
    model = checkpoint(store, "model", [reported(store, "corpus", [], {})])
    ref = evaluation(store, "model-living", model, [Dated(subset=4)])
    assert list(exposed(store, ref)["living_choice"].values()) == ["clean"] * 4


def test_items_that_their_publisher_numbers_are_joined_by_their_file(tmp_path: Path) -> None:
    """A corpus version names them as the publisher does, an evaluation by their content."""
    exam, dialogues = tmp_path / "fp2" / "data.json", tmp_path / "pfmt-bench-fin-ja" / "question.jsonl"
    choices = [{"id": place, "text": f"{place + 1}割"} for place in range(4)]
    rows = [
        {
            "id": number,
            "question": f"第{number}問の税率はどれか。",
            "context": "",
            "choices": choices,
            "answer": 2,
        }
        for number in (3, 8)
    ]
    turns = {
        "question_id": 7,
        "category": "math",
        "turns": ["複利で計算してください。", "単利ではどうですか。"],
    }
    for path, text in ((exam, json.dumps({"data": rows})), (dialogues, json.dumps(turns))):
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
    for found, test in ((exam_numbers(exam), "fp2"), (dialogue_numbers(dialogues), "pfmt-bench-fin-ja")):
        assert list(found.values()) == [item.id for item in benchmark(test, tmp_path).items]
        assert len(found) == 2
    assert set(exam_numbers(exam)) == {asked.id for asked in exam_questions(exam)}


def test_the_tests_that_are_shipped_have_the_same_ids_in_corpora_and_evaluations() -> None:
    for task in (Chabsa(), CpaAudit(), Jcommonsenseqa(), Jnli(), Jsquad(), Jmmlu(), MgsmJa(), Jfinqa()):
        names = names_of(task.task)
        there = {item.id for item in benchmark(names.test, None).items}
        assert {names.there(item.id) for item in task.items(None)} <= there, task.task
        assert not names.strange(there)
    dialogues = {item.id for item in benchmark("ja_mt_bench", None).items}
    assert len(dialogues) == 160
    assert not names_of("ja_mt_bench").strange(dialogues)
    for way in ("official", "corrected"):  # the same items, scored in another way
        assert not names_of(f"ja_mt_bench_{way}").strange(dialogues)


def test_only_an_evaluation_has_asked_anything(store: Store) -> None:
    with pytest.raises(UserError, match="an evaluation is needed"):
        exposures(store, reported(store, "corpus", [], {}))
