"""``python -m max4live.builder``: write the devices into `max4live/build/`."""

import json
import sys
from pathlib import Path

from max4live.builder.check import faults
from max4live.builder.container import thaw
from max4live.builder.patcher import build
from max4live.builder.sources import DEVICES, ROOT


def main(target: Path) -> int:
    """Build, check and write every device; return the exit code."""
    target.mkdir(parents=True, exist_ok=True)
    for name in DEVICES:
        file_name, device = build(name)
        _, files = thaw(device)
        wrong = faults(json.loads(files[0].data.rstrip(b"\0"))["patcher"], files)
        if wrong:
            print(f"{file_name} is not written: {'; '.join(wrong)}", file=sys.stderr)
            return 1
        (target / file_name).write_bytes(device)
        print(f"{target / file_name}: {len(device)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build"))
