"""A judge that fails in every way: what heals is judged, what does not is told, and the key is nowhere."""

import time
from pathlib import Path
from typing import Any

import pytest

from datacards.errors import UserError
from eval.judge.asks import Ask
from tests.eval.judging import KEY, asks, first, judged, reply, served
from tests.rephrase.completions import Mood, Said

RIGHT = reply()
FILTERED = {"error": {"message": "The response was filtered", "code": "content_filter", "status": 400}}


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a key into the environment."""
    monkeypatch.setenv("JUDGE_API_KEY", KEY)
    return KEY


@pytest.mark.parametrize(
    "wrong",
    [
        Said({"error": {"message": "rate limit"}}, 429),
        Said({"error": {"message": "boom"}}, 500),
        Said(b"<html>Bad Gateway</html>", 502),
        Said({"error": "overloaded"}, 529),
        Said(RIGHT.body, cut=40),
        Said(b'{"choices": [{"message": {"content": "[[9'),
        Said(b"<html>[[9]]</html>"),
        Said(b""),
        Said(b"[[9]]"),
        Said({"choices": []}),
        Said({"choices": [{"message": "[[9]]"}]}),
        Said({"error": {"message": "upstream failed [[9]]", "code": 502}}),
        Said(b'{"choices": ' + b"[" * 100_000),
        Said(b'{"a": "' + b"9" * (1 << 20) + b'"}'),
        Said(RIGHT.body, wait=3.0),
        Said(RIGHT.body, drip=0.01),
    ],
    ids=[
        "busy", "boom", "gateway", "overloaded", "cut", "no_json", "page", "nothing", "array", "no_choice", "no_message",
        "error_in_200", "deep", "huge", "late", "drip",
    ],
)  # fmt: skip
def test_what_is_no_reply_is_asked_for_again(tmp_path: Path, wrong: Said) -> None:
    with served(first(2, wrong)) as server:
        found = judged(server, tmp_path, asks(4), timeout_s=0.5, most_bytes=1 << 19, concurrency=2)
        assert len(server.bodies) == 6
        assert {body["temperature"] for body in server.bodies} == {0.0}
    assert [(one.score, one.attempts) for one in found] == [(7.0, 1)] * 4
    assert sum(one.calls for one in found) == 6


def test_a_server_is_left_alone_for_as_long_as_it_asks(tmp_path: Path) -> None:
    """Nobody asks in the meantime, not only the one that was told to wait."""
    times: list[float] = []

    def mood(_body: dict[str, Any], number: int) -> Said:
        times.append(time.monotonic())
        return Said({}, 429, headers=(("Retry-After", "1"),)) if number == 1 else reply()

    with served(mood, latency=0.05) as server:
        found = judged(server, tmp_path, asks(12), concurrency=2)
    assert [one.score for one in found] == [7.0] * 12
    assert sum(later - times[0] < 1.0 for later in times) <= 3  # what was under way when it said so
    assert times[-1] - times[0] >= 1.0


def test_a_server_that_wants_an_hour_ends_the_run(tmp_path: Path) -> None:
    wait = Said({}, 429, headers=(("Retry-After", "3600"),))
    with served(first(1, wait)) as server:
        with pytest.raises(
            UserError, match="asks to be left alone for 3600 s; patience_s is 600; later run again"
        ):
            judged(server, tmp_path, asks(3), concurrency=1)
        assert [one.score for one in judged(server, tmp_path, asks(3))] == [7.0] * 3


@pytest.mark.parametrize(
    "refusal",
    [
        Said(FILTERED, 400),
        Said({"error": {"message": "Your input was flagged by moderation"}}, 403),
        reply("途中まで", "content_filter"),
        reply("", refusal="申し訳ありませんが、採点できません。[[1]]"),
    ],
    ids=["azure", "moderation", "finish", "field"],
)
def test_a_refusal_is_asked_for_once_more_and_then_stands(tmp_path: Path, refusal: Said) -> None:
    mood: Mood = lambda body, _number: refusal if "第1問" in body["messages"][-1]["content"] else reply()  # noqa: E731
    with served(mood) as server:
        found = judged(server, tmp_path, asks(3))
        assert len(server.bodies) == 4
        again = judged(server, tmp_path, asks(3))
        assert len(server.bodies) == 4
    assert [one.failure for one in found] == ["", "filtered", ""] == [one.failure for one in again]
    assert (found[1].score, found[1].official, found[1].attempts) == (None, -1.0, 2)
    with served(first(1, refusal)) as server:
        assert judged(server, tmp_path / "once", asks(1))[0].score == 7.0


@pytest.mark.parametrize("status", [500, 400])
def test_an_answer_that_cannot_be_judged_is_told_and_asked_for_in_the_next_run(
    tmp_path: Path, status: int
) -> None:
    bad = Said({"error": {"message": "maximum context length is 4096 tokens"}}, status)
    mood: Mood = lambda body, _number: bad if "第1問" in body["messages"][-1]["content"] else reply()  # noqa: E731
    with served(mood) as server:
        found = judged(server, tmp_path, asks(5), tries=3)
        assert len(server.bodies) == (4 + 3 if status == 500 else 5)
    assert [one.failure for one in found] == ["", "error", "", "", ""]
    assert found[1].text == f"{status} maximum context length is 4096 tokens"
    assert not found[1].cached
    with served() as server:
        assert [one.score for one in judged(server, tmp_path, asks(5))] == [7.0] * 5
        assert len(server.bodies) == 1


def test_a_server_that_judges_nothing_ends_the_run_and_blames_no_answer(tmp_path: Path) -> None:
    error = Said({"error": {"message": "CUDA error"}}, 500)
    with served(first(10**6, error)) as server:
        with pytest.raises(
            UserError, match="2 of 40 answers could not be judged; the last one: 500 CUDA error; max_errors"
        ):
            judged(server, tmp_path, asks(40), tries=2, concurrency=1)
        assert len(server.bodies) == 4
        with pytest.raises(UserError, match="1 of 1 answers could not be judged"):
            judged(server, tmp_path, asks(1), tries=2)
    with pytest.raises(UserError, match="could not be judged; the last one: Cannot connect"):
        judged(server, tmp_path, asks(40), tries=2)


@pytest.mark.parametrize(
    ("barred", "words"),
    [
        (Said({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401), "401 Incorrect API key provided: ***"),
        (Said({"error": {"message": "The model `judge` does not exist"}}, 404), "404 The model `judge` does not exist"),
        (
            Said({"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, 429),
            "429 You exceeded your quota",
        ),
        (Said(b"", 302, headers=(("Location", f"http://elsewhere.example/{KEY}"),)), "302 a redirect to http://elsewhere"),
    ],
    ids=["key", "model", "quota", "redirect"],
)  # fmt: skip
def test_a_judge_that_lets_nobody_in_ends_the_run_at_once(
    tmp_path: Path, key: str, barred: Said, words: str
) -> None:
    with served(first(10**6, barred)) as server:
        with pytest.raises(UserError) as error:
            judged(server, tmp_path, asks(40), api_key_env="JUDGE_API_KEY", concurrency=1)
        assert len(server.bodies) == 1
    said = error.value.format_message()
    assert words in said
    assert "the key is read from JUDGE_API_KEY, which is set" in said
    assert key not in said


def test_the_key_goes_to_the_judge_and_stands_nowhere(
    tmp_path: Path, key: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not where the judge repeats it either: plain, in its name, or with a slash written as JSON may have it."""
    escaped = key.replace("/", "\\/").encode()
    said = Said(
        b'{"model": "j-' + key.encode() + b'", "choices": [{"finish_reason": "stop", "message": {"content": "'
        + escaped + b' ' + key.encode() + b' [[4]]"}}]}'
    )  # fmt: skip
    with served(lambda _body, number: said if number % 2 else Said({"error": key}, 500)) as server:
        lines: list[str] = []
        found = judged(server, tmp_path, asks(6), lines, api_key_env="JUDGE_API_KEY")
        assert all(f"Authorization: Bearer {key}" in head for head in server.heads)
    assert {one.text for one in found} == {"*** *** [[4]]"}
    assert {one.judge for one in found} == {"j-***"}
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert written
    for secret in (key.encode(), escaped):
        assert secret not in written + "".join([*lines, *capfd.readouterr()]).encode()


def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "鍵\n秘密")
    with served() as server, pytest.raises(UserError) as error:
        judged(server, tmp_path, [Ask("q", 1, "", "採点")])
    assert "OPENAI_API_KEY" in error.value.format_message()
    assert "秘密" not in error.value.format_message()
    assert not server.bodies
