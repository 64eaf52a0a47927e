"""The trials of a search: one line of JSON each, on the disk before the next one begins."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from datacards.card import Record
from datacards.errors import UserError

TRIALS = "trials.jsonl"
TABLE = "trials.parquet"
NEAR = 1e-9  # of a value: what another machine's arithmetic may round differently


class Seconds(Record):
    """How long one candidate took: to merge, to write it over the model's weights, to score it."""

    merge: float
    load: float
    score: float

    @property
    def all(self) -> float:
        """The sum."""
        return self.merge + self.load + self.score


class Trial(Record):
    """One candidate: the values by name, and its score or, where it has none, why (``failure``)."""

    number: int
    values: dict[str, float]
    score: float | None
    failure: str = ""
    seconds: Seconds


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial with the highest score, the first of equals; None where no candidate could be scored."""
    scored = [trial for trial in trials if trial.score is not None]
    return max(scored, key=lambda trial: (trial.score or 0.0, -trial.number), default=None)


class Ledger:
    """The file of the trials; a line that a killed run left half-written is cut off."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials: list[Trial] = []
        if path.is_file():
            self._read()

    def _read(self) -> None:
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        for line in whole.splitlines():
            try:
                trial = Trial.model_validate_json(line)
            except ValidationError as error:
                raise self._damaged(f"line {len(self.trials) + 1} is no trial") from error
            if trial.number != len(self.trials):
                raise self._damaged(f"trial {trial.number} stands where {len(self.trials)} belongs")
            self.trials.append(trial)
        if len(whole) < len(data):
            with self.path.open("r+b") as stream:
                stream.truncate(len(whole))

    def _damaged(self, said: str) -> UserError:
        return UserError(self.path.name, said, todo="delete the unfinished draft and search again")

    def add(self, trial: Trial) -> None:
        """Append a trial; it is on the disk when this returns."""
        with self.path.open("ab") as stream:
            stream.write(trial.model_dump_json().encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        self.trials.append(trial)

    def replayed(self, number: int, values: Mapping[str, float]) -> Trial | None:
        """Return the recorded trial of this number, None where there is none yet.

        Raises UserError when it was made of other values: the search would not go on from where it was.
        """
        if number >= len(self.trials):
            return None
        trial = self.trials[number]
        same = trial.values.keys() == values.keys() and all(
            math.isclose(trial.values[name], value, rel_tol=NEAR, abs_tol=NEAR)
            for name, value in values.items()
        )
        if not same:
            raise self._damaged(f"trial {number} was made by another search")
        return trial


def write_trials(folder: Path, trials: Sequence[Trial]) -> None:
    """Write the trials of a finished search as ``trials.jsonl`` and, a column per variable, ``trials.parquet``."""
    lines = "".join(json.dumps(trial.model_dump(mode="json"), ensure_ascii=False) + "\n" for trial in trials)
    (folder / TRIALS).write_text(lines, encoding="utf-8")
    columns: dict[str, pa.Array] = {
        "number": pa.array([trial.number for trial in trials], pa.int32()),
        "score": pa.array([trial.score for trial in trials], pa.float64()),
        "failure": pa.array([trial.failure for trial in trials], pa.string()),
    }
    for part in Seconds.model_fields:
        seconds = [getattr(trial.seconds, part) for trial in trials]
        columns[f"seconds_{part}"] = pa.array(seconds, pa.float64())
    for name in trials[0].values:
        columns[f"value.{name}"] = pa.array([trial.values[name] for trial in trials], pa.float64())
    pq.write_table(pa.table(columns), folder / TABLE, compression="zstd")
