"""The pages of the sample wiki in wikitext: articles, companies, categories, redirects, other namespaces."""

import re
from dataclasses import dataclass
from functools import cache

from sample.companies import COMPANIES, Company
from sample.prose import passages, table

COMPANY_ARTICLES = 10

_ARTICLES = tuple(f"wikipedia/{name}.txt" for name in ("policy", "markets", "firms", "others"))


@dataclass(frozen=True, slots=True)
class WikiPage:
    """One page of the dump; redirect is the title it leads to, or empty."""

    title: str
    ns: int
    text: str
    redirect: str = ""


@cache
def pages() -> tuple[WikiPage, ...]:
    """The pages of the dump in its order: other namespaces first and between, as in a real one."""
    around = table("wikipedia/pages.toml")
    others = [WikiPage(row["title"], row["ns"], row["text"]) for row in around["page"]]
    categories = [
        WikiPage(f"Category:{name}", 14, "\n".join(f"[[Category:{parent}]]" for parent in parents))
        for name, parents in around["categories"].items()
    ]
    redirects = [
        WikiPage(title, 0, f"#REDIRECT [[{target}]]", target) for title, target in around["redirects"].items()
    ]
    articles = [WikiPage(title, 0, body) for title, body in passages(*_ARTICLES).items()]
    companies = [
        WikiPage(company.name.replace("株式会社", ""), 0, company_article(number, company))
        for number, company in enumerate(COMPANIES[::2][:COMPANY_ARTICLES])
    ]
    return (*others[:2], *articles, *redirects, *categories, *companies, *others[2:])


def company_article(number: int, company: Company) -> str:
    """An article on a sample company, from its record: infobox, prose, a table of its figures."""
    last = company.years[-1]
    rows = "\n".join(
        f"|-\n| {year.end.year}年{year.end.month}月期 || {year.net_sales // 1_000_000:,} || "
        f"{year.operating_income // 1_000_000:,} || {year.profit // 1_000_000:,} || {year.employees:,}"
        for year in company.years
    )
    place = re.split("(?<=[市区])", company.address)[0]
    name = company.name
    lead = f"'''{name}'''（{company.name_en}）は、{place}に本社を置く{company.industry}の企業である。"
    change = "増えた" if last.net_sales >= company.years[0].net_sales else "減った"
    trends = (
        f"{last.end.year}年{last.end.month}月期の連結{company.sales_name}は{_oku(last.net_sales)}、営業利益は{_oku(last.operating_income)}であった。2期前に比べ、{company.sales_name}は{change}。",
        f"連結従業員数は{last.employees:,}人である。{last.end.year}年{last.end.month}月期末の総資産は{_oku(last.total_assets)}、純資産は{_oku(last.net_assets)}となっている。",
        f"直近の通期では{_oku(last.profit)}の当期純利益を計上した。総資産は{_oku(last.total_assets)}で、2期前と比べて{company.sales_name}は{change}。",
    )
    return f"""{{{{基礎情報 会社
| 社名 = {name}
| 英文社名 = {company.name_en}
| 市場情報 = {{{{上場情報 | 見本取引所 | {company.sec_code[:4]}}}}}
| 本社所在地 = {company.address}
| 設立 = [[{company.founded}年]]
| 業種 = {company.industry}
}}}}
{lead}証券コードは{company.sec_code[:4]}<ref name="yuho">[[有価証券報告書]]による。</ref>。

== 概要 ==
{company.founded}年に創業した。{company.business}{trends[number % 3]}

== 業績 ==
{{| class="wikitable" style="text-align:right"
|+ 連結業績の推移（単位：百万円、人）
! 決算期 !! {company.sales_name} !! 営業利益 !! 当期純利益 !! 従業員数
{rows}
|}}

数値は有価証券報告書に記載された連結の額であり、百万円未満を切り捨てて示した<ref name="yuho" />。

== 沿革 ==
* [[{company.founded}年]] - 創業。
* {last.end.year}年 - {last.end.month}月期の決算を発表。

== 脚注 ==
{{{{Reflist}}}}

{{{{company-stub}}}}
[[Category:日本の企業]]
"""


@cache
def _numbers() -> dict[str, int]:
    return {page.title: number * 37 for number, page in enumerate(pages(), start=1)}


def number_of(page: WikiPage) -> int:
    """The number that a page has for ever."""
    return _numbers()[page.title]


def _oku(yen: int) -> str:
    """An amount as prose has it: 534億8,300万円."""
    ten_thousands = yen // 10_000
    oku, man = divmod(ten_thousands, 10_000)
    return f"{oku:,}億{man:,}万円" if oku else f"{man:,}万円"


#: What the sample wiki has besides finance: other subjects, a list of meanings, a person, a house at the end of a way.
_OTHERS = frozenset(
    {"味噌汁", "将棋", "琵琶湖", "折り紙", "俳句", "レート (曖昧さ回避)", "帆影算三", "汐見町短資会館"}
)


def wanted() -> frozenset[str]:
    """Return the titles of the finance articles: what a crawl must capture."""
    return frozenset(page.title for page in pages() if page.ns == 0 and not page.redirect) - _OTHERS
