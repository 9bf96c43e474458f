import pytest

from cratehand.domain.errors import InternalError, NotFoundError
from cratehand_models.manifest import find_model, parse_manifest, shipped_manifest

ENTRY = """
[tiny]
version = "1"
task = "tags"
about = "a test"
licence_code = "MIT"
licence_weights = "MIT"
commercial_use = true
[[tiny.files]]
name = "tiny.onnx"
sha256 = "{digest}"
size_bytes = 5
sources = ["{source}"]
"""


def test_every_shipped_model_has_a_card() -> None:
    from pathlib import Path

    cards = Path(__file__).parents[3] / "models" / "cards"
    for model in shipped_manifest().values():
        text = (cards / f"{model.name}.md").read_text(encoding="utf-8")
        assert model.licence_weights in text
        assert all(file.sha256 in text for file in model.files if file.sha256 is not None)
        assert all(file.name in text for file in model.files)


@pytest.mark.parametrize(
    ("old", "new"),
    [('sources = ["made:x.py"]', 'sources = ["made:x.py", "https://a.example/b"]'), ("size_bytes = 5", "")],
)
def test_a_file_has_a_digest_or_is_made(old: str, new: str) -> None:
    made = ENTRY.format(digest="0" * 64, source="made:x.py")
    bare = "\n".join(line for line in made.splitlines() if not line.startswith(("sha256", "size_bytes")))
    assert parse_manifest(bare)["tiny"].is_made
    with pytest.raises(InternalError, match="digest and size, or is made"):
        parse_manifest(bare.replace(old, new) if old in bare else made.replace(old, new))


@pytest.mark.parametrize("source", ["http://plain.example/a", "ftp://a/b", "pypi:tiny#a", "npm:tiny@1"])
def test_a_source_that_is_none_of_ours_is_refused(source: str) -> None:
    with pytest.raises(InternalError, match="sources"):
        parse_manifest(ENTRY.format(digest="0" * 64, source=source))


def test_a_checksum_that_is_none_is_refused() -> None:
    with pytest.raises(InternalError, match="sha256"):
        parse_manifest(ENTRY.format(digest="beef", source="https://a.example/b"))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    models = parse_manifest(ENTRY.format(digest="0" * 64, source="https://a.example/b"))
    with pytest.raises(NotFoundError, match="did you mean 'tiny'"):
        find_model("tinny", models)
