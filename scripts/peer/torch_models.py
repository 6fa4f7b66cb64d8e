"""The models as one would write them in PyTorch today: torch.nn modules and scaled_dot_product_attention.

Names of parameters are those of the checkpoints, so that weights by formula (torch_formula.py) agree with ours.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

GROUPS = 32


def norm(channels, eps=1e-5):
    return nn.GroupNorm(GROUPS, channels, eps=eps)


def split_heads(x, heads):
    batch, tokens, width = x.shape
    return x.view(batch, tokens, heads, width // heads).transpose(1, 2)


def attend(q, k, v, heads):
    """Attention of [B,N,h*d]; heads are consecutive groups of channels."""
    mixed = F.scaled_dot_product_attention(*(split_heads(x, heads) for x in (q, k, v)))
    return mixed.transpose(1, 2).reshape(q.shape[0], q.shape[1], -1)


# --- UNet ---------------------------------------------------------------------------------------------------------


class ResBlock(nn.Module):
    def __init__(self, channels, emb_channels, out_channels):
        super().__init__()
        self.in_layers = nn.Sequential(norm(channels), nn.SiLU(), nn.Conv2d(channels, out_channels, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(emb_channels, out_channels))
        self.out_layers = nn.Sequential(
            norm(out_channels), nn.SiLU(), nn.Identity(), nn.Conv2d(out_channels, out_channels, 3, padding=1)
        )
        same = channels == out_channels
        self.skip_connection = nn.Identity() if same else nn.Conv2d(channels, out_channels, 1)

    def forward(self, x, emb):
        h = self.in_layers(x) + self.emb_layers(emb)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class CrossAttention(nn.Module):
    def __init__(self, width, context_width, heads, head_width):
        super().__init__()
        inner = heads * head_width
        self.heads = heads
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_k = nn.Linear(context_width, inner, bias=False)
        self.to_v = nn.Linear(context_width, inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, width), nn.Identity())

    def forward(self, x, context=None):
        context = x if context is None else context
        return self.to_out(attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))


class GEGLU(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(GEGLU(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x):
        return self.net(x)


class TransformerBlock(nn.Module):
    def __init__(self, width, context_width, heads, head_width):
        super().__init__()
        self.attn1 = CrossAttention(width, width, heads, head_width)
        self.ff = FeedForward(width)
        self.attn2 = CrossAttention(width, context_width, heads, head_width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x, context):
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    def __init__(self, channels, context_width, heads, depth, recompute):
        super().__init__()
        head_width = channels // heads
        inner = heads * head_width
        self.recompute = recompute
        self.norm = norm(channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, inner, 1)
        self.transformer_blocks = nn.ModuleList(
            TransformerBlock(inner, context_width, heads, head_width) for _ in range(depth)
        )
        self.proj_out = nn.Conv2d(inner, channels, 1)

    def forward(self, x, context):
        batch, _, height, width = x.shape
        h = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            h = run(block, self.recompute, h, context)
        h = h.transpose(1, 2).reshape(batch, -1, height, width)
        return x + self.proj_out(h)


class Downsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x):
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


def run(module, recompute, *inputs):
    """A module, its activations recomputed for the gradient if wanted."""
    if recompute and torch.is_grad_enabled():
        return checkpoint(module, *inputs, use_reentrant=False)
    return module(*inputs)


class UNet(nn.Module):
    """The spatial-transformer form of the UNet, as all 512 configs use it. x [B,C,H,W], t [B], context [B,L,D]."""

    def __init__(self, config, recompute=False):
        super().__init__()
        channels, heads = config["model_channels"], config["num_heads"]
        depth, context_width = config["transformer_depth"], config["context_dim"]
        attention = set(config["attention_resolutions"])
        self.channels, self.recompute = channels, recompute
        emb = 4 * channels
        self.time_embed = nn.Sequential(nn.Linear(channels, emb), nn.SiLU(), nn.Linear(emb, emb))

        def transformer(width):
            return SpatialTransformer(width, context_width, heads, depth, recompute)

        self.input_blocks = nn.ModuleList(
            [nn.ModuleList([nn.Conv2d(config["in_channels"], channels, 3, padding=1)])]
        )
        widths, width, factor = [channels], channels, 1
        last = len(config["channel_mult"]) - 1
        for level, mult in enumerate(config["channel_mult"]):
            for _ in range(config["num_res_blocks"]):
                block = [ResBlock(width, emb, mult * channels)]
                width = mult * channels
                if factor in attention:
                    block.append(transformer(width))
                self.input_blocks.append(nn.ModuleList(block))
                widths.append(width)
            if level != last:
                self.input_blocks.append(nn.ModuleList([Downsample(width)]))
                widths.append(width)
                factor *= 2
        self.middle_block = nn.ModuleList(
            [ResBlock(width, emb, width), transformer(width), ResBlock(width, emb, width)]
        )
        self.output_blocks = nn.ModuleList()
        for level, mult in reversed(list(enumerate(config["channel_mult"]))):
            for i in range(config["num_res_blocks"] + 1):
                block = [ResBlock(width + widths.pop(), emb, mult * channels)]
                width = mult * channels
                if factor in attention:
                    block.append(transformer(width))
                if level > 0 and i == config["num_res_blocks"]:
                    block.append(Upsample(width))
                    factor //= 2
                self.output_blocks.append(nn.ModuleList(block))
        self.out = nn.Sequential(norm(width), nn.SiLU(), nn.Conv2d(width, config["out_channels"], 3, padding=1))

    def layers(self, block, h, emb, context):
        for layer in block:
            if isinstance(layer, ResBlock):
                h = run(layer, self.recompute, h, emb)
            elif isinstance(layer, SpatialTransformer):
                h = layer(h, context)
            else:
                h = layer(h)
        return h

    def forward(self, x, t, context):
        half = self.channels // 2
        frequencies = torch.exp(-math.log(10000) * torch.arange(half, device=x.device) / half)
        angles = t.float()[:, None] * frequencies
        emb = torch.cat([angles.cos(), angles.sin()], dim=-1).to(x.dtype)
        emb = self.time_embed(emb)
        h, skips = x, []
        for block in self.input_blocks:
            h = self.layers(block, h, emb, context)
            skips.append(h)
        h = self.layers(self.middle_block, h, emb, context)
        for block in self.output_blocks:
            h = self.layers(block, torch.cat([h, skips.pop()], dim=1), emb, context)
        return self.out(h)


# --- Autoencoder --------------------------------------------------------------------------------------------------


class ResnetBlock(nn.Module):
    def __init__(self, channels, out_channels):
        super().__init__()
        self.norm1, self.conv1 = norm(channels, 1e-6), nn.Conv2d(channels, out_channels, 3, padding=1)
        self.norm2, self.conv2 = norm(out_channels, 1e-6), nn.Conv2d(out_channels, out_channels, 3, padding=1)
        if channels != out_channels:
            self.nin_shortcut = nn.Conv2d(channels, out_channels, 1)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h


class AttnBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = norm(channels, 1e-6)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x):
        h = self.norm(x)
        q, k, v = (layer(h).flatten(2).transpose(1, 2) for layer in (self.q, self.k, self.v))
        mixed = attend(q, k, v, 1).transpose(1, 2).reshape(x.shape)
        return x + self.proj_out(mixed)


class Middle(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = (
            ResnetBlock(channels, channels),
            AttnBlock(channels),
            ResnetBlock(channels, channels),
        )

    def forward(self, x):
        return self.block_2(self.attn_1(self.block_1(x)))


class VaeDownsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Level(nn.Module):
    """One level of the encoder or decoder: blocks, then a change of size, if any."""

    def __init__(self, blocks, **resample):
        super().__init__()
        self.block = nn.ModuleList(blocks)
        self.resample = next(iter(resample), None)
        for name, layer in resample.items():
            setattr(self, name, layer)

    def forward(self, x):
        for block in self.block:
            x = block(x)
        return x if self.resample is None else getattr(self, self.resample)(x)


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["ch"]
        self.conv_in = nn.Conv2d(c["in_channels"], width, 3, padding=1)
        self.down = nn.ModuleList()
        for i, mult in enumerate(c["ch_mult"]):
            blocks = []
            for _ in range(c["num_res_blocks"]):
                blocks.append(ResnetBlock(width, mult * c["ch"]))
                width = mult * c["ch"]
            more = {} if i == len(c["ch_mult"]) - 1 else {"downsample": VaeDownsample(width)}
            self.down.append(Level(blocks, **more))
        self.mid, self.norm_out = Middle(width), norm(width, 1e-6)
        self.conv_out = nn.Conv2d(width, 2 * c["z_channels"], 3, padding=1)

    def forward(self, x):
        h = self.conv_in(x)
        for level in self.down:
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["ch"] * c["ch_mult"][-1]
        self.conv_in = nn.Conv2d(c["z_channels"], width, 3, padding=1)
        self.mid = Middle(width)
        levels = []
        for i, mult in reversed(list(enumerate(c["ch_mult"]))):
            blocks = []
            for _ in range(c["num_res_blocks"] + 1):
                blocks.append(ResnetBlock(width, mult * c["ch"]))
                width = mult * c["ch"]
            levels.insert(0, Level(blocks, **({"upsample": Upsample(width)} if i > 0 else {})))
        self.up, self.norm_out = nn.ModuleList(levels), norm(width, 1e-6)
        self.conv_out = nn.Conv2d(width, c["out_ch"], 3, padding=1)

    def forward(self, z):
        h = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class Autoencoder(nn.Module):
    """KL autoencoder. x [B,3,H,W]; moments and z at an eighth of that size."""

    def __init__(self, params):
        super().__init__()
        c, embed = params["ddconfig"], params["embed_dim"]
        self.encoder, self.decoder = Encoder(c), Decoder(c)
        self.quant_conv = nn.Conv2d(2 * c["z_channels"], 2 * embed, 1)
        self.post_quant_conv = nn.Conv2d(embed, c["z_channels"], 1)

    def encode_moments(self, x):
        return self.quant_conv(self.encoder(x))

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


# --- Text encoder -------------------------------------------------------------------------------------------------


class TextAttention(nn.Module):
    HEADS, HEAD_WIDTH = 8, 64

    def __init__(self, width):
        super().__init__()
        inner = self.HEADS * self.HEAD_WIDTH
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, inner, bias=False) for _ in range(3))
        self.to_out = nn.Linear(inner, width)

    def forward(self, x):
        return self.to_out(attend(self.to_q(x), self.to_k(x), self.to_v(x), self.HEADS))


class TextFeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(
            nn.Sequential(nn.Linear(width, 4 * width), nn.GELU()), nn.Identity(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        return self.net(x)


class TextTransformer(nn.Module):
    def __init__(self, width, depth, vocabulary, length):
        super().__init__()
        self.token_emb = nn.Embedding(vocabulary, width)
        self.pos_emb = nn.Module()
        self.pos_emb.emb = nn.Embedding(length, width)
        self.attn_layers = nn.Module()
        self.attn_layers.layers = nn.ModuleList(
            nn.ModuleList([nn.LayerNorm(width), kind(width)])
            for _ in range(depth)
            for kind in (TextAttention, TextFeedForward)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, ids):
        x = self.token_emb(ids) + self.pos_emb.emb.weight[: ids.shape[1]]
        for before, layer in self.attn_layers.layers:
            x = x + layer(before(x))
        return self.norm(x)


class TextEncoder(nn.Module):
    """ids [B,L] -> [B,L,D]. The unused head `to_logits` is left out: it takes no time."""

    def __init__(self, params):
        super().__init__()
        vocabulary, length = params.get("vocab_size", 30522), params.get("max_seq_len", 77)
        self.transformer = TextTransformer(params["n_embed"], params["n_layer"], vocabulary, length)

    def forward(self, ids):
        return self.transformer(ids)


class Collaboration(nn.Module):
    """Section 'collaborate' of the paper: branches' noise, mixed per pixel by a softmax over the modalities."""

    def __init__(self, unets, influences):
        super().__init__()
        self.unets, self.influences = nn.ModuleList(unets), nn.ModuleList(influences)

    def forward(self, x, t, *contexts):
        eps = torch.stack([unet(x, t, c) for unet, c in zip(self.unets, contexts)])
        logits = torch.stack([diffuser(x, t, c) for diffuser, c in zip(self.influences, contexts)])
        return (logits.softmax(dim=0) * eps).sum(dim=0)
