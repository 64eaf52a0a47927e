"""Facts about questions that a test asks: they are refused by what they say, whatever part of it."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from corpus.document import Span
from datacards.errors import UserError
from rephrase.base import Style
from rephrase.candidate import Candidate, Chunk
from rephrase.gathered.contamination import Contamination, ContaminationOptions
from tests.rephrase.conftest import document

STEM = "地方債の発行体が繰上償還を行う場合に、投資家が被る再投資の損失について、正しいものはどれか。"
RIGHT = "低い利回りでしか運用できないおそれがある"
LONG = "物価連動国債の元本が想定を下回って償還される可能性に備えて設けられた下限は、償還の際に額面を保証するものである。"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three invented tests: choices, a sentence, and a filing that is an item."""
    choices = ["損失は生じない", RIGHT, "額面で償還されることはない", "利子は支払われない"]
    row = {"id": "q1", "question": STEM, "choices": choices, "answer": 1}
    (tmp_path / "house.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    said = {"id": "s1", "sentence": LONG, "answer": "neutral"}
    (tmp_path / "sentences.jsonl").write_text(json.dumps(said, ensure_ascii=False) + "\n", encoding="utf-8")
    bench = tmp_path / "EDINET-Bench" / "fraud_detection" / "test-00000.parquet"
    bench.parent.mkdir(parents=True)
    pq.write_table(pa.table({"doc_id": ["S100ABCD"]}), bench)
    return tmp_path


def candidate(question: str, answer: str, *wrong: str, filing: str = "") -> Candidate:
    page = document("資料", "本文です。", (), **({"docID": filing} if filing else {}))
    style: Style = "multiple_choice" if wrong else "qa" if question else "easy"
    return Candidate(style, question, answer, Chunk(page, Span(page.id, 0, 5)), wrong)


def held(folder: Path, *tests: str, **more: object) -> Contamination:
    named = tests or ("house", "sentences", "EDINET-Bench")
    return Contamination(ContaminationOptions(tests=named, folder=str(folder), **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "one",
    [
        candidate(STEM, RIGHT),
        candidate("地方債の発行体が繰上償還を行う場合に投資家が被る再投資の損失とは何ですか。", "別の答えです。"),
        candidate("　地方債の発行体が 繰上償還を行う場合に 投資家が被る再投資の損失について述べてください。", "答え"),
        candidate("投資家の懸念は何ですか。", "地方債の発行体が繰上償還を行う場合に、投資家が被る再投資の損失です。"),
        candidate("投資家にとっての懸念はどれですか。", "低い利回りでしか運用できないおそれがある", "地方債の発行体が繰上償還を行う場合に投資家が被る再投資の損失について", "乙", "丙"),
        candidate("物価連動国債の元本が想定を下回って償還される可能性に備えて設けられた下限は何を保証しますか。", "額面です。"),
        candidate("", LONG),
    ],
)  # fmt: skip
def test_what_a_test_asks_is_refused(folder: Path, one: Candidate) -> None:
    drop = held(folder).check(one)
    assert drop and drop.reason == "in_test"
    assert drop.detail in ("house q1", "sentences s1")


@pytest.mark.parametrize(
    "one",
    [
        candidate("地方債とは何ですか。", "地方公共団体が発行する債券です。"),
        candidate("繰上償還とは何ですか。", "満期より前に元本を返すことです。"),
        candidate("地方債の発行体が繰上償還を避けるのは、どのような財政上の理由からであると説明されていますか。", "財源が足りないためです。"),
        candidate("物価連動国債の元本は何に連動しますか。", "全国消費者物価指数です。", "株価", "為替", "金利"),
    ],
)  # fmt: skip
def test_what_shares_only_its_subject_stays(folder: Path, one: Candidate) -> None:
    assert held(folder).check(one) is None


def test_a_filing_that_is_an_item_is_asked_about_unless_that_is_not_wanted(folder: Path) -> None:
    one = candidate("売上高はいくらですか。", "12億円です。", filing="S100ABCD")
    assert held(folder).check(one) is None
    drop = held(folder, filings=True).check(one)
    assert drop and drop.detail == "EDINET-Bench S100ABCD"
    assert held(folder, filings=True).check(replace(one, chunk=candidate("", "答え").chunk)) is None


def test_absent_tests_are_named_and_hold_nothing_up(folder: Path) -> None:
    found = held(folder, "house", "fp2", "jsts")
    assert found.absent == ("fp2", "jsts")
    assert [row["status"] for row in found.told()] == ["folder", "absent", "absent"]
    none = Contamination(ContaminationOptions(tests=()))
    assert none.check(candidate(STEM, RIGHT)) is None and none.absent == ()


def test_the_shipped_tests_are_found_without_a_folder() -> None:
    found = Contamination(ContaminationOptions(tests=("chabsa", "cpa_audit")))
    assert found.absent == () and all(row["sha256"] and row["items"] for row in found.told())


def test_wrong_options_say_what_is_allowed(folder: Path) -> None:
    with pytest.raises(UserError, match="no test named 'hous'"):
        held(folder, "hous")
    with pytest.raises(UserError, match="is no folder"):
        Contamination(ContaminationOptions(folder=str(folder / "none")))
    with pytest.raises(ValidationError):
        ContaminationOptions(minimum_share=0)


def test_the_share_that_counts_is_an_option(folder: Path) -> None:
    one = candidate(
        "地方債の発行体が繰上償還を行う場合の手続きを、法令に即して順に説明してください。", "届け出ます。"
    )
    assert held(folder).check(one) is None
    assert held(folder, minimum_share=0.3).check(one) is not None
