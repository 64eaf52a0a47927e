"""What the captures of EDINET say of themselves: the meta of a filing, the day of the code list."""

import io
import re
import zipfile
import zlib

from spiders.edinet.api import Filing

META = (
    "docID", "edinetCode", "secCode", "filerName", "docDescription", "periodStart", "periodEnd",
    "submitDateTime", "docTypeCode", "formCode", "ordinanceCode", "parentDocID",
)  # fmt: skip
_AS_OF = re.compile(r"(\d{4})年 ?(\d{1,2})月 ?(\d{1,2})日現在,件数,(\d+)件")


def code_list_date(body: bytes) -> dict[str, str]:
    """Return ``as_of`` and ``count`` out of the first line of the code list in its ZIP, nothing if there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            name = next(name for name in archive.namelist() if name.lower().endswith(".csv"))
            with archive.open(name) as stream:
                line = stream.read(200).decode("cp932", "replace")
    except (
        zipfile.BadZipFile,
        StopIteration,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
    ):
        return {}
    if not (match := _AS_OF.search(line)):
        return {}
    year, month, day, count = map(int, match.groups())
    return {"as_of": f"{year}-{month:02}-{day:02}", "count": str(count)}


def about_filing(filing: Filing) -> dict[str, str]:
    """Return the meta of a filing's capture: the row's fields by their own names, and what all sources share."""
    row = filing.model_dump(mode="json")
    about = {name: str(row[name]) for name in META if row[name] is not None}
    submitted = filing.submitDateTime
    return {
        **about,
        "kind": "filing",
        "title": filing.docDescription or "",
        "language": "ja",
        "published_at": submitted.date().isoformat() if submitted else "",
        "event_at": filing.periodEnd.isoformat() if filing.periodEnd else "",
    }
