"""The float32 weights and AdamW's moments, by the names of the weights, however ZeRO has cut them up."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from datacards.errors import UserError

WEIGHT, MOMENTS = "weight", ("exp_avg", "exp_avg_sq")
KINDS = (WEIGHT, *MOMENTS)
PREFIX = "model."  # of every parameter name, because the model is wrapped with its loss
PIECE = 1 << 22  # elements that are computed with at once
SAMPLE = 1 << 20  # weights that are looked at to say what a number format keeps


class Masters:
    """What AdamW steps on and what it remembers, of the parameters that are trained.

    ``plain`` is the wrapped model, ``zero`` DeepSpeed's optimizer or None, ``optimizer`` torch's AdamW beneath. Every process
    must make every call: some are gatherings.
    """

    def __init__(
        self, plain: torch.nn.Module, optimizer: torch.optim.AdamW, zero: Any, rank: int, stage: int | None
    ) -> None:
        self.optimizer, self._zero, self._rank, self._stage = optimizer, zero, rank, stage
        self._parameters = {
            name.removeprefix(PREFIX): parameter
            for name, parameter in plain.named_parameters()
            if parameter.requires_grad
        }
        if (found := {tensor.dtype for tensor in self.owned()}) != {torch.float32}:
            raise UserError("train", f"the optimizer owns {found}", "it must own float32 weights")

    def owned(self) -> list[Tensor]:
        """Return the tensors AdamW steps on: the weights, or under ZeRO this process's flat share of them."""
        flat = getattr(self._zero, "fp32_partitioned_groups_flat", None)  # stage 3 hides them
        return list(flat or (p for group in self.optimizer.param_groups for p in group["params"]))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the names of what is trained, in the order of the model, with their shapes."""
        return {
            name: tuple(getattr(parameter, "ds_shape", parameter.shape))  # ZeRO-3 has taken the shape away
            for name, parameter in self._parameters.items()
        }

    def get(self, name: str, kind: str) -> Tensor:
        """Return the whole float32 tensor of one of ``KINDS``; without ZeRO it is the very one that trains."""
        parameter = self._parameters[name]
        if not self._stage:
            found = parameter if kind == WEIGHT else self.optimizer.state[parameter].get(kind)
            return torch.zeros_like(parameter) if found is None else found.detach()  # it never had a gradient
        from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

        if kind == WEIGHT:
            return safe_get_full_fp32_param(parameter).detach()
        return safe_get_full_optimizer_state(parameter, kind).detach()

    def put(self, name: str, kind: str, value: Tensor) -> None:
        """Set what ``get`` returns; ``value`` is whole on every process, which takes its share of it."""
        parameter = self._parameters[name]
        with torch.no_grad():
            if not self._stage:
                held = parameter if kind == WEIGHT else self.optimizer.state[parameter].get(kind)
                if held is not None:
                    held.copy_(value)
            elif self._stage == 3:
                self._put_share(parameter, kind, value)
            else:
                from deepspeed.utils import safe_set_full_fp32_param, safe_set_full_optimizer_state

                if kind == WEIGHT:
                    safe_set_full_fp32_param(parameter, value)
                else:
                    safe_set_full_optimizer_state(parameter, value, kind)

    def _put_share(self, parameter: Any, kind: str, value: Tensor) -> None:
        # DeepSpeed's own setter of a whole tensor cannot cut one that the processes do not divide evenly.
        from deepspeed.utils import safe_set_local_fp32_param, safe_set_local_optimizer_state

        n = parameter.ds_tensor.numel()
        share = torch.zeros(n, dtype=torch.float32)
        mine = value.flatten()[n * self._rank : n * (self._rank + 1)]
        share[: len(mine)] = mine
        if kind == WEIGHT:
            safe_set_local_fp32_param(parameter, share)
        else:
            safe_set_local_optimizer_state(parameter, share, kind)

    def updates(self) -> dict[str, int]:
        """Return how often AdamW has stepped: under ``""``, and by name for what was stepped on less often."""
        if self._stage:
            return {"": max((_count(state) for state in self._states()), default=0)}
        counts = {name: _count(self.optimizer.state[p]) for name, p in self._parameters.items()}
        most = max(counts.values())
        return {"": most, **{name: count for name, count in counts.items() if count != most}}

    def make_moments(self, updates: dict[str, int]) -> None:
        """Make moments of 0 and step counts, as AdamW itself makes them at its first step.

        DeepSpeed must have them before that: of several groups its stages 1 and 2 find the moments of the first alone.
        """
        names = {id(parameter): name for name, parameter in self._parameters.items()}
        for parameter in self.owned():
            count = updates.get(names.get(id(parameter), ""), updates[""])
            if not count and not self._stage:
                continue  # as it was: without a gradient AdamW keeps no state
            step = torch.tensor(float(count), dtype=torch.float32)
            self.optimizer.state[parameter] = {
                "step": step.to(parameter.device) if self.optimizer.defaults["fused"] else step,
                **{kind: torch.zeros_like(parameter).detach() for kind in MOMENTS},
            }
        if self._stage in (1, 2):
            self._zero._lazy_init_hp_params_optimizer_state()  # what it does itself after a step

    def _states(self) -> Iterator[dict[str, Any]]:
        for parameter in self.owned():
            if state := self.optimizer.state.get(parameter):
                yield state

    def update_square(self) -> float:
        """Return the squared norm, in units of the learning rate, of AdamW's last step on what this process owns.

        It is worked out from the moments as they are after the step (arXiv 1711.05101, algorithm 2, without the decay).
        """
        beta1, beta2 = self.optimizer.defaults["betas"]
        squares = []
        for state in self._states():
            n = _count(state)
            # m / (1 - b1^n) / (sqrt(v / (1 - b2^n)) + eps), with both corrections taken out of the passes over v and m.
            later = (1 - beta2**n) ** 0.5
            eps, factor = self.optimizer.defaults["eps"] * later, later / (1 - beta1**n)
            first, second = (state[kind].detach().flatten() for kind in MOMENTS)
            for m, v in zip(first.split(PIECE), second.split(PIECE), strict=True):
                step = v.sqrt().add_(eps).reciprocal_().mul_(m)
                # torch's float32 norm of millions of numbers is off in the third digit, its sum in the eighth.
                squares.append(step.square_().sum().double() * factor**2)
        # Read once, not piece by piece: a GPU would have to be waited for every time.
        return float(torch.stack(squares).sum()) if squares else 0.0

    def unmoved(self, rate: float) -> tuple[int, int]:
        """Return how many of how many sampled weights a step of ``rate`` up or down would not change in bfloat16.

        AdamW's steps are about as long as its learning rate. Of what this process owns, evenly spaced.
        """
        owned = self.owned()
        every = max(1, sum(tensor.numel() for tensor in owned) // SAMPLE)
        stay = seen = 0
        for tensor in owned:
            held = tensor.detach().flatten()[::every].to(torch.bfloat16)
            for step in (rate, -rate):
                stay += int((held == (held.float() + step).to(torch.bfloat16)).sum())
                seen += held.numel()
        return stay, seen


def _count(state: dict[str, Any]) -> int:
    return int(state["step"]) if "step" in state else 0
