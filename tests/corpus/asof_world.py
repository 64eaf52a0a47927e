"""A small world with a history: what was published, changed, withdrawn and crawled when, for tests as of a day."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from corpus.document import Capture, day_in_japan
from datacards.card import Ref
from datacards.store import Store
from sample.annual_report import annual_report
from sample.companies import COMPANIES, doc_id
from sample.xbrl import package
from spiders.warc import Segments

#: Crawls of three days, and two days in between as of which versions are built.
CRAWLS = ("2026.04.01", "2026.08.01", "2026.12.01")
D1, D2 = date(2026, 6, 15), date(2026, 10, 15)
NAMES = ("press", "edinet", "wikipedia")
SUBJECTS = [
    "輸出",
    "生産",
    "個人消費",
    "設備投資",
    "住宅投資",
    "雇用",
    "賃金",
    "物価",
    "為替相場",
    "長期金利",
    "貸出",
]


@dataclass(frozen=True, slots=True)
class Visit:
    """One answer to one crawl; ``since`` is the day from which its bytes are known to have been public.

    ``before`` is what a list said of it, in its meta, before the day ``edited_on``.
    """

    crawl: str
    capture: Capture
    since: date
    edited_on: date = date.min
    before: Mapping[str, str] = field(default_factory=dict)

    def as_listed(self, day: date) -> "Visit":
        """Return the visit with what a list said of it on a day."""
        if day >= self.edited_on:
            return self
        return replace(self, capture=replace(self.capture, meta={**self.capture.meta, **self.before}))


@dataclass(frozen=True, slots=True)
class World:
    """Visits by name of captures, and EDINET's tombstones."""

    visits: dict[str, list[Visit]]
    tombstones: list[dict[str, object]]

    def stood(self, day: date) -> "World":
        """Return the world as it stood on a day: what had been fetched, published or said by then.

        A later visit counts once if its bytes were public by then and no earlier one had brought them.
        """
        kept: dict[str, list[Visit]] = {}
        for name, visits in self.visits.items():
            brought: set[tuple[str, str]] = set()
            for visit in visits:
                key = (visit.capture.url, visit.capture.sha256)
                fetched = day_in_japan(visit.capture.fetched_at) <= day
                if fetched or (visit.since <= day and key not in brought):
                    kept.setdefault(name, []).append(visit if fetched else visit.as_listed(day))
                    brought.add(key)
        said = [
            one
            for one in self.tombstones
            if day_in_japan(datetime.fromisoformat(str(one["said_at"] or one["noticed_at"]))) <= day
        ]
        return World(kept, said)


def moment(crawl: str) -> datetime:
    return datetime(*map(int, crawl.split(".")), 3, 0, tzinfo=UTC)  # type: ignore[arg-type,misc]


def sentences(seed: int, count: int = 10) -> str:
    """Return Japanese sentences that differ from seed to seed."""
    return "".join(
        f"{SUBJECTS[(seed * 5 + n) % 11]}は前月比{seed * 7 + n * 3}件の増加となり、第{seed * 31 + n}回の調査でも"
        f"{SUBJECTS[(seed + n * 2) % 11]}との関係が{seed * n + 11}の地域で確かめられた。"
        for n in range(count)
    )


def page(title: str, text: str, *, published: str = "", revised: str = "") -> bytes:
    said = f'<meta property="article:published_time" content="{published}">' if published else ""
    said += f'<meta property="article:modified_time" content="{revised}">' if revised else ""
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n"))
    return (
        f'<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>{title}</title>{said}</head>'
        f"<body><main><h1>{title}</h1><h2>概要</h2>{paragraphs}</main></body></html>"
    ).encode()


def web(crawl: str, path: str, body: bytes, since: str = "", *, status: int = 200, **meta: str) -> Visit:
    """Return a visit to a page; without ``since`` its bytes are known from the crawl on."""
    capture = Capture(
        url=f"https://www.example.jp/{path}",
        source="press",
        fetched_at=moment(crawl),
        status=status,
        headers=(("Content-Type", "text/html; charset=utf-8"),),
        media_type="text/html",
        body=body,
        license="all-rights-reserved",
        meta=meta,
    )
    return Visit(crawl, capture, date.fromisoformat(since) if since else day_in_japan(capture.fetched_at))


def edinet(crawl: str, name: str, body: bytes, since: str = "", **meta: str) -> Visit:
    """Return a visit to a filing, or to the code list."""
    url = "https://api.example.jp/codelist.zip"
    if meta.get("kind") != "company_list":
        url = f"https://api.example.jp/documents/{name}?type=1"
        meta = {
            "kind": "filing",
            "docID": name,
            "submitDateTime": f"{since}T09:00:00+09:00",
            "published_at": since,
            **meta,
        }
    visit = web(crawl, "", body, since, **meta)
    return replace(visit, capture=replace(visit.capture, url=url, source="edinet", license="PDL-1.0"))


def code_list(day: date, *companies: tuple[str, str, str]) -> bytes:
    lines = [f"ダウンロード実行日,{day:%Y年%m月%d日}現在,件数,{len(companies)}件", "ＥＤＩＮＥＴコード,提出者名,提出者業種,上場区分,証券コード"]  # fmt: skip
    lines += [f"E0000{n},{name},{industry},上場,{code}" for n, (name, code, industry) in enumerate(companies)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("EdinetcodeDlInfo.csv", (2026, 1, 1, 0, 0, 0))
        archive.writestr(entry, "\r\n".join(lines).encode("cp932"))
    return packed.getvalue()


def article(crawl: str, title: str, revision: int, revised_at: str, text: str) -> Visit:
    """Return a visit to a dump: the revision of an article that it holds."""
    body = (
        f"<page><title>{title}</title><ns>0</ns><id>7</id><revision><id>{revision}</id>"
        f"<timestamp>{revised_at}</timestamp><text>{text}</text></revision></page>"
    )
    meta = {"kind": "article", "language": "ja", "revised_at": revised_at, "published_at": revised_at[:10]}
    since = day_in_japan(datetime.fromisoformat(revised_at)).isoformat()
    visit = web(crawl, "", body.encode(), since, **meta)
    url = f"https://ja.wikipedia.org/w/index.php?title={title}&oldid={revision}"
    changed = replace(visit.capture, url=url, source="wikipedia", license="CC-BY-SA-4.0")
    return replace(visit, capture=changed)


def tombstone(name: str, what: str, said_at: str, changes: object = None) -> dict[str, object]:
    noticed = moment(CRAWLS[-1]).isoformat()
    return {"docID": name, "what": what, "said_at": said_at, "noticed_at": noticed, "changes": changes or {}}


def fill(store: Store, world: World, crawls: Iterable[str] = CRAWLS) -> list[Ref]:
    """Put the visits into versions of captures as crawls do, each on top of those before it."""
    refs = []
    for name, visits in world.visits.items():
        earlier: list[Path] = []
        for crawl in crawls:
            now = [visit.capture for visit in visits if visit.crawl == crawl]
            if not now:
                continue
            with (
                store.write(name=name, version=crawl, kind="captures", recipe={"spider": name}) as draft,
                Segments(draft.path, earlier=earlier) as segments,
            ):
                for capture in now:
                    segments.write(capture)
                segments.close(index=True)
                if name == "edinet" and world.tombstones:
                    lines = [json.dumps(one, ensure_ascii=False) for one in world.tombstones]
                    (draft.path / "tombstones.jsonl").write_text("\n".join(lines), encoding="utf-8")
            refs.append(store.resolve(f"{name}@{crawl}"))
            earlier.append(store.path(refs[-1]))
    return refs


def history() -> World:
    """Return the world of the leak test: everything that can come too late, beside what does not."""
    return World({"press": _press(), "edinet": _edinet(), "wikipedia": _wikipedia()}, _tombstones())


def _press() -> list[Visit]:
    one, two, three = CRAWLS
    early, long = sentences(1), sentences(2)
    talk = "\n".join(f"（問） {sentences(40 + n, 1)}\n（答） {sentences(50 + n, 4)}" for n in range(2))
    changed = "changing.html"
    return [
        web(one, "early.html", page("早い記事", early, published="2026-02-01"), "2026-02-01"),
        web(one, "undated.html", page("日付のない記事", sentences(3))),
        web(one, changed, page("変わる記事", sentences(4), published="2026-02-02"), "2026-02-02"),
        web(one, "lost.html", page("消えた記事", sentences(5), published="2026-02-03"), "2026-02-03"),
        web(one, "near.html", page("似た記事", long, published="2026-03-01"), "2026-03-01"),
        web(
            one,
            "talk.html",
            page("会見", talk, published="2026-03-02"),
            "2026-03-02",
            kind="press_conference",
        ),
        web(one, "gone.html", b"<html><p>not found</p></html>", status=404),
        # the same bytes again, a changed body, a page that is lost, one that comes back as it was
        web(two, "early.html", page("早い記事", early, published="2026-02-01"), "2026-02-01"),
        web(two, changed, page("変わる記事", sentences(6), published="2026-02-02")),
        web(two, "lost.html", b"<html><p>not found</p></html>", status=404),
        # fetched later, and public by the first day or not, or revised since
        web(two, "found.html", page("後で見つけた記事", sentences(7), published="2026-05-01"), "2026-05-01"),
        web(two, "late.html", page("遅い記事", sentences(8), published="2026-07-01"), "2026-07-01"),
        web(
            two, "night.html", page("夜の記事", sentences(9), published="2026-06-15T18:00:00Z"), "2026-06-16"
        ),
        web(two, "later.html", page("日付のない後の記事", sentences(10))),
        web(
            two,
            "revised.html",
            page("直した記事", sentences(11), published="2026-05-02", revised="2026-07-02"),
        ),
        # better copies that come later: the same text, and nearly the same but longer
        web(two, "copy.html", page("早い記事", early, published="2026-07-03"), "2026-07-03"),
        web(
            two, "nearer.html", page("似た記事", f"{long}追記がある。", published="2026-07-04"), "2026-07-04"
        ),
        web(two, "0-near.html", page("似た記事", f"{long}注もある。", published="2026-03-03"), "2026-03-03"),
        web(three, changed, page("変わる記事", sentences(4), published="2026-02-02"), "2026-02-02"),
        web(three, "last.html", page("最後の記事", sentences(12), published="2026-11-01"), "2026-11-01"),
        web(three, "broken.html", b"<html><title>\xe7\xa7\x98\xe5\xaf\x86</title></html>"),
    ]


def _edinet() -> list[Visit]:
    one, two, three = CRAWLS
    company = COMPANIES[0]
    original = annual_report(company, company.years[-1])
    amended = annual_report(
        company, company.years[-1], amends=doc_id(company, company.years[-1]), name="S100AMND"
    )
    first = code_list(date(2026, 3, 31), ("甲社", "13010", "水産・農林業"), ("乙社", "13320", "水産・農林業"))
    second = code_list(date(2026, 7, 31), ("甲社", "13010", "食料品"), ("丙社", "330A0", "水産・農林業"))
    told = {"kind": "company_list"}

    renamed = {
        "filerName": "旧社名株式会社",
        "title": "旧有価証券報告書",
        "docDescription": "旧有価証券報告書",
    }

    def notice(name: str, crawl: str, since: str, seed: int, **meta: str) -> Visit:
        body = page(f"有価証券報告書 {name}", sentences(seed))
        return edinet(crawl, name, body, since, docDescription="有価証券報告書", **meta)

    return [
        edinet(one, "", first, "2026-03-31", **told, as_of="2026-03-31"),
        edinet(two, "", second, "2026-07-31", **told, as_of="2026-07-31"),
        edinet(one, "S100ORIG", package(original), "2026-02-20", docDescription="有価証券報告書"),
        edinet(two, "S100AMND", package(amended), "2026-07-10", parentDocID="S100ORIG"),
        notice("S100GONE", one, "2026-02-10", 60),
        notice("S100SOON", one, "2026-02-11", 61),
        notice("S100BACK", one, "2026-02-12", 62),
        notice("S100HIDE", one, "2026-02-13", 63),
        replace(
            notice("S100EDIT", three, "2026-02-14", 64, filerName="新社名株式会社", title="有価証券報告書"),
            edited_on=date(2026, 9, 2),
            before=renamed,
        ),
    ]


def _tombstones() -> list[dict[str, object]]:
    edits = {
        "filerName": ["旧社名株式会社", "新社名株式会社"],
        "docDescription": ["旧有価証券報告書", "有価証券報告書"],
    }
    return [
        tombstone("S100GONE", "withdrawn", "2026-05-01T10:00:00+09:00"),
        tombstone("S100SOON", "withdrawn", "2026-09-01T10:00:00+09:00"),
        tombstone("S100BACK", "hidden", "2026-05-02T10:00:00+09:00"),
        tombstone("S100BACK", "disclosed_again", "2026-06-15T23:59:00+09:00"),
        tombstone("S100HIDE", "hidden", "2026-06-16T00:00:00+09:00"),
        tombstone("S100EDIT", "edited", "2026-09-02T10:00:00+09:00", edits),
    ]


def _wikipedia() -> list[Visit]:
    one, two, _ = CRAWLS
    return [
        article(one, "国債", 100, "2026-02-01T00:00:00Z", sentences(70)),
        article(two, "国債", 101, "2026-06-15T20:00:00Z", sentences(71)),
        article(one, "株式", 200, "2026-02-02T00:00:00Z", sentences(72)),
        article(two, "株式", 201, "2026-05-02T00:00:00Z", sentences(73)),
        article(two, "社債", 300, "2026-07-02T00:00:00Z", sentences(74)),
        article(one, "為替", 400, "2026-03-02T00:00:00Z", sentences(75)),
        article(two, "為替", 400, "2026-03-02T00:00:00Z", sentences(75)),
    ]
