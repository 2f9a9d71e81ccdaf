#!/usr/bin/env python3
"""What PyTorch computes for one final network and one batch: see README.md beside this file.

    python3 -m venv ~/torch && ~/torch/bin/pip install torch numpy safetensors
    ~/torch/bin/python generate.py nasbench201 nasbench201_c4_n1.safetensors --seed 1
    ~/torch/bin/python generate.py darts darts_c4_l5.safetensors --seed 1

Names of parameters are those of the public code (AutoDL-Projects' TinyNetwork, quark0/darts' NetworkCIFAR). A seed at
which PyTorch's own FP32 and FP64 differ by more than a fifth of the tests' tolerances is refused: a rectifier or a maximum
is at its kink there.
"""
import argparse
import json

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

GENOTYPES = {
    "nasbench201": "Genotype(cell=[[('nor_conv_3x3', 0)], [('avg_pool_3x3', 0), ('nor_conv_1x1', 1)], "
    "[('skip_connect', 0), ('none', 1), ('nor_conv_3x3', 2)]])",
    "darts": "Genotype(normal=[('sep_conv_3x3', 0), ('dil_conv_5x5', 1), ('avg_pool_3x3', 0), ('skip_connect', 1), "
    "('max_pool_3x3', 0), ('dil_conv_3x3', 2), ('sep_conv_5x5', 2), ('skip_connect', 3)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('sep_conv_5x5', 1), ('skip_connect', 2), ('dil_conv_3x3', 0), "
    "('avg_pool_3x3', 1), ('max_pool_3x3', 2), ('sep_conv_3x3', 4)], reduce_concat=[2, 3, 4, 5])",
}
AUXILIARY, CLIP = 0.4, 1.0
SGD = {
    "nasbench201": dict(lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True),
    "darts": dict(lr=0.025, momentum=0.9, weight_decay=3e-4, nesterov=False),
}
# Of larger tensors every n-th element is kept.
KEPT = 2048


def conv(inputs, outputs, kernel, stride=1, padding=0, dilation=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False)


class Named(nn.Module):
    """A sequence called `op`."""

    def __init__(self, *layers):
        super().__init__()
        self.op = nn.Sequential(*layers)

    def forward(self, x):
        return self.op(x)


def relu_conv_bn(inputs, outputs, kernel, stride=1, padding=0):
    return Named(nn.ReLU(), conv(inputs, outputs, kernel, stride, padding), nn.BatchNorm2d(outputs))


class Halving(nn.Module):
    """Factorized reduction."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv_1 = conv(inputs, outputs // 2, 1, 2)
        self.conv_2 = conv(inputs, outputs // 2, 1, 2)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = F.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], 1))


def separable(c, kernel, stride, dilation):
    padding = dilation * (kernel // 2)
    half = lambda s: [nn.ReLU(), conv(c, c, kernel, s, padding, dilation, c), conv(c, c, 1), nn.BatchNorm2d(c)]
    return Named(*half(stride), *(half(1) if dilation == 1 else []))


def operation(name, c, stride):
    average = lambda: nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    return {
        "skip_connect": lambda: nn.Identity() if stride == 1 else Halving(c, c),
        "nor_conv_1x1": lambda: relu_conv_bn(c, c, 1),
        "nor_conv_3x3": lambda: relu_conv_bn(c, c, 3, 1, 1),
        "avg_pool_3x3": average,
        "max_pool_3x3": lambda: nn.MaxPool2d(3, stride, 1),
        "sep_conv_3x3": lambda: separable(c, 3, stride, 1),
        "sep_conv_5x5": lambda: separable(c, 5, stride, 1),
        "dil_conv_3x3": lambda: separable(c, 3, stride, 2),
        "dil_conv_5x5": lambda: separable(c, 5, stride, 2),
    }[name]()


class Genotype:
    def __init__(self, **parts):
        self.__dict__.update(parts)


class TinyCell(nn.Module):
    def __init__(self, nodes, c):
        super().__init__()
        self.nodes = nodes
        self.layers = nn.ModuleList(
            nn.Identity() if name == "none" else operation(name, c, 1) for node in nodes for name, _ in node
        )

    def forward(self, x):
        values, place = [x], 0
        for node in self.nodes:
            total = torch.zeros_like(x)
            for name, source in node:
                if name != "none":
                    total = total + self.layers[place](values[source])
                place += 1
            values.append(total)
        return values[-1]


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv_a = relu_conv_bn(inputs, outputs, 3, 2, 1)
        self.conv_b = relu_conv_bn(outputs, outputs, 3, 1, 1)
        self.downsample = nn.Sequential(nn.AvgPool2d(2, 2), conv(inputs, outputs, 1))

    def forward(self, x):
        return self.conv_b(self.conv_a(x)) + self.downsample(x)


class Tiny(nn.Module):
    def __init__(self, genotype, c, cells, classes):
        super().__init__()
        self.stem = nn.Sequential(conv(3, c, 3, 1, 1), nn.BatchNorm2d(c))
        self.cells = nn.ModuleList()
        for stage in range(3):
            if stage:
                self.cells.append(Block(c << (stage - 1), c << stage))
            self.cells.extend(TinyCell(genotype.cell, c << stage) for _ in range(cells))
        self.lastact = nn.Sequential(nn.BatchNorm2d(4 * c), nn.ReLU())
        self.classifier = nn.Linear(4 * c, classes)

    def forward(self, x):
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        return self.classifier(self.lastact(x).mean((2, 3))), None


class Cell(nn.Module):
    def __init__(self, edges, farther, nearer, c, reduces, reduced):
        super().__init__()
        self.edges = edges
        self.preprocess0 = Halving(farther, c) if reduced else relu_conv_bn(farther, c, 1)
        self.preprocess1 = relu_conv_bn(nearer, c, 1)
        self._ops = nn.ModuleList(operation(name, c, 2 if reduces and source < 2 else 1) for name, source in edges)

    def forward(self, s0, s1):
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        for node in range(len(self.edges) // 2):
            pair = range(2 * node, 2 * node + 2)
            states.append(sum(self._ops[i](states[self.edges[i][1]]) for i in pair))
        return torch.cat(states[2:], 1)


class Auxiliary(nn.Module):
    def __init__(self, c, classes):
        super().__init__()
        # Not in place, other than in the public code: there it changes nothing but for a network of three cells.
        self.features = nn.Sequential(
            nn.ReLU(), nn.AvgPool2d(5, 3), conv(c, 128, 1), nn.BatchNorm2d(128), nn.ReLU(), conv(128, 768, 2),
            nn.BatchNorm2d(768), nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Large(nn.Module):
    def __init__(self, genotype, c, cells, classes):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 3 * c, 3, 1, 1), nn.BatchNorm2d(3 * c))
        self.cells, farther, nearer, reduced = nn.ModuleList(), 3 * c, 3 * c, False
        self.last_reduction = 2 * cells // 3
        for i in range(cells):
            reduces = i in (cells // 3, self.last_reduction)
            c = 2 * c if reduces else c
            edges = genotype.reduce if reduces else genotype.normal
            self.cells.append(Cell(edges, farther, nearer, c, reduces, reduced))
            reduced, farther, nearer = reduces, nearer, len(edges) // 2 * c
            if i == self.last_reduction:
                width = nearer
        self.auxiliary_head = Auxiliary(width, classes)
        self.classifier = nn.Linear(nearer, classes)

    def forward(self, x):
        s0 = s1 = self.stem(x)
        auxiliary = None
        for i, cell in enumerate(self.cells):
            s0, s1 = s1, cell(s0, s1)
            if i == self.last_reduction and self.training:
                auxiliary = self.auxiliary_head(s1)
        return self.classifier(s1.mean((2, 3))), auxiliary


def philox(seed, purpose, stream, count):
    """The first word of each of `count` blocks of Philox4x32-10, as `Philox` in Sources/Kernels has it."""
    c = [np.arange(count, dtype=np.uint64), *(np.full(count, v, dtype=np.uint64) for v in (stream, 0, purpose))]
    key, low = [seed & 0xFFFFFFFF, seed >> 32], np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        high = np.uint64(32)
        c = [(p1 >> high) ^ c[1] ^ np.uint64(key[0]), p1 & low, (p0 >> high) ^ c[3] ^ np.uint64(key[1]), p0 & low]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c[0]


def initialise(network, seed):
    """Weights as the program draws them; norms at random, and these are what the file has."""
    norms = {}
    for module_name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data = 1 + 0.25 * torch.randn(module.num_features)
            module.bias.data = 0.25 * torch.randn(module.num_features)
            module.running_mean.data = 0.1 * torch.randn(module.num_features)
            module.running_var.data = 0.5 + torch.rand(module.num_features)
            for name in ("weight", "bias", "running_mean", "running_var"):
                norms[f"{module_name}.{name}"] = getattr(module, name).data.clone()
    for number, (name, parameter) in enumerate(network.named_parameters()):
        if name in norms:
            continue
        weight = parameter if not name.endswith("bias") else dict(network.named_parameters())[name[:-4] + "weight"]
        bound = np.float32(1) / np.sqrt(np.float32(weight[0].numel()))
        uniform = (philox(seed, 1, number, parameter.numel()) >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
        values = (np.float32(2) * uniform - np.float32(1)) * bound
        parameter.data = torch.from_numpy(values).reshape(parameter.shape).clone()
    return norms


def results(args, dtype):
    torch.manual_seed(args.seed)
    genotype = eval(GENOTYPES[args.space])
    make = Tiny if args.space == "nasbench201" else Large
    network = make(genotype, args.channels, args.cells, args.classes).train()
    out = initialise(network, args.seed)
    images = torch.randn(args.batch, 3, args.size, args.size)
    labels = torch.randint(0, args.classes, (args.batch,))
    out |= {"input.images": images, "input.labels": labels}
    network.to(dtype)
    logits, auxiliary = network(images.to(dtype))
    loss = F.cross_entropy(logits, labels)
    out |= {"output.logits": logits.detach(), "output.loss": loss.detach().reshape(1)}
    if auxiliary is not None:
        out["output.auxiliary"] = auxiliary.detach()
        loss = loss + AUXILIARY * F.cross_entropy(auxiliary, labels)
    loss.backward()
    out |= {f"grad.{k}": p.grad.clone() for k, p in network.named_parameters()}
    sgd = torch.optim.SGD(network.parameters(), **SGD[args.space])
    out["step.norm"] = nn.utils.clip_grad_norm_(network.parameters(), CLIP).reshape(1)
    sgd.step()
    out |= {f"after.{k}": v.clone() for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    network.eval()
    with torch.no_grad():
        out["evaluation.logits"] = network(images.to(dtype))[0]
    return out, sum(p.numel() for k, p in network.named_parameters() if "auxiliary" not in k)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("space", choices=GENOTYPES)
    parser.add_argument("file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--channels", type=int, default=4)
    parser.add_argument("--cells", type=int)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--size", type=int)
    parser.add_argument("--batch", type=int, default=4)
    args = parser.parse_args()
    args.cells = args.cells or (1 if args.space == "nasbench201" else 5)
    args.size = args.size or (16 if args.space == "nasbench201" else 32)
    found, parameters = results(args, torch.float32)
    exact, _ = results(args, torch.float64)
    for name, value in found.items():
        error = (value.double() - exact[name].double()).abs().max().item()
        if error > 1e-6 + 2e-5 * exact[name].abs().max().item():
            raise SystemExit(f"seed {args.seed}: {name} differs by {error:.2e} between FP32 and FP64; take another seed")
    tensors = {}
    for name, value in found.items():
        step = -(-value.numel() // KEPT) if name.startswith(("grad.", "after.")) else 1
        tensors[name] = value.contiguous() if step == 1 else value.flatten()[::step].contiguous()
    metadata = {k: str(getattr(args, k)) for k in ("space", "seed", "channels", "cells", "classes", "size", "batch")}
    metadata |= {"genotype": GENOTYPES[args.space], "sgd": json.dumps(SGD[args.space]), "clip": str(CLIP)}
    metadata |= {"auxiliary": str(AUXILIARY if args.space == "darts" else 0), "parameters": str(parameters)}
    save_file(tensors, args.file, metadata | {"torch": torch.__version__})


if __name__ == "__main__":
    main()
