"""The house stands: arrows point down, every package is ours, the data half loads without torch."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("spiders", "corpus", "rephrase", "train", "merge", "eval", "datacards")
HEAVY = ("torch", "transformers", "accelerate", "deepspeed", "vllm", "lm_eval", "safetensors", "tokenizers")
PLUGIN_FOLDERS = ("rephrase/generators", "train/trainers", "merge/mergers", "eval/evaluators")

BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy}:
            raise ImportError(name + " is blocked in this test")

sys.meta_path.insert(0, Blocked())
import importlib
for name in {names}:
    importlib.import_module(name)
"""


def modules(*packages: str) -> Iterator[str]:
    """Yield the dotted names of all modules of the packages but the plug-ins', in order."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).with_suffix("")
            if name.name == "__main__" or name.parent.as_posix() in PLUGIN_FOLDERS:
                continue
            yield ".".join(name.parts).removesuffix(".__init__")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run this Python with the words, from the root of the checkout."""
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_arrows_point_down() -> None:
    """import-linter's contracts in pyproject.toml hold (DESIGN: rooms and arrows)."""
    done = run("-c", "from importlinter.cli import lint_imports_command as c; c()")
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_spiders_know_nothing_of_corpus_but_its_records() -> None:
    """The one arrow that a layer contract cannot say: spiders -> corpus.document (with the capture reader and the decoder)."""
    allowed = {"corpus.document", "corpus.captures", "corpus.encoding"}
    for path in (ROOT / "spiders").rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[:1] in (["from"], ["import"]) and words[1].startswith("corpus"):
                assert words[1] in allowed, f"{path.relative_to(ROOT)}: {line}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_shadows_a_package(package: str) -> None:
    """An installed namesake would win over ours in scripts; compare exactly, a .venv may lie inside the root."""
    spec = find_spec(package)
    assert spec
    assert spec.origin
    assert Path(spec.origin).parent == ROOT / package


def test_the_umbrella_is_ours() -> None:
    spec = find_spec("kanagura")
    assert spec
    assert spec.origin
    assert Path(spec.origin) == ROOT / "kanagura.py"


def test_the_data_half_imports_with_torch_blocked() -> None:
    names = [*modules("datacards", "corpus", "spiders"), "kanagura"]
    done = run("-c", BLOCK.format(heavy=set(HEAVY), names=names))
    assert done.returncode == 0, done.stderr


def test_only_plug_in_folders_of_the_model_half_need_torch() -> None:
    names = list(modules("rephrase", "train", "merge", "eval"))
    done = run("-c", BLOCK.format(heavy=set(HEAVY), names=names))
    assert done.returncode == 0, done.stderr


def test_help_loads_no_heavy_library() -> None:
    done = run("-X", "importtime", "kanagura.py", "--help")
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not loaded & set(HEAVY)
    for stage in ("cards", "corpus", "rephrase", "train", "merge", "eval"):
        assert stage in done.stdout


def test_no_package_marker_among_the_tests() -> None:
    """``tests/corpus/__init__.py`` would make ``import corpus`` mean the tests."""
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
