"""The key of EDINET is hidden in text."""

import logging

import pytest

from spiders.keys import RedactLogs, redact


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
