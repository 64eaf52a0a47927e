"""What a version is said to hold is what it holds, whatever its rows say."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from corpus import shards
from corpus.contamination.decontaminate import TESTS
from corpus.document import Document, Drop, Fact, Format
from datacards.errors import UserError
from datacards.profile import meta as said
from datacards.profile import tokens
from datacards.profile.measure import profile
from datacards.profile.record import OTHERS, Profile, read_profile
from datacards.profile.rows import MOST, Counted

FREE, KEPT = "PDL-1.0", "BOJ-terms"
SECRET = "総裁は記者団に対し秘密の見通しを語った"


def one(text: str, form: Format = "markdown", **given: object) -> Document:
    """Return a document that may be given on, changed as asked."""
    plain = Document(
        text=text, format=form, source="edinet", url="https://example.invalid/x", title="汐凪水産の報告",
        captured_at=datetime(2026, 12, 31, 16, tzinfo=UTC), license=FREE, attribution="出典：試験", redistribution=True,
    )  # fmt: skip
    return replace(plain, **given)  # type: ignore[arg-type]


def lay(folder: Path, documents: Iterable[Document], leaf: str = "train-00000.parquet") -> None:
    """Write documents as a version holds them, a file for every format."""
    for document in documents:
        path = folder / document.format / leaf
        rows = [*(shards.read(path) if path.is_file() else ()), shards.document_row(document)]
        shards.write(path, rows, shards.DOCUMENT, group=3)


def measured(folder: Path, *tokenizers: str) -> Profile:
    found = profile(folder, tokenizers)
    assert found
    return found


def groups(found: Profile, dimension: str) -> dict[tuple[str, str], int]:
    return {(group.format, group.value): group.rows for group in found.groups[dimension]}


def test_rows_and_characters_are_counted_by_format_split_and_source(tmp_path: Path) -> None:
    lay(tmp_path, [one("金利"), one("株価指数", source="boj"), one("問い", "qa")])
    lay(tmp_path, [one("試問", "qa", source="boj")], "test-00000.parquet")
    found = measured(tmp_path)
    told = {(p.format, p.split, p.source): (p.rows, p.characters) for p in found.parts}
    assert told == {
        ("markdown", "train", "boj"): (1, 4),
        ("markdown", "train", "edinet"): (1, 2),
        ("qa", "train", "edinet"): (1, 2),
        ("qa", "test", "boj"): (1, 2),
    }
    assert (found.rows, found.characters) == (4, 10)


def test_the_year_is_that_of_publication_else_of_the_event_else_of_the_capture_in_japan(
    tmp_path: Path,
) -> None:
    day = date(2019, 5, 7)
    lay(
        tmp_path, [one("甲", published_at=date(2024, 1, 1), event_at=day), one("乙", event_at=day), one("丙")]
    )
    found = measured(tmp_path)
    assert groups(found, "year") == {
        ("markdown", "2024"): 1,
        ("markdown", "2019"): 1,
        ("markdown", "2027"): 1,
    }
    assert found.year_from == {"captured_at": 1, "event_at": 1, "published_at": 1}


def test_the_industry_of_a_company_comes_from_the_lists_of_the_version(tmp_path: Path) -> None:
    """By meta, by the filer's name, by the code of a renamed filer, by the subject of a question; else unknown."""
    name = "汐凪水産株式会社"
    facts = [
        Fact("company", name, concept, label, value, 0, 1)
        for concept, label, value in (
            ("sec_code", "証券コード", "1393"),
            ("industry", "業種", "水産・農林業"),
        )
    ]
    listed = one("上場会社一覧", meta={"industry": "銀行業", "kind": "company_list"}, facts=tuple(facts))
    lay(
        tmp_path,
        [
            listed,
            one("報告", meta={"filer": name, "kind": "filing"}),
            one("報告二", meta={"filer": "旧社名", "sec_code": "13930", "kind": "filing"}),
            one("問", "qa", meta={"subject": name, "kind": "question"}),
            one("用語", meta={"kind": "term"}),
        ],
    )
    shards.write(tmp_path / "facts" / "train-00000.parquet", shards.fact_rows(listed), shards.FACT)
    found = groups(measured(tmp_path), "industry")
    assert found == {
        ("markdown", "水産・農林業"): 2,
        ("markdown", "銀行業"): 1,
        ("markdown", ""): 1,
        ("qa", "水産・農林業"): 1,
    }
    assert groups(measured(tmp_path), "kind")["markdown", "filing"] == 2


def test_no_text_that_may_not_be_given_on_is_in_the_profile(tmp_path: Path) -> None:
    """Examples of what was left out show an excerpt only where the license allows it; numbers of persons are masked."""
    lay(tmp_path, [one(SECRET, license=KEPT, redistribution=False)])
    open_text = "連絡先は03-1234-5678とtaro@example.invalidです。" + "あ" * 200
    dropped = [
        shards.drop_row(Drop("too_short", f"{SECRET}、必要な長さ"), "length", one(SECRET, license=KEPT)),
        shards.drop_row(Drop("too_short", "10"), "length", one(SECRET, license="all-rights-reserved")),
        shards.drop_row(Drop("too_short", "10"), "length", one(SECRET, license="unheard-of")),
        shards.drop_row(Drop("too_short", "10"), "length", one(SECRET, license=f"{FREE} AND {KEPT}")),
        shards.drop_row(Drop("near_duplicate", "id"), "dedup", one(open_text, title="長" * 300)),
    ]
    shards.write(tmp_path / "dropped" / "train-00000.parquet", dropped, shards.DROPPED)
    found = measured(tmp_path)
    assert SECRET not in found.to_json()
    assert SECRET[:5] not in found.to_json()
    [free] = next(left.examples for left in found.dropped if left.reason == "near_duplicate")
    assert free.excerpt.startswith("連絡先は[…]と[…]です。")
    assert len(free.excerpt) == len(free.title) == 80
    assert found.duplicates["near"] == 1


def test_what_left_is_counted_by_stage_and_reason_with_three_examples_of_different_sources(
    tmp_path: Path,
) -> None:
    dropped = [
        shards.drop_row(Drop("too_short"), "length", one(f"文{number}", source=source))
        for number, source in enumerate("aaaaabbc")
    ]
    shards.write(tmp_path / "dropped" / "train-00000.parquet", dropped, shards.DROPPED)
    [left] = measured(tmp_path).dropped
    assert (left.stage, left.reason, left.rows) == ("length", "too_short", 8)
    assert [example.source for example in left.examples] == ["a", "b", "c"]


def test_every_test_is_told_the_absent_ones_too(tmp_path: Path) -> None:
    lay(tmp_path, [one("金利")])
    row = {"files": [], "sha256": "", "items_unmatchable": 0, "items_answered": 0}
    rows = [
        row | {"test": "chabsa", "status": "shipped", "items": 9, "items_touched": 2, "documents": 1},
        row | {"test": "fp2", "status": "absent", "items": 0, "items_touched": 0, "documents": 0},
    ]
    shards.write(tmp_path / "tests.parquet", rows, TESTS)
    told = [(test.test, test.status, test.items, test.items_touched) for test in measured(tmp_path).tests]
    assert told == [("chabsa", "shipped", 9, 2), ("fp2", "absent", 0, 0)]


def test_signals_that_rows_carry_are_told_and_others_are_measured_on_the_texts(tmp_path: Path) -> None:
    carried = {"quality": json.dumps({"kanji": 0.25, "sentence": 31.0}), "repeated_share": "0.5000"}
    lay(tmp_path / "a", [one("金利", meta=carried), one("株価", meta={"repeated_share": "なし"})])
    lay(tmp_path / "b", [one("あア金12。")])
    signals = {
        name: {one.name: one.values for one in quality.signals}
        for name in "ab"
        if (quality := measured(tmp_path / name).quality)
    }
    assert {name: values.mean for name, values in signals["a"].items()} == {
        "kanji": 0.25, "sentence": 31.0, "repeated_share": 0.5,
    }  # fmt: skip
    assert {name: round(values.mean, 3) for name, values in signals["b"].items()} == {
        "kana": 0.333, "kanji": 0.167, "digits": 0.333, "ended": 1.0,
    }  # fmt: skip
    assert signals["a"]["kanji"].quantile(0.5) == 0.25


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"kind": "speech"}', "speech"),
        ('{"a": "x\\", \\"kind\\": \\"forged\\"", "kind": "speech"}', "speech"),
        ('{"kind": 7}', None),
        ('{"kind": "\\ud800"}', "?"),
        ('{"a": {"kind": "inner"}}', None),
        ("", None),
        (None, None),
        ("[1]", None),
        ("{broken", None),
        ('{"kind":\n"speech"}', "speech"),
        ("[" * 5000, None),
    ],
)
def test_meta_is_read_as_json_reads_it(text: str | None, kind: str | None) -> None:
    """Rows beside a broken one are read as well."""
    column = pa.chunked_array([['{"kind": "filing"}', text], ['{"kind": "term"}']], pa.string())
    found = said.parsed(column, 3, said.strings(["kind"]))["kind"].to_pylist()
    assert found == ["filing", kind, "term"]


def test_values_without_end_are_told_apart_up_to_a_bound() -> None:
    counted = Counted()
    names = [f"{number:05d}" for number in range(MOST + 50)]
    counted.add(pa.array(names), pa.array([2] * len(names)).to_numpy())
    told = {name: (rows, characters) for name, rows, characters in counted.sorted()}
    assert len(told) == MOST + 1
    assert told[OTHERS] == (50, 100)


def a_tokenizer(folder: Path) -> str:
    """Return the folder of a tokenizer that has a token for every character, and cuts texts when it is let."""
    made = Tokenizer(models.WordLevel({"[UNK]": 0, "金": 1}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.enable_truncation(2)
    folder.mkdir(parents=True)
    made.save(str(folder / "tokenizer.json"))
    return str(folder)


def test_all_tokens_of_a_small_version_are_counted_and_the_tokenizer_is_told_by_name(tmp_path: Path) -> None:
    lay(tmp_path / "v", [one("金利金利"), one("問い", "qa")])
    named = a_tokenizer(tmp_path / "store" / "base" / "2026.11.21")
    found = {one.format: one for one in measured(tmp_path / "v", named).tokens}
    assert {name: (one.tokens, one.stderr, one.rows) for name, one in found.items()} == {
        "markdown": (4, None, 2 - 1),
        "qa": (2, None, 1),
    }
    assert found["qa"].tokenizer == "base@2026.11.21"
    assert str(tmp_path) not in measured(tmp_path / "v", named).to_json()


def test_tokens_of_a_large_version_are_estimated_within_their_error(tmp_path: Path) -> None:
    """Half of the rows have a token for every two characters, the others one for each."""
    path = tmp_path / "v" / "markdown" / "train-00000.parquet"
    path.parent.mkdir(parents=True)
    texts = ["金 " * 40 if number % 2 else "金 金" * 20 for number in range(40_000)]
    lengths = [len(text) for text in texts]
    table = pa.table({"text": texts, "n_chars": lengths})
    pq.write_table(table, path, row_group_size=1000)
    made = Tokenizer(models.WordLevel({"[UNK]": 0, "金": 1}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    loaded = tokens.load(str(tmp_path / "tokenizer.json"))
    true = sum(map(sum, (loaded.sizes(texts[at : at + 5000]) for at in range(0, len(texts), 5000))))
    files: Mapping[str, list[tokens.Shard]] = {
        "markdown": [tokens.Shard(path, "markdown", "train", len(texts))]
    }
    [told] = tokens.tokens([str(tmp_path / "tokenizer.json")], files, {"markdown": 21_000_000}, seed=1)
    [again] = tokens.tokens([str(tmp_path / "tokenizer.json")], files, {"markdown": 21_000_000}, seed=1)
    assert told == again
    assert told.stderr is not None
    assert told.rows < told.of == 40_000
    scaled = true * 21_000_000 / sum(lengths)
    assert abs(told.tokens - scaled) < 4 * told.stderr
    assert 0 < told.stderr < 0.02 * scaled


@pytest.mark.parametrize("named", ["hf:org/name", "hf:org/name@main", "/nowhere/at/all"])
def test_a_tokenizer_that_is_not_pinned_or_not_there_is_refused(tmp_path: Path, named: str) -> None:
    lay(tmp_path, [one("金利")])
    with pytest.raises(UserError, match=r"names no commit|can be read"):
        profile(tmp_path, [named])


def test_a_file_that_is_no_parquet_is_named_and_the_others_are_counted(tmp_path: Path) -> None:
    lay(tmp_path, [one("金利")])
    (tmp_path / "qa").mkdir()
    (tmp_path / "qa" / "train-00000.parquet").write_bytes(b"PAR1")
    found = measured(tmp_path)
    assert found.unreadable == ("qa/train-00000.parquet",)
    assert found.rows == 1


def test_a_version_without_any_row_has_no_profile(tmp_path: Path) -> None:
    assert profile(tmp_path) is None
    assert read_profile(tmp_path) is None


def test_a_profile_reads_back_as_it_was_written(tmp_path: Path) -> None:
    lay(tmp_path, [one("金利" * number) for number in range(1, 8)])
    found = measured(tmp_path)
    (tmp_path / "profile.json").write_text(found.to_json(), encoding="utf-8")
    assert read_profile(tmp_path) == found
    (tmp_path / "profile.json").write_text('{"parts": []}', encoding="utf-8")
    with pytest.raises(UserError, match=r"profile\.json: is damaged"):
        read_profile(tmp_path)
