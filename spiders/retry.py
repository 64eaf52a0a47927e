"""Repeats a failed request only after the time the server asked for, or a growing pause."""

import asyncio
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scrapy import Request
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.http import Response

from spiders.pace import Pace


class PatientRetry(RetryMiddleware):
    """Scrapy's retry middleware with pauses: Retry-After (RFC 9110, section 10.2.3), else 5, 10, 20 ... s and jitter.

    A host that fails or asks for time gets no other request meanwhile. One that asks for more than
    ``KANAGURA_RETRY_MAX_WAIT`` is not asked again: the response says so in ``meta["come_back"]`` (seconds).
    """

    async def process_request(self, request: Request) -> None:
        """Wait before a repetition that the spider itself asked for (``meta["patient"]``)."""
        if request.meta.pop("patient", False):
            await asyncio.sleep(self._backoff(_times(request) - 1))

    def process_response(  # type: ignore[override]
        self, request: Request, response: Response
    ) -> Request | Response:
        """Return the response, or the request to repeat once the host may be asked again."""
        if response.status not in self.retry_http_codes or request.meta.get("dont_retry"):
            return response
        header = (response.headers.get("Retry-After") or b"").decode("latin-1")
        asked = seconds_of(header, datetime.now(UTC))
        if asked is not None and asked > self.crawler.settings.getfloat("KANAGURA_RETRY_MAX_WAIT"):
            request.meta["come_back"] = asked
            return response
        self._hold(request, self._backoff(_times(request)) if asked is None else asked)
        return super().process_response(request, response)

    def process_exception(  # type: ignore[override]
        self, request: Request, exception: Exception
    ) -> Request | Response | None:
        """Return None for an error that is final, or the request to repeat once the host may be asked again."""
        if isinstance(exception, self.exceptions_to_retry) and not request.meta.get("dont_retry"):
            self._hold(request, self._backoff(_times(request)))
        return super().process_exception(request, exception)

    def _hold(self, request: Request, seconds: float) -> None:
        pace = self.crawler.get_extension(Pace)
        if pace is not None and _times(request) < self.max_retry_times:
            pace.hold(request.url, seconds)

    def _backoff(self, times: int) -> float:
        """Return the pause before repetition number ``times`` (from 0): doubled each time, up to half as much more."""
        settings = self.crawler.settings
        wait = settings.getfloat("KANAGURA_RETRY_WAIT") * 2**times * random.uniform(1, 1.5)  # noqa: S311  no secret
        return min(wait, settings.getfloat("KANAGURA_RETRY_MAX_WAIT"))


def _times(request: Request) -> int:
    return int(request.meta.get("retry_times", 0))


def seconds_of(retry_after: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks to wait from ``now`` (aware), None without a valid one."""
    text = retry_after.strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None
