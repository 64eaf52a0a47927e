"""``train convert``: Qwen-1 checkpoints (nekomata-14b and its kin) as native Qwen2 ones, and back."""

from pathlib import Path

import click

from datacards.cli import store_option


@click.command("convert")
@click.argument("source")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--back", is_flag=True, help="From the native layout back to Qwen-1's.")
@click.option(
    "--like",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="With --back: the converted folder whose qwen1/ tells the layout; left out, SOURCE itself.",
)
@click.option(
    "--dtype",
    type=click.Choice(["keep", "float32", "bfloat16"]),
    default="keep",
    show_default=True,
    help="The number format of the result.",
)
@store_option
def command(source: str, target: Path, *, back: bool, like: Path | None, dtype: str, root: str) -> None:
    """Rewrite the Qwen-1 checkpoint SOURCE to the native Qwen2 layout in the new folder TARGET, and prove that it computes the same.

    SOURCE is a folder, hf:org/model@COMMIT or NAME@VERSION. Code that comes with a checkpoint is never read.
    """
    from datacards.store import Store
    from train.convert.run import convert

    record = convert(Store(root), source, target, back=back, dtype=dtype, like=like)
    if record is None:
        click.echo(f"{target} exists already and was made from an equal checkpoint: nothing to do.")
        return
    proof = record["certificate"]
    click.echo(
        f"{target}: {proof['layers']} layers; over {proof['tokens']:,} tokens the logits differ by at most"
        f" {proof['max_abs_difference']:.3g} (the largest is {proof['max_abs_logit']:.3g})"
    )
    for note in record["notes"]:
        click.echo(note)
    if (words := record.get("tokenizer")) and not words["compared"]:
        click.echo(f"The tokenizer was not compared with the original: {words['reason']}.")
