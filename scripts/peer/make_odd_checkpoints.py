"""Write the small PyTorch files of packages/ldm-core/test/checkpoints (made with torch 2.15; run by hand).

    python scripts/peer/make_odd_checkpoints.py packages/ldm-core/test/checkpoints
"""

import os
import sys
from collections import OrderedDict

import numpy
import torch


class Hostile:
    """Would run a command in any reader that executes pickles."""

    def __reduce__(self):
        return (os.system, ("true",))


def main(folder):
    at = lambda name: os.path.join(folder, name)
    torch.manual_seed(0)
    t = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    tensors = OrderedDict(
        plain=t,
        transposed=t.t(),
        strided=t[1:3, ::2],
        half=t.half(),
        bfloat16=t.bfloat16(),
        double=t.double(),
        int64=torch.arange(5),
        bool=torch.tensor([True, False]),
        expanded=torch.ones(1).expand(5, 3),
        parameter=torch.nn.Parameter(torch.ones(2, 2)),
        empty=torch.empty(0, 3),
        scalar=torch.tensor(2.5),
        int16=t.to(torch.int16),
        int8=t.to(torch.int8),
    )
    # Types without a storage class of their own go by another rebuild function.
    newer = OrderedDict(tensors, uint16=t.to(torch.uint16), uint32=t.to(torch.uint32))
    torch.save(newer, at("protocol4.pth"), pickle_protocol=4)
    torch.save({"state_dict": tensors, "epoch": 1}, at("legacy.ckpt"), _use_new_zipfile_serialization=False)
    torch.save(t, at("mask.pt"))

    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    extra = {
        "state_dict": model.state_dict(),
        "optimizer_states": [optimizer.state_dict()],
        "best": numpy.float64(1.5),
        "device": torch.device("cpu"),
        "shape": t.shape,
        "dtype": torch.float32,
    }
    torch.save(extra, at("protocol5.ckpt"), pickle_protocol=5)

    torch.save({"state_dict": {"w": t}, "hostile": Hostile()}, at("hostile.ckpt"))
    torch.save(model, at("module.pt"))
    torch.serialization.set_crc32_options(False)
    torch.save({"w": t}, at("no_checksums.pth"))


if __name__ == "__main__":
    main(sys.argv[1])
