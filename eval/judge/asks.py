"""What a judge is asked and what came of it: Ask and Judgment."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from datacards.endpoints.answers import whole
from eval.items import sha256_of
from eval.judge.endpoint import Endpoint

#: Why an answer has no score. The first three are gates before the judge, for whoever asks; the others come from here.
#: ``truncated``: the judge's replies were cut off before a score; ``error``: it could not be asked (asked again in the
#: next run); ``filtered``: it refused; ``unparsed``: its replies hold no score, or none within the scale.
Failure = Literal["", "empty", "injection", "language", "truncated", "error", "filtered", "unparsed"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One answer to judge: ``prompt`` is what the judge reads, with question, references and answer filled in.

    ``repeat`` numbers judgments of one answer: they are asked for one by one and kept apart. ``question`` and ``turn`` are
    for the reader; equal texts are judged once, whatever they are called.
    """

    question: str
    turn: int
    system: str
    prompt: str
    references: tuple[str, ...] = ()
    answer: str = ""
    repeat: int = 0

    @property
    def messages(self) -> list[dict[str, str]]:
        """Return the messages of the request; halves of surrogate pairs, which no request can hold, become U+FFFD."""
        system = [{"role": "system", "content": whole(self.system)}] if self.system else []
        return [*system, {"role": "user", "content": whole(self.prompt)}]

    def key(self, endpoint: Endpoint, attempt: int = 0) -> str:
        """Return the SHA-256 that the replies to one attempt are kept under.

        It covers all that the judge is given and which judge it is, and not where it is served, what it costs, or how
        often it is asked.
        """
        return sha256_of(
            {
                "judge": [endpoint.model, endpoint.revision],
                "fields": sampling(endpoint, attempt, self.repeat),
                "messages": self.messages,
                "references": [whole(one) for one in self.references],
                "answer": whole(self.answer),
                "repeat": self.repeat,
                "attempt": attempt,
            }
        )

    def body(self, endpoint: Endpoint, attempt: int = 0) -> bytes:
        """Return the JSON body of the request of one attempt."""
        fields = {"model": endpoint.model, **sampling(endpoint, attempt, self.repeat)}
        return json.dumps({**fields, "messages": self.messages}, ensure_ascii=False).encode()


def sampling(endpoint: Endpoint, attempt: int, repeat: int) -> dict[str, Any]:
    """Return the fields of a request that bear on the reply."""
    fields: dict[str, Any] = {endpoint.max_tokens_field: endpoint.max_tokens, **endpoint.extra}
    if (temperature := endpoint.temperatures[attempt]) is not None:
        fields["temperature"] = temperature
    if endpoint.seed is not None:
        fields["seed"] = endpoint.seed + repeat
    return fields


@dataclass(frozen=True, slots=True)
class Judgment:
    """What came of one Ask.

    ``score`` lies within the scale, or is None with a ``failure``. ``official`` is what pfmt-bench-fin-ja would have: the
    first score of the first reply that holds one, in whatever range, and -1 for none. ``text`` is the reply that the score
    is from, or the last one; of an error what the server said. ``attempts`` are replies of the judge, ``calls`` all requests
    that were sent for them, in earlier runs too; tokens are those of all replies. ``cached`` says that nothing was sent in
    this run. ``judge`` is the model's name as the server told it.
    """

    score: float | None
    official: float = -1.0
    failure: Failure = ""
    text: str = ""
    finish: str = ""
    attempts: int = 0
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cached: bool = False
    judge: str = ""
    key: str = ""
