"""The sample models are real checkpoints: they load, generate, and come out the same each time."""

import random
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from datacards.store import Store
from sample import models


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with both models after two steps each: everything but the waiting."""
    store = Store(tmp_path_factory.mktemp("family"))
    models.make_base(store, steps=2)
    models.make_instruct(store, steps=2)
    return store


def test_both_models_are_verified_versions_of_one_family(family: Store) -> None:
    base, instruct = (family.resolve(name) for name in ("sample-base", "sample-instruct"))
    assert family.verify(base) == family.verify(instruct) == []
    assert family.card(instruct).made_from == (base,)
    assert family.card(base).counts["steps"] == 2


def test_they_load_offline_and_generate(family: Store) -> None:
    folder = family.path(family.resolve("sample-instruct"))
    words = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    asked = words.apply_chat_template(
        [{"role": "user", "content": "水は何度で凍りますか。"}], tokenize=False, add_generation_prompt=True
    )
    assert asked == "質問：水は何度で凍りますか。\n回答："
    ids = words(asked, return_tensors="pt")["input_ids"]
    assert (
        model.generate(ids, max_new_tokens=4, min_new_tokens=4, do_sample=False).shape[1] == ids.shape[1] + 4
    )
    assert 1_500_000 < sum(p.numel() for p in model.parameters()) < 3_000_000


def test_any_text_survives_the_tokenizer(family: Store) -> None:
    """Bytes are the last resort, so that a sign never seen before is no unknown token."""
    words = AutoTokenizer.from_pretrained(family.path(family.resolve("sample-base")))
    text = "売上高は1,234百万円（前期比5.6％増）。\n𠮷野家 髙島屋 ㌔ € ∑"
    assert words.decode(words(text, add_special_tokens=False)["input_ids"]) == text


def test_made_again_they_are_equal_to_the_byte(family: Store, tmp_path: Path) -> None:
    again = Store(tmp_path)
    models.make_base(again, steps=2)
    digests = [store.card(store.resolve("sample-base")).content_digest for store in (family, again)]
    assert digests[0] == digests[1]


def test_what_is_there_already_is_left_alone(family: Store) -> None:
    before = family.resolve("sample-base").digest
    models.make_base(family, steps=2)
    assert family.resolve("sample-base").digest == before


def test_every_answer_stands_in_its_story() -> None:
    """No question asks for what the story does not say."""
    told = models.stories(random.Random(0))  # noqa: S311  a draw, no secret
    for _ in range(500):
        story = next(told)
        assert story.asks
        assert all(answer in story.text for _, _, answer in story.asks)
        assert not set("{}") & set(story.text + "".join(question for question, _, _ in story.asks))


def test_instructions_come_in_three_forms() -> None:
    made = models.instructions(300)
    assert sum("質問：" in text for text in made) > 50
    assert sum("選択肢：" in text for text in made) > 50
    assert sum("【答え】" in text for text in made) > 50
