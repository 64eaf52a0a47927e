"""Prompts and choices as tokens, cut as lm-evaluation-harness cuts them."""

from collections.abc import Sequence
from dataclasses import dataclass

from datacards.errors import UserError
from datacards.objective import Loaded
from eval.evaluators.bos import Bos, special_tokens
from eval.items import Item


@dataclass(frozen=True, slots=True)
class Pair:
    """The tokens of one prompt, and of each of its choices."""

    context: list[int]
    choices: tuple[list[int], ...]


class Encoder:
    """Encodes with the tokenizer of ``loaded``; ``bos`` says which texts begin with a special token."""

    def __init__(self, loaded: Loaded, bos: Bos) -> None:
        self.tokenizer, self.name = loaded.tokenizer, loaded.name
        self.special = special_tokens(bos, getattr(loaded.model.config, "model_type", ""))
        alone = self.tokenizer.bos_token_id
        if alone is None:
            alone = self.tokenizer.eos_token_id
        self.prefix: int = 0 if alone is None else int(alone)

    def pairs(self, items: Sequence[Item]) -> list[Pair]:
        """Return the tokens of ``items``.

        White space at the end of a prompt goes before each choice. Prompt and choice are encoded as one text; the
        choice is what comes after as many tokens as the prompt alone has. A prompt of nothing is the beginning (or
        end) token.
        """
        contexts, endings = [], []
        for item in items:
            context = item.context.rstrip()
            contexts.append(context)
            endings.append([item.context[len(context) :] + choice for choice in item.continuations])
        whole = self.texts([c + ending for c, ends in zip(contexts, endings, strict=True) for ending in ends])
        alone = self.texts(contexts)
        pairs, at = [], 0
        for item, tokens in zip(items, alone, strict=True):
            ends = whole[at : at + len(item.continuations)]
            at += len(item.continuations)
            pairs.append(self._pair(item, tokens, ends))
        return pairs

    def texts(self, texts: Sequence[str], *, special: bool | None = None) -> list[list[int]]:
        """Return the tokens of ``texts``, each with the special tokens that the rule (or ``special``) gives it."""
        if not texts:
            return []
        rule = self.special if special is None else special
        begin = self.tokenizer.decode(self.prefix)
        if rule is None and any(text.startswith(begin) for text in texts):
            # one beginning, not two
            return [self._encode([text], False if text.startswith(begin) else None)[0] for text in texts]
        return self._encode(texts, rule)

    def _encode(self, texts: Sequence[str], special: bool | None) -> list[list[int]]:
        options = {} if special is None else {"add_special_tokens": special}
        found: list[list[int]] = self.tokenizer(
            list(texts), return_attention_mask=False, return_token_type_ids=False, verbose=False, **options
        )["input_ids"]
        return found

    def _pair(self, item: Item, context: list[int], whole: Sequence[list[int]]) -> Pair:
        choices = [tokens[len(context) :] for tokens in whole]
        if not context:  # nothing to condition on but the beginning (or end) token, which stands once
            context = [self.prefix]
            choices = [tokens[1:] if tokens[:1] == context else tokens for tokens in choices]
        if not all(choices):
            raise UserError(
                self.name, f"a choice of item {item.id} has no token of its own", todo="leave the item out"
            )
        return Pair(context, tuple(choices))
