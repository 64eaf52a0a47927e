"""Facts about the looser ways of asking: years named behind years, items named after periods, names that run on."""

import pytest

from corpus.document import Span
from rephrase.candidate import Candidate, Chunk
from rephrase.validate import verdict
from tests.rephrase.conftest import document

YEARS = (
    "| 決算年月 | 2022年３月 | 2023年３月 | 2024年３月 |\n| --- | --- | --- | --- |\n"
    "| 売上高 （百万円） | 1,100 | 1,250 | 1,500 |\n| 従業員数 （名） | 210 | 225 | 240 |\n| １株当たり純資産額 （円） | 612.40 | 640.15 | 701.88 |\n"
)
FUND = (
    "（単位：円）\n\n|  | 前事業年度 | 当事業年度 |\n| --- | --- | --- |\n| 抵当証券 | 95,053 | 90,351 |\n"
    "| 当期償却額 | 1,060 | 1,124 |\n| 継続事業からの当期利益 | 4,862 | 9,181 |\n"
)
STOCKS = (
    "|  | 当事業年度 |\n| --- | --- |\n| 商品及び製品 | 10,864百万円 |\n| 仕掛品 | 4,183 |\n| 計 | 15,047 |\n"
)
TERMS = (
    "事業年度 第83期（自 2022年4月1日 至 2023年3月31日）の有価証券報告書を2023年6月26日に提出いたしました。\n"
)
CUT = "| 科目 | 増減理由 |\n| --- | --- |\n| 投資 | 期末日の為替換算が円安となったためです。倉庫建物の帳簿価額が685億円減少しました。そのほか"
HELD = "信託財産として、当社株式を129,660株保有しております。また株式会社いなげやの株式を1,200株保有しております。\n"
NOTED = "(注)　１株当たり純資産額の算定上の基礎は、以下のとおりであります。\n"
META = {
    "filer": "株式会社渚レント",
    "period_start": "2023-04-01",
    "period_end": "2024-03-31",
    "period_type": "FY",
}


def reason(passage: str, question: str, answer: str) -> str | None:
    page = document("株式会社渚レント 有価証券報告書", passage, (), **META)
    chunk = Chunk(page, Span(page.id, 0, len(passage)), page.title)
    drop = verdict(Candidate("qa", question, answer, chunk))
    return drop.reason if drop else None


@pytest.mark.parametrize(
    ("passage", "question", "answer", "expected"),
    [
        (YEARS, "2023年3月期の売上高の増減を説明してください。", "2023年3月期の売上高は、前期の1,100百万円から1,250百万円に増加した。", None),
        (YEARS, "2023年3月期の売上高の増減を説明してください。", "2024年3月期の売上高は、前期の1,100百万円から1,500百万円に増加した。", "other_period"),
        (YEARS, "2022年3月期の売上高の増減を説明してください。", "2022年3月期の売上高は、前期の1,250百万円から1,100百万円に減少した。", "other_period"),
        (YEARS, "次の空欄に入る語を答えてください。「渚レントの2024年3月期の売上高は（　　）である。」", "1,500百万円", None),
        (YEARS, "次の空欄に入る語を答えてください。「渚レントの2024年3月期の売上高は（　　）である。」", "1,250百万円", "other_period"),
        (YEARS, "売上高は2023年3月期から2024年3月期にかけて何％増加しましたか。", "20.0％", None),
        (YEARS, "2024年3月期の1株当たり純資産額はいくらですか。", "701.88円", None),
        (YEARS, "2024年3月期の1個当たり純資産額はいくらですか。", "701.88円", "number_not_in_source"),
        (YEARS, "従業員数はどのような水準でしたか。", "2024年3月期（通期）の従業員数は240名を計上した。", None),
        (FUND, "渚レントの抵当証券はいくらですか。", "2024年3月31日時点の抵当証券は90,351円です。", None),
        (FUND, "渚レントの2023年3月期の当期償却額はいくらですか。", "当期償却額は1,060円です。", None),
        (FUND, "渚レントの2023年3月期の当期償却額はいくらですか。", "当期償却額は1,124円です。", "other_period"),
        (FUND, "2024年3月期の継続事業からの当期利益はどう推移しましたか。", "2024年3月期の継続事業からの当期利益は、前期の4,862円から9,181円に増加した。", None),
        (STOCKS, "当事業年度の商品及び製品はいくらですか。", "10,864百万円です。", None),
        (STOCKS, "当事業年度の商品及び製品はいくらですか。", "15,047百万円です。", "other_item"),
        (NOTED, "どう計算されますか。", "(注) １株当たり純資産額の算定上の基礎は、以下のとおりです。", None),
        (NOTED, "どう計算されますか。", "(注) ６株当たり純資産額の算定上の基礎は、以下のとおりです。", "not_recomputed"),
        (TERMS, "どの事業年度の報告書が提出されましたか。", "第83期（自 2022年4月1日 至 2023年3月31日）です。", None),
        (TERMS, "どの事業年度の報告書が提出されましたか。", "第82期（自 2022年4月1日 至 2023年3月31日）です。", "period_not_in_source"),
        (CUT, "倉庫建物の帳簿価額はいくら減少しましたか。", "685億円です。", None),
        (CUT, "倉庫建物の帳簿価額はいくら減少しましたか。", "658億円です。", "not_recomputed"),
        (HELD, "信託財産として何が保有されていますか。", "信託財産として、株式会社渚レント株式を129,660株保有しています。", None),
        (HELD, "株式会社いなげやは何株が保有されていますか。", "1,200株です。", None),
        (HELD, "株式会社うしおやは何株が保有されていますか。", "1,200株です。", "entity_not_in_source"),
    ],
)  # fmt: skip
def test_loose_words_are_judged_by_what_they_mean(
    passage: str, question: str, answer: str, expected: str | None
) -> None:
    assert reason(passage, question, answer) == expected
