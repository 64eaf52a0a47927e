"""Servers that die for good, die and come back, or were never there; and a client that is interrupted."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from datacards.errors import UserError
from tests.rephrase.completions import Completions, engine, process, texts, up

MANY = [f"{number}番目の文書" for number in range(4000)]
OWN = [f"「{prompt}」について" for prompt in MANY]


def at(port: int) -> str:
    """Return the address of a server process."""
    return f"http://127.0.0.1:{port}/v1"


def test_a_server_that_is_killed_in_the_middle_loses_nothing() -> None:
    with process() as (victim, first), process() as (_, second):

        async def story() -> None:
            async with engine(at(first), at(second), in_flight=64) as client:
                asked = asyncio.create_task(texts(client, MANY))
                while client.counters.prompts < 1000:
                    await asyncio.sleep(0.01)
                victim.kill()
                assert await asked == OWN
                lost, left = client.counters.servers
                assert lost.open
                assert lost.answered < left.answered
                assert lost.answered + left.answered == len(MANY)

        asyncio.run(story())


def test_servers_that_are_killed_again_and_again_answer_everything_in_the_end() -> None:
    """Both are killed and started again at random; nobody else helps, and no prompt is blamed."""

    async def life(port: int, client_done: asyncio.Event, chance: random.Random) -> int:
        deaths = 0
        while not client_done.is_set():
            with process(port) as (running, _):
                await asyncio.sleep(chance.uniform(0.8, 2.0))
                running.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
            deaths += 1
        return deaths

    async def story() -> None:
        with process() as (_, first), process() as (_, second):
            ports = first, second
        done = asyncio.Event()
        lives = [asyncio.create_task(life(port, done, random.Random(port))) for port in ports]  # noqa: S311
        async with engine(*map(at, ports), in_flight=32, ready_s=20.0, patience_s=60.0) as client:
            assert await texts(client, MANY[:3000]) == OWN[:3000]
            assert client.counters.refused == 0
        done.set()
        assert sum(await asyncio.gather(*lives)) > 2

    asyncio.run(story())


def test_servers_that_die_for_good_end_the_run_with_what_each_said_last() -> None:
    with process() as (one, first), process() as (two, second):

        async def story() -> None:
            async with engine(at(first), at(second), in_flight=64, patience_s=2.0) as client:
                asked = asyncio.create_task(texts(client, MANY))
                while client.counters.prompts < 100:
                    await asyncio.sleep(0.01)
                one.kill()
                two.kill()
                start = time.monotonic()
                with pytest.raises(UserError) as told:
                    await asked
                assert 2.0 < time.monotonic() - start < 10.0
                said = told.value.format_message()
                assert said.startswith("servers: no server has answered for 2 s; ")
                for port in (first, second):
                    assert f"{at(port)} said last: Cannot connect to host 127.0.0.1:{port}" in said
                assert said.endswith("run again: finished replies are kept")

        asyncio.run(story())


def test_a_server_that_comes_later_is_used() -> None:
    with process() as (_, port):
        pass

    async def story() -> None:
        async with up(Completions(latency=0.05)) as here, engine(here, at(port), in_flight=16) as client:
            assert client.counters.servers[1].open
            with process(port):
                while client.counters.servers[1].open:
                    await asyncio.sleep(0.05)
                assert await texts(client, MANY[:400]) == OWN[:400]
                assert client.counters.servers[1].answered > 100

    asyncio.run(story())


def test_the_first_server_is_waited_for() -> None:
    with process() as (_, port):
        pass

    async def story() -> None:
        async def later() -> None:
            await asyncio.sleep(1.0)
            with process(port):
                await done.wait()

        done = asyncio.Event()
        other = asyncio.create_task(later())
        async with engine(at(port), ready_s=20.0) as client:
            assert await texts(client, MANY[:9]) == OWN[:9]
        done.set()
        await other

    asyncio.run(story())


CLIENT = """
import asyncio, sys
from tests.rephrase.completions import engine, texts

async def story():
    async with engine(sys.argv[1], in_flight=64) as client:
        asked = asyncio.create_task(texts(client, [str(number) for number in range(10_000)]))
        while client.counters.prompts < 64:
            await asyncio.sleep(0.01)
        print("under way", flush=True)
        await asked

asyncio.run(story())
"""


def test_an_interrupt_ends_a_client_at_once_and_without_noise() -> None:
    with process(latency=0.2) as (_, port):
        words = [sys.executable, "-W", "always", "-c", CLIENT, at(port)]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env=dict(os.environ)) as running:
            assert running.stdout
            assert running.stderr
            assert running.stdout.readline() == "under way\n"
            start = time.monotonic()
            running.send_signal(signal.SIGINT)
            said = running.stderr.read()
            running.wait(20)
        assert time.monotonic() - start < 5.0
        assert said.rstrip().endswith("KeyboardInterrupt")
        assert "never retrieved" not in said
        assert "Unclosed" not in said
        assert "was destroyed" not in said
