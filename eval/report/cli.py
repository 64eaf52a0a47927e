"""``kanagura eval report REF... --out FOLDER``: tables, figures and examples of any set of evaluated models."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from datacards.cli import store_option
from datacards.errors import UserError
from datacards.store import Store

if TYPE_CHECKING:
    from eval.report.printed import Role


@click.command("report")
@click.argument("refs", nargs=-1, required=True)
@click.option(
    "--baseline", default="", help="The model (or one of its evaluations) that the others are compared with."
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE=REF",
    help="Which model stands for the paper's base, domain, instruct or merged one; read from a merge where there is one.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("report"), show_default=True
)
@store_option
def command(refs: tuple[str, ...], baseline: str, roles: tuple[str, ...], out: Path, root: str) -> None:
    """Write a report on the evaluations REFS, or on all evaluations of the checkpoints among them.

    The folder gets report.html (needs nothing else), report.md, report.tex, report.json, tables/ and figures/. How
    models came to be, from the captured addresses on, is told by: kanagura cards report.
    """
    from eval.report.build import document
    from eval.report.facts import facts
    from eval.report.files import write
    from eval.report.matter import collect

    store = Store(root)
    matter = collect(
        store, [store.resolve(ref) for ref in refs], baseline=baseline, roles=dict(map(_role, roles))
    )
    write(document(matter), facts(matter), out)
    found = matter.found
    models, tasks = len(found.columns), len({one.record.task for one in found.trails})
    click.echo(
        f"{models} model{'s' * (models != 1)}, {tasks} task{'s' * (tasks != 1)}: {out / 'report.html'}"
    )


def _role(text: str) -> tuple["Role", str]:
    from eval.report.printed import ROLES

    name, mark, ref = text.partition("=")
    role = next((role for role in ROLES if role == name), None)
    if not mark or role is None:
        raise UserError("--role", repr(text), f"{', '.join(ROLES)}, each with =REF", "correct it")
    return role, ref
