"""A spike is found at the step where it happens, and noise on a falling curve is none."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from train.trainers.causal_lm import Spikes
from train.watch.spikes import Watcher, stopped

STEPS = 2_000


@dataclass(frozen=True)
class _Line:
    step: int
    loss: float
    lr: float
    grad_norm: float
    update_norm: float


@dataclass(frozen=True)
class _Row:
    loss: float
    named: tuple[tuple[str, str], ...]


def _curve(kind: str, seed: int, n: int = STEPS) -> list[_Line]:
    """Return a run as one sees them: warm-up, a line down to 0, and norms with heavy tails."""
    draw, at = np.random.default_rng(seed), np.arange(n)
    rate = 1e-5 * np.minimum(1, (at + 1) / 100) * (1 - at / n)
    loss = {
        "from scratch": 2.2 + 4 * np.exp(-at / 150) + draw.normal(0, 0.06, n),
        "warmed up again": 2.6 - 0.3 * at / n + 0.4 * np.exp(-(((at - 150) / 80) ** 2)) + draw.normal(0, 0.02, n),
        "uneven rows": 2.4 - 0.2 * at / n + draw.standard_t(5, n) * 0.08,
    }[kind]  # fmt: skip
    tails = np.exp(draw.normal(0, 0.12, n) + draw.standard_t(4, n) * 0.08)
    gradient = tails * (0.6 + 3 * np.exp(-at / 100))
    update = rate * 1_000 * (0.25 + 0.75 * np.exp(-at / 30)) * np.exp(draw.normal(0, 0.02, n))
    columns = zip(loss.tolist(), rate.tolist(), gradient.tolist(), update.tolist(), strict=True)
    return [_Line(step, *figures) for step, figures in enumerate(columns, 1)]


KINDS = ("from scratch", "warmed up again", "uneven rows")


@pytest.mark.parametrize("kind", KINDS)
def test_noise_on_a_falling_curve_is_no_spike(kind: str) -> None:
    for seed in range(4):
        watcher = Watcher(Spikes())
        assert [line.step for line in _curve(kind, seed) if watcher.see(line)] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("figure", "factor"), [("loss", 1.8), ("grad_norm", 20.0), ("update_norm", 2.0)])
def test_every_injected_spike_is_found_where_it_is(kind: str, figure: str, factor: float) -> None:
    """Of each figure alone, from soon after the beginning to the very end; gradients are the noisiest by far."""
    lines = _curve(kind, seed=7, n=1_000)
    places = [60, 150, 333, 334, 720, 999]
    for place in places:
        value = getattr(lines[place], figure) * factor
        lines[place] = replace(lines[place], **{figure: value})
    watcher = Watcher(Spikes())
    found = [verdict for line in lines if (verdict := watcher.see(line))]
    assert [verdict.step for verdict in found] == [place + 1 for place in places]
    assert {verdict.figures[0].name for verdict in found} == {figure}
    assert all(verdict.figures[0].deviations >= 12 for verdict in found)


def test_a_resumed_run_decides_as_an_undisturbed_one() -> None:
    """Whatever was before the window is forgotten, spikes in it are not."""
    lines = _curve("uneven rows", seed=3, n=600)
    for place in (290, 300, 301, 420):
        lines[place] = replace(lines[place], loss=6.0, update_norm=lines[place].update_norm * 3)
    options = Spikes(window=64)
    whole = Watcher(options)
    verdicts = [whole.see(line) for line in lines]
    resumed = Watcher(options, lines[310 - 64 : 310])
    assert [resumed.see(line) for line in lines[310:]] == verdicts[310:]
    assert verdicts[420]


def test_the_rate_alone_makes_no_spike_of_the_update() -> None:
    """The update is as long as the rate lets it: a rate that doubles is no accident."""
    lines = _curve("uneven rows", seed=1, n=300)
    lines = [replace(line, lr=1e-5, update_norm=1e-3) for line in lines]
    lines[200:] = [replace(line, lr=2e-5, update_norm=2e-3) for line in lines[200:]]
    watcher = Watcher(Spikes())
    assert [line.step for line in lines if watcher.see(line)] == []


@pytest.mark.parametrize("figure", ["loss", "grad_norm", "update_norm"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("options", [None, Spikes()])
def test_what_is_no_number_stops_at_the_first_step_too(
    figure: str, value: float, options: Spikes | None
) -> None:
    line = replace(_Line(1, 3.0, 1e-5, 1.0, 1e-3), **{figure: value})
    verdict = Watcher(options).see(line)
    assert verdict
    assert verdict.stops
    assert not verdict.finite


def test_a_spike_stops_only_a_run_that_asks_for_it() -> None:
    quiet = [_Line(step, 2.0 + 0.01 * (step % 3), 1e-5, 1.0, 1e-3) for step in range(1, 60)]
    stops = []
    for action in ("tell", "stop"):
        verdict = Watcher(Spikes.model_validate({"action": action}), quiet).see(replace(quiet[0], loss=9.0))
        assert verdict
        stops.append(verdict.stops)
    assert stops == [False, True]


def test_norms_that_nobody_measured_are_left_out() -> None:
    """DeepSpeed and older runs may have none."""
    lines = [_Line(step, 2.0, 1e-5, 0.0, 0.0) for step in range(1, 100)]
    watcher = Watcher(Spikes())
    assert [watcher.see(line) for line in lines] == [None] * 99
    assert watcher.see(_Line(100, 2.0, 1e-5, 5.0, 5.0)) is None


def test_the_message_names_figures_documents_and_what_to_do() -> None:
    quiet = [_Line(step, 2.0, 1e-5, 1.0, 1e-3) for step in range(1, 60)]
    verdict = Watcher(Spikes(action="stop"), quiet).see(_Line(60, 9.5, 1e-5, 1.0, 1e-3))
    assert verdict
    rows = [
        _Row(2.0, (("markdown-1", "boj"),)),
        _Row(31.0, tuple((f"listing-{i}", "edinet") for i in range(6))),
        _Row(math.nan, (("qa-7", ""),)),
        _Row(2.5, (("qa-8", "boj"),)),
    ]
    message = stopped(verdict, rows, "cpt@2026.11.22").message
    assert message.startswith("step 60: the loss is 9.5, ")
    first, second, third = "qa-7", "listing-0 (edinet)", "qa-8 (boj)"
    assert message.index(first) < message.index(second) < message.index(third)
    assert "listing-3 (edinet) and 2 more" in message
    assert "markdown-1" not in message
    assert "train step cpt@2026.11.22 60" in message
    assert "--skip-step 60" in message
    assert "learning_rate" in message
