"""Facts about the tests that a corpus is held against, and about what happens to documents that overlap."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from corpus.contamination.benchmarks import LAYOUTS, NAMED, benchmark
from corpus.contamination.decontaminate import (
    CONTAMINATION,
    TESTS,
    DecontaminationOptions,
    build_index,
    find_overlaps,
    find_tests,
    rows,
    summary,
    treated,
)
from corpus.document import Document, Drop, Fact
from datacards.errors import UserError

QUESTION = "地方債の発行体が繰上償還を行う場合に投資家が被る再投資の損失について説明した次の文章のうち、正しいものはどれか。"
OTHER = "物価連動国債の元本が想定を下回って償還される可能性に備えて設けられた下限の名称として、適切なものはどれか。"
BEFORE, AFTER = "汐凪水産の当期の売上高は12,345百万円であった。\n", "\n純利益は678百万円であった。"


def document(text: str, doc_id: str = "") -> Document:
    facts = [
        Fact("amount", "汐凪水産", concept, label, value, text.index(value), text.index(value) + len(value))
        for concept, label, value in (("NetSales", "売上高", "12,345"), ("NetIncome", "純利益", "678"))
        if value in text
    ]
    return Document(
        text=text, format="markdown", source="edinet", url="https://example.invalid/S100ABCD", title="報告書",
        captured_at=datetime(2026, 11, 21, tzinfo=UTC), license="PDL-1.0", attribution="出典：EDINET",
        redistribution=True, meta={"docID": doc_id} if doc_id else {}, facts=tuple(facts),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with tests in the layouts of their publishers, all invented."""
    harness = {
        "data": [
            {
                "id": 1, "question": QUESTION, "context": "（計算は不要）", "answer": 2, "comment": "",
                "choices": [{"id": 1, "text": "損失はない"}, {"id": 2, "text": "低い利回りでの運用"}],
            }
        ]
    }  # fmt: skip
    write(tmp_path / "fp2" / "data.json", harness)
    write(tmp_path / "repo" / "jlm_fin_eval" / "datasets" / "cma_basics" / "data.json", harness)
    turns = {"question_id": 7, "category": "ESGs", "turns": [QUESTION, OTHER]}
    write(tmp_path / "pfmt-bench-fin-ja" / "question.jsonl", turns)
    bench = tmp_path / "EDINET-Bench" / "fraud_detection" / "test-00000.parquet"
    bench.parent.mkdir(parents=True)
    pq.write_table(pa.table({"doc_id": ["S100ABCD"], "text": ["本文"], "label": [1]}), bench)
    (tmp_path / "house_quiz.csv").write_text(f"id,question,answer\nA,{QUESTION},はい\n", encoding="utf-8-sig")
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(json.dumps({"text": OTHER}).encode()))
    return tmp_path


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def options(
    folder: Path, tests: tuple[str, ...] = ("fp2", "EDINET-Bench"), **more: object
) -> DecontaminationOptions:
    return DecontaminationOptions(folder=str(folder), tests=tests, **more)  # type: ignore[arg-type]


def test_tests_of_the_named_list_are_known_and_those_the_project_ships_are_there() -> None:
    found = {test.name: test for test in find_tests(DecontaminationOptions())}
    assert set(found) == set(NAMED)
    assert {name: len(test.items) for name, test in found.items() if test.status == "shipped"} == {
        "chabsa": 7723,
        "cpa_audit": 398,
        "jcommonsenseqa": 1119,
        "jfinqa": 1000,
        "jmmlu": 7097,
        "jnli": 2434,
        "jsquad": 2 * 4442,
        "mgsm": 2 * 250,
    }
    assert {name for name, test in found.items() if test.status == "absent"} == {
        "cma_basics", "fp2", "security_sales_1", "pfmt-bench-fin-ja", "EDINET-Bench", "jsts",
    }  # fmt: skip


def test_every_layout_is_read(folder: Path) -> None:
    names = ("fp2", "cma_basics", "pfmt-bench-fin-ja", "EDINET-Bench", "house_quiz", "packed", "jsts")
    found = {name: benchmark(name, folder) for name in names}
    assert [found[name].status for name in names] == ["folder"] * 6 + ["absent"]
    [item] = found["fp2"].items
    assert (item.id, item.gold, item.answers) == ("1", 1, ("低い利回りでの運用",))
    assert item.text == f"{QUESTION}\n（計算は不要）"
    assert [one.id for one in found["pfmt-bench-fin-ja"].items] == ["7/1", "7/2"]
    assert [(one.part, one.filing) for one in found["EDINET-Bench"].items] == [("filing", "S100ABCD")]
    assert [one.id for one in found["house_quiz"].items] == ["A"]
    assert [one.text for one in found["packed"].items] == [OTHER]
    assert found["cma_basics"].files == ("repo/jlm_fin_eval/datasets/cma_basics/data.json",)


def test_real_layouts_are_read(shared_eval_data: Path) -> None:
    counts = {name: len(benchmark(name, shared_eval_data).items) for name in LAYOUTS}
    asked = {
        "jcommonsenseqa": 1119,
        "jnli": 2434,
        "jsts": 1457,
        "jfinqa": 1000,
        "mgsm": 500,
        "ifbench_ja": 300,
    }
    assert asked.items() <= counts.items()
    assert (counts["jmmlu"], counts["ja_mt_bench"], counts["jsquad"]) == (7097, 160, 2 * 4442)


@pytest.mark.parametrize("body", ['{"data": [{"id": 1}]}', "no JSON", '"text"', '["a", "b"]'])
def test_a_file_that_holds_no_items_is_an_error_that_names_it(tmp_path: Path, body: str) -> None:
    (tmp_path / "fp2.json").write_text(body, encoding="utf-8")
    with pytest.raises(UserError, match=r"fp2\.json"):
        benchmark("fp2", tmp_path)


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder"):
        find_tests(options(tmp_path / "missing"))


def test_an_overlap_is_marked_and_the_text_stays(folder: Path) -> None:
    chosen = options(folder)
    index = build_index(find_tests(chosen), chosen)
    given = document(BEFORE + QUESTION + AFTER)
    kept = treated(given, find_overlaps(given, index), chosen)
    assert isinstance(kept, Document)
    assert kept.text == given.text
    assert json.loads(kept.meta["contamination"]) == {"fp2": ["1"]}


def test_the_overlapping_span_is_cut_and_facts_keep_pointing_at_their_characters(folder: Path) -> None:
    chosen = options(folder, policy="cut")
    index = build_index(find_tests(chosen), chosen)
    given = document(BEFORE + QUESTION + AFTER)
    kept = treated(given, find_overlaps(given, index), chosen)
    assert isinstance(kept, Document)
    assert kept.text == BEFORE + "。" + AFTER
    assert [kept.text[fact.start : fact.end] for fact in kept.facts] == ["12,345", "678"]
    assert find_overlaps(kept, index) == []


def test_a_test_may_have_a_policy_of_its_own(folder: Path) -> None:
    chosen = options(folder, policy="mark", policies={"EDINET-Bench": "drop"})
    index = build_index(find_tests(chosen), chosen)
    given = document(BEFORE + QUESTION, doc_id="S100ABCD")
    dropped = treated(given, find_overlaps(given, index), chosen)
    assert dropped == Drop("contaminated", "EDINET-Bench S100ABCD")


def test_a_document_of_which_a_cut_leaves_nothing_is_dropped(folder: Path) -> None:
    chosen = options(folder, policy="cut")
    index = build_index(find_tests(chosen), chosen)
    given = document("年次報告の本文。", doc_id="S100ABCD")
    assert isinstance(treated(given, find_overlaps(given, index), chosen), Drop)


def test_a_document_without_overlap_is_the_same_one(folder: Path) -> None:
    chosen = options(folder)
    given = document(BEFORE + AFTER)
    assert treated(given, find_overlaps(given, build_index(find_tests(chosen), chosen)), chosen) is given


def test_the_report_says_which_item_is_where_and_which_test_was_absent(folder: Path) -> None:
    chosen = options(folder, tests=("fp2", "pfmt-bench-fin-ja", "security_sales_1"))
    tests = find_tests(chosen)
    index = build_index(tests, chosen)
    given = document(BEFORE + QUESTION + "\n正解：2" + AFTER)
    told = list(rows(given, find_overlaps(given, index), chosen))
    assert pa.Table.from_pylist(told, schema=CONTAMINATION).num_rows == 2
    assert Counter((row["test"], row["item"], row["answered"]) for row in told) == Counter(
        [("fp2", "1", True), ("pfmt-bench-fin-ja", "7/1", False)]
    )
    assert {given.text[row["start"] : row["end"]] for row in told} == {QUESTION[:-1]}
    counts = summary(tests, index, told)
    pa.Table.from_pylist(counts, schema=TESTS)
    assert [(row["test"], row["status"], row["items"], row["items_touched"], row["items_answered"]) for row in counts] == [
        ("fp2", "folder", 1, 1, 1),
        ("pfmt-bench-fin-ja", "folder", 2, 1, 0),
        ("security_sales_1", "absent", 0, 0, 0),
    ]  # fmt: skip


def test_options_are_strict() -> None:
    with pytest.raises(ValidationError):
        DecontaminationOptions.model_validate({"policy": "ignore"})
    with pytest.raises(ValidationError):
        DecontaminationOptions.model_validate({"n_gram": 13})
    with pytest.raises(ValidationError):
        DecontaminationOptions.model_validate({"minimum_coverage": 0})
