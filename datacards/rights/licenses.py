"""The licenses of the sources as data: what may be done with a record, and how to name its source."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from datacards.card import Rights
from datacards.errors import UserError

AND = " AND "
_PDL = "https://www.digital.go.jp/resources/open_data/public_data_license_v1.0"
_CC = "https://creativecommons.org"


@dataclass(frozen=True, slots=True)
class License:
    """One license or set of terms, or several that all apply (an SPDX expression with AND).

    ``attribution`` is the credit of what is given on as it was published, ``changed`` that of what was made from it:
    a reader must not take the second for the publisher's own words. Both may hold ``{url}`` and ``{title}``.
    ``redistribution``, ``derivatives`` and ``commercial`` say whether it may be given to others, changed, and used
    for profit; ``credit`` whether the source must be named. ``adapted`` names the licenses under which a work made
    from it may be given on: for share-alike itself alone, for no-derivatives none. ``spdx`` is the identifier of the
    SPDX list, or a ``LicenseRef-``; ``hub`` that of the Hugging Face Hub, '' where it has none.
    """

    id: str
    title: str
    url: str
    attribution: str
    changed: str
    redistribution: bool
    adapted: frozenset[str] = field(default_factory=frozenset)
    share_alike: bool = False
    derivatives: bool = True
    commercial: bool = True
    credit: bool = True
    spdx: str = ""
    hub: str = ""

    def attribute(self, url: str, title: str, *, changed: bool = False) -> str:
        """Return the words that must accompany the record from ``url``; a line for every license."""
        words = self.changed if changed else self.attribution
        return words.format(url=" ".join(url.splitlines()), title=" ".join(title.splitlines()))


def _creative_commons(kind: str, title: str, adapted: Iterable[str], **terms: bool) -> License:
    name = f"CC BY{kind.upper().removeprefix('BY')} 4.0"
    link = f"{_CC}/licenses/{kind}/4.0/"
    spdx = f"CC-{kind.upper()}-4.0"
    credit = f"出典：「{{title}}」（{{url}}）、{name}（{link}）"
    return License(
        id=spdx,
        title=f"Creative Commons {title} 4.0 International",
        url=link,
        attribution=credit,
        changed=f"{credit}をもとに加工して作成",
        redistribution=True,
        adapted=frozenset(adapted),
        spdx=spdx,
        hub=spdx.lower(),
        **terms,
    )


# Adaptations: section 2(a)(5)(B) and 3(b) of the licenses, and the chart of Creative Commons' FAQ. PDL 1.0 (1.7) and
# the Government of Japan's terms 2.0 (7) say of themselves that they may be used as CC BY 4.0.
_UNDER_BY = ("CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0")
_KNOWN = (
    License(
        id="BOJ-terms",
        title="Bank of Japan: terms of use of its site",
        url="https://www.boj.or.jp/about/abouthp.htm",
        attribution="出典：日本銀行「{title}」（{url}）",
        changed="日本銀行「{title}」（{url}）をもとに加工して作成（日本銀行が作成したものではありません）",
        redistribution=False,
        derivatives=False,
        commercial=False,
        spdx="LicenseRef-BOJ-terms",
    ),
    License(
        id="PDL-1.0",
        title="Public Data License 1.0",
        url=_PDL,
        attribution=f"出典：EDINET閲覧（提出）サイト「{{title}}」（{{url}}）、PDL1.0（{_PDL}）",
        changed=f"出典：「{{title}}」（EDINET閲覧（提出）サイト）（{{url}}）、PDL1.0（{_PDL}）をもとに本コーパスの作成者が加工して作成",
        redistribution=True,
        adapted=frozenset(("PDL-1.0", *_UNDER_BY)),
        spdx="LicenseRef-PDL-1.0",
    ),
    License(
        id="GJSTU-2.0",
        title="Government of Japan Standard Terms of Use 2.0",
        url="https://cio.go.jp/policy-opendata",
        attribution="出典：「{title}」（{url}）、政府標準利用規約（第2.0版）",
        changed="出典：「{title}」（{url}）、政府標準利用規約（第2.0版）をもとに本コーパスの作成者が加工して作成",
        redistribution=True,
        adapted=frozenset(("GJSTU-2.0", *_UNDER_BY)),
        spdx="LicenseRef-GJSTU-2.0",
    ),
    _creative_commons("by", "Attribution", _UNDER_BY),
    _creative_commons("by-sa", "Attribution-ShareAlike", ["CC-BY-SA-4.0"], share_alike=True),
    _creative_commons(
        "by-nc", "Attribution-NonCommercial", ["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"], commercial=False
    ),
    _creative_commons(
        "by-nc-sa",
        "Attribution-NonCommercial-ShareAlike",
        ["CC-BY-NC-SA-4.0"],
        commercial=False,
        share_alike=True,
    ),
    _creative_commons("by-nd", "Attribution-NoDerivatives", [], derivatives=False),
    License(
        id="CC0-1.0",
        title="Creative Commons Zero 1.0 Universal",
        url=f"{_CC}/publicdomain/zero/1.0/",
        attribution="出典：「{title}」（{url}）、CC0 1.0",
        changed="出典：「{title}」（{url}）、CC0 1.0をもとに加工して作成",
        redistribution=True,
        credit=False,
        adapted=frozenset(("CC0-1.0", "PDL-1.0", "GJSTU-2.0", "MIT", "Apache-2.0", *_UNDER_BY)),
        spdx="CC0-1.0",
        hub="cc0-1.0",
    ),
    License(
        id="MIT",
        title="MIT License",
        url="https://opensource.org/license/mit",
        attribution="出典：「{title}」（{url}）、MIT License",
        changed="出典：「{title}」（{url}）、MIT Licenseをもとに加工して作成",
        redistribution=True,
        adapted=frozenset(("MIT", "Apache-2.0", *_UNDER_BY)),  # while its notice stays
        spdx="MIT",
        hub="mit",
    ),
    License(
        id="Apache-2.0",
        title="Apache License 2.0",
        url="https://www.apache.org/licenses/LICENSE-2.0",
        attribution="出典：「{title}」（{url}）、Apache License 2.0",
        changed="出典：「{title}」（{url}）、Apache License 2.0をもとに加工して作成",
        redistribution=True,
        # Its clause on patents adds a condition that the licenses of Creative Commons do not know.
        adapted=frozenset(("Apache-2.0",)),
        spdx="Apache-2.0",
        hub="apache-2.0",
    ),
    License(
        id="all-rights-reserved",
        title="No license given: information analysis only",
        url="https://elaws.e-gov.go.jp/document?lawid=345AC0000000048",
        attribution="出典：「{title}」（{url}）",
        changed="「{title}」（{url}）をもとに加工して作成",
        redistribution=False,
        derivatives=False,
        commercial=False,
        spdx="LicenseRef-all-rights-reserved",
    ),
)
LICENSES = {license_.id: license_ for license_ in _KNOWN}


def expression(names: Iterable[str]) -> str:
    """Return one license expression for what stands under all of ``names``: sorted, each once, joined by AND."""
    return AND.join(sorted({part for name in names for part in _split(name)}))


def _split(name: str) -> list[str]:
    return [part for part in (one.strip() for one in name.split(AND)) if part]


def parts_of(name: str) -> tuple[License, ...]:
    """Return the licenses that an expression like ``CC-BY-SA-4.0 AND PDL-1.0`` names, in order of their names.

    Raises UserError naming the one that is unknown, and those that are known.
    """
    parts = sorted(set(_split(name)))
    unknown = next((part for part in parts or [name] if part not in LICENSES), None)
    if unknown is not None:
        raise UserError(
            "rights",
            f"no license {_quoted(unknown)}",
            f"known: {', '.join(LICENSES)}; several that all apply: {AND.join(list(LICENSES)[1:3])}",
            "add it to datacards/rights/licenses.py",
        )
    return tuple(LICENSES[part] for part in parts)


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:80]}…")


def license_of(name: str) -> License:
    """Return the license called ``name``; of an expression with AND, what holds where all of its parts apply.

    Raises UserError naming the known ones.
    """
    parts = parts_of(name)
    if len(parts) == 1:
        return parts[0]
    return License(
        id=expression([name]),
        title="; ".join(part.title for part in parts),
        url=parts[0].url,
        attribution="\n".join(part.attribution for part in parts),
        changed="\n".join(part.changed for part in parts),
        redistribution=all(part.redistribution for part in parts),
        adapted=frozenset.intersection(*(part.adapted for part in parts)),
        share_alike=any(part.share_alike for part in parts),
        derivatives=all(part.derivatives for part in parts),
        commercial=all(part.commercial for part in parts),
        credit=any(part.credit for part in parts),
        spdx=AND.join(part.spdx for part in parts),
    )


def counted(records: Mapping[str, int], *, changed: bool = True) -> list[Rights]:
    """Return the Rights of a version from the number of its records under each license.

    ``changed`` is false for captures, which are as they were published.
    """
    return [
        Rights(
            license=name,
            attribution=license_of(name).changed if changed else license_of(name).attribution,
            redistribution=license_of(name).redistribution,
            records=number,
        )
        for name, number in sorted(records.items())
    ]


class RightsRow(NamedTuple):
    """One line of the rights table of a page; ``attribution`` holds ``{title}`` and ``{url}`` of each record."""

    license: str
    records: int
    redistribution: bool
    derivatives: bool
    commercial: bool
    share_alike: bool
    attribution: str
    link: str


def rights_rows(records: Mapping[str, int]) -> list[RightsRow]:
    """Return the rights table of a version from the number of its records under each license or expression."""
    rows = []
    for name, number in sorted(records.items()):
        one = license_of(name)
        links = " ".join(part.url for part in parts_of(name))
        rows.append(
            RightsRow(
                license=name,
                records=number,
                redistribution=one.redistribution,
                derivatives=one.derivatives,
                commercial=one.commercial,
                share_alike=one.share_alike,
                attribution=one.changed,
                link=links,
            )
        )
    return rows
