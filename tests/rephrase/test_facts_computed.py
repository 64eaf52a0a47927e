"""Answers that are computed come out of their program with other arithmetic, too, and no wrong choice does."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from bench.measures import packages
from corpus.document import Document, Fact
from rephrase.base import Question
from rephrase.facts import Facts, computed
from sample.annual_report import annual_report
from sample.companies import COMPANIES
from sample.xbrl import package
from tests.rephrase.test_facts import DAY, YEAR, amount, document, filing

BEFORE, EARLIER = "2023-04-01/2024-03-31", "2022-04-01/2023-03-31"
_PROGRAM = re.compile(r"(\w+)\(([^:,]+):([^,]+),([^:,]+):([^)]+)\)")
_SAID = re.compile(r"(マイナス)?([\d,.]+)(百万円|千円|円|人|株|％)")
_SCALE = {"百万円": 10**6, "千円": 10**3, "円": 1, "人": 1, "株": 1, "％": 1}


def generated(documents: list[Document], **options: int) -> list[Question]:
    """Return the computed questions about documents that pass the checks."""
    found = list(
        Facts.model_validate({"families": ("amounts", "computed"), **options}).generate(
            lambda: iter(documents), styles=("qa", "multiple_choice"), seed=0, work=Path()
        )
    )
    return [one for one in found if isinstance(one, Question) and "program" in one.meta]


def said(text: str) -> Fraction:
    """Return the value that a choice says, in yen, people or percent."""
    match = _SAID.fullmatch(text)
    assert match, text
    value = Fraction(match[2].replace(",", "")) * _SCALE[match[3]]
    return -value if match[1] else value


def result(program: str, facts: tuple[Fact, ...], spans: list[tuple[int, int]]) -> Fraction:
    """Return what a program gives over the two facts at ``spans``, in exact fractions."""
    match = _PROGRAM.fullmatch(program)
    assert match, program
    operands = []
    for concept, period, (start, end) in zip(match.group(2, 4), match.group(3, 5), spans, strict=True):
        (fact,) = {
            one
            for one in facts
            if (one.start, one.end, one.concept, one.period) == (start, end, concept, period)
        }
        operands.append(abs(Fraction(fact.number)) if "支" in fact.label else Fraction(fact.number))
    one, other = operands
    if match[1] == "difference":
        return one - other
    return (one - other if match[1] == "growth" else one) * 100 / other


def test_a_year_of_growth_is_asked_with_its_program_and_both_amounts() -> None:
    facts = [
        amount("売上高", f"{n}000000", year) for n, year in ((1150, YEAR), (1000, BEFORE), (800, EARLIER))
    ]
    parent = filing(*facts)
    found = {(one.kind, one.words["period"], one.words["before"]): one for one in computed.claims(parent)}
    growth = found["growth", "2025年3月期", "2024年3月期"]
    assert growth.answer == "15.0％"
    assert growth.meta["program"] == f"growth(Sales:{YEAR},Sales:{BEFORE})"
    assert [parent.text[start:end] for start, end in growth.places] == ["1,150", "1,000"]
    wrong = {one.program.partition(":")[0]: one.answer for one in growth.wrong}
    assert wrong["sign"] == "マイナス15.0％"
    assert wrong["other_year"] == "25.0％"
    assert wrong["swapped"] == "マイナス13.0％"
    assert wrong["ratio"] == "115.0％"
    assert found["difference", "2025年3月期", "2024年3月期"].answer == "150百万円"
    assert found["difference", "2024年3月期", "2023年3月期"].answer == "200百万円"


def test_a_share_is_asked_of_what_it_is_a_share_of_in_one_scope() -> None:
    parent = filing(
        amount("売上高", "1000000000", YEAR),
        amount("営業利益", "125000000", YEAR, concept="OperatingIncome"),
        amount("営業利益", "99000000", BEFORE, concept="OperatingIncome"),
        amount("純資産額", "400000000", DAY, concept="NetAssets"),
    )
    shares = [one for one in computed.claims(parent) if one.kind == "ratio"]
    assert [(one.words["label"], one.words["whole"], one.answer) for one in shares] == [
        ("営業利益", "売上高", "12.5％")
    ]


@pytest.mark.parametrize(
    ("now", "then", "kinds"),
    [
        (1000, 1000, set()),  # nothing changed
        (1000, 100, {"difference"}),  # what grew tenfold came out of nothing
        (-50, 100, set()),  # a loss is no growth of a profit
        (100, 0, {"difference"}),
        (1000, 999, {"difference", "growth"}),
    ],
)
def test_growth_is_asked_only_where_it_means_something(now: int, then: int, kinds: set[str]) -> None:
    facts = (amount("経常利益", f"{now}000000", YEAR), amount("経常利益", f"{then}000000", BEFORE))
    assert {one.kind for one in computed.claims(filing(*facts))} == kinds


def test_an_amount_that_a_filing_tells_in_two_ways_is_no_operand() -> None:
    facts = [amount("売上高", f"{n}000000", year) for n, year in ((1150, YEAR), (1160, YEAR), (1000, BEFORE))]
    assert list(computed.claims(filing(*facts))) == []


def test_what_two_filings_tell_differently_is_computed_from_neither() -> None:
    """The later filing restates a year: growth in the earlier one is not what it was."""
    later = filing(amount("売上高", "1150000000", YEAR), amount("売上高", "1010000000", BEFORE))
    earlier = filing(amount("売上高", "1000000000", BEFORE), amount("売上高", "800000000", EARLIER))
    assert generated([later, earlier]) == []
    assert len(generated([later])) >= 2


def test_a_cap_holds_for_each_filing() -> None:
    years = [f"{year}-04-01/{year + 1}-03-31" for year in range(2000, 2020)]
    parent = filing(*(amount("売上高", f"{1000 + n * n}000000", year) for n, year in enumerate(years)))
    assert len({one.key for one in generated([parent], computed_each=5)}) == 5


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """Return the annual reports of three sample companies, read from their packages."""
    paths, folder = [], tmp_path_factory.mktemp("packages")
    for company in (COMPANIES[0], COMPANIES[14], COMPANIES[-1]):
        path = folder / f"{company.edinet_code}.zip"
        path.write_bytes(package(annual_report(company, company.years[-1])))
        paths.append(path)
    return [one for _, one in packages.documents(paths) if isinstance(one, Document) and one.facts]


def test_every_program_over_real_statements_gives_its_answer_and_no_wrong_choice(
    reports: list[Document],
) -> None:
    found = generated(reports)
    assert len(found) > 60
    for question in found:
        spans = [(span.start, span.end) for span in question.spans[:2]]
        exact = result(question.meta["program"], question.parent.facts, spans)
        step = Fraction(1, 10) if question.answer.endswith("％") else Fraction(1)
        assert abs(said(question.answer) - exact) * 2 <= step
        for at, choice in enumerate(question.choices):
            away = abs(said(choice) - exact)
            assert away > 2 * step if at != question.answer_index else away * 2 <= step
        if question.choices:
            assert question.meta["wrong_programs"].count(";") == 2


def test_a_page_without_amounts_has_nothing_to_compute() -> None:
    assert list(computed.claims(document("売上高は1,000百万円でした。", kind="filing"))) == []
