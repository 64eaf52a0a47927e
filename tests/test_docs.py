"""What a user may type is documented, and what the documents name exists."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

import kanagura

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def commands() -> list[tuple[str, click.Command]]:
    """Return every command with its full name."""
    found: list[tuple[str, click.Command]] = []

    def collect(name: str, command: click.Command) -> None:
        found.append((name, command))
        if isinstance(command, click.Group):
            for sub in command.list_commands(click.Context(command)):
                collect(f"{name} {sub}", command.get_command(click.Context(command), sub) or command)

    for stage, module in kanagura.STAGES.items():
        collect(stage, import_module(module).main)
    return found


@pytest.mark.parametrize(
    ("name", "command"), commands(), ids=lambda part: part if isinstance(part, str) else ""
)
def test_every_command_has_help_and_stands_in_the_readme(name: str, command: click.Command) -> None:
    assert command.help
    last = name.rsplit(maxsplit=1)[-1]
    assert re.search(rf"\b{last}\b", README)


def test_every_spider_stands_in_the_readme() -> None:
    settings = Settings()
    settings.setmodule("spiders.settings")
    names = SpiderLoader.from_settings(settings).list()
    assert {"boj_speeches", "edinet", "institutions", "wikipedia"} <= set(names)
    assert [name for name in names if name not in README] == []


def test_every_built_in_plug_in_has_an_entry_point_that_exists() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    for plugins in groups.values():
        for target in plugins.values():
            module, _, name = target.partition(":")
            assert hasattr(import_module(module), name)


def test_files_that_the_documents_name_exist() -> None:
    named = set(re.findall(r"\b(?:[\w-]+/)+[\w.-]+\.(?:yaml|py|md|html|txt|lock)\b", DOCUMENTS))
    made_by_runs = {name for name in named if name.startswith("build/")}
    examples = {name for name in named if "NAME" in name or "PACKAGE" in name}
    missing = [name for name in sorted(named - made_by_runs - examples) if not (ROOT / name).exists()]
    assert missing == []


def test_both_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", DOCUMENTS):
        assert f"\n{target}:" in makefile
