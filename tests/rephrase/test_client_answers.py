"""Bytes of an answer become replies, whatever they are; and bodies have the fields that vLLM and OpenAI know."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacards.endpoints.answers import BrokenError, ForeignError, told
from datacards.endpoints.transport import seconds
from rephrase.client.answers import replies, shared
from rephrase.client.stream import Stream
from rephrase.client.wire import UnsayableError, body, head
from rephrase.requests import Message, Reply, Request, Sampling

CHAT = (Message("user", "円とは何ですか。"),)


def asked(*prompts: str, **sampling: Any) -> list[Request]:
    """Return requests that share a body."""
    same = Sampling(**{"max_tokens": 50, **sampling})
    return [Request("m", prompt, same) for prompt in prompts]


def answer(*choices: dict[str, Any], into: int = 0, out: int = 0) -> bytes:
    """Return the bytes of an answer."""
    usage = {"prompt_tokens": into, "completion_tokens": out}
    return json.dumps({"choices": list(choices), "usage": usage}).encode()


def choice(index: int, text: str, reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    return {"index": index, "text": text, "finish_reason": reason, **more}


def test_tokens_of_one_request_are_shared_out_by_length_and_their_sum_is_exact() -> None:
    """Replies that were cut off are known to have ``max_tokens``; the rest is shared by the others."""
    said = answer(choice(0, "あ" * 9), choice(1, "い" * 29), choice(2, "う" * 80, "length"), into=100, out=90)
    found = replies(said, asked("一" * 9, "二" * 29, "三" * 59))
    assert [reply.prompt_tokens for reply in found if reply] == [10, 30, 60]
    assert [reply.completion_tokens for reply in found if reply] == [10, 30, 50]


def event(index: int, text: str, reason: str | None = None, out: int = 1, **more: Any) -> bytes:
    """Return the line of one event of a stream."""
    usage = {"prompt_tokens": 10 + index, "completion_tokens": out}
    said = {"choices": [choice(index, text, reason, **more)], "usage": usage}
    return b"data: " + json.dumps(said, ensure_ascii=False).encode() + b"\n\n"


def test_events_become_replies_as_they_end_with_the_tokens_of_each() -> None:
    stream = Stream(asked("一", "二", scored=("A",)))
    scores = [{"top_logprobs": [{"A": value}]} for value in (-0.5, -7.0)]
    assert stream.feed(event(0, "あ", logprobs=scores[0]) + b": keep-alive\n\n" + event(1, "い")) == []
    assert stream.feed(event(1, "う", "length", 50)) == [(1, Reply("いう", "length", 11, 50))]
    assert stream.feed(event(1, "え", "stop", 51)) == []  # it has ended
    last = Reply("あお", "stop", 10, 2, {"A": -0.5})
    assert stream.feed(event(0, "お", "stop", 2, logprobs=scores[1])) == [(0, last)]
    assert stream.feed(b'data: {"choices": [], "usage": {}}\n\ndata: [DONE]\n\n') == []


def test_events_that_cannot_be_read_are_left_out() -> None:
    stream = Stream(asked("一"))
    wrong = (
        b"[",
        b"7",
        b"null",
        b'"a"',
        b"{}",
        b'{"choices": 1}',
        b'{"choices": [1]}',
        b"\xff",
        b"[" * 99_999,
    )
    assert stream.feed(b"".join(b"data:" + one + b"\n" for one in wrong)) == []
    assert stream.feed(b'data: {"choices": [{"index": 9, "text": "", "finish_reason": "stop"}]}\n') == []
    assert stream.feed(b'data: {"error": {"message": "Internal server error", "code": 500}}\n') == []
    assert stream.trouble == "Internal server error"
    assert stream.feed(event(0, "あ", "stop")) == [(0, Reply("あ", "stop", 10, 1))]


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**4), min_size=1, max_size=20))
def test_shares_add_up(total: int, weights: list[int]) -> None:
    parts = shared(total, weights)
    assert sum(parts) == (total if sum(weights) else 0)
    assert all(
        0 <= part <= total * weight / (sum(weights) or 1) + 1
        for part, weight in zip(parts, weights, strict=True)
    )


def test_scores_are_found_by_the_ids_of_tokens_and_by_their_texts() -> None:
    by_id = {
        "top_logprobs": [{"token_id:7": -0.5, "token_id:9": -2.0, "token_id:1": -0.1}, {"token_id:7": -9.0}]
    }
    wanted = {"scored": ("A", "B"), "logprob_token_ids": (7, 9)}
    (found,) = replies(answer(choice(0, "A", logprobs=by_id)), asked("問", **wanted))
    assert found
    assert found.logprobs == {"A": -0.5, "B": -2.0}
    by_text = {"top_logprobs": [{" A": -0.5, "A": -3.0, "▁": -1.0, " C": -4.0}]}
    (found,) = replies(answer(choice(0, "A", logprobs=by_text)), asked("問", scored=("A", "B", "C")))
    assert found
    assert found.logprobs == {"A": -3.0, "C": -4.0}
    content = {
        "token": "B",
        "logprob": -0.2,
        "top_logprobs": [{"token": "A", "logprob": -1.7}, {"token": "B", "logprob": -0.2}],
    }
    message = {
        "index": 0,
        "message": {"content": "B"},
        "logprobs": {"content": [content]},
        "finish_reason": "stop",
    }
    (found,) = replies(answer(message), [Request("m", CHAT, Sampling(max_tokens=1, scored=("A", "B")))])
    assert found == Reply("B", "stop", 0, 0, {"A": -1.7, "B": -0.2})


def test_scores_that_no_float_holds_are_none() -> None:
    body = json.dumps(
        {"choices": [{"text": "A", "logprobs": {"top_logprobs": [{"A": -(10**400), "B": -1}]}}]}
    )
    found = replies(body.encode(), asked("一", scored=("A", "B")))
    assert found[0] is not None
    assert found[0].logprobs == {"B": -1.0}


def test_half_a_character_in_a_reply_becomes_a_replacement_sign() -> None:
    (found,) = replies(
        b'{"choices": [{"index": 0, "text": "\\ud842\\udfb7\\ud842", "finish_reason": "stop"}]}', asked("一")
    )
    assert found == Reply("𠮷\ufffd", "stop")


def test_a_chat_that_says_nothing_says_nothing() -> None:
    said = {"choices": [{"index": 0, "message": {"content": None, "refusal": "no"}, "finish_reason": "stop"}]}
    assert replies(json.dumps(said).encode(), [Request("m", CHAT, Sampling(max_tokens=1))]) == [
        Reply("", "stop")
    ]


@pytest.mark.parametrize(
    "said", [b"", b"<html>", b"[]", b"7", b"{}", b'{"choices": {}}', b'{"error": {"message": "no"}}']
)
def test_what_is_none_of_the_interface_is_told_apart(said: bytes) -> None:
    with pytest.raises(ForeignError):
        replies(said, asked("一"))


@pytest.mark.parametrize(
    "said", [b'{"choices": [', b'{"a": "\xff"}', b"{" * 9, b'{"a": ' + b"[" * 99_999, b'{"a": ' + b"1" * 9999]
)
def test_what_is_cut_off_or_garbled_is_told_apart(said: bytes) -> None:
    with pytest.raises(BrokenError):
        replies(said, asked("一"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["choices", "index", "text", "message", "content", "finish_reason", "usage", "prompt_tokens",
                         "completion_tokens", "logprobs", "top_logprobs", "token", "logprob", "token_ids", "error"]),
        inner, max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["choices", "usage", "error"]), JSON, max_size=3), st.integers(1, 4))
def test_no_json_makes_anything_but_replies_of_the_right_kind(said: dict[str, Any], count: int) -> None:
    wanted = asked(*"一二三四"[:count], scored=("A", "B"))
    try:
        found = replies(json.dumps(said).encode(), wanted)
    except (BrokenError, ForeignError):
        return
    assert len(found) == count
    for reply in found:
        if reply:
            json.dumps(reply, allow_nan=False).encode()
            assert (type(reply.text), type(reply.finish_reason)) == (str, str)
            assert min(reply.prompt_tokens, reply.completion_tokens) >= 0


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b'{"error": {"message": "too long", "code": 400}}', "too long"),
        (b'{"message": "this model takes 10 tokens"}', "this model takes 10 tokens"),
        (b'{"detail": [{"loc": ["body", "prompt"]}]}', '[{"loc": ["body", "prompt"]}]'),
        (b'{"error": "loading"}', "loading"),
        (b"Bad Gateway\n", "Bad Gateway"),
        (b"\xff", "\ufffd"),
        (b"", ""),
    ],
)
def test_the_words_of_an_error_are_found_wherever_a_server_puts_them(said: bytes, words: str) -> None:
    assert told(said) == words


def test_retry_after_is_a_number_or_a_date() -> None:
    now = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)
    assert seconds("7") == 7.0
    assert seconds("Sat, 21 Nov 2026 09:00:30 GMT", now) == 30.0
    assert seconds("Sat, 21 Nov 2026 08:00:00 GMT", now) == 0.0
    assert seconds("9" * 400) == 3600.0
    assert [seconds(wrong) for wrong in ("", "-1", "nan", "soon", "٣", "Sat, 21 Nov 2026 09:00:30")] == [
        0.0
    ] * 6


FULL: dict[str, Any] = {
    "max_tokens": 9, "temperature": 0.7, "top_p": 0.9, "stop": ("\n\n", "###"), "seed": 2**63 - 1,
    "repetition": {"max_pattern_size": 48, "min_count": 3}, "scored": ("A", "B"), "logprob_token_ids": (7, 9),
}  # fmt: skip
SCHEMA = {"type": "object", "properties": {"question": {"type": "string"}}}


@pytest.mark.slow
@pytest.mark.parametrize(
    "structured", [{"json": SCHEMA}, {"regex": "A|B"}, {"choice": ["A", "B"]}, {"grammar": 'root ::= "A"'}]
)
def test_vllm_knows_every_field_by_the_same_name(structured: dict[str, Any]) -> None:
    chats = pytest.importorskip("vllm.entrypoints.openai.chat_completion.protocol")
    completions = pytest.importorskip("vllm.entrypoints.openai.completion.protocol")
    sampling = Sampling(**FULL, structured=structured)
    for known, prompt in ((completions.CompletionRequest, "円"), (chats.ChatCompletionRequest, CHAT)):
        start = head("m", sampling, chat=prompt is CHAT, stream=prompt is not CHAT)
        made = json.loads(body(start, [Request("m", prompt, sampling)]))
        assert made.keys() <= known.model_fields.keys()
        ready = known.model_validate(made).to_sampling_params(9, {})
        assert ready.stream_interval == (None if prompt is CHAT else 9)
        assert ready.seed == 2**63 - 1
        assert ready.logprob_token_ids == [7, 9]
        assert ready.repetition_detection.min_count == 3
        assert getattr(ready.structured_outputs, next(iter(structured))) == next(iter(structured.values()))


def test_a_plain_server_gets_only_what_openai_knows() -> None:
    chat = json.loads(
        body(head("m", Sampling(**FULL, structured={"json": SCHEMA}), chat=True, vllm=False), asked(""))
    )
    schema = {"name": "reply", "schema": SCHEMA, "strict": True}
    assert chat["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert (chat["logprobs"], chat["top_logprobs"]) == (True, 20)
    plain = json.loads(
        body(head("m", Sampling(**FULL), chat=False, vllm=False, stream=True), asked("一", "二"))
    )
    assert plain.keys() == {
        "model",
        "max_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "logprobs",
        "prompt",
    }
    assert plain["prompt"] == ["一", "二"]
    with pytest.raises(UnsayableError, match="no field for regex here"):
        head("m", Sampling(max_tokens=1, structured={"regex": "A|B"}), chat=True, vllm=False)


def test_fields_that_are_not_set_are_not_sent() -> None:
    assert json.loads(body(head("m", Sampling(max_tokens=4), chat=False), asked("一"))) == {
        "model": "m", "max_tokens": 4, "temperature": 0.0, "top_p": 1.0, "prompt": "一",
    }  # fmt: skip
