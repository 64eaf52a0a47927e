"""The rate of vLLM's own offline engine: reads a job as JSON from a file, prints one JSON line for each of its cases.

A process of its own, so that the memory of the GPU is free again for the server. As ``vllm bench throughput`` does,
all prompts are given to ``LLM.generate`` at once and the time counts from there to the last token.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from vllm import LLM, EngineArgs, SamplingParams
from vllm.utils.argparse_utils import FlexibleArgumentParser


def main() -> None:
    """Run the job whose path is the first argument: ``flags`` of vLLM, ``warm`` prompts, ``cases``."""
    job: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    parser: Any = FlexibleArgumentParser  # untyped in some versions
    words = EngineArgs.add_cli_args(parser()).parse_args(job["flags"])
    start = time.perf_counter()
    llm = LLM.from_engine_args(EngineArgs.from_cli_args(words))
    print(json.dumps({"start_s": round(time.perf_counter() - start, 1)}), flush=True)
    for sampling in {json.dumps(case["sampling"]): case["sampling"] for case in job["cases"]}.values():
        llm.generate(job["warm"], SamplingParams(**sampling | {"max_tokens": 32}), use_tqdm=False)
    for case in job["cases"]:
        start = time.perf_counter()
        done = llm.generate(case["prompts"], SamplingParams(**case["sampling"]), use_tqdm=False)
        took = time.perf_counter() - start
        figures = {
            "name": case["name"],
            "seconds": took,
            "prompts": len(done),
            "prompt_tokens": sum(len(one.prompt_token_ids or ()) for one in done),
            "output_tokens": sum(len(one.outputs[0].token_ids) for one in done),
        }
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
