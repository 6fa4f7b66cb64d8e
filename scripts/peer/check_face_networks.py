"""The numbers of the tests of BiSeNet and CLIP in packages/ldm-core, by PyTorch.

Run by hand where Python has torch, facexlib (its BiSeNet has the names of 79999_iter.pth) and transformers:

    python scripts/peer/check_face_networks.py bisenet | clip

Weights are by formula, inputs too; CLIP is a small one of the same structure.
"""

import json
import sys

import numpy as np
import torch
from torch_formula import fill


def ramp(shape):
    index = np.arange(int(np.prod(shape)), dtype=np.int64)
    return torch.from_numpy(((index * 37) % 256 / 255 * 2 - 1).astype(np.float32).reshape(shape))


def summary(values, every):
    values = values.detach().numpy().astype(np.float64).ravel()
    return {
        "values": [float(f"{value:.7g}") for value in values[::every]],
        "most": float(f"{np.abs(values).max():.7g}"),
        "size": len(values),
    }


def bisenet():
    from facexlib.parsing.bisenet import BiSeNet

    model = fill(BiSeNet(19)).eval()
    x = (ramp((1, 64, 64, 3)).permute(0, 3, 1, 2) + 1) / 2
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    spread = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    with torch.no_grad():
        out = model((x - mean) / spread)[0].permute(0, 2, 3, 1)
    names = [(key, list(value.shape)) for key, value in model.state_dict().items()]
    return {"out": summary(out, 4999), "count": len(names), "size": sum(int(np.prod(shape)) for _, shape in names)}


def clip():
    from transformers import CLIPConfig, CLIPModel

    text = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "vocab_size": 64, "max_position_embeddings": 8, "projection_dim": 24, "eos_token_id": 63}
    vision = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 3,
              "image_size": 32, "patch_size": 8, "projection_dim": 24}
    model = fill(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24))).eval()
    ids = torch.tensor([[62, 5, 9, 63, 63, 63, 63, 63], [62, 1, 2, 3, 4, 5, 6, 63]])
    pixels = ramp((2, 32, 32, 3)).permute(0, 3, 1, 2)
    with torch.no_grad():
        out = model(input_ids=ids, pixel_values=pixels)
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    return {"text": summary(out.text_embeds, 3), "image": summary(out.image_embeds, 3), "keys": shapes}


def clip_full_keys():
    from transformers import CLIPConfig, CLIPModel

    with torch.device("meta"):
        model = CLIPModel(CLIPConfig())
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    return {"count": len(shapes), "size": sum(int(np.prod(shape)) for shape in shapes.values())}


if __name__ == "__main__":
    print(json.dumps({"bisenet": bisenet, "clip": clip, "clip_full": clip_full_keys}[sys.argv[1]]()))
