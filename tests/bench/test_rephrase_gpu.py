"""How the client is measured beside the offline engine; the whole way on the CPU, with a model of two layers."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tokenizers import Tokenizer

from bench.measures import vllm_server
from bench.measures.random_mistral import VOCABULARY, Prompts, make
from bench.peers.supervise import supervised
from bench.rephrase_gpu import Case, cases, main, summary


def test_each_case_but_the_first_changes_one_thing() -> None:
    found = cases((250, 600), (64, 32), (8, 1), seeded=True)
    assert found == [
        Case(250, 64, 8),
        Case(250, 64, 8, seeded=True),
        Case(250, 64, 1),
        Case(600, 64, 8),
        Case(250, 32, 8),
    ]


def test_prompts_share_their_start_and_have_the_tokens_that_were_asked_for(tmp_path: Path) -> None:
    make(tmp_path, tiny=True)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    one, other = Prompts(tmp_path / "tokenizer.json", 30).make(2, 50, "a case")
    start = one[: one.index("\n\n")]
    assert other.startswith(start + "\n\n")
    assert one != other
    assert tokenizer.get_vocab_size() == VOCABULARY
    assert len(tokenizer.encode(start).ids) == pytest.approx(50, abs=2)
    assert len(tokenizer.encode(one).ids) == pytest.approx(82, abs=4)
    assert one == Prompts(tmp_path / "tokenizer.json", 30).make(2, 50, "a case")[0]


def test_a_ratio_is_told_only_of_what_both_ways_measured() -> None:
    alone = [{"name": "a", "output_tokens": 200, "seconds": 2.0}]
    extra = {"client_cpu_s": 0.5, "prompts": 100, "gpu_memory_mib": None}
    rows = [
        {"name": "a", "output_tokens": 190, "seconds": 2.0} | extra,
        {"name": "b", "output_tokens": 90, "seconds": 1.0} | extra,
    ]
    found = summary(alone, rows)
    assert (found["output_tokens_per_s"], found["offline_tokens_per_s"]) == (95, 100)
    assert (found["ratio_offline"], found["ratios"]) == (0.95, {"a": 0.95})
    assert summary(alone, [])["ratio_offline"] is None


@pytest.mark.skipif(bool(vllm_server.gpu()), reason="there is a GPU here")
def test_without_a_gpu_nothing_is_measured_and_said_to_be() -> None:
    found = CliRunner().invoke(main, [])
    assert found.exit_code == 0
    assert "nothing was measured" in found.output
    figures = json.loads(found.output.splitlines()[-1])
    assert figures["gpu"] is figures["ratio_offline"] is figures["output_tokens_per_s"] is None


@pytest.mark.serve
def test_a_tiny_model_is_measured_both_ways_on_the_cpu(tmp_path: Path) -> None:
    pytest.importorskip("vllm", reason="no vLLM here: install requirements/serve-cpu.lock")
    words = [
        "--tiny",
        "--prompts=12",
        "--tokens=8",
        "--chunk=20",
        "--prefix=30",
        "--in-flight=16",
        "--per-request=4",
    ]
    command = [sys.executable, "-m", "bench.rephrase_gpu", *words, f"--out={tmp_path / 'out.json'}"]
    supervised(command, tmp_path / "log")
    said = (tmp_path / "log").read_text("utf-8")
    figures = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert "no figure here is one of a GPU" in said
    assert figures["gpu"] is None or figures["gpu"]
    assert [row["output_tokens"] for row in figures["client_cases"]] == [96, 96]  # the second has a seed
    assert [row["output_tokens"] for row in figures["offline_cases"]] == [96]
    assert figures["client_cases"][0]["prompt_tokens"] == figures["offline_cases"][0]["prompt_tokens"]
    assert figures["ratio_offline"] > 0
