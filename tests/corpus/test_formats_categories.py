"""Every labeled line comes from the characters its document names; terms, articles, filings and lists give them."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from corpus.document import Capture, Document, Fact
from corpus.extract import extract
from corpus.extract.csv import market_code
from corpus.formats import categories

LABELS = {"キーワード", "読み", "英語", "説明", "冗長ラベル", "表示箇所", "貸借区分", "期間・時点"}
COMPANY = {"証券コード", "業種", "一覧", "関連語", "関連銘柄"}
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def base(text: str, title: str, kind: str, **changes: object) -> Document:
    meta = {"kind": kind, **changes.pop("meta", {})}  # type: ignore[dict-item]
    document = Document(
        text=text, format="markdown", source="sample", url="https://example.test/1", title=title, captured_at=NOW,
        license="PDL-1.0", attribution="出典", redistribution=True, meta=meta,
    )  # fmt: skip
    return replace(document, **changes)  # type: ignore[arg-type]


def folded(text: str) -> str:
    """Return text without what a line leaves out: white space, the marks of lists and footnotes."""
    lines = [re.sub(r"^\s*(?:[-*•>]|[0-9]{1,3}\.)\s+", "", line) for line in text.split("\n")]
    return re.sub(r"[\s・]|\[\^\w+\]:?", "", "".join(lines))


def traced(parents: Iterable[Document], made: Document) -> dict[str, str]:
    """Return the labeled lines of a document, having found every word of them where it says they come from."""
    texts = {parent.id: parent for parent in parents}
    shown = [folded(texts[span.id].text[span.start : span.end]) for span in made.made_from]
    meta = texts[made.made_from[0].id].meta
    lines = dict(line.split("：", 1) for line in made.text.split("\n"))
    assert len(lines) == made.text.count("\n") + 1  # no label is there twice, no line lacks one
    assert set(lines) <= LABELS | COMPANY
    for label, value in lines.items():
        parts = [value]
        if label == "関連語":
            parts = value.split("、")
        elif label == "関連銘柄":
            stocks = re.findall(r"(.+?)（([0-9A-Z]{4,5})）(?:、|$)", value)  # a name may hold a comma
            assert "、".join(f"{name}（{code}）" for name, code in stocks) == value
            parts = [part for stock in stocks for part in stock]
        elif label == "一覧":
            parts = value.split("　")
        for part in parts:
            if label == "証券コード":
                assert part == market_code(meta["sec_code"])
            elif not any(folded(part) in text for text in shown):
                assert (label, part) == ("キーワード", meta.get("filer"))
    return lines


def test_a_filing_is_its_company_described_by_the_opening_of_its_business() -> None:
    before = "# 【表紙】\n\n| 【会社名】 | 株式会社文月ネットワークス |\n| --- | --- |\n| 【英訳名】 | Fumizuki Networks Inc. |\n\n"
    business = "### ３ 【事業の内容】\n\n当社は電子契約を営んでいます。\n次の二つの事業があります。\n\n#### (1) 契約\n\n月額課金です。\n"
    blocks = json.dumps([["DescriptionOfBusinessTextBlock", len(before), len(before) + len(business)]])
    meta = {"blocks": blocks, "filer": "株式会社文月ネットワークス", "sec_code": "599A0"}
    filing = base(before + business, "株式会社文月ネットワークス 有価証券報告書", "filing", meta=meta)
    [made] = categories.documents([filing])
    assert traced([filing], made) == {
        "キーワード": "株式会社文月ネットワークス",
        "英語": "Fumizuki Networks Inc.",
        "証券コード": "599A",
        "説明": "当社は電子契約を営んでいます。次の二つの事業があります。",
    }
    assert "blocks" not in made.meta
    twice = replace(filing, url="https://example.test/2")
    assert len(list(categories.documents([filing, twice]))) == 1
    nameless = replace(filing, text=filing.text.replace("株式会社文月", "同　　　　"))
    [made] = categories.documents([nameless])
    assert traced([nameless], made)["キーワード"] == "株式会社文月ネットワークス"


@pytest.mark.parametrize(
    "said",
    [
        "当中間連結会計期間において、事業の内容に重要な変更はありません。",
        "| 事業 | 内容 |",
        "…………",
        "#### (1) 契約",
    ],
)
def test_a_report_that_does_not_describe_its_business_gives_nothing(said: str) -> None:
    meta = {"blocks": json.dumps([["DescriptionOfBusinessTextBlock", 0, len(said)]]), "filer": "宵待商事"}
    assert list(categories.documents([base(said, "宵待商事 半期報告書", "filing", meta=meta)])) == []


ARTICLE = (
    "# 裁定取引\n\n裁定取引（さいていとりひき、英: arbitrage）とは、価格の差から利益を得る取引である。アービトラージとも呼ぶ。\n\n"
    "## 担い手\n\n日本では、大手の銀嶺証券（東証プライム：8639）や、木霊システムズ（証券コード：399A）が知られる。"
    "昭和（1926）年にはすでにあった。\n"
)


def test_an_article_that_defines_its_title_gives_reading_english_and_the_companies_it_names() -> None:
    article = base(ARTICLE, "裁定取引", "article", meta={"categories": "金融,投資"})
    [made] = categories.documents([article])
    assert traced([article], made) == {
        "キーワード": "裁定取引",
        "読み": "さいていとりひき",
        "英語": "arbitrage",
        "説明": "裁定取引（さいていとりひき、英: arbitrage）とは、価格の差から利益を得る取引である。アービトラージとも呼ぶ。",
        "関連銘柄": "銀嶺証券（8639）、木霊システムズ（399A）",
    }


@pytest.mark.parametrize("boxed", [True, False])
def test_an_article_about_a_company_gives_its_own_code(boxed: bool) -> None:
    box = "- 社名: 汐凪水産株式会社\n- 市場情報: 見本取引所 1393\n- 業種: 水産・農林業\n\n" if boxed else ""
    said = "汐凪水産株式会社（Shionagi Suisan Co., Ltd.）は、水産の企業である。証券コードは1393。"
    text = f"# 汐凪水産\n\n{box}{said}"
    article = base(text, "汐凪水産", "article")
    [made] = categories.documents([article])
    lines = traced([article], made)
    assert lines["キーワード"] == "汐凪水産株式会社"
    assert lines["英語"] == "Shionagi Suisan Co., Ltd."
    assert lines["関連銘柄"] == "汐凪水産株式会社（1393）"
    assert lines.get("業種") == ("水産・農林業" if boxed else None)


@pytest.mark.parametrize(
    ("title", "text", "categories_"),
    [
        ("久遠直幹", "久遠直幹（くおん なおみき、1961年4月1日 - ）は、日本の実業家。", "日本の実業家,1961年生,存命人物"),
        ("株価の一覧", "この一覧では株価を示す。", "株式"),
        ("金融", "広義には資金の融通を指す。", "金融"),
        ("金融", "", "金融"),
    ],
)  # fmt: skip
def test_an_article_that_defines_nothing_gives_nothing(title: str, text: str, categories_: str) -> None:
    article = base(f"# {title}\n\n{text}", title, "article", meta={"categories": categories_})
    assert list(categories.documents([article])) == []


def test_a_title_stands_without_its_qualifier() -> None:
    article = base("# 先物 (金融)\n\n先物とは、期日に受け渡す約束である。", "先物 (金融)", "article")
    [made] = categories.documents([article])
    assert traced([article], made)["キーワード"] == "先物"


def company_list() -> Document:
    rows = [(f"第{n}精機", f"{6100 + n}") for n in range(5)]
    text, facts = "# 上場会社一覧（機械）\n\n2025年3月31日現在\n", []
    for name, code in rows:
        start = len(text) + 1
        text += f"\n{name}, {code}, 機械"
        at = start + len(name) + 2
        facts.append(Fact("company", name, "sec_code", "証券コード", code, at, at + 4))
        facts.append(Fact("company", name, "industry", "業種", "機械", at + 6, at + 8))
    return base(text, "上場会社一覧（機械）", "company_list", facts=tuple(facts), event_at=date(2025, 3, 31))


def test_an_industry_is_a_keyword_with_its_companies_a_bounded_number_in_each_document() -> None:
    listed = company_list()
    made = [traced([listed], one) for one in categories.documents([listed], maximum_stocks=3)]
    assert [one["関連銘柄"] for one in made] == [
        "第0精機（6100）、第1精機（6101）、第2精機（6102）",
        "第3精機（6103）、第4精機（6104）",
    ]
    assert {one["キーワード"] for one in made} == {"機械"}
    assert {one["一覧"] for one in made} == {"上場会社一覧（機械）　2025年3月31日現在"}


def test_a_description_ends_with_a_sentence_before_tables_notes_and_its_limit() -> None:
    text = "# 利回り\n\n次の和をいう。[^1]\n- 利子\n- 差益\n\n| 年 | 率 |\n| --- | --- |\n| 1 | 2 |\n\n[^1]: 税引前。"
    term = base(text, "利回り", "term")
    [made] = categories.documents([term])
    assert traced([term], made)["説明"] == "次の和をいう。・利子・差益"
    long = base("# 利回り\n\n" + "一文である。" * 100, "利回り", "term")
    [made] = categories.documents([long], maximum_description=20)
    assert traced([long], made)["説明"] == "一文である。" * 3


def test_a_title_before_a_paragraph_is_not_glued_to_it_and_wrapped_lines_are_joined() -> None:
    text = "# 事業\n\n次の事業を営む。\n\n(1) 保管\n\n倉庫に荷を\n預かる。"
    term = base(text, "事業", "term")
    [made] = categories.documents([term])
    assert traced([term], made)["説明"] == "次の事業を営む。(1) 保管　倉庫に荷を預かる。"


def test_related_terms_that_the_page_does_not_show_are_left_out() -> None:
    meta = {"related_terms": "償還,満期", "reading": "りまわり", "related_stocks": "甲社:1301"}
    term = base("# 利回り\n\n元本に対する収益の割合。\n\n## 関連用語\n\n- 償還", "利回り", "term", meta=meta)
    [made] = categories.documents([term])
    assert traced([term], made) == {
        "キーワード": "利回り",
        "説明": "元本に対する収益の割合。",
        "関連語": "償還",
    }


@pytest.mark.parametrize(
    ("file", "number"),
    [("terms/JPPFS_20241101.zip", 3761), ("terms/edinet_account_list.xlsx", 3822), ("edinet/codelist/Edinetcode_20231031.zip", 95),
     ("edinet/type1_zip/S100U4EY.zip", 1)],
)  # fmt: skip
def test_every_line_from_real_input_is_found_where_it_came_from(
    shared_data: Path, file: str, number: int
) -> None:
    capture = Capture(
        f"https://example.test/{file}", "sample", NOW, 200, (), "application/zip", (shared_data / file).read_bytes(), "PDL-1.0",
    )  # fmt: skip
    parents = [one for one in extract(capture) if isinstance(one, Document)]
    by_id = {parent.id: parent for parent in parents}
    made = list(categories.documents(parents))
    assert len(made) == number
    for one in made:
        assert traced([by_id[one.made_from[0].id]], one)
