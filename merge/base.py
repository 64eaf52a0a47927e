"""The one method of a merger: how the weights of three checkpoints become one weight."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Weights = NDArray[np.float64]


class Merger(BaseModel, ABC):
    """A merge method; its fields are the options a recipe may set.

    A merger sees equal pieces of equal tensors, never files or threads: the engine cuts the tensors into
    pieces, so that memory is bounded by a piece whatever the size of the model, and it rounds the result once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @abstractmethod
    def combine(self, *, base: Weights, domain: Weights, instruct: Weights) -> Weights:
        """Return the merged weights for three float64 pieces of one shape; the pieces may be overwritten."""
