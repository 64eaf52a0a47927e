"""False alarms and power of the comparison of two models, in the shapes of real test sets, and what it costs.

``python -m bench.null_comparisons [--trials N] [--draws N] [--seed N] [--only WORD]`` draws two models that are equally
good, over and over, and counts how often each method calls one better at a nominal 5 %; then two models a step apart.
Methods: ours (exact McNemar, else cluster bootstrap-t); the z test of two independent standard errors, which is what
figures printed with their errors allow, as of lm-evaluation-harness; the paired z test of items taken as independent;
a percentile bootstrap over clusters without studentizing. Cost is against ``scipy.stats.bootstrap`` (paired, BCa off)
with equally many draws on the mean difference of 7,723 items, which knows no clusters.
"""

import json
import math
import resource
import time
from collections.abc import Callable

import click
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats
from tqdm import tqdm

from bench.measures.null_outcomes import Pair, Shape, shapes
from eval.compare.figures import gradient_of
from eval.compare.outcome import Outcome
from eval.compare.paired import compare, strata_of
from eval.compare.resample import contrast, drawn

LEVEL = 0.05
MOST = 0.06  # false alarms that are allowed at a nominal 5 %
METHODS = ("ours", "unpaired z", "paired z, items independent", "percentile bootstrap")


@click.command()
@click.option(
    "--trials",
    default=2000,
    show_default=True,
    type=click.IntRange(20),
    help="Pairs of models a shape; a fifth of them for power.",
)
@click.option("--draws", default=2000, show_default=True, type=click.IntRange(100), help="Bootstrap draws.")
@click.option("--seed", default=0, show_default=True)
@click.option("--only", default="", metavar="WORD", help="Shapes whose name has this word.")
def main(trials: int, draws: int, seed: int, only: str) -> None:
    """Count false alarms and finds of every method in every shape."""
    chosen = [shape for shape in shapes() if only in shape.name]
    if not chosen:
        raise click.BadParameter(f"no shape has '{only}' in its name", param_hint="--only")
    table = Table("shape", "", *METHODS, box=None, header_style="bold")
    told = {}
    for shape in chosen:
        false = rates(shape, 0.0, trials, draws=draws, seed=seed)
        found = rates(shape, shape.step, max(20, trials // 5), draws=draws, seed=seed)
        told[shape.name] = {"false_alarms": false, "power": found}
        table.add_row(shape.name, "false alarms", *(f"{false[name]:.1%}" for name in METHODS))
        table.add_row("", "power", *(f"{found[name]:.1%}" for name in METHODS), style="dim")
    Console(width=170).print(table)
    worst = max(one["false_alarms"]["ours"] for one in told.values())
    error = math.sqrt(LEVEL * (1 - LEVEL) / trials)
    figures = {
        "trials": trials,
        "draws": draws,
        "worst_false_alarms": worst,
        "error_of_a_rate": round(error, 4),
        "allowed": MOST,
        "shapes": told,
        **cost(draws, seed),
    }
    click.echo(
        f"worst rate of ours {worst:.1%} (a rate of 5 % is known to ±{error:.1%}); 7,723 items in 230 clusters take"
        f" {figures['seconds']:.3f} s, scipy {figures['seconds_scipy']:.3f} s"
    )
    click.echo(json.dumps(figures))


def rates(shape: Shape, step: float, trials: int, *, draws: int, seed: int) -> dict[str, float]:
    """Return how often each method calls a difference between models ``step`` apart."""
    called = dict.fromkeys(METHODS, 0)
    rng = np.random.default_rng([seed, int(step * 1000), len(shape.clusters)])
    for _ in tqdm(
        range(trials), desc=f"{shape.name.partition(':')[0]}, {step:g} apart", disable=None, leave=False
    ):
        pair = shape.draw(rng, step=step)
        called["ours"] += compare(*pair, draws=draws).p < LEVEL
        called["unpaired z"] += unpaired(*pair) < LEVEL
        called["paired z, items independent"] += items_independent(*pair) < LEVEL
        called["percentile bootstrap"] += percentile(pair, rng)
    return {name: round(number / trials, 4) for name, number in called.items()}


def influence(outcome: Outcome) -> np.ndarray:
    """Return what each item moves the figure by, to first order."""
    moved: np.ndarray = outcome.parts @ gradient_of(outcome.parts.sum(axis=0), outcome.figure)
    return moved


def unpaired(a: Outcome, b: Outcome) -> float:
    """Return p of two figures whose errors take items as independent and are added."""
    error = math.hypot(*(math.sqrt(one.n) * influence(one).std(ddof=1) for one in (a, b)))
    return float(2 * stats.norm.sf(abs(a.value - b.value) / error)) if error else 1.0


def items_independent(a: Outcome, b: Outcome) -> float:
    """Return p of the paired difference, items taken as independent."""
    error = math.sqrt(a.n) * (influence(a) - influence(b)).std(ddof=1)
    return float(2 * stats.norm.sf(abs(a.value - b.value) / error)) if error else 1.0


def percentile(pair: Pair, rng: np.random.Generator, draws: int = 500) -> bool:
    """Say whether the middle 95 % of a bootstrap over clusters leave zero out."""
    a, b = pair
    asked = contrast([a.parts, b.parts], [a.figure, b.figure], [1.0, -1.0], a.clusters, strata_of(a))
    values = asked.value(drawn(asked.strata, draws, rng) @ asked.sums)
    low, high = np.quantile(values, [0.025, 0.975])
    return bool(low > 0 or high < 0)


def cost(draws: int, seed: int) -> dict[str, float]:
    """Return the seconds of one comparison of 7,723 items in 230 clusters, and of scipy's bootstrap of their mean."""
    shape = next(shape for shape in shapes() if shape.figure == "f1")
    a, b = shape.draw(np.random.default_rng(seed))
    differences = influence(a) - influence(b)
    ours = timed(lambda: compare(a, b, draws=draws))
    peer = timed(
        lambda: stats.bootstrap(
            (differences,),
            np.mean,
            n_resamples=draws,
            method="percentile",
            batch=100,
            rng=np.random.default_rng(seed),
        ),
        times=1,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": round(ours, 4),
        "seconds_scipy": round(peer, 4),
        "times_as_fast": round(peer / ours, 1),
        "peak_mib": round(peak, 1),
    }


def timed(work: Callable[[], object], *, times: int = 5) -> float:
    """Return the shortest CPU time of ``times`` runs, in seconds."""
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


if __name__ == "__main__":
    main()
