"""The test sets that may not be passed on: where each one lies, at which commit, and which bytes are meant."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from datacards.errors import UserError

RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True, slots=True)
class Source:
    """One published file, pinned to a commit and to its bytes.

    ``items`` is how many questions it holds, ``license`` what its publisher states, and ``why`` the reason for which
    we do not ship it. ``host`` is where its repository is served file by file.
    """

    name: str
    repository: str
    commit: str
    path: str  # inside the repository
    sha256: str
    size: int  # bytes
    items: int
    license: str
    why: str
    host: str = RAW

    @property
    def address(self) -> str:
        """Return the address of the file at its commit."""
        return f"{self.host}/{self.repository}/{self.commit}/{quote(self.path)}"

    @property
    def place(self) -> str:
        """Return where the file lies in a folder of sources: its own folder, and the name its publisher gave it."""
        return f"{self.name}/{PurePosixPath(self.path).name}"


FIN_HARNESS = ("pfnet-research/japanese-lm-fin-harness", "aeff72933aac581302ac6e882982e7344733379c")
PFMT = ("pfnet-research/pfmt-bench-fin-ja", "5e6e8f5eb6713ba55983fdf1774e49a7042a92f6")
EXAM = "the loader's MIT tag cannot cover questions that belong to others"

ALL = (
    Source(
        name="cma_basics",
        repository=FIN_HARNESS[0],
        commit=FIN_HARNESS[1],
        path="jlm_fin_eval/datasets/cma_basics/data.json",
        sha256="403c593c97f4fc22d62fa5517a97f04be5d87fbe54d4d8a6104c7bafc8ff1582",
        size=43_856,
        items=38,
        license="MIT (of the loader)",
        why=f"{EXAM}: sample questions of the Securities Analysts Association of Japan",
    ),
    Source(
        name="fp2",
        repository=FIN_HARNESS[0],
        commit=FIN_HARNESS[1],
        path="jlm_fin_eval/datasets/fp2/data.json",
        sha256="94bf768adc84835243c74a8da917675a75fb029524d2ed32ebb1707e8c50d643",
        size=658_285,
        items=475,
        license="MIT (of the loader)",
        why=f"{EXAM}: the owners of the financial planners' examination ask for an application for every use",
    ),
    Source(
        name="security_sales_1",
        repository=FIN_HARNESS[0],
        commit=FIN_HARNESS[1],
        path="jlm_fin_eval/datasets/security_sales_1/data.json",
        sha256="e9712b7fc1f4f4d41f804a64b1fb6966b4a4351b3cf6d25c37424f89eb4b0d45",
        size=51_478,
        items=57,
        license="MIT (of the loader)",
        why=f"{EXAM}: mock examinations of a training company",
    ),
    Source(
        name="pfmt_questions",
        repository=PFMT[0],
        commit=PFMT[1],
        path="data/pfmt_bench_fin_ja/question.jsonl",
        sha256="1946989e52f152a2ec9b06d8cb99f3322b77e3a119137628d77b8facb4be71d5",
        size=239_208,
        items=360,
        license="Anthropic's terms",
        why="the questions fall under the terms of the model that wrote them",
    ),
    Source(
        name="pfmt_references",
        repository=PFMT[0],
        commit=PFMT[1],
        path="data/pfmt_bench_fin_ja/reference_answer/gpt-4o+human.jsonl",
        sha256="5bfc85b1a835b8b3833dc522feb981523846c90174879ad1c2a4ad0352aee3ea",
        size=97_505,
        items=30,
        license="OpenAI's terms",
        why="the answers fall under the terms of the model that drafted them",
    ),
    Source(
        name="pfmt_judge_prompts",
        repository=PFMT[0],
        commit=PFMT[1],
        path="data/judge_prompts.jsonl",
        sha256="00ad393d9baa3143f66744a6600afdf068cd7e68494c4b496fa0e2e5c983daba",
        size=12_572,
        items=8,
        license="MIT",
        why="it is only of use beside the questions",
    ),
)


def source(name: str) -> Source:
    """Return the source called ``name``; raise UserError naming those that there are."""
    found = {one.name: one for one in ALL}
    if name not in found:
        raise UserError(name, "is no source of test data", f"known: {', '.join(sorted(found))}")
    return found[name]
