"""What the page of this stage tells of checks, reasons and options is what the code has."""

import re
from pathlib import Path
from typing import get_args

import pytest

from rephrase import validate
from rephrase.base import Style
from rephrase.facts import Facts
from rephrase.generators.asking import Asking
from rephrase.generators.vllm_engine import VllmEngine
from rephrase.generators.vllm_server import VllmServer

FOLDER = Path(__file__).resolve().parents[2] / "rephrase"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
_TABLE = PAGE.split("\n## The checks\n")[1].split("\n## ")[0]
CHECKS = re.findall(r"^\| `(\w+)` \| [^|]+ \| ((?:`\w+`(?:, )?)+) \|$", _TABLE, re.MULTILINE)


def options(heading: str) -> list[str]:
    """Return the options of the table behind a line."""
    table = PAGE.split(f"\n{heading}:\n")[1].strip().split("\n\n")[0]
    return re.findall(r"^\| `(\w+)`", table, re.MULTILINE)


def test_the_checks_stand_in_their_order() -> None:
    assert [name for name, _ in CHECKS] == list(validate.names())


@pytest.mark.parametrize(("check", "told"), CHECKS, ids=[name for name, _ in CHECKS])
def test_a_check_has_the_reasons_that_the_table_names(check: str, told: str) -> None:
    code = (FOLDER / "validate" / f"{check}.py").read_text(encoding="utf-8")
    said = {*re.findall(r'"([a-z]+(?:_[a-z]+)+)"', code)}
    for pattern in re.findall(r'"(\{\}_\w+|\w+_\{\})"', code):
        said |= {pattern.format(kind) for kind in ("date", "period")}
    reasons = {*re.findall(r"`(\w+)`", told)}
    assert reasons <= said
    dropped = {*re.findall(r'Drop\(\s*"([a-z_]+)"', code)}
    assert dropped <= reasons


def test_every_reason_of_the_stage_stands_on_the_page() -> None:
    paths = [path for path in FOLDER.rglob("*.py") if path.parent.name != "validate"]
    code = "".join(
        path.read_text(encoding="utf-8") for path in (*paths, FOLDER / "validate" / "round_trip.py")
    )
    dropped = {*re.findall(r'(?:Drop|_RefusalError)\(\s*"([a-z_]+)"', code)}
    assert len(dropped) > 15
    assert {reason for reason in dropped if f"`{reason}`" not in PAGE} == set()


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("`facts`", [*Facts.model_fields]),
        ("`vllm_server` and `vllm_engine`", [*Asking.model_fields]),
        (
            "`vllm_server` besides",
            [name for name in VllmServer.model_fields if name not in Asking.model_fields],
        ),
        (
            "`vllm_engine` besides",
            [name for name in VllmEngine.model_fields if name not in Asking.model_fields],
        ),
    ],
)
def test_every_option_stands_in_its_table(heading: str, fields: list[str]) -> None:
    assert options(heading) == fields


def test_every_style_and_file_that_the_page_names_exists() -> None:
    assert all(f"`{style}`" in PAGE for style in get_args(Style))
    named = re.findall(r"`([\w/]+(?:\.py|\.json)?/?)`", PAGE)
    files = [
        name for name in named if name.endswith((".py", "/")) and name.split("/")[0] not in ("NAME", "v1")
    ]
    folders = {"qa", "multiple_choice", "markdown", "dropped", "verdicts", "replies"}  # of a version
    missing = [name for name in files if name.strip("/") not in folders and not (FOLDER / name).exists()]
    assert [name for name in missing if "NAME" not in name] == []
