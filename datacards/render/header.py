"""The YAML header by which the Hugging Face Hub and ``datasets`` read a version."""

import re
from collections import Counter
from collections.abc import Sequence

import yaml

from datacards.card import Card, Rights
from datacards.errors import UserError
from datacards.merged import asked_of
from datacards.profile.record import FORMATS, POINTERS, TABLES, Profile
from datacards.render.merging import base_models, is_merge, is_vector
from datacards.rights import license_of, mixed

CONFIGS = (*FORMATS, POINTERS, *TABLES)
SPLITS = ("train", "validation", "test")
CARRIED = "carried"  # stands where a source does in the files that were taken over from another version
_OF_SOURCE = re.compile(r"[^-]+-(.+)-[0-9]{5,}\.parquet")
_METHOD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
          (10**8, "10M<n<100M"), (10**9, "100M<n<1B"))  # fmt: skip
_TASKS = {"qa": "question-answering", "multiple_choice": "multiple-choice"}


def source_of(path: str) -> str:
    """Return the source that a file ``FORMAT/SPLIT-SOURCE-NNNNN.parquet`` holds, '' for any other."""
    folder, _, leaf = path.partition("/")
    found = _OF_SOURCE.fullmatch(leaf) if folder in FORMATS else None
    return found[1] if found and found[1] != CARRIED else ""


def configs(card: Card) -> list[dict[str, object]]:
    """Return the hub's ``configs``, each with its splits, so that ``load_dataset`` opens it: formats, tables, sources.

    A source has its files of all six formats. Its config has its name, with ``source-`` in front where a format or a
    table has that name.

    The description carries the digest of the content because ``datasets`` keys its cache by these lines and by
    the folder's last name, which is only a date: without it one version would be answered with another's rows.
    """
    files: dict[str, list[str]] = {}
    for file in card.files:
        folder, _, leaf = file.path.partition("/")
        if folder in CONFIGS and leaf.endswith(".parquet"):
            files.setdefault(folder, []).append(file.path)
            if source := source_of(file.path):
                taken = source in (*CONFIGS, "default") or source.startswith("source-")
                files.setdefault(f"source-{source}" if taken else f" {source}", []).append(file.path)
    ordered = [name for name in CONFIGS if name in files]
    ordered += sorted(files.keys() - set(ordered), key=lambda name: name.strip())
    content = f"{card.name}@{card.version}, content {card.content_digest[:16]}"
    found = [_config(name.strip(), files[name], content) for name in ordered]
    if found:
        found[0]["default"] = True
    return found


def in_order(split: str) -> tuple[int, str]:
    """Return the place of a split among the splits: what is trained on first."""
    return (SPLITS.index(split) if split in SPLITS else len(SPLITS), split)


def _config(name: str, paths: list[str], content: str) -> dict[str, object]:
    splits: dict[str, list[str]] = {}
    for path in sorted(paths):
        splits.setdefault(path.partition("/")[2].split("-")[0], []).append(path)
    data_files = [{"split": split, "path": splits[split]} for split in sorted(splits, key=in_order)]
    return {"config_name": name, "description": content, "data_files": data_files}


def of_texts(card: Card) -> list[Rights]:
    """Return the rights of the texts that a version gives: of a release with pointers none of what it only points at."""
    given = [one for one in card.rights if one.redistribution]
    return given if given and card.recipe.get("restricted") == "pointers" else list(card.rights)


def header(card: Card, profile: Profile | None = None) -> dict[str, object]:
    """Return the YAML header of a hub page; mixed rights are ``other`` with the licenses named."""
    licenses = sorted({r.license for r in of_texts(card)})
    head: dict[str, object] = {"pretty_name": f"{card.name} {card.version}", "language": _languages(profile)}
    head |= _license(licenses)
    head["tags"] = ["finance", "kanagura", card.kind]
    if profile:
        head["size_categories"] = [next((name for most, name in _SIZES if profile.rows < most), "n>1T")]
        tasks = [_TASKS[name] for name in profile.formats if name in _TASKS]
        head["task_categories"] = ["text-generation", *tasks]
    if card.kind == "dataset":
        head["configs"] = configs(card)
    if is_merge(card):
        head |= _merged(card)
    return head


def _merged(card: Card) -> dict[str, object]:
    """Return the lines by which the hub knows a merged model: https://huggingface.co/docs/hub/model-cards."""
    named = asked_of(card).get("merger")
    method = [named] if isinstance(named, str) and _METHOD.fullmatch(named) else []
    head: dict[str, object] = {"tags": ["finance", "kanagura", card.kind, "merge", *method]}
    if is_vector(card):
        head["tags"] = ["finance", "kanagura", card.kind, "merge", "task-vector", *method]
    else:
        head |= {"library_name": "transformers", "pipeline_tag": "text-generation"}
    if names := base_models(card):
        head["base_model"] = names
    return head | {"base_model_relation": "merge"}


def _license(licenses: Sequence[str]) -> dict[str, str]:
    """Return the lines about the license; what the table of licenses does not know is told by its name alone."""
    try:
        head = mixed(licenses).hub
        if head.get("license") == "other" and len(licenses) == 1:
            head["license_link"] = license_of(licenses[0]).url
    except UserError:
        name = re.sub(r"[^a-z0-9.]+", "-", "-and-".join(licenses).lower()).strip("-")
        return {"license": "other", "license_name": name or "unknown"}
    return head


def front_matter(card: Card, profile: Profile | None = None) -> str:
    """Return the header between its two lines of dashes."""
    return f"---\n{yaml.safe_dump(header(card, profile), allow_unicode=True, sort_keys=False)}---"


def _languages(profile: Profile | None) -> list[str]:
    """Return the languages of the texts, most texts first; Japanese where nothing says."""
    counted: Counter[str] = Counter()
    for group in profile.groups["language"] if profile else ():
        if _LANGUAGE.fullmatch(group.value):
            counted[group.value] += group.rows
    return sorted(counted, key=lambda name: (-counted[name], name)) or ["ja"]
