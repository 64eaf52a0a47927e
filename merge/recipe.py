"""What may be asked of a merge: one YAML file, one merged checkpoint."""

import re
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from datacards.recipe import Recipe

ROLE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NAMED = ("base", "domain", "instruct")  # roles that have a field of their own
TAKEN = (
    *NAMED,
    "gradient",
    "rounding",
)  # the word of a number of each layer, and that by which rounding draws


class Rule(BaseModel):
    """Another method, or other numbers, for the tensors whose name matches a glob; the first rule that matches holds.

    A rule without ``merger``, or with the recipe's own, lays its options over the recipe's; a rule with another
    method has its own options alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str
    merger: str = ""
    options: dict[str, Any] = Field(default_factory=dict)


class MergeRecipe(Recipe):
    """A base, the models that descend from it, a method and its options.

    A checkpoint is ``name@version`` of the store, ``hf:org/model@<commit>``, or a local folder; the command
    line may name another one, which then stands in the recipe of the version that is made, or the one that is missing. ``models`` holds further
    ones by a role of their own. Any number in ``options`` may be ``{gradient: [a, b, ...]}``, which is interpolated
    over the layers: what lies before the first layer takes the first number, what lies behind the last the last.
    ``tokenizer`` says whose tokenizer, chat template, config and generation config go with the result (by default
    those of ``instruct``, of the base where there is none), and ``new_tokens`` whose rows are taken for tokens that the
    base lacks and several models have. ``output: vector`` keeps the difference from the base instead of the model.
    """

    base: str = ""
    domain: str = ""
    instruct: str = ""
    models: dict[str, str] = Field(default_factory=dict)
    merger: str = "task_arithmetic"
    options: dict[str, Any] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    dtype: Literal["float32", "float16", "bfloat16"] = "bfloat16"
    rounding: Literal["nearest", "stochastic"] = "nearest"
    output: Literal["model", "vector"] = "model"
    tokenizer: str = ""
    new_tokens: str = ""
    shard_bytes: PositiveInt = 5_000_000_000
    seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _roles(self) -> Self:
        for role in self.models:
            if not ROLE.fullmatch(role) or role in TAKEN:
                raise ValueError(
                    f"models has the role {role!r}; a role is a word of a-z, 0-9, _ and -, and not {', '.join(TAKEN)}"
                )
        return self

    def checkpoints(self) -> dict[str, str]:
        """Return the checkpoint of every role that has one, the base first."""
        named = {role: getattr(self, role) for role in NAMED} | self.models
        return {role: text for role, text in named.items() if text}

    def donor(self) -> str:
        """Return the role whose tokenizer and config go with the result."""
        return self.tokenizer or ("instruct" if self.instruct else "base")
