"""The picture of a training is small however long it was, keeps its spikes, and takes any name."""

import re
from typing import Any

import numpy as np
from defusedxml import ElementTree

from datacards.render.training_plots import BUCKETS, figure, running_mean, thinned
from datacards.trained import HeldOut, Spike, Training


def _steps(n: int) -> list[dict[str, float | int]]:
    loss = 2 + np.exp(-np.arange(n) / 500) + np.random.default_rng(0).normal(0, 0.05, n)
    return [
        {"step": step, "loss": one, "lr": 1e-5 * (1 - step / n), "grad_norm": 1 + one, "update_norm": 1e-3}
        for step, one in enumerate(loss.tolist(), 1)
    ]


def test_forty_thousand_steps_make_a_small_picture_in_which_one_bad_step_stays() -> None:
    steps = _steps(40_000)
    steps[23_456]["loss"] = 50.0
    spikes = Training(spikes=(Spike(step=23_457, figure="loss", value=50, usual=2, deviations=99),))
    losses = {f"{source}の報告": 2.0 for source in ("日本銀行", "金融庁", "財務省", "内閣府")}
    held = [{"step": step, "losses": losses} for step in range(0, 40_001, 1_000)]
    drawn = figure(steps, held, [{"step": 9, "scores": {"正答率": 0.5}}], spikes)
    assert len(drawn.encode()) < 100_000
    assert drawn == figure(steps, held, [{"step": 9, "scores": {"正答率": 0.5}}], spikes)
    root = ElementTree.fromstring(drawn)
    assert root.tag.endswith("svg")
    at = np.array([step["step"] for step in steps], float)
    points = thinned(at, np.array([step["loss"] for step in steps]))
    assert (23_457.0, 50.0) in points
    assert points[0][0] == 1
    assert points[-1][0] == 40_000
    assert len(points) <= 2 * BUCKETS + 2


def test_one_step_and_figures_that_are_none_are_drawn_too() -> None:
    """A line of one point has a marker, or nobody would see it."""
    one = figure([{"step": 1, "loss": 2.5}])
    assert one.count("<use") > 10  # letters, and the point
    assert figure([{"step": 1, "loss": float("nan")}]) == ""
    assert figure([]) == ""
    odd: list[dict[str, Any]] = [
        {"step": 1, "loss": 2.5, "lr": "much", "grad_norm": 0.0},
        {"step": 2, "loss": None},
        {"step": 3, "loss": 2.4},
    ]
    assert ElementTree.fromstring(figure(odd, [{"step": 1, "losses": [1]}], [{"step": 1}])).tag


def test_names_are_drawn_as_they_are_and_none_breaks_the_picture() -> None:
    """Japanese has glyphs; signs that the font has not, formulas and leading lines do no harm (warnings are errors)."""
    names = ["日本銀行", "😀絵文字", "$a$ $b$", "_底", "<b>&", "長" * 80, "\u202e逆", *map(str, range(9))]
    held = [
        {"step": step, "losses": dict.fromkeys(names, 2.0), "tokens": dict.fromkeys(names, 5)}
        for step in (0, 1)
    ]
    told = Training(held_out=(HeldOut(label="日本銀行", tokens=5, measured_only=True),))
    drawn = figure(_steps(2), held, training=told)
    assert ElementTree.fromstring(drawn).tag
    assert "script" not in drawn
    assert len(re.findall("stroke-dasharray", drawn)) == len(re.findall("stroke-dasharray: 5", drawn))


def test_the_smoothed_line_is_the_mean_of_the_last_steps() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert running_mean(values, 2).tolist() == [1.0, 1.5, 2.5, 3.5, 4.5]
    assert running_mean(values, 9).tolist() == [1.0, 1.5, 2.0, 2.5, 3.0]
