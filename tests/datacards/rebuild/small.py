"""A small restricted world: speeches, a press conference and a list of companies, captured, made into a corpus, released."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpus.document import Capture
from corpus.recipe import CorpusRecipe
from corpus.run import run
from datacards.card import Ref
from datacards.places import sha256_of
from datacards.rebuild.run import TOLD
from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import release
from datacards.store import CARD, Store
from spiders.warc import Segments

DAY = "2026.11.21"
NAMES = ("boj_speeches", "boj_press_conferences", "institutions")
SUBJECTS = ("輸出", "生産", "個人消費", "設備投資", "住宅投資", "公共投資", "雇用", "賃金")
MOVES = ("持ち直しています", "弱めの動きです", "横ばい圏内です", "緩やかに増加しています", "高めの水準です")
COMPANIES = (
    "汐凪水産",
    "霧ヶ原精機",
    "銀嶺証券",
    "木霊システムズ",
    "宵待工機",
    "白樺食品",
    "群青化学",
    "紅葉鉄道",
)


def prose(seed: int) -> str:
    """Return a paragraph that differs from seed to seed."""
    return "".join(
        f"{SUBJECTS[(seed + n * 3) % 8]}は、第{seed * 17 + n}回の聞き取りによれば{MOVES[(seed * 7 + n) % 5]}。"
        f"前回と比べると{SUBJECTS[(seed * 3 + n) % 8]}への影響が{seed * 11 + n * 5}件ほど指摘されました。"
        for n in range(4)
    )


def page(title: str, *parts: str, frame: str = "日本銀行") -> bytes:
    """Return a page of the Bank; ``frame`` is what stands around the text."""
    body = "".join(part if part.startswith("<") else f"<p>{part}</p>" for part in parts)
    return (
        f'<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>{title}</title></head><body>'
        f'<nav><a href="/">{frame}</a></nav><div id="contents"><h1>{title}</h1>{body}</div>'
        f"<footer>{frame}</footer></body></html>"
    ).encode()


def capture(path: str, body: bytes, source: str, kind: str, media: str = "text/html", **meta: str) -> Capture:
    """Return a capture that may not be given on."""
    return Capture(
        url=f"https://www.boj.or.jp/{path}",
        source=source,
        fetched_at=datetime(2026, 11, 21, 3, tzinfo=UTC),
        status=200,
        headers=(("Content-Type", f"{media}; charset=utf-8"),),
        media_type=media,
        body=body,
        license="BOJ-terms" if source.startswith("boj") else "all-rights-reserved",
        meta={"kind": kind, **meta},
    )


def speeches(count: int = 4, *, frame: str = "日本銀行", said: str = "") -> list[Capture]:
    """Return speeches with sections of the same names, which are gathered."""
    return [
        capture(
            f"about/press/koen_2024/data/ko24{n + 1:02d}10a.htm",
            page(
                f"【講演】金融経済情勢（第{n}回）",
                *("<h2>はじめに</h2>", prose(n) + said, "<h2>おわりに</h2>", prose(n + 50)),
                frame=frame,
            ),
            "boj_speeches",
            "speech",
        )
        for n in range(count)
    ]


def conference() -> Capture:
    """Return a press conference with two answered questions."""
    turns = [line for n in (1, 2) for line in (f"（問） {prose(200 + n)}", f"（答） {prose(300 + n)}")]
    path = "about/press/kaiken_2024/kk240110a.htm"
    return capture(path, page("総裁記者会見要旨", *turns), "boj_press_conferences", "press_conference")


def companies() -> Capture:
    """Return a list of companies, whose facts become questions."""
    lines = ["日付,コード,銘柄名,市場・商品区分,33業種コード,33業種区分"]
    lines += [
        f"20241031,{1301 + n * 7},{name}株式会社,プライム,{50 + n},業種{name[:2]}"
        for n, name in enumerate(COMPANIES)
    ]
    body = "\r\n".join(lines).encode("cp932")
    one = capture("list.csv", body, "jpx", "company_list", "text/csv")
    return replace(one, url="https://www.jpx.co.jp/data_j.csv")


def crawl(store: Store, name: str, captures: Sequence[Capture], version: str = DAY, **files: Any) -> Ref:
    """Finish a captures version as a spider does; ``files`` are JSON-lines files beside the captures."""
    with (
        store.write(name=name, version=version, kind="captures", recipe={"spider": name}) as draft,
        Segments(draft.path) as segments,
    ):
        for one in captures:
            segments.write(one)
        segments.close(index=True)
        for leaf, rows in files.items():
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (draft.path / f"{leaf}.jsonl").write_text(text, encoding="utf-8")
    return store.resolve(f"{name}@{version}")


def corpus(store: Store, names: Sequence[str], **changes: Any) -> Ref:
    """Make a corpus version of captures."""
    fields: dict[str, Any] = {
        "name": "fin",
        "version": DAY,
        "captures": names,
        "steps": ["unicode", "boilerplate"],
        "decontamination": None,
    }
    recipe = CorpusRecipe.model_validate(fields | changes)
    return run(recipe, store, [store.resolve(name) for name in names])


def public(store: Store, of: str, **changes: Any) -> Ref:
    """Make the release of a dataset version, with pointers to what may not be given on."""
    fields: dict[str, Any] = {"name": "fin-public", "version": DAY, "restricted": "pointers"}
    return release(ReleaseRecipe.model_validate(fields | changes), store, of)


def downloaded(store: Store, ref: Ref, folder: Path) -> Path:
    """Return a copy of a version as somebody has it who has downloaded it."""
    shutil.copytree(store.path(ref), folder)
    return folder


def forged(folder: Path, change: Callable[[dict[str, Any]], None] = lambda said: None) -> None:
    """Make card and checksums of a folder say that its files are as they are now, and then what ``change`` makes of it."""
    said = json.loads((folder / CARD).read_text("utf-8"))
    said.pop("seal")
    listed = [one for one in said["files"] if one["path"] != "SHA256SUMS"]
    for one in listed:
        path = folder / one["path"]
        one.update(bytes=path.stat().st_size, sha256=sha256_of(path))
    sums = "".join(f"{one['sha256']}  {one['path']}\n" for one in listed)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
    path = folder / "SHA256SUMS"
    last = {"path": path.name, "bytes": path.stat().st_size, "rows": None, "sha256": sha256_of(path)}
    said["files"] = sorted([*listed, last], key=lambda one: str(one["path"]))
    change(said)
    text = json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    seal = hashlib.sha256(text.encode()).hexdigest()
    text = json.dumps(said | {"seal": seal}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")


def told(store: Store, ref: Ref) -> dict[str, tuple[str, str]]:
    """Return outcome and detail of every pointer by id."""
    rows = pq.read_table(store.path(ref, TOLD)).to_pylist()
    return {row["id"]: (row["outcome"], row["detail"]) for row in rows}


def counted(store: Store, ref: Ref) -> dict[tuple[str, str], int]:
    """Return how many pointers of each format had which outcome."""
    rows = pq.read_table(store.path(ref, TOLD), columns=["format", "outcome"]).to_pylist()
    return dict(Counter((row["format"], row["outcome"]) for row in rows))


def documents(folder: Path, form: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a format by id."""
    return {
        row["id"]: row
        for path in sorted((folder / form).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    }
