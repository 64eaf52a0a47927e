"""The commands of the stage: what they start, what they refuse before anything is loaded."""

import json
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from rephrase.cli import main, server_command
from rephrase.recipe import RephraseRecipe
from tests.rephrase.test_asking import Server, asking, free_port, model, server

__all__ = ["model", "server"]  # fixtures


def recipe(**options: object) -> RephraseRecipe:
    """Return a recipe for servers of a model."""
    return RephraseRecipe(
        name="asked", version="2026.11.21", generator="vllm_server", options={"model": "./m", **options}
    )


def test_serve_is_refused_for_a_generator_without_a_server() -> None:
    with pytest.raises(UserError, match="its generator is 'facts'; serve is for vllm_server"):
        server_command(RephraseRecipe(name="asked", version="2026.11.21"))


def test_the_server_command_says_model_precision_and_address() -> None:
    pytest.importorskip("vllm", reason="no vLLM here")
    places = ["http://127.0.0.1:8011/v1", "http://10.0.0.7:8012/v1"]
    words = server_command(
        recipe(
            servers=places,
            revision="abc",
            dtype="bfloat16",
            served_name="gamma",
            serve=["--max-model-len", "512"],
        ),
        server=1,
    )
    said = dict(pairwise(words))
    assert words[0] == sys.executable
    assert said["--model"] == "./m"
    assert said["--revision"] == "abc"
    assert said["--served-model-name"] == "gamma"
    assert (said["--host"], said["--port"]) == ("10.0.0.7", "8012")
    assert [word for flag, word in pairwise(words) if flag == "--dtype"][-1] == "bfloat16"
    assert json.loads(said["--structured-outputs-config"]) == {
        "backend": "xgrammar",
        "disable_any_whitespace": True,
    }
    assert words[-2:] == ["--max-model-len", "512"]


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        (
            "QWenLMHeadModel",
            r"which vLLM 0\.32\.0 does not serve; vLLM served it until 0\.23\.0; .*convert the weights",
        ),
        ("Plamo2ForCausalLM", r"vLLM served it until 0\.26\.0; serve it with vllm==0\.26\.0"),
    ],
)
def test_a_model_that_vllm_gave_up_is_refused_with_what_to_do(
    tmp_path: Path, architecture: str, said: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architectures": [architecture]}), encoding="utf-8")
    with pytest.raises(UserError, match=said):
        server_command(recipe(model=str(tmp_path)))


def test_models_that_it_serves_pass(tmp_path: Path) -> None:
    pytest.importorskip("vllm", reason="no vLLM here")
    for name in ("MistralForCausalLM", "Plamo3ForCausalLM", "Qwen2ForCausalLM"):
        (tmp_path / "config.json").write_text(json.dumps({"architectures": [name]}), encoding="utf-8")
        assert "--model" in server_command(recipe(model=str(tmp_path)))


def test_a_tokenizer_that_cannot_be_had_is_one_clear_message(
    tmp_path: Path, store: Store, corpus: Ref
) -> None:
    path = tmp_path / "asked.yaml"
    asked = recipe(model="nobody/nothing", servers=[f"http://127.0.0.1:{free_port()}/v1"])
    path.write_text(json.dumps(asked.model_dump(mode="json")), encoding="utf-8")
    done = CliRunner().invoke(main, [str(path), "--corpus", "small", "--store", str(store.root)])
    assert done.exit_code == 1
    assert "tokenizer: none could be loaded from 'nobody/nothing'" in done.output
    assert "set the option tokenizer" in done.output


def test_a_server_that_is_not_there_is_one_clear_message(
    model: Path, store: Store, corpus: Ref, tmp_path: Path
) -> None:
    place = f"http://127.0.0.1:{free_port()}/v1"
    asked = asking(model, servers=[place], patience_s=0.5)
    path = tmp_path / "asked.yaml"
    path.write_text(json.dumps(asked.model_dump(mode="json")), encoding="utf-8")
    done = CliRunner().invoke(main, [str(path), "--corpus", "small", "--store", str(store.root)])
    assert done.exit_code == 1
    assert place in done.output
    assert "Traceback" not in done.output


def test_the_estimate_prints_hours_and_one_line_for_machines(
    server: Server, model: Path, store: Store, corpus: Ref, tmp_path: Path
) -> None:
    path = tmp_path / "asked.yaml"
    path.write_text(json.dumps(asking(model, server).model_dump(mode="json")), encoding="utf-8")
    words = ["estimate", str(path), "--corpus", "small", "--store", str(store.root), "--gpus", "8"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.output.splitlines()[-1])
    assert told["all_units"] == 20
    assert told["gpu_hours"] == pytest.approx(told["seconds"] * 8 / 3600)
    assert "GPU-hours" in done.output


def test_an_estimate_without_a_model_is_refused(tmp_path: Path, store: Store, corpus: Ref) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text("name: asked\nversion: 2026.11.21\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["estimate", str(path), "--corpus", "small", "--store", str(store.root)])
    assert done.exit_code == 1
    assert "nothing was asked; a generator with a model behind it" in done.output
