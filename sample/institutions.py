"""The financial institutions of the sample world: eight sites, eight layouts, and what a crawl of each must keep.

    for host, institution in INSTITUTIONS.items():
        institution.kept()      # (Kept("/yougo/1001.html", "委託保証金", "term"), ...)

No institution here exists, but two are companies of ``sample.companies``, whose profiles agree with their filings.
"""

from collections.abc import Mapping
from functools import partial

from sample import institution_charsets as charsets
from sample import institution_reports as reports
from sample import institution_terms as terms
from sample.http import Request, Respond, Response
from sample.institution_pages import Institution, Kept

__all__ = ["HOSTS", "INSTITUTIONS", "Kept"]

INSTITUTIONS: Mapping[str, Institution] = {
    "bank": Institution("definition lists by row, an image map, session ids", terms.bank, terms.bank_kept),
    "securities": Institution(
        "a kana index, one page for a term, Shift_JIS", terms.securities, terms.securities_kept
    ),
    "insurer": Institution(
        "frames in frames, EUC-JP without a word of it", charsets.insurer, charsets.insurer_kept
    ),
    "regional_bank": Institution(
        "a table of terms, ISO-2022-JP", charsets.regional_bank, charsets.regional_bank_kept
    ),
    "leasing": Institution("charsets that are declared wrongly", charsets.leasing, charsets.leasing_kept),
    "asset_manager": Institution(
        "a list over several pages", reports.asset_manager, reports.asset_manager_kept
    ),
    "trust_bank": Institution("a shelf of PDFs by year", reports.trust_bank, reports.trust_bank_kept),
    "association": Institution(
        "a calendar without end, folders in folders",
        reports.association,
        reports.association_kept,
        reports.endless,
    ),
}


def respond(host: str, request: Request) -> Response:
    """The site of one institution; a session id in the query makes no difference."""
    query = "&".join(f"{name}={value}" for name, value in request.query.items() if name != "sid")
    return INSTITUTIONS[host].answer(request.path + ("?" + query if query else ""))


HOSTS: Mapping[str, Respond] = {host: partial(respond, host) for host in INSTITUTIONS}
