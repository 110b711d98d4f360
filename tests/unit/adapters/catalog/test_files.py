"""The directory of files: what is read when, and what becomes of a broken one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consumer.adapters.catalog.files import FileCatalog
from consumer.domain.errors import CatalogUnavailable, SettingsError
from tests.support.clock import ManualClock


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def label(tmp_path: Path, clock: ManualClock) -> Callable[[FileCatalog], tuple[str | None, bool]]:
    """The label of entity en1, and whether the snapshot is degraded."""

    def read(catalog: FileCatalog) -> tuple[str | None, bool]:
        snapshot = catalog.snapshot([])
        entity = snapshot.entity("1", "en1")
        return (entity.label if entity else None), snapshot.degraded

    return read


Label = Callable[[FileCatalog], tuple[str | None, bool]]


def test_all_problems_of_all_files_are_told_at_the_start(
    tmp_path: Path, clock: ManualClock
) -> None:
    write(tmp_path / "1" / "alarms.json", [{"label": "no id"}, {"id": "al1"}, 5])
    write(tmp_path / "entities.yaml", "- {id: en1]")
    with pytest.raises(SettingsError) as caught:
        FileCatalog(tmp_path, clock)
    first, second, third = caught.value.problems
    assert first == "1/alarms.json: [0]: Object missing required field `id`"
    assert second == "1/alarms.json: [2]: expected an object, got int"
    assert third.startswith("entities.yaml:1:")


@pytest.mark.parametrize("exists", [True, False])
def test_directory_without_catalog_files_is_refused(
    tmp_path: Path, clock: ManualClock, exists: bool
) -> None:
    directory = tmp_path if exists else tmp_path / "missing"
    with pytest.raises(SettingsError, match=str(directory)):
        FileCatalog(directory, clock)


def test_strange_files_are_named_and_hidden_ones_are_not_read(
    tmp_path: Path, clock: ManualClock
) -> None:
    write(tmp_path / "entities.json", [{"id": "en1"}])
    write(tmp_path / "notification_types.json", [{"id": "webhook"}])
    write(tmp_path / "README.md", "not JSON")
    write(tmp_path / ".entities.json", "not JSON")
    write(tmp_path / "..data" / "entities.json", "not JSON")
    write(tmp_path / "1" / "alarm.json", "not JSON")
    assert FileCatalog(tmp_path, clock).problems() == [
        "1/alarm.json: ignored, no kind of catalog rows",
        "notification_types.json: ignored, no kind of catalog rows",
    ]


def test_of_two_rows_with_one_id_the_first_counts_and_it_is_told(
    tmp_path: Path, clock: ManualClock, label: Label
) -> None:
    write(tmp_path / "1" / "entities.json", [{"id": "en1", "label": "first"}, {"id": "en1"}])
    write(tmp_path / "1" / "entities.yaml", "{id: en1, label: third}")
    catalog = FileCatalog(tmp_path, clock)
    assert label(catalog) == ("first", False)
    assert catalog.problems() == [
        "1/entities.json: [1]: id en1 is also in 1/entities.json: [0], which counts; remove one",
        "1/entities.yaml: id en1 is also in 1/entities.json: [0], which counts; remove one",
    ]


def test_changed_file_is_read_again_within_a_second(
    tmp_path: Path, clock: ManualClock, label: Label
) -> None:
    write(tmp_path / "entities.json", [{"id": "en1", "label": "old"}])
    catalog = FileCatalog(tmp_path, clock)
    write(tmp_path / "entities.json", [{"id": "en1", "label": "new"}])
    assert label(catalog) == ("old", False)
    clock.advance(1.0)
    assert label(catalog) == ("new", False)


def test_new_tenant_directory_is_noticed(tmp_path: Path, clock: ManualClock, label: Label) -> None:
    write(tmp_path / "entities.json", [{"id": "en1", "label": "shared"}])
    catalog = FileCatalog(tmp_path, clock)
    write(tmp_path / "1" / "entities.json", [{"id": "en1", "label": "own"}])
    clock.advance(1.0)
    assert label(catalog) == ("own", False)


def test_file_that_breaks_keeps_the_old_content_until_it_is_mended(
    tmp_path: Path, clock: ManualClock, label: Label
) -> None:
    path = tmp_path / "entities.json"
    write(path, [{"id": "en1", "label": "old"}])
    catalog = FileCatalog(tmp_path, clock)
    write(path, '[{"id": "en1", "label": "ha')
    clock.advance(1.0)
    assert label(catalog) == ("old", True)
    assert catalog.problems()[0].startswith("entities.json:1:25: ")
    clock.advance(1.0)
    assert label(catalog) == ("old", True)
    write(path, [{"id": "en1", "label": "new"}])
    clock.advance(1.0)
    assert label(catalog) == ("new", False)
    assert catalog.problems() == []


@pytest.mark.parametrize("emptied", [True, False])
def test_directory_that_goes_away_keeps_the_old_content_until_it_is_back(
    tmp_path: Path, clock: ManualClock, label: Label, emptied: bool
) -> None:
    directory = tmp_path / "catalog"
    write(directory / "entities.json", [{"id": "en1", "label": "old"}])
    catalog = FileCatalog(directory, clock)
    catalog.ping()
    shutil.move(directory, tmp_path / "away")
    if emptied:
        directory.mkdir()
    else:
        with pytest.raises(CatalogUnavailable):
            catalog.ping()
    clock.advance(1.0)
    assert label(catalog) == ("old", True)
    assert str(directory) in catalog.problems()[0]
    shutil.rmtree(directory, ignore_errors=True)
    shutil.move(tmp_path / "away", directory)
    clock.advance(1.0)
    assert label(catalog) == ("old", False)


def test_snapshot_stays_as_it_was_when_files_change(
    tmp_path: Path, clock: ManualClock, label: Label
) -> None:
    write(tmp_path / "entities.json", [{"id": "en1", "label": "old"}])
    catalog = FileCatalog(tmp_path, clock)
    before = catalog.snapshot([])
    write(tmp_path / "entities.json", [{"id": "en1", "label": "new"}])
    clock.advance(1.0)
    assert label(catalog) == ("new", False)
    entity = before.entity("1", "en1")
    assert entity is not None
    assert entity.label == "old"
