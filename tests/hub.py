"""A small hub on loopback: dataset repositories with real commits, spoken to by the hub's own client over its API."""

import base64
import fnmatch
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import make_server
from werkzeug.wrappers import Request as Asked
from werkzeug.wrappers import Response

from tests.repositories import WHEN, Repository, blob_sha1, entered, ranged, refused, told
from tests.s3 import Request, Server, _Quiet

TOKEN = "hf_sampletokenofthetests0001"
PART = 300_000  # bytes of a part of a large file
PAGE = 7  # entries of one page of a listing
DATASET = "/datasets/<org>/<name>"
ROUTES = (
    ("POST", "/api/validate-yaml", "validate"),
    ("POST", "/api/repos/create", "create"),
    ("GET", f"/api{DATASET}", "info"),
    ("GET", f"/api{DATASET}/revision/<revision>", "info"),
    ("GET", f"/api{DATASET}/refs", "refs"),
    ("GET", f"/api{DATASET}/tree/<revision>", "tree"),
    ("GET", f"/api{DATASET}/tree/<revision>/<path:below>", "tree"),
    ("POST", f"/api{DATASET}/paths-info/<revision>", "paths"),
    ("POST", f"/api{DATASET}/preupload/<revision>", "preupload"),
    ("POST", f"/api{DATASET}/commit/<revision>", "commit"),
    ("POST", f"/api{DATASET}/tag/<revision>", "tag"),
    ("POST", f"/api{DATASET}/branch/<branch>", "branch"),
    ("DELETE", f"/api{DATASET}/branch/<branch>", "unbranch"),
    ("POST", f"{DATASET}.git/info/lfs/objects/batch", "batch"),
    ("GET", f"{DATASET}/resolve/<revision>/<path:path>", "resolve"),
    ("PUT", "/lfs/<oid>/<signature>", "upload"),
    ("PUT", "/lfs/<oid>/<signature>/<int:part>", "upload"),
    ("POST", "/lfs/<oid>/<signature>/complete", "complete"),
    ("POST", "/lfs/<oid>/<signature>/verify", "verify"),
    ("GET", "/lfs/<oid>/<signature>", "download"),
)


class Hub(Server):
    """The server; its state lies below ``folder``, and ``TOKEN`` may write everything."""

    def __init__(self, folder: Path) -> None:
        super().__init__(0)
        self.folder, self.lock = folder, threading.Lock()

    def environment(self, cache: Path) -> dict[str, str]:
        return {
            "HF_ENDPOINT": self.endpoint, "HF_TOKEN": TOKEN, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        }  # fmt: skip

    def repository(self, org: str, name: str) -> Repository:
        return Repository(self.folder / org / name)

    def answer(self, asked: Asked) -> Response:
        route, values = ROUTER.bind_to_environ(asked.environ).match()
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in ("", TOKEN):
            raise refused(401, message="Invalid credentials in Authorization header")
        if not token and asked.method not in ("GET", "HEAD") and "signature" not in values:
            raise refused(401, "RepoNotFound")
        if "org" in values:
            found = self.repository(values.pop("org"), values.pop("name"))
            if not (found.folder / "refs.json").is_file() or (found.state["private"] and not token):
                raise refused(404 if token else 401, "RepoNotFound", "Repository not found")
            values["repo"] = found
        if "signature" in values and values.pop("signature") != self.signature(values["oid"]):
            raise refused(403, message="SignatureDoesNotMatch")
        with self.lock:
            answered: Response = getattr(self, route)(asked, **values)
        return answered

    @staticmethod
    def signature(oid: str) -> str:
        return hashlib.sha256(f"{TOKEN} {oid}".encode()).hexdigest()[:16]

    def validate(self, asked: Asked) -> Response:
        text = asked.get_json()["content"]
        try:
            yaml.safe_load(text.split("---")[1] if text.startswith("---") else "")
        except yaml.YAMLError:
            return told({"errors": [{"message": "bad YAML"}], "warnings": []}, 400)
        return told({"errors": [], "warnings": []})

    def create(self, asked: Asked) -> Response:
        wanted = asked.get_json()
        repo = self.repository(wanted["organization"], wanted["name"])
        if wanted["organization"] == "others":
            raise refused(403, message=f"You may not write to others with {asked.headers['Authorization']}")
        if (repo.folder / "refs.json").is_file():
            raise refused(409, message="You already created this dataset repo")
        attributes = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
        repo.keep(blob := blob_sha1(attributes), attributes)
        first = repo.commit({".gitattributes": {"oid": blob, "size": len(attributes)}}, "initial commit", "")
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        repo.save({"private": private, "branches": {"main": first}, "tags": {}})
        return told({"url": f"{self.endpoint}/datasets/{wanted['organization']}/{wanted['name']}"})

    def info(self, asked: Asked, repo: Repository, revision: str = "main") -> Response:
        head = repo.find(revision)
        about = {
            "id": "/".join(repo.folder.parts[-2:]), "sha": head, "private": repo.state["private"], "gated": False,
            "disabled": False, "tags": [], "downloads": 0, "likes": 0, "lastModified": WHEN, "createdAt": WHEN,
            "siblings": [{"rfilename": path} for path in repo.files(head)],
        }  # fmt: skip
        return told(about)

    def refs(self, asked: Asked, repo: Repository) -> Response:
        kinds = {"branches": "heads", "tags": "tags"}
        found = {
            kind: [
                {"name": name, "ref": f"refs/{ref}/{name}", "targetCommit": commit}
                for name, commit in repo.state[kind].items()
            ]
            for kind, ref in kinds.items()
        }
        return told({**found, "converts": []})

    def tree(self, asked: Asked, repo: Repository, revision: str, below: str = "") -> Response:
        entries = entered(repo.files(revision))
        inside = [path for path in entries if not below or path.startswith(f"{below}/")]
        if below and not inside:
            raise refused(404, "EntryNotFound")
        if asked.args.get("recursive", "").lower() != "true":
            inside = [path for path in inside if "/" not in path[len(below) :].lstrip("/")]
        start = int(asked.args.get("cursor", 0))
        answer = told([entries[path] for path in inside[start : start + PAGE]])
        if len(inside) > start + PAGE:
            query = f"recursive={asked.args.get('recursive', '')}&cursor={start + PAGE}"
            answer.headers["Link"] = f'<{asked.base_url}?{query}>; rel="next"'
        return answer

    def paths(self, asked: Asked, repo: Repository, revision: str) -> Response:
        entries = entered(repo.files(revision))
        wanted = asked.form.getlist("paths") or asked.get_json(silent=True, force=True)["paths"]
        return told([entries[path] for path in wanted if path in entries])

    def preupload(self, asked: Asked, repo: Repository, revision: str) -> Response:
        here, wanted = repo.files(revision), asked.get_json()
        ignored = wanted.get("gitIgnore")
        if ignored is None:
            ignored = repo.read(revision, ".gitignore").decode() if ".gitignore" in here else ""

        def mode(path: str, size: int) -> str:
            return "lfs" if path.endswith(".parquet") or size > 10_000_000 else "regular"

        files = [
            {
                "path": (path := one["path"]),
                "uploadMode": mode(path, one["size"]),
                "shouldIgnore": any(fnmatch.fnmatch(path, rule) for rule in ignored.split()),
                "oid": here.get(path, {}).get("oid"),
            }
            for one in wanted["files"]
        ]
        return told({"files": files})

    def batch(self, asked: Asked, repo: Repository) -> Response:
        found = []
        for one in asked.get_json(force=True)["objects"]:
            oid, size = one["oid"], one["size"]
            there = {"oid": oid, "size": size}
            if not (repo.folder / "lfs" / oid).is_file():
                base = f"{self.endpoint}/lfs/{oid}/{self.signature(oid)}"
                (self.folder / "wanted").mkdir(exist_ok=True)
                (self.folder / "wanted" / oid).write_text(str(repo.folder))
                upload: dict[str, Any] = {"href": base}
                if size > PART:
                    numbers = range(1, -(-size // PART) + 1)
                    parts = {f"{n:05}": f"{base}/{n}" for n in numbers}
                    upload = {"href": f"{base}/complete", "header": {"chunk_size": str(PART), **parts}}
                there["actions"] = {"upload": upload, "verify": {"href": f"{base}/verify"}}
            found.append(there)
        return told({"transfer": "basic", "objects": found})

    def place(self, oid: str) -> Path:
        return Path((self.folder / "wanted" / oid).read_text()) / "lfs" / oid

    def upload(self, asked: Asked, oid: str, part: int = 0) -> Response:
        content, path = asked.get_data(), self.place(oid)
        path.parent.mkdir(parents=True, exist_ok=True)
        if part:
            path.with_name(f"{oid}.{part:05}").write_bytes(content)
        else:
            self.keep(path, oid, content)
        return Response("", 200, {"ETag": hashlib.md5(content, usedforsecurity=False).hexdigest()})

    def complete(self, asked: Asked, oid: str) -> Response:
        path = self.place(oid)
        parts = sorted(path.parent.glob(f"{oid}.*"))
        assert len(asked.get_json(force=True)["parts"]) == len(parts)
        self.keep(path, oid, b"".join(part.read_bytes() for part in parts))
        return told({})

    def verify(self, asked: Asked, oid: str) -> Response:
        right = self.place(oid).stat().st_size == asked.get_json(force=True)["size"]
        return told({}, 200 if right else 422)

    @staticmethod
    def keep(path: Path, oid: str, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != oid:
            raise refused(400, message="the checksum is another one")
        half = path.with_name(f"{oid}-half")
        half.write_bytes(content)
        half.replace(path)

    def commit(self, asked: Asked, repo: Repository, revision: str) -> Response:
        lines = [json.loads(line) for line in asked.get_data().splitlines()]
        state = repo.state
        if (head := state["branches"].get(revision)) is None:
            raise refused(404, "RevisionNotFound")
        files, title = repo.files(head), ""
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                title = value["summary"]
                if value.get("parentCommit", head) != head:
                    raise refused(412, message="A commit has happened since. Please refresh and try again.")
            elif line["key"] == "file":
                content = base64.b64decode(value["content"])
                repo.keep(oid := blob_sha1(content), content)
                files[value["path"]] = {"oid": oid, "size": len(content)}
            elif line["key"] == "lfsFile":
                if not (repo.folder / "lfs" / value["oid"]).is_file():
                    raise refused(400, message="LFS pointer pointed to a file that does not exist")
                files[value["path"]] = {"oid": value["oid"], "size": value["size"], "lfs": True}
            elif files.pop(value["path"], None) is None:
                raise refused(404, "EntryNotFound", "A file with this name doesn't exist")
        made = repo.commit(dict(sorted(files.items())), title, head)
        state["branches"][revision] = made
        repo.save(state)
        url = f"{self.endpoint}/datasets/{'/'.join(repo.folder.parts[-2:])}/commit/{made}"
        return told({"success": True, "commitOid": made, "commitUrl": url})

    def tag(self, asked: Asked, repo: Repository, revision: str) -> Response:
        return self.pointed(repo, "tags", asked.get_json()["tag"], repo.find(revision))

    def branch(self, asked: Asked, repo: Repository, branch: str) -> Response:
        start = (asked.get_json(silent=True) or {}).get("startingPoint", "main")
        return self.pointed(repo, "branches", branch, repo.find(start))

    def pointed(self, repo: Repository, kind: str, name: str, commit: str) -> Response:
        state = repo.state
        if name in state[kind]:
            raise refused(409, message="Reference already exists")
        state[kind][name] = commit
        repo.save(state)
        return told({})

    def unbranch(self, asked: Asked, repo: Repository, branch: str) -> Response:
        state = repo.state
        if state["branches"].pop(branch, None) is None:
            raise refused(404, "RevisionNotFound")
        repo.save(state)
        return told({})

    def resolve(self, asked: Asked, repo: Repository, revision: str, path: str) -> Response:
        if (entry := repo.files(revision).get(path)) is None:
            raise refused(404, "EntryNotFound")
        headers = {"X-Repo-Commit": repo.find(revision), "ETag": f'"{entry["oid"]}"'}
        if "lfs" in entry:
            headers |= {"X-Linked-Etag": f'"{entry["oid"]}"', "X-Linked-Size": str(entry["size"])}
            # Large files lie on another host, behind a redirect that tells of them.
            headers["Location"] = (
                f"http://localhost:{self.port}/lfs/{entry['oid']}/{self.signature(entry['oid'])}"
            )
            (self.folder / "wanted").mkdir(exist_ok=True)
            (self.folder / "wanted" / entry["oid"]).write_text(str(repo.folder))
            return Response("", 302, headers)
        return ranged(asked, repo.read(revision, path), headers)

    def download(self, asked: Asked, oid: str) -> Response:
        return ranged(asked, self.place(oid).read_bytes(), {"ETag": f'"{oid}"'})


ROUTER = Map(
    [Rule(path, methods=[method], endpoint=name) for method, path, name in ROUTES], merge_slashes=False
)


@contextmanager
def serve(folder: Path) -> Iterator[Hub]:
    """Serve until the block ends."""
    hub = Hub(folder)

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        request = Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        hub.requests.append(request)
        stepped = hub.before(request, environ)
        if stepped is None:
            try:
                answer = hub.answer(Asked(environ))
            except NotFound:
                answer = Response("", 404)
            except HTTPException as error:
                answer = error.get_response()  # type: ignore[assignment]
            stepped = hub.after(request, environ)
            if stepped is None:
                return answer(environ, start)
        start(stepped[0], [("Content-Length", str(len(stepped[1])))])
        return [stepped[1]]

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    hub.port = server.port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
