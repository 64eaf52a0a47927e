"""What may be asked of a merge: one YAML file, one merged checkpoint."""

from typing import Any, Literal

from pydantic import Field, PositiveInt

from datacards.recipe import Recipe


class MergeRecipe(Recipe):
    """Three checkpoints, a method and its options.

    A checkpoint is ``name@version`` of the store, ``hf:org/model@<commit>``, or a local folder; the command
    line may name another one, which then stands in the recipe of the version that is made.
    ``tokenizer`` says whose tokenizer, chat template, config and generation config go with the result.
    """

    base: str
    domain: str = ""
    instruct: str
    merger: str = "task_arithmetic"
    options: dict[str, Any] = Field(default_factory=dict)
    dtype: Literal["float32", "float16", "bfloat16"] = "bfloat16"
    tokenizer: Literal["base", "domain", "instruct"] = "instruct"
    shard_bytes: PositiveInt = 5_000_000_000
