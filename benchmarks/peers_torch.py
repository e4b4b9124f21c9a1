"""PyTorch's side of peers.py: a pre-norm Transformer (Vaswani et al., arXiv 1706.03762) as one
would write it, trained with Adam, decoding with a cache of keys and values."""

import sys

import torch
from peers import OURS, REFERENCE, worker
from torch import nn
from torch.nn import functional as F

from t2t_mm import registry

PIECES, LENGTH = 8192, 128


class Attention(nn.Module):
    """Attention with several heads, to itself or to a memory."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.output = nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)

    def keys_values(self, memory):
        """[batch, length, width] -> two of [batch, heads, length, width / heads]."""
        return [self.split(x) for x in self.key_value(memory).chunk(2, -1)]

    def split(self, x):
        """[batch, length, width] -> [batch, heads, length, width / heads]."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, keys, values, causal=False):
        """Queries from x [batch, length, width]."""
        y = F.scaled_dot_product_attention(
            self.split(self.query(x)), keys, values, is_causal=causal
        )
        return self.output(y.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Self-attention, attention to a source where there is one, feed-forward."""

    def __init__(self, width, heads, inner, decodes):
        super().__init__()
        self.own, self.source = Attention(width, heads), None
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if decodes else 2))
        if decodes:
            self.source = Attention(width, heads)
        self.feed = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))

    def forward(self, x, source=None, kept=None):
        """`source`: keys and values of it; `kept`: those of earlier positions, in decoding."""
        normed = self.norms[0](x)
        keys, values = self.own.keys_values(normed)
        if kept:
            keys, values = (torch.cat(pair, 2) for pair in zip(kept, (keys, values), strict=True))
        whole = self.source is not None and x.shape[1] > 1
        x = x + self.own(normed, keys, values, causal=whole)
        if self.source is not None:
            x = x + self.source(self.norms[1](x), *source)
        return x + self.feed(self.norms[-1](x)), (keys, values)


class Transformer(nn.Module):
    """Encoder and decoder over one table of pieces, which the softmax shares."""

    def __init__(self, width, heads, encoder, decoder, inner):
        super().__init__()
        self.table = nn.Embedding(PIECES, width)
        nn.init.normal_(self.table.weight, std=width**-0.5)
        self.places = nn.Parameter(torch.zeros(1, 512, width))
        self.encoder = nn.ModuleList(Layer(width, heads, inner, False) for _ in range(encoder))
        self.decoder = nn.ModuleList(Layer(width, heads, inner, True) for _ in range(decoder))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))

    def embed(self, ids, time=0):
        """[batch, length] -> [batch, length, width]."""
        places = self.places[:, time : time + ids.shape[1]]
        return self.table(ids) * self.table.embedding_dim**0.5 + places

    def encode(self, inputs):
        """Keys and values of the encoding, for each layer of the decoder."""
        x = self.embed(inputs)
        for layer in self.encoder:
            x, _ = layer(x)
        x = self.norms[0](x)
        return [layer.source.keys_values(x) for layer in self.decoder]

    def decode(self, ids, sources, kept=None, time=0):
        """(Logits [batch, length, pieces], keys and values of each layer)."""
        x, now = self.embed(ids, time), []
        for i, layer in enumerate(self.decoder):
            x, pair = layer(x, sources[i], kept and kept[i])
            now.append(pair)
        return F.linear(self.norms[1](x), self.table.weight), now


def make(name, hparams, parameters):
    """The Transformer of this name, for the MultiModel of these hparams."""
    depth = (2, 2) if name == REFERENCE else (hparams.encoder_blocks, hparams.decoder_blocks)
    width, inner = hparams.hidden_size, 4 * hparams.hidden_size

    def build(inner):
        return Transformer(width, hparams.num_heads, *depth, inner)

    model = build(inner)
    if name == "torch-parameters":
        missing = parameters - count(model)
        model = build(max(inner + missing // (sum(depth) * 2 * width), 1))
    return model


def count(model):
    """Number of parameters."""
    return sum(p.numel() for p in model.parameters())


def step(model):
    """(Operations of a step, a function that runs one)."""
    from torch.utils.flop_counter import FlopCounterMode

    inputs, targets = torch.randint(3, PIECES, (2, 32, 64))
    shifted = F.pad(targets[:, :-1], (1, 0))
    optimizer = torch.optim.Adam(model.parameters(), 1e-4, betas=(0.9, 0.98), fused=True)

    def run():
        logits, _ = model.decode(shifted, model.encode(inputs))
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), label_smoothing=0.1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return float(loss)

    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops(), run


def decoding(model, beam):
    """A function that decodes 8 texts; in beams whatever the hypotheses are worth."""
    inputs = torch.randint(3, PIECES, (8, 24)).repeat_interleave(beam, 0)
    rows = torch.arange(8 * beam)

    @torch.inference_mode()
    def run():
        sources, kept = model.encode(inputs), None
        ids = torch.zeros(8 * beam, 1, dtype=torch.long)
        for time in range(LENGTH):
            if beam > 1 and kept:  # as a search does, which here takes each hypothesis on
                kept = [[x.index_select(0, rows) for x in pair] for pair in kept]
            logits, kept = model.decode(ids, sources, kept, time)
            ids = logits[:, -1].topk(beam).indices[:, :1]
        return ids

    return run


def main(name, case, hparams_set, parameters):
    """Makes a model and lets the driver measure it."""
    assert name != OURS
    model = make(name, registry.hparams(hparams_set), int(parameters))
    if case == "step":
        worker(count(model), 1, *step(model))
    else:
        beam = 1 if case == "greedy" else int(case.removeprefix("beam"))
        worker(count(model), LENGTH, 0, decoding(model, beam))


if __name__ == "__main__":
    main(*sys.argv[1:])
