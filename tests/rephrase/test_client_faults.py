"""Servers that refuse, break off, dawdle or are something else: nothing is lost, and what cannot go on says why."""

import asyncio
import logging
import traceback
from typing import Any

import pytest

from datacards.errors import UserError
from rephrase.client.servers import Servers
from rephrase.requests import REFUSED
from tests.rephrase.completions import Completions, Mood, Said, engine, prompts, request, right, texts, up

MANY = [f"{number}番目の文書" for number in range(100)]
OWN = [f"「{prompt}」について" for prompt in MANY]
BUSY = Said({"error": {"message": "too many requests"}}, 503)
KEY = "sk-a-key-of-the-tests-0123456789"


def first(count: int, said: Said) -> Mood:
    """Return a mood that says the same to the first requests and answers all others."""
    return lambda _body, number: said if number <= count else None


def test_a_storm_of_refusals_passes() -> None:
    async def story() -> None:
        over = asyncio.get_running_loop().time() + 2.0
        mood = lambda _body, _number: BUSY if asyncio.get_running_loop().time() < over else None  # noqa: E731
        async with up(Completions(mood)) as server, engine(server, in_flight=32) as client:
            assert await texts(client, MANY) == OWN
            assert len(server.bodies) < 60  # the storm was not fed
            assert client.counters.retries > 0
            assert client.counters.refused == 0
            assert client.counters.prompts == 100
            assert not client.counters.servers[0].open

    asyncio.run(story())


def test_room_is_free_while_a_prompt_waits_for_a_better_moment() -> None:
    """With room for one prompt, the second is answered between the two tries of the first."""

    async def story() -> None:
        one = {"in_flight": 1, "prompts_per_request": 1}
        async with up(Completions(first(1, BUSY))) as server, engine(server, **one) as client:
            assert await texts(client, ["一", "二", "三"]) == [f"「{p}」について" for p in "一二三"]
            assert server.asked == ["一", "二", "三", "一"]

    asyncio.run(story())


def test_retry_after_is_heeded() -> None:
    async def story() -> None:
        wait = Said({}, 429, headers=(("Retry-After", "1"),))
        async with up(Completions(first(1, wait))) as server, engine(server) as client:
            loop = asyncio.get_running_loop()
            start = loop.time()
            assert await texts(client, MANY) == OWN
            assert 1.0 <= loop.time() - start < 5.0

    asyncio.run(story())


def test_what_one_server_refuses_another_answers() -> None:
    async def story() -> None:
        servers = up(Completions(first(10**6, BUSY))), up(Completions())
        async with servers[0] as bad, servers[1] as good, engine(bad, good) as client:
            assert await texts(client, MANY * 10) == OWN * 10
            assert client.counters.servers[0].open
            assert client.counters.servers[0].said == "503 too many requests"
            assert client.counters.servers[1].answered == 1000

    asyncio.run(story())


@pytest.mark.parametrize(
    "wrong",
    [
        Said(right({"prompt": "一"}), cut=20),
        Said(b'{"choices": [{"index": 0, "text": "cut'),
        Said(b"<html>Bad Gateway</html>", 502),
        Said({"choices": [{"index": 0, "text": "", "finish_reason": "abort"}]}),
        Said({"choices": [{"index": 0, "text": None, "finish_reason": "stop"}]}),
        Said({"choices": []}),
        Said(b""),
        Said(b'{"choices": ' + b"[" * 100_000),
        Said(b'{"a": "' + b"a" * (33 << 20) + b'"}'),
    ],
    ids=["cut", "no_json", "gateway", "abort", "no_text", "no_choice", "empty", "deep", "huge"],
)
def test_an_answer_that_is_none_is_asked_for_again(wrong: Said) -> None:
    async def story() -> None:
        mood = lambda _body, number: wrong if number in (3, 5, 6) else None  # noqa: E731
        async with up(Completions(mood)) as server, engine(server, prompts_per_request=1) as client:
            assert await texts(client, MANY[:20]) == OWN[:20]
            assert client.counters.retries == 3

    asyncio.run(story())


def test_an_answer_that_drips_is_given_up_in_time() -> None:
    async def story() -> None:
        drip = Said(right({"prompt": "一"}), drip=0.2)
        async with up(Completions(first(1, drip))) as server, engine(server, timeout_s=1.0) as client:
            assert await texts(client, ["二"]) == ["「二」について"]
            assert client.counters.servers[0].said == "no answer in time"

    asyncio.run(story())


def test_a_server_that_hangs_up_after_every_answer_loses_nothing() -> None:
    async def story() -> None:
        mood = lambda body, _number: Said(right(body), close=True)  # noqa: E731
        async with up(Completions(mood)) as server, engine(server, in_flight=8) as client:
            assert await texts(client, MANY) == OWN

    asyncio.run(story())


def test_a_prompt_that_a_server_fails_at_is_given_up_and_no_other() -> None:
    def mood(body: dict[str, Any], _number: int) -> Said | None:
        return Said({"error": {"message": "boom"}}, 500) if "毒" in prompts(body) else None

    async def story() -> None:
        async with up(Completions(mood)) as server, engine(server, tries=3) as client:
            replies = await asyncio.gather(*(client.reply(request(p)) for p in [*MANY, "毒"]))
            assert [reply.text for reply in replies[:-1]] == OWN
            assert replies[-1].finish_reason == REFUSED
            assert replies[-1].text == "asked 3 times: 500 boom"

    asyncio.run(story())


def test_a_server_that_fails_at_all_prompts_ends_the_run_and_blames_no_prompt() -> None:
    async def story() -> None:
        error = Said({"error": {"message": "CUDA error"}}, 500)
        async with (
            up(Completions(first(10**6, error))) as server,
            engine(server, tries=3, patience_s=2.0) as client,
        ):
            with pytest.raises(UserError) as told:
                await texts(client, MANY)
            assert client.counters.refused == 0
            where, said = server.address, told.value.format_message()
            assert said.startswith(
                f"{where}: no server has answered for 2 s; {where} said last: 500 CUDA error; "
            )
            assert said.endswith("see to the servers and run again: finished replies are kept")
            with pytest.raises(UserError):
                await client.reply(request("一"))

    asyncio.run(story())


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (Said(b"<html>welcome</html>"), "the answer is none of the OpenAI interface: it starts with '<html>"),
        (Said(b"[]"), "the answer is none of the OpenAI interface"),
        (
            Said({"data": "none"}),
            "the answer is none of the OpenAI interface: it lists no models; an address",
        ),
        (
            Said(b"", 302, (("Location", "http://example.invalid/"),)),
            "302 a redirect to http://example.invalid/, which",
        ),
        (
            Said({"data": [{"id": "./other"}]}),
            "it serves './other'; 'm' is asked for; correct the model's name",
        ),
        (
            Said({"detail": "nothing here"}, 404),
            "it answered 404 nothing here; an address that ends with /v1",
        ),
        (
            Said({"error": {"message": "wrong key"}}, 401),
            "it lets nobody in: 401 wrong key; a key is read from OPENAI",
        ),
        (
            Said({"error": "\x1b[2Jloading\u202e"}, 503),
            r"the server did not answer: 503 \\u\{1b\}\[2Jloading\\u\{202e\};",
        ),
        (
            Said(b"{}", cut=1),
            "the server did not answer: Response payload .* run again: finished replies are kept",
        ),
    ],
    ids=["html", "list", "no_models", "redirect", "other_model", "no_page", "no_key", "away", "closed"],
)
def test_what_is_no_server_of_the_model_is_one_clear_message(models: Said, message: str) -> None:
    async def story() -> None:
        async with up(Completions(models=models)) as wrong:
            client = Servers([wrong.address], "m", key="")
            with pytest.raises(UserError, match=message):
                await client.start()
            assert len(wrong.heads) == 1

    asyncio.run(story())


def test_nothing_there_is_one_clear_message() -> None:
    async def story() -> None:
        async with up(Completions()) as server:
            address = server.address
        with pytest.raises(UserError, match=f"{address}: the server did not answer: Cannot connect .* kept"):
            await Servers([address], "m", key="").start()

    asyncio.run(story())


def test_a_page_in_place_of_replies_ends_the_run_at_once() -> None:
    """A server that lists no models is believed, until it answers a prompt with a page."""

    async def story() -> None:
        page = Completions(first(10**6, Said(b"<html>welcome</html>")), models=Said(b"", 501))
        async with up(page), engine(page, in_flight=2, prompts_per_request=1) as client:
            with pytest.raises(
                UserError, match=r"no server takes these requests; .*: it starts with '<html>"
            ):
                await texts(client, MANY)
            assert len(page.bodies) <= 2

    asyncio.run(story())


def test_a_redirect_is_not_followed_and_the_key_stays_here() -> None:
    async def story() -> None:
        async with up(Completions()) as elsewhere:
            there = Said(b"", 307, (("Location", elsewhere.address + "/completions"),))
            async with up(Completions(first(10**6, there))) as server, engine(server, key=KEY) as client:
                with pytest.raises(UserError, match=r"307 a redirect to .*, which is not followed"):
                    await texts(client, MANY)
                assert f"Authorization: Bearer {KEY}" in server.heads[-1]
                assert not elsewhere.heads

    asyncio.run(story())


def test_the_key_is_in_no_message_no_log_and_no_reply(caplog: pytest.LogCaptureFixture) -> None:
    """Some servers repeat it: in a refusal, in a failure, even in a reply."""
    caplog.set_level(logging.DEBUG)
    said = f"Incorrect API key provided: {KEY}"

    def mood(body: dict[str, Any], number: int) -> Said | None:
        if "悪" in prompts(body):
            return Said({"error": {"message": said}}, 400)
        if "鍵" in prompts(body):
            return Said({"choices": [{"index": 0, "text": KEY, "finish_reason": "stop"}]})
        return Said({"error": {"message": said}}, 500) if number > 2 else None

    async def story() -> list[str]:
        async with up(Completions(mood)) as server, engine(server, key=KEY, patience_s=1.0) as client:
            told = await texts(client, ["悪"]) + await texts(client, ["鍵"])
            with pytest.raises(UserError) as ended:
                await texts(client, MANY)
            told += ["".join(traceback.format_exception(ended.value)), ended.value.format_message()]
            return [*told, repr(client), repr(vars(client)["counters"]), client.counters.servers[0].said]

    told = [*asyncio.run(story(), debug=True), caplog.text]
    assert told[0] == "Incorrect API key provided: ***"
    assert told[1] == "***"
    assert "Incorrect API key provided: ***" in told[3]
    assert not any(KEY in text for text in told)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://127.0.0.1/v1", "it is no address of a server"),
        ("127.0.0.1:8000/v1", "it is no address of a server"),
        ("http://[::1/v1", "it is no address of a server"),
        ("http://me:secret@127.0.0.1/v1", "servers: an address with a name or a password in it"),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(address: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as told:
        Servers([address], "m", key="")
    assert "secret" not in str(told.value)


def test_one_address_twice_and_none_at_all_are_refused() -> None:
    with pytest.raises(UserError, match="an address is there twice"):
        Servers(["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/"], "m", key="")
    with pytest.raises(UserError, match="no address of a server"):
        Servers([], "m", key="")


def test_a_key_that_no_header_can_hold_is_refused_unseen() -> None:
    with pytest.raises(UserError, match="it holds signs that no key has") as told:
        Servers(["http://127.0.0.1:8000/v1"], "m", key="sk-\r\nX-Other: 1")
    assert "sk-" not in str(told.value)


def test_an_error_of_the_client_itself_ends_all_waiting() -> None:
    """Groups that no order can be made of break what sends lists; whoever waits is told of it."""

    async def story() -> None:
        async with up(Completions()) as server, engine(server) as client:
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # it is logged, too
            groups: list[Any] = ["eins", 2]
            asks = [client.reply(request("文書", group=one)) for one in groups]
            async with asyncio.timeout(5):
                ends = await asyncio.gather(*asks, return_exceptions=True)
            assert [type(one) for one in ends] == [UserError, UserError]
            assert "TypeError" in str(ends[0])

    asyncio.run(story())
