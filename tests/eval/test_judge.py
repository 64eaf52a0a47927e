"""Judgments over HTTP: kept by content, parsed strictly, asked again at the temperatures of the benchmark, capped."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from datacards.errors import UserError
from eval.judge.asks import Ask
from eval.judge.endpoint import Endpoint
from eval.judge.pairs import both_orders, orders, preferred
from eval.judge.reading import PAIR, TEN, preference, rating, within
from eval.judge.repeats import repeated
from eval.judge.run import judge
from tests.eval.judging import KEY, SYSTEM, asked, asks, endpoint, judged, reply, served
from tests.rephrase.completions import Said


def test_an_answer_is_judged_once_and_one_character_judges_exactly_that_item_again(tmp_path: Path) -> None:
    wanted = asks(12)
    with served() as server:
        found = judged(server, tmp_path, wanted)
        again = judged(server, tmp_path, wanted)
        assert len(server.bodies) == 12
        assert [one.score for one in found] == [7.0] * 12
        assert [one.cached for one in again] == [True] * 12
        assert [replace(one, cached=False) for one in again] == found
        wanted[5] = replace(wanted[5], prompt=wanted[5].prompt + "。")
        changed = judged(server, tmp_path, wanted)
        assert [one.cached for one in changed] == [n != 5 for n in range(12)]
        assert len(server.bodies) == 13
        assert server.bodies[-1]["messages"][-1]["content"] == wanted[5].prompt


def test_a_judgment_tells_who_gave_it_and_what_it_took(tmp_path: Path) -> None:
    with served() as server:
        (one,) = judged(server, tmp_path, asks(1))
    assert (one.judge, one.text, one.finish) == ("judge-2026-10-01", "根拠が明快です。評価: [[7]]", "stop")
    assert (one.tokens_in, one.tokens_out, one.attempts, one.calls) == (120, 30, 1, 1)
    assert (one.failure, one.official) == ("", 7.0)


def test_what_bears_on_the_reply_is_asked_anew_and_nothing_else_is(tmp_path: Path) -> None:
    wanted = asks(3)
    with served() as server, served() as elsewhere:
        judged(server, tmp_path, wanted)
        for same in (
            {"concurrency": 2},
            {"price_in": 2.5, "price_out": 10.0},
            {"tries": 3},
            {"timeout_s": 9.0},
        ):
            judged(elsewhere, tmp_path, wanted, **same)
        assert not elsewhere.bodies
        for number, other in enumerate(
            ({"revision": "b"}, {"max_tokens": 99}, {"temperatures": (0.5,)}, {"extra": {"top_p": 0.9}}), 1
        ):
            judged(elsewhere, tmp_path, wanted, **other)
            assert len(elsewhere.bodies) == 3 * number
        judged(elsewhere, tmp_path, [replace(one, repeat=1) for one in wanted])
        assert len(elsewhere.bodies) == 15


def test_equal_texts_are_judged_once_in_one_run(tmp_path: Path) -> None:
    (one,) = asks(1)
    with served() as server:
        found = judged(server, tmp_path, [one, replace(one, question="q9", turn=2), one])
        assert len(server.bodies) == 1
    assert [judgment.score for judgment in found] == [7.0] * 3


def test_requests_are_under_way_side_by_side_and_no_more_than_allowed(tmp_path: Path) -> None:
    with served(latency=0.05) as server:
        judged(server, tmp_path, asks(20), concurrency=5)
        assert server.busiest == 5
        assert server.connections <= 5


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("よい回答です。評価:[[8]]", 8.0),
        ("[[7.5]] と [[3]]", 7.5),
        ("[2] の前に [[9]] がある", 9.0),
        ("評価: [6]", 6.0),
        ("[[10.]]", 10.0),
        ("[[11]]", 11.0),
        (f"[[{'9' * 400}]]", None),
        ("[[-1]]", None),
        ("［［7］］", None),
        ("評価: 7", None),
        ("[[七]]", None),
        ("[[ 7 ]]", None),
        ("", None),
    ],
)
def test_the_first_double_bracket_counts_else_the_first_single_one(text: str, score: float | None) -> None:
    assert rating(text) == score
    assert within(rating(text), TEN) == (score if score is None or score <= 10 else None)


def test_a_reply_without_a_score_is_asked_for_at_the_next_temperature(tmp_path: Path) -> None:
    texts = ["採点できません。", "[[85]]", "", "評価は [[6]] です。"]
    with served(lambda _body, number: reply(texts[number - 1])) as server:
        (one,) = judged(server, tmp_path, asks(1))
        assert [body["temperature"] for body in server.bodies] == [0.0, 0.001, 0.002, 0.003]
        assert judged(server, tmp_path, asks(1))[0].cached
    assert (one.score, one.official, one.failure, one.attempts) == (6.0, 85.0, "", 4)
    assert (one.tokens_in, one.tokens_out) == (480, 120)


@pytest.mark.parametrize(("finish", "failure"), [("stop", "unparsed"), ("length", "truncated")])
def test_five_replies_without_a_score_are_the_last_word(tmp_path: Path, finish: str, failure: str) -> None:
    with served(lambda _body, _number: reply("うーん。", finish)) as server:
        (one,) = judged(server, tmp_path, asks(1))
        assert [body["temperature"] for body in server.bodies] == [0.0, 0.001, 0.002, 0.003, 0.004]
        assert judged(server, tmp_path, asks(1))[0].failure == failure
        assert len(server.bodies) == 5
    assert (one.score, one.official, one.failure, one.attempts, one.text) == (
        None,
        -1.0,
        failure,
        5,
        "うーん。",
    )


def test_models_that_think_aloud_and_take_no_temperature_are_judges_too(tmp_path: Path) -> None:
    said = reply("<think>[[2]]かもしれない。</think>評価: [[9]]")
    options: dict[str, Any] = {
        "temperatures": (None, None), "max_tokens_field": "max_completion_tokens", "after": "</think>", "seed": 40,
        "extra": {"reasoning_effort": "low"},
    }  # fmt: skip
    with served(lambda _body, _number: said) as server:
        (one,) = judged(server, tmp_path, [replace(asks(1)[0], repeat=2)], **options)
    assert one.score == 9.0
    body = server.bodies[0]
    assert set(body) == {"model", "messages", "max_completion_tokens", "seed", "reasoning_effort"}
    assert body["seed"] == 42


def test_no_more_requests_are_sent_than_max_calls_and_what_was_judged_is_kept(tmp_path: Path) -> None:
    wanted = asks(10)
    with served() as server:
        with pytest.raises(
            UserError, match="max_calls: 4 requests were sent; max_calls is 4; raise it and run again"
        ):
            judged(server, tmp_path, wanted, max_calls=4, concurrency=3)
        assert len(server.bodies) == 4
        with pytest.raises(UserError, match="max_calls"):
            judged(server, tmp_path, wanted, max_calls=4)
        assert len(server.bodies) == 4
        assert len(judged(server, tmp_path, wanted, max_calls=10)) == 10
        assert len(set(asked(server))) == len(server.bodies) == 10


def test_max_cost_is_never_exceeded_whatever_the_replies_cost(tmp_path: Path) -> None:
    """The server counts 30 tokens out of 100 that are allowed: a million tokens out cost 1,000, so a call at most 0.1."""
    price = {"price_out": 1000.0, "max_tokens": 100}
    with served(latency=0.01) as server:
        with pytest.raises(
            UserError,
            match=r"max_cost: 0\.2\d+ USD may have been spent .* may cost 0\.1000; max_cost is 0\.3000",
        ):
            judged(
                server,
                tmp_path,
                asks(20),
                max_cost=0.3,
                concurrency=20,
                tokens_per_character=(1e-6, 0.5, 1.0),
                **price,
            )
        assert 0.03 * len(server.bodies) <= 0.3
        assert len(server.bodies) >= 6  # what was set aside for replies that came out shorter is free again
        judged(server, tmp_path, asks(20), max_cost=1.0, **price)
        assert len(server.bodies) == 20


def test_a_run_that_costs_too_much_at_the_least_sends_nothing(tmp_path: Path) -> None:
    lines: list[str] = []
    with served() as server:
        with pytest.raises(
            UserError, match=r"max_cost: judging takes \d+\.\d\d USD at the least; max_cost is 1\.00"
        ):
            judged(server, tmp_path, asks(50), lines, price_in=1e6, max_cost=1.0)
        assert not server.bodies
    assert len(lines) == 1
    assert lines[0].startswith("judge judge: 50 judgments, 0 there; about 50 requests, ")


def test_a_share_of_every_category_is_judged_three_times() -> None:
    wanted = [replace(one, turn=turn) for one in asks(30) for turn in (1, 2)]
    groups = ["会計" if int(one.question[1:]) < 20 else "倫理" for one in wanted]
    more = repeated(wanted, groups)
    assert len(more) == (4 + 2) * 2 * 2
    assert {one.repeat for one in more} == {1, 2}
    assert sum(int(one.question[1:]) >= 20 for one in more) == 2 * 2 * 2
    shuffled = list(zip(wanted, groups, strict=True))[::-1]
    assert set(repeated([a for a, _ in shuffled], [g for _, g in shuffled])) == set(more)
    assert repeated([], []) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://judge.example/v1"},
        {"url": "https://user:pass@judge.example/v1"},
        {"url": "https://judge.example/v1?api-key=abc"},
        {"api_key_env": "AWS_SECRET"},
        {"extra": {"temperature": 1}},
        {"extra": {"API_key": KEY}},
        {"tokens_per_character": (1.0, 0.5, 0.2)},
        {"api_key": KEY},
    ],
)
def test_an_endpoint_holds_no_secret_and_no_option_twice(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as error:
        Endpoint(**{"url": "https://judge.example/v1", "model": "judge", **wrong})
    assert next(iter(wrong)) in str(error.value)


def test_a_half_of_a_surrogate_pair_in_an_answer_is_judged_too(tmp_path: Path) -> None:
    with served() as server:
        (one,) = judged(server, tmp_path, [Ask("q", 1, "", "壊れた文字\ud83d")])
    assert one.score == 7.0


def test_a_busy_judge_does_not_lose_an_answer_as_long_as_it_serves_others(tmp_path: Path) -> None:
    """Of three requests it takes one: all are judged all the same."""
    busy = Said({"error": {"message": "rate limit"}}, 429)
    mood = lambda _body, number: reply() if number % 3 == 0 else busy  # noqa: E731
    with served(mood) as server:
        found = judged(server, tmp_path, asks(12), tries=8)
    assert [one.failure for one in found] == [""] * 12


def test_two_answers_are_judged_in_both_orders_and_tie_where_these_disagree(tmp_path: Path) -> None:
    """The judge prefers what is longer, and of equals what stands first."""

    def mood(body: dict[str, Any], _number: int) -> Said:
        one, two = body["messages"][-1]["content"].split("|")
        return reply("[[A]]" if len(one) >= len(two) else "[[B]]")

    pairs = [("短い。", "こちらの方が長い。"), ("根拠のある長い答えです。", "短い。"), ("同じ", "長さ")]
    wanted = [both_orders(f"q{n}", 1, SYSTEM, "{}|{}".format, pair) for n, pair in enumerate(pairs)]
    with served(mood) as server:
        found = judge(
            [ask for both in wanted for ask in both], endpoint(server), tmp_path / "j.db", scale=PAIR, say=str
        )
    judged_ = list(zip(found[::2], found[1::2], strict=True))
    assert [preferred(*both) for both in judged_] == [0.0, 1.0, 0.5]
    told = orders(judged_)
    assert (told.pairs, told.consistent, told.first_place) == (3, pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert preferred(found[0], replace(found[1], score=None)) is None
    assert orders([]).consistent is None


@pytest.mark.parametrize(
    ("text", "score"),
    [("[[A]]", 1.0), ("結論: [[B]]。", 0.0), ("[[C]]", 0.5), ("[A]", None), ("[[7]]", None)],
)
def test_a_preference_is_a_letter_in_double_brackets(text: str, score: float | None) -> None:
    assert preference(text) == score
