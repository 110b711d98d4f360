"""A directory of catalog files: which files there are, and the rows in them.

Files at the top belong to every tenant; a sub-directory is named by a tenant id and holds that
tenant's own files. The file's name tells the kind of its objects.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Final

import msgspec

from consumer.adapters.catalog.documents import SUFFIXES, BrokenDocument, objects
from consumer.adapters.catalog.rows import NAMES, SHARED, BrokenRow, Row, ValueType, read_row
from consumer.domain.catalog import Account

_KINDS: Final[Mapping[str, ValueType]] = {name: kind for kind, name in NAMES.items()} | {
    "account": Account
}


class SourceFile(msgspec.Struct, frozen=True):
    """A file as the file system shows it; two listings differ when any file changed."""

    #: Relative to the directory, as shown to the user.
    name: str
    tenant: str
    size: int
    inode: int
    modified_ns: int
    changed_ns: int

    @property
    def kind(self) -> ValueType | None:
        return _KINDS.get(PurePath(self.name).stem)


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """What a directory holds. A tenant's own rows stand before the shared ones."""

    rows: list[Row]
    #: Tenants that have files here, SHARED among them.
    tenants: frozenset[str]
    #: Files or objects that cannot be read.
    broken: list[str]
    #: Objects whose id was there already.
    doubled: list[str]
    #: Files of no kind we know.
    ignored: list[str]


def list_files(directory: Path) -> list[SourceFile]:
    """All JSON and YAML files, tenants' own first. Raises OSError."""
    tenants = sorted(_visible(directory, directories=True), key=lambda entry: entry.name)
    own = [file for entry in tenants for file in _files(Path(entry.path), entry.name)]
    return own + list(_files(directory, SHARED))


def read_tree(directory: Path, files: list[SourceFile]) -> Tree:
    """Read the files. Nothing is raised for what is in them: `broken` has it."""
    known = [file for file in files if file.kind is not None]
    tree = Tree(
        rows=[],
        tenants=frozenset(file.tenant for file in known),
        broken=[],
        doubled=[],
        ignored=[f"{f.name}: ignored, no kind of catalog rows" for f in files if f.kind is None],
    )
    if not known:
        names = ", ".join(f"{name}.json" for name in NAMES.values())
        tree.broken.append(f"{directory}: holds no catalog file; expected some of {names}")
    seen: dict[tuple[str, ValueType, str], str] = {}
    for file in known:
        _read_file(directory, file, tree, seen)
    return tree


def _read_file(
    directory: Path, file: SourceFile, tree: Tree, seen: dict[tuple[str, ValueType, str], str]
) -> None:
    assert file.kind is not None
    try:
        for key, raw in objects(file.name, (directory / file.name).read_bytes()):
            where = f"{file.name}: {key}" if key else file.name
            try:
                row = read_row(file.kind, file.tenant, raw, where)
            except BrokenRow as error:
                tree.broken.append(str(error))
                continue
            first = seen.setdefault((file.tenant, file.kind, row.value.id), where)
            if first == where:
                tree.rows.append(row)
            else:
                tree.doubled.append(
                    f"{where}: id {row.value.id} is also in {first}, which counts; remove one"
                )
    except BrokenDocument as error:
        tree.broken.append(str(error))
    except OSError as error:
        tree.broken.append(f"{file.name}: {error.strerror}")


def _files(directory: Path, tenant: str) -> Iterator[SourceFile]:
    for entry in sorted(_visible(directory, directories=False), key=lambda entry: entry.name):
        if PurePath(entry.name).suffix in SUFFIXES:
            seen = entry.stat()
            yield SourceFile(
                f"{tenant}/{entry.name}" if tenant else entry.name,
                tenant,
                seen.st_size,
                seen.st_ino,
                seen.st_mtime_ns,
                seen.st_ctime_ns,
            )


def _visible(directory: Path, *, directories: bool) -> Iterator["os.DirEntry[str]"]:
    """Entries but the hidden ones: Kubernetes keeps the versions of a mounted map in such."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_dir() == directories:
                yield entry
