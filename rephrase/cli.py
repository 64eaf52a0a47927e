"""``kanagura rephrase RECIPE --corpus NAME@VERSION``, and ``kanagura rephrase serve RECIPE``."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.table import Table

from datacards import plugins
from datacards.cli import store_option
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.store import Store
from rephrase.recipe import RephraseRecipe

# What a vLLM server needs on a CPU: enough for a small model, and float32, since bf16 kernels ask for
# processor permissions that not every machine gives.
CPU_FLAGS = (
    "--dtype", "float32", "--enforce-eager", "--max-num-seqs", "32", "--gpu-memory-utilization", "0.1",
)  # fmt: skip
CPU_ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "TORCH_COMPILE_DISABLE": "1", "DO_NOT_TRACK": "1"}


class DefaultRun(click.Group):
    """A group whose unnamed command is ``run``, so that a recipe may follow the stage's name at once."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` in front unless the first word is a command or asks for help."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultRun)
def main() -> None:
    """Write questions about the documents of one corpus version: RECIPE --corpus NAME@VERSION."""


@main.command("run")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--corpus", required=True, help="The corpus version to ask about: name@version, or a name.")
@store_option
def run_(recipe: Path, corpus: str, root: str) -> None:
    """Write questions about the documents of one corpus version, as RECIPE asks."""
    from rephrase.run import run

    store = Store(root)
    before = store.refs()
    ref = run(read_recipe(recipe, RephraseRecipe), store, corpus)
    card = store.card(ref)
    table = Table("what", "number", box=None, header_style="bold")
    for name, number in (*card.counts.items(), *((f"left out: {k}", v) for k, v in card.drops.items())):
        table.add_row(name, f"{number:,}")
    Console().print(table)
    click.echo(f"{ref} exists already: nothing to do" if ref in before else f"{ref} is in the store")


def server_command(recipe: RephraseRecipe) -> list[str]:
    """Return the command that serves the model of a recipe, with the flags of this machine and of the recipe."""
    if recipe.generator != "vllm_server":
        raise UserError(recipe.name, f"its generator is '{recipe.generator}'", "serve is for vllm_server")
    generator = plugins.make("kanagura.generators", recipe.generator, recipe.options)
    address = urlsplit(generator.base_url)
    flags = CPU_FLAGS if _installed("vllm-cpu") else ()
    if not flags and not _installed("vllm"):
        raise UserError(
            "serve", "vLLM is not installed", todo="install requirements/serve-cpu.lock, or .[serve]"
        )
    return [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", generator.model,
        "--host", address.hostname or "127.0.0.1", "--port", str(address.port or 8000), *flags, *generator.serve,
    ]  # fmt: skip


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


@main.command()
@click.argument("recipe", type=click.Path(path_type=Path))
def serve(recipe: Path) -> None:
    """Start a vLLM server for the model of RECIPE, in the foreground, until interrupted."""
    words = server_command(read_recipe(recipe, RephraseRecipe))
    if not (_installed("vllm-cpu") or _installed("vllm")):
        raise UserError(
            "serve", "vLLM is not installed", todo="install requirements/serve-cpu.lock, or .[serve]"
        )
    click.echo(" ".join(words[1:]))
    os.execve(words[0], words, {**CPU_ENVIRONMENT, **os.environ})  # noqa: S606  a literal command
