"""The financial benchmark's published result files, aggregated by our code and held against its printed leaderboard.

``python -m bench.eval_published FOLDER``: FOLDER is a checkout of github.com/pfnet-research/japanese-lm-fin-harness. The last
line is JSON; the status is 1 where a printed row, a figure known from elsewhere, or a standard error differs from ours.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from eval.published.leaderboard import differences, leaderboard, printed, unprinted
from eval.published.results import TASKS, read, standard_errors, whole

#: Default prompt, as published: chabsa, cma_basics, cpa_audit, fp2, security_sales_1, their mean.
KNOWN = {
    "rinna/nekomata-14b": (0.8243, 0.5000, 0.1608, 0.3368, 0.4386, 0.4521),
    "rinna/nekomata-14b-instruction": (0.9035, 0.5000, 0.1834, 0.3621, 0.5088, 0.4916),
    "pfnet/nekomata-14b-pfn-qfin": (0.8615, 0.5000, 0.1633, 0.3684, 0.6140, 0.5015),
    "pfnet/nekomata-14b-pfn-qfin-inst-merge": (0.8976, 0.5526, 0.2111, 0.3642, 0.4737, 0.4998),
}
BESIDE = Path(__file__).resolve().parents[2] / "japanese-lm-fin-harness"
ROUNDED = 5.1e-5  # half of the last printed place


def main(argv: Sequence[str]) -> int:
    """Compare and print; return 1 where something differs, else 0."""
    folder = Path(argv[0]) if argv else BESIDE
    if not argv and not folder.is_dir():
        print(json.dumps({"skipped": f"no checkout {BESIDE.name} beside this one; name its folder"}))
        return 0
    results = read(folder)
    ours, theirs = leaderboard(results, whole(folder)), printed((folder / "README.md").read_text("utf-8"))
    told = differences(ours, theirs)
    print("\n".join(told))
    prompts = {row.model: row.prompt for row in ours}
    found = {one.model: one for one in results if one.version == "default"}
    known = [
        max(
            abs(a - b)
            for a, b in zip(wanted, [*map(found[model].headline, TASKS), found[model].mean], strict=True)
        )
        for model, wanted in KNOWN.items()
    ]
    count, worst = standard_errors(results)
    last = {
        "files": len(results),
        "models": len({one.model for one in results}),
        "printed_rows": len(theirs),
        "different_rows": len(told),
        "other_prompts": sum(prompts.get(row.model) != row.prompt for row in theirs),
        "unprinted": unprinted(ours, theirs),
        "known_rows": len(known),
        "known_max_diff": max(known),
        "standard_errors": count,
        "standard_errors_max_diff": worst,
    }
    print(json.dumps(last, ensure_ascii=False))
    return int(bool(told) or max(known) > ROUNDED or worst > 1e-9)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
