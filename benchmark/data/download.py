"""DMID from figshare: fetched, resumed, verified by MD5 and unpacked, or not there at all.

What is under way lies in `DIR/.download`; nothing of a broken download or archive is ever seen beside it.
"""

import fnmatch
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from benchmark.data.archive import unpack
from benchmark.errors import RunFailed, UserError
from benchmark.forms.record import Stored
from benchmark.results.store import write_text

API = "https://api.figshare.com/v2"
ARTICLE, VERSION = 24522883, 2
PAGE = 100
_ATTEMPTS = 6
_HEADERS = {"User-Agent": "amrg", "Accept-Encoding": "identity"}  # a compressed answer can't be resumed
_TIMEOUT = httpx.Timeout(60.0, connect=20.0)
_SPACE_FACTOR = 2.5  # the archives and what is in them, with room to spare

Progress = Callable[[str, int, int], None]


class RemoteFile(BaseModel):
    """A file of the article, as the figshare API lists it."""

    name: str
    size: int
    download_url: str
    computed_md5: str = ""
    supplied_md5: str = ""

    @property
    def md5(self) -> str:
        """The MD5 that figshare computed, else the one that was supplied with the upload."""
        return (self.computed_md5 or self.supplied_md5).lower()


class Fetched(Stored):
    """What `download` did: names of files fetched now, of those that were here already, and of those left out."""

    folder: str
    fetched: tuple[str, ...]
    present: tuple[str, ...]
    skipped: tuple[str, ...]


def download(
    folder: Path,
    *,
    skip: Sequence[str] = (),
    keep_archives: bool = False,
    api: str = API,
    article: int = ARTICLE,
    version: int = VERSION,
    progress: Progress | None = None,
    wait: float = 1.0,
) -> Fetched:
    """Fetch the release into a folder. The same call goes on where a broken one stopped.

    Args:
        folder: made if missing.
        skip: patterns of file names to leave out, such as `DICOM*`.
        keep_archives: leave the zips in `.download` once they are unpacked.
        api: base address of the figshare API.
        article, version: what to fetch.
        progress: called with a file's name, its bytes so far and its size.
        wait: seconds before the second attempt at a broken transfer; doubled for each further one.

    Raises:
        UserError: the folder is a file, or its disk has too little space; a pattern leaves nothing.
        RunFailed: figshare can't be reached, lists no file, or what it sent is not what it lists. What arrived is
            kept for the next call.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; name a folder for the release.")
    base = api.rstrip("/")
    with httpx.Client(follow_redirects=True, timeout=_TIMEOUT, headers=_HEADERS) as client:
        fetcher = _Fetcher(client, wait, progress)
        listed = fetcher.list_files(f"{base}/articles/{article}/versions/{version}/files")
        skipped = [f for f in listed if any(fnmatch.fnmatchcase(f.name, pattern) for pattern in skip)]
        chosen = [f for f in listed if f not in skipped]
        if not chosen:
            raise UserError(f"--skip leaves nothing of {', '.join(f.name for f in listed)}.")
        state = _State(folder)
        present = [f for f in chosen if state.has(f)]
        missing = [f for f in chosen if f not in present]
        state.check_room(missing)
        try:
            state.working.mkdir(parents=True, exist_ok=True)
            _check_space(folder, missing, state)
            for file in missing:
                arrived = fetcher.fetch(file, state.working / file.name)
                state.place(file, arrived, keep=keep_archives)
            state.finish()
        except OSError as error:
            raise RunFailed(f"{error.filename or folder}: {error.strerror or error}. What arrived is kept.") from None
    return Fetched(folder=str(folder), fetched=_names(missing), present=_names(present), skipped=_names(skipped))


def _names(files: Sequence[RemoteFile]) -> tuple[str, ...]:
    return tuple(file.name for file in files)


class _Fetcher:
    """What is asked of figshare, with further attempts where one breaks off."""

    def __init__(self, client: httpx.Client, wait: float, progress: Progress | None):
        self.client = client
        self.wait = wait
        self.progress = progress or (lambda name, done, total: None)

    def list_files(self, url: str) -> list[RemoteFile]:
        """Read every page of the article's list of files; their names are checked to be plain names."""
        files: list[RemoteFile] = []
        page = 1
        try:
            while len(listed := self._page(url, page)) == PAGE:
                files += listed
                page += 1
        except (httpx.HTTPError, ValidationError, ValueError) as error:
            raise RunFailed(
                f"{url}: the list of files could not be read ({_explain(error)}). Try again later."
            ) from None
        files += listed
        paths = [f.name for f in files if Path(f.name).name != f.name or f.name.startswith(".") or "\\" in f.name]
        if paths:
            raise RunFailed(f"{url}: lists names that are no plain file names: {paths}. Nothing was fetched.")
        if not files:
            raise RunFailed(f"{url}: lists no files.")
        return files

    def _page(self, url: str, page: int) -> list[RemoteFile]:
        """Return one page of the article's list of files."""
        for attempt in self._attempts():
            with attempt:
                response = self.client.get(url, params={"page": page, "page_size": PAGE})
                response.raise_for_status()
        return TypeAdapter(list[RemoteFile]).validate_json(response.content)

    def fetch(self, file: RemoteFile, target: Path) -> Path:
        """Fetch a file to `target`, from where an earlier attempt stopped; its MD5 is that of the list."""
        if target.exists() and target.stat().st_size == file.size and file.md5 in ("", _md5(target)):
            return target
        part = target.with_name(target.name + ".part")
        for afresh in (False, True):  # a part that was resumed and came out wrong is fetched anew, once
            if afresh:
                part.unlink(missing_ok=True)
            try:
                for attempt in self._attempts():
                    with attempt:
                        self._transfer(file, part)
            except (httpx.HTTPError, _Broken) as error:
                raise RunFailed(
                    f"{file.name}: the transfer broke off ({_explain(error)}). What arrived is kept; "
                    "the same command goes on from there."
                ) from None
            md5 = _md5(part)
            if not file.md5 or md5 == file.md5:
                part.replace(target)
                return target
        part.unlink()
        raise RunFailed(f"{file.name}: its MD5 is {md5}, figshare lists {file.md5}. It was fetched twice and removed.")

    def _transfer(self, file: RemoteFile, part: Path) -> None:
        """Append to `part` what it lacks of a file.

        Raises:
            _Broken: what came is not what was asked for.
            httpx.HTTPError: the transfer failed.
        """
        offset = part.stat().st_size if part.exists() else 0
        if offset > file.size:
            part.unlink()
            offset = 0
        if offset == file.size:
            if not part.exists():
                part.touch()
            return
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self.client.stream("GET", file.download_url, headers=headers) as response:
            response.raise_for_status()
            resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
            if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
                raise _Broken("the server sent another range than was asked for")
            received = offset if resumed else 0
            with part.open("ab" if resumed else "wb") as out:
                for chunk in response.iter_raw():  # as it comes: what arrived before a break is kept
                    received += len(chunk)
                    if received > file.size:
                        raise _Broken(f"more than the {file.size} bytes that figshare lists")
                    out.write(chunk)
                    self.progress(file.name, received, file.size)
        if received < file.size:
            raise _Broken(f"{received} of {file.size} bytes")

    def _attempts(self) -> Retrying:
        """Return the attempts at one request, with the pauses between them."""
        return Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential(multiplier=self.wait, max=60),
            retry=retry_if_exception(_is_passing),
            reraise=True,
        )


class _Broken(Exception):
    """A transfer that ended too early or went wrong."""


def _is_passing(error: BaseException) -> bool:
    """Return whether another attempt may help: everything but what the server calls our mistake."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code in (408, 425, 429)
    return isinstance(error, httpx.TransportError | _Broken)


class _State:
    """What of the release is in the folder: `.download/done.json` names each file with its MD5 and what it became."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.working = folder / ".download"
        self.record = self.working / "done.json"
        try:
            self.entries: dict[str, dict[str, str]] = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.entries = {}

    def has(self, file: RemoteFile) -> bool:
        """Return whether a file is here as figshare lists it, unpacked."""
        name = _name_unpacked(file)
        return self.entries.get(file.name) == {"md5": file.md5, "became": name} and (self.folder / name).exists()

    def check_room(self, missing: Sequence[RemoteFile]) -> None:
        """Refuse to replace anything that an earlier call did not put here."""
        names = [_name_unpacked(f) for f in missing if f.name not in self.entries]
        in_the_way = [name for name in names if (self.folder / name).exists()]
        if in_the_way:
            raise UserError(
                f"{self.folder}: {', '.join(in_the_way)} is here already and not from `amrg data download`. "
                "Move it away, choose another folder, or --skip the file it comes from."
            )

    def place(self, file: RemoteFile, arrived: Path, *, keep: bool) -> None:
        """Unpack an archive into a folder of its name, or move a file to where it belongs."""
        target = self.folder / _name_unpacked(file)
        self._remember(file, "under way")
        if target.name == file.name:
            arrived.replace(target)
        else:
            unpack(arrived, target, temporary=self.working / f"{target.name}.unpacking")
            if not keep:
                arrived.unlink()
        self._remember(file, file.md5)

    def _remember(self, file: RemoteFile, md5: str) -> None:
        """Write down, before the next step begins, how far a file has come."""
        self.entries[file.name] = {"md5": md5, "became": _name_unpacked(file)}
        write_text(self.record, json.dumps(self.entries, indent=1) + "\n")

    def finish(self) -> None:
        """Remove what is left of transfers that nothing needs any more."""
        for path in self.working.glob("*.part"):
            path.unlink()


def _name_unpacked(file: RemoteFile) -> str:
    """Return what a file is called in the folder: an archive becomes a folder of its name."""
    return file.name[:-4] if file.name.lower().endswith(".zip") else file.name


def _check_space(folder: Path, missing: Sequence[RemoteFile], state: _State) -> None:
    """Refuse a disk without room for the archives and what is in them."""
    arrived = sum(p.stat().st_size for p in state.working.iterdir() if p.is_file())
    needed = int(sum(f.size for f in missing) * _SPACE_FACTOR) - arrived
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{folder}: about {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free. "
            "Choose another disk, or leave files out with --skip, e.g. --skip 'DICOM*'."
        )


def _md5(path: Path) -> str:
    """Return the MD5 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _explain(error: Exception) -> str:
    """Return what broke, in words for a person."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, ValidationError):
        return "not the answer of a figshare API"
    return str(error) or type(error).__name__
