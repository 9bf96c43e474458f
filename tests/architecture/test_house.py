"""The house stays one that we would live in."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = ("daemon", "bridges", "models", "protos", "rekordbox_export", "service")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 40
MOST_ARGUMENTS = 6


def modules() -> list[Path]:
    found = [path for root in SOURCE_ROOTS for path in (ROOT / root).rglob("*.py")]
    return [path for path in found if "_pb2" not in path.name and "migrations/versions" not in path.as_posix()]


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_module_is_longer_than_400_lines() -> None:
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    assert not too_long


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_no_function_is_longer_than_40_lines() -> None:
    too_long = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": lines
        for path in modules()
        for function in functions(path)
        if (lines := body_lines(function)) > LONGEST_FUNCTION
    }
    assert not too_long


def test_no_package_logic_hides_in_an_init() -> None:
    for path in modules():
        if path.name == "__init__.py":
            assert len(path.read_text(encoding="utf-8").splitlines()) < 30 or "__all__" in path.read_text("utf-8"), path
            assert not list(functions(path)), path


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "constants", "misc"])
def test_no_module_is_a_drawer(name: str) -> None:
    assert not [path for path in modules() if path.stem in {name, name.rstrip("s")}]


def test_no_bare_duration_or_gain_in_the_domain() -> None:
    unitless = re.compile(r"^(duration|gain|tempo|loudness_range|offset|length|start|end)$")
    found = [
        f"{path.name}: {node.target.id}"
        for path in (ROOT / "daemon/cratehand/domain").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and unitless.match(node.target.id)
        and ast.unparse(node.annotation).startswith("float")
    ]
    assert not found


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_each_source_root_says_so_in_the_first_line_of_its_readme(root: str) -> None:
    first = (ROOT / root / "README.md").read_text(encoding="utf-8").splitlines()[0]
    assert "source root" in first


def test_generated_code_is_fresh(tmp_path: Path) -> None:
    protos = sorted(str(path) for path in (ROOT / "protos/cratehand_api/v1").glob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "protos"), f"--python_out={tmp_path}"]
    subprocess.run([*command, f"--grpc_python_out={tmp_path}", *protos], check=True, timeout=60)
    for made in tmp_path.rglob("*_pb2*.py"):
        kept = ROOT / "protos" / made.relative_to(tmp_path)
        assert kept.read_text(encoding="utf-8") == made.read_text(encoding="utf-8"), f"{kept.name}: run make protos"


def test_the_lock_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in lock
    assert not re.findall(r"(?:https?|file)://|--index-url|--find-links", lock)


def test_every_dependency_is_bounded_on_both_sides() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    loose = [name for name in named if not ("==" in name.split(";")[0] or (">=" in name and "<" in name.split(";")[0]))]
    assert not loose
