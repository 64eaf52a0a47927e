"""The licenses of the sources as data: what may be done with a record, and how to name its source."""

from collections.abc import Mapping
from dataclasses import dataclass

from datacards.card import Rights
from datacards.errors import UserError


@dataclass(frozen=True, slots=True)
class License:
    """One license or set of terms; ``attribution`` may hold ``{url}`` and ``{title}``."""

    id: str
    title: str
    url: str
    attribution: str
    redistribution: bool
    share_alike: bool = False
    derivatives: bool = True
    commercial: bool = True

    def attribute(self, url: str, title: str) -> str:
        """Return the words that must accompany the record from ``url``."""
        return self.attribution.format(url=url, title=title)


_KNOWN = (
    License(
        id="BOJ-terms",
        title="Bank of Japan: terms of use of its site",
        url="https://www.boj.or.jp/about/abouthp.htm",
        attribution="出典：日本銀行「{title}」（{url}）",
        redistribution=False,
        derivatives=False,
        commercial=False,
    ),
    License(
        id="PDL-1.0",
        title="Public Data License 1.0",
        url="https://www.digital.go.jp/resources/open_data/public_data_license_v1.0",
        attribution="出典：EDINET閲覧（提出）サイト「{title}」（{url}）、PDL1.0。加工して作成",
        redistribution=True,
    ),
    License(
        id="CC-BY-SA-4.0",
        title="Creative Commons Attribution-ShareAlike 4.0",
        url="https://creativecommons.org/licenses/by-sa/4.0/",
        attribution="出典：「{title}」（{url}）、CC BY-SA 4.0",
        redistribution=True,
        share_alike=True,
    ),
    License(
        id="all-rights-reserved",
        title="No license given: information analysis only",
        url="https://elaws.e-gov.go.jp/document?lawid=345AC0000000048",
        attribution="出典：「{title}」（{url}）",
        redistribution=False,
        derivatives=False,
        commercial=False,
    ),
)
LICENSES = {license_.id: license_ for license_ in _KNOWN}


def license_of(name: str) -> License:
    """Return the license called ``name``; raise UserError naming the known ones."""
    if name in LICENSES:
        return LICENSES[name]
    raise UserError(
        "rights", f"no license '{name}'", f"known: {', '.join(LICENSES)}", "add it to datacards/rights.py"
    )


def counted(records: Mapping[str, int]) -> list[Rights]:
    """Return the Rights of a version from the number of its records under each license."""
    return [
        Rights(
            license=name,
            attribution=license_of(name).attribution,
            redistribution=license_of(name).redistribution,
            records=number,
        )
        for name, number in sorted(records.items())
    ]
