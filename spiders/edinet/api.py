"""EDINET API v2 without a socket: request addresses in, typed filing rows and judged responses out.

Follows the FSA's "EDINET API specification (Version 2)". Two facts decide the shape of this module: errors
come with HTTP status 200 and a JSON body, and a list's rows change after the day (withdrawn, edited, hidden).
"""

import io
import json
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

JAPAN = ZoneInfo("Asia/Tokyo")
Wanted = Literal["list", "zip", "pdf"]
MAX_MEMBERS = 10_000  # of an archive; a real one has some 50
MAX_UNPACKED = 1 << 30  # bytes of all members together; a real one has some 10 MB
ARCHIVE_TYPES = {"1": "zip", "2": "pdf", "3": "zip", "4": "zip", "5": "zip"}


def list_path(day: date) -> str:
    """Return the path and query of the list of one day's documents, rows included (type 2)."""
    return f"/api/v2/documents.json?date={day.isoformat()}&type=2"


def document_path(doc_id: str, kind: str) -> str:
    """Return the path and query of a document: kind 1 body and audit report, 2 PDF, 3, 4, 5 as specified."""
    return f"/api/v2/documents/{doc_id}?type={kind}"


def _text(value: Any) -> Any:
    return None if value == "" else value  # CSV copies of a list write null as nothing


def _flag(value: Any) -> Any:
    return {"0": False, "1": True, None: False}.get(value, value)  # the text "0" is true in Python


def _minute(value: Any) -> Any:
    if isinstance(value, str) and value:
        return datetime.strptime(value, "%Y-%m-%d %H:%M").replace(tzinfo=JAPAN)
    return value or None


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None


Text = Annotated[str | None, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Day = Annotated[date | None, BeforeValidator(_day)]
Minute = Annotated[datetime | None, BeforeValidator(_minute)]
Status = Annotated[Literal["0", "1", "2", "3"], BeforeValidator(lambda value: value or "0")]


class Filing(BaseModel):
    """One row of a list: the 29 fields of the specification, section 3-1-2. Times are Japanese.

    Codes are text: a security code has five characters and may hold letters. A withdrawn or expired row has
    nothing but ``seqNumber`` and ``docID``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")  # a new field must not stop a crawl

    seqNumber: int  # noqa: N815  the specification's own names
    docID: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{8}$")]  # noqa: N815
    edinetCode: Text  # noqa: N815
    secCode: Text  # noqa: N815
    JCN: Text
    filerName: Text  # noqa: N815
    fundCode: Text  # noqa: N815
    ordinanceCode: Text  # noqa: N815
    formCode: Text  # noqa: N815
    docTypeCode: Text  # noqa: N815
    periodStart: Day  # noqa: N815
    periodEnd: Day  # noqa: N815
    submitDateTime: Minute  # noqa: N815
    docDescription: Text  # noqa: N815
    issuerEdinetCode: Text  # noqa: N815
    subjectEdinetCode: Text  # noqa: N815
    subsidiaryEdinetCode: Text  # noqa: N815
    currentReportReason: Text  # noqa: N815
    parentDocID: Text  # noqa: N815
    opeDateTime: Minute  # noqa: N815
    withdrawalStatus: Status  # noqa: N815  1: this row is a withdrawal, 2: withdrawn
    docInfoEditStatus: Status  # noqa: N815  1: this row is an edit notice, 2: edited
    disclosureStatus: Status  # noqa: N815  1: non-disclosure begins, 2: hidden, 3: lifted
    xbrlFlag: Flag  # noqa: N815
    pdfFlag: Flag  # noqa: N815
    attachDocFlag: Flag  # noqa: N815
    englishDocFlag: Flag  # noqa: N815
    csvFlag: Flag  # noqa: N815
    legalStatus: Status  # noqa: N815  0: expired, 1: in inspection, 2: extended

    @property
    def form(self) -> str:
        """The ordinance and the form, as in ``010/030000`` (a company's annual report)."""
        return f"{self.ordinanceCode or ''}/{self.formCode or ''}"

    @property
    def gone(self) -> str:
        """Why the document cannot be had any more, "" when it can."""
        if self.withdrawalStatus == "1":
            return "withdrawal_notice"
        if self.withdrawalStatus == "2":
            return "withdrawn"
        if self.disclosureStatus in ("1", "2"):
            return "hidden"
        return "expired" if self.legalStatus == "0" else ""

    def offers(self, kind: str) -> bool:
        """Return whether the row says that the document exists as download ``kind`` (1 to 5)."""
        flags = {"2": self.pdfFlag, "3": self.attachDocFlag, "4": self.englishDocFlag, "5": self.csvFlag}
        return flags.get(kind, True)


@dataclass(frozen=True, slots=True)
class DayList:
    """One day's list: what EDINET counted, the rows that could be read, and those that could not, with why."""

    day: date
    count: int
    filings: tuple[Filing, ...]
    unreadable: tuple[tuple[str, str], ...] = ()


def list_head(body: bytes) -> tuple[date, int]:
    """Return of which day a list is and how many documents it counts; raise ValueError if it is none."""
    day, count, _ = _parts(json.loads(body))
    return day, count


def raw_rows(body: bytes) -> list[Any]:
    """Return the rows of a list as they stand there; raise ValueError if it is none."""
    return _parts(json.loads(body))[2]


def _parts(data: Any) -> tuple[date, int, list[Any]]:
    try:
        metadata = data["metadata"]
        day = date.fromisoformat(metadata["parameter"]["date"])
        return day, int(metadata["resultset"]["count"]), list(data.get("results") or ())
    except (KeyError, TypeError) as error:
        raise ValueError(f"no list of documents: {error!r}") from error


def read_list(body: bytes) -> DayList:
    """Return the list in the body of a response that ``judge`` found good; raise ValueError if it is none."""
    day, count, rows = _parts(json.loads(body))
    filings, unreadable = [], []
    for row in rows:
        try:
            filings.append(Filing.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            name = str(row.get("docID", "")) if isinstance(row, dict) else ""
            unreadable.append((name, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))
    return DayList(day, count, tuple(filings), tuple(unreadable))


def judge(wanted: Wanted, status: int, content_type: str, body: bytes) -> str:
    """Return what is wrong with a response, "" when it is what was asked for.

    The words: ``bad_request``, ``unauthorized``, ``not_found``, ``server_error`` (in a JSON body, whatever the
    HTTP status says), ``maintenance`` (an HTML page), ``pdf_instead_of_zip`` (a hidden document),
    ``truncated_zip``, ``damaged_zip``, ``huge_zip``, ``damaged_pdf``, ``unreadable_list``, ``http_NNN``,
    ``unexpected_type``.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or body[:1] == b"{":
        return _judge_json(wanted, body)
    if status != 200:
        return f"http_{status}"
    if kind in ("text/html", "application/xhtml+xml"):
        return "maintenance"
    if wanted == "zip":
        return "pdf_instead_of_zip" if body[:5] == b"%PDF-" else _judge_zip(body)
    if wanted == "pdf":
        return "" if body[:5] == b"%PDF-" and b"%%EOF" in body[-2048:] else "damaged_pdf"
    return "unexpected_type"


_JSON_ERRORS = {"400": "bad_request", "401": "unauthorized", "404": "not_found", "500": "server_error"}


def _judge_json(wanted: Wanted, body: bytes) -> str:
    try:
        data = json.loads(body)
        status = str(data["StatusCode"] if "StatusCode" in data else data["metadata"]["status"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "unreadable_list" if wanted == "list" else "unexpected_type"
    if status != "200":
        return _JSON_ERRORS.get(status, f"error_{status}" if status.isdecimal() else "unexpected_type")
    if wanted != "list":
        return "unexpected_type"
    try:
        _parts(data)  # what is wrong with a single row is told when the rows are read
    except ValueError:
        return "unreadable_list"
    return ""


def _judge_zip(body: bytes) -> str:
    if body[:4] not in (b"PK\x03\x04", b"PK\x05\x06"):
        return "damaged_zip"
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_UNPACKED:
                return "huge_zip"
            return "damaged_zip" if archive.testzip() else ""
    except (zlib.error, lzma.LZMAError):
        return "damaged_zip"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError):
        # the directory is at the end: an archive that begins well and has none was cut off
        return "damaged_zip" if b"PK\x05\x06" in body[-65_557:] else "truncated_zip"
