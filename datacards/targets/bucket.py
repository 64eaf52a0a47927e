"""Publishes to a bucket: plain keys ``prefix/NAME/VERSION/PATH``, the card last and only where there is none."""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import RawIOBase
from pathlib import Path

from datacards.bucket import Bucket
from datacards.card import Card, File, Ref
from datacards.errors import UserError, from_os_error
from datacards.objects import MARKER
from datacards.places import CARD, read_card
from datacards.store import Store
from datacards.targets.contents import LAST, Contents, Published, nothing

AT_ONCE = 4  # objects under way at the same time
CLAIMS = ".publishing"


class BucketTarget:
    """The objects below an address like ``s3://bucket/prefix``, readable by any tool that reads Parquet from there.

    Plain keys can be overwritten, so three things keep versions apart. Every object carries its SHA-256 as metadata,
    put in one step with its bytes: what a killed put left is known again by size and hash without being read (a tag
    made by the server is no hash of an object that came in parts). A claim, made only where there is none, holds the
    digest of the card that is being published: writers of equal bytes may work side by side, another version of the
    same name is refused. And the card is put last, only where there is none, after one more look at every object's tag.
    """

    def __init__(self, address: str) -> None:
        self.bucket = Bucket(address)
        self.address = self.bucket.address

    def put(self, store: Store, ref: Ref, told: Callable[[int], object] = nothing) -> Published:
        """Put a version; until its card is there, last of all, it is none.

        Raises UserError when another version lies or is being put there under this name, naming the file that differs,
        when objects of somebody else are in the way, and when the server does not answer or keep the condition.
        """
        contents = Contents.of(store, ref)
        if self.bucket.read(MARKER) is not None:
            raise UserError(
                self.address,
                "is the address of a store",
                "published versions lie apart from it",
                "give another prefix",
            )
        try:
            return self._there(contents, told) or self._put(contents, told)
        except OSError as error:
            raise from_os_error(error, str(ref)) from error

    def _put(self, contents: Contents, told: Callable[[int], object]) -> Published:
        self._claim(contents)
        if there := self._there(contents, told):  # another writer finished while we made the claim
            return there
        before = self.bucket.states(_folder(contents.ref))
        self._refuse_others(contents, before)
        new: set[str] = set()
        tags: dict[str, str] = {}

        def arrived(file: File) -> None:
            key, (size, tag) = _key(contents.ref, file), before.get(_key(contents.ref, file), (-1, ""))
            if size >= 0 and self._is(file, key, size, contents.ref):
                told(file.bytes)
            else:
                tag = self._send(contents, file, told)
                new.add(file.path)
            tags[key] = tag

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(arrived, [file for file in contents.files if file.path not in LAST]):
                pass
        for file in contents.files:
            if file.path in LAST:
                arrived(file)
        self._finish(contents, tags)
        told(len(contents.text))
        sent = sum(file.bytes for file in contents.files if file.path in new) + len(contents.text)
        return Published(self._url(contents.ref), len(new) + 1, len(contents.files) - len(new), sent)

    def _finish(self, contents: Contents, tags: dict[str, str]) -> None:
        """Put the card, once every object is as this writer put or found it."""
        now = self.bucket.states(_folder(contents.ref))
        self._refuse_others(contents, now)
        for file in contents.files:
            size, tag = now.get(_key(contents.ref, file), (-1, ""))
            known = tags[_key(contents.ref, file)]
            if size != file.bytes or (tag and known and tag != known and self._differs(file, contents.ref)):
                raise UserError(
                    str(contents.ref),
                    f"{file.path} was changed at {self._url(contents.ref)} while it was published",
                    todo="run the same command again when nobody else writes there",
                )
        card = f"{_folder(contents.ref)}/{CARD}"
        if not self.bucket.create(card, contents.text) and self.bucket.read(card) != contents.text:
            raise self._taken(contents, CARD)
        self.bucket.delete([_claim_key(contents.ref)])

    def _claim(self, contents: Contents) -> None:
        """Make sure that nobody puts another version under this name; raise UserError when somebody does."""
        key, digest = _claim_key(contents.ref), contents.digest.encode()
        if self.bucket.create(key, digest) and self.bucket.create(key, digest):
            raise UserError(
                self.address,
                "the server ignores the condition If-None-Match",
                "two writers could not be kept apart",
                "publish to a folder and copy that",
            )
        if (held := self.bucket.read(key)) not in (digest, None):
            raise UserError(
                str(contents.ref),
                f"another version of this name (card {bytes(held or b'')[:12].decode('ascii', 'replace')}) is being published "
                f"at {self.address}",
                "a name stands for one version",
                f"wait until it is there; if it never will be, delete {key} and what lies below "
                f"{_folder(contents.ref)}/, then run the same command again",
            )

    def _there(self, contents: Contents, told: Callable[[int], object]) -> Published | None:
        """Return what is told of a version that is there whole, None when there is no card yet."""
        text = self.bucket.read(f"{_folder(contents.ref)}/{CARD}")
        if text is None:
            return None
        self.bucket.delete(
            [_claim_key(contents.ref)]
        )  # a writer may have died behind its card; no claim counts any more
        if text != contents.text:
            raise self._taken(contents, _difference(contents, text))
        states = self.bucket.states(_folder(contents.ref))
        self._refuse_others(contents, states)

        def equal(file: File) -> bool:
            key = _key(contents.ref, file)
            same = states.get(key, (-1, ""))[0] == file.bytes and not self._differs(file, contents.ref)
            told(file.bytes)
            return same

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for file, same in zip(contents.files, pool.map(equal, contents.files), strict=True):
                if not same:
                    raise self._taken(contents, file.path)
        told(len(contents.text))
        return Published(self._url(contents.ref), 0, len(contents.all_files), 0)

    def _is(self, file: File, key: str, size: int, ref: Ref) -> bool:
        """Return whether an object is the file; raise UserError when it is one that we have not put."""
        if size == file.bytes and not self._differs(file, ref):
            return True
        if not self.bucket.mark(key):
            raise UserError(
                str(ref),
                f"{self.address}/{key} is another file and was not put by kanagura",
                "nothing of others is overwritten",
                "move it away",
            )
        return False

    def _differs(self, file: File, ref: Ref) -> bool:
        """Return whether an object of the right size has other bytes; one without a mark is read to know."""
        if mark := self.bucket.mark(_key(ref, file)):
            return mark != file.sha256
        digest = hashlib.sha256()
        for block in self.bucket.blocks(_key(ref, file), file.bytes):
            digest.update(block)
        return digest.hexdigest() != file.sha256

    def _send(self, contents: Contents, file: File, told: Callable[[int], object]) -> str:
        with _Checked(contents.folder / file.path, file, told) as source:
            try:
                return self.bucket.put_marked(_key(contents.ref, file), source, file.bytes, file.sha256)  # type: ignore[arg-type]
            except OSError as error:
                if source.changed:
                    raise UserError(
                        str(contents.ref),
                        f"{file.path} has changed while it was published",
                        todo="restore it or make it again",
                    ) from error
                raise

    def _refuse_others(self, contents: Contents, states: Iterable[str]) -> None:
        """Raise UserError when an object lies among the version's that is none of it: readers would take it in."""
        ours = {_key(contents.ref, file) for file in contents.all_files}
        if others := sorted(set(states) - ours):
            raise UserError(
                str(contents.ref),
                f"{self.address}/{others[0]} is no file of this version",
                "readers would take it for one",
                "move it away",
            )

    def _taken(self, contents: Contents, path: str) -> UserError:
        return UserError(
            str(contents.ref),
            f"{self._url(contents.ref)} is there already and differs in {path}",
            "a published version never changes",
            "publish under a new version, or delete that one, its card first, if it is damaged",
        )

    def _url(self, ref: Ref) -> str:
        return f"{self.address}/{_folder(ref)}"


class _Checked(RawIOBase):
    """A file that fails at its end, before an object becomes of it, when what was read is not what the card says."""

    def __init__(self, path: Path, file: File, told: Callable[[int], object]) -> None:
        self._stream, self._file, self._told = path.open("rb"), file, told
        self._digest, self._read = hashlib.sha256(), 0
        self.changed = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._digest.update(block)
        self._read += len(block)
        self._told(len(block))
        if (not block or self._read >= self._file.bytes) and self._digest.hexdigest() != self._file.sha256:
            self.changed = True
            raise OSError("changed")
        return block

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()


def _difference(contents: Contents, text: bytes) -> str:
    """Return the first file in which the card of another version differs, the card's own name when none does."""
    try:
        other: Card = read_card(contents.ref, text)
    except UserError:
        return CARD
    theirs, ours = ({file.path: file.sha256 for file in card.files} for card in (other, contents.card))
    return min((path for path in {*theirs, *ours} if theirs.get(path) != ours.get(path)), default=CARD)


def _folder(ref: Ref) -> str:
    return f"{ref.name}/{ref.version}"


def _key(ref: Ref, file: File) -> str:
    return f"{_folder(ref)}/{file.path}"


def _claim_key(ref: Ref) -> str:
    return f"{CLAIMS}/{ref}"
