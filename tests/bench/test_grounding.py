"""The corruption test: its items are true, its corruptions change one thing, and what it plants is found."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from bench import grounding
from bench.measures.corruptions import corrupt, kinds
from bench.measures.figures import Figures
from bench.measures.mentions import day_of, parts
from bench.measures.packages import documents
from bench.measures.parts import KINDS, Item, Part, joined
from bench.measures.proofs import World
from bench.measures.trial import Pair, pairs
from bench.measures.wordings import Fiscal, Saying, fiscal_names, number_of, shifted
from bench.number_fidelity import make
from bench.peers.number_values import refuses
from corpus.document import Document, Fact
from rephrase.validate import verdict


@pytest.fixture(scope="module")
def filings(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    made = make(tmp_path_factory.mktemp("packages"))
    return [one for _, one in documents(made) if isinstance(one, Document)]


@pytest.fixture(scope="module")
def found(filings: list[Document]) -> list[Pair]:
    return list(pairs(filings, 400, 3))


def test_most_wrong_items_are_refused_and_most_true_ones_are_not(found: list[Pair]) -> None:
    caught = sum(verdict(pair.wrong.item.candidate) is not None for pair in found)
    alarms = sum(verdict(pair.true.candidate) is not None for pair in found)
    assert caught >= 0.98 * len(found)
    assert alarms <= 0.02 * len(found)


def test_a_corruption_changes_one_part_and_nothing_else(found: list[Pair]) -> None:
    for pair in found:
        before, after = pair.true.parts, pair.wrong.item.parts
        changed = [
            n for n, (one, other) in enumerate(zip(before, after, strict=True)) if one.text != other.text
        ]
        assert changed == [pair.wrong.place]
        assert pair.wrong.item.chunk is pair.true.chunk
        assert pair.wrong.item.wrong == pair.true.wrong


def test_every_kind_of_corruption_takes_its_turn(found: list[Pair]) -> None:
    counts = {kind: sum(pair.wrong.kind == kind for pair in found) for kind in KINDS}
    assert min(counts.values()) >= 75  # of 400 in five kinds


def test_many_forms_are_asked(found: list[Pair]) -> None:
    forms = {pair.true.form for pair in found}
    assert {"fact", "statement", "choices", "trend", "growth", "pair", "prose_answer", "prose_topic"} <= forms


def test_equal_seeds_give_equal_items_and_others_do_not(filings: list[Document]) -> None:
    one, same, other = (
        [(pair.true.candidate.claim, pair.wrong.after) for pair in pairs(filings, 40, seed)]
        for seed in (5, 5, 6)
    )
    assert one == same != other


ROWS = (
    "# 【主要な経営指標等の推移】\n\n| 決算年月 | 2023年３月 | 2024年３月 |\n| --- | --- | --- |\n"
    "| 売上高（百万円） | 1,200 | 1,500 |\n| 経常利益（百万円） | 80 | 80 |\n"
)


def filing() -> Document:
    """A filing whose ordinary profit is the same in both years."""
    facts = []
    for name, concept, values in (
        ("売上高", "NetSales", ("1,200", "1,500")),
        ("経常利益", "Profit", ("80", "80")),
    ):
        at = ROWS.index(f"| {name}")
        for number, value in enumerate(values):
            at = ROWS.index(f"| {value} |", at) + 2
            end = date(2023 + number, 3, 31)
            facts.append(
                Fact(
                    "amount", "汐見商事株式会社", concept, name, value, at, at + len(value), value.replace(",", "") + "000000",
                    "JPY", f"{end.year - 1}-04-01/{end}", "-6", ("Prior1YearDuration", "CurrentYearDuration")[number],
                )
            )  # fmt: skip
    return Document(
        text=ROWS, format="markdown", source="edinet", url="https://example.invalid/1", title="汐見商事株式会社 有価証券報告書",
        captured_at=datetime(2026, 11, 21, tzinfo=UTC), license="PDL-1.0", attribution="", redistribution=True,
        meta={"filer": "汐見商事株式会社", "fiscal_year_end": "2024-03-31", "kind": "filing"}, facts=tuple(facts),
    )  # fmt: skip


def stated(name: str) -> tuple[Item, World]:
    """An item that states the figure of 2024年3月期 under a name."""
    figures = Figures(filing())
    one = next(f for f in figures.askable if f.name == name and f.last.year == 2024)
    chunk = figures.passages.around(one.fact.start, one.fact.end)
    assert chunk is not None
    answer = (
        Part("2024年3月期", "period", fiscal=figures.fiscal(one)), Part(f"の{name}は"),
        Part(one.saying.digits(one.value), "number", value=one.value, saying=one.saying),
        Part("百万円", "unit", value=one.value, saying=one.saying), Part("です。"),
    )  # fmt: skip
    item = Item("fact", "qa", (Part(f"{name}はいくらですか。"),), answer, chunk, "fact", (one.fact,))
    return item, World([figures])


def test_a_corruption_that_the_filing_makes_true_is_left_out() -> None:
    item, world = stated("経常利益")
    assert {"number", "period"} <= set(kinds(item))
    for seed in range(30):
        wrong = corrupt(item, "period", world, Random(seed))  # noqa: S311
        assert wrong is None or "2023" not in wrong.after  # 80 in both years
    item, world = stated("売上高")
    tried = [corrupt(item, "period", world, Random(seed)) for seed in range(30)]  # noqa: S311
    years = {wrong.after for wrong in tried if wrong}
    assert "2023年3月期" in years


def test_a_planted_value_of_the_other_year_is_caught() -> None:
    item, _ = stated("売上高")
    assert verdict(item.candidate) is None
    place = next(n for n, part in enumerate(item.parts) if part.kind == "number")
    planted = item.with_part(place, Part("1,200", "number"))
    assert joined(planted.answer) == "2024年3月期の売上高は1,200百万円です。"
    assert verdict(planted.candidate) is not None
    assert refuses(item.candidate)  # the plain rule does not know that the rows are in millions


@pytest.mark.parametrize(
    ("saying", "value", "said"),
    [
        (Saying("円", 6), "1234000000", "1,234百万円"),
        (Saying("円", mixed=True), "1234500000", "12億3,450万円"),
        (Saying("円", 8, 1), "1234000000", "12.3億円"),
        (Saying("円", 3, wide=True), "-1234000", "△１，２３４千円"),
        (Saying("円", 0, minus="マイナス"), "-5", "マイナス5円"),
        (Saying("％", places=1), "9.25", "9.3％"),
    ],
)
def test_amounts_are_said_in_many_ways(saying: Saying, value: str, said: str) -> None:
    assert saying.digits(Decimal(value)) + saying.unit == said


def test_fiscal_years_are_named_by_their_end_their_beginning_and_from_the_report() -> None:
    year = Fiscal(date(2019, 3, 31), date(2020, 3, 31), consolidated=True)
    assert {"2019年3月期", "平成31年3月期", "2018年度", "平成30年度", "前期", "前連結会計年度"} == set(
        fiscal_names(year)
    )
    assert shifted(date(2024, 2, 29), -1) == date(2023, 2, 28)


def test_prose_comes_apart_into_what_it_states() -> None:
    text = "当期の売上高は12億3,400万円（前期比5.2％増）となり、令和６年３月31日現在の従業員数は120名、㈱渚食品の株式は8千株です。"
    found = parts(text)
    assert joined(found) == text
    assert [(part.text, part.kind) for part in found if part.kind] == [
        ("当期", "period"), ("12億3,400万", "number"), ("円", "unit"), ("5.2", "number"), ("％", "unit"),
        ("令和６年３月31日", "date"), ("120", "number"), ("名", "unit"), ("㈱渚食品", "company"), ("8", "number"), ("千株", "unit"),
    ]  # fmt: skip
    assert [part.value for part in found if part.kind == "number"] == [
        1_234_000_000,
        Decimal("5.2"),
        120,
        8000,
    ]
    assert day_of("令和元年５月") == date(2019, 5, 1)
    assert number_of("３兆7,571億") == 3_757_100_000_000


def test_the_benchmark_ends_with_its_figures(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("これは文章です。", "utf-8")
    empty = CliRunner().invoke(grounding.main, [str(tmp_path)])
    assert empty.exit_code == 2
    assert "no .zip or .xbrl file" in empty.output
    ran = CliRunner().invoke(grounding.main, ["--items", "60", "--seed", "2", "--show", "1"])
    figures = json.loads(ran.output.splitlines()[-1])
    assert figures["items"] == 60
    assert figures["caught"] > figures["naive_caught"]
    assert figures["false_alarms"] < figures["naive_false_alarms"]
    assert set(figures) >= {f"caught_{kind}" for kind in KINDS} | {"ms", "ratio_naive", "seed"}
