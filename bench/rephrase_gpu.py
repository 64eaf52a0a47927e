"""Output tokens/s through our client and a vLLM server, beside the engine's own offline rate on the same prompts.

The model is a Mistral of the shape of a 7B one with random weights, whose replies all have the length that is asked
for. The offline engine runs first, in a process of its own; then one server answers all cases. The first case has the
first of each option; the others change one of them. Every case has prompts that the server has not seen, of which the
first case's and the offline engine's are the same.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.measures import vllm_server
from bench.measures.random_mistral import Prompts, make
from rephrase.client.servers import Servers
from rephrase.generators.cpu import ENVIRONMENT, FLAGS
from rephrase.requests import Request, Sampling

_SERVED = "measured"
#: The engine's own defaults on a GPU of 70 GiB and more, offline; said, so that the server has the same.
_GPU_FLAGS = ("--dtype", "bfloat16", "--max-num-seqs", "1024", "--max-num-batched-tokens", "16384")
_WARM = 256  # prompts, of 32 tokens each, before anything counts
_SEED = 7


@dataclass(frozen=True, slots=True)
class Case:
    """One way of asking: tokens of the common prefix, prompts in flight and in one request, and a seed or none."""

    prefix: int
    in_flight: int
    per_request: int
    seeded: bool = False

    @property
    def name(self) -> str:
        """Return what sets it apart, for tables."""
        seed = ", seeded" if self.seeded else ""
        return f"prefix {self.prefix}, {self.in_flight} in flight, {self.per_request} a request{seed}"


@dataclass(frozen=True, slots=True)
class Job:
    """What all cases share."""

    model: Path
    flags: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    prompts: Prompts
    count: int
    tokens: int
    ready_s: float

    def sampling(self, case: Case) -> Sampling:
        """Return the parameters of a case: those that recipes use, without anything that ends a reply early."""
        return Sampling(self.tokens, temperature=0.7, top_p=0.9, seed=_SEED if case.seeded else None)

    def made(self, case: Case) -> list[str]:
        """Return the prompts of a case."""
        return self.prompts.make(self.count, case.prefix, case.name)

    def warm(self, case: Case) -> list[str]:
        """Return prompts that no case has."""
        return self.prompts.make(min(self.count, _WARM), case.prefix, "warm")


def cases(
    prefixes: Sequence[int], in_flight: Sequence[int], per_request: Sequence[int], *, seeded: bool
) -> list[Case]:
    """Return the first of each, then each other one with the first of the rest; what tells most comes first."""
    first = Case(prefixes[0], in_flight[0], per_request[0])
    return [
        first,
        *([replace(first, seeded=True)] if seeded else []),
        *(replace(first, per_request=one) for one in per_request[1:]),
        *(replace(first, prefix=one) for one in prefixes[1:]),
        *(replace(first, in_flight=one) for one in reversed(in_flight[1:])),
    ]


def offline(job: Job, asked: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """Run the offline engine in a child process; yield figures as they come: its start, then case by case."""
    path = job.folder / "offline.json"
    known = [
        {"name": one.name, "prompts": job.made(one), "sampling": _offline_sampling(job.sampling(one))}
        for one in asked
    ]
    path.write_text(json.dumps({"flags": job.flags, "warm": job.warm(asked[0]), "cases": known}), "utf-8")
    words = [sys.executable, "-m", "bench.peers.vllm_offline", str(path)]
    log = job.folder / "offline.log"
    with (
        log.open("wb") as said,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=said, env=dict(job.environment)) as process,
    ):
        for line in process.stdout or ():
            if line.startswith(b'{"'):
                yield json.loads(line)
    if process.returncode:
        raise click.ClickException(f"the offline engine failed:\n{log.read_text(errors='replace')[-6000:]}")


def _offline_sampling(sampling: Sampling) -> dict[str, Any]:
    named = ("max_tokens", "temperature", "top_p", "seed")
    return {name: getattr(sampling, name) for name in named}


async def asked(address: str, job: Job, case: Case) -> dict[str, Any]:
    """Ask the server all prompts of a case through the client of the rephrase stage; return the figures."""
    requests = [Request(_SERVED, prompt, job.sampling(case)) for prompt in job.made(case)]
    engine = Servers(
        [f"{address}/v1"], _SERVED, key="", in_flight=case.in_flight, prompts_per_request=case.per_request
    )
    await engine.start()
    try:
        with vllm_server.Watch(address) as watch:
            start, cpu = time.perf_counter(), time.process_time()
            async with asyncio.timeout(job.ready_s):
                replies = await asyncio.gather(*(engine.reply(request) for request in requests))
            took, cpu = time.perf_counter() - start, time.process_time() - cpu
    finally:
        await engine.close()
    if lost := [reply for reply in replies if not reply.completion_tokens]:
        raise click.ClickException(
            f"{len(lost)} of {len(replies)} prompts had no reply: {lost[0].text[:300]}"
        )
    return {
        "name": case.name,
        "seconds": took,
        "prompts": len(replies),
        "prompt_tokens": sum(reply.prompt_tokens for reply in replies),
        "output_tokens": sum(reply.completion_tokens for reply in replies),
        "client_cpu_s": cpu - watch.cpu_s,
        "gpu_memory_mib": watch.memory_mib,
        "gpu_busy_percent": watch.busy_percent,
        "tokens_per_s_over_time": watch.rates,
    }


def through_client(job: Job, asked_for: Sequence[Case], until: float) -> Iterator[dict[str, Any]]:
    """Start a server and yield figures case by case; none is begun after ``until`` (time.monotonic) but the first."""
    start = time.perf_counter()
    flags = (*job.flags, "--served-model-name", _SERVED)
    with vllm_server.serving(flags, job.environment, job.folder, job.ready_s) as address:
        yield {"start_s": round(time.perf_counter() - start, 1)}
        for case in {one.seeded: one for one in asked_for}.values():
            warm = replace(job, count=min(job.count, _WARM), tokens=32)
            asyncio.run(asked(address, warm, replace(case, prefix=32)))
        for case in asked_for:
            if case is not asked_for[0] and time.monotonic() > until:
                break
            yield asyncio.run(asked(address, job, case))


def rate(figures: Mapping[str, Any]) -> float:
    """Return output tokens a second."""
    return round(figures["output_tokens"] / figures["seconds"], 1)


@contextmanager
def prepared(given: Mapping[str, Any], extra: Sequence[str]) -> Iterator[Job]:
    """Make the model and what all cases share, in the folder that was given or in one that is gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = given["folder"] or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        model = Path(given["model"]) if given["model"] else folder / "model"
        flags = ["--model", str(model), "--max-model-len", "2048"]
        environment = dict(os.environ) | {
            "HF_HUB_OFFLINE": "1",
            "DO_NOT_TRACK": "1",
            "VLLM_NO_USAGE_STATS": "1",
        }
        if not given["model"]:
            make(model, tiny=given["tiny"])
            flags += ["--load-format", "dummy"]
        if given["tiny"]:
            environment = {**ENVIRONMENT, **environment}
            flags += FLAGS
        else:
            flags += _GPU_FLAGS
        path = os.pathsep.join(filter(None, [str(Path.cwd()), environment.get("PYTHONPATH", "")]))
        environment["PYTHONPATH"] = path
        yield Job(
            model=model,
            flags=(*flags, *extra),
            environment=environment,
            folder=folder,
            prompts=Prompts(model / "tokenizer.json", given["chunk"]),
            count=given["prompts"],
            tokens=given["tokens"],
            ready_s=900,
        )


def summary(offline_rows: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of the first case, and the ratio of each that both ways measured."""
    alone = {row["name"]: rate(row) for row in offline_rows}
    found: dict[str, Any] = {"output_tokens_per_s": None, "offline_tokens_per_s": None, "ratio_offline": None}
    if rows:
        first = rows[0]
        found |= {
            "output_tokens_per_s": rate(first),
            "client_cpu_s": round(first["client_cpu_s"], 2),
            "client_cpu_ms_per_prompt": round(1000 * first["client_cpu_s"] / first["prompts"], 3),
            "gpu_memory_mib": first["gpu_memory_mib"],
        }
    found["offline_tokens_per_s"] = next(iter(alone.values()), None)
    ratios = {row["name"]: round(rate(row) / alone[row["name"]], 4) for row in rows if row["name"] in alone}
    found["ratio_offline"] = next(iter(ratios.values()), None)
    return found | {"ratios": ratios, "cases": {row["name"]: rate(row) for row in rows}, "offline": alone}


def shown(offline_rows: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> Table:
    """Return both ways' figures as a table."""
    alone = {row["name"]: rate(row) for row in offline_rows}
    heads = ("case", "tok/s", "offline tok/s", "ratio", "prompts", "seconds", "client CPU s", "GPU MiB")
    table = Table(*heads, box=None)
    for row in rows:
        own, other = rate(row), alone.get(row["name"])
        table.add_row(
            row["name"], f"{own:,.0f}", f"{other:,.0f}" if other else "", f"{own / other:.3f}" if other else "",
            f"{row['prompts']:,}", f"{row['seconds']:.1f}", f"{row['client_cpu_s']:.2f}", str(row["gpu_memory_mib"] or ""),
        )  # fmt: skip
    return table


_several = partial(click.option, multiple=True, type=click.IntRange(min=1), show_default=True)


@click.command()
@click.option(
    "--model", type=click.Path(exists=True, file_okay=False), help="A folder instead of random weights."
)
@click.option("--tiny", is_flag=True, help="Two small layers on the CPU: tries the way, measures no GPU.")
@click.option("--prompts", default=2048, show_default=True, type=click.IntRange(min=1), help="Of each case.")
@click.option("--tokens", default=200, show_default=True, type=click.IntRange(min=1), help="Of each reply.")
@click.option(
    "--chunk", default=300, show_default=True, type=click.IntRange(min=1), help="Tokens of a prompt's own."
)
@_several("--prefix", default=(250, 600, 900), help="Tokens that all prompts begin with.")
@_several("--in-flight", default=(2048, 1024, 512), help="Prompts that the server has at once.")
@_several("--per-request", default=(8, 1), help="Prompts that share a request.")
@click.option("--seeded/--unseeded", default=True, show_default=True, help="Whether one case has a seed.")
@click.option("--seconds", default=480.0, show_default=True, help="After these no further case is begun.")
@click.option("--out", type=click.Path(path_type=Path), help="A JSON file that is written after every case.")
@click.option("--folder", type=click.Path(path_type=Path, resolve_path=True), help="Keeps the servers' logs.")
@click.argument("vllm_flags", nargs=-1, type=click.UNPROCESSED)
def main(vllm_flags: tuple[str, ...], **given: Any) -> None:
    """Measure and print a table; the last line is one JSON object. Flags for vLLM come after ``--``."""
    name = vllm_server.gpu()
    if not name and not given["tiny"]:
        click.echo("no NVIDIA GPU is here: nothing was measured. --tiny tries the way on the CPU")
        click.echo(json.dumps({"gpu": None, **summary([], [])}))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server is ended on the way out
    until = time.monotonic() + given["seconds"]
    wanted = cases(given["prefix"], given["in_flight"], given["per_request"], seeded=given["seeded"])
    alone: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    figures: dict[str, Any] = {"gpu": name or None}

    def keep(into: list[dict[str, Any]], way: str, found: dict[str, Any]) -> None:
        if "start_s" in found:
            figures[f"{way}_start_s"] = found["start_s"]
        else:
            into.append(found)
            click.echo(f"{way}: {found['name']}: {rate(found):,.0f} output tokens/s", err=True)
        if given["out"]:
            rest = {"offline_cases": alone, "client_cases": rows, "asked": [asdict(one) for one in wanted]}
            given["out"].write_text(json.dumps(figures | summary(alone, rows) | rest, indent=1), "utf-8")

    try:
        with prepared(given, vllm_flags) as job:
            both = cases(given["prefix"], given["in_flight"][:1], given["per_request"][:1], seeded=False)
            for found in offline(job, both):
                keep(alone, "offline", found)
            for found in through_client(job, wanted, until):
                keep(rows, "client", found)
    finally:
        Console().print(shown(alone, rows))
        if given["tiny"] or not name:
            click.echo("no figure here is one of a GPU: the model is tiny and this is the CPU")
        if len(rows) < len(wanted):
            click.echo(f"{len(wanted) - len(rows)} of {len(wanted)} cases were not measured")
        click.echo(json.dumps(figures | summary(alone, rows)))


if __name__ == "__main__":
    main()
