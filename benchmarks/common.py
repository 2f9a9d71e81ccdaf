"""What the benchmarks share: the binary, the machine, and tables."""
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks"


# What /proc/cpuinfo says of a processor that has the set; the best one first.
NEEDED = {
    "x86-64-v4": {"avx2", "fma", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "x86-64-v3": {"avx2", "fma"},
    "portable": set(),
}


def instruction_set():
    """The best instruction set that this machine has and programs are built for."""
    if platform.machine() != "x86_64":
        return "arm64"
    try:
        flags = next(set(line.split()) for line in open("/proc/cpuinfo") if line.startswith("flags"))
    except (OSError, StopIteration):
        return "x86-64-v3"
    return next(name for name, needed in NEEDED.items() if needed <= flags)


def built(name=None):
    """The path of a release binary of this tree, for an instruction set or the best one of this machine."""
    folder, name = ROOT / ".build" / "all", name or instruction_set()
    subprocess.run([ROOT / "script" / "build-all", folder, name], check=True, stdout=sys.stderr)
    return str(folder / ("ostr" if name in ("arm64", "x86-64-v3") else f"ostr-{name}"))


def say(*parts):
    print(*parts, file=sys.stderr, flush=True)


class Refused(Exception):
    """The binary does not take these arguments; the text is its line."""


def bench(ostr, *arguments, lines=False):
    """The JSON that `ostr bench` prints as its last line; with `lines`, also the lines before it."""
    done = subprocess.run([ostr, "bench", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode == 64:
        raise Refused(done.stderr.strip())
    if done.returncode != 0:
        sys.exit(f"ostr bench {' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr.strip()}")
    out = done.stdout.splitlines()
    return (json.loads(out[-1]), out[:-1]) if lines else json.loads(out[-1])


def offers(ostr, option):
    """Whether `ostr bench` has this option."""
    return option in subprocess.run([ostr, "help", "bench"], capture_output=True, text=True).stdout


def machine():
    """Processor, cores, system and the commit that was built, for the record."""
    name = platform.processor() or platform.machine()
    try:
        name = next(line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    except (OSError, StopIteration):
        pass

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = "" if git("status", "--porcelain", "--untracked-files=no") == "" else " with changes"
    return {"processor": name, "cores": os.cpu_count(), "system": platform.platform(),
            "commit": git("rev-parse", "--short", "HEAD") + changed}


def command():
    return " ".join(["benchmarks/" + pathlib.Path(sys.argv[0]).name] + sys.argv[1:])


def median(values):
    return statistics.median(values)


def spread(values, digits=2):
    """`median (minimum – maximum)`."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} – {max(values):.{digits}f})"


def table(header, rows):
    """Lines of a Markdown table; the first column is text, the others numbers."""
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(["---"] + ["---:"] * (len(header) - 1)) + "|"]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def write(name, lines, figures):
    """NAME.md and NAME.json in `benchmarks`."""
    (FOLDER / f"{name}.md").write_text("\n".join(lines) + "\n")
    (FOLDER / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    print("\n".join(lines))
