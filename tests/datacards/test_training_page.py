"""The page of a trained checkpoint tells what it has seen, what was forgotten and how it ran."""

import json
import math
from pathlib import Path

import pytest

from datacards.card import Card, Ref
from datacards.describe import describe
from datacards.render.training import CURVES, SHOWN
from datacards.store import Draft, Store
from datacards.trained import (
    TRAINING,
    HeldOut,
    Input,
    Processes,
    Seen,
    Spike,
    Training,
    held_out,
    read_figures,
    read_training,
    write_training,
)

CORPUS = Ref(name="fin-ja", version="2026.11.21", digest="c" * 64)
HOSTILE = "<script>|`x`$a$\n_太"
VALIDATION = [
    {"step": 0, "losses": {"boj": 3.0, "edinet": 2.0, "ippan: wiki": 2.5}, "tokens": {"boj": 900, "edinet": 5_000, "ippan: wiki": 4_000}},
    {"step": 40, "losses": {"boj": 2.5, "edinet": 1.9, "ippan: wiki": 2.6}, "tokens": {"boj": 900, "edinet": 5_000, "ippan: wiki": 4_000}},
]  # fmt: skip
TOLD = Training(
    base=Ref(name="local:small", version="0123456789ab", digest="b" * 64),
    tokenizer="d" * 64,
    inputs=(Input(ref=CORPUS), Input(ref=Ref(name="ippan", version="2026.11.20"), role="replay")),
    seen=(
        Seen(corpus=str(CORPUS), format="qa", source="boj", documents=10, tokens=3_000),
        Seen(corpus=str(CORPUS), format="markdown", source="boj", documents=4, tokens=5_000),
        Seen(corpus=str(CORPUS), format="markdown", source=HOSTILE, documents=1, tokens=2_000),
    ),
    held_out=held_out(VALIDATION, ["ippan: wiki"]),
    precision="bf16, float32 weights",
    attention="varlen",
    processes=(
        Processes(step=1, number=2, device="cpu"),
        Processes(step=21, number=1, device="cpu"),
    ),
    packing_fill=0.9912,
    spikes=(Spike(step=33, figure="loss", value=9.0, usual=2.0, deviations=41.3),),
    skipped=(34,),
    monitor={"acc 金融": 0.5},
    notes=("Of 14 documents 2 were empty.",),
)


def _fill(draft: Draft, steps: int = 40) -> None:
    lines = [{"step": step, "loss": 3 - step / 100, "lr": 1e-5, "tokens": 9 * step, "grad_norm": 1.0, "update_norm": 1e-3}
             for step in range(1, steps + 1)]  # fmt: skip
    for name, held in (("loss", lines), ("validation", VALIDATION)):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in held)
        (draft.path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    write_training(draft.path, TOLD)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with a trained version."""
    store = Store(tmp_path_factory.mktemp("trained") / "store")
    with store.write(name="cpt", version="2026.11.22", kind="checkpoint", recipe={}) as draft:
        _fill(draft)
    return store


@pytest.fixture
def trained(made: Store) -> tuple[Card, str]:
    """Return the card and the page of the trained version."""
    ref = made.resolve("cpt@2026.11.22")
    return made.card(ref), made.path(ref, "README.md").read_text(encoding="utf-8")


def _page(folder: Path, card: Card, told: Training) -> str:
    """Return the page of a version like ``card`` that tells something else."""
    write_training(folder, told)
    files = tuple(file for file in card.files if file.path == "loss.jsonl")
    describe(folder, card.model_copy(update={"files": files}))
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_page_tells_what_was_seen_and_how_it_ran(trained: tuple[Card, str]) -> None:
    card, page = trained
    assert CURVES in {file.path for file in card.files}
    assert f"]({CURVES})" in page
    for row in (
        "| trained on | fin-ja@2026.11.21 | `cccccccccccccccc` |",
        "| trained on against forgetting | ippan@2026.11.20 |",
        "| its tokenizer |  | `dddddddddddddddd` |",
        "| boj | 14 | 8,000 | 80 % |",
        "| markdown | 5 | 7,000 | 70 % |",
        "| places of the rows that hold a token | 99.1 % |",
        "| processes | 2 on cpu from step 1 on; 1 on cpu from step 21 on |",
        "| steps left out | 34 |",
        "| 33 | loss | 9 | 2 | 41 |",
        "- Of 14 documents 2 were empty.",
    ):
        assert row in page
    assert "<script>" not in page


def test_held_out_text_is_told_by_source_and_forgetting_in_a_sentence(trained: tuple[Card, str]) -> None:
    _, page = trained
    rise = 100 * math.expm1(0.1)
    rows = [
        f"| edinet | 5,000 | 2.0000 | 1.9000 | {math.exp(2):.5g} | {math.exp(1.9):.5g} | {100 * math.expm1(-0.1):+.2f} % |",
        f"| boj | 900 | 3.0000 | 2.5000 | {math.exp(3):.5g} | {math.exp(2.5):.5g} | {100 * math.expm1(-0.5):+.2f} % |",
        f"| ippan: wiki (only measured) | 4,000 | 2.5000 | 2.6000 | {math.exp(2.5):.5g} | {math.exp(2.6):.5g} | {rise:+.2f} % |",
    ]
    assert "\n".join(rows) in page
    assert (
        f"**The perplexity on text that was not trained on (4,000 tokens) has risen by {rise:.3g} %" in page
    )


@pytest.mark.parametrize(
    ("after", "told"),
    [(2.5001, "is as it was"), (2.2, "has fallen by 25.9 %: nothing of it was forgotten"), (None, "")],
)
def test_what_did_not_get_worse_was_not_forgotten(
    tmp_path: Path, trained: tuple[Card, str], after: float | None, told: str
) -> None:
    general = HeldOut(label="一般", tokens=10, before=2.5, after=after, measured_only=True)
    page = _page(tmp_path, trained[0], TOLD.model_copy(update={"held_out": (general,)}))
    assert told in page
    assert ("The perplexity on text" in page) is bool(told)


def test_equal_files_give_equal_bytes(made: Store, trained: tuple[Card, str]) -> None:
    assert made.verify(made.resolve("cpt")) == []
    with made.write(name="again", version="2026.11.23", kind="checkpoint", recipe={}) as draft:
        _fill(draft)
    other = made.card(made.resolve("again"))
    curves = [{file.sha256 for file in card.files if file.path == CURVES} for card in (trained[0], other)]
    assert curves[0] == curves[1]
    assert curves[0]


def test_a_version_of_before_has_its_curve_and_nothing_else(store: Store) -> None:
    with store.write(name="old", version="2026.11.20", kind="checkpoint", recipe={}) as draft:
        (draft.path / "loss.jsonl").write_text('{"step": 1, "loss": 2.5}\n', encoding="utf-8")
    page = store.path(store.resolve("old"), "README.md").read_text(encoding="utf-8")
    assert (
        "## Training\n\n![loss, learning rate and norms over 1 step: the loss goes from 2.5 to 2.5]" in page
    )
    assert "###" not in page


@pytest.mark.parametrize("text", ["", "nothing", '{"step": 1}\n', '[1]\n{"step": "1", "loss": 2}\n', '{"step": 1, "loss": NaN}\n'])  # fmt: skip
def test_a_curve_of_another_trainer_that_cannot_be_read_stops_no_version(store: Store, text: str) -> None:
    with store.write(name="odd", version="2026.11.20", kind="checkpoint", recipe={}) as draft:
        (draft.path / "loss.jsonl").write_text(text, encoding="utf-8")
        (draft.path / TRAINING).write_text("{}[", encoding="utf-8")
    card = store.card(store.resolve("odd"))
    assert CURVES not in {file.path for file in card.files}
    assert "## Training" not in store.path(store.resolve("odd"), "README.md").read_text(encoding="utf-8")


def test_many_sources_are_summed_behind_the_first(tmp_path: Path, trained: tuple[Card, str]) -> None:
    seen = [
        Seen(corpus="c", format="qa", source=f"s{i:03}", documents=2, tokens=1_000 - i) for i in range(60)
    ]
    page = _page(tmp_path, trained[0], Training(seen=tuple(seen)))
    rest = sum(one.tokens for one in seen[SHOWN:])
    assert f"| {60 - SHOWN} others | {2 * (60 - SHOWN)} | {rest:,} |" in page


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_training(tmp_path, TOLD)
    assert read_training(tmp_path) == TOLD
    assert [one.label for one in TOLD.held_out] == ["boj", "edinet", "ippan: wiki"]
    assert held_out([]) == ()
    assert held_out(VALIDATION[:1])[0].before is None
    assert read_training(tmp_path / "nowhere") is None
    (tmp_path / "x.jsonl").write_text('{"step": 1}\n\n{"loss": 2}\n', encoding="utf-8")
    assert read_figures(tmp_path / "x.jsonl") == [{"step": 1}]
