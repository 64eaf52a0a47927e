"""Opens a dataset version with ``datasets``, offline, as anyone would, and prints the first row of each config."""

import click
from datasets import get_dataset_config_names, load_dataset
from rich.console import Console
from rich.table import Table

from datacards.store import Store


@click.command()
@click.argument("ref")
def main(ref: str) -> None:
    """Open the dataset version REF of the default store."""
    store = Store.default()
    folder = str(store.path(store.resolve(ref)))
    table = Table("config", "rows", "the first one", box=None, header_style="bold")
    for config in get_dataset_config_names(folder):
        loaded = load_dataset(folder, config)
        rows = ", ".join(f"{split} {len(loaded[split]):,}" for split in loaded)
        first = loaded["train"][0]
        text = str(first.get("text") or first.get("value") or first.get("detail") or "")
        table.add_row(config, rows, text.replace("\n", " ")[:80])
    Console().print(table)


if __name__ == "__main__":
    main()
