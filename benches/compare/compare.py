"""One model here and in `transformers` + `trl`: same random weights, same prompts, same lengths, same threads, float32.

    python -m venv VENV && VENV/bin/pip install -r benches/compare/requirements.txt
    VENV/bin/python benches/compare/compare.py [--kinds decode …] [--shapes 1m …] [--threads 1 2] [--pairs 5]

builds our half, makes checkpoints (`shapes.py`) and tasks (`tasks.py`), and has both halves (`benches/src/pace.rs`, `other_side.py`) do the same thing in
turn: ours, theirs, ours, theirs. Both stay alive and have done it before anything is counted; `memory` is a fresh process each time. Printed are medians,
and the ratio pair by pair, so that a machine whose speed drifts does not matter much; and what share our half has of the two ceilings that were measured
in its process, a large matrix product and a large copy, for the work that `work.py` counts. Nothing here fails for being slow.

decode      32 different prompts of 32 tokens; 128, 64, 16 new tokens at 1m, 40m, 0.6b; the prompts' computation is in the time
episodes    32 conversations of 8 turns: 8 to 24 tokens shown, then a reply that one id in 16 closes, of at most 64 tokens. Ours keeps
            sessions across turns; theirs does as `trl` does, each turn a `generate` of the whole conversations padded into one batch.
            Counted are the tokens of the replies, up to the closing one. `episodes-as-they-come`, if asked for: ours submits each
            row's next turn as soon as its last has ended
step        one step of GRPO: 8 prompts of 64 tokens x 8 replies of 32 at 1m, 4 of 32 x 8 of 32 at 40m, rewards, one update; theirs is `GRPOTrainer`
learn       forward, backward, clipping, AdamW on 64 rows of 96 tokens at 1m, 32 of 64 at 40m, each token but the first a loss token
memory      one update on 32 rows of 256 tokens with a loss on 192: the whole process's peak, and how far that is above what it held before
            the update with the model and AdamW's moments. Theirs is `GRPOTrainer` with all rows in one micro-batch, its answers given instead of
            generated; `memory-checkpointed` with `gradient_checkpointing`, `memory-accumulated` with micro-batches of 4 rows, which are
            1024 tokens: as many as ours has by the quickstart's `micro_tokens_max`
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import tasks
import work
from shapes import SHAPES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MIB = 1 << 20


@dataclass(frozen=True)
class Kind:
    """What is compared; `targets` is the ratio wanted at each shape it is done at, `None` where none is."""

    unit: str
    targets: dict
    ours: str
    theirs: str
    digits: int = 0
    fresh: bool = False


def kind(ours, unit, targets, theirs=None, **more):
    return Kind(unit, targets, ours, theirs or ours, **more)


KINDS = {
    "decode": kind("decode", "tokens/s sampled", {"1m": "≥ 3", "40m": "≥ 1.5", "0.6b": "≥ 1"}),
    "episodes": kind("episodes", "tokens/s sampled", {"1m": "≥ 5", "40m": "≥ 5"}),
    "episodes-as-they-come": kind("episodes-as-they-come", "tokens/s sampled", {"1m": "≥ 5", "40m": "≥ 5"}, "episodes"),
    "step": kind("step", "steps/s", {"1m": "≥ 2", "40m": "≥ 1.2"}, digits=3),
    "learn": kind("learn", "tokens/s learned", {"1m": "", "40m": ""}),
    "memory": kind("memory", "MiB", {"40m": "≤ 0.5"}, fresh=True),
    "memory-checkpointed": kind("memory", "MiB", {"40m": "≤ 0.5"}, "memory-checkpointed", fresh=True),
    "memory-accumulated": kind("memory", "MiB", {"40m": ""}, "memory-accumulated", fresh=True),
}


def main():
    arguments = parsed()
    programs = arguments.programs or build()
    print(state())
    print("| what | shape | threads | ours | theirs | ours / theirs | its range | target | of the matrix rate | of the memory bandwidth |")
    print("|---|---|--:|--:|--:|--:|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(programs, arguments.models or Path(scratch), Path(scratch), arguments.pairs)
        for name in arguments.kinds:
            for shape in (shape for shape in arguments.shapes if shape in KINDS[name].targets):
                for threads in arguments.threads:
                    print("\n".join(rows(name, shape, threads, bench.compare(name, shape, threads))), flush=True)
    print(state())


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = [name for name in KINDS if name != "episodes-as-they-come"]
    parser.add_argument("--kinds", nargs="+", default=usual, choices=list(KINDS))
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--models", type=Path, help="folder of checkpoints, made where they are missing; left out: a temporary one")
    parser.add_argument("--programs", type=Path, help="folder of built programs; left out: they are built")
    return parser.parse_args()


def build():
    subprocess.run(["cargo", "build", "--release", "--package", "duologue-benches", "--bin", "pace"], cwd=ROOT, check=True)
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT, check=True, capture_output=True
    )
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release"


def state():
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return f"\nCommit {commit}; load of the machine {', '.join(f'{load:.1f}' for load in os.getloadavg())}.\n"


class Side:
    """One half, alive until its input ends."""

    def __init__(self, name, command):
        self.name, self.errors = name, tempfile.TemporaryFile("w+")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(list(map(str, command)), stdin=pipe, stdout=pipe, stderr=self.errors, text=True)

    def ask(self, line="again"):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            code = self.process.wait()
            self.errors.seek(0)
            raise SystemExit(f"error: {self.name} ended with {code}:\n{self.errors.read()[-2000:]}") from None

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@dataclass
class Measured:
    """Answers pair by pair, the work behind each of ours, and the ceilings that were measured in our process."""

    pairs: list
    work: list = field(default_factory=list)
    ceilings: dict = field(default_factory=dict)


@dataclass
class Bench:
    programs: Path
    models: Path
    scratch: Path
    pairs: int

    def compare(self, name, shape, threads):
        task, kind = tasks.make(name, shape), KINDS[name]
        file = self.scratch / f"{name}-{shape}.json"
        file.write_text(json.dumps(task))
        common = [self.model(shape), file, threads]
        ours = lambda: Side("our half", [self.programs / "pace", *common, kind.ours])
        theirs = lambda: Side("the other half", [sys.executable, HERE / "other_side.py", *common, kind.theirs])
        if kind.fresh:
            return Measured([(once(ours), once(theirs)) for _ in range(self.pairs)])
        with ours() as ours, theirs() as theirs:
            return self.in_turns(ours, theirs, kind, shape, task)

    def in_turns(self, ours, theirs, kind, shape, task):
        for _ in range(2 if shape == "1m" else 1):
            ours.ask(), theirs.ask()
        before = ours.ask("ceilings"), theirs.ask("ceilings")
        pairs = [(complete(ours.ask(), task), complete(theirs.ask(), task)) for _ in range(self.pairs)]
        both = [max_of(before[side], half.ask("ceilings")) for side, half in enumerate([ours, theirs])]
        tell(kind, shape, both)
        return Measured(pairs, [work.of(kind.ours, SHAPES[shape], task, mine) for mine, _ in pairs], both[0])

    def model(self, shape):
        folder = self.models / shape
        if not (folder / "tokenizer_config.json").exists():
            subprocess.run([sys.executable, HERE / "shapes.py", shape, folder], check=True, stdout=sys.stderr)
        return folder


def once(make):
    with make() as side:
        return side.ask()


def complete(answer, task):
    if answer["tokens"] != task.get("tokens", answer["tokens"]):
        raise SystemExit(f"error: {answer['tokens']} tokens instead of {task['tokens']}: a row ended early")
    return answer


def max_of(one, other):
    return {key: max(one[key], other[key]) for key in one}


def tell(kind, shape, both):
    said = [f"{side['flops'] / 1e9:.0f} GFLOP/s, {side['bytes'] / 1e9:.1f} GB/s" for side in both]
    print(f"{kind.ours} {shape}: matrix rate and copy in our process {said[0]}; in theirs {said[1]}", file=sys.stderr)


def rows(name, shape, threads, measured):
    kind = KINDS[name]
    if kind.fresh:
        peak = lambda one: one["peak"] / MIB
        growth = lambda one: (one["peak"] - one["level"]) / MIB
        return [
            row(f"{name}, {what}, MiB", kind, shape, threads, measured, figure)
            for what, figure in [("whole process", peak), ("above the model", growth)]
        ]
    speed = lambda one: (1 if kind.ours == "step" else one["tokens"]) / one["seconds"]
    return [row(f"{name}, {kind.unit}", kind, shape, threads, measured, speed)]


def row(what, kind, shape, threads, measured, figure):
    ours, theirs = ([figure(pair[side]) for pair in measured.pairs] for side in (0, 1))
    ratios = [mine / other for mine, other in zip(ours, theirs)]
    middle = statistics.median
    cells = [
        what, shape, threads, f"{middle(ours):.{kind.digits}f}", f"{middle(theirs):.{kind.digits}f}", f"**{middle(ratios):.2f}**",
        f"{min(ratios):.2f} – {max(ratios):.2f}", kind.targets[shape], share(measured, "flops", "GFLOP/s"), share(measured, "bytes", "GB/s"),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def share(measured, which, unit):
    """Of a ceiling, in the median; more than all of a copy's rate is possible where weights fit a cache."""
    if not measured.ceilings:
        return "–"
    ceiling = measured.ceilings[which]
    shares = [getattr(done, which) / mine["seconds"] / ceiling for done, (mine, _) in zip(measured.work, measured.pairs)]
    percent = 100 * statistics.median(shares)
    return f"{percent:.{0 if percent >= 10 else 1}f} % of {ceiling / 1e9:.0f} {unit}"


if __name__ == "__main__":
    main()
