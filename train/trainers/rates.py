"""The learning rate of every step."""

import math

from train.trainers.causal_lm import CausalLM


def learning_rate(options: CausalLM, step: int, steps: int) -> float:
    """Return the rate of a step (from 0) of ``steps``.

    It rises in a line over the warm-up, then falls in a line or a cosine to ``final_rate`` of its height right behind the
    last step, or stays.
    """
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    done = (step - options.warmup_steps) / (steps - options.warmup_steps)
    shapes = {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2, "constant": 1.0}
    return options.learning_rate * (options.final_rate + (1 - options.final_rate) * shapes[options.schedule])
