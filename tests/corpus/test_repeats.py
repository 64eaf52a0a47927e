"""Facts about sentences that the law prescribes, that many companies share, and that a company repeats."""

import random
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import Document
from corpus.folding import folded
from corpus.repeats import (
    SENTENCE,
    Batch,
    RepeatOptions,
    Repeats,
    batch,
    count_repeats,
    described,
    issuer,
    marks,
    sentences,
)
from corpus.statutory import statutory

OPTIONS = RepeatOptions(minimum_issuers=3)
OWN = "冷凍すり身の販売数量が伸び、水産加工事業は増収となりました。"
POLICY = "当社は、安定した配当を継続することを基本方針としております。"
SHARED = "労使関係は円満に推移しており、特記すべき事項はありません。"
LAW = "なお、文中の将来に関する事項は、当連結会計年度末現在において当社グループが判断したものであります。"
REPORTS = (  # company, day, text
    ("E90001", date(2024, 6, 25), f"# 事業の状況\n{OWN}{POLICY}\n{SHARED}\n{LAW}"),
    ("E90001", date(2025, 6, 25), f"海外では円安が利益を押し上げました。{POLICY}\n{SHARED}"),
    ("E90002", date(2024, 6, 25), f"{SHARED}百貨店の来店客数は前年を上回りました。"),
    ("E90003", date(2024, 6, 26), f"{POLICY}{SHARED}\n| {OWN} | 1 |"),
)


def document(company: str, day: date, text: str) -> Document:
    return Document(
        text=text, format="markdown", source="edinet", url=f"https://example.invalid/{company}/{day}", title="報告書",
        captured_at=datetime(2026, 11, 21, tzinfo=UTC), license="PDL-1.0", attribution="出典：EDINET",
        redistribution=True, published_at=day, meta={"edinet_code": company} if company else {},
    )  # fmt: skip


DOCUMENTS = [document(*report) for report in REPORTS]


def counted(documents: list[Document], options: RepeatOptions = OPTIONS) -> Repeats:
    found = [sentences(one, options) for one in documents]
    days = [one.published_at.toordinal() for one in documents if one.published_at]
    return count_repeats(lambda: [batch(0, found)], [issuer(one) for one in documents], days, options)


def length(*texts: str) -> int:
    return sum(len(folded(text)) for text in texts)


@pytest.mark.parametrize(
    "sentence",
    [
        LAW,
        "該当事項はありません。",
        "（６）【ライツプランの内容】　該当事項はありません。",
        "３．平均年間給与は、賞与及び基準外賃金を含んでおります。",
        "当監査法人は、我が国において一般に公正妥当と認められる監査の基準に準拠して監査を行った。",
        "会社及び連結子会社と当監査法人又は業務執行社員との間には、公認会計士法の規定により記載すべき利害関係はない。",
        "２　ＸＢＲＬデータは監査の対象には含まれていません。",
        "当社は、金融商品取引法第24条の７第１項に規定する親会社等はありません。",
    ],
)
def test_sentences_that_the_law_prescribes_are_known(sentence: str) -> None:
    text = folded(sentence)
    assert statutory(text, [(0, len(text))]) == [True]


@pytest.mark.parametrize(
    "sentence",
    [
        OWN,
        POLICY,
        "将来に関する事項は、社外取締役の助言を得て決定しております。",
        "該当事項はありませんでしたが、念のため内規を改めました。",
        "監査役の責任は重いと当社は考え、研修を毎月行っております。",
        "不正又は誤謬を防ぐため、支店の金庫を二重の鍵で管理しております。",
    ],
)
def test_sentences_of_a_companys_own_are_not(sentence: str) -> None:
    text = folded(sentence)
    assert statutory(text, [(0, len(text))]) == [False]


def test_only_prose_counts_and_the_place_of_line_ends_does_not() -> None:
    one = sentences(document("E1", date(2024, 1, 1), f"# {OWN}\n| {OWN} |\n短い。\n{OWN}{POLICY}"), OPTIONS)
    other = sentences(document("E1", date(2024, 1, 1), f"{OWN}\n{POLICY}\n"), OPTIONS)
    assert one.tolist() == other.tolist()
    assert one["characters"].tolist() == [length(OWN), length(POLICY)]


def test_what_is_prescribed_shared_and_repeated_is_counted() -> None:
    found = counted(DOCUMENTS)
    assert found.sentences.tolist() == [4, 3, 2, 2]
    assert found.statutory.tolist() == [length(SHARED, LAW), *[length(SHARED)] * 3]
    assert found.repeated.tolist() == [0, length(POLICY, SHARED), 0, 0]
    assert len(found.frequent) == 1


def test_only_an_earlier_day_counts_as_before() -> None:
    same_day = [DOCUMENTS[0], document("E90001", date(2024, 6, 25), POLICY)]
    assert counted(same_day).repeated.tolist() == [0, 0]
    later = [document("E90001", date(2025, 6, 25), POLICY), DOCUMENTS[0]]
    assert counted(later).repeated.tolist() == [length(POLICY), 0]


def test_a_sentence_twice_in_one_document_is_no_repeat() -> None:
    assert counted([document("E90001", date(2024, 6, 25), POLICY * 2)]).repeated.tolist() == [0]


@settings(deadline=None, max_examples=20)
@given(st.randoms(), st.integers(1, 5))
def test_neither_order_nor_batches_nor_memory_change_the_counts(chance: random.Random, size: int) -> None:
    numbers = list(range(len(DOCUMENTS)))
    chance.shuffle(numbers)
    shuffled = [DOCUMENTS[number] for number in numbers]
    found = [sentences(one, OPTIONS) for one in shuffled]
    many = [np.repeat(one, 3_000) for one in found]  # so many that one MiB holds a part of the hashes only
    days = [one.published_at.toordinal() for one in shuffled if one.published_at]
    owners = [issuer(one) for one in shuffled]

    def read() -> list[Batch]:
        return [batch(at, many[at : at + size]) for at in range(0, len(many), size)]

    small = count_repeats(read, owners, days, RepeatOptions(minimum_issuers=3, memory=1))
    whole = counted(DOCUMENTS)
    for mine, theirs in zip(small[:4], whole[:4], strict=True):
        assert mine.tolist() == [3_000 * theirs.tolist()[number] for number in numbers]
    assert small.frequent.tolist() == whole.frequent.tolist()


def test_shares_go_into_meta_and_the_text_stays() -> None:
    found = counted(DOCUMENTS)
    told = described(DOCUMENTS[1], found, 1)
    assert told.text == DOCUMENTS[1].text
    assert float(told.meta["repeated_share"]) == pytest.approx(
        length(POLICY, SHARED) / found.characters[1], abs=1e-4
    )
    assert float(told.meta["statutory_share"]) == pytest.approx(
        length(SHARED) / found.characters[1], abs=1e-4
    )
    table = document("E90001", date(2024, 6, 25), "| 1 | 2 |")
    assert described(table, counted([table]), 0) is table


def test_marks_say_where_such_sentences_stand() -> None:
    found = counted(DOCUMENTS)
    earlier = np.sort(sentences(DOCUMENTS[0], OPTIONS)["hash"])
    text = f"{LAW}\n" + DOCUMENTS[1].text
    told = [(text[start:end], kind) for start, end, kind in marks(text, found.frequent, earlier, OPTIONS)]
    assert told == [(LAW[:-1], "statutory"), (POLICY[:-1], "repeated"), (SHARED[:-1], "statutory")]


def test_the_publisher_of_what_is_no_filing_is_its_series() -> None:
    assert issuer(document("", date(2024, 1, 1), OWN)) == "edinet"
    assert issuer(DOCUMENTS[0]) == "E90001"


def test_no_documents_are_no_error() -> None:
    empty = count_repeats(list, [], [], OPTIONS)
    assert [len(column) for column in empty] == [0] * 5
    assert sentences(document("E1", date(2024, 1, 1), ""), OPTIONS).dtype == SENTENCE
