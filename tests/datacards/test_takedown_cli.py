"""The commands: a dry run writes nothing, a takedown says what it did, a purge asks first."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from datacards.cli import main
from datacards.errors import UserError
from datacards.provenance import command_line
from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import release
from datacards.store import Store
from tests.corpus.test_run import build, crawl, recipe, speeches


@pytest.fixture
def filled(store: Store) -> Store:
    crawl(store, "boj_speeches", speeches(4))
    build(store, recipe(captures=["boj_speeches"], decontamination=None))
    return store


def command(store: Store, *words: str, answer: str = "") -> str:
    done = CliRunner().invoke(
        main, [*words, "--store", str(store.root)], input=answer, env={"COLUMNS": "200"}
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_from_a_dry_run_to_a_purge(filled: Store) -> None:
    if not installed():
        pytest.skip("the entry points of kanagura.erasers are not installed here")
    url = speeches(4)[2].url
    before = tree(filled.root)
    said = command(filled, "takedown", "--url", url, "--reason", "訴えによる", "--dry-run")
    assert url in said and "fin@2026.11.21 would be looked through" in said
    assert tree(filled.root) == before
    done = command(filled, "takedown", "--url", url, "--reason", "訴えによる")
    assert "0 are left" in done and "fin@2026.11.21.1" in done
    again = command(filled, "takedown", "--url", url, "--reason", "訴えによる")
    assert f"holds urls {url}: nothing to do" in again
    [ref] = map(str, filled.refs("takedowns"))
    page = command(filled, "show", ref)
    assert "| fin@2026.11.21 | 1 " in page and "| fin@2026.11.21.1 |" in page
    assert "None was made from what left." in page and ": 0 are left." in page
    refused = command(filled, "purge", ref, answer="n\n")
    assert "Aborted" in refused and filled.verify(filled.resolve("fin@2026.11.21")) == []
    folder = filled.path(filled.resolve("fin@2026.11.21"))
    elsewhere = folder.rename(filled.root.parent / "elsewhere")
    folder.symlink_to(elsewhere)
    kept = tree(elsewhere)
    assert "lies behind a link" in command(filled, "purge", ref, "--yes")
    assert tree(elsewhere) == kept
    folder.unlink()
    elsewhere.rename(folder)
    assert "tells what was deleted" in command(filled, "purge", ref, "--yes")
    assert "purged by" in filled.verify(filled.resolve("fin@2026.11.21"))[0]


def test_names_of_versions_are_not_cut_where_there_is_no_terminal(filled: Store) -> None:
    done = CliRunner().invoke(
        main,
        ["takedown", "--url", speeches(4)[1].url, "--reason", "訴え", "--store", str(filled.root)],
        env={"COLUMNS": "60"},
    )
    assert "…" not in done.output
    assert "boj_speeches@2026.11.21.1" in done.output


def test_a_tokenizer_that_is_gone_does_not_stop_a_removal(filled: Store, tmp_path: Path) -> None:
    words = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.save(str(tmp_path / "tokenizer.json"))
    asked = ReleaseRecipe.model_validate(
        {
            "name": "own",
            "version": "2026.11.21",
            "restricted": "pointers",
            "tokenizers": [str(tmp_path / "tokenizer.json")],
        }
    )
    ref = release(asked, filled, "fin")
    (tmp_path / "tokenizer.json").unlink()
    done = command(filled, "takedown", "--url", speeches(4)[2].url, "--reason", "訴え")
    assert f"{ref}.1" in done and "0 are left" in done
    with pytest.raises(UserError, match="holds no tokenizer"):
        release(asked.model_copy(update={"version": "2026.11.22"}), filled, "fin")
    assert not list((filled.root / ".drafts").glob("own@2026.11.22*/*"))


def installed() -> bool:
    from datacards.takedown.plan import built_in

    return bool(built_in())


@pytest.mark.parametrize("name", ["url", "source", "company", "document", "pattern", "reason"])
def test_a_card_does_not_tell_what_a_takedown_names_for_it_may_quote_what_has_to_go(name: str) -> None:
    for words in ([f"--{name}", "山田 太郎"], [f"--{name}=山田 太郎"]):
        told = command_line(["kanagura", "cards", "takedown", "--copies", *words, "--dry-run"])
        assert "山田" not in told and "太郎" not in told
        assert told.startswith(f"kanagura cards takedown --copies --{name}") and told.endswith("--dry-run")
    assert command_line(["scrapy", "crawl", "--reason", "訴え"]) == "scrapy crawl --reason 訴え"
