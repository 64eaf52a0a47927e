"""Prompts out, replies back: every reply is its own prompt's, lists are full, room is kept, and chats go alone."""

import asyncio
import socket
from dataclasses import replace
from typing import Any

import pytest

from rephrase.requests import REFUSED, Message, Reply, Request, Sampling
from tests.rephrase.completions import Completions, Said, engine, events, prompts, request, right, texts, up

MANY = [f"{number}番目の文書から問いを作ってください。" + "数" * (number % 50) for number in range(200)]
OWN = [f"「{prompt}」について" for prompt in MANY]


def test_every_prompt_gets_its_own_reply_and_lists_are_full() -> None:
    async def story() -> None:
        async with up(Completions()) as server, engine(server) as client:
            assert await texts(client, MANY) == OWN
            assert [len(prompts(body)) for body in server.bodies] == [8] * 25
            for body in server.bodies:  # alike in length: they take similarly long
                lengths = [len(prompt) for prompt in prompts(body)]
                assert max(lengths) - min(lengths) <= 4
            assert client.counters.requests == 25
            assert client.counters.prompts == 200
            assert client.counters.prompt_tokens == 1400
            assert client.counters.completion_tokens == 600
            assert client.max_model_len == 2048

    asyncio.run(story())


def test_prompts_with_other_parameters_never_share_a_request() -> None:
    async def story() -> None:
        async with up(Completions()) as server, engine(server) as client:
            cold, warm = Sampling(max_tokens=64), Sampling(max_tokens=64, temperature=0.7)
            await asyncio.gather(*(client.reply(request(p, warm if p in MANY[::3] else cold)) for p in MANY))
            for body in server.bodies:
                assert len({prompt in MANY[::3] for prompt in prompts(body)}) == 1
                assert body["temperature"] == (0.7 if prompts(body)[0] in MANY[::3] else 0.0)

    asyncio.run(story())


def test_a_prompt_alone_does_not_wait_for_others() -> None:
    async def story() -> None:
        async with up(Completions()) as server, engine(server) as client:
            await texts(client, ["一"])  # the connection stands now
            loop = asyncio.get_running_loop()
            start = loop.time()
            for _ in range(20):
                await texts(client, ["一"])
            assert loop.time() - start < 1.0
            assert [len(prompts(body)) for body in server.bodies] == [1] * 21

    asyncio.run(story())


def test_a_chat_goes_alone_with_its_turns() -> None:
    async def story() -> None:
        async with up(Completions()) as server, engine(server) as client:
            turns = (Message("system", "日本語で答えます。"), Message("user", "預金とは何ですか。"))
            chats = [Request("m", turns, Sampling(max_tokens=9)) for _ in range(3)]
            replies = await asyncio.gather(*map(client.reply, chats))
            assert replies == [Reply("「預金とは何ですか。」について", "stop", 7, 3)] * 3
            assert [body["messages"][0]["role"] for body in server.bodies] == ["system"] * 3
            assert server.heads[-1].startswith("POST /v1/chat/completions ")

    asyncio.run(story())


def test_no_more_is_under_way_than_a_server_has_room_for() -> None:
    async def story() -> None:
        async with up(Completions(latency=0.01)) as server, engine(server, in_flight=16) as client:
            assert await texts(client, MANY * 5) == OWN * 5
            assert server.busiest == 16
            assert server.connections <= 16
            assert client.capacity == 16 + 2 * 4

    asyncio.run(story())


def test_connections_are_kept() -> None:
    async def story() -> None:
        async with up(Completions()) as server, engine(server, in_flight=8, prompts_per_request=1) as client:
            await texts(client, MANY)
            assert server.connections <= 9

    asyncio.run(story())


def test_choices_are_told_apart_by_their_index() -> None:
    """In any order; one that is missing or there twice is asked for again, and nothing else is."""

    def mood(body: dict[str, Any], number: int) -> Said | None:
        answer = right(body)
        answer["choices"].reverse()
        if number == 1:
            answer["choices"] = [*answer["choices"][2:], answer["choices"][5]]
        return Said(answer)

    async def story() -> None:
        async with up(Completions(mood)) as server, engine(server) as client:
            assert await texts(client, MANY[:8]) == OWN[:8]
            assert sorted(map(len, map(prompts, server.bodies))) == [3, 8]
            assert client.counters.retries == 3

    asyncio.run(story())


def test_a_reply_is_there_while_the_others_of_its_list_are_written() -> None:
    """And so is its place: the next list does not wait for the slowest of the last."""

    async def story() -> None:
        slowly = lambda body, _number: replace(events(body), drip=0.0005)  # noqa: E731
        async with up(Completions(slowly)) as server, engine(server, in_flight=32) as client:
            asked = [asyncio.create_task(client.reply(request(prompt))) for prompt in MANY[:8]]
            _, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            assert waiting
            assert client.counters.in_flight == len(waiting)
            assert [reply.text for reply in await asyncio.gather(*asked)] == OWN[:8]
            assert all(task.result()[2:4] == (7, 3) for task in asked)
            assert len(server.bodies) == 1

    asyncio.run(story())


@pytest.mark.parametrize("missing", [0, 3])
def test_a_stream_that_breaks_off_keeps_what_has_come(missing: int) -> None:
    """Even when all has come, and only the end of the stream has not."""

    def mood(body: dict[str, Any], number: int) -> Said | None:
        said = events(body)
        whole = said.body.split(b"\n\n")
        return replace(said, cut=len(b"\n\n".join(whole[: -3 - missing])) + 2) if number == 1 else None

    async def story() -> None:
        async with up(Completions(mood)) as server, engine(server) as client:
            assert await texts(client, MANY[:8]) == OWN[:8]
            assert [len(prompts(body)) for body in server.bodies[1:]] == [missing] * bool(missing)
            assert client.counters.prompts == 8
            assert client.counters.in_flight == 0

    asyncio.run(story())


def test_a_stream_that_ends_in_an_error_keeps_what_has_come() -> None:
    def mood(body: dict[str, Any], number: int) -> Said | None:
        said = events(body)
        error = b'data: {"error": {"message": "Internal server error"}}\n\ndata: [DONE]\n\n'
        half = b"\n\n".join(said.body.split(b"\n\n")[:12]) + b"\n\n"
        return replace(said, body=half + error) if number == 1 else None

    async def story() -> None:
        async with up(Completions(mood)) as server, engine(server) as client:
            assert await texts(client, MANY[:8]) == OWN[:8]
            assert len(prompts(server.bodies[1])) == 5
            assert client.counters.servers[0].said == "Internal server error"

    asyncio.run(story())


def test_a_bad_prompt_in_a_list_is_found_and_the_others_are_answered() -> None:
    def mood(body: dict[str, Any], _number: int) -> Said | None:
        bad = any("長すぎる" in prompt for prompt in prompts(body))
        error = {"error": {"message": "This model's maximum context length is 2048 tokens.", "code": 400}}
        return Said(error, 400) if bad else None

    async def story() -> None:
        async with up(Completions(mood)) as server, engine(server) as client:
            wanted = [*MANY[:60], "長すぎる文書", *MANY[60:]]
            replies = await asyncio.gather(*(client.reply(request(one)) for one in wanted))
            assert replies.pop(60) == Reply("This model's maximum context length is 2048 tokens.", REFUSED)
            assert [reply.text for reply in replies] == OWN
            assert client.counters.refused == 1
            assert client.counters.prompts == 200
            assert len(server.bodies) <= 26 + 2 * 3

    asyncio.run(story())


def test_a_prompt_with_half_a_character_is_refused_alone() -> None:
    """No UTF-8 can hold it: it goes as an escape, and the server judges it."""

    def mood(body: dict[str, Any], _number: int) -> Said | None:
        return Said({"detail": "no text"}, 422) if any("\ud842" in p for p in prompts(body)) else None

    async def story() -> None:
        async with up(Completions(mood)) as server, engine(server) as client:
            replies = await asyncio.gather(*(client.reply(request(p)) for p in ["吉", "\ud842", "田"]))
            assert [reply.text for reply in replies] == ["「吉」について", "no text", "「田」について"]

    asyncio.run(story())


def test_a_group_stays_on_one_server_as_long_as_that_is_not_too_busy() -> None:
    async def story() -> None:
        servers = up(Completions(latency=0.01)), up(Completions(latency=0.01))
        async with servers[0] as one, servers[1] as two, engine(one, two, prompts_per_request=4) as client:
            asked = [request(f"{g}組の文書{n}", group=str(g)) for n in range(4) for g in range(30)]
            await asyncio.gather(*map(client.reply, asked))
            for g in range(30):
                here = [sum(p.startswith(f"{g}組") for p in server.asked) for server in (one, two)]
                assert sorted(here) == [0, 4]
            assert one.asked
            assert two.asked
            # One group alone still takes both: its own server's room is worth more than its prefix.
            many = [request(f"大{n}", group="大") for n in range(2000)]
            await asyncio.gather(*map(client.reply, many))
            assert min(sum(p.startswith("大") for p in s.asked) for s in (one, two)) > 500

    asyncio.run(story())


def test_a_slow_server_gets_less_to_do() -> None:
    async def story() -> None:
        servers = up(Completions(latency=0.5)), up(Completions(latency=0.01))
        async with servers[0] as slow, servers[1] as fast, engine(slow, fast, in_flight=16) as client:
            assert await texts(client, MANY * 4) == OWN * 4
            assert len(fast.asked) > 4 * len(slow.asked) > 0

    asyncio.run(story())


def test_an_address_of_version_6_is_one_too() -> None:
    async def story() -> None:
        async with up(Completions(), host="::1") as server, engine(server) as client:
            assert await texts(client, ["円"]) == ["「円」について"]

    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on loopback here")
    asyncio.run(story())
