"""What a model writes is what transformers writes to the prompt alone, whoever stands beside it in the batch."""

from pathlib import Path
from typing import Any

import pytest
import torch

from datacards.errors import UserError
from datacards.objective import Loaded
from eval.evaluators.loading import open_model
from eval.evaluators.writing import Prompt, Written, write

TEXTS = ["当社グループの売上高は", "【問題】", "日本銀行は金融政策を決める。物価の安定を", "あ"]


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> Loaded:
    return open_model(tiny_model)


def test_greedy_texts_are_those_of_transformers_generate(loaded: Loaded) -> None:
    """With the penalty of repetitions over prompt and text, in one batch of four lengths against one call each."""
    ours = write(loaded, [Prompt(text=text, max_tokens=24, repetition_penalty=1.3) for text in TEXTS])
    for text, written in zip(TEXTS, ours, strict=True):
        read: Any = loaded.tokenizer([text], return_tensors="pt")["input_ids"]
        made = loaded.model.generate(read, do_sample=False, max_new_tokens=24, repetition_penalty=1.3)
        theirs = loaded.tokenizer.decode(made[0, read.shape[1] :], skip_special_tokens=True)
        assert (written.text, written.context_tokens) == (theirs, read.shape[1])
        assert written.finish == ("length" if written.tokens == 24 else "stop")


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_no_prompt_bears_on_another(loaded: Loaded, temperature: float) -> None:
    prompts = [Prompt(text=text, max_tokens=16, temperature=temperature, seed=3) for text in TEXTS]
    kept: dict[int, Written] = {}
    together = write(loaded, prompts, keep=kept.__setitem__)
    assert together == [write(loaded, [prompt])[0] for prompt in prompts]
    assert together == write(loaded, prompts[::-1], batch_tokens=1)[::-1] == [kept[n] for n in range(4)]


def test_the_seed_decides_what_is_drawn(loaded: Loaded) -> None:
    """Without one it is made of the prompt; and a draw among one token is no draw."""
    one = Prompt(text=TEXTS[0], max_tokens=16, temperature=1.0, seed=1)
    other, unsaid = (
        Prompt(text=TEXTS[0], max_tokens=16, temperature=1.0, seed=2),
        Prompt(text=TEXTS[0], max_tokens=16, temperature=1.0),
    )
    found = write(loaded, [one, one, other, unsaid, unsaid])
    assert found[0] == found[1] != found[2] != found[3] == found[4]
    (greedy,) = write(loaded, [Prompt(text=TEXTS[0], max_tokens=16)])
    single = [
        Prompt(text=TEXTS[0], max_tokens=16, temperature=1.0, seed=5, top_k=1),
        Prompt(text=TEXTS[0], max_tokens=16, temperature=1.0, seed=5, top_p=1e-9),
    ]
    assert write(loaded, single) == [greedy, greedy]


def test_draws_follow_the_probabilities_that_transformers_draws_from(loaded: Loaded) -> None:
    """600 first tokens against the processors of transformers: penalty, temperature, top-k, top-p in that order."""
    from transformers import (
        LogitsProcessorList,
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    read: Any = loaded.tokenizer([TEXTS[2]], return_tensors="pt")["input_ids"]
    chain = LogitsProcessorList(
        [RepetitionPenaltyLogitsProcessor(1.2), TemperatureLogitsWarper(1.5), TopKLogitsWarper(12), TopPLogitsWarper(0.8)]
    )  # fmt: skip
    with torch.inference_mode():
        wanted = chain(read, loaded.model(read).logits[:, -1].float()).softmax(-1)[0]
    from eval.evaluators.picking import Picker

    prompts = [
        Prompt(text="", max_tokens=1, temperature=1.5, repetition_penalty=1.2, top_k=12, top_p=0.8, seed=n)
        for n in range(600)
    ]
    picker = Picker(prompts, [read[0].tolist()] * 600, (50, 1.0), "cpu")
    with torch.inference_mode():
        picked = picker.pick(loaded.model(read).logits[:, -1].expand(600, -1), 0)
    shares = torch.bincount(picked, minlength=len(wanted)) / 600
    assert set(picked.tolist()) <= set(wanted.nonzero().flatten().tolist())
    assert float((shares - wanted).abs().max()) < 0.08  # four standard errors of the likeliest


def test_a_stop_text_ends_the_text_before_it(loaded: Loaded) -> None:
    """Also where it lies over tokens that hold more than it; the first of several counts."""
    (whole,) = write(loaded, [Prompt(text=TEXTS[3], max_tokens=40)])
    middle = len(whole.text) // 2
    stop = whole.text[middle : middle + 3]
    before = whole.text.index(stop)
    found = write(
        loaded,
        [
            Prompt(text=TEXTS[3], max_tokens=40, until=(stop,)),
            Prompt(text=TEXTS[3], max_tokens=40, until=("この語は出ない", stop, "")),
            Prompt(text=TEXTS[3], max_tokens=40, until=("この語は出ない",)),
        ],
    )
    for written in found[:2]:
        assert (written.text, written.finish, written.stopped_by) == (whole.text[:before], "stop", stop)
        assert written.tokens < whole.tokens
    assert (found[2].text, found[2].stopped_by) == (whole.text, "")


def test_a_prompt_that_is_too_long_loses_its_beginning(loaded: Loaded) -> None:
    """Room is left for what is to be written, or for half of the model's length; never more is written than fits."""
    long = Prompt(text="物価の安定を図る。" * 20, max_tokens=8)
    (written,) = write(loaded, [long], max_length=32)
    assert (written.truncated, written.context_tokens) == (True, 24)
    (written,) = write(loaded, [Prompt(text=long.text, max_tokens=500)], max_length=32)
    assert (written.context_tokens, written.tokens <= 16) == (16, True)
    (written,) = write(loaded, [Prompt(text="あ", max_tokens=500)], max_length=32)
    assert (written.truncated, written.context_tokens + written.tokens <= 32) == (False, True)


def test_chat_messages_are_read_in_the_models_own_template(loaded: Loaded) -> None:
    turns = ({"role": "user", "content": "利益とは何ですか。"},)
    with pytest.raises(UserError, match="no chat template"):
        write(loaded, [Prompt(messages=turns)])
    loaded.tokenizer.chat_template = (
        "<s>{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
    )
    try:
        chat, plain = write(
            loaded,
            [
                Prompt(messages=turns, max_tokens=8),
                Prompt(text="<s>user: 利益とは何ですか。\nassistant:", max_tokens=8),
            ],
        )
    finally:
        loaded.tokenizer.chat_template = None
    assert chat == plain
