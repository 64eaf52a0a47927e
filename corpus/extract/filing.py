"""What a filing says of itself, and EDINET's list and file names of it: the document's metadata."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath

from corpus.document import Capture, Document
from corpus.extract.record import base_document
from corpus.extract.tables import Element, local

#: The name of an EDINET file: report, filer, last day of the period, submission, day of submission.
_STEM = re.compile(
    r"(?P<form>jp[a-z]{3}\d{0,6})-(?P<report>[a-z0-9]{2,4})(?:-[a-z]{2})?-\d{3}_(?P<filer>[A-Z]\d{5})-\d{3}_"
    r"(?P<end>\d{4}-\d{2}-\d{2})_\d{2}_(?P<submitted>\d{4}-\d{2}-\d{2})"
)
#: Fields of a row in EDINET's list of documents that have a name of ours in ``Document.meta``.
_ROW = {
    "edinetCode": "edinet_code",
    "secCode": "sec_code",
    "filerName": "filer",
    "docTypeCode": "doc_type",
    "periodStart": "period_start",
    "periodEnd": "period_end",
}
_DEI = {
    "EDINETCodeDEI": "edinet_code",
    "SecurityCodeDEI": "sec_code",
    "FilerNameInJapaneseDEI": "filer",
    "CurrentFiscalYearStartDateDEI": "period_start",
    "CurrentPeriodEndDateDEI": "period_end",
    "CurrentFiscalYearEndDateDEI": "fiscal_year_end",
    "TypeOfCurrentPeriodDEI": "period_type",
    "AccountingStandardsDEI": "accounting_standards",
    "AmendmentFlagDEI": "amendment",
    "IdentificationOfDocumentSubjectToAmendmentDEI": "amends",
    "DocumentTitleCoverPage": "document_title",
    "CompanyNameCoverPage": "cover_name",
}


def dei(root: Element) -> dict[str, str]:
    """Return what the document and entity information of a page, or of an instance, states about the filing."""
    found: dict[str, str] = {}
    for element in root.iter():
        name = element.get("name", "").rpartition(":")[2] if local(element) == "nonnumeric" else ""
        key = _DEI.get(name or str(element.tag).rpartition("}")[2])
        value = "".join(str(part) for part in element.itertext()).strip() if key else ""
        if key and value:
            found.setdefault(key, value)
    return found


def describe(capture: Capture, stated: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the metadata of a filing: what it says itself, then EDINET's list, then its file name."""
    row = {ours: capture.meta.get(theirs, "") for theirs, ours in _ROW.items()}
    stem = _STEM.search(name)
    named = stem.groupdict() if stem else {}
    about = {
        "edinet_code": stated.get("edinet_code") or row["edinet_code"] or named.get("filer", ""),
        "sec_code": stated.get("sec_code") or row["sec_code"],
        "filer": stated.get("filer") or row["filer"] or stated.get("cover_name", ""),
        "doc_type": row["doc_type"],
        "report": named.get("report", ""),
        "form": named.get("form", ""),
        "period_start": stated.get("period_start") or row["period_start"],
        "period_end": stated.get("period_end") or row["period_end"] or named.get("end", ""),
        "submitted": capture.meta.get("submitDateTime", "")[:10] or named.get("submitted", ""),
    }
    kept = ("document_title", "accounting_standards", "fiscal_year_end", "period_type", "amends")
    about |= {key: stated.get(key, "") for key in kept}
    return {key: value for key, value in about.items() if value}


def document_of(capture: Capture, kind: str, text: str, about: Mapping[str, str]) -> Document:
    """Return the base document of a filing or of its audit reports."""
    described = capture.meta.get("docDescription") or about.get("document_title", "")
    if kind == "audit_report":
        described = f"{described} 監査報告書".strip()
    title = f"{about.get('filer', '')} {described}".strip() or PurePosixPath(capture.url).name
    known = {key: value for key, value in capture.meta.items() if key not in _ROW}
    return base_document(
        replace(capture, meta=known),
        text=text,
        title=title,
        kind=kind,
        event_at=day(about.get("period_end", "")),
        published_at=day(about.get("submitted", "")),
        meta={**about, "kind": kind},
    )


def day(text: str) -> date | None:
    """Return the date that an ISO 8601 text begins with, or None."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
