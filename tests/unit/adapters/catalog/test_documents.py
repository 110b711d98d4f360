"""What a catalog file may look like, and what is said of one that cannot be read."""

import pytest

from consumer.adapters.catalog.documents import BrokenDocument, objects


@pytest.mark.parametrize(
    ("name", "text", "keys"),
    [
        ("a.json", '{"values": [{"id": "1"}], "metadata": {"count": 1}}', ["values[0]"]),
        ("a.json", '{"values": null, "metadata": {}}', []),
        ("a.json", '{"values": []}', []),
        ("a.json", '[{"id": "1"}, 7]', ["[0]", "[1]"]),
        ("a.json", '{"id": "1"}', [""]),
        ("a.json", '\ufeff[{"id": "1"}]', ["[0]"]),
        ("a.yaml", "values:\n  - {id: x}\n", ["values[0]"]),
        ("a.yml", "- {id: x}\n- {id: y}\n", ["[0]", "[1]"]),
        ("a.yaml", "# nothing yet\n", []),
    ],
)
def test_objects_are_found_in_every_shape(name: str, text: str, keys: list[str]) -> None:
    assert [key for key, _ in objects(name, text.encode())] == keys


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.json", b'[\n  {"id": "1",}\n]', "a.json:2:"),
        ("a.json", b"", "a.json:1:1: "),
        ("a.json", b'[\n"\xff"]', "a.json:2: not UTF-8"),
        ("a.json", b"[" * 100_000, "a.json: nested too deeply"),
        ("a.json", b'{"value": []}', "a.json: expected a list"),
        ("a.json", b'{"values": {"id": "1"}}', "a.json: expected a list"),
        ("a.json", b'"text"', "a.json: expected a list"),
        ("a.yaml", b"values:\n  - {id: x]\n  - y", "a.yaml:2:"),
        ("a.yaml", b"- !!python/object:os.system {}", "a.yaml:1:3: could not determine"),
        ("a.yaml", b"- 2024-02-31", "a.yaml: day is out of range"),
        ("a.yaml", b"- \x01", "a.yaml: "),
    ],
)
def test_broken_file_is_named_with_its_line(name: str, data: bytes, problem: str) -> None:
    with pytest.raises(BrokenDocument) as caught:
        list(objects(name, data))
    assert str(caught.value).startswith(problem)
    assert "\n" not in str(caught.value)
