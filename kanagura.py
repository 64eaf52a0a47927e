"""The umbrella command: one lazy door to every stage."""

from importlib import import_module

import click

STAGES = {
    "cards": "datacards.cli",
    "corpus": "corpus.cli",
    "rephrase": "rephrase.cli",
    "train": "train.cli",
    "merge": "merge.cli",
    "eval": "eval.cli",
}


class Stages(click.Group):
    """Imports a stage only when it is asked for, so that ``--help`` never loads torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the stages in the order in which they run."""
        return list(STAGES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of one stage, or None for an unknown name (click prints the usage)."""
        if cmd_name not in STAGES:
            return None
        command: click.Command = import_module(STAGES[cmd_name]).main
        return command


@click.command(cls=Stages)
@click.version_option(package_name="kanagura")
def main() -> None:
    """Build Japanese financial corpora that can be trusted, and models trained on one chosen version.

    Captures come from Scrapy: ``scrapy crawl boj_speeches``.
    """


if __name__ == "__main__":
    main()
