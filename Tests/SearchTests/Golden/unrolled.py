#!/usr/bin/env python3
"""Three steps of second order from where a golden file begins, with its batches, for parity tests.

    ~/torch/bin/python Tests/SearchTests/Golden/unrolled.py Tests/SearchTests/Golden/nasbench201_c4_n1.safetensors

writes Golden/Unrolled/NAME.safetensors: per step the alphas' gradient of second order (`gradient.<step>.<alphas>`) and its implicit
part before the learning rate (`implicit.<step>.<alphas>`), and `after.<name>` for weights and alphas at the end. Each step updates
the alphas as quark0/darts' architect does with --unrolled (the virtual step w' = w - xi (momentum m + dL_train + decay w), v by
autograd, two finite differences with epsilon = 0.01 / ||v||), then the weights. FP32 and FP64 are compared, and a file is refused where
they differ by more than a fifth of the tolerances (2e-4 of a tensor's largest element for gradients and what they lead to).
Needs torch and safetensors.
"""
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent.parent / "benchmarks"))
import pytorch_supernet as supernets  # noqa: E402


def loss(net, x, y):
    return F.cross_entropy(net(x, supernets.softmax_betas(net)), y)


def results(tensors, metadata, dtype):
    make = supernets.NB201Supernet if metadata["space"] == "nasbench201" else supernets.DARTSSupernet
    net = make(int(metadata["channels"]), int(metadata["cells"]), int(metadata["classes"])).train().to(dtype)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(tensors[name])
    recipe, adam_recipe = json.loads(metadata["sgd"]), json.loads(metadata["adam"])
    weights, alphas = [p for _, p in net.weights()], list(net.alphas.values())
    sgd = torch.optim.SGD(weights, **recipe)
    adam = torch.optim.Adam(alphas, **adam_recipe)
    xi, out = recipe["lr"], {}
    for step in range(3):
        tx, vx = (tensors[f"steps.{n}.images"][step].to(dtype) for n in ("train", "valid"))
        ty, vy = (tensors[f"steps.{n}.labels"][step] for n in ("train", "valid"))
        start = [w.detach().clone() for w in weights]
        gradient = torch.autograd.grad(loss(net, tx, ty), weights)
        with torch.no_grad():
            for w, g in zip(weights, gradient):
                moment = sgd.state[w].get("momentum_buffer")
                moment = torch.zeros_like(w) if moment is None else recipe["momentum"] * moment
                w.sub_(xi * (moment + g + recipe["weight_decay"] * w))
        ahead = torch.autograd.grad(loss(net, vx, vy), alphas + weights)
        dalpha, v = ahead[:len(alphas)], ahead[len(alphas):]
        epsilon = 0.01 / torch.cat([g.reshape(-1) for g in v]).norm()

        def moved(factor):
            with torch.no_grad():
                for w, s, g in zip(weights, start, v):
                    w.copy_(s + factor * g)
            return torch.autograd.grad(loss(net, tx, ty), alphas)

        implicit = [(a - b) / (2 * epsilon) for a, b in zip(moved(epsilon), moved(-epsilon))]
        with torch.no_grad():
            for w, s in zip(weights, start):
                w.copy_(s)
        for key, a, d, h in zip(net.alphas.keys(), alphas, dalpha, implicit):
            a.grad = d - xi * h
            out[f"gradient.{step}.alphas.{key}"] = a.grad.clone()
            out[f"implicit.{step}.alphas.{key}"] = h.clone()
        adam.step()
        sgd.zero_grad()
        loss(net, tx, ty).backward(inputs=weights)
        torch.nn.utils.clip_grad_norm_(weights, float(metadata["clip"]))
        sgd.step()
    return out | {f"after.{name}": p.detach().clone() for name, p in net.named_parameters()}


def main():
    torch.set_num_threads(1)
    for path in map(pathlib.Path, sys.argv[1:]):
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        out, exact = results(tensors, metadata, torch.float32), results(tensors, metadata, torch.float64)
        worst = {}
        for name in out:
            allowed = 1e-6 + (2e-3 if name.startswith("implicit") else 2e-4) * exact[name].abs().max().item()
            share = (out[name].double() - exact[name]).abs().max().item() / allowed
            kind = name.split(".")[0]
            worst[kind] = max(worst.get(kind, 0), round(share, 3))
        print(path.name, "FP32's share of the tolerance:", worst)
        if max(worst.values()) > 0.2:
            sys.exit(f"{path}: FP32 and FP64 differ too much")
        target = HERE / "Unrolled" / path.name
        target.parent.mkdir(exist_ok=True)
        save_file({k: v.contiguous() for k, v in out.items()}, target, {"torch": torch.__version__, "from": path.name})


if __name__ == "__main__":
    main()
