"""``scrapy check``: does the site still answer as its spider expects? One request for each spider, nothing is kept.

``scrapy check`` asks the real sites; with ``-s KANAGURA_BASE_URLS=...`` it asks a copy. The two contracts stand in the
docstring of ``CaptureSpider.checked_list``.
"""

from collections.abc import Callable
from typing import Any

from scrapy.contracts import Contract
from scrapy.exceptions import ContractFail

from spiders.base import CaptureSpider
from spiders.records import Visit


class _OfSpider(Contract):
    def __init__(self, method: Callable[..., Any], *args: Any) -> None:
        super().__init__(method, *args)
        spider = method.__self__  # type: ignore[attr-defined]
        assert isinstance(spider, CaptureSpider)  # noqa: S101  the house has no other kind
        self.spider = spider


class Probes(_OfSpider):
    """Asks for the list that the spider says is typical of its site."""

    name = "probes"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Take over the spider's own request."""
        request = self.spider.probe()
        return {**args, "url": request.url, "meta": dict(request.meta), "cb_kwargs": dict(request.cb_kwargs)}


class NamesDocuments(_OfSpider):
    """Fails unless the list was captured as a good one and names at least so many documents (1)."""

    name = "names_documents"

    def post_process(self, output: list[Any]) -> None:
        """Hold what the spider made of the list against what it must be."""
        least = int(self.args[0]) if self.args and self.args[0] else 1
        visits = [one.capture for one in output if isinstance(one, Visit)]
        if problems := [f"{c.url}: {c.meta['problem']}" for c in visits if "problem" in c.meta]:
            raise ContractFail("; ".join(problems))
        if (found := self.spider.documents_named(output)) < least:
            raise ContractFail(f"the list names {found} documents, at least {least} are expected")
