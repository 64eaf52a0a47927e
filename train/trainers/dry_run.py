"""Runs one training pass on tensors that hold no numbers, and reads off what a real one would hold in memory.

The model's own code runs, with its attention, its checkpointing and the chunked loss of the trainer, on PyTorch's fake
tensors: shapes and number formats without storage. Every storage that comes and goes is counted, as
``torch.distributed._tools`` does for whole models; here two and three layers are run, and the rest is a line through both.
"""

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from datacards.errors import UserError
from train.trainers.head import NEAR
from train.trainers.loss import NextToken

LAYERS = "num_hidden_layers"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The weights of a model; tied ones count once, an embedding counts as output layer where it is both."""

    total: int
    looked_up: int  # in embeddings that are read by row and multiply nothing
    idle: int  # in experts that a token does not pass
    largest: int  # in the largest single module
    layer: int  # in the largest layer
    layers: int
    vocabulary: int
    width: int
    attended: int  # heads x size of a head, over all layers
    matrices: int  # in tensors of two dimensions and more: the ones with weight decay


@dataclass(frozen=True, slots=True)
class Peaks:
    """Bytes beside weights, gradients and moments: ``turn`` is the peak of one pass with gradients handed on at once.

    ``saved`` is what the forward pass keeps for the backward pass at its end; ``last`` what the lowest layer's backward pass
    takes beside all gradients, where these stay (0 with DeepSpeed, where they go).
    """

    turn: int
    saved: int
    last: int


def native(config: Mapping[str, Any]) -> Any:
    """Return what ``config.json`` says as the config of a class that transformers has; raise UserError where it has none."""
    from transformers import AutoConfig

    said = dict(config)
    kind = said.pop("model_type", None)
    try:
        made = AutoConfig.for_model(str(kind), **said)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            "config.json",
            f"model_type = {kind!r}: no class of its own in transformers",
            "a native architecture (Llama, Mistral, Qwen2, Qwen3, ...)",
            "convert the checkpoint first: train convert",
        ) from error
    return made.get_text_config()


def parameters(config: Mapping[str, Any]) -> Parameters:
    """Count the weights of the architecture that ``config.json`` describes, without a byte of them."""
    made = native(config)
    model = _model(made, torch.float32, "meta")
    tensors = {id(one): one for one in model.parameters()}
    head = model.get_output_embeddings()
    embeddings = [one for one in model.modules() if isinstance(one, nn.Embedding)]
    looked_up = sum(one.weight.numel() for one in embeddings if head is None or one.weight is not head.weight)
    layers = _layers(model)
    heads = int(getattr(made, "num_attention_heads", 1))
    size = int(getattr(made, "head_dim", None) or made.hidden_size // heads)
    return Parameters(
        total=sum(one.numel() for one in tensors.values()),
        looked_up=looked_up,
        idle=_idle(model, made),
        largest=max(sum(p.numel() for p in one.parameters(recurse=False)) for one in model.modules()),
        layer=max((sum(p.numel() for p in layer.parameters()) for layer in layers), default=0),
        layers=len(layers),
        vocabulary=int(made.vocab_size),
        width=int(made.hidden_size),
        attended=len(layers) * heads * size,
        matrices=sum(one.numel() for one in tensors.values() if one.dim() > 1),
    )


def adapters(config: Mapping[str, Any], lora: Any) -> int:
    """Return the weights that low-rank adapters of ``lora`` (rank, targets) have: rank x (in + out) for each linear layer."""
    model = _model(native(config), torch.float32, "meta")
    return sum(
        int(lora.rank) * (one.in_features + one.out_features) for one in _adapted(model, lora).values()
    )


def _adapted(model: Any, lora: Any) -> dict[str, nn.Linear]:
    """Return the layers that adapters are put into: those that are named, else all linear ones but the output layer."""
    head = model.get_output_embeddings()
    return {
        name: one
        for name, one in model.named_modules()
        if isinstance(one, nn.Linear)
        and one is not head
        and (lora.targets is None or name.rpartition(".")[2] in lora.targets)
    }


class _Adapter(nn.Module):
    """A frozen linear layer with a float32 adapter, as peft computes both; peft itself cannot be put into a fake model."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.in_features, rank, bias=False)
        self.up = nn.Linear(rank, base.out_features, bias=False)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """Return what both make of it, in the format of the frozen layer."""
        made: torch.Tensor = self.base(given)
        return made + self.up(self.down(given.float())).to(made.dtype)


def _adapt(model: Any, lora: Any) -> None:
    """Freeze a model and put adapters into it."""
    model.requires_grad_(False)
    for name, one in _adapted(model, lora).items():
        above, _, last = name.rpartition(".")
        setattr(model.get_submodule(above), last, _Adapter(one, int(lora.rank)))


def peaks(
    config: Mapping[str, Any], *, rows: int, length: int, options: Any, whole: bool, cuda: bool = True
) -> Peaks:
    """Return what one pass over ``rows`` rows of ``length`` tokens holds at its worst.

    ``options`` is the trainer (precision, gradient_checkpointing, loss_chunk); ``whole`` says that weights are float32 and
    autocast computes, as without DeepSpeed; a CPU (``cuda`` false) has fewer scores at once. Attention is counted as a kernel that holds no square of scores.
    """
    made = native(config)
    layers = int(getattr(made, LAYERS))
    few = [min(n, layers) for n in (2, 3)]
    run = partial(_pass, made, rows=rows, length=length, options=options, whole=whole, cuda=cuda)
    found = [run(n, head=True) for n in few]
    last = run(1, head=False)[0] if whole else 0
    (first, kept), (second, more) = found
    return Peaks(
        turn=first + (layers - few[0]) * (second - first),
        saved=kept + (layers - few[0]) * (more - kept),
        last=last,
    )


def _pass(
    made: Any, layers: int, *, rows: int, length: int, options: Any, whole: bool, cuda: bool, head: bool
) -> tuple[int, int]:
    """Return (peak, held after the forward pass) of a model of so many layers, weights not counted.

    With its ``head`` gradients go as they come; without, they stay, and the peak is what there is beside them.
    """
    bf16 = options.precision == "bf16"
    cut = type(made).from_dict({**made.to_dict(), LAYERS: layers, **_cut(made, layers)})
    with FakeTensorMode():
        model = _model(cut, torch.bfloat16 if bf16 and not whole else torch.float32, "cpu").train()
        if options.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        if options.lora:
            _adapt(model, options.lora)
        for parameter in model.parameters() if head else ():
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(_drop)
        words = torch.zeros((rows, length), dtype=torch.long)
        with _counted([*model.parameters(), *model.buffers()]) as live:
            with torch.autocast("cpu", torch.bfloat16) if bf16 and whole else nullcontext():
                loss = _loss(model, words, options, cuda=cuda, head=head)
            saved = live.now
            loss.backward()  # type: ignore[no-untyped-call]
        stay = sum(one.grad.nbytes for one in model.parameters() if one.grad is not None)
    return max(0, live.peak - stay), saved


def _loss(model: Any, words: torch.Tensor, options: Any, *, cuda: bool, head: bool) -> torch.Tensor:
    if not head:
        return model.get_decoder()(input_ids=words, use_cache=False).last_hidden_state.float().sum()
    # One document fills a row here, so no positions are given: transformers would look for borders in them.
    split = bool(options.deepspeed) and options.deepspeed.zero_stage == 3
    near = None if cuda else NEAR
    return NextToken(model, options.loss_chunk, split=split, near=near)(words, None, words).sum()


def _drop(parameter: torch.Tensor) -> None:
    parameter.grad = None


def _cut(made: Any, layers: int) -> dict[str, Any]:
    """Return the settings that name every layer, for fewer layers."""
    kinds = getattr(made, "layer_types", None)
    return {"layer_types": list(kinds)[:layers]} if kinds else {}


def _model(made: Any, dtype: torch.dtype, device: str) -> Any:
    from transformers import AutoModelForCausalLM

    with torch.device(device):
        return AutoModelForCausalLM.from_config(made, dtype=dtype, attn_implementation="sdpa")


def _layers(model: nn.Module) -> list[nn.Module]:
    """Return the layers: the longest list of modules, which all decoders of transformers are built around."""
    lists = [one for one in model.modules() if isinstance(one, nn.ModuleList)]
    return list(max(lists, key=len, default=[]))


def _idle(model: nn.Module, made: Any) -> int:
    """Return the weights of experts that a token does not pass, in mixtures of experts."""
    most = getattr(made, "num_local_experts", None) or getattr(made, "num_experts", None)
    used = getattr(made, "num_experts_per_tok", None)
    if not most or not used:
        return 0
    held = sum(p.numel() for name, p in model.named_parameters() if ".experts." in name)
    return held - held * int(used) // int(most)


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The bytes of all storages that operations made and nobody has let go of yet."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self.seen: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def know(self, tensor: torch.Tensor, *, counted: bool = True) -> None:
        """Count the storage of a tensor from now until it goes; with ``counted`` false only remember it."""
        storage = tensor.untyped_storage()
        if storage in self.seen:
            return
        size = storage.nbytes() if counted else 0
        self.seen[storage] = size
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, size)

    def _gone(self, size: int) -> None:
        self.now -= size

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self.know(tensor)
        return out


@contextmanager
def _counted(known: list[torch.Tensor]) -> Iterator[_Live]:
    live = _Live()
    for tensor in known:
        live.know(tensor, counted=False)
    with live:
        yield live
