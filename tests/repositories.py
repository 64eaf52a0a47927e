"""The dataset repositories of the hub on loopback, as they lie on the disk, and the forms of its answers."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request as Asked
from werkzeug.wrappers import Response

WHEN = "2026-11-21T00:00:00.000Z"


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def blob_sha1(content: bytes) -> str:
    """Return the name that git gives to a file's bytes."""
    return sha1(b"blob %d\0" % len(content) + content)


def refused(status: int, code: str = "", message: str = "") -> HTTPException:
    """Return an error as the hub tells it, in headers."""
    headers = {k: v for k, v in (("X-Error-Code", code), ("X-Error-Message", message)) if v}
    return HTTPException(response=Response(json.dumps({"error": message or code}), status, headers))


def told(content: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(content), status, headers, content_type="application/json")


@dataclass(frozen=True)
class Repository:
    """One repository on the disk: refs in ``refs.json``, commits and small files by SHA-1, large ones by SHA-256."""

    folder: Path

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "refs.json").read_text())
        return found

    def save(self, state: dict[str, Any]) -> None:
        half = self.folder / "refs.half"
        half.write_text(json.dumps(state))
        half.replace(self.folder / "refs.json")

    def commit(self, files: dict[str, Any], title: str, parent: str) -> str:
        text = json.dumps({"files": files, "title": title, "parent": parent}, sort_keys=True).encode()
        self.keep(sha1(text), text)
        return sha1(text)

    def keep(self, oid: str, content: bytes) -> None:
        (self.folder / "objects").mkdir(parents=True, exist_ok=True)
        (self.folder / "objects" / oid).write_bytes(content)

    def find(self, revision: str) -> str:
        state = self.state
        found = state["branches"].get(revision) or state["tags"].get(revision) or revision
        if not (self.folder / "objects" / found).is_file():
            raise refused(404, "RevisionNotFound")
        return str(found)

    def files(self, revision: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "objects" / self.find(revision)).read_text())[
            "files"
        ]
        return found

    def read(self, revision: str, path: str) -> bytes:
        entry = self.files(revision)[path]
        return (self.folder / ("lfs" if "lfs" in entry else "objects") / entry["oid"]).read_bytes()

    def history(self, revision: str) -> list[str]:
        """Return the titles of a branch's commits, newest first."""
        found, oid = [], self.find(revision)
        while oid:
            one = json.loads((self.folder / "objects" / oid).read_text())
            found.append(str(one["title"]))
            oid = one["parent"]
        return found


def ranged(asked: Asked, content: bytes, headers: dict[str, str]) -> Response:
    answer = Response(content, 200, headers, content_type="application/octet-stream")
    return answer.make_conditional(asked.environ, accept_ranges=True, complete_length=len(content))


def entered(files: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the entries of a listing: files, and the folders that they lie in."""
    commit = {"id": "0" * 40, "title": "Publish", "date": WHEN}
    found: dict[str, dict[str, Any]] = {}
    for path, entry in files.items():
        for end in [at for at, sign in enumerate(path) if sign == "/"]:
            found[path[:end]] = {
                "type": "directory",
                "oid": sha1(path[:end].encode()),
                "size": 0,
                "path": path[:end],
            }
        found[path] = {
            "type": "file",
            "oid": entry["oid"],
            "size": entry["size"],
            "path": path,
            "lastCommit": commit,
        }
        if "lfs" in entry:
            found[path]["lfs"] = {"oid": entry["oid"], "size": entry["size"], "pointerSize": 130}
            found[path]["oid"] = sha1(f"pointer {entry['oid']}".encode())
    return found
