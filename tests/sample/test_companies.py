"""The invented companies: unique figures, figures that agree, identifiers of the right shape."""

import re
from collections import Counter

from sample.companies import COMPANIES, JST, doc_id, submission


def test_there_are_24_companies_over_at_least_12_industries() -> None:
    assert len(COMPANIES) == 24
    assert len({company.industry for company in COMPANIES}) >= 12
    assert len({company.name for company in COMPANIES}) == 24


def test_identifiers_have_the_shape_edinet_gives_them() -> None:
    for company in COMPANIES:
        assert re.fullmatch(r"E9\d{4}", company.edinet_code)
        assert re.fullmatch(r"[1-9]\d[0-9A-Z]\d?[0-9A-Z]?0", company.sec_code)
        assert len(company.sec_code) == 5
        weighted = sum(int(d) * (1 + i % 2) for i, d in enumerate(reversed(company.jcn[1:])))
        assert int(company.jcn[0]) == 9 - weighted % 9
        assert len(company.jcn) == 13
    assert any(not company.sec_code.isdigit() for company in COMPANIES)
    assert len({company.sec_code for company in COMPANIES}) == 24


def test_every_figure_is_a_unique_fact() -> None:
    figures = Counter(
        figure
        for company in COMPANIES
        for year in company.years
        for figure in (
            year.net_sales,
            year.operating_income,
            year.ordinary_income,
            year.profit,
            year.total_assets,
            year.net_assets,
        )
    )
    assert [figure for figure, times in figures.items() if times > 1] == []


def test_amounts_are_whole_display_units_and_agree_with_each_other() -> None:
    for company in COMPANIES:
        assert len(company.years) == 3
        for year in company.years:
            assert year.net_sales % company.unit == year.profit % company.unit == 0
            assert year.total_assets % company.unit == year.net_assets % company.unit == 0
            assert year.net_assets < year.total_assets
            assert (year.profit > 0) == (year.ordinary_income > 0)
            assert abs(year.operating_income) < year.net_sales


def test_exactly_one_year_is_a_loss() -> None:
    losses = [(c.short_name, y.fiscal_year) for c in COMPANIES for y in c.years if y.profit < 0]
    assert losses == [("星屑電子", 2025)]


def test_reports_are_filed_on_weekdays_within_three_months_under_unique_ids() -> None:
    seen = set()
    for company in COMPANIES:
        for year in company.years:
            at = submission(company, year)
            assert at.tzinfo is JST
            assert at.weekday() < 5
            assert 0 < (at.date() - year.end).days <= 92
            assert 9 <= at.hour < 17
            seen.add(doc_id(company, year))
    assert len(seen) == 72
    assert all(re.fullmatch(r"S100Z[0-9A-Z]{3}", name) for name in seen)
