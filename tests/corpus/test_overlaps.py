"""Facts about what decontamination finds of test items: every disguise but a paraphrase, and nothing else."""

import random
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.contamination import PLANTINGS, plant
from corpus.contamination.benchmarks import LAYOUTS, Item, benchmark
from corpus.contamination.decontaminate import DecontaminationOptions, build_index, find_tests
from corpus.contamination.overlaps import Index
from corpus.folding import folded

STEM = (
    "外貨建て社債の発行体である汐凪水産が為替予約を付さずに償還期限を迎える場合の会計処理に関する次の記述のうち、"
    "最も不適切なものはどれか。"
)
CHOICES = (
    "決算日の直物為替相場で換算し、差額は当期の損益に含める。",
    "償還時の直物為替相場との差額は、償還した期の損益とする。",
    "発行時の直物為替相場のまま据え置き、償還まで換算しない。",
    "社債発行費は、償還までの期間にわたり規則的に償却できる。",
)
QUESTION = Item("fp_mock", "q1", "stem", STEM, CHOICES, 2, (CHOICES[2],))
SENTENCE = Item(
    "opinions", "s1", "sentence",
    "冷凍すり身の販売数量が伸びたものの、原料となる助宗鱈の魚価高が響き、水産加工事業の営業利益は大幅な減益となりました",
    answers=("negative", "ネガティブ"),
)  # fmt: skip
FILING = Item("reports", "S100ABCD", "filing", "", filing="S100ABCD")
CARRIER = (
    "当社グループを取り巻く経営環境は、個人消費の持ち直しを背景に緩やかに改善している。\n\n{}\n\n"
    "次期については、物流費の上昇を織り込み、慎重に計画を策定した。"
)
INDEX = Index.build([QUESTION, SENTENCE, FILING])
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x9FFF), max_size=60)


def found(text: str, index: Index = INDEX) -> list[tuple[str, str, bool, str]]:
    return [(o.item, o.part, o.answered, text[o.start : o.end]) for o in index.overlaps(text)]


def test_a_verbatim_question_is_found_where_it_stands() -> None:
    assert found(CARRIER.format(STEM)) == [("q1", "stem", False, STEM[:-1])]  # 。 is no letter


def test_its_choices_and_its_answer_are_told_apart() -> None:
    listed = "\n".join(f"{at}．{choice}" for at, choice in enumerate(CHOICES, 1))
    assert [row[1:3] for row in found(f"{STEM}\n{CHOICES[2]}")] == [("stem+gold", True)]
    assert [row[1:3] for row in found(f"{STEM}\n{CHOICES[0]}")] == [("stem", False)]
    assert [row[1:3] for row in found(f"{STEM}\n{listed}")] == [("stem+choices", False)]
    for told in ("正解：3", f"解説：{CHOICES[2]}とは限らない。"):
        assert [row[1:3] for row in found(f"{STEM}\n{listed}\n{told}")] == [("stem+choices", True)]
    assert [row[1:3] for row in found(f"{STEM}\n{listed}\n正解：1")] == [("stem+choices", False)]


@pytest.mark.parametrize("told", ["正解：３", "正解は（3）", "答え C", "解答　Ｃ"])
def test_the_letter_or_number_of_the_answer_gives_it_away(told: str) -> None:
    letters = Item("exam", "q", "stem", STEM, ("アイ", "アウ", "イウ"), 2, ("イウ",))
    index = Index.build([letters])
    assert [row[2] for row in found(f"{STEM}\n1．アイ 2．アウ 3．イウ\n{told}", index)] == [True]
    assert [row[2] for row in found(f"{STEM}\n1．アイ 2．アウ 3．イウ\n正解：1", index)] == [False]


def test_text_and_label_overlap_of_a_sentence_are_told_apart() -> None:
    assert [row[:3] for row in found(CARRIER.format(SENTENCE.text))] == [("s1", "sentence", False)]
    labelled = f"{SENTENCE.text}\t水産加工事業\tnegative"
    assert [row[:3] for row in found(CARRIER.format(labelled))] == [("s1", "sentence", True)]
    assert [row[2] for row in found(CARRIER.format(SENTENCE.text + " positive"))] == [False]


def test_a_filing_that_is_an_item_is_known_by_its_document_id() -> None:
    assert [row[:2] for row in map(tuple, INDEX.overlaps("有価証券報告書", "S100ABCD"))] == [
        ("reports", "S100ABCD")
    ]
    assert INDEX.overlaps("有価証券報告書", "S100ZZZZ") == []


@settings(deadline=None)  # the first call compiles
@given(st.sampled_from([QUESTION, SENTENCE]), st.sampled_from(sorted(PLANTINGS)), st.randoms(), TEXTS, TEXTS)
def test_every_disguise_but_a_paraphrase_is_found_in_its_place(
    item: Item, kind: str, chance: random.Random, before: str, after: str
) -> None:
    shown = PLANTINGS[kind](item.text, chance)
    text = f"{before}。\n{shown}\n{after}"
    spans = [text[o.start : o.end] for o in INDEX.overlaps(text) if o.item == item.id]
    if kind != "paraphrase":
        assert len(spans) == 1
        assert folded(shown)[:-1] in folded(spans[0]) or folded(spans[0]) in folded(shown)
        assert len(folded(spans[0])) >= len(folded(shown)) - 14  # boilerplate at an end may be left out


def test_a_paraphrase_is_missed() -> None:
    told = (
        "汐凪水産が外貨で借りた社債を為替予約なしで返すとき、帳簿上の扱いとして誤っているものを一つ選んでください。"
        "すり身は多く売れたが、魚の値段が上がったために加工の儲けは大きく減った。"
    )
    assert found(told) == []


def test_two_copies_are_reported_twice_and_the_halves_of_one_once() -> None:
    assert len(found(f"{STEM}\n{CARRIER * 20}\n{STEM}")) == 2
    assert [row[3] for row in found(f"{STEM[:40]}\n（図表は省略）\n{STEM[40:]}")] == [
        f"{STEM[:40]}\n（図表は省略）\n{STEM[40:-1]}"
    ]


def test_boilerplate_of_many_items_finds_nothing_by_itself() -> None:
    ending = "に関する次の記述のうち、最も不適切なものはどれか。なお、記載のない事項は考慮しないものとする。"
    subjects = [
        "住宅借入金等特別控除",
        "小規模企業共済",
        "遺族厚生年金",
        "信託受益権",
        "準確定申告",
        "定期借地権",
    ]
    items = [Item("fp_mock", subject, "stem", subject + ending) for subject in subjects]
    index = Index.build(items)
    assert index.overlaps("資産の運用" + ending) == []
    assert [o.item for o in index.overlaps("信託受益権" + ending)] == ["信託受益権"]


def test_a_phrase_that_many_reports_share_is_no_overlap() -> None:
    assert (
        found(
            "家電の販売数量が伸びたものの、外食産業向けは低調であった。その結果、当期の営業利益は大幅な減益となりました。"
        )
        == []
    )


def test_a_text_shorter_than_an_ngram_is_looked_for_with_its_choices() -> None:
    item = Item("quiz", "1", "stem", "楽器は？", ("オルガン", "達磨", "法王庁", "古書店"), 0, ("オルガン",))
    index = Index.build([item])
    assert [
        o.item for o in index.overlaps("問　楽器は？　１．オルガン　２．達磨　３．法王庁　４．古書店")
    ] == []
    assert [o.item for o in index.overlaps("楽器は？\n- オルガン\n- 達磨\n- 法王庁\n- 古書店")] == ["1"]
    assert Index.build([item._replace(choices=())]).unmatchable() == [item._replace(choices=())]


def test_an_index_is_the_same_after_it_was_saved(tmp_path: Path) -> None:
    INDEX.save(tmp_path / "index")
    loaded = Index.load(tmp_path / "index")
    text = CARRIER.format(STEM + SENTENCE.text)
    assert loaded.overlaps(text, "S100ABCD") == INDEX.overlaps(text, "S100ABCD")
    assert (loaded.items, loaded.filings) == (INDEX.items, INDEX.filings)


@pytest.mark.parametrize("text", ["", "あ" * 200_000, STEM * 2_000, "\ud800" * 20, STEM[:13] * 5_000])
def test_hostile_texts_take_time_in_proportion_to_their_length(text: str) -> None:
    assert all(0 <= o.start < o.end <= len(text) for o in INDEX.overlaps(text))


def test_nothing_of_the_shipped_tests_is_in_texts_of_the_sample_world(root: Path) -> None:
    index = build_index(find_tests(DecontaminationOptions()), DecontaminationOptions())
    texts = [path.read_text(encoding="utf-8") for path in (root / "sample" / "texts").rglob("*.txt")]
    assert len(texts) > 10
    assert [index.overlaps(text) for text in texts if index.overlaps(text)] == []


def test_real_items_are_found_in_every_disguise(shared_eval_data: Path) -> None:
    tests = [benchmark(name, shared_eval_data) for name in LAYOUTS]
    index = Index.build(item for test in tests for item in test.items)
    lost = set(index.unmatchable())
    chance = random.Random(3)  # noqa: S311 - it chooses what is planted
    able = [item for test in tests for item in test.items if item not in lost]
    tallies = plant(index, chance.sample(able, 120), [CARRIER.format("")], chance)
    for kind in ("verbatim", "width", "spacing", "punctuation", "table"):
        assert (tallies[kind].found, tallies[kind].spans) == (tallies[kind].planted, tallies[kind].planted), (
            kind
        )
    # Formulaic questions (those of formal logic in jmmlu) may have nothing of their own on either side of a break.
    assert tallies["interrupted"].found >= 0.98 * tallies["interrupted"].planted
    assert tallies["interrupted"].spans >= 0.95 * tallies["interrupted"].planted
    assert tallies["half"].found >= 0.9 * tallies["half"].planted
    assert tallies["paraphrase"].missed


def test_width_is_no_disguise_for_any_character() -> None:
    wide = unicodedata.normalize("NFKC", STEM)
    assert [row[0] for row in found(wide)] == ["q1"]
