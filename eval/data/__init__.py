"""The test sets: those that may be passed on lie here, converted; LICENSES.md says where each comes from."""

import gzip
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def vendored(name: str) -> list[dict[str, Any]]:
    """Return the rows of ``NAME.jsonl.gz`` beside this module (see LICENSES.md there)."""
    with gzip.open(HERE / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]
