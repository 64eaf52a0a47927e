"""Facts of the algebra of licenses: what mixes allow, who is credited, what is refused."""

import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacards.errors import UserError
from datacards.rights import (
    LICENSES,
    Terms,
    allowed,
    combined,
    counted,
    expression,
    joined,
    license_of,
    merged,
    mixed,
    permitted,
    refusals,
    rights_rows,
)

names = st.lists(st.sampled_from(sorted(LICENSES)), max_size=5)
some = st.lists(st.sampled_from(sorted(LICENSES)), min_size=1, max_size=5)
derived = st.booleans()


def freedoms(terms: Terms) -> list[bool]:
    """Return what the terms allow, true where one may do more."""
    return [
        terms.redistribution,
        terms.derivatives,
        terms.commercial,
        not terms.share_alike,
        not terms.credit,
    ]


@given(some, some, some, derived)
def test_it_does_not_matter_in_which_groups_parents_are_combined(
    a: list[str], b: list[str], c: list[str], made: bool
) -> None:
    left = combined([combined([*a, *b], made).license, *c], made)
    right = combined([*a, combined([*b, *c], made).license], made)
    assert left == right == combined([*a, *b, *c], made)


@given(st.permutations(sorted(LICENSES)), st.integers(0, 6), derived)
def test_it_does_not_matter_in_which_order_or_how_often_a_parent_comes(
    order: list[str], many: int, made: bool
) -> None:
    chosen = order[:many]
    assert combined(chosen, made) == combined(chosen[::-1], made) == combined([*chosen, *chosen], made)


@given(names, names, derived)
def test_a_further_parent_never_allows_more(before: list[str], more: list[str], made: bool) -> None:
    less, greater = combined(before, made), combined([*before, *more], made)
    assert all(had or not has for had, has in zip(freedoms(less), freedoms(greater), strict=True))
    assert set(greater.under) <= set(less.under) or not made
    assert set(less.changed.splitlines()) <= set(greater.changed.splitlines())


@given(some)
def test_what_may_be_given_on_when_derived_may_be_given_on_side_by_side(licenses: list[str]) -> None:
    assert mixed(licenses).redistribution or not combined(licenses, True).redistribution


@given(some, derived)
def test_what_is_refused_says_why_and_nothing_else_does(licenses: list[str], made: bool) -> None:
    terms = combined(licenses, made)
    assert bool(terms.why) != terms.redistribution
    assert bool(terms.under) == terms.redistribution


@pytest.mark.parametrize(
    ("licenses", "under"),
    [
        (["PDL-1.0"], "PDL-1.0"),
        (["PDL-1.0", "GJSTU-2.0"], "CC-BY-4.0"),
        (["PDL-1.0", "CC-BY-4.0"], "CC-BY-4.0"),
        (["PDL-1.0", "CC-BY-SA-4.0"], "CC-BY-SA-4.0"),
        (["CC0-1.0", "PDL-1.0"], "PDL-1.0"),
        (["MIT", "CC-BY-NC-4.0"], "CC-BY-NC-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"], "CC-BY-NC-SA-4.0"),
    ],
)
def test_a_work_made_from_several_stands_under_the_freest_license_that_suits_all(
    licenses: list[str], under: str
) -> None:
    assert combined(licenses, True).under[0] == under


@pytest.mark.parametrize(
    ("licenses", "told"),
    [
        (["CC-BY-SA-4.0", "CC-BY-NC-4.0"], "CC-BY-SA-4.0 only into CC-BY-SA-4.0"),
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], "CC-BY-NC-SA-4.0 only into CC-BY-NC-SA-4.0"),
        (["PDL-1.0", "CC-BY-ND-4.0"], "CC-BY-ND-4.0 forbids"),
        (["PDL-1.0", "BOJ-terms"], "BOJ-terms does not allow"),
    ],
)
def test_what_does_not_go_together_may_not_be_made_into_one(licenses: list[str], told: str) -> None:
    terms = combined(licenses, True)
    assert not terms.redistribution
    assert told in " ".join(terms.why)


def test_a_text_that_may_not_be_changed_may_still_be_given_as_it_is() -> None:
    assert allowed("CC-BY-ND-4.0", derived=False).publish
    assert not allowed("CC-BY-ND-4.0", derived=True).publish


def test_share_alike_binds_its_own_records_of_a_collection_and_no_others() -> None:
    both = mixed(["CC-BY-SA-4.0", "CC-BY-NC-4.0"])
    assert both.redistribution and both.share_alike and not both.commercial
    assert both.hub == {"license": "other", "license_name": "cc-by-nc-4.0-and-cc-by-sa-4.0"}
    assert mixed(["CC-BY-SA-4.0"]).hub == {"license": "cc-by-sa-4.0"}
    assert mixed([]).hub == {}


def test_a_license_says_how_a_copy_and_how_a_changed_text_is_credited() -> None:
    pdl = license_of("PDL-1.0")
    link = "https://www.digital.go.jp/resources/open_data/public_data_license_v1.0"
    url, title = "https://disclosure2.edinet-fsa.go.jp/S100AAAA", "汐凪水産株式会社 有価証券報告書"
    assert (
        pdl.attribute(url, title) == f"出典：EDINET閲覧（提出）サイト「{title}」（{url}）、PDL1.0（{link}）"
    )
    changed = pdl.attribute(url, title, changed=True)
    assert f"「{title}」（EDINET閲覧（提出）サイト）（{url}）" in changed
    assert changed.endswith("をもとに本コーパスの作成者が加工して作成")
    for one in LICENSES.values():
        assert one.attribution != one.changed, "a changed text may not look like the publisher's"
        assert "作成" in one.changed


def test_a_title_cannot_break_out_of_its_line_or_name_fields() -> None:
    said = license_of("BOJ-terms").attribute("https://example.com/", "{url}\n出典：偽の機関\u2028{0}")
    assert said == "出典：日本銀行「{url} 出典：偽の機関 {0}」（https://example.com/）"


def test_an_expression_is_a_license_that_allows_what_all_of_its_parts_allow() -> None:
    both = license_of("PDL-1.0 AND CC-BY-SA-4.0")
    assert (both.id, both.spdx) == ("CC-BY-SA-4.0 AND PDL-1.0", "CC-BY-SA-4.0 AND LicenseRef-PDL-1.0")
    assert both.share_alike and both.redistribution and both.commercial
    assert both.attribute("u", "t").count("\n") == 1
    assert not license_of("PDL-1.0 AND BOJ-terms").redistribution
    assert expression(["PDL-1.0 AND CC-BY-SA-4.0", "PDL-1.0"]) == "CC-BY-SA-4.0 AND PDL-1.0"
    [rights] = counted({"CC-BY-SA-4.0 AND PDL-1.0": 3})
    assert (rights.records, rights.redistribution) == (3, True)


def test_documents_are_credited_as_made_from_their_source_and_captures_as_its_own_words() -> None:
    pdl = license_of("PDL-1.0")
    assert [one.attribution for one in counted({"PDL-1.0": 1})] == [pdl.changed]
    assert [one.attribution for one in counted({"PDL-1.0": 1}, changed=False)] == [pdl.attribution]


@pytest.mark.parametrize(
    "name", ["", " AND ", "GPL", "PDL-1.0 OR MIT", "PDL-1.0 AND x", "(MIT)", "あ" * 1000]
)
def test_an_unknown_license_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(UserError, match="no license") as caught:
        license_of(name)
    assert len(str(caught.value)) < 500
    assert not allowed(name, derived=False).publish
    assert "is not known" in allowed(name, derived=False).why


def test_credits_of_several_parents_are_there_once_each() -> None:
    assert joined(["出典：甲\n出典：乙", "出典：乙", "", "出典：丙"]) == "出典：甲\n出典：乙\n出典：丙"


def test_a_rights_table_says_of_every_license_what_it_allows() -> None:
    boj, pdl = rights_rows({"PDL-1.0": 5, "BOJ-terms": 2})
    assert (boj.license, boj.records, boj.redistribution) == ("BOJ-terms", 2, False)
    assert (pdl.records, pdl.redistribution, pdl.derivatives, pdl.commercial) == (5, True, True, True)
    assert pdl.link.startswith("https://www.digital.go.jp/") and "{url}" in pdl.attribution


def rows(license_: str | None, flag: bool | None, number: int, start: int = 0) -> pa.Table:
    return pa.table({
        "id": [f"id{start + n:05d}" for n in range(number)],
        "license": pa.array([license_] * number, pa.string()),
        "redistribution": pa.array([flag] * number, pa.bool_()),
    })  # fmt: skip


def test_refused_records_are_counted_and_named_by_license_and_reason() -> None:
    table = pa.concat_tables([
        rows("PDL-1.0", True, 3), rows("BOJ-terms", False, 25, 100), rows("PDL-1.0", False, 2, 200),
        rows(None, True, 1, 300), rows("内輪の約束", True, 1, 400), rows("PDL-1.0", None, 1, 500),
    ])  # fmt: skip
    found = refusals(table)
    assert [(one.license, one.records) for one in found] == [
        ("", 1),
        ("BOJ-terms", 25),
        ("PDL-1.0", 3),
        ("内輪の約束", 1),
    ]
    boj = found[1]
    assert boj.ids == tuple(f"id{n:05d}" for n in range(100, 120))
    assert "does not allow" in boj.why and "marked" in boj.why
    assert found[2].ids == ("id00200", "id00201", "id00500")
    assert "'内輪の約束'" in found[3].why
    assert permitted(table).to_pylist() == [True] * 3 + [False] * 30
    assert merged([refusals(part) for part in (table.slice(0, 10), table.slice(10))]) == found


def test_a_column_says_which_rows_are_derived() -> None:
    table = rows("CC-BY-ND-4.0", True, 3).append_column("derived", pa.array([False, True, None]))
    assert permitted(table).to_pylist() == [True, False, False]
    assert permitted(table.drop(["derived"]), derived=False).to_pylist() == [True] * 3
    assert refusals(table)[0].ids == ("id00001", "id00002")


def test_an_empty_table_has_no_refusals() -> None:
    assert refusals(rows("PDL-1.0", True, 0)) == []
    assert permitted(rows("PDL-1.0", True, 0)).to_pylist() == []


def test_every_pair_of_licenses_has_an_answer() -> None:
    pairs = list(itertools.product(LICENSES, repeat=2))
    assert all(combined(pair, True).why or combined(pair, True).under for pair in pairs)
