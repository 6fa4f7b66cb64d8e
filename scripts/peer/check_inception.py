"""The numbers of packages/ldm-core/src/inception/inception-v3.test.ts, by PyTorch.

Run by hand where Python has torch, torchvision and pytorch-fid:

    python scripts/peer/check_inception.py

Builds pytorch-fid's network without its weights, gives it weights by formula, and prints every 128th of its pool3 features and
every 63rd logit for one image of 64x64 made by formula.
"""

import json

import numpy as np
import torch
from pytorch_fid import inception as fid
from torch_formula import fill

SIDE = 64


def network():
    model = fid._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    model.Mixed_5b = fid.FIDInceptionA(192, pool_features=32)
    model.Mixed_5c = fid.FIDInceptionA(256, pool_features=64)
    model.Mixed_5d = fid.FIDInceptionA(288, pool_features=64)
    model.Mixed_6b = fid.FIDInceptionC(768, channels_7x7=128)
    model.Mixed_6c = fid.FIDInceptionC(768, channels_7x7=160)
    model.Mixed_6d = fid.FIDInceptionC(768, channels_7x7=160)
    model.Mixed_6e = fid.FIDInceptionC(768, channels_7x7=192)
    model.Mixed_7b = fid.FIDInceptionE_1(1280)
    model.Mixed_7c = fid.FIDInceptionE_2(2048)
    return fill(model).eval()


def image():
    index = np.arange(SIDE * SIDE * 3, dtype=np.int64)
    values = ((index * 37) % 256 / 255 * 2 - 1).astype(np.float32)
    return torch.from_numpy(values.reshape(1, SIDE, SIDE, 3)).permute(0, 3, 1, 2)


def summary(values, every):
    values = values.numpy().astype(np.float64)
    return {
        "values": [float(f"{value:.7g}") for value in values[::every]],
        "most": float(f"{np.abs(values).max():.7g}"),
        "mean": float(f"{values.mean():.7g}"),
    }


if __name__ == "__main__":
    model = network()
    features = {}
    model.avgpool.register_forward_hook(lambda _, __, out: features.update(pool3=out.flatten()))
    with torch.no_grad():
        x = torch.nn.functional.interpolate(image(), size=(299, 299), mode="bilinear", align_corners=False)
        logits = model(x)[0]
    print(json.dumps({"features": summary(features["pool3"], 128), "logits": summary(logits, 63)}))
    print(sum(parameter.numel() for parameter in model.parameters()))
