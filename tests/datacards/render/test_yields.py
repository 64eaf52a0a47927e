"""What a page tells of judged questions: outcomes, reasons, prompts, and samples of what may be shown."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus import shards
from corpus.document import Document, Drop, Span
from datacards.render.yields import REPORT, yields
from datacards.store import Store
from rephrase.base import Question, Reject, Style, Unit
from rephrase.recipe import RephraseRecipe
from rephrase.run import run, to_document
from rephrase.tables import VERDICT, verdict_row

HOSTILE = "<script>alert(1)</script> | [押す](javascript:alert(1)) ![x](https://example.invalid/x.png) `a` **b**\n# 見出し"


def parent(number: int, license_: str = "PDL-1.0", **fields: object) -> Document:
    """Return a document that was asked about."""
    one = Document(
        text=f"{number}番目の本文です。", format="markdown", source="press", url=f"https://example.invalid/{number}",
        title=f"第{number}号", captured_at=datetime(2026, 11, 21, tzinfo=UTC), license=license_, attribution="出典：試験",
        redistribution=license_ == "PDL-1.0", made_from=(Span("sha256:" + "0" * 64, 0, 0),),
    )  # fmt: skip
    return replace(one, **fields)  # type: ignore[arg-type]


def question(about: Document, answer: str, style: Style = "qa") -> Question:
    """Return a question about a document, in any style."""
    return Question(
        style,
        "" if style == "easy" else f"{about.title}は何ですか。",
        answer,
        about,
        (Span(about.id, 0, 3),),
        "k",
    )


def lay(folder: Path, accepted: list[Question], refused: list[tuple[Style, str]]) -> None:
    """Lay the tables of a version of questions down."""
    made = [to_document(one, "vllm_server") for one in accepted]
    for form in {one.format for one in made}:
        rows = [shards.document_row(one) for one in made if one.format == form]
        shards.write(folder / form / "train-00000.parquet", rows, shards.DOCUMENT)
    verdicts = [verdict_row(one, document.id) for one, document in zip(accepted, made, strict=True)]
    for style, reason in refused:
        about = parent(0)
        verdicts.append(
            verdict_row(Reject(Drop(reason, HOSTILE), about, HOSTILE, Unit(Span(about.id, 0, 3), style)))
        )
    shards.write(folder / "verdicts/train-00000.parquet", verdicts, VERDICT)


def test_every_style_has_its_yield_and_its_reasons(tmp_path: Path) -> None:
    accepted = [question(parent(n), f"{n}です") for n in range(3)] + [
        question(parent(3), "言い換えた文。", "easy")
    ]
    lay(tmp_path, accepted, [("qa", "other_number"), ("multiple_choice", "stated_choice")])
    page = "\n".join(yields(tmp_path))
    assert "| easy | 1 | 1 | 100 % |" in page
    assert "| multiple_choice | 1 | 0 | 0 % |" in page
    assert "| qa | 4 | 3 | 75 % |" in page
    assert "| qa | other_number | 1 | 25 % |" in page
    assert "言い換えた文。" in page and "第0号は何ですか。" in page


def test_what_may_not_be_given_on_is_no_sample(tmp_path: Path) -> None:
    lay(tmp_path, [question(parent(1, "BOJ-terms"), "秘密の答え"), question(parent(2), "公の答え")], [])
    page = "\n".join(yields(tmp_path))
    assert "公の答え" in page
    assert "秘密の答え" not in page and "第1号" not in page


def test_the_same_samples_are_drawn_whatever_the_order(tmp_path: Path) -> None:
    every = [question(parent(n), f"答え{n}") for n in range(500)]
    lay(tmp_path / "a", every, [])
    lay(tmp_path / "b", every[::-1], [])
    assert yields(tmp_path / "a") == yields(tmp_path / "b")
    assert sum(line.startswith("| qa | 質問") for line in "\n".join(yields(tmp_path / "a")).split("\n")) == 3


@pytest.mark.parametrize("where", ["answer", "title", "source", "reason"])
def test_hostile_text_stays_text(tmp_path: Path, where: str) -> None:
    about = parent(1, **({where: HOSTILE} if where in ("title", "source") else {}))
    lay(
        tmp_path,
        [question(about, HOSTILE if where == "answer" else "答え")],
        [("qa", HOSTILE if where == "reason" else "x")],
    )
    page = "\n".join(yields(tmp_path))
    assert "&lt;script&gt;" in page
    assert (
        "<script>" not in page
        and "](javascript:" not in page.replace("\\](", "")
        and "\n# 見出し" not in page
    )
    rows = [line for line in page.split("\n") if line.startswith("| qa | ") and "script" in line]
    assert rows and all(line.replace("\\|", "").count("|") == 5 for line in rows)


def test_hostile_words_of_the_report_stay_words(tmp_path: Path) -> None:
    lay(tmp_path, [question(parent(1), "答え")], [])
    said = {
        "prompts": {HOSTILE: HOSTILE},
        "tests": [{"test": HOSTILE, "status": HOSTILE, "items": 1}],
        "checks": [[HOSTILE, 1]],
    }
    (tmp_path / REPORT).write_text(json.dumps(said), encoding="utf-8")
    page = "\n".join(yields(tmp_path))
    assert page.count("&lt;script&gt;") >= 4
    assert "\n# 見出し" not in page


def test_documents_that_are_carried_along_are_no_samples_of_questions(store: Store) -> None:
    """A generator that finds nothing to ask in any style tells so of no style at all."""
    from tests.rephrase.conftest import COMPANIES, filing

    documents = [filing(name, scale) for name, scale in COMPANIES.items()]
    with store.write(name="small", version="2026.11.21", kind="dataset", recipe={"name": "small"}) as draft:
        shards.write(
            draft.path / "markdown/train-00000.parquet", map(shards.document_row, documents), shards.DOCUMENT
        )
        facts = [row for one in documents for row in shards.fact_rows(one)]
        shards.write(draft.path / "facts/train-00000.parquet", facts, shards.FACT)
    ref = run(RephraseRecipe(name="asked", version="2026.11.21", carry=("markdown",)), store, "small")
    page = yields(store.path(ref))
    assert "| any | ambiguous_fact |" in "\n".join(page)
    samples = page[-1].split("\n")[2:]
    assert {line.split(" | ")[0].removeprefix("| ") for line in samples} == {"qa", "multiple_choice"}


def test_a_table_of_another_meaning_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "verdicts").mkdir()
    pq.write_table(pa.table({"text": ["判決"]}), tmp_path / "verdicts/train-00000.parquet")
    (tmp_path / "verdicts/train-00001.parquet").write_bytes(b"PAR1")
    assert yields(tmp_path) == []
