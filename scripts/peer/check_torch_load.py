"""Check with PyTorch itself that it loads the files this project writes.

Run by hand where Python has torch and safetensors:

    codiff checkpoint convert ORIGINAL.ckpt WRITTEN.ckpt
    codiff checkpoint convert ORIGINAL.ckpt WRITTEN.safetensors
    python scripts/peer/check_torch_load.py ORIGINAL.ckpt WRITTEN.ckpt WRITTEN.safetensors

Every WRITTEN file is loaded, .ckpt with weights_only=True, also memory-mapped, and compared bit for bit with ORIGINAL's
state_dict (cast to the written element type, where that differs). Exits with 1 if anything differs.
"""

import pickle
import sys
import types
import zipfile

import torch
from safetensors.torch import load_file


class TolerantUnpickler(pickle.Unpickler):
    """Stands in for classes of packages that are not installed, such as the trainer's callbacks."""

    def find_class(self, module, name):
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            return type(name, (), {"__module__": module})


def tolerant_pickle():
    module = types.ModuleType("tolerant_pickle")
    module.__dict__.update(pickle.__dict__)
    module.Unpickler = TolerantUnpickler
    return module


def state_dict(path, **options):
    loaded = torch.load(path, map_location="cpu", **options)
    return loaded.get("state_dict", loaded)


def same_bits(written, original):
    expected = original.detach().to(written.dtype).contiguous()
    if tuple(written.shape) != tuple(expected.shape):
        return False
    return written.contiguous().flatten().view(torch.uint8).equal(expected.flatten().view(torch.uint8))


def compare(what, written, original):
    problems = sorted(set(written) ^ set(original))
    problems += [key for key in written if key in original and not same_bits(written[key], original[key])]
    print(f"{what}: {len(written)} tensors, {len(problems)} differ {problems[:5]}")
    return not problems


def main(original_path, *paths):
    print(f"torch {torch.__version__}")
    original = state_dict(original_path, weights_only=False, pickle_module=tolerant_pickle())
    ok = True
    for path in paths:
        if path.endswith(".safetensors"):
            ok &= compare(path, load_file(path), original)
            continue
        assert zipfile.ZipFile(path).testzip() is None, f"{path}: zip checksums"
        ok &= compare(f"{path} weights_only", state_dict(path, weights_only=True), original)
        ok &= compare(f"{path} mmap", state_dict(path, weights_only=True, mmap=True), original)
    return 0 if ok and paths else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
