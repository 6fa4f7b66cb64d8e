"""Check that the PyTorch models of bench_torch.py give the stored outputs of the full-size models.

    python scripts/peer/check_fullsize.py packages/parity/fixtures/fullsize

Prints one line an output with its error and limit (greatest difference over the greatest reference value); exits with 1
on any miss. Needs torch, numpy, safetensors and pyyaml, and about 5 GB of memory.
"""

import sys
from pathlib import Path

import torch
import yaml
from safetensors.torch import load_file
from torch_formula import fill
from torch_models import Autoencoder, TextEncoder, UNet

LIMIT = 1e-4

BUILD = {"UNetModel": UNet, "AutoencoderKL": Autoencoder, "BERTEmbedder": TextEncoder}
CALLS = {
    "forward": lambda module, inputs: module(*inputs),
    "decode": lambda module, inputs: module.decode(*inputs),
    "encode_moments": lambda module, inputs: module.encode_moments(*inputs),
}


def reduced(y, how):
    if how is None:
        return y
    if how == "mean_std":
        return torch.stack([y.mean(), y.std()])
    step = int(how.removeprefix("stride"))
    return y[:, :, ::step, ::step]


def main(folder):
    case = yaml.safe_load((folder / "config.yaml").read_text())
    inputs, outputs = load_file(folder / "inputs.safetensors"), load_file(folder / "outputs.safetensors")
    missed = 0
    for name, target in case["modules"].items():
        module = fill(BUILD[target["target"].rsplit(".", 1)[1]](target["params"])).eval()
        for output, call in case["calls"].items():
            if call["module"] != name:
                continue
            values = [inputs[key] for key in call["inputs"].values()]
            if "enlarge" in call:
                factor = call["enlarge"]
                values = [v.repeat_interleave(factor, -1).repeat_interleave(factor, -2) for v in values]
            with torch.inference_mode():
                y = reduced(CALLS[call["method"]](module, values), call.get("reduce"))
            wanted = outputs[output]
            error = ((y - wanted).abs().max() / wanted.abs().max()).item()
            passed = y.shape == wanted.shape and error <= LIMIT
            missed += not passed
            print(f"{'PASS' if passed else 'FAIL'} {output}: {error:.2e} of {LIMIT:.0e}", flush=True)
        del module
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
