"""A small filing with facts, and candidates about it, for the tests of the checks on numbers."""

from corpus.document import Document, Fact, Span
from rephrase.candidate import Candidate, Chunk
from tests.rephrase.conftest import document

COMPANY = "灯台電機株式会社"
HEAD = """# 第１【企業の概況】

| 回次 | 回次 | 第40期 | 第41期 |
| --- | --- | --- | --- |
| 決算年月 | 決算年月 | 2024年３月 | 2025年３月 |
"""
YEARS = ("2023-04-01/2024-03-31", "2024-04-01/2025-03-31")
#: Row, unit, decimals, concept, the numbers as shown, consolidated or not.
ROWS = (
    ("売上高", "百万円", -6, "NetSales", ("1,000", "1,234")),
    ("経常利益", "百万円", -6, "OrdinaryIncome", ("120", "96")),
    ("当期純利益又は当期純損失(△)", "百万円", -6, "ProfitLoss", ("80", "△45")),
    ("純資産額", "百万円", -6, "NetAssets", ("3,200", "3,150")),
    ("１株当たり当期純利益", "円", 2, "EarningsPerShare", ("12.34", "△6.90")),
    ("自己資本比率", "％", 3, "EquityRatio", ("41.2", "40.3")),
    ("従業員数", "人", 0, "NumberOfEmployees", ("226", "231")),
)
PROSE = """
当連結会計年度の販売費及び一般管理費は210百万円（前期比5.0％増）となりました。国内の店舗数は38店舗、海外の店舗数は14店舗です。
なお、西日本支店の受注高は約52億円、東日本支店の受注高は61億円でした。
"""
DETAIL = """
（単位：百万円）

| 区分 | 2024年３月期 | 2025年３月期 | 増減 |
| --- | --- | --- | --- |
| 国内売上高 | 700 | 834 | 134 |
| 海外売上高 | 300 | 400 | 100 |
| 研究開発費 | 60 | 52 | △8 |
"""


def filing() -> Document:
    """Return the filing: a table of facts, sentences, and a table that no facts belong to."""
    text, facts = HEAD, []
    for label, unit, decimals, concept, shown in ROWS:
        text += f"| {label} | ({unit}) |"
        for period, value in zip(YEARS, shown, strict=True):
            text += " "
            period_of = (
                period.rpartition("/")[2]
                if concept in ("NetAssets", "EquityRatio", "NumberOfEmployees")
                else period
            )
            facts.append(
                Fact(
                    kind="amount", subject=COMPANY, concept=concept, label=label, value=value, start=len(text),
                    end=len(text) + len(value), number=_number(value, decimals, unit), unit={"円": "JPYPerShares", "百万円": "JPY"}.get(unit, "pure"),
                    period=period_of, decimals=str(decimals), context="CurrentYearDuration",
                )
            )  # fmt: skip
            text += f"{value} |"
        text += "\n"
    text += PROSE + DETAIL
    return document(
        f"{COMPANY} 有価証券報告書", text, tuple(facts), kind="filing", filer=COMPANY, period_start="2024-04-01",
        period_end="2025-03-31", period_type="FY",
    )  # fmt: skip


def _number(value: str, decimals: int, unit: str) -> str:
    plain = value.replace(",", "").replace("△", "-")
    if unit == "％":
        return f"{float(plain) / 100:.3f}"
    return plain + "0" * max(-decimals, 0)


def asked(question: str, answer: str, *wrong: str) -> Candidate:
    """Return a question about the filing as it is judged."""
    page = filing()
    chunk = Chunk(page, Span(page.id, 0, len(page.text)), page.title)
    return Candidate("multiple_choice" if wrong else "qa", question, answer, chunk, wrong)


def told(text: str) -> Candidate:
    """Return a rephrasing of the filing as it is judged."""
    page = filing()
    return Candidate("easy", "", text, Chunk(page, Span(page.id, 0, len(page.text)), page.title))
