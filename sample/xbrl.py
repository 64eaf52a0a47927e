"""EDINET packages of a sample filing: type 1 (inline XBRL and instance) and the small attachments, byte for byte stable."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from html import escape
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sample.filing import Block, Figure, Filing, Named, Section, para, parts_of, sections
from sample.ixbrl import Writer, extension_namespace, namespaces, page
from sample.story import day

_FSA = "http://disclosure.edinet-fsa.go.jp"
_AXES = {
    "NonConsolidatedMember": (
        "jppfs_cor:ConsolidatedOrNonConsolidatedAxis",
        "jppfs_cor:NonConsolidatedMember",
    ),
    "MajorShareholdersMember": ("jpcrp_cor:MajorShareholdersAxis", "jpcrp_cor:{member}"),
    "ReportableSegmentMember": ("jpcrp_cor:OperatingSegmentsAxis", "{member}"),
    "Member": ("jpcrp_cor:DirectorsAndOtherOfficersAxis", "{member}"),
}
_UNITS = """<xbrli:unit id="JPY">
<xbrli:measure>iso4217:JPY</xbrli:measure>
</xbrli:unit>
<xbrli:unit id="JPYPerShares">
<xbrli:divide>
<xbrli:unitNumerator>
<xbrli:measure>iso4217:JPY</xbrli:measure>
</xbrli:unitNumerator>
<xbrli:unitDenominator>
<xbrli:measure>xbrli:shares</xbrli:measure>
</xbrli:unitDenominator>
</xbrli:divide>
</xbrli:unit>
<xbrli:unit id="pure">
<xbrli:measure>xbrli:pure</xbrli:measure>
</xbrli:unit>
<xbrli:unit id="shares">
<xbrli:measure>xbrli:shares</xbrli:measure>
</xbrli:unit>"""


def archive(members: dict[str, bytes], when: date) -> bytes:
    """A ZIP with one fixed time for every member, so that equal members give equal bytes."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as target:
        for name, body in members.items():
            entry = ZipInfo(name, (when.year, when.month, when.day, 9, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            entry.create_system = 0
            target.writestr(entry, body)
    return buffer.getvalue()


@cache
def package(filing: Filing) -> bytes:
    """The type=1 ZIP: XBRL/PublicDoc with inline files, instance, schema and manifest, and XBRL/AuditDoc."""
    public = "XBRL/PublicDoc"
    audit = f"jpaud-aar-cn-001_{filing.company.edinet_code}-000_{filing.year.end}_01_{filing.submitted}"
    members = {f"XBRL/AuditDoc/{audit}_ixbrl.htm": _audit(filing)}
    members["XBRL/AuditDoc/manifest_AuditDoc.xml"] = _manifest(
        "AuditDoc", "独立監査人の報告書", "jpaud", f"{audit}.xbrl", [f"{audit}_ixbrl.htm"]
    )
    names = []
    writer = Writer(filing.loss_mark)
    for number, blocks in filing.files:
        name = f"{number}_{filing.stem}_ixbrl.htm"
        names.append(name)
        body = writer.blocks(blocks)
        if number.endswith("header"):
            body += _header(filing)
        members[f"{public}/{name}"] = page(filing, number[:7], body)
    members[f"{public}/{filing.stem}.xbrl"] = _instance(filing)
    members[f"{public}/{filing.stem}.xsd"] = _schema(filing)
    members[f"{public}/manifest_PublicDoc.xml"] = _manifest(
        "PublicDoc", "提出本文書", "jpcrp030000", f"{filing.stem}.xbrl", names
    )
    return archive(members, filing.submitted)


def facts(filing: Filing) -> Iterator[Figure | Named | Section]:
    """Every tagged thing: the identity, then numbers, names and text blocks in reading order."""
    yield from filing.dei
    for _, blocks in filing.files:
        yield from sections(blocks)
        for part in parts_of(blocks):
            if not isinstance(part, str):
                yield part


def attachments(filing: Filing) -> bytes:
    """The type=3 ZIP: the articles of incorporation as one small page."""
    company = filing.company
    text = (
        f"<html><head><meta charset='utf-8'><title>定款</title></head><body><h1>{company.name}　定款</h1>"
        f"<p>第１条　当会社は、{company.name}と称し、英文では、{company.name_en}と表示する。</p></body></html>"
    )
    return archive({"AttachDoc/0000000_teikan.htm": text.encode()}, filing.submitted)


def english(filing: Filing) -> bytes:
    """The type=4 ZIP: a one-page English summary."""
    company, year = filing.company, filing.year
    text = (
        f"<html><head><title>{company.name_en}</title></head><body><h1>{company.name_en}</h1>"
        f"<p>Annual report for the fiscal year ended {year.end}. Net sales: JPY {year.net_sales:,}.</p></body></html>"
    )
    return archive({"EnglishDoc/0000000_summary.htm": text.encode()}, filing.submitted)


def _audit(filing: Filing) -> bytes:
    company = filing.company
    blocks: tuple[Block, ...] = (
        Section(
            "jpcrp_cor:IndependentAuditorsReportConsolidatedTextBlock",
            "FilingDateInstant",
            (
                para(f"独立監査人の監査報告書\n{day(filing.submitted)}"),
                para(f"{company.name}\n取締役会　御中"),
                para(
                    "まぼろし有限責任監査法人\n東京事務所\n指定有限責任社員　業務執行社員　公認会計士　虚空　一"
                ),
                para(
                    "当監査法人は、金融商品取引法第193条の２第１項の規定に基づく監査証明を行うため、「経理の状況」に掲げられて"
                    f"いる{company.name}の{day(filing.year.start)}から{day(filing.year.end)}までの連結会計年度の"
                    "連結財務諸表について監査を行った。"
                ),
            ),
        ),
    )
    return page(filing, "jpaud", Writer(filing.loss_mark).blocks(blocks))


def _manifest(kind: str, title: str, name: str, instance: str, files: list[str]) -> bytes:
    listed = "\n".join(f"      <ixbrl>{file}</ixbrl>" for file in files)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<manifest xmlns="{_FSA}/2013/manifest">\n  <tocComposition>\n'
        f'    <title xml:lang="ja">{title}</title>\n    <item ref="{name}" in="presentation" />\n'
        "  </tocComposition>\n  <list>\n"
        f'    <instance id="{name}" type="{kind}" preferredFilename="{instance}">\n{listed}\n    </instance>\n'
        "  </list>\n</manifest>\n"
    ).encode()


def _header(filing: Filing) -> str:
    writer = Writer(filing.loss_mark)
    hidden = "\n".join(writer.fact(fact) for fact in filing.dei)
    return (
        '\n<div style="display: none">\n<ix:header>\n<ix:hidden>\n'
        f"{hidden}\n</ix:hidden>\n<ix:references>\n"
        f'<link:schemaRef xlink:type="simple" xlink:href="{filing.stem}.xsd" />\n</ix:references>\n'
        f"<ix:resources>\n{_contexts(filing)}\n{_UNITS}\n</ix:resources>\n</ix:header>\n</div>"
    )


def _contexts(filing: Filing) -> str:
    names = sorted({fact.context for fact in facts(filing)})
    return "\n".join(context(filing, name) for name in names)


def period(filing: Filing, name: str) -> tuple[date | None, date]:
    """Start (none for an instant) and end of a context, by its name."""
    if name.startswith("FilingDate"):
        return None, filing.submitted
    back = 0 if name.startswith("Current") else int(name[5])
    years = filing.company.years
    year = years[years.index(filing.year) - back]
    return (year.start if "Duration" in name else None), year.end


def context(filing: Filing, name: str) -> str:
    """The xbrli:context of a name such as Prior1YearInstant_NonConsolidatedMember."""
    start, end = period(filing, name)
    span = (
        f"<xbrli:startDate>{start}</xbrli:startDate>\n<xbrli:endDate>{end}</xbrli:endDate>"
        if start
        else f"<xbrli:instant>{end}</xbrli:instant>"
    )
    _, _, member = name.partition("_")
    scenario = ""
    if member:
        axis, value = next(pair for ending, pair in _AXES.items() if member.endswith(ending))
        value = value.format(member=member.replace("-000", "-000:", 1) if "-000" in member else member)
        scenario = (
            f'<xbrli:scenario>\n<xbrldi:explicitMember dimension="{axis}">{value}'
            "</xbrldi:explicitMember>\n</xbrli:scenario>\n"
        )
    return (
        f'<xbrli:context id="{name}">\n<xbrli:entity>\n'
        f'<xbrli:identifier scheme="{_FSA}">{filing.company.edinet_code}-000</xbrli:identifier>\n'
        f"</xbrli:entity>\n<xbrli:period>\n{span}\n</xbrli:period>\n{scenario}</xbrli:context>"
    )


def _instance(filing: Filing) -> bytes:
    declared = " ".join(f'xmlns:{key}="{uri}"' for key, uri in namespaces(filing, inline=False).items())
    plain = Writer(filing.loss_mark, tags=False)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<xbrli:xbrl {declared}>",
        f'<link:schemaRef xlink:href="{filing.stem}.xsd" xlink:type="simple"/>',
        _contexts(filing),
        _UNITS,
    ]
    seen = set()
    for fact in facts(filing):
        key = (fact.name, fact.context)
        if key in seen:
            continue
        seen.add(key)
        attributes = f'contextRef="{fact.context}"'
        if isinstance(fact, Figure):
            attributes += f' unitRef="{fact.unit}"'
        if isinstance(fact, Section):
            value = escape(plain.blocks(fact.blocks), quote=False)
        elif fact.value is None:
            lines.append(f'<{fact.name} {attributes} xsi:nil="true"/>')
            continue
        elif isinstance(fact, Figure):
            attributes += f' decimals="{fact.decimals}"'
            value = f"{fact.value}"
        else:
            value = escape(fact.value, quote=False)
        lines.append(f"<{fact.name} {attributes}>{value}</{fact.name}>")
    lines.append("</xbrli:xbrl>\n")
    return "\n".join(lines).encode()


def _schema(filing: Filing) -> bytes:
    namespace = extension_namespace(filing)
    names = namespaces(filing, inline=False)
    imports = "\n".join(
        f'  <import schemaLocation="{names[key]}_{names[key].split("/")[-2]}.xsd" namespace="{names[key]}" />'
        for key in ("jpcrp_cor", "jppfs_cor", "jpdei_cor")
    )
    own = sorted({fact.name for fact in facts(filing) if fact.name.startswith(filing.extension)})
    elements = "\n".join(
        f'  <element name="{name.partition(":")[2]}" id="{name.replace(":", "_")}" nillable="true" '
        'substitutionGroup="xbrli:item" type="nonnum:textBlockItemType" xbrli:periodType="instant" />'
        for name in own
    )
    return (
        '<?xml version="1.0"?>\n'
        '<schema xmlns="http://www.w3.org/2001/XMLSchema" xmlns:xbrli="http://www.xbrl.org/2003/instance" '
        'xmlns:nonnum="http://www.xbrl.org/dtr/type/non-numeric" '
        f'xmlns:{filing.extension}="{namespace}" targetNamespace="{namespace}" elementFormDefault="qualified">\n'
        f"{imports}\n{elements}\n</schema>\n"
    ).encode("utf-8-sig")
