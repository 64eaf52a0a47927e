"""Opens a dataset version with ``datasets``, offline, as anyone would, and prints the first row of each config."""

from pathlib import Path

import click
from datasets import get_dataset_config_names, load_dataset
from rich.console import Console
from rich.table import Table

from datacards.store import Store


@click.command()
@click.argument("what")
def main(what: str) -> None:
    """Open a dataset version of the default store, or the folder that one was published to."""
    store = Store.default()
    folder = what if Path(what).is_dir() else str(store.path(store.resolve(what)))
    table = Table("config", "rows", "the first one", box=None, header_style="bold")
    for config in get_dataset_config_names(folder):
        loaded = load_dataset(folder, config)
        rows = ", ".join(f"{split} {len(loaded[split]):,}" for split in loaded)
        first = next(iter(loaded.values()))[0]
        text = str(first.get("text") or first.get("value") or first.get("detail") or "")
        table.add_row(config, rows, text.replace("\n", " ")[:80])
    Console().print(table)


if __name__ == "__main__":
    main()
