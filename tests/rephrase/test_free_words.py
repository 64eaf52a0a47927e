"""Facts about claims in free words: what frames a question is no number, and a head's unit is that of its column."""

import pytest

from corpus.document import Span
from rephrase.candidate import Candidate, Chunk
from rephrase.validate import entities, numbers
from tests.rephrase.conftest import document

HOLDINGS = (
    "| 銘柄 | 株式数(株) | 貸借対照表計上額(百万円) | 保有目的 |\n| --- | --- | --- | --- |\n"
    "| 汐見鋼機（株） | 50,600 | 399 | 取引関係の維持のため |\n| (株)電網システム (注)1, 2 | 200,000 | 329 | 取引関係の維持のため |\n"
)
YEARS = (
    "| 決算年月 | 2020年３月 | 2021年３月 | 2022年３月 | 2023年３月 | 2024年３月 |\n| --- | --- | --- | --- | --- | --- |\n"
    "| 売上高 （百万円） | 1,100 | 1,150 | 1,200 | 1,250 | 1,500 |\n"
)
RIGHTS = "|  | 2019年 第８回新株予約権 | 2020年 第10回新株予約権 |\n| --- | --- | --- |\n| 未行使残（株） | 9,400 | 33,800 |\n"
DIVIDENDS = "当事業年度の配当については、１株当たり36円の配当（うち中間配当金12円）を実施いたしました。\n"
BALANCES = "帆船銀行㈱による資産運用商品の帳簿価額が223百万円増加（当期末残高は511百万円）しました。\n"
META = {
    "filer": "ＫＡＺ株式会社",
    "period_start": "2023-04-01",
    "period_end": "2024-03-31",
    "period_type": "FY",
}


def verdict(passage: str, question: str, answer: str) -> str | None:
    page = document("ＫＡＺ株式会社 有価証券報告書", passage, (), **META)
    chunk = Chunk(page, Span(page.id, 0, len(passage)), page.title)
    candidate = Candidate("qa", question, answer, chunk)
    return next((drop.reason for check in (entities, numbers) if (drop := check.check(candidate))), None)


@pytest.mark.parametrize(
    ("passage", "question", "answer", "expected"),
    [
        (HOLDINGS, "ＫＡＺが保有する汐見鋼機の株式は何株で、貸借対照表計上額はいくらですか。", "50,600株で、計上額は399百万円です。", None),
        (HOLDINGS, "汐見鋼機の株式の貸借対照表計上額はいくらですか。", "399百万円です。", None),
        (HOLDINGS, "汐見鋼機の株式の貸借対照表計上額はいくらですか。", "399株です。", "unit_not_in_source"),
        (HOLDINGS, "汐見鋼機の株式の貸借対照表計上額はいくらですか。", "329百万円です。", "other_item"),
        (HOLDINGS, "電網システムの株式の貸借対照表計上額はいくらですか。", "399百万円です。", "other_item"),
        (YEARS, "2024年3月期の売上高は前の期に比べてどう変わりましたか。", "1,250百万円から1,500百万円に20.0％増えました。", None),
        (YEARS, "2024年3月期の売上高は前の期に比べてどう変わりましたか。", "1,200百万円から1,500百万円に25.0％増えました。", "other_period"),
        (YEARS, "過去5期間で売上高が最も少なかったのはいつですか。", "2020年3月期の1,100百万円です。", None),
        (YEARS, "過去7期間で売上高が最も少なかったのはいつですか。", "2020年3月期の1,100百万円です。", "not_recomputed"),
        (YEARS, "2024年3月期の売上高は2020年3月期の何倍ですか。", "およそ1.4倍です。", None),
        (YEARS, "2024年3月期の売上高は2020年3月期の何倍ですか。", "およそ1.8倍です。", "not_recomputed"),
        (RIGHTS, "第10回新株予約権の未行使残は何株ですか。", "33,800株です。", None),
        (RIGHTS, "第10回新株予約権の未行使残は何株ですか。", "9,400株です。", "other_item"),
        (DIVIDENDS, "株主には1株当たりいくら配当しましたか。", "36円です。", None),
        (BALANCES, "資産運用商品の帳簿価額は、期末にどれだけの残高となりましたか。", "511百万円です。", None),
    ],
)  # fmt: skip
def test_free_words_are_judged_by_what_they_say(
    passage: str, question: str, answer: str, expected: str | None
) -> None:
    assert verdict(passage, question, answer) == expected
