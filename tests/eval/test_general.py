"""General Japanese tests are complete, keep their ids, ask what they should, and are scored by their rules."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from corpus.contamination.benchmarks import benchmark
from eval.data import convert, vendored
from eval.items import Answer, Item, Question, Reply, content_id
from eval.tasks.base import Task
from eval.tasks.general.jfinqa import Jfinqa
from eval.tasks.general.jglue import Jcommonsenseqa, Jnli, Jsquad, bare, char_f1
from eval.tasks.general.jmmlu import BUSINESS, Jmmlu
from eval.tasks.general.mgsm import MgsmEn, MgsmJa
from eval.tasks.general.numbers import numbers
from eval.tasks.general.replies import ReplyTask
from eval.tasks.general.translation import TranslationEnJa, TranslationJaEn

REPLIES: tuple[ReplyTask, ...] = (
    Jsquad(), Jfinqa(), MgsmJa(), MgsmEn(), TranslationJaEn(), TranslationEnJa(),
)  # fmt: skip
#: Of every task: its items, its clusters, a digest over its ids, and the test that contamination reports name.
TASKS: tuple[tuple[Task, int, int, str, str], ...] = (
    (Jcommonsenseqa(), 1119, 0, "22fd320ccdad4978", "jcommonsenseqa"),
    (Jnli(), 2434, 1089, "3a21d499b9059ff7", "jnli"),
    (Jsquad(), 4442, 1145, "8aef82156f9f8a8c", "jsquad"),
    (Jmmlu(), 7097, 0, "9296a4d1ddd78b5d", "jmmlu"),
    (Jfinqa(), 1000, 104, "fdfe400ffa15ab07", "jfinqa"),
    (MgsmJa(), 250, 0, "7cd2c239a0811957", "mgsm"),
    (MgsmEn(), 250, 0, "e158f0c8a9ed814a", "mgsm"),
    (TranslationJaEn(), 250, 0, "7cd2c239a0811957", "mgsm"),
    (TranslationEnJa(), 250, 0, "e158f0c8a9ed814a", "mgsm"),
)
named = pytest.mark.parametrize(
    ("task", "number", "clusters", "digest", "test"), TASKS, ids=lambda part: getattr(part, "task", "")
)


@named
def test_a_test_set_is_complete_and_its_ids_stay(
    task: Task, number: int, clusters: int, digest: str, test: str
) -> None:
    """A sample recorded today, and a find of a corpus version, must be found again by its id in any later version."""
    items = task.items(None)
    ids = {item.id for item in items}
    assert len(items) == len(ids) == number
    assert len({item.cluster for item in items} - {""}) == clusters
    assert hashlib.sha256("".join(item.id for item in items).encode()).hexdigest()[:16] == digest
    assert ids <= {row["id"] for row in vendored(test)}
    assert ids <= {item.id for item in benchmark(test, None).items}


@pytest.mark.parametrize("name", ["jcommonsenseqa", "jfinqa", "jmmlu", "jnli", "jsquad", "mgsm"])
def test_a_vendored_file_is_what_the_conversion_makes(
    shared_eval_data: Path, tmp_path: Path, name: str
) -> None:
    below, rows = convert.CONVERTED[name]
    convert.write(tmp_path / "made", rows(shared_eval_data / below))
    assert (tmp_path / "made").read_bytes() == (
        Path(convert.__file__).parent / f"{name}.jsonl.gz"
    ).read_bytes()
    assert all(row["id"] == content_id({k: v for k, v in row.items() if k != "id"}) for row in vendored(name))


@pytest.mark.parametrize("task", REPLIES, ids=lambda task: task.task)
def test_the_targets_are_worth_all_and_silence_nothing(task: ReplyTask) -> None:
    questions = task.items(None)[::25]
    right = [Reply(item, f" {item.targets[0]}\n") for item in questions if isinstance(item, Question)]
    silent = [Reply(reply.item, " \n") for reply in right]
    assert {measured.value for measured in task.measure(right)} == {1.0}
    assert {measured.value for measured in task.measure(silent)} == {0.0}


def test_the_text_or_the_letter_of_a_choice_is_asked_for() -> None:
    for task in (Jcommonsenseqa, Jmmlu):
        text, letter = (task.model_validate({"answer": answer}).items(None) for answer in ("text", "letter"))
        assert [item.id for item in text] == [item.id for item in letter]
        assert {item.choices for item in letter} <= {("A", "B", "C", "D"), ("A", "B", "C", "D", "E")}
        for item, lettered in zip(text[::50], letter[::50], strict=True):
            right = item.choices[item.gold or 0]
            assert f"\n{'ABCDE'[lettered.gold or 0]}: {right}\n" in item.context
            assert item.context.endswith("\n【答え】\n")


def test_jnli_tells_a_model_that_answers_one_word_from_one_that_reads() -> None:
    items = Jnli().items(None)
    assert Counter(item.label for item in items) == {"entailment": 349, "contradiction": 735, "neutral": 1350}
    acc, f1 = Jnli().measure([Answer(item, (-9.0, -9.0, -1.0)) for item in items])
    assert (round(acc.value, 3), round(f1.value, 3)) == (0.555, 0.238)
    assert Jnli().chance(items) == pytest.approx(1 / 3)


def test_jmmlu_tells_business_apart_and_every_subject() -> None:
    task = Jmmlu()
    answers = [
        Answer(item, tuple(-float(at != item.gold or item.group not in BUSINESS) for at in range(4)))
        for item in task.items(None)
    ]
    parts = task.parts(answers)
    assert len(parts) == 2 + 53
    assert set(parts) >= BUSINESS
    assert len(parts["business"]) + len(parts["other"]) == 7097
    assert task.measure(parts["business"])[0].value == 1.0
    assert task.measure(parts["other"])[0].value < 0.5


def test_jsquad_counts_characters_and_takes_the_nearest_answer() -> None:
    assert bare("「ＡＢＣ銀行」。 ") == "abc銀行"
    assert char_f1("岬信用金庫", "岬信用金庫です") == pytest.approx(2 * 5 / (5 + 7))
    assert (char_f1("。", ""), char_f1("", "岬"), char_f1("金金", "金")) == (1.0, 0.0, pytest.approx(2 / 3))
    item = Question("q", "", ("小笠原諸島を除く日本", "小笠原諸島"))
    task = Jsquad()
    reply = Reply(item, "\n「小笠原諸島」\n質問: 次")
    assert task.value(reply) == (1.0, 1.0)
    assert [one.value for one in task.measure([reply, Reply(item, "北海道")])] == [0.5, 0.5, 1.0]
    assert len({i.id for i in Jsquad(subset=1000).draw(None)[0]}) == 1000


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("１，２３４．５百万円です", [1_234_500_000]),
        ("△12.5%、▲3、−7", [-12.5, -3, -7]),
        ("2024年3月期のROEは10.07%、第3四半期は9%", [10.07, 9]),
        ("1兆2,300億円と8万5千ドル", [1.23e12, 85_000]),
        ("5-3=2、A-1、1,2", [5, 3, 2, 1, 1, 2]),
        ("S100ABCD、FY2024、Q1、なし", []),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, values: list[float]) -> None:
    assert [number.value for number in numbers(text)] == values


@pytest.mark.parametrize(
    "text", ["1" * 100_000, "1," * 50_000, "1千" * 50_000, "-" * 100_000, "第" * 100_000]
)
def test_hostile_numbers_end(text: str) -> None:
    assert all(isinstance(number.value, float) for number in numbers(text))


@pytest.mark.parametrize(
    ("target", "reply", "worth"),
    [
        ("10.07%", "ROEは2024年3月期に10.1%でした。", 1),
        ("10.07%", "26,534÷263,500×100 = 10.07%", 1),
        ("10.07%", "11%", 0),
        ("10.07%", "0.1007", 0),
        ("△5.2%", "5.2%", 0),
        ("133,818", "133,818百万円", 1),
        ("101,875百万円", "101,875", 1),
        ("101,875百万円", "約1,019億円", 1),
        ("101,875百万円", "計算すると...\n答え: 1兆円", 0),
        ("2.0ポイント", "答えは2ポイントの上昇", 1),
        ("0.0%", "0.001%", 0),
        ("増収", "当期は増収である", 1),
        ("増収", "減収ではなく増収", 0),
        ("いいえ", "はい", 0),
    ],
)
def test_jfinqa_is_right_within_one_percent_or_by_the_word(target: str, reply: str, worth: float) -> None:
    assert Jfinqa().value(Reply(Question("q", "", (target,)), reply)) == (worth, 1.0)


def test_jfinqa_shows_the_table_and_has_three_subsets() -> None:
    task = Jfinqa(shots=0)
    items = task.items(None)
    assert Counter(item.group for item in items) == {
        "numerical_reasoning": 550, "temporal_reasoning": 250, "consistency_checking": 200,
    }  # fmt: skip
    assert task.chance(items) == pytest.approx(0.133)
    assert all("\n| --- |" in item.context and item.context.endswith("\n答え:") for item in items)
    assert set(task.parts([Reply(item, "") for item in items])) == {item.group for item in items}


@pytest.mark.parametrize(
    ("task", "text", "worth"),
    [
        (MgsmJa(), "1日に16-3-4=9個売れます。答えは9×2=18です。", 1),
        (MgsmJa(), "答えは17です。いや、答えは18ドルです。", 1),
        (MgsmJa(), "9個を2ドルで売るので18ドルを手に入れます。", 1),
        (MgsmJa(), "9個を2ドルで売ります。", 0),
        (MgsmEn(), "9 x 2 = 18. The answer is $18.00 a day.", 1),
        (MgsmEn(), "The answer is eighteen.", 0),
    ],
)
def test_mgsm_reads_the_number_at_the_end(task: ReplyTask, text: str, worth: float) -> None:
    assert task.value(Reply(Question("q", "", ("18",)), text)) == (worth, 1.0)


def test_worked_examples_stand_in_front_as_many_as_are_asked_for() -> None:
    for task in (Jsquad, MgsmJa, TranslationEnJa):
        bare_, one = (task.model_validate({"shots": shots}).items(None)[0] for shots in (0, 1))
        assert isinstance(bare_, Question)
        assert isinstance(one, Question)
        assert bare_.id == one.id
        question = bare_.context.partition("\n\n")[2]
        assert one.context.endswith(question)
        assert len(one.context) > len(bare_.context)


def test_translation_is_measured_by_chrf_of_its_sentences() -> None:
    """Worked by hand from the paper's formula: the mean of the F2 of character n-grams of the orders that both have."""
    task = TranslationEnJa()
    item = Question("q", "", ("配当は増えた",))
    precision = [3 / 4, 2 / 3, 1 / 2, 0]  # of 配当は減 against 配当は増えた
    recall = [3 / 6, 2 / 5, 1 / 4, 0]
    p, r = sum(precision) / 4, sum(recall) / 4
    assert task.value(Reply(item, "配当は減"))[0] == pytest.approx(5 * p * r / (4 * p + r))
    assert task.value(Reply(item, "まったく違う"))[0] < 0.1
    assert isinstance(task.items(None)[0], Question)
    assert not any(isinstance(one, Item) for one in task.items(None))
