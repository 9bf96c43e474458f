"""The generated gRPC code is that of the .proto files."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
V1 = ROOT / "protos" / "cratehand_api" / "v1"


def test_the_generated_code_is_fresh(tmp_path: Path) -> None:
    sources = sorted(V1.glob("*.proto"))
    assert len(sources) >= 7
    arguments = [
        "-I",
        "protos",
        f"--python_out={tmp_path}",
        f"--grpc_python_out={tmp_path}",
        *[str(source.relative_to(ROOT)) for source in sources],
    ]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], cwd=ROOT, check=True, timeout=60)
    fresh = {path.name: path.read_text() for path in (tmp_path / "cratehand_api" / "v1").glob("*.py")}
    committed = {path.name: path.read_text() for path in V1.glob("*_pb2*.py")}
    assert fresh == committed, "run `make protos`"
