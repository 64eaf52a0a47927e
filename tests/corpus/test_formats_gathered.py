"""Sections gathered over the documents of a shard, lists in bounded documents, and options in recipes."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from corpus.document import Document, Fact
from corpus.formats import FORMATS, listing, options, render, sections
from corpus.formats.sections import bare
from corpus.recipe import CorpusRecipe

RISKS = "## ２ 【事業等のリスク】\n\n{}\n\n### (1) 為替\n\n円高は減収要因です。"
COMPANIES = ("汐凪水産株式会社", "霧ヶ原精機株式会社", "白露ファーマ株式会社")


def filing(company: str, year: int, text: str, **changes: object) -> Document:
    """Return an annual report whose only block is 事業等のリスク."""
    before = "# 表紙\n\n"
    fields: dict[str, object] = {
        "text": before + text,
        "format": "markdown",
        "source": "edinet",
        "url": f"https://example.test/{company}/{year}",
        "title": f"{company} 有価証券報告書",
        "captured_at": datetime(year, 7, 1, tzinfo=UTC),
        "license": "PDL-1.0",
        "attribution": f"出典：{company} {year}",
        "redistribution": True,
        "event_at": date(year, 3, 31),
        "published_at": date(year, 6, 25),
        "available_at": date(year, 6, 26),
        "meta": {
            "kind": "filing",
            "filer": company,
            "document_title": "有価証券報告書",
            "period_start": f"{year - 1}-04-01",
            "period_end": f"{year}-03-31",
            "form": "jpcrp030000",
            "blocks": json.dumps([["BusinessRisksTextBlock", len(before), len(before) + len(text)]]),
        },
    }
    return Document(**(fields | changes))  # type: ignore[arg-type]


def shard() -> list[Document]:
    """Return reports of three companies in two years, the newer ones first."""
    return [
        filing(company, year, RISKS.format(f"{company}は{year}年の台風に備えています。"))
        for year in (2026, 2025)
        for company in COMPANIES
    ]


def test_one_section_of_many_reports_is_one_document_in_order_of_date_and_company() -> None:
    batch = shard()
    [made] = sections.documents(batch)
    assert made.text.startswith(
        "# 事業等のリスク\n\n## 汐凪水産株式会社 有価証券報告書（2024年4月1日～2025年3月31日）\n\n"
        "汐凪水産株式会社は2025年の台風に備えています。\n\n### (1) 為替\n\n円高は減収要因です。\n\n## 白露ファーマ株式会社 "
    )
    assert (made.title, made.section) == ("事業等のリスク", "事業等のリスク")
    parents = {document.id: document for document in batch}
    parts = [parents[span.id].text[span.start : span.end] for span in made.made_from]
    order = [(parents[span.id].event_at, parents[span.id].meta["filer"]) for span in made.made_from]
    assert order == sorted(order)  # type: ignore[type-var]
    assert len(parts) == 6
    headings = [line for line in made.text.split("\n") if line.startswith(("# ", "## "))]
    assert made.text == "\n\n".join(
        [headings[0], *(f"{heading}\n\n{part}" for heading, part in zip(headings[1:], parts, strict=True))]
    )


def test_what_a_gathered_document_says_of_time_and_rights_holds_for_every_part() -> None:
    [made] = sections.documents(shard())
    assert (made.event_at, made.published_at) == (date(2026, 3, 31), date(2026, 6, 25))
    assert made.available_at == date(2026, 6, 26)
    assert made.captured_at == datetime(2026, 7, 1, tzinfo=UTC)
    assert made.attribution.split("\n") == [f"出典：{c} {y}" for y in (2025, 2026) for c in sorted(COMPANIES)]
    assert made.meta == {
        "kind": "filing", "document_title": "有価証券報告書", "form": "jpcrp030000", "block": "BusinessRisksTextBlock",
    }  # fmt: skip
    undated = filing("宵待商事", 2025, RISKS.format("無し。"), published_at=None)
    [made] = sections.documents([*shard(), undated])
    assert made.published_at is None  # one of its parts is of an unknown day


def test_parts_of_another_license_source_or_language_stay_apart() -> None:
    others = [
        filing("宵待商事", 2025, RISKS.format(str(changes)), **changes)
        for changes in (
            {"license": "BOJ-terms", "redistribution": False},
            {"source": "bank"},
            {"language": "en"},
        )
    ]
    made = list(sections.documents([*shard(), *others]))
    assert [len(one.made_from) for one in made] == [6, 1, 1, 1]
    assert [one.redistribution for one in made] == [True, False, True, True]


@pytest.mark.parametrize("limit", [1, 150, 400, 10_000])
def test_documents_hold_at_most_so_many_characters_but_for_a_longer_section(limit: int) -> None:
    batch = shard()
    made = list(sections.documents(batch, maximum_characters=limit))
    assert all(one.n_chars <= limit or len(one.made_from) == 1 for one in made)
    assert sum(len(one.made_from) for one in made) == 6
    alone = [one for one in made if len(one.made_from) == 1]
    texts = {document.id: document.text for document in batch}
    assert all(texts[one.made_from[0].id][slice(*one.made_from[0][1:])] == one.text for one in alone)
    assert [span.id for one in made for span in one.made_from] == [
        span.id for one in sections.documents(batch) for span in one.made_from
    ]


def test_sections_can_be_left_as_they_are() -> None:
    made = list(sections.documents(shard(), consolidate=False))
    assert [len(one.made_from) for one in made] == [1] * 6
    assert made[0].text.startswith("## ２ 【事業等のリスク】")


def test_the_order_in_which_documents_come_does_not_change_what_is_gathered() -> None:
    batch = shard()
    assert [one.text for one in sections.documents(batch)] == [
        one.text for one in sections.documents(batch[::-1])
    ]
    assert list(sections.documents(batch)) == list(sections.documents(iter(batch)))


def test_speeches_are_gathered_by_heading_whatever_its_number_and_brackets() -> None:
    texts = (
        "# 講演\n\n挨拶。\n\n## １．物価\n\n上がった。",
        "# 挨拶\n\n一言。\n\n## Ⅱ　物価\n\n下がった。",
        "前置きだけの話。",
    )
    batch = [
        replace(filing(f"講演{number}", 2025, ""), text=text, title=text[2:4], meta={"kind": "speech"})
        for number, text in enumerate(texts)
    ]
    made = {one.title: one for one in sections.documents(batch)}
    assert made["物価"].text == (
        "# 物価\n\n## 挨拶（2025年3月31日）\n\n下がった。\n\n## 講演（2025年3月31日）\n\n上がった。"
    )
    assert {one.text for one in made.values()} >= {"# 講演\n\n挨拶。", "前置きだけの話。"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("（会計上の見積りの変更）", False),
        ("## 注記\n\n38．コミットメント", False),
        ("該当事項はありません。", True),
        ("(1) 為替\n\n円高は減収要因です。", True),
        ("前期と同じ", True),
    ],
)
def test_a_heading_without_anything_under_it_is_no_section(text: str, *, kept: bool) -> None:
    assert bool(list(sections.documents([filing(COMPANIES[0], 2026, text)]))) == kept


def test_what_two_parts_say_alike_under_a_like_heading_is_there_once() -> None:
    text = RISKS.format("台風。")
    twice = [filing("汐凪水産株式会社", 2025, text, url=f"https://example.test/{n}") for n in range(2)]
    [made] = sections.documents([*twice, *shard()])
    assert made.text.count("台風。") == 1


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("３ 【事業の内容】", "事業の内容"),
        ("第２ 【事業の状況】", "事業の状況"),
        ("（1）【コーポレート・ガバナンスの概要】", "コーポレート・ガバナンスの概要"),
        ("Ⅱ．当面の金融政策運営", "当面の金融政策運営"),
        ("③ 物価", "物価"),
        ("第３章　リスク", "リスク"),
        ("二、景気", "景気"),
        ("＜概要＞", "概要"),
        ("第二次世界大戦", "第二次世界大戦"),
        ("2024年度の見通し", "2024年度の見通し"),
        ("第3四半期の業績", "第3四半期の業績"),
        ("1人当たりの所得", "1人当たりの所得"),
        ("Ⅰ", "I"),
    ],
)
def test_a_heading_is_known_without_its_number(heading: str, name: str) -> None:
    assert bare(heading) == name


def company_list(count: int, day: date | None) -> Document:
    dated = f"\n{day.year}年{day.month}月{day.day}日現在\n" if day else ""
    text, facts = f"# 上場会社一覧（機械）\n{dated}", []
    for number in range(count):
        name, code = f"第{number}精機", f"{6000 + number}" if number % 2 else f"3{number:02d}A"
        start = len(text) + 1
        text += f"\n{name}, {code}, 機械"
        facts.append(Fact("company", name, "sec_code", "証券コード", code, text.index(code, start), 0))
        facts.append(Fact("company", name, "industry", "業種", "機械", len(text) - 2, len(text)))
    facts = [
        Fact(f.kind, f.subject, f.concept, f.label, f.value, f.start, f.start + len(f.value)) for f in facts
    ]
    return replace(
        filing("機械", 2025, ""), text=text, title="上場会社一覧（機械）", event_at=day, facts=tuple(facts),
        meta={"kind": "company_list"},
    )  # fmt: skip


def test_a_list_is_as_of_its_day_and_in_documents_of_bounded_lines() -> None:
    base = company_list(7, date(2025, 3, 31))
    first, second, third = listing.documents([base], maximum_lines=3)
    assert first.text == (
        "# 上場会社一覧（機械）　2025年3月31日現在（1／3）\n\n第0精機（証券コード：300A）　業種：機械\n"
        "第1精機（証券コード：6001）　業種：機械\n第2精機（証券コード：302A）　業種：機械"
    )
    assert first.event_at == date(2025, 3, 31)
    shown = [base.text[span.start : span.end] for span in second.made_from]
    assert shown == ["2025年3月31日現在", "第3精機, 6003, 機械\n第4精機, 304A, 機械\n第5精機, 6005, 機械"]
    assert third.text.splitlines()[2:] == ["第6精機（証券コード：306A）　業種：機械"]
    [whole] = listing.documents([company_list(7, None)])
    assert whole.text.splitlines()[0] == "# 上場会社一覧（機械）"


def test_options_are_read_from_the_recipe_and_wrong_ones_named() -> None:
    recipe = {"name": "fin-ja", "version": "2026.11.21", "captures": ["edinet"], "steps": []}
    asked = CorpusRecipe.model_validate(
        {**recipe, "formats": ["markdown", {"sections": {"maximum_characters": 5_000}}]}
    )
    assert asked.rendered() == {
        "markdown": {}, "sections": {"consolidate": True, "maximum_characters": 5_000},
    }  # fmt: skip
    assert tuple(CorpusRecipe.model_validate(recipe).rendered()) == tuple(FORMATS)
    assert CorpusRecipe.model_validate(asked.model_dump(mode="json")) == asked
    for wrong, told in (
        ({"sections": {"maximum": 1}}, "its options are consolidate, maximum_characters"),
        ({"sections": {"maximum_characters": 0}}, "greater than or equal to 1"),
        ("tables", "the known formats are markdown, sections"),
    ):
        with pytest.raises(ValidationError, match=told):
            CorpusRecipe.model_validate({**recipe, "formats": [wrong]})


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_rendered_with_the_options_that_it_has(name: str) -> None:
    chosen = options(name)().model_dump()  # type: ignore[arg-type]
    batch = [*shard(), company_list(3, None)]
    assert list(render(batch, name, chosen)) == list(FORMATS[name](batch))  # type: ignore[arg-type,index]


@pytest.mark.parametrize(
    ("license_", "given_on"),
    [("PDL-1.0", True), ("CC-BY-ND-4.0", False), ("CC-BY-SA-4.0 AND PDL-1.0", True), ("BOJ-terms", False)],
)
def test_what_is_made_from_texts_may_be_given_on_only_as_their_license_allows(
    license_: str, given_on: bool
) -> None:
    reports = [filing(company, 2026, RISKS.format(company), license=license_) for company in COMPANIES[:2]]
    [made] = list(sections.documents(reports))
    assert (made.license, made.redistribution) == (license_, given_on)
    assert made.attribution.count("\n") == 1, "both reports are credited"
    [alone] = list(sections.documents(reports[:1]))
    assert alone.redistribution == given_on
