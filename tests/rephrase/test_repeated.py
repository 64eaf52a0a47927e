"""Facts about claims that repeat their source: the values between the same words must be the same."""

import pytest

from corpus.document import Span
from rephrase.candidate import Candidate, Chunk
from rephrase.grounding.told import told
from rephrase.validate import repeated
from tests.rephrase.conftest import document

PASSAGE = (
    "当連結会計年度の知育玩具事業の売上高は6,379百万円（前期比5.2％増）、営業利益は310百万円（同7.9％増）となりました。"
    "当連結会計年度のカードゲーム事業の売上高は5,300百万円（前期比3.1％減）、営業利益は226百万円（同13.8％減）となりました。\n"
    "当社は、2024年６月13日開催の取締役会において、株式会社渚レントの全株式を株式会社木漏日信託に譲渡することを決議いたしました。\n"
    "前連結会計年度においては、大阪工場の建物について減損損失120百万円を計上いたしました。\n"
)
META = {
    "filer": "株式会社千代紙玩具",
    "period_start": "2023-04-01",
    "period_end": "2024-03-31",
    "period_type": "FY",
}


def reason(question: str, answer: str, passage: str = PASSAGE) -> str | None:
    page = document("株式会社千代紙玩具 有価証券報告書", passage, (), **META)
    candidate = Candidate("qa", question, answer, Chunk(page, Span(page.id, 0, len(passage)), page.title))
    return getattr(repeated.check(candidate), "reason", None)


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("知育玩具事業の売上高はいくらですか。", "6,379百万円です。", None),
        ("知育玩具事業の売上高はいくらですか。", "約64億円です。", None),
        ("知育玩具事業の売上高はいくらですか。", "63億7,900万円でした。", None),
        ("当連結会計年度の知育玩具事業の売上高はいくらですか。", "5,300百万円です。", "other_number"),
        ("カードゲーム事業の業績を説明してください。",
         "カードゲーム事業の売上高は5,300百万円（前期比3.1％減）、営業利益は226百万円（同13.8％減）でした。", None),
        ("カードゲーム事業の業績を説明してください。",
         "カードゲーム事業の売上高は5,300百万円（前期比3.1％減）、営業利益は226百万円（同7.9％減）でした。", "other_number"),
        ("カードゲーム事業の売上高は何％減少しましたか。", "3.1％減少しました。", None),
        ("カードゲーム事業の売上高は何％増加しましたか。", "3.1％です。", "other_direction"),
        ("取締役会では何を決議しましたか。", "株式会社渚レントの全株式を株式会社木漏日信託に譲渡することです。", None),
        ("取締役会では何を決議しましたか。", "株式会社木漏日信託の全株式を株式会社木漏日信託に譲渡することです。", "other_company"),
        ("株式会社千代紙玩具は何を決議しましたか。",
         "株式会社千代紙玩具は、令和6年6月13日開催の取締役会において、株式会社渚レントの全株式の譲渡を決議しました。", None),
        ("何がありましたか。", "株式会社渚レントは、令和6年6月13日開催の取締役会において、全株式の譲渡を決議しました。", "other_company"),
        ("何がありましたか。", "当社は、2024年6月3日開催の取締役会において、全株式の譲渡を決議しました。", "other_time"),
        ("減損損失の計上について説明してください。", "前連結会計年度においては、大阪工場の建物について減損損失を計上しました。", None),
        ("減損損失の計上について説明してください。", "令和5年3月期においては、大阪工場の建物について減損損失を計上しました。", None),
        ("減損損失の計上について説明してください。", "当連結会計年度においては、大阪工場の建物について減損損失を計上しました。", "other_time"),
        ("次の文の空欄に入る語句は何ですか。\n＿＿＿においては、大阪工場の建物について減損損失120百万円を計上いたしました。", "前連結会計年度です。", None),
        ("次の文の空欄に入る語句は何ですか。\n＿＿＿においては、大阪工場の建物について減損損失120百万円を計上いたしました。", "当連結会計年度です。", "other_time"),
    ],
)  # fmt: skip
def test_what_stands_between_the_same_words_is_the_same(
    question: str, answer: str, expected: str | None
) -> None:
    assert reason(question, answer) == expected


def test_words_of_its_own_are_not_judged() -> None:
    assert reason("大阪では何が起きましたか。", "工場の建物が9億円減損されました。") is None


def test_question_and_answer_are_told_as_one_statement() -> None:
    page = document("頁", "文。", ())
    chunk = Chunk(page, Span(page.id, 0, 2))
    assert (
        told(Candidate("qa", "売上高はいくらですか。", "5円です。", chunk)).splitlines()[1]
        == "売上高は5円です"
    )
    assert told(Candidate("qa", "売上高は＿＿であります。", "5円です。", chunk)) == "売上高は5円であります。"
    assert told(Candidate("easy", "", "売上高は5円。", chunk)).strip() == "売上高は5円"
