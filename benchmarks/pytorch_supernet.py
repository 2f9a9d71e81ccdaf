#!/usr/bin/env python3
"""The PyTorch rival: DARTS supernets on NAS-Bench-201 and on the DARTS space.

    python3 -m venv venv && venv/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu
    venv/bin/python benchmarks/pytorch_supernet.py --space nasbench201 --work weights --threads 2 --steps 3

Prints one line of JSON: seconds of one step, after warm-up, minimum and median. `--work` is `weights` (forward, backward,
clipping, SGD), `alphas` (forward, backward for the alphas alone, Adam) or `forward` (what one operation-strength evaluation
of a batch costs). `--channels-last` and `--compile` (each cell by torch.compile) choose how PyTorch computes.
`--processes 2` cuts the batch between processes of one thread each that average their gradients (DistributedDataParallel
over gloo).

With `--serve` it prints `{"ready": …}` after the warm-up, then reads numbers from standard input, does so many steps for
each, and prints `{"seconds": […]}`; at the end of its input it prints the figures and ends. `benchmarks/compare` takes
turns with it that way.

The networks and their weights' names are those of the public code of each space (AutoDL-Projects for NAS-Bench-201,
quark0/darts for DARTS). Batch normalisation always uses the batch's statistics, as the searches do.
"""
import argparse, datetime, json, os, resource, sys, tempfile, time

# Spinning threads would take the core from the other process; idle ones sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F


def bn(c, affine):
    return nn.BatchNorm2d(c, affine=affine, track_running_stats=False)


class Op(nn.Module):
    """Gives a sequence the name that the public state dicts have: `op.<index>`."""
    def __init__(self, *layers):
        super().__init__()
        self.op = nn.Sequential(*layers)

    def forward(self, x):
        return self.op(x)


def relu_conv_bn(cin, cout, k, stride, pad, affine):
    return Op(nn.ReLU(), nn.Conv2d(cin, cout, k, stride, pad, bias=False), bn(cout, affine))


class Zero(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return x[:, :, ::self.stride, ::self.stride] * 0.0


class FactorizedReduceDARTS(nn.Module):
    def __init__(self, cin, cout, affine):
        super().__init__()
        self.conv_1 = nn.Conv2d(cin, cout // 2, 1, stride=2, bias=False)
        self.conv_2 = nn.Conv2d(cin, cout // 2, 1, stride=2, bias=False)
        self.bn = bn(cout, affine)

    def forward(self, x):
        x = F.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], 1))


# ---------------------------------------------------------------- NAS-Bench-201
NB201 = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]


def nb201_op(name, c):
    return {
        "none": lambda: Zero(1),
        "skip_connect": nn.Identity,
        "nor_conv_1x1": lambda: relu_conv_bn(c, c, 1, 1, 0, False),
        "nor_conv_3x3": lambda: relu_conv_bn(c, c, 3, 1, 1, False),
        "avg_pool_3x3": lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    }[name]()


class NB201Cell(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.keys = [(i, j) for i in range(1, 4) for j in range(i)]
        self.edges = nn.ModuleDict({f"{i}<-{j}": nn.ModuleList([nb201_op(o, c) for o in NB201]) for i, j in self.keys})

    def forward(self, x, beta):
        nodes = [x]
        for i in range(1, 4):
            total = 0
            for j in range(i):
                w = beta[self.keys.index((i, j))]
                total = total + mixture(self.edges[f"{i}<-{j}"], nodes[j], w)
            nodes.append(total)
        return nodes[-1]


class ResNetBasicblock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv_a = relu_conv_bn(cin, cout, 3, 2, 1, True)
        self.conv_b = relu_conv_bn(cout, cout, 3, 1, 1, True)
        self.downsample = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(cin, cout, 1, bias=False))

    def forward(self, x):
        return self.conv_b(self.conv_a(x)) + self.downsample(x)


class NB201Supernet(nn.Module):
    def __init__(self, c, n, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), bn(c, True))
        self.cells = nn.ModuleList()
        for stage in range(3):
            if stage:
                self.cells.append(ResNetBasicblock(c << (stage - 1), c << stage))
            self.cells.extend(NB201Cell(c << stage) for _ in range(n))
        self.lastact = nn.Sequential(bn(4 * c, True), nn.ReLU())
        self.classifier = nn.Linear(4 * c, classes)
        self.alphas = nn.ParameterDict({"arch": nn.Parameter(1e-3 * torch.randn(6, 5))})

    def weights(self):
        return [(k, p) for k, p in self.named_parameters() if not k.startswith("alphas.")]

    def forward(self, x, betas):
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x, betas["arch"]) if isinstance(cell, NB201Cell) else cell(x)
        return self.classifier(self.lastact(x).mean((2, 3)))


# ------------------------------------------------------------------------ DARTS
DARTS = ["none", "max_pool_3x3", "avg_pool_3x3", "skip_connect",
         "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"]


def sep_conv(c, k, s, p):
    return Op(nn.ReLU(), nn.Conv2d(c, c, k, s, p, groups=c, bias=False), nn.Conv2d(c, c, 1, bias=False), bn(c, False),
              nn.ReLU(), nn.Conv2d(c, c, k, 1, p, groups=c, bias=False), nn.Conv2d(c, c, 1, bias=False), bn(c, False))


def dil_conv(c, k, s, p):
    return Op(nn.ReLU(), nn.Conv2d(c, c, k, s, p, dilation=2, groups=c, bias=False), nn.Conv2d(c, c, 1, bias=False), bn(c, False))


def darts_op(name, c, s):
    return {
        "none": lambda: Zero(s),
        "max_pool_3x3": lambda: nn.Sequential(nn.MaxPool2d(3, s, 1), bn(c, False)),
        "avg_pool_3x3": lambda: nn.Sequential(nn.AvgPool2d(3, s, 1, count_include_pad=False), bn(c, False)),
        "skip_connect": lambda: nn.Identity() if s == 1 else FactorizedReduceDARTS(c, c, False),
        "sep_conv_3x3": lambda: sep_conv(c, 3, s, 1),
        "sep_conv_5x5": lambda: sep_conv(c, 5, s, 2),
        "dil_conv_3x3": lambda: dil_conv(c, 3, s, 2),
        "dil_conv_5x5": lambda: dil_conv(c, 5, s, 4),
    }[name]()


class MixedOp(nn.Module):
    def __init__(self, c, s):
        super().__init__()
        self._ops = nn.ModuleList(darts_op(o, c, s) for o in DARTS)


class DARTSCell(nn.Module):
    def __init__(self, cpp, cp, c, reduction, reduction_prev):
        super().__init__()
        self.reduction = reduction
        self.preprocess0 = FactorizedReduceDARTS(cpp, c, False) if reduction_prev else relu_conv_bn(cpp, c, 1, 1, 0, False)
        self.preprocess1 = relu_conv_bn(cp, c, 1, 1, 0, False)
        self._ops = nn.ModuleList(MixedOp(c, 2 if reduction and j < 2 else 1) for i in range(4) for j in range(2 + i))

    def forward(self, s0, s1, beta):
        states, e = [self.preprocess0(s0), self.preprocess1(s1)], 0
        for _ in range(4):
            total = 0
            for s in states:
                total = total + mixture(self._ops[e]._ops, s, beta[e])
                e += 1
            states.append(total)
        return torch.cat(states[-4:], 1)


class DARTSSupernet(nn.Module):
    def __init__(self, c, layers, classes):
        super().__init__()
        stem = 3 * c
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 3, padding=1, bias=False), bn(stem, True))
        self.cells, cpp, cp, reduction_prev = nn.ModuleList(), stem, stem, False
        for i in range(layers):
            reduction = i in (layers // 3, 2 * layers // 3)
            c = 2 * c if reduction else c
            self.cells.append(DARTSCell(cpp, cp, c, reduction, reduction_prev))
            reduction_prev, cpp, cp = reduction, cp, 4 * c
        self.classifier = nn.Linear(cp, classes)
        self.alphas = nn.ParameterDict({k: nn.Parameter(1e-3 * torch.randn(14, 8)) for k in ("normal", "reduce")})

    def weights(self):
        return [(k, p) for k, p in self.named_parameters() if not k.startswith("alphas.")]

    def forward(self, x, betas):
        s0 = s1 = self.stem(x)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1, betas["reduce" if cell.reduction else "normal"])
        return self.classifier(s1.mean((2, 3)))


def mixture(ops, x, beta):
    """The mixed operation."""
    return sum(b * op(x) for b, op in zip(beta, ops))


def softmax_betas(net):
    return {k: torch.softmax(a, -1) for k, a in net.alphas.items()}


class Stepper(nn.Module):
    """One kind of step on one process's part of the batch."""

    def __init__(self, args, rank):
        super().__init__()
        torch.manual_seed(args.seed)
        make = NB201Supernet if args.space == "nasbench201" else DARTSSupernet
        cells = args.cells or (5 if args.space == "nasbench201" else 8)
        layout = torch.channels_last if args.channels_last else torch.contiguous_format
        self.net = make(args.channels, cells, args.classes).train().to(memory_format=layout)
        batch = args.batch // args.processes
        self.x = torch.randn(batch, 3, args.size, args.size).to(memory_format=layout)
        self.y = torch.randint(0, args.classes, (batch,))
        self.group = [p for _, p in self.net.weights()] if args.work == "weights" else list(self.net.alphas.parameters())
        # What is not trained needs no gradient, so none is computed nor exchanged.
        trained = {id(p) for p in self.group}
        for p in self.net.parameters():
            p.requires_grad_(id(p) in trained and args.work != "forward")
        self.model = self.loss
        if args.compile:
            # Cell by cell: cells of one shape share their code, so that it takes minutes and not an hour.
            for cell in self.net.cells:
                cell.compile()
        if args.processes > 1 and args.work != "forward":
            self.model = nn.parallel.DistributedDataParallel(Loss(self), gradient_as_bucket_view=True)
        if args.work == "weights":
            self.optimizer = torch.optim.SGD(self.group, lr=0.025, momentum=0.9, weight_decay=5e-4, nesterov=True)
        else:
            self.optimizer = torch.optim.Adam(self.group, lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
        self.work = {"weights": self.weights, "alphas": self.alphas, "forward": self.evaluate}[args.work]

    def loss(self, x, y):
        return F.cross_entropy(self.net(x, {k: torch.softmax(a, -1) for k, a in self.net.alphas.items()}), y)

    def weights(self):
        self.optimizer.zero_grad()
        self.model(self.x, self.y).backward()
        nn.utils.clip_grad_norm_(self.group, 5.0)
        self.optimizer.step()

    def alphas(self):
        self.optimizer.zero_grad()
        self.model(self.x, self.y).backward()
        self.optimizer.step()

    def evaluate(self):
        with torch.no_grad():
            self.model(self.x, self.y).item()


class Loss(nn.Module):
    """What DistributedDataParallel wraps: the network's parameters, and the loss as the forward pass."""

    def __init__(self, stepper):
        super().__init__()
        self.net = stepper.net
        self.forward = stepper.model


def timed(stepper, args, count):
    """Seconds of each of `count` steps; of the slowest process where there are several."""
    seconds = []
    for _ in range(count):
        if args.processes > 1:
            dist.barrier()
        start = time.perf_counter()
        stepper.work()
        if args.processes > 1:
            dist.barrier()
        seconds.append(time.perf_counter() - start)
    return seconds


def peak_mib(args):
    peak = torch.tensor([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024])
    if args.processes > 1:
        dist.all_reduce(peak, dist.ReduceOp.MAX)
    return int(peak)


def agreed(args, count):
    """Rank 0 says how many steps come next."""
    count = torch.tensor([count])
    if args.processes > 1:
        dist.broadcast(count, 0)
    return int(count)


def run(rank, args, store):
    torch.set_num_threads(args.threads if args.processes == 1 else 1)
    torch.set_num_interop_threads(1)
    if args.processes > 1:
        dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=args.processes,
                                timeout=datetime.timedelta(hours=6))
    stepper = Stepper(args, rank)
    warmup = timed(stepper, args, args.warmup)
    say = print if rank == 0 else lambda *a, **k: None
    seconds = []
    if args.serve:
        say(json.dumps({"ready": {"torch": torch.__version__, "warmup_seconds": [round(s, 3) for s in warmup]}}), flush=True)
        while True:
            line = sys.stdin.readline() if rank == 0 else ""
            count = agreed(args, int(line) if line.strip() else 0)
            if count == 0:
                break
            batch = timed(stepper, args, count)
            seconds += batch
            say(json.dumps({"seconds": batch}), flush=True)
    else:
        seconds = timed(stepper, args, args.steps)
    peak = peak_mib(args)
    seconds.sort()
    say(json.dumps({
        "torch": torch.__version__, "space": args.space, "work": args.work, "batch": args.batch, "channels": args.channels,
        "threads": args.threads, "processes": args.processes, "channels_last": args.channels_last,
        "compile": args.compile, "seconds_min": seconds[0] if seconds else None,
        "seconds_median": seconds[len(seconds) // 2] if seconds else None, "peak_rss_mib": peak}), flush=True)
    if args.processes > 1:
        dist.destroy_process_group()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--space", choices=("nasbench201", "darts"), default="nasbench201")
    p.add_argument("--work", choices=("weights", "alphas", "forward"), default="weights")
    p.add_argument("--channels", type=int, default=16)
    p.add_argument("--cells", type=int, help="cells per stage (nasbench201, 5) or in all (darts, 8)")
    p.add_argument("--classes", type=int, default=10)
    p.add_argument("--batch", type=int, default=64, help="images of a step, of all processes together")
    p.add_argument("--size", type=int, default=32, help="image height and width")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--processes", type=int, default=1)
    p.add_argument("--channels-last", action="store_true")
    p.add_argument("--compile", action="store_true")
    p.add_argument("--warmup", type=int, default=1)
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--serve", action="store_true")
    args = p.parse_args()
    if args.batch % args.processes:
        p.error(f"--batch {args.batch} cannot be divided between {args.processes} processes")
    if args.processes == 1:
        return run(0, args, None)
    with tempfile.TemporaryDirectory() as folder:
        others = [torch.multiprocessing.get_context("spawn").Process(target=run, args=(rank, args, f"{folder}/store"))
                  for rank in range(1, args.processes)]
        for process in others:
            process.start()
        run(0, args, f"{folder}/store")
        for process in others:
            process.join()


if __name__ == "__main__":
    main()
