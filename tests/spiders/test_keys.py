"""The key of EDINET is hidden in text, and pauses before a repetition are what the server asked for."""

import logging
from datetime import UTC, datetime

import pytest

from spiders.keys import RedactLogs, redact
from spiders.retry import seconds_of

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def test_a_key_in_a_query_is_hidden_whatever_it_is() -> None:
    text = "<GET https://x/api?date=1&Subscription-Key=abc123&type=2> subscription-key=zz"
    assert redact(text) == (
        "<GET https://x/api?date=1&Subscription-Key=HIDDEN&type=2> subscription-key=HIDDEN"
    )


def test_a_log_line_with_the_key_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDINET_API_KEY", "0123456789abcdef")
    record = logging.LogRecord("a", logging.INFO, "", 1, "sent %s", ("0123456789abcdef",), None)
    assert RedactLogs().filter(record)
    assert record.getMessage() == "sent HIDDEN"
    try:
        raise ValueError("0123456789abcdef")
    except ValueError as error:
        trouble = (type(error), error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, "", 1, "failed", (), trouble)
    RedactLogs().filter(record)
    assert "0123456789abcdef" not in logging.Formatter().format(record)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Sat, 21 Nov 2026 03:01:30 GMT", 90.0),
        ("Sat, 21 Nov 2026 02:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str, seconds: float | None) -> None:
    assert seconds_of(header, NOW) == seconds
