"""One transformers model in memory whose weights are written over by every candidate."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from datacards.objective import Loaded

TORCH = {"BF16": "bfloat16", "F16": "float16", "F32": "float32", "F64": "float64"}


class Resident:
    """A model that stays in memory: the first candidate builds it, the next are copied into its parameters.

    ``folder`` holds config and tokenizer of the result, in the form in which they go with it. Only classes of transformers
    itself are used, never code that comes with a checkpoint. Where the class renames or joins tensors as it loads
    them, copying is not possible and every candidate builds the model again.
    """

    def __init__(self, folder: Path, dtype: str, compute: str) -> None:
        from transformers import AutoConfig, AutoTokenizer

        self._dtype = TORCH[dtype]
        self._compute = self._dtype if compute == "stored" else compute
        try:
            self._config: Any = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                "the merged model",
                f"its config or tokenizer cannot be loaded: {error}",
                todo="check the donor",
            ) from error
        self._model: Any = None
        self._places: dict[str, Any] = {}

    @property
    def device(self) -> str:
        """The accelerator's name, or ``cpu``."""
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"

    def load(
        self,
        arrays: Mapping[str, NDArray[Any]],
        shapes: Mapping[str, tuple[int, ...]],
        changed: Iterable[str],
        name: str,
    ) -> Loaded:
        """Return the model with these weights: flat stored numbers by tensor name, and each tensor's shape.

        ``changed`` names the tensors that differ from those of the call before; ``name`` is for messages.
        """
        state = {key: self._tensor(array, shapes[key]) for key, array in arrays.items()}
        if self._model is None or not self._places:
            self._model = None  # before the next is built: two do not fit where one just does
            self._build(state)
        else:
            self._overwrite({key: state[key] for key in changed if key in self._places})
        return Loaded(model=self._model, tokenizer=self.tokenizer, name=name)

    def _tensor(self, array: NDArray[Any], shape: tuple[int, ...]) -> Any:
        import torch

        if array.dtype == np.uint16:  # bfloat16 as its bits
            return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16).reshape(shape)
        return torch.from_numpy(array).reshape(shape)

    def _build(self, state: dict[str, Any]) -> None:
        import torch
        from transformers import MODEL_FOR_CAUSAL_LM_MAPPING
        from transformers.utils import logging

        if type(self._config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
            raise UserError(
                "the merged model",
                f"the architecture {self._config.model_type!r} is no causal language model of transformers",
                todo="convert the checkpoints to a native class",
            )
        logging.disable_progress_bar()
        kind = MODEL_FOR_CAUSAL_LM_MAPPING[type(self._config)]
        dtype = getattr(torch, self._compute)
        model, info = kind.from_pretrained(
            None, config=self._config, state_dict=dict(state), dtype=dtype, output_loading_info=True
        )
        if wrong := sorted([*info["missing_keys"], *(str(one) for one in info["mismatched_keys"])]):
            raise UserError(
                "the merged model",
                f"does not fit its config: {', '.join(wrong[:3])}",
                todo="check the donor's config",
            )
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval().requires_grad_(False)
        held = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        wanted = state.keys() - info["unexpected_keys"]
        # A head that is tied to the embedding is one parameter under one of its names: the other name of the same
        # storage is not listed, and what was stored under it was not used.
        tied = {name for name, value in model.state_dict().items() if name not in held}
        if all(name in held and held[name].shape == state[name].shape for name in wanted - tied):
            self._places = {name: held[name] for name in wanted - tied}

    def _overwrite(self, state: Mapping[str, Any]) -> None:
        import torch

        with torch.no_grad():
            for name, value in state.items():
                self._places[name].copy_(value)


def load_folder(folder: Path, dtype: str, compute: str, name: str) -> Loaded:
    """Return the model in ``folder`` as ``Resident`` returns a candidate: for ``compute``, on the accelerator if there is one.

    ``dtype`` is the header's number format that ``stored`` means. Raises UserError for what is no native model.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, TORCH[dtype] if compute == "stored" else compute),
            trust_remote_code=False,
            use_safetensors=True,
        )
    except (OSError, ValueError, KeyError) as error:
        raise UserError(name, f"cannot be loaded: {error}", todo="name a native checkpoint") from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Loaded(model=model.to(device).eval().requires_grad_(False), tokenizer=tokenizer, name=name)
