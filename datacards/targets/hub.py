"""Publishes to a dataset repository of the Hugging Face Hub: one commit for a version, then a tag with its name."""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token, is_offline_mode
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from datacards.card import VERSION, Card, File, Ref
from datacards.describe import README
from datacards.errors import UserError
from datacards.places import CARD, read_card
from datacards.store import Store
from datacards.targets.answers import mended, told_plainly
from datacards.targets.contents import Contents, Published, nothing

KIND = "dataset"
KEPT = ".gitattributes"  # which files are large ones: the hub's own
BATCH = 32  # files on their way between two marks of the bar
ATTEMPTS = 8  # when others publish at the same moment
ALLOWED = "hf://datasets/ORG/NAME, with @BRANCH behind it for another branch than main"
_NAME = r"(?!.*(?:--|\.\.))[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_ADDRESS = re.compile(rf"hf://datasets/({_NAME}/{_NAME})(?:@([A-Za-z0-9][A-Za-z0-9._-]{{0,99}}))?/?")


@dataclass(frozen=True)
class _Repository:
    """The branches and tags of the repository as they were at one moment, each with its commit."""

    branches: Mapping[str, str]
    tags: Mapping[str, str]


class HubTarget:
    """A dataset repository: every version of one name is a tag, the newest one is what ``main`` holds.

    A version arrives in one commit that makes the branch hold exactly its files, so a reader sees the old one or the
    new one. Large files are uploaded before, by their hash; what a killed put has uploaded is not uploaded again. The
    tag is set last, when every file of the commit has been compared. A version older than what the branch holds gets its
    tag on a commit beside it, and the branch stays where it is.

    The token comes from ``HF_TOKEN`` or from ``hf auth login``, the address of the hub from ``HF_ENDPOINT``; neither is
    written or told anywhere.
    """

    def __init__(self, repository: str, branch: str = "main", *, private: bool = False) -> None:
        self.repository, self.branch, self.private = repository, branch, private
        self.address = f"hf://datasets/{repository}" + (f"@{branch}" if branch != "main" else "")

    @classmethod
    def at(cls, text: str, *, private: bool = False) -> "HubTarget":
        """Return the target of an address; raise UserError, which does not repeat it, when it is none."""
        found = _ADDRESS.fullmatch(text)
        branch = (found and found[2]) or "main"
        if not found or found[1].endswith(".git") or VERSION.fullmatch(branch):
            raise UserError("publish", "the address of a repository cannot be used", ALLOWED, "correct it")
        return cls(found[1], branch, private=private)

    def put(self, store: Store, ref: Ref, told: Callable[[int], object] = nothing) -> Published:
        """Commit and tag a version, making the repository when there is none.

        Files of an older version, and others that somebody added to it, leave the branch with the commit. Raises
        UserError when the tag stands for other files (naming one), when the branch holds something else than an older
        version of the same name, and when the hub cannot be written.
        """
        contents = Contents.of(store, ref)
        if is_offline_mode():
            raise UserError(
                self.address, "HF_HUB_OFFLINE=1 forbids it", todo="unset it, then run the same command again"
            )
        if not (token := get_token()):
            todo = "set HF_TOKEN to a token that may write there, or run: hf auth login"
            raise UserError(self.address, "no token for the hub is known", todo=todo)
        with told_plainly(self.address, token), _silent():
            return _Putting(self, contents, HfApi(token=token), told).run()


class _Putting:
    """One put under way."""

    def __init__(
        self, target: HubTarget, contents: Contents, api: HfApi, told: Callable[[int], object]
    ) -> None:
        self.target, self.contents, self.api, self.told = target, contents, api, told
        self.repo, self.version = target.repository, contents.ref.version
        self.side = f"archive-{self.version}"
        self.beside = False  # whether a branch was made for a version older than the newest
        self.arrived: dict[
            str, CommitOperationAdd
        ] = {}  # whatever happens to the branch, nothing is uploaded twice

    def run(self) -> Published:
        self._make_repository()
        for _ in range(ATTEMPTS):
            try:
                return self._attempt()
            except HfHubHTTPError as error:
                if not mended(error):  # by looking again at what another publisher has changed
                    raise
        raise UserError(
            self.target.address,
            "others keep changing the repository",
            todo="run the same command again later",
        )

    def _attempt(self) -> Published:
        found = self._refs()
        if commit := found.tags.get(self.version):
            if differing := self._differing(self._tree(commit)):
                raise self._taken(f"tag {self.version}", differing)
            done = self._published([])
        else:
            commit, done = self._commit(found)
            self.api.create_tag(self.repo, tag=self.version, revision=commit, repo_type=KIND)
        if self.beside or self.side in found.branches:
            self.api.delete_branch(self.repo, branch=self.side, repo_type=KIND)  # its tag holds the commit
        return done

    def _commit(self, found: _Repository) -> tuple[str, Published]:
        """Return a commit that holds exactly this version, made now or by an earlier put that was killed."""
        if (head := found.branches.get(self.target.branch)) is None:
            self.api.create_branch(self.repo, branch=self.target.branch, repo_type=KIND, exist_ok=True)
            head = self._refs().branches[self.target.branch]
        branch, tree = self.target.branch, self._tree(head)
        if self._differing(tree) and self._is_older_than(head, tree):
            branch = self.side
            if (beside := found.branches.get(branch)) is None:
                self.beside = True
                self.api.create_branch(self.repo, branch=branch, revision=head, repo_type=KIND, exist_ok=True)
                beside = self._refs().branches[branch]
            head, tree = beside, self._tree(beside)
        if not self._differing(tree):
            return head, self._published([])
        new = [file for file in self.contents.all_files if not self._equal(file, tree.get(file.path))]
        commit = self._send(branch, head, new, tree)
        if differing := self._differing(self._tree(commit)):
            raise UserError(
                self.target.address,
                f"the hub holds another {differing} than was sent, and the version has no tag",
                todo="run the same command again",
            )
        return commit, self._published(new)

    def _send(self, branch: str, head: str, new: list[File], tree: Mapping[str, RepoFile]) -> str:
        """Upload what is large, then change the branch in one commit on ``head``; return that."""
        self.told(self.contents.bytes - sum(file.bytes for file in new))
        for start in range(0, len(new), BATCH):
            batch = [file for file in new[start : start + BATCH] if file.path not in self.arrived]
            added = {file.path: self._addition(file) for file in batch}
            # Rules of a .gitignore in the repository would leave files out without a word.
            self.api.preupload_lfs_files(
                self.repo, added.values(), repo_type=KIND, revision=branch, gitignore_content="#"
            )
            for file in batch:
                if added[file.path].upload_info.sha256.hex() != file.sha256:
                    raise UserError(
                        str(self.contents.ref),
                        f"{file.path} has changed while it was published",
                        todo="restore it or make it again",
                    )
                self.told(file.bytes)
            self.arrived |= added
        ours = {file.path for file in self.contents.all_files} | {KEPT}
        gone = [CommitOperationDelete(path, is_folder=False) for path in sorted(tree.keys() - ours)]
        made = self.api.create_commit(
            self.repo,
            operations=[*(self.arrived[file.path] for file in new), *gone],
            commit_message=f"Publish {self.contents.ref}",
            repo_type=KIND,
            revision=branch,
            parent_commit=head,
        )
        return str(made.oid)

    def _addition(self, file: File) -> CommitOperationAdd:
        content = self.contents.text if file.path == CARD else self.contents.folder / file.path
        return CommitOperationAdd(path_in_repo=file.path, path_or_fileobj=content)

    def _make_repository(self) -> None:
        """Make the repository when there is none; refuse a public one where a private one was asked for."""
        try:
            known = self.api.dataset_info(self.repo)
        except RepositoryNotFoundError:
            self.api.create_repo(
                self.repo, repo_type=KIND, private=self.target.private or None, exist_ok=True
            )
            known = self.api.dataset_info(self.repo)
        if self.target.private and not known.private:
            raise UserError(
                self.target.address,
                "the repository is public",
                "it was asked to be private",
                "make it private on the hub, or publish to another one",
            )

    def _refs(self) -> _Repository:
        refs = self.api.list_repo_refs(self.repo, repo_type=KIND)
        return _Repository(
            {one.name: one.target_commit for one in refs.branches},
            {one.name: one.target_commit for one in refs.tags},
        )

    def _tree(self, commit: str) -> dict[str, RepoFile]:
        entries = self.api.list_repo_tree(self.repo, recursive=True, revision=commit, repo_type=KIND)
        return {one.path: one for one in entries if isinstance(one, RepoFile)}

    def _is_older_than(self, head: str, tree: Mapping[str, RepoFile]) -> bool:
        """Return whether ``head`` holds a newer version; raise UserError when it is no older one that may be replaced."""
        if CARD not in tree:
            if others := sorted(tree.keys() - {README, KEPT}):
                raise self._foreign(f"{others[0]}, and no {CARD}")
            return False
        card = self._card(head)
        if card.name != self.contents.ref.name:
            raise self._foreign(f"{card.name} {card.version}")
        if card.version == self.version:
            raise self._taken(f"branch {self.target.branch}", self._differing(tree))
        return _order(card.version) > _order(self.version)

    def _card(self, commit: str) -> Card:
        with tempfile.TemporaryDirectory() as folder:
            path = self.api.hf_hub_download(
                self.repo, CARD, repo_type=KIND, revision=commit, local_dir=folder
            )
            try:
                return read_card(self.contents.ref, Path(path).read_bytes())
            except UserError as error:
                raise self._foreign(f"a {CARD} that cannot be read") from error

    def _differing(self, tree: Mapping[str, RepoFile]) -> str:
        """Return the first file in which a commit differs from the version, '' when it holds exactly that."""
        files: Iterable[File] = self.contents.all_files
        differing = next((file.path for file in files if not self._equal(file, tree.get(file.path))), "")
        return differing or min(tree.keys() - {file.path for file in files} - {KEPT}, default="")

    def _equal(self, file: File, there: RepoFile | None) -> bool:
        if there is None or there.size != file.bytes:
            return False
        if there.lfs:
            return bool(there.lfs.sha256 == file.sha256)
        if file.path == CARD:
            return bool(there.blob_id == blob_sha1(self.contents.text))
        return bool(there.blob_id == blob_sha1((self.contents.folder / file.path).read_bytes()))

    def _published(self, new: list[File]) -> Published:
        if not new:
            self.told(self.contents.bytes)
        there = len(self.contents.all_files) - len(new)
        url = f"hf://datasets/{self.repo}@{self.version}"
        return Published(url, len(new), there, sum(file.bytes for file in new))

    def _taken(self, where: str, differing: str) -> UserError:
        return UserError(
            str(self.contents.ref),
            f"the {where} of {self.target.address} is there already and differs in {differing}",
            "a published version never changes",
            "publish under a new version",
        )

    def _foreign(self, what: str) -> UserError:
        return UserError(
            self.target.address,
            f"the branch {self.target.branch} holds {what}",
            f"a repository, or one branch of it, holds the versions of {self.contents.ref.name} alone",
            "publish to another repository or branch",
        )


def blob_sha1(content: bytes) -> str:
    """Return the name that git gives to the bytes of a file: the SHA-1 of a header with their number, and of them."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the client's own bars off the screen: ours counts the bytes of all files."""
    before = are_progress_bars_disabled()
    if not before:
        disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()
