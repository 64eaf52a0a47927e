"""The page of a version: what is in it, how to open it, what may be done with it, how it was made."""

import re

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from datasets import load_dataset

from datacards.card import Rights
from datacards.render.readme import table
from datacards.store import Store


def test_the_page_of_a_dataset_opens_it_as_it_says(family: Store) -> None:
    """The code of the page runs where the page says, and finds what its table says."""
    page = (family.path(family.resolve("texts")) / "README.md").read_text(encoding="utf-8")
    (place, config) = re.findall(r'load_dataset\("(.+)", "(.+)"\)', page)[0]
    assert "| `markdown` | 1 |" in page
    assert load_dataset(str(family.root / place), config)["train"].num_rows == 1


def test_the_header_is_one_that_the_hub_reads(family: Store) -> None:
    page = (family.path(family.resolve("asked")) / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(page.split("---\n")[1])
    assert [config["config_name"] for config in head["configs"]] == ["qa"]
    assert head["configs"][0]["default"] is True


def test_what_the_table_of_formats_says_is_not_said_again(store: Store) -> None:
    with store.write(name="texts", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "markdown").mkdir()
        lengths = [4_602] * 1_233 + [5_678_901 - 1_233 * 4_602]
        pq.write_table(pa.table({"n_chars": lengths}), draft.path / "markdown" / "train-00000.parquet")
        draft.rows["markdown/train-00000.parquet"] = 1234
        draft.counts.update(documents_markdown=1234, characters_markdown=5_678_901, captures=9)
        draft.rights.append(
            Rights(
                license="PDL-1.0", attribution="出典：「{title}」（{url}）", redistribution=True, records=1234
            )
        )
    page = (store.path(store.resolve("texts")) / "README.md").read_text(encoding="utf-8")
    assert "| `markdown` | 1,234 | 5,678,901 |" in page
    assert "documents_markdown" not in page
    assert "| captures | 9 |" in page
    assert "`{title}` and `{url}` are those of each record." in page


def test_a_cell_never_breaks_its_table() -> None:
    assert table(["a"], [["x|y\nz"]]).splitlines() == ["| a |", "| --- |", "| x\\|y z |"]


def test_every_kind_has_a_page(store: Store) -> None:
    for kind in ("captures", "dataset", "checkpoint", "evaluation"):
        with store.write(name=kind, version="2026.11.21", kind=kind, recipe={"seed": 0}):
            pass
        page = (store.path(store.resolve(kind)) / "README.md").read_text(encoding="utf-8")
        assert "## Open it" in page
        assert "seed: 0" in page


def test_two_versions_of_one_day_are_two_data_sets_to_the_cache(store: Store) -> None:
    """``datasets`` keys its cache by the page's configs and the folder's last name, which is only a date."""
    for name, words in {"mine": ["金", "蔵"], "yours": ["金庫"]}.items():
        with store.write(name=name, version="2026.11.21", kind="dataset", recipe={}) as draft:
            (draft.path / "markdown").mkdir()
            pq.write_table(pa.table({"text": words}), draft.path / "markdown" / "train-00000.parquet")
    opened = {
        name: load_dataset(str(store.path(store.resolve(name))), "markdown")["train"]["text"][:]
        for name in ("mine", "yours")
    }
    assert opened == {"mine": ["金", "蔵"], "yours": ["金庫"]}
