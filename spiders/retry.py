"""Repeats a failed request only after the time the server asked for, or a growing pause."""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scrapy import Request
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.http import Response


class PatientRetry(RetryMiddleware):
    """Scrapy's retry middleware with a pause: Retry-After (RFC 9110, section 10.2.3), else 5, 10, 20 ... s."""

    async def process_request(self, request: Request) -> None:
        """Wait before a repetition that the spider itself asked for (``meta["patient"]``)."""
        if request.meta.pop("patient", False):
            await self._pause(b"", times=_times(request) - 1)

    async def process_response(  # type: ignore[override]
        self, request: Request, response: Response
    ) -> Request | Response:
        """Return the response, or after a pause the request to repeat."""
        if response.status in self.retry_http_codes and not request.meta.get("dont_retry"):
            await self._pause(response.headers.get("Retry-After", b"") or b"", times=_times(request))
        return super().process_response(request, response)

    async def process_exception(  # type: ignore[override]
        self, request: Request, exception: Exception
    ) -> Request | Response | None:
        """Return None for an error that is final, or after a pause the request to repeat."""
        if isinstance(exception, self.exceptions_to_retry) and not request.meta.get("dont_retry"):
            await self._pause(b"", times=_times(request))
        return super().process_exception(request, exception)

    async def _pause(self, retry_after: bytes, *, times: int) -> None:
        settings = self.crawler.settings
        if times >= self.max_retry_times:
            return
        asked = seconds_of(retry_after.decode("latin-1"), datetime.now(UTC))
        wait = settings.getfloat("KANAGURA_RETRY_WAIT") * 2**times if asked is None else asked
        await asyncio.sleep(min(wait, settings.getfloat("KANAGURA_RETRY_MAX_WAIT")))


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
