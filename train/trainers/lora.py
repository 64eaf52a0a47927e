"""Low-rank adapters: put into a model before training, added into its weights after, kept in peft's own format."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from datacards.errors import UserError
from train.trainers.causal_lm import Lora
from train.trainers.stored import Base

ADAPTER = "default"  # what peft calls an adapter that has no name; its own files do not say it
A, B = f".lora_A.{ADAPTER}.weight", f".lora_B.{ADAPTER}.weight"


def with_adapters(model: Any, options: Lora, seed: int = 0) -> Any:
    """Return the model with float32 adapters in its linear layers, which alone are trained (arXiv 2106.09685).

    They are put in place, so that the model stays of its class. ``seed`` says what the first matrices begin as, whatever
    was drawn before; the second ones are 0, so that the model begins as its base. Raises UserError for
    targets that are no linear layers of the model, and for an output layer that is the embedding too.
    """
    from peft import inject_adapter_in_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = inject_adapter_in_model(_config(options), model)
        except ValueError as error:  # peft's word for targets that fit nothing, or nothing it can adapt
            raise _strange(options, model, str(error).partition("\n")[0]) from error
    adapted = {name: layer for name, layer in model.named_modules() if hasattr(layer, "lora_A")}
    if wrong := [
        name for name, layer in adapted.items() if not isinstance(layer.get_base_layer(), nn.Linear)
    ]:
        raise _strange(options, model, f"{wrong[0]} is no linear layer")
    head = model.get_output_embeddings()
    if model.config.get_text_config().tie_word_embeddings and any(one is head for one in adapted.values()):
        raise _strange(options, model, "the output layer is the embedding too, which would change with it")
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()
    return model


def _config(options: Lora) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,  # type: ignore[arg-type]  # it is divided by the rank: any number will do
        lora_dropout=options.dropout,
        target_modules=list(options.targets) if options.targets else "all-linear",
        bias="none",
    )


def _strange(options: Lora, model: Any, received: str) -> UserError:
    linear = {name.rpartition(".")[2] for name, one in model.named_modules() if isinstance(one, nn.Linear)}
    layers = sorted(linear - {"default", "base_layer"})
    return UserError(
        f"lora.targets = {list(options.targets or ())}", received, f"its linear layers: {', '.join(layers)}",
        "correct targets, or leave it out: all but the output layer are adapted then",
    )  # fmt: skip


def merged(base: Base, adapters: Mapping[str, Tensor], options: Lora) -> Iterator[tuple[str, Tensor]]:
    """Yield the base's weights, one at a time, with what was learned added: W + B A alpha / rank, in float32.

    ``adapters`` are by their names in the model that was trained. The sum is computed in float64 and rounded once;
    a weight without an adapter has the bits of the base's.
    """
    layers = {name.removesuffix(A) for name in adapters if name.endswith(A)}
    for name in base.names:
        weight, layer = base.read(name), name.removesuffix(".weight")
        if name.endswith(".weight") and layer in layers:
            a, b = (adapters[layer + end].double() for end in (A, B))
            weight = torch.addmm(weight.double(), b, a, alpha=options.alpha / options.rank).float()
        yield name, weight


def save_adapter(adapters: Mapping[str, Tensor], options: Lora, folder: Path, base_name: str) -> None:
    """Write the adapters to ``folder`` as peft reads them: ``PeftModel.from_pretrained(base, folder)``.

    ``base_name`` is how the configuration names the base: never a path.
    """
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    told = {
        "base_model.model." + name.replace(f".{ADAPTER}.weight", ".weight"): value.float().contiguous()
        for name, value in adapters.items()
    }
    save_file(told, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    layers = sorted({name.removesuffix(A) for name in adapters if name.endswith(A)})
    config = _config(options).to_dict() | {
        "base_model_name_or_path": base_name,
        "target_modules": list(options.targets) if options.targets else _ends(layers),
        "task_type": "CAUSAL_LM",
        "inference_mode": True,
    }
    plain = {key: sorted(one) if isinstance(one, set) else one for key, one in config.items()}
    text = json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / "adapter_config.json").write_text(text, encoding="utf-8")


def _ends(layers: Iterable[str]) -> list[str]:
    """Return the last words of the layers' names, by which peft finds them in every block."""
    return sorted({layer.rpartition(".")[2] for layer in layers})
