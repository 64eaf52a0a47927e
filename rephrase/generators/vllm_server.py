"""Questions written by a model behind OpenAI-compatible endpoints, vLLM servers above all."""

from typing import ClassVar

from pydantic import Field

from rephrase.client.servers import Servers
from rephrase.generators.asking import Asking


class VllmServer(Asking):
    """Asks one or many servers that serve the same model; each may be data-parallel itself.

    ``servers`` are their addresses, each ending in ``/v1``. ``served_name`` is the model's name there (default: as
    in the recipe). ``in_flight`` requests are under way at each of them, ``prompts_per_request`` prompts in one
    request to ``/v1/completions``. A server that answers nothing for ``timeout_s`` seconds is asked less and then
    left alone for a while; when all have been for ``patience_s`` seconds, the run ends. A key is read from
    ``OPENAI_API_KEY``. ``serve`` holds further flags for ``kanagura rephrase serve``. None of these decides a reply, so
    a run that was stopped goes on with others of them.
    """

    places: ClassVar[frozenset[str]] = frozenset(
        {
            "servers", "served_name", "in_flight", "prompts_per_request", "timeout_s", "patience_s", "serve",
        }
    )  # fmt: skip

    servers: tuple[str, ...] = Field(default=("http://127.0.0.1:8000/v1",), min_length=1)
    served_name: str = ""
    in_flight: int = Field(default=2048, ge=1)
    prompts_per_request: int = Field(default=8, ge=1)
    timeout_s: float = Field(default=600.0, gt=0.0)
    patience_s: float = Field(default=300.0, ge=0.0)
    serve: tuple[str, ...] = ()

    def engine(self) -> Servers:
        """Return the client of all servers."""
        return Servers(
            self.servers,
            self.served_name or self.model,
            in_flight=self.in_flight,
            prompts_per_request=self.prompts_per_request,
            timeout_s=self.timeout_s,
            patience_s=self.patience_s,
        )
