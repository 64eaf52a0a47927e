"""A store with something of everything that a site shows: hostile titles, texts that stay at home, long ones, withdrawn ones."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from corpus import shards
from corpus.captures import SCHEMA
from corpus.document import Document, Format, Span
from datacards.card import Ref, Rights
from datacards.release.pointers import pointer_table
from datacards.store import Store

MOMENT = datetime(2026, 11, 21, tzinfo=UTC)
SECRET = "この講演の本文は、日本銀行の定めにより、よその人に渡してはならないものです。"
COMPANIES = (
    ("E90001", "汐凪水産株式会社"),
    ("E90002", "千代紙玩具株式会社"),
    ("E90003", "月影オプティクス株式会社"),
)
HOSTILE = (
    "</script><script>document.title='走った'</script>",
    "<img src=x onerror=\"document.title='走った'\">",
    "行の\u2028区切り\u2029と\u202eせ返っくひ\u202c",
    '"><a href="javascript:alert(1)">&amp;&lt;',
)


def base(
    number: int,
    title: str = "",
    text: str = "",
    *,
    source: str = "edinet",
    license_: str = "PDL-1.0",
    **meta: str,
) -> Document:
    """Return a page; edinet's are of a company, which no other source names."""
    code, filer = COMPANIES[number % len(COMPANIES)]
    if source == "edinet":
        meta = {"edinet_code": code, "filer": filer, **meta}
    day = date(2024, 1, 31) + timedelta(days=17 * number)
    name = title or f"{filer} 有価証券報告書 第{number}期"
    return Document(
        text=text or f"# {name}\n\n当期の売上高は{number + 10},321百万円となりました。\n従業員は{number + 100}名です。",
        format="markdown", source=source, url=f"https://example.invalid/{source}/{number}", title=name, captured_at=MOMENT,
        license=license_, attribution=f"出典：試験「{name}」", redistribution=license_ != "BOJ-terms", published_at=day,
        available_at=day, made_from=(Span(f"sha256:{number:064x}", 0, 0),), meta=meta, cluster_size=1 + number % 3,
    )  # fmt: skip


def derived(form: Format, text: str, of: Document, used: str) -> Document:
    """Return a document made from the first place of ``of`` that reads ``used``; like a question, it names no company."""
    start = of.text.index(used)
    return replace(
        of,
        text=text,
        format=form,
        made_from=(Span(of.id, start, start + len(used)),),
        meta={"kind": "question"},
    )


def questions(pages: Iterable[Document]) -> list[Document]:
    """Return a question, one with choices and a section for every page that tells of sales."""
    found = []
    for page in pages:
        if "売上高は" in page.text:
            used = page.text[page.text.index("売上高は") + 4 :].partition("円")[0] + "円"
            found.append(
                derived("qa", f"質問：{page.title}の売上高はいくらですか。\n回答：{used}", page, used)
            )
            found.append(
                derived(
                    "multiple_choice",
                    f"問題：{page.title}の売上高は。\nA: 1円\nB: {used}\n答え：B",
                    page,
                    used,
                )
            )
            found.append(replace(derived("sections", page.text, page, page.text), section="業績"))
    return found


def pages() -> list[Document]:
    """Return pages of three sources; those of the bank may not be given on."""
    long = (
        "長い報告書の一行です。😀𠮷\n" * 6000
        + "\n当期の売上高は９９９億円となりました。\n"
        + "終わりの一行です。\n" * 100
    )
    return [
        *(base(number) for number in range(24)),
        *(base(30 + n, title, source="wikipedia", license_="CC-BY-SA-4.0") for n, title in enumerate(HOSTILE)),
        *(base(40 + n, f"講演 その{n}", f"# 講演 その{n}\n\n{SECRET}第{n}回", source="boj_speeches", license_="BOJ-terms") for n in range(8)),
        base(60, "𠮷野の決算😀", "# 𠮷野の決算😀\n\n😀😀当期の売上高は５兆円でした。", source="wikipedia", license_="CC-BY-SA-4.0"),
        base(61, "長い報告書", long),
    ]  # fmt: skip


def dataset(
    store: Store, name: str, version: str, documents: Sequence[Document], made_from: Sequence[Ref] = ()
) -> Ref:
    """Write documents as a version, few rows in a group, so that readers meet several groups."""
    with store.write(
        name=name,
        version=version,
        kind="dataset",
        recipe={"captures": ["pages"]},
        made_from=made_from,
        description="見本の文書です。<b>太字ではない</b>",
    ) as draft:
        for form in sorted({one.format for one in documents}):
            path = f"{form}/train-00000.parquet"
            rows = [shards.document_row(one) for one in documents if one.format == form]
            draft.rows[path] = shards.write(draft.path / path, rows, shards.DOCUMENT, 7)
            draft.counts[f"documents_{form}"] = len(rows)
        draft.rights.append(
            Rights(license="BOJ-terms", attribution="出典：日本銀行", redistribution=False, records=8)
        )
        draft.drops["too_short"] = 3
    return store.resolve(f"{name}@{version}")


def release(store: Store, name: str, version: str, documents: Sequence[Document], made_from: Ref) -> Ref:
    """Write what may be given on, and pointers to the rest."""
    with store.write(name=name, version=version, kind="dataset", recipe={}, made_from=[made_from]) as draft:
        free = [shards.document_row(one) for one in documents if one.redistribution]
        rest = [shards.document_row(one) for one in documents if not one.redistribution]
        draft.rows["markdown/train-all-00000.parquet"] = shards.write(
            draft.path / "markdown/train-all-00000.parquet", free, shards.DOCUMENT
        )
        (draft.path / "pointers").mkdir()
        pointers = pointer_table(pa.Table.from_pylist(rest, schema=shards.DOCUMENT), str(made_from))
        pq.write_table(pointers, draft.path / "pointers/train-all-00000.parquet")
        draft.rows["pointers/train-all-00000.parquet"] = len(rest)
    return store.resolve(f"{name}@{version}")


def plain(
    store: Store, name: str, version: str, kind: str, made_from: Sequence[Ref] = (), **files: str
) -> Ref:
    """Write a version of another kind with some files."""
    with store.write(name=name, version=version, kind=kind, recipe={}, made_from=made_from) as draft:  # type: ignore[arg-type]
        for path, text in {"made.txt": "made", **files}.items():
            (draft.path / path).write_text(text, encoding="utf-8")
        draft.counts["rows"] = 70
        if kind == "evaluation":
            draft.metrics["chabsa/acc"] = 0.553
    return store.resolve(f"{name}@{version}")


def crawl(store: Store, of: Sequence[Document]) -> Ref:
    """Write the captures that the pages ``of`` name as theirs, without their bytes."""
    rows = [
        {
            "url": one.url,
            "source": one.source,
            "license": one.license,
            "sha256": one.made_from[0].id[7:],
            "warc": "",
            "offset": 0,
        }
        for one in of
    ]
    with store.write(name="pages", version="2026.11.20", kind="captures", recipe={}) as draft:
        shards.write(draft.path / "captures.parquet", rows, SCHEMA)
        draft.counts["captures"] = len(rows)
    return store.resolve("pages@2026.11.20")


def world(store: Store) -> Store:
    """Fill a store: captures, two datasets, a release, a withdrawn version with its successor, a model and its score."""
    made = pages()
    captures = crawl(store, made)
    texts = dataset(store, "texts", "2026.11.21", [*made, *questions(made)], [captures])
    dataset(store, "texts", "2026.11.23", [*made[1:], *questions(made[1:])], [captures])
    dataset(store, "asked", "2026.11.22", [one for one in questions(made) if one.format == "qa"], [texts])
    release(store, "public", "2026.11.22", made, texts)
    gone = dataset(
        store,
        "gone",
        "2026.11.01",
        [base(90, "消された文書", "# 消された文書\n\n消されるべき本文がここにあります。")],
        [captures],
    )
    dataset(store, "gone", "2026.11.01.1", [base(91)], [captures])
    receipt = {"withdrawn": [{"ref": str(gone), "digest": gone.digest, "successor": "gone@2026.11.01.1"}]}
    plain(store, "takedowns", "2026.11.23", "takedown", [captures], **{"receipt.json": json.dumps(receipt)})
    model = plain(
        store, "model", "2026.11.24", "checkpoint", [texts, Ref(name="hf:org/base", version="0" * 40)]
    )
    plain(store, "model-fin", "2026.11.24", "evaluation", [model, texts])
    return store
