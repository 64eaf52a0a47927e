"""The EDINET API (version 2) and code list of the sample world: errors come with status 200 and a JSON body."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from io import StringIO

from sample import edinet_days as days
from sample.companies import COMPANIES, MILLION
from sample.edinet_days import DATES
from sample.filing import Filing
from sample.filing_pdf import hidden_notice, report_pdf
from sample.http import Request, Response, text
from sample.xbrl import archive, attachments, english, package
from sample.xbrl_csv import csv_package

__all__ = ["DATES", "KEY", "respond", "respond_codelist"]

#: The only subscription key this world accepts.
KEY = "sample-key"

_API = "/api/v2/"
_LIST = "提出された書類を把握するためのAPI"
_FETCH = "提出された書類を取得するためのAPI"
_JSON = "application/json; charset=utf-8"
_ZIP = "application/octet-stream"
_MESSAGES = {"400": "Bad Request", "404": "Not Found", "500": "Internal Server Error"}
#: Kind of file asked for -> the row's flag that says it exists, and what makes it.
_FLAGS = {"1": "xbrlFlag", "2": "pdfFlag", "3": "attachDocFlag", "4": "englishDocFlag", "5": "csvFlag"}
_MAKERS: dict[str, Callable[[Filing], bytes]] = {
    "1": package,
    "2": report_pdf,
    "3": attachments,
    "4": english,
    "5": csv_package,
}
_SORRY = (
    "<!DOCTYPE html><html lang='ja'><head><meta charset='utf-8'><title>EDINET</title></head><body>"
    "<h1>ご迷惑をおかけしております</h1><p>ただいまシステムのメンテナンスを行っております。</p></body></html>"
)


def respond(request: Request) -> Response:
    """Answer one request to the API as its specification says (June 2025 edition, 3-1 to 3-3).

    The key must be KEY in the parameter Subscription-Key. Outside /api/v2/ a page of apology is given.
    """
    if not request.path.startswith(_API):
        return text(_SORRY, "text/html; charset=utf-8")
    if request.query.get("Subscription-Key") != KEY:
        message = (
            "Access denied due to invalid subscription key."
            "Make sure to provide a valid key for an active subscription."
        )
        return _json({"StatusCode": 401, "message": message})
    rest = request.path.removeprefix(_API)
    if rest == "documents.json":
        return _list(request)
    folder, _, name = rest.partition("/")
    if folder != "documents" or not name:
        return _error(_LIST, "400")
    return _document(name, request.query, request.now)


def _list(request: Request) -> Response:
    kind = request.query.get("type", "1")
    try:
        day = date.fromisoformat(request.query.get("date", ""))
    except ValueError:
        return _error(_LIST, "400")
    today = request.now.date()
    if kind not in {"1", "2"} or len(request.query["date"]) != 10 or day > today:
        return _error(_LIST, "400")
    if day.year < today.year - 10:
        return _error(_LIST, "404")
    found = days.rows(day, request.now)
    processed = request.now if day == today else datetime.combine(today, datetime.min.time())
    answer: dict[str, object] = {
        "metadata": {
            "title": _LIST,
            "parameter": {"date": day.isoformat(), "type": kind},
            "resultset": {"count": len(found)},
            "processDateTime": f"{processed:%Y-%m-%d %H:%M}",
            "status": "200",
            "message": "OK",
        }
    }
    if kind == "2":
        answer["results"] = found
    return _json(answer)


def _document(name: str, query: Mapping[str, str], now: datetime) -> Response:
    kind = query.get("type", "")
    if kind not in _FLAGS:
        return _error(_FETCH, "400")
    row = days.row_of(name, now)
    if row is None or row["filerName"] is None or (kind != "1" and row[_FLAGS[kind]] != "1"):
        return _error(_FETCH, "404")
    if name == days.BROKEN:
        return _error(_FETCH, "500")
    if name == days.HIDDEN and now >= days.HIDDEN_FROM:
        return _file(hidden_notice(), "application/pdf")
    filing = days.filing_of(name, now)
    return _filing(filing, kind) if filing else _plain(str(row["docDescription"]), kind)


def _filing(filing: Filing, kind: str) -> Response:
    body = _MAKERS[kind](filing)
    if filing.doc_id == days.TRUNCATED and kind == "1":
        body = body[: len(body) * 3 // 5]
    return _file(body, "application/pdf" if kind == "2" else _ZIP)


def _plain(title: str, kind: str) -> Response:
    """A filing of another kind: one page without XBRL."""
    if kind != "1":
        return _error(_FETCH, "404")
    markup = (
        f"<html><head><meta charset='utf-8'><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    )
    return _file(archive({"PublicDoc/0101010_honbun.htm": markup.encode()}, DATES[0]), _ZIP)


def _file(body: bytes, media_type: str) -> Response:
    headers = {"Content-Type": media_type, "Content-Disposition": "attachment", "Cache-Control": "no-store"}
    return Response(200, headers, body)


def _error(title: str, status: str) -> Response:
    return _json({"metadata": {"title": title, "status": status, "message": _MESSAGES[status]}})


def _json(answer: Mapping[str, object]) -> Response:
    body = json.dumps(answer, ensure_ascii=False, indent=2).encode()
    return Response(200, {"Content-Type": _JSON, "Cache-Control": "no-store"}, body)


# -- the code list ----------------------------------------------------------------------------------------

_COLUMNS = (
    "ＥＤＩＮＥＴコード,提出者種別,上場区分,連結の有無,資本金,決算日,提出者名,提出者名（英字）,提出者名（ヨミ）,"
    "所在地,提出者業種,証券コード,提出者法人番号"
)
_INDIVIDUAL = "個人（組合発行者を除く）"
_UNLISTED: tuple[tuple[str, ...], ...] = (
    (
        "E91001",
        "内国法人・組合",
        "非上場",
        "無",
        "310",
        "3月31日",
        "虚空アセットマネジメント株式会社",
        "Koku Asset Management Co., Ltd.",
        "コクウアセットマネジメントカブシキガイシャ",
        "東京都港区虚空坂二丁目１番",
        "証券、商品先物取引業",
        "",
        "",
    ),
    (
        "E91002",
        "外国法人・組合",
        "非上場",
        "有",
        "",
        "12月31日",
        "ファントム・アイランド・ホールディングス",
        "Phantom Island Holdings",
        "ファントム・アイランド・ホールディングス",
        "ケイマン諸島",
        "外国法人・組合",
        "",
        "",
    ),
    (
        "E91003",
        "内国法人・組合",
        "非上場",
        "無",
        "45",
        "9月30日",
        "株式会社髙砂架空①号",
        "",
        "カブシキガイシャタカサゴカクウイチゴウ",
        "兵庫県髙砂市架空町１番",
        "サービス業",
        "",
        "",
    ),
    (
        "E91004",
        _INDIVIDUAL,
        "",
        "",
        "",
        "",
        "霞　一郎",
        "",
        "カスミ　イチロウ",
        "東京都世田谷区",
        _INDIVIDUAL,
        "",
        "",
    ),
)


def respond_codelist(request: Request) -> Response:
    """The ZIP with EdinetcodeDlInfo.csv (CP932, CRLF): run date and count, header, then quoted rows."""
    if request.path != "/searchdocument/codelist/Edinetcode.zip":
        return text(_SORRY, "text/html; charset=utf-8", 404)
    return Response(200, {"Content-Type": "application/zip"}, _codelist(request.now.date()))


@cache
def _codelist(today: date) -> bytes:
    rows = [*_listed(), *_UNLISTED]
    out = StringIO()
    out.write(f"ダウンロード実行日,{today:%Y年%m月%d日}現在,件数,{len(rows)}件\r\n{_COLUMNS}\r\n")
    for row in rows:
        out.write(",".join(f'"{cell}"' for cell in row) + "\r\n")
    return archive({"EdinetcodeDlInfo.csv": out.getvalue().encode("cp932")}, today)


def _listed() -> list[tuple[str, ...]]:
    return [
        (
            company.edinet_code,
            "内国法人・組合",
            "上場",
            "有",
            str(company.capital // MILLION),
            f"{company.years[0].end.month}月{company.years[0].end.day}日",
            company.name,
            company.name_en,
            company.name_kana,
            company.address,
            company.industry,
            company.sec_code,
            company.jcn,
        )
        for company in COMPANIES
    ]
