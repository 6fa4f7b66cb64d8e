"""The peer of `npm run bench -- <what> --peer PYTHON`: the same work in PyTorch, by its best form on this machine.

Speaks JSON lines on standard input and output. `{"kind": "open", ...}` builds a model with weights by formula and tries its
forms (eager, channels_last, torch.compile), each warmed up, then timed twice; the fastest one is kept. `{"kind": "run"}` runs
it once. Memory is kept by malloc's settings in the environment, which the bench sets before the process starts.
"""

import json
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch_formula import fill, formula_values
from torch_models import Autoencoder, Collaboration, TextEncoder, UNet

# Uniform values of the formula (0.1 v) are brought to a standard deviation of 1.
TO_UNIT = 10 * 3**0.5
PROBES = 64


def inputs(name, *shape):
    """Numbers of variance 1 by formula, in file layout (images [B,C,H,W])."""
    count = 1
    for size in shape:
        count *= size
    return torch.from_numpy(formula_values(name, (count,)) * TO_UNIT).float().reshape(shape)


def build_unet(config, prefix="", recompute=False):
    unsupported = {
        "use_spatial_transformer": not config["use_spatial_transformer"],
        "num_head_channels": config["num_head_channels"] not in (None, -1),
        "resblock_updown": config["resblock_updown"],
        "use_scale_shift_norm": config["use_scale_shift_norm"],
        "num_classes": config["num_classes"] is not None,
    }
    found = [name for name, is_so in unsupported.items() if is_so]
    if found:
        raise NotImplementedError(f"the peer has no UNet with these options: {', '.join(found)}")
    return fill(UNet(config, recompute), prefix)


class Forward:
    """A module called without gradients."""

    def __init__(self, module, arguments, precision, method="forward"):
        self.module, self.method = module.eval(), method
        self.arguments = arguments
        if precision == "bfloat16":
            self.module.bfloat16()
            self.arguments = [a.bfloat16() if a.is_floating_point() else a for a in arguments]
        self.call = getattr(self.module, method)

    def use(self, form):
        layout = torch.contiguous_format if form == "eager" else torch.channels_last
        self.module.to(memory_format=layout)
        self.arguments = [a.contiguous(memory_format=layout) if a.dim() == 4 else a for a in self.arguments]
        plain = getattr(self.module, self.method)
        self.call = torch.compile(plain) if form == "compile" else plain

    def run(self):
        with torch.inference_mode():
            return self.call(*self.arguments)


class TrainStep:
    """Loss and gradients of a UNet at given latents and context, and an AdamW step if wanted."""

    def __init__(self, unet, x, t, context, noise, spec):
        self.unet, self.x, self.t, self.context, self.noise = unet.train(), x, t, context, noise
        self.precision = spec["precision"]
        self.optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-6, weight_decay=0.01) if spec["optimizer"] else None
        self.call = unet

    def use(self, form):
        layout = torch.contiguous_format if form == "eager" else torch.channels_last
        self.unet.to(memory_format=layout)
        self.x = self.x.contiguous(memory_format=layout)
        self.call = torch.compile(self.unet) if form == "compile" else self.unet

    def run(self):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bfloat16"):
            eps = self.call(self.x, self.t, self.context)
            loss = F.mse_loss(eps.float(), self.noise)
        loss.backward()
        if self.optimizer is not None:
            self.optimizer.step()
        self.unet.zero_grad(set_to_none=True)
        return loss.detach().reshape(1)


class Generate:
    """Encoders, DDIM steps of eta 1 with the collaborative mix, decoder."""

    def __init__(self, parts, spec):
        self.parts, self.spec = parts, spec
        self.x = inputs("x", spec["batch"], *spec["latent"])
        mask = torch.zeros(1, 19, 1024)
        mask[:, 0] = 1
        self.mask, self.ids = mask, torch.zeros(1, spec["text"]["max_seq_len"], dtype=torch.long)
        # One step tells which form is the fastest; all of them would take a quarter of an hour.
        self.trial = True
        if spec["precision"] == "bfloat16":
            for part in parts.values():
                part.bfloat16()
        self.compiled = {}

    def use(self, form):
        layout = torch.contiguous_format if form == "eager" else torch.channels_last
        for part in self.parts.values():
            part.eval().to(memory_format=layout)
        self.compiled = {"mix": torch.compile(self.parts["mix"])} if form == "compile" else {}

    def run(self):
        spec, parts = self.spec, {**self.parts, **self.compiled}
        dtype = torch.bfloat16 if spec["precision"] == "bfloat16" else torch.float32
        with torch.inference_mode():
            size = spec["batch"]
            text = parts["text"](self.ids).expand(size, -1, -1).contiguous()
            mask = parts["mask"](self.mask.to(dtype)).expand(size, -1, -1).contiguous()
            x = self.x
            for t, alpha, alpha_prev, sigma in spec["schedule"][: 1 if self.trial else None]:
                steps = torch.full((size,), t)
                eps = parts["mix"](x.to(dtype), steps, mask, text).float()
                x0 = (x - (1 - alpha) ** 0.5 * eps) / alpha**0.5
                direction = (1 - alpha_prev - sigma**2) ** 0.5 * eps
                x = alpha_prev**0.5 * x0 + direction + sigma * torch.randn_like(x)
            return self.parts["vae"].decode((x / spec["scale_factor"]).to(dtype)).float()


def prefixes(spec, kind):
    return [f"model.{condition}_{kind}.diffusion_model." for condition in ("seg_mask", "text")]


def collaboration(spec):
    unets = [build_unet(spec["unet"], prefix) for prefix in prefixes(spec, "unet")]
    influences = [build_unet(spec["diffuser"], prefix) for prefix in prefixes(spec, "confidence_predictor")]
    return Collaboration(unets, influences)


def open_case(spec):
    bench, batch = spec["bench"], spec["batch"]
    t = torch.full((batch,), 500)
    width = (spec.get("unet") or spec.get("diffuser") or {}).get("context_dim")
    x = inputs("x", batch, *spec["latent"]) if "latent" in spec else None
    if bench in ("unet", "dynamic-diffuser"):
        config = spec["unet" if bench == "unet" else "diffuser"]
        prefix = "" if bench == "unet" else prefixes(spec, "confidence_predictor")[1]
        return Forward(build_unet(config, prefix), [x, t, inputs("text", batch, 77, width)], spec["precision"])
    if bench == "codiff-step":
        contexts = [inputs("seg_mask", batch, 19, width), inputs("text", batch, 77, width)]
        return Forward(collaboration(spec), [x, t, *contexts], spec["precision"])
    if bench == "vae-decode":
        return Forward(fill(Autoencoder(spec["vae"])), [x], spec["precision"], "decode")
    if bench == "vae-encode":
        image = inputs("image", batch, *spec["image"])
        return Forward(fill(Autoencoder(spec["vae"])), [image], spec["precision"], "encode_moments")
    if bench == "text-encoder":
        length = spec["text"]["max_seq_len"]
        ids = (torch.arange(batch * length) * 37 % 1000 + 1000).reshape(batch, length)
        return Forward(fill(TextEncoder(spec["text"])), [ids], spec["precision"])
    if bench == "train-step" and not spec["full"]:
        unet = build_unet(spec["unet"], recompute=spec["recompute"])
        return TrainStep(unet, x, t, inputs("text", batch, 77, width), inputs("noise", batch, *spec["latent"]), spec)
    if bench == "generate":
        mask = fill(torch.nn.Linear(1024, width))
        parts = {
            "mix": collaboration(spec),
            "vae": fill(Autoencoder(spec["vae"])),
            "text": fill(TextEncoder(spec["text"])),
            "mask": mask,
        }
        return Generate(parts, spec)
    raise NotImplementedError(f"the peer has no '{bench}'{' --full' if spec.get('full') else ''}")


def timed(case):
    start = time.perf_counter()
    result = case.run()
    return (time.perf_counter() - start) * 1000, result


def probe(result):
    flat = result.float().contiguous().flatten()
    return flat[:: max(1, flat.numel() // PROBES)][:PROBES].tolist()


class Peer:
    def open(self, spec):
        torch.manual_seed(0)
        torch.set_num_threads(spec["threads"])
        self.case = open_case(spec)
        best, notes, first = {}, [], None
        for form in spec["forms"]:
            try:
                self.case.use(form)
                _, result = timed(self.case)
                first = probe(result) if first is None else first
                best[form] = min(timed(self.case)[0] for _ in range(2))
                notes.append(f"{form} {best[form]:.0f} ms")
            except Exception as error:  # a form that this machine cannot run is no form
                notes.append(f"{form}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        if not best:
            raise RuntimeError("; ".join(notes))
        form = min(best, key=best.get)
        self.case.use(form)
        timed(self.case)
        self.case.trial = False
        version = torch.__version__.split("+")[0]
        return {"kind": "opened", "form": form, "notes": notes, "version": version, "probe": first}

    def run(self, _):
        return {"kind": "ran", "ms": timed(self.case)[0]}

    def stop(self, _):
        return {"kind": "stopped", "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main():
    # Only answers may reach standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = Peer()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(peer, order["kind"])(order)
        except Exception as error:
            answer = {"kind": "failed", "message": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
        if order["kind"] == "stop":
            return


if __name__ == "__main__":
    main()
