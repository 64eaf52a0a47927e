"""Where judgments come from: Endpoint, with its prices, its budgets of retries and its caps."""

from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: The temperatures of the first and of every further attempt to get a score out of a reply, as pfmt-bench-fin-ja has them.
TEMPERATURES = (0.0, 0.001, 0.002, 0.003, 0.004)
#: Tokens per character of Japanese text where no tokenizer is given: lowest, likeliest, highest. An assumption.
RATIO = (0.5, 0.75, 1.1)
#: Fields of a request that are set by other options.
_OURS = frozenset({"model", "messages", "max_tokens", "max_completion_tokens", "temperature", "seed", "stream", "n"})  # fmt: skip

#: Fields that tell a secret or a person: ``extra`` is written into versions, for it bears on the replies.
_SECRETS = frozenset({"api_key", "authorization", "headers", "extra_headers", "key", "password", "safety_identifier", "secret", "token", "user"})  # fmt: skip


class Endpoint(BaseModel):
    """One judge: a model that an OpenAI-compatible server answers for (``POST url/chat/completions``).

    ``url`` ends in ``/v1`` as a rule. ``revision`` tells two judges of one name apart. The key is read from the environment
    variable ``api_key_env`` and is held nowhere else. ``temperatures`` are those of the attempts to get a score: a reply
    without one is asked for again at the next; None sends no temperature, for models that take none. ``extra`` holds further
    fields of the request. ``after`` is a marker behind whose last occurrence the score is read (``</think>``).

    ``concurrency`` requests are under way at once, each for at most ``timeout_s`` seconds and ``most_bytes`` bytes of answer.
    ``tries`` is how often one attempt is made where the way fails (429, 5xx, timeouts, broken connections), ``refusals`` how
    many refusals are taken for the judge's last word. Waits grow from ``first_wait_s`` to ``longest_wait_s`` seconds, with
    jitter; where a server names a time (Retry-After) it is left alone for that long, and beyond ``patience_s`` the run ends.
    A run ends too where more than the share ``max_errors`` of the answers cannot be judged for such reasons.

    ``price_in`` and ``price_out`` are per million tokens, in ``currency``. ``max_calls`` and ``max_cost`` bound what is
    spent on the asks of a run, earlier runs that were stopped included: no request is sent that could exceed them.
    ``tokenizer`` is the judge's (a local folder, or ``hf:org/name@<commit>``), for the estimate; without one tokens are
    characters times ``tokens_per_character`` (lowest, likeliest, highest).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    model: str = Field(min_length=1)
    revision: str = ""
    api_key_env: str = Field(default="OPENAI_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*_API_KEY$")
    max_tokens: int = Field(default=2048, ge=1)
    max_tokens_field: str = Field(default="max_tokens", pattern=r"^max_(completion_)?tokens$")
    temperatures: tuple[float | None, ...] = Field(default=TEMPERATURES, min_length=1, max_length=16)
    seed: int | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    after: str = ""

    concurrency: int = Field(default=8, ge=1, le=1024)
    timeout_s: float = Field(default=120.0, gt=0)
    most_bytes: int = Field(default=4 << 20, ge=1024)
    tries: int = Field(default=8, ge=1)
    refusals: int = Field(default=2, ge=1)
    first_wait_s: float = Field(default=1.0, ge=0)
    longest_wait_s: float = Field(default=60.0, ge=0)
    patience_s: float = Field(default=600.0, ge=0)
    max_errors: float = Field(default=0.02, ge=0, le=1)

    price_in: float = Field(default=0.0, ge=0)
    price_out: float = Field(default=0.0, ge=0)
    currency: str = "USD"
    max_calls: int | None = Field(default=None, ge=0)
    max_cost: float | None = Field(default=None, ge=0)
    tokenizer: str = ""
    tokens_per_character: tuple[float, float, float] = RATIO

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must begin with http:// or https:// and name a host")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must hold no user, password, query or fragment: keys come from the environment")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _fits(self) -> "Endpoint":
        if taken := sorted(_OURS & set(self.extra)):
            raise ValueError(f"extra may not hold {', '.join(taken)}: there are options for them")
        if told := sorted(name for name in self.extra if name.lower() in _SECRETS):
            raise ValueError(f"extra may not hold {', '.join(told)}: it is written into versions")
        low, likely, high = self.tokens_per_character
        if not 0 < low <= likely <= high:
            raise ValueError("tokens_per_character must grow: lowest, likeliest, highest")
        return self

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """Return what so many tokens cost, in ``currency``."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6
