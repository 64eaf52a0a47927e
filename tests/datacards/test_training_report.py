"""The report says what held-out text says of every training below the scores."""

import json
from pathlib import Path

import pytest

from datacards.card import Ref
from datacards.render.report import report
from datacards.store import Store
from datacards.trained import HeldOut, Training, write_training

HELD = (
    HeldOut(label="日本銀行 <講演>", tokens=900, before=3.0, after=2.5),
    HeldOut(label="ippan: wiki", tokens=4_000, before=2.5, after=2.5001, measured_only=True),
    HeldOut(label="ippan: news", tokens=0, before=2.0, after=None, measured_only=True),
)


@pytest.mark.parametrize("held", [HELD, ()])
def test_held_out_losses_and_forgetting_are_in_the_report(
    store: Store, tmp_path: Path, held: tuple[HeldOut, ...]
) -> None:
    with store.write(name="cpt", version="2026.11.22", kind="checkpoint", recipe={}) as draft:
        (draft.path / "loss.jsonl").write_text('{"step": 1, "loss": 2.5}\n', encoding="utf-8")
        write_training(draft.path, Training(held_out=held))
    model: Ref = store.resolve("cpt")
    score = {"task": "t", "metric": "acc", "value": 0.5, "stderr": None, "samples": 2}
    with store.write(
        name="scored", version="2026.11.22", kind="evaluation", recipe={}, made_from=[model]
    ) as draft:
        (draft.path / "scores.json").write_text(json.dumps([score]), encoding="utf-8")
    report(store, [store.resolve("scored")], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("日本銀行 &lt;講演&gt;" in page) is bool(held)
    assert ("-39.35 %" in page) is bool(held)
    assert (
        "that was not trained on (4,000 tokens) is as it was: nothing of it was forgotten." in page
    ) is bool(held)
