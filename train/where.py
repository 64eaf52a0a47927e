"""On how many processes and machines a run runs: no part of what is asked for, as it does not change the result."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from datacards.errors import UserError

Stage = Literal[0, 1, 2, 3]
KINDS = ("NO", "MULTI_CPU", "MULTI_GPU", "DEEPSPEED")  # of accelerate's distributed_type


@dataclass(frozen=True, slots=True)
class Where:
    """``processes`` are those of all ``machines`` together (None: as the recipe says); ``rank`` is this machine's number.

    ``main`` is HOST:PORT of machine 0, ``patience`` how many seconds machines wait for each other. ``stage`` and ``precision``
    are what an accelerate file says of them (0: no DeepSpeed), which must not contradict the recipe.
    """

    processes: int | None = None
    machines: int = 1
    rank: int = 0
    main: str = ""
    patience: float = 1800.0
    stage: int | None = None
    precision: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port of machine 0; raise UserError where that is not what ``main`` says."""
        host, _, port = self.main.rpartition(":")
        if not host.strip("[]") or not port.isdecimal() or not 0 < int(port) < 65536:
            raise UserError("--main", repr(self.main), "HOST:PORT of machine 0, like 10.0.0.1:29500")
        return host.strip("[]"), int(port)

    def checked(self) -> "Where":
        """Return this; raise UserError where its numbers do not go together."""
        if not 0 <= self.rank < self.machines:
            raise UserError(
                "--machine-rank", str(self.rank), f"0 to {self.machines - 1}: --machines is {self.machines}"
            )
        if self.machines > 1:
            _ = self.address
            if self.processes and self.processes % self.machines:
                raise UserError(
                    "--processes",
                    f"{self.processes} on {self.machines} machines",
                    "equally many on each of them",
                )
        return self


class _DeepSpeed(BaseModel):
    model_config = ConfigDict(extra="ignore")

    zero_stage: Stage | None = None


class _File(BaseModel):
    """What is read of an accelerate config file; see https://huggingface.co/docs/accelerate/package_reference/cli."""

    model_config = ConfigDict(extra="ignore")

    compute_environment: Literal["LOCAL_MACHINE"] = "LOCAL_MACHINE"
    distributed_type: Literal["NO", "MULTI_CPU", "MULTI_GPU", "DEEPSPEED"] = "NO"
    num_machines: PositiveInt = 1
    num_processes: PositiveInt | None = None
    machine_rank: Annotated[int, Field(ge=0)] = 0
    main_process_ip: str | None = None
    main_process_port: int | None = None
    mixed_precision: Literal["no", "bf16"] | None = None
    deepspeed_config: _DeepSpeed = _DeepSpeed()


def read_where(path: Path) -> Where:
    """Return what an accelerate config file (YAML or JSON) says of where to run.

    Raises UserError for a file that cannot be read and for what this project does not run on (FSDP, TPUs, clouds).
    """
    try:
        found = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"--accelerate {path.name}", f"cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"--accelerate {path.name}", f"{key}: {first['msg']}", todo="correct it") from error
    stage = None
    if found.distributed_type == "DEEPSPEED":
        stage = found.deepspeed_config.zero_stage
    elif found.distributed_type != "NO":
        stage = 0
    main = f"{found.main_process_ip}:{found.main_process_port or 29500}" if found.main_process_ip else ""
    return Where(
        found.num_processes, found.num_machines, found.machine_rank, main, stage=stage,
        precision=found.mixed_precision,
    )  # fmt: skip


def where(
    *,
    processes: int | None = None,
    machines: int | None = None,
    rank: int | None = None,
    main: str | None = None,
    file: Path | None = None,
) -> Where:
    """Return where to run: an accelerate config file, and over it what the command line says; raise UserError."""
    found = read_where(file) if file else Where()
    if processes is not None:
        found = replace(found, processes=processes)
    if machines is not None:
        found = replace(found, machines=machines)
    if rank is not None:
        found = replace(found, rank=rank)
    if main is not None:
        found = replace(found, main=main)
    return found.checked()


def where_options(function: Any) -> Any:
    """Add the options that say on what to run to a command; it takes them as the arguments of ``where``."""
    options = (
        click.option(
            "--processes",
            type=click.IntRange(1),
            metavar="N",
            help="How many processes train, on all machines together; instead of the recipe's.",
        ),
        click.option(
            "--machines",
            type=click.IntRange(1),
            metavar="N",
            help="How many machines train; all run this command.",
        ),
        click.option(
            "--machine-rank",
            "rank",
            type=click.IntRange(0),
            metavar="R",
            help="The number of this machine, from 0; machine 0 writes the version.",
        ),
        click.option("--main", metavar="HOST:PORT", help="Where machine 0 is reached by the others."),
        click.option(
            "--accelerate",
            "file",
            type=click.Path(path_type=Path),
            help="An accelerate config file that says these; options given beside it take precedence.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function
