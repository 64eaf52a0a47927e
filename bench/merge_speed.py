"""Merging on disk: our engine and our whole command against mergekit, and against moving as many bytes.

``python -m bench.merge_speed [--gib 2] [--methods task_arithmetic,ties,dare_linear] [--repeat 3] [--no-cold]
[--peers mergekit,mergekit_best,mergekit_exact] [--growth 0.25,1,4]`` makes
three bfloat16 checkpoints of that many GiB (2^30 bytes) each, in the shape of Qwen2, and merges base + 2 models into one.
All programs run in turn, ``repeat`` times, each in a process of its own; wall seconds include the start of the interpreter.
A peer that takes over a minute runs once. Writing counts up to the system's page cache for all alike: the result is
removed, outside of the clock, before the next run. Warm: all inputs lie in memory; cold: none does (both are looked at).

limit: read three, write one with the system's ``cp`` and ``cat``, two processes at a time (limit_one: one)
ours: the engine, which measures the task vectors in the same pass, with its journal
command: ``merge RECIPE``, which also verifies the inputs, hashes the result and writes its card
mergekit: bfloat16 arithmetic; mergekit_best: with its fastest flags; mergekit_exact: in float32

"not exact" is the share of weights that differ from float64 arithmetic rounded once. A ratio is the median over the rounds:
``ratio_mergekit*`` are a peer's wall seconds over ours, ``ratio_limit*`` ours over the limit. The growth table has
the peak private memory of ours by the size of a model.
"""

import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from bench.merging.checkpoints import make
from bench.merging.exact import differing
from bench.merging.process import ProgramFailedError, Spent, forget, keep, kept, run
from bench.merging.programs import COMMAND, LIMIT, LIMIT_ONE, METHODS, OURS, program
from bench.peers.install import PeersMissingError

LINEAR = "task_arithmetic"
PEERS = ("mergekit", "mergekit_best", "mergekit_exact")
TINY = 0.002  # GiB of the family whose runs are not counted: they compile what is compiled once
LONG = 60.0  # seconds; a peer that takes longer runs once
GIB = 1 << 30
SPARE = 4 * GIB  # memory beside the page cache: what the hungriest program holds


class Case(NamedTuple):
    """One program on warm or cold files."""

    cache: str
    method: str
    name: str


@dataclass
class Session:
    """The folders of one family of checkpoints, and what the runs on it cost."""

    family: Path
    work: Path
    runs: dict[Case, list[Spent]] = field(default_factory=dict)
    wrong: dict[str, float] = field(default_factory=dict)
    in_memory: dict[str, list[float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def measure(self, case: Case) -> Spent:
        """Run one program once and remove what it made; raises ProgramFailedError, PeersMissingError."""
        asked = program(case.name, case.method, self.family, self.work)
        (keep if case.cache == "warm" else forget)(self.family)
        self.in_memory.setdefault(case.cache, []).append(round(kept(self.family), 3))
        try:
            spent = run(asked.command, self.work / "log", asked.environment)
            makes = case.method == LINEAR and case.name not in (LIMIT, LIMIT_ONE)
            if makes and case.name not in self.wrong:
                self.wrong[case.name] = differing(self.family, next(asked.out.rglob("*.safetensors")).parent)
        finally:
            shutil.rmtree(asked.out, ignore_errors=True)
        return spent

    def take(self, case: Case) -> None:
        """Measure and keep the figures; a peer that cannot run is left out from then on, ours must run."""
        key = f"{case.name} {case.method}"
        before = self.runs.get(case, [])
        if key in self.left_out or (case.name in PEERS and before and before[0].wall > LONG):
            return
        try:
            spent = self.measure(case)
        except (ProgramFailedError, PeersMissingError) as error:
            if case.name not in PEERS:
                raise click.ClickException(f"{case.name} {error}") from error
            self.left_out[key] = str(error)
            click.echo(f"{key} is left out: {error}", err=True)
        else:
            self.runs.setdefault(case, []).append(spent)
            click.echo(f"{' '.join(case)}: {spent.wall:.2f} s, {spent.cpu:.2f} s of CPU", err=True)

    def ratio(self, of: Case, to: Case, what: str = "wall") -> float | None:
        """Return the median over the rounds of what one program took over what the other did."""
        pairs = list(zip(self.runs.get(of, []), self.runs.get(to, []), strict=False))
        return (
            round(statistics.median(getattr(a, what) / getattr(b, what) for a, b in pairs), 3)
            if pairs
            else None
        )


def cases(methods: Sequence[str], peers: Sequence[str], *, cold: bool, warm: bool) -> Iterator[Case]:
    """Yield what one round runs, in its order."""
    for cache in [*["warm"] * warm, *["cold"] * cold]:
        for method in methods:
            names: list[str] = [OURS, "mergekit"]
            if method == LINEAR:
                names = [LIMIT, OURS, "mergekit"]
                names += [LIMIT_ONE, COMMAND, "mergekit_best", "mergekit_exact"] if cache == "warm" else []
            elif cache == "cold":
                continue
            yield from (Case(cache, method, name) for name in names if name not in PEERS or name in peers)


def compare(
    place: Path, gib: float, methods: Sequence[str], peers: Sequence[str], repeat: int, *, cold: bool
) -> dict[str, Any]:
    """Measure all programs on checkpoints of ``gib`` GiB below ``place``; return the figures."""
    session = Session(place / "family", place / "work")
    session.work.mkdir()
    weights = make(session.family, gib)
    tiny = Session(place / "tiny", session.work, left_out=session.left_out)
    if gib > TINY:
        make(tiny.family, TINY)
        for case in cases(methods, peers[:1], cold=False, warm=True):
            tiny.take(case)
    warm = fits_in_memory(session, gib)
    for round_ in range(repeat):
        for case in cases(methods, peers, cold=cold, warm=warm):
            if round_ == 0 or case.name != "mergekit_exact":
                session.take(case)
    shutil.rmtree(session.family)
    show(session, f"{weights:,} weights")
    return {"gib": gib, "weights": weights, "cpus": os.cpu_count(), **figures(session, methods)}


def figures(session: Session, methods: Sequence[str]) -> dict[str, Any]:
    """Return the ratios that are compared between versions, and all rows."""
    ours = Case("warm", LINEAR, OURS)
    found: dict[str, Any] = {}
    for cache, end in (("warm", ""), ("cold", "_cold")):
        at = {name: Case(cache, LINEAR, name) for name in (LIMIT, LIMIT_ONE, OURS, COMMAND, *PEERS)}
        found |= {f"ratio_{peer}{end}": session.ratio(at[peer], at[OURS]) for peer in PEERS}
        found[f"ratio_limit{end}"] = session.ratio(at[OURS], at[LIMIT])
        found[f"ratio_limit_one{end}"] = session.ratio(at[OURS], at[LIMIT_ONE])
        found[f"ratio_command{end}"] = session.ratio(at[COMMAND], at[OURS])
        found[f"cpu_ratio_mergekit{end}"] = session.ratio(at["mergekit"], at[OURS], "cpu")
        found[f"cpu_ratio_limit{end}"] = session.ratio(at[OURS], at[LIMIT], "cpu")
    if runs := session.runs.get(ours):
        found["peak_gib"] = round(max(one.anon for one in runs), 3)
    found = {name: value for name, value in found.items() if value is not None}
    found["methods"] = {method: _of_method(session, method) for method in methods}
    found["not_exact"] = session.wrong
    found["in_memory"] = {cache: [min(seen), max(seen)] for cache, seen in session.in_memory.items()}
    found["rows"] = [
        {**case._asdict(), "runs": len(runs), **_medians(runs)} for case, runs in session.runs.items()
    ]
    return found | ({"left_out": session.left_out} if session.left_out else {})


def _of_method(session: Session, method: str) -> dict[str, Any]:
    ours, theirs = (Case("warm", method, name) for name in (OURS, "mergekit"))
    told: dict[str, Any] = {
        "ratio_mergekit": session.ratio(theirs, ours),
        "cpu_ratio_mergekit": session.ratio(theirs, ours, "cpu"),
    }
    for key, case in (("peak_gib", ours), ("peak_gib_mergekit", theirs)):
        told[key] = round(max(one.anon for one in session.runs[case]), 3) if session.runs.get(case) else None
    return {name: value for name, value in told.items() if value is not None}


def _medians(runs: Sequence[Spent]) -> dict[str, float]:
    return {name: round(statistics.median(getattr(one, name) for one in runs), 3) for name in Spent._fields}


def show(session: Session, title: str) -> None:
    """Print what every program cost, and how that compares to the limit."""
    heads = ("method", "program", "wall s", "x limit", "CPU s", "private GiB", "resident GiB", "not exact")
    table = Table("files", *heads, box=None, header_style="bold", title=title)
    for case, runs in session.runs.items():
        row = _medians(runs)
        to_limit = session.ratio(case, Case(case.cache, LINEAR, LIMIT))
        wrong = session.wrong.get(case.name) if case.method == LINEAR else None
        table.add_row(
            *case, f"{row['wall']:.2f}", f"{to_limit:.2f}" if to_limit else "-", f"{row['cpu']:.2f}",
            f"{row['anon']:.3f}", f"{row['rss']:.3f}", "-" if wrong is None else f"{wrong:.4%}",
        )  # fmt: skip
    Console(width=120).print(table)


def growth(place: Path, sizes: Sequence[float]) -> dict[str, float]:
    """Return the peak private memory (GiB) of our engine by the size of a model in GiB."""
    found = {}
    for gib in sizes:
        session = Session(place / f"{gib:g}", place)
        make(session.family, gib)
        case = Case("warm", LINEAR, OURS)
        session.wrong[OURS] = 0.0  # counted on the main family
        found[f"{gib:g}"] = round(session.measure(case).anon, 3)
        shutil.rmtree(session.family)
    table = Table("GiB of a model", "private GiB of ours", box=None, header_style="bold")
    for size, peak in found.items():
        table.add_row(size, f"{peak:.3f}")
    Console().print(table)
    return found


def fits_in_memory(session: Session, gib: float) -> bool:
    """Return whether the page cache can hold three inputs and a result; warm files are left out when it cannot."""
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) << 10
    if free >= 4 * gib * GIB + SPARE:
        return True
    session.left_out["warm"] = (
        f"{4 * gib + SPARE / GIB:.1f} GiB of memory are needed, {free / GIB:.1f} are free"
    )
    return False


def check_disk(place: Path, gib: float) -> None:
    """Raise ClickException when the disk cannot hold three checkpoints of ``gib`` GiB and a result."""
    free, needed = shutil.disk_usage(place).free, 4.2 * gib * GIB
    if free < needed:
        told = f"{needed / GIB:.1f} GiB of disk are needed in {place}, {free / GIB:.1f} are free"
        raise click.ClickException(f"{told}: give a smaller --gib, or set TMPDIR")


def listed(allowed: Iterable[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return what reads a list of words of an option; it raises BadParameter for one that is not allowed."""

    def read(context: click.Context, parameter: click.Parameter, text: str) -> list[str]:
        del context, parameter
        names = [name for name in text.split(",") if name]
        if unknown := set(names) - set(allowed):
            raise click.BadParameter(f"{', '.join(sorted(unknown))}; allowed are {', '.join(allowed)}")
        return names

    return read


def sizes(context: click.Context, parameter: click.Parameter, text: str) -> list[float]:
    """Return the numbers of a list."""
    del context, parameter
    try:
        return [float(word) for word in text.split(",") if word]
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no list of numbers") from error


@click.command()
@click.option("--gib", default=2.0, show_default=True, help="GiB of one checkpoint.")
@click.option("--methods", default=",".join(METHODS), show_default=True, callback=listed(METHODS))
@click.option("--peers", default=",".join(PEERS), show_default=True, callback=listed(PEERS))
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--cold/--no-cold", default=True, help="Also with none of the inputs in memory.")
@click.option(
    "--growth", "grown", default="0.25,1,4", show_default=True, callback=sizes, help="GiB; '' for none."
)
def main(
    *, gib: float, methods: list[str], peers: list[str], repeat: int, cold: bool, grown: list[float]
) -> None:
    """Measure and print two tables; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        check_disk(place, max([gib, *grown]))
        result = compare(place, gib, methods, peers, repeat, cold=cold)
        if grown:
            result["growth_peak_gib"] = growth(place, grown)
    click.echo(json.dumps(result))


if __name__ == "__main__":
    main()
