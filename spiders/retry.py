"""Repeats a failed request when its host may be asked again."""

from scrapy import Request
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.http import Response

from spiders.pace import Pace, times_of


class PatientRetry(RetryMiddleware):
    """Scrapy's retry middleware for hosts that get pauses (``spiders.pace``): Retry-After, else 5, 10, 20 ... s and jitter.

    A response of a host that wants more than ``KANAGURA_RETRY_MAX_WAIT`` is not repeated; the spider ends the crawl.
    """

    async def process_request(self, request: Request) -> None:
        """Wait before a repetition that the spider itself asked for (``meta["patient"]``)."""
        pace = self.crawler.get_extension(Pace)
        if request.meta.pop("patient", False) and pace:
            await pace.rest(times_of(request) - 1)

    def process_response(  # type: ignore[override]
        self, request: Request, response: Response
    ) -> Request | Response:
        """Return the response, or the request to repeat."""
        return response if "come_back" in request.meta else super().process_response(request, response)
