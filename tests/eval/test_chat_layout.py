"""Dialogues are shown, read and told by language as the published benchmark does, oddities included."""

import json
from pathlib import Path

import pytest

from datacards.errors import UserError
from eval.chat.gates import corrected, official
from eval.chat.languages import ByScript, FastText
from eval.chat.parsing import read_stored
from eval.chat.prompts import our_prompts, read_prompts
from eval.chat.questions import ChatQuestion, read_questions
from eval.chat.templates import messages, one_shot, temperature, without_marker
from eval.data import chats, convert
from eval.judge.endpoint import Endpoint
from eval.objective import Benchmark
from eval.tasks.ja_mt_bench import JaMtBench

SET = Path(__file__).resolve().parents[2] / "sample" / "chat"
HEAD = "あなたは優秀なアシスタントです。\n\n### ユーザー: "


def question(category: str = "knowledge", languages: tuple[str, ...] = ()) -> ChatQuestion:
    return ChatQuestion(0, category, ("配当性向とは何ですか。", "高すぎるとどうなりますか。"), languages)


def write(folder: Path, name: str, *rows: object) -> Path:
    path = folder / name
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(lines.replace("SURROGATE", "\\ud800"), encoding="utf-8")
    return path


def test_a_dialogue_is_shown_as_fastchat_renders_it() -> None:
    assert one_shot(("一",), ()) == f"{HEAD}一\n\n### アシスタント:"
    second = f"{HEAD}一\n\n### アシスタント: 答\n\n### ユーザー: 二\n\n### アシスタント:"
    assert one_shot(("一", "二"), ("答",)) == second


def test_after_an_emptied_answer_the_next_heading_follows_at_once() -> None:
    assert one_shot(("一", "二"), ("",)) == f"{HEAD}一\n\n### アシスタント:ユーザー: 二\n\n### アシスタント:"


def test_messages_hold_the_dialogue_and_the_system_sentence() -> None:
    told = [(one["role"], one["content"]) for one in messages(("一", "二"), ("答",), "頼みます。")]
    assert told == [("system", "頼みます。"), ("user", "一"), ("assistant", "答"), ("user", "二")]


@pytest.mark.parametrize(
    ("category", "drawn_at"), [("writing", 0.7), ("math", 0.0), ("coding", 0.0), ("ESGs", 0.7), ("stem", 0.1)]
)
def test_the_temperature_is_the_tables(category: str, drawn_at: float) -> None:
    assert temperature(category) == drawn_at


@pytest.mark.parametrize("marker", ["\n\n### ユーザー", "### アシスタント"])
def test_a_marker_at_the_end_is_cut_off(marker: str) -> None:
    assert without_marker(f"配当の割合です。{marker}") == "配当の割合です。"
    assert without_marker(f"{marker}とは何か") == f"{marker}とは何か"


def test_the_prompt_shows_turns_answers_and_references() -> None:
    prompts, questions = (
        our_prompts(),
        read_questions(SET / "question.jsonl", SET / "reference_answer" / "authored.jsonl"),
    )
    plain, sums = questions[0], questions[10]
    assert (len(questions), len({one.category for one in questions})) == (24, 12)
    filled = prompts.choose(plain, 0).filled(plain, ("{question} {0}", "後"), 0)
    assert filled == f"【質問】\n{plain.turns[0]}\n\n【回答】\n{{question}} {{0}}"
    second = prompts.choose(sums, 1)
    assert second.name == "single-math-multi-turn"
    told = second.filled(sums, ("2.72パーセント", "3.06パーセント"), 1)
    assert all(text in told for text in (*sums.references, *sums.turns, "2.72パーセント", "3.06パーセント"))
    assert plain.turns[1] not in filled


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"question_id": "0", "category": "math", "turns": ["問"]}, "an integer of 32 bits and a word"),
        ({"question_id": 1 << 31, "category": "math", "turns": ["問"]}, "an integer of 32 bits"),
        ({"question_id": 0, "category": "math", "turns": []}, "a list of 1 to 16 texts"),
        ({"question_id": 0, "category": "math", "turns": ["問", " "]}, "none of them empty"),
        (
            {"question_id": 0, "category": "x", "turns": ["問"], "answer_lang": ["ja", "en"]},
            "a list of 1 codes",
        ),
        (["問"], "one JSON object a line"),
        ({"question_id": 0, "category": "math", "turns": ["SURROGATE"]}, "one JSON object a line"),
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path: Path, row: object, words: str) -> None:
    path = write(tmp_path, "question.jsonl", {"question_id": 7, "category": "idea", "turns": ["問"]}, row)
    with pytest.raises(UserError, match=r"question\.jsonl:2") as told:
        read_questions(path)
    assert words in str(told.value)


def test_a_number_stands_once_and_references_are_as_many_as_turns(tmp_path: Path) -> None:
    row = {"question_id": 1, "category": "math", "turns": ["一", "二"]}
    with pytest.raises(UserError, match="stands in line 1 already"):
        read_questions(write(tmp_path, "twice.jsonl", row, row))
    short = write(tmp_path, "short.jsonl", {"question_id": 1, "choices": [{"turns": ["1円"]}]})
    with pytest.raises(UserError, match="1 references for 2 turns"):
        read_questions(write(tmp_path, "once.jsonl", row), short)


@pytest.mark.parametrize("template", ["{question.__class__}", "{secret}", "{question!r}", "{question"])
def test_a_prompt_asks_for_nothing_but_the_dialogue(tmp_path: Path, template: str) -> None:
    row = {
        "name": "single", "type": "single", "category": "general", "system_prompt": "採点", "output_format": "[[rating]]",
    }  # fmt: skip
    with pytest.raises(UserError, match="template"):
        read_prompts(write(tmp_path, "p.jsonl", row | {"prompt_template": template}))
    with pytest.raises(UserError, match="1 prompts for grading"):
        read_prompts(write(tmp_path, "p.jsonl", row | {"prompt_template": "{question}{answer}"}))


OPENINGS = [
    ("配当性向は利益のうち配当に回す割合です。", "", ""),
    ("  \n", "empty", "empty"),
    ("The payout ratio is the share of earnings paid out.", "language", "language"),
    ("EBITDA margin\n営業利益に減価償却費を足し戻した利益の割合です。", "language", ""),
    ('```json\n{"売上高": 100, "margin": 3.2}\n```', "language", ""),
    ("股息支付率是公司将净利润中用于支付股息的比例，通常以百分比表示。", "language", "language"),
    ("計算過程\n- 初期投資額: 1,000万円\n- 1年目: 1,100万円\n- 平均年間収益率: 6.67%", "language", ""),
    ("2.72%", "language", ""),
    ("東京証券取引所", "language", ""),
]


@pytest.mark.parametrize(("answer", "published", "whole"), OPENINGS)
def test_the_published_gate_looks_at_the_opening_and_the_corrected_one_at_all(
    answer: str, published: str, whole: str
) -> None:
    assert official(question(), 0, answer, ByScript()) == published
    assert corrected(question(), 0, answer) == whole


def test_a_translation_is_due_in_its_own_language() -> None:
    asked = question("translation", ("ja", "en"))
    japanese, english = "同社はのれんの減損損失を計上した。", "The company booked an impairment loss."
    assert [official(asked, turn, english, ByScript()) for turn in (0, 1)] == ["language", ""]
    assert [corrected(asked, turn, japanese) for turn in (0, 1)] == ["", "language"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("한국은행은 금리를 올렸다", "ko"),
        ("123", ""),
        ("利上げ", "ja"),
        ("Bank of Japan", "en"),
        ("利率", "zh"),
    ],
)
def test_scripts_tell_a_language(text: str, language: str) -> None:
    assert ByScript().detect(text) == language


def test_a_fasttext_model_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is not installed|there is no such file"):
        FastText(tmp_path / "lid.176.bin")


@pytest.mark.parametrize(
    ("judgment", "score", "failure"),
    [
        ("評価: [[8]]", 8.0, ""),
        ("[3]点、のち[[7.5]]", 7.5, ""),
        ("評価は[6]", 6.0, ""),
        ("[[12]]", 12.0, ""),
        ("No answer", 0.0, "empty"),
        ("Incorrect language", 0.0, "language"),
        ("$ERROR$", -1.0, "error"),
        ("8点です", -1.0, "unparsed"),
    ],
)
def test_a_stored_judgment_is_read_as_published(judgment: str, score: float, failure: str) -> None:
    assert read_stored(judgment) == (score, failure)


def test_japanese_mt_bench_is_complete_and_what_the_conversion_makes(tmp_path: Path) -> None:
    judge = Endpoint(url="http://127.0.0.1:1/v1", model="judge")
    asked = JaMtBench(judge=judge).question_set().questions
    assert (len(asked), len({one.category for one in asked}), {len(one.turns) for one in asked}) == (
        80,
        8,
        {2},
    )
    assert {one.category for one in asked if one.references} == {"coding", "math", "reasoning"}
    published = SET.parents[1].parent / "shared" / "eval-data" / "ja_mt_bench"
    if published.is_dir():
        convert.write(tmp_path / "made", chats.ja_mt_bench(published))
        shipped = Path(convert.__file__).with_name("ja_mt_bench.jsonl.gz")
        assert (tmp_path / "made").read_bytes() == shipped.read_bytes()


def test_no_model_is_chosen_by_conversations() -> None:
    judge = Endpoint(url="http://127.0.0.1:1/v1", model="judge")
    chosen_by = Benchmark(tasks=(JaMtBench(judge=judge),))
    with pytest.raises(UserError, match="by which no model may be chosen"):
        chosen_by.check(None)
