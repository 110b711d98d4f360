"""Which directory a `file:` address names."""

from pathlib import Path

import pytest

from consumer.adapters.catalog.opening import directory_of


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:catalog", "catalog"),
        ("file:./catalog", "catalog"),
        ("file:/etc/catalog", "/etc/catalog"),
        ("file:///etc/catalog", "/etc/catalog"),
    ],
)
def test_directory_of_a_file_address(url: str, path: str) -> None:
    assert directory_of(url) == Path(path)
