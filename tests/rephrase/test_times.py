"""Every day and period of a claim is one that its source states, and states there."""

from dataclasses import replace
from datetime import date

import pytest

from corpus.document import Document, Fact, Span
from rephrase.base import Style
from rephrase.candidate import Candidate, Chunk
from rephrase.grounding.own import own_period
from rephrase.validate.times import check
from tests.rephrase.conftest import document

TEXT = """| 【提出日】 | 2024年７月30日 |
| --- | --- |
| 【事業年度】 | 第28期(自　2023年５月１日　至　2024年４月30日) |

当連結会計年度の売上高は5,808百万円となりました。前連結会計年度は新会員の獲得に取り組みました。

なお、2023年11月30日の取締役会で中間配当を、2024年7月27日の株主総会で期末配当を決議しました。

中期経営計画は2022年度から始まり、９月に新会員プランを始めました。会員数は前期末比で増えました。

| 年月 | 事項 |
| --- | --- |
| 2006年４月 | 東京証券取引所マザーズに株式を上場 |
| 2007年４月 | 本社を東京都中央区内で移転 |
| 2007年６月 | 大阪支社を開設 |
"""


def filing() -> Document:
    """Return an annual report on the year to April 2024."""
    about = {
        "kind": "filing",
        "filer": "港町商事株式会社",
        "period_start": "2023-05-01",
        "period_end": "2024-04-30",
    }
    page = document("港町商事株式会社 有価証券報告書", TEXT, (), **about, period_type="FY")
    return replace(page, published_at=date(2024, 7, 30), event_at=date(2024, 4, 30))


def reason(question: str, answer: str, *facts: Fact, context: str = "") -> str | None:
    """Return why a claim about the filing is refused."""
    page = replace(filing(), facts=facts)
    style: Style = "qa" if question else "easy"
    drop = check(Candidate(style, question, answer, Chunk(page, Span(page.id, 0, len(TEXT)), context)))
    return drop.reason if drop else None


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("2024年4月期の売上高はいくらですか。", "5,808百万円です。"),
        ("令和６年４月期の売上高はいくらですか。", "当期の売上高は5,808百万円です。"),
        ("第28期の売上高はいくらですか。", "5,808百万円です。"),
        ("2023年５月１日から2024年４月30日までの売上高はいくらですか。", "5,808百万円です。"),
        ("2023年度の売上高はいくらですか。", "5,808百万円です。"),
        ("中間配当はいつ決議されましたか。", "令和５年11月30日です。"),
        ("2023年11月に何を決議しましたか。", "中間配当です。"),
        ("2023年に何を決議しましたか。", "中間配当です。"),
        ("新会員プランはいつ始まりましたか。", "９月です。"),
        ("大阪支社を開設したのはいつですか。", "平成19年6月です。"),
        ("提出日はいつですか。", "令和6年7月30日です。"),
        ("売上高は何円ですか。", "5,808百万円です。"),
        ("2024年4月期の会員数は前期末比でどうなりましたか。", "増えました。"),
        ("", "2007年4月に本社を移転し、同年6月に大阪支社を開設した。"),
        ("なお、＿＿＿の取締役会で中間配当を、2024年7月27日の株主総会で期末配当を決議しました。", "2023年11月30日です。"),
    ],
)  # fmt: skip
def test_what_the_source_states_passes(question: str, answer: str) -> None:
    assert reason(question, answer) is None


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("2021年4月期の売上高はいくらですか。", "5,808百万円です。", "period_not_in_source"),
        ("中間配当はいつ決議されましたか。", "2023年11月29日です。", "date_not_in_source"),
        ("中間配当はいつ決議されましたか。", "2022年11月です。", "date_not_in_source"),
        ("2019年に何を決議しましたか。", "中間配当です。", "period_not_in_source"),
        ("第26期の売上高はいくらですか。", "5,808百万円です。", "period_not_in_source"),
        ("新会員プランはいつ始まりましたか。", "８月です。", "date_not_in_source"),
        ("2024年4月31日現在の会員数は何人ですか。", "38人です。", "date_not_in_source"),
        ("2024年4月期の会員数は当期末比でどうなりましたか。", "増えました。", "period_not_in_source"),
        ("2006年４月から2007年４月30日まで何をしましたか。", "上場しました。", "period_not_in_source"),
    ],
)  # fmt: skip
def test_what_nothing_states_is_refused(question: str, answer: str, expected: str) -> None:
    assert reason(question, answer) == expected


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("大阪支社を開設したのはいつですか。", "2007年４月です。", "other_date"),
        ("次の出来事はいつのことですか。東京証券取引所マザーズに株式を上場", "2007年4月です。", "other_date"),
        ("提出日はいつですか。", "2024年４月30日です。", "other_date"),
        ("", "前連結会計年度の売上高は5,808百万円となりました。", "other_period"),
        ("", "2024年7月27日の取締役会で中間配当を、2023年11月30日の株主総会で期末配当を決議しました。", None),
        ("", "2023年11月30日の取締役会で中間配当を、2023年11月30日の株主総会で期末配当を決議しました。", "other_date"),
        ("前期の売上高はいくらですか。", "2024年4月期の売上高は5,808百万円です。", "other_period"),
        ("売上高はどう動きましたか。", "当期の5,320百万円から2024年4月期の5,808百万円へ増加しました。", "other_period"),
    ],
)  # fmt: skip
def test_another_day_of_the_source_does_not_stand_in(
    question: str, answer: str, expected: str | None
) -> None:
    assert reason(question, answer) == expected


def test_a_period_of_a_fact_or_of_the_context_is_ground() -> None:
    asked = ("2021年4月30日現在の純資産額はいくらですか。", "5,342百万円です。")
    fact = Fact(
        "amount",
        "港町商事株式会社",
        "NetAssets",
        "純資産額",
        "5,808",
        100,
        105,
        "5808000000",
        "JPY",
        "2021-04-30",
    )
    assert reason(*asked) == "date_not_in_source"
    assert reason(*asked, fact) is None
    assert reason(*asked, context="2021年４月30日現在") is None


def test_the_own_period_comes_from_the_metadata_the_facts_or_the_title() -> None:
    page = filing()
    own = own_period(page)
    assert own
    assert (own.first, own.last, own.term) == (date(2023, 5, 1), date(2024, 4, 30), 28)
    facts = tuple(
        Fact("amount", "港町商事", "Sales", "売上高", "1", 0, 1, "1", "JPY", period)
        for period in (
            "2022-05-01/2023-04-30",
            "2022-05-01/2023-04-30",
            "2021-05-01/2022-04-30",
            "2023-04-30",
        )
    )
    by_facts = own_period(replace(page, meta={}, text="本文です。", facts=facts))
    by_title = own_period(replace(page, meta={}, text="本文です。", title="2024年3月期 決算短信"))
    assert by_facts
    assert by_title
    assert by_facts.last == date(2023, 4, 30)
    assert by_title.last == date(2024, 3, 31)
    assert own_period(replace(page, meta={}, text="本文です。", title="用語集")) is None
