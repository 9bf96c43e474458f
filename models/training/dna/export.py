"""Write the trained fusion as the ONNX file that the package carries, and prove that it says the same.

python models/training/dna/export.py dna.pt CACHE
"""

import argparse
import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import torch
from filters import Scale
from halves import load_halves
from network import Fusion

from cratehand.analysis.dna.features import FEATURE_NAMES, FEATURE_VERSION

PLACE: Final = Path(__file__).resolve().parents[2] / "cratehand_models" / "weights" / "dna.onnx"
MOST_ERROR: Final = 1e-4
_CHECKED: Final = 64


def main() -> None:
    """Export and check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=Path)
    parser.add_argument("cache", type=Path)
    options = parser.parse_args()
    kept = torch.load(options.trained, weights_only=False)
    if kept["version"] != FEATURE_VERSION:
        raise SystemExit(f"trained on features {kept['version']}, these are {FEATURE_VERSION}: train anew")
    state = kept["state"]
    fusion = Fusion(Scale(**kept["scale"]), state["sound_mean"].numpy(), state["sound_spread"].numpy())
    fusion.load_state_dict(state)
    fusion.eval()
    halves = load_halves(options.cache)
    told = tuple(
        torch.as_tensor(values[:_CHECKED, 0], dtype=torch.float32)
        for values in (halves.features, halves.embedding, halves.tags)
    )
    assert told[0].shape[1] == len(FEATURE_NAMES)
    tracks = torch.export.Dim("tracks", min=1, max=4096)
    torch.onnx.export(
        fusion, told, PLACE, input_names=["features", "embedding", "tags"], output_names=["dna"], dynamo=True,
        opset_version=18, external_data=False, dynamic_shapes=({0: tracks}, {0: tracks}, {0: tracks}),
    )  # fmt: skip
    session = onnxruntime.InferenceSession(PLACE, providers=["CPUExecutionProvider"])
    [found] = session.run(
        None, dict(zip(("features", "embedding", "tags"), (each.numpy() for each in told), strict=True))
    )
    with torch.no_grad():
        error = float(np.abs(np.asarray(found) - fusion(*told).numpy()).max())
    print(f"largest difference to PyTorch {error:.1e}, {PLACE.stat().st_size} bytes, "
          f"SHA-256 {hashlib.sha256(PLACE.read_bytes()).hexdigest()}")  # fmt: skip
    if error > MOST_ERROR:
        raise SystemExit(f"that is more than {MOST_ERROR}")


if __name__ == "__main__":
    main()
