"""The house rules that no linter knows."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from consumer.cli import app

ROOT = Path(__file__).parents[1]
MAX_LINES = 300
#: A public function without a docstring may be this long: name and types have to say it all.
SELF_EVIDENT_LINES = 25

LAYOUT = {
    *("consumer", "schemas", "tests", "docs", "deploy", "requirements", ".ci"),
    *("pyproject.toml", "Makefile", ".editorconfig", ".gitignore"),
    *("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"),
}

#: Where packages and images come from is the machine's affair, not the project's.
HOSTS = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|repo1?\.maven\.(org|apache\.org)|docker\.io|ghcr\.io|quay\.io"
    r"|gcr\.io|npmjs\.(org|com)|proxy\.golang\.org|index\.crates\.io)\b"
)


def _files() -> list[Path]:
    """All files of the project: what `.gitignore` names is none of them."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
    found: list[Path] = []

    def visit(folder: Path) -> None:
        for path in folder.iterdir():
            if path.name != ".git" and not any(fnmatch(path.name, name) for name in ignored):
                visit(path) if path.is_dir() else found.append(path)

    visit(ROOT)
    return sorted(found)


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

FILES = _files()
CODE = [path for path in FILES if path.suffix == ".py"]
PACKAGE = [path for path in CODE if path.is_relative_to(ROOT / "consumer")]
TESTS = [path for path in CODE if path.is_relative_to(ROOT / "tests")]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _explaining(node: Documented) -> Iterator[Documented]:
    """The node and what is in it, as far as it has to explain itself."""
    yield node
    for child in node.body:
        match child:
            case ast.ClassDef(name=name) if not name.startswith("_") and _has_methods(child):
                yield from _explaining(child)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                length = (child.end_lineno or child.lineno) - child.lineno
                if not name.startswith("_") and length > SELF_EVIDENT_LINES:
                    yield child


def _has_methods(node: ast.ClassDef) -> bool:
    return any(isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) for child in node.body)


def _lines(paths: list[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            yield f"{_name(path)}:{number}", line


def test_the_top_of_the_tree_is_laid_out_as_designed() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == LAYOUT


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_every_path_that_a_page_names_exists(page: str) -> None:
    folders = {name for name in LAYOUT if (ROOT / name).is_dir()}
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`([\w.@/-]+)`", text)) | set(re.findall(r"\]\(([\w.@/-]+)\)", text))
    paths = [path for path in named if path.split("/")[0] in folders or (path.endswith(".md"))]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_no_file_of_code_is_too_long() -> None:
    long = {_name(path): len(path.read_text().splitlines()) for path in CODE}
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}


def test_tests_do_not_sleep_without_saying_why() -> None:
    sleep = re.compile(r"\bsleep\([^#]*$")
    assert [where for where, line in _lines(TESTS) if "time." in line and sleep.search(line)] == []


def test_modules_classes_and_functions_that_do_not_explain_themselves_are_documented() -> None:
    """Every module; public classes with methods, for fields speak for themselves; public
    functions unless they are short."""
    silent = [
        f"{_name(path)}: {getattr(node, 'name', 'module')}"
        for path in PACKAGE
        for node in _explaining(ast.parse(path.read_text()))
        if ast.get_docstring(node) is None
    ]
    assert silent == []


def test_each_command_has_a_file_of_its_own() -> None:
    commands = [one.name for one in app.registered_commands]
    groups = [one.typer_instance.info.name for one in app.registered_groups if one.typer_instance]
    names = [str(name) for name in (*commands, *groups)]
    assert names
    files = [ROOT / "consumer" / "cli" / f"{name.replace('-', '_')}.py" for name in names]
    assert [_name(file) for file in files if not file.exists()] == []


def test_no_file_names_a_host_of_packages_or_images() -> None:
    assert [where for where, line in _lines(FILES) if HOSTS.search(line)] == []


def test_requirements_are_all_pinned_and_hashed() -> None:
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        blocks = re.split(r"\n(?=\w)", file.read_text().replace("\\\n", ""))
        for block in blocks:
            assert re.match(r"[\w.\[\]-]+==\S+ .*--hash=sha256:", block), f"{_name(file)}: {block}"
