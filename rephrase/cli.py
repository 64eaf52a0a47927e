"""``kanagura rephrase RECIPE --corpus NAME@VERSION``, ``estimate RECIPE --corpus NAME@VERSION``, ``serve RECIPE``."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.table import Table

from datacards import plugins
from datacards.cli import DefaultRun, store_option
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.store import Store
from rephrase.generators import architectures, cpu
from rephrase.recipe import RephraseRecipe


@click.group(cls=DefaultRun)
def main() -> None:
    """Write questions about the documents of one corpus version: RECIPE --corpus NAME@VERSION."""


@main.command("run")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--corpus", required=True, help="The corpus version to ask about: name@version, or a name.")
@click.option(
    "--replies", multiple=True, metavar="NAME@VERSION",
    help="A version whose replies are taken over: what was answered there is not asked again. May be given several times.",
)  # fmt: skip
@store_option
def run_(recipe: Path, corpus: str, replies: tuple[str, ...], root: str) -> None:
    """Write questions about the documents of one corpus version, as RECIPE asks."""
    from rephrase.run import run

    store = Store(root)
    before = store.refs()
    asked = read_recipe(recipe, RephraseRecipe)
    ref = run(asked, store, corpus, replies)
    card = store.card(ref)
    table = Table("what", "number", box=None, header_style="bold")
    for name, number in (*card.counts.items(), *((f"left out: {k}", v) for k, v in card.drops.items())):
        table.add_row(name, f"{number:,}")
    Console().print(table)
    click.echo(f"{ref} exists already: nothing to do" if ref in before else f"{ref} is in the store")


@main.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--corpus", required=True, help="The corpus version to ask about: name@version, or a name.")
@click.option(
    "--units",
    default=500,
    show_default=True,
    help="How many units to ask for: passages times styles, about. Fewer than are under way at once measure too little speed.",
)
@click.option(
    "--gpus", default=1, show_default=True, help="How many GPUs the servers of the recipe have together."
)
@store_option
def estimate(recipe: Path, corpus: str, units: int, gpus: int, root: str) -> None:
    """Ask for a few hundred units and say what the whole run will take; the run will not pay for them again."""
    from rephrase.estimate import estimate as calibrated

    told = calibrated(read_recipe(recipe, RephraseRecipe), Store(root), corpus, units=units, gpus=gpus)
    table = Table("what", "calibration", "all documents", box=None, header_style="bold")
    table.add_row("share of the corpus", f"{told.share:.2%}", "100%")
    table.add_row("units", f"{told.units:,}", f"{told.all_units:,}")
    table.add_row("output tokens a second", f"{told.tokens_per_second:,.0f}", "")
    table.add_row("output tokens", "", f"{told.all_tokens:,}")
    table.add_row("accepted", "", f"{told.all_accepted:,}")
    table.add_row("hours", "", f"{told.seconds / 3600:,.2f}")
    table.add_row("GPU-hours", "", f"{told.gpu_hours:,.2f}")
    Console().print(table)
    click.echo(json.dumps(asdict(told)))


def server_command(recipe: RephraseRecipe, server: int = 0) -> list[str]:
    """Return the command that serves the model of a recipe at one of its addresses, with the flags of this machine.

    Raises UserError for a generator without servers, and for a model that the pinned vLLM does not serve.
    """
    if recipe.generator != "vllm_server":
        raise UserError(recipe.name, f"its generator is '{recipe.generator}'", "serve is for vllm_server")
    generator = plugins.make("kanagura.generators", recipe.generator, recipe.options)
    if not (cpu.on_cpu() or cpu.installed("vllm")):
        raise UserError(
            "serve", "vLLM is not installed", todo="install requirements/serve-cpu.lock, or .[serve]"
        )
    architectures.check(generator.model, generator.revision)
    if not 0 <= server < len(generator.servers):
        raise UserError("--server", f"{server}", f"the recipe has {len(generator.servers)}, counted from 0")
    address = urlsplit(generator.servers[server])
    named = {
        "--model": generator.model, "--revision": generator.revision, "--tokenizer": generator.tokenizer,
        "--served-model-name": generator.served_name or generator.model,
        "--dtype": "" if generator.dtype == "auto" else generator.dtype,
        "--quantization": generator.quantization,
        "--kv-cache-dtype": "" if generator.kv_cache_dtype == "auto" else generator.kv_cache_dtype,
        "--host": address.hostname or "127.0.0.1", "--port": str(address.port or 8000),
        # Named, else a request that is resolved otherwise fails; compact, else a model may write spaces for ever.
        "--structured-outputs-config": '{"backend":"xgrammar","disable_any_whitespace":true}',
    }  # fmt: skip
    return [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", *(cpu.FLAGS if cpu.on_cpu() else ()),
        *(word for flag, value in named.items() if value for word in (flag, value)), *generator.serve,
    ]  # fmt: skip


@main.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--server", default=0, show_default=True, help="Which address of the recipe this machine serves, from 0."
)
def serve(recipe: Path, server: int) -> None:
    """Start a vLLM server for the model of RECIPE, in the foreground, until interrupted."""
    words = server_command(read_recipe(recipe, RephraseRecipe), server)
    click.echo(" ".join(words[1:]))
    os.execve(words[0], words, {**(cpu.ENVIRONMENT if cpu.on_cpu() else {}), **os.environ})  # noqa: S606  a literal command
