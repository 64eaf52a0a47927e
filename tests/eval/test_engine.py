"""The numbers are the harness's, whatever is shared, whatever stands in a batch, whatever the model is built like."""

import gzip
import json
import math
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from datacards.errors import UserError
from datacards.objective import Loaded
from eval.evaluators.likelihoods import Scorer
from eval.evaluators.lm_eval import LmEval
from eval.evaluators.loading import open_model
from eval.evaluators.transformers import Transformers
from eval.evaluators.trees import Line
from eval.items import Answer, Asked, Item, Passage, Question, Reply, Result, Surprise
from eval.scoring import score
from eval.tasks.chabsa import Chabsa
from eval.tasks.cpa_audit import CpaAudit

BEGINNING = "次の文の続きとして正しいものを選んでください。答えは一つです。\n\n"
WORDS = ["売上高", "営業利益", "自己資本比率", "物価", "金利"]
ITEMS = [
    *(
        Item(f"t{n}", f"{BEGINNING}当社の{word}は{'大きく' * n}", (f"増加し、{word}を上回った", "減少した", "減"), ("a", "b", "c"), 0)
        for n, word in enumerate(WORDS * 2)
    ),
    *(Item(f"s{n}", f"{BEGINNING}当社の{word}は \n", ("A", "B", "C"), ("A", "B", "C"), 1) for n, word in enumerate(WORDS)),
    Item("one", f"{BEGINNING}配当は", ("据え置いた",), ("据え置いた",), 0),
    Item("nothing", "", ("増", "減った"), ("増", "減った"), 0),
    Item("prefix", "配当を", ("増", "増加", "増加した"), ("x", "y", "z"), 0),
]  # fmt: skip


def ask(model: Path | Loaded, items: Sequence[Asked], evaluator: Any = None) -> list[Any]:
    kept: list[Result] = []
    found = (evaluator or Transformers()).ask(
        model=model, asked={"t": items}, keep=lambda _, results: kept.extend(results)
    )["t"]
    assert [result.item for result in found] == list(items)
    assert sorted(map(id, kept)) == sorted(map(id, found))
    return list(found)


def numbers(answers: Sequence[Answer]) -> list[float]:
    return [value for answer in answers for value in answer.loglikelihoods]


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> Loaded:
    return open_model(tiny_model)


@pytest.mark.slow
def test_the_golden_run_is_reproduced_whole(golden: Path, tmp_path: Path) -> None:
    """All 8,121 items of both tasks, within 1e-4 of the original task code, and the figures made of them."""
    with gzip.open(golden / "per_item_tiny-llama-tuned.json.gz", "rt") as stream:
        wanted = json.load(stream)
    tasks = {"chabsa": Chabsa(), "cpa_audit": CpaAudit()}
    answers: dict[str, list[Answer]] = {name: [] for name in tasks}

    class Listening(Transformers):
        def ask(self, **given: Any) -> Any:
            found = super().ask(**given)
            for name, results in found.items():
                answers[name] += results  # type: ignore[arg-type]
            return found

    scores, _ = score(Listening(), golden / "tiny-llama-tuned", list(tasks.values()), None)
    figures = {(one.task, one.metric): one for one in scores}
    for task in tasks:
        theirs = {item["ctx_sha256"]: item for item in wanted[task]["items"]}
        for answer in answers[task]:
            item = theirs[sha256(answer.item.context.encode()).hexdigest()]
            assert answer.loglikelihoods == pytest.approx(item["ll"], abs=1e-4)
            assert (answer.context_tokens, list(answer.choice_tokens)) == (item["n_ctx"], item["n_cont"])
        for metric in ("acc", "acc_norm", *(("f1", "f1_norm") if task == "chabsa" else ())):
            assert figures[task, metric].value == pytest.approx(
                wanted[task]["metrics"][f"{metric},none"], abs=1e-9
            )


@pytest.mark.parametrize("bos", ["original", "tokenizer"])
def test_the_numbers_are_the_harnesss(loaded: Loaded, bos: Any) -> None:
    """Choices of one token and of many, that begin alike or not, after white space, after nothing at all."""
    ours = ask(loaded, ITEMS, Transformers(bos=bos))
    theirs = ask(loaded, ITEMS, LmEval(bos=bos))
    assert numbers(ours) == pytest.approx(numbers(theirs), abs=1e-4)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.choice_tokens, one.context_tokens) == (other.choice_tokens, other.context_tokens)


def test_the_batch_bears_on_nothing(loaded: Loaded) -> None:
    """Alone, in batches of any size, among others, in any order: float32 within 1e-5, the same choice."""
    wanted = [answer for item in ITEMS for answer in ask(loaded, [item])]
    for size, order in ((1, 1), (300, -1), (100_000, 1)):
        found = ask(loaded, ITEMS[::order], Transformers(batch_tokens=size))[::order]
        assert numbers(found) == pytest.approx(numbers(wanted), abs=1e-5)
        assert [one.prediction for one in found] == [one.prediction for one in wanted]


def test_what_does_not_fit_is_cut_as_the_harness_cuts_it(loaded: Loaded) -> None:
    ours = ask(loaded, ITEMS, Transformers(max_length=70))
    theirs = ask(loaded, ITEMS, LmEval(max_length=70))
    assert numbers(ours) == pytest.approx(numbers(theirs), abs=1e-4)
    assert [one.truncated for one in ours] == [one.truncated for one in theirs]
    assert {one.truncated for one in ours} == {True, False}


def built(kind: str, tokenizer: Any) -> Loaded:
    """Return an untrained model of two layers of one architecture, with weights large enough to matter."""
    import transformers as hf

    size = {"vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    gated = {**size, "intermediate_size": 48, "num_key_value_heads": 2, "initializer_range": 0.2}
    configs: dict[str, Any] = {
        "gpt2": lambda: hf.GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, initializer_range=0.2),
        "bloom": lambda: hf.BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=4, initializer_range=0.2),
        "gemma2": lambda: hf.Gemma2Config(**gated, head_dim=8, sliding_window=48, final_logit_softcapping=5.0),
        "qwen2": lambda: hf.Qwen2Config(**gated, tie_word_embeddings=True),
        "mistral-window": lambda: hf.MistralConfig(**gated, sliding_window=40),
        "mamba": lambda: hf.MambaConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, state_size=4, initializer_range=0.2),
    }  # fmt: skip
    torch.manual_seed(1)
    config = configs[kind]()
    config.bos_token_id, config.eos_token_id, config.pad_token_id = 0, 1, None
    return Loaded(hf.AutoModelForCausalLM.from_config(config).eval(), tokenizer, kind)


@pytest.mark.parametrize("kind", ["gpt2", "bloom", "gemma2", "qwen2", "mistral-window", "mamba"])
def test_models_of_every_build_are_read_rightly(loaded: Loaded, kind: str) -> None:
    """Learned positions, ALiBi, capped scores, tied weights, sliding windows, recurrence: against each text alone."""
    model = built(kind, loaded.tokenizer)
    for answer in ask(model, ITEMS, Transformers(bos="none")):
        item: Item = answer.item
        context = item.context.rstrip()
        head = loaded.tokenizer(context, add_special_tokens=False)["input_ids"]
        for value, choice in zip(answer.loglikelihoods, item.continuations, strict=True):
            whole = loaded.tokenizer(
                context + item.context[len(context) :] + choice, add_special_tokens=False
            )["input_ids"][len(head) :]
            read = (head or [0]) + whole
            with torch.inference_mode():
                logs = model.model(input_ids=torch.tensor([read]), use_cache=False).logits[0].log_softmax(-1)
            wanted = sum(float(logs[n - 1, read[n]]) for n in range(len(read) - len(whole), len(read)))
            assert value == pytest.approx(wanted, abs=1e-4)
    prompts: list[Asked] = [
        Question(str(n), "当社の" * n + word, (), max_tokens=6) for n, word in enumerate(WORDS, 1)
    ]
    together = ask(model, prompts)
    assert together == [reply for prompt in prompts for reply in ask(model, [prompt])]


def test_a_way_that_a_model_reads_wrongly_is_left_and_said(
    loaded: Loaded, caplog: pytest.LogCaptureFixture
) -> None:
    """A model that takes no heed of the mask it is given: choices cannot be branches of one row."""
    model = built("qwen2", loaded.tokenizer)
    inner = model.model.forward

    def forward(input_ids: Any = None, attention_mask: Any = None, position_ids: Any = None, past_key_values: Any = None, use_cache: bool = False) -> Any:  # fmt: skip
        del attention_mask
        return inner(
            input_ids, position_ids=position_ids, past_key_values=past_key_values, use_cache=use_cache
        )

    model.model.forward = forward
    found = ask(model, ITEMS)
    assert "qwen2: read without branches, which change its numbers" in caplog.text
    model.model.forward = inner
    assert numbers(found) == pytest.approx(numbers(ask(model, ITEMS)), abs=1e-5)
    assert model.model.get_output_embeddings()._forward_pre_hooks == {}


def test_replies_are_greedy_and_stop_where_they_are_told(loaded: Loaded) -> None:
    questions: list[Asked] = [Question(str(n), f"当社の{word}は", (), until=("の", "\n"), max_tokens=12) for n, word in enumerate(WORDS)]  # fmt: skip
    ours: list[Reply] = ask(loaded, questions)
    theirs: list[Reply] = ask(loaded, questions, LmEval())
    assert [one.text for one in ours] == [one.text for one in theirs]
    assert {one.finish for one in ours} <= {"stop", "length"}
    assert all(one.context_tokens > 0 for one in ours)


@pytest.mark.parametrize(("bos", "scored"), [("none", 1), ("tokenizer", 0)])
def test_a_passage_is_read_whole_in_windows(loaded: Loaded, bos: Any, scored: int) -> None:
    """Each token once; the first one where a beginning token stands before it; each window after one token."""
    texts = ["物価の安定を図る。" * 9, "金", ""]
    passages: list[Asked] = [Passage(str(n), text) for n, text in enumerate(texts)]
    found: list[Surprise] = ask(loaded, passages, Transformers(bos=bos, max_length=16))
    for text, one in zip(texts, found, strict=True):
        plain = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
        tokens = plain if scored else [0, *plain]
        assert one.tokens == max(0, len(tokens) - 1)
        nats = 0.0
        for start in range(0, len(tokens) - 1, 16):
            window = torch.tensor([tokens[start : start + 17]])
            with torch.inference_mode():
                logs = loaded.model(window[:, :-1]).logits[0].log_softmax(-1)
            nats -= float(logs.gather(1, window[0, 1:, None]).sum())
        assert one.nats == pytest.approx(nats, abs=1e-4)
        assert math.isfinite(one.nats)


@pytest.mark.parametrize("kind", ["qwen2", "gemma2"])
def test_scores_are_made_in_portions(loaded: Loaded, kind: str) -> None:
    """Seven places at a time, also where the model caps its scores after the output layer; no place twice."""
    model = built(kind, loaded.tokenizer)
    tokens = tuple(range(2, 46))
    lines = [Line(0, n, tokens[n:-1], tokens[n + 1 :]) for n in (0, 9)]
    scorer = Scorer(model, 64)
    whole = {(read.choice, read.token): value for found in scorer.read(lines, 64) for read, value in found}
    seen = []
    model.model.get_output_embeddings().register_forward_hook(lambda *given: seen.append(given[2].shape[-2]))
    scorer.most = 7
    parts = {(read.choice, read.token): value for found in scorer.read(lines, 64) for read, value in found}
    assert parts == pytest.approx(whole, abs=1e-5)
    assert (len(parts), max(seen)) == (43 + 34, 7)


def test_a_folder_and_its_model_in_memory_are_asked_alike(tiny_model: Path, loaded: Loaded) -> None:
    assert ask(tiny_model, ITEMS) == ask(loaded, ITEMS)


def test_a_model_that_is_being_trained_is_asked_without_dropout(loaded: Loaded) -> None:
    model = built("gpt2", loaded.tokenizer)
    wanted = ask(model, ITEMS)
    model.model.train()
    assert ask(model, ITEMS) == wanted


def test_what_no_row_may_share_turns_off_nothing(loaded: Loaded, caplog: pytest.LogCaptureFixture) -> None:
    """Texts of which the shortest two make a row that is longer than the window, while others would fit."""
    model = built("mistral-window", loaded.tokenizer)
    found = ask(model, ITEMS)
    assert "read without" not in caplog.text
    assert numbers(found) == pytest.approx(
        [n for item in ITEMS for n in numbers(ask(model, [item]))], abs=1e-5
    )


def test_bfloat16_runs_and_is_near(tiny_model: Path) -> None:
    found = ask(tiny_model, ITEMS, Transformers(dtype="bfloat16"))
    assert numbers(found) == pytest.approx(numbers(ask(tiny_model, ITEMS)), rel=0.2)


def test_a_choice_that_its_prompt_swallows_is_encoded_by_itself(loaded: Loaded) -> None:
    """The two make one token here; the harness ends with an error. A choice of nothing is refused."""
    (merged,) = ask(loaded, [Item("x", "当社グループの売上高は", ("増",), ("増",), 0)])
    assert merged.choice_tokens == (len(loaded.tokenizer("増", add_special_tokens=False)["input_ids"]),)
    with pytest.raises(UserError, match="a choice of item x has no token of its own"):
        ask(loaded, [Item("x", "配当は", ("",), ("なし",), 0)])
