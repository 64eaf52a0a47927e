"""Plug-ins come through entry points; what is wrong with one is said, never swallowed."""

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from datacards import plugins
from datacards.errors import UserError

GROUPS = tuple(
    f"kanagura.{kind}" for kind in ("ocr", "generators", "trainers", "mergers", "objectives", "evaluators")
)


@pytest.fixture
def outsider(tmp_path: Path) -> Iterator[Path]:
    """Install a third party's distribution that offers plug-ins, good and bad, for this test only."""
    info = tmp_path / "outsider-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[kanagura.mergers]\nhalves = outsider_halves:Halves\nbroken = outsider_missing:Nothing\n"
        "function = outsider_halves:function\nlinear = outsider_halves:Halves\n"
    )
    (tmp_path / "outsider_halves.py").write_text(
        "from pydantic import BaseModel\nclass Halves(BaseModel, extra='forbid'):\n    weight: float = 0.5\n"
        "def function():\n    pass\n"
    )
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))
    sys.modules.pop("outsider_halves", None)


@pytest.mark.parametrize("group", GROUPS)
def test_every_built_in_plug_in_loads_by_the_same_door(group: str) -> None:
    assert plugins.names(group)
    for point in entry_points(group=group):
        assert plugins.load(group, point.name) is getattr(import_module(point.module), point.attr)


def test_an_unknown_plug_in_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no plug-in named 'trl'; installed: .*causal_lm"):
        plugins.load("kanagura.trainers", "trl")


def test_a_plug_in_of_another_distribution_is_found(outsider: Path) -> None:
    assert plugins.make("kanagura.mergers", "halves", {"weight": 0.25}).weight == 0.25


def test_a_wrong_option_is_named(outsider: Path) -> None:
    with pytest.raises(UserError, match="halves: unknown key 'wieght'; allowed keys: weight"):
        plugins.make("kanagura.mergers", "halves", {"wieght": 1})


def test_a_broken_plug_in_is_an_error_that_says_whose_it_is(outsider: Path) -> None:
    with pytest.raises(UserError, match="'broken' of outsider cannot be loaded"):
        plugins.load("kanagura.mergers", "broken")


def test_a_plug_in_that_is_no_model_class_is_refused(outsider: Path) -> None:
    with pytest.raises(UserError, match="'function' is a function"):
        plugins.load("kanagura.mergers", "function")


def test_a_name_claimed_twice_is_refused(outsider: Path) -> None:
    with pytest.raises(UserError, match=r"'linear' is claimed by kanagura .* outsider"):
        plugins.load("kanagura.mergers", "linear")
