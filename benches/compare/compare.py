"""The quickstart's model here and in `transformers` and `trl`: same weights, same prompts, same lengths, same threads, float32.

    python -m venv VENV && VENV/bin/pip install -r benches/compare/requirements.txt
    VENV/bin/python benches/compare/compare.py

builds our half, trains a model for a few seconds so that there are weights and a tokenizer, and has both halves do the same thing in
turn: ours, theirs, ours, theirs. It prints the median of each and of the ratio pair by pair, so that a machine whose speed drifts
does not matter much. Both halves stay alive and have done it twice before anything is counted.
"""

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
ROWS, GROUPS, PROMPT, NEW, WARM = 64, 8, 64, 32, 2
UNITS = {"decode": "tokens/s sampled", "learn": "tokens/s learned", "step": "steps/s"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model folder of ours; left out: one is trained for a few seconds")
    parser.add_argument("--programs", type=Path, help="folder of built programs; left out: they are built")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kinds", nargs="+", default=list(UNITS), choices=list(UNITS))
    parser.add_argument("--pairs", type=int, default=7)
    arguments = parser.parse_args()
    programs = arguments.programs or build()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        folder = without_end(arguments.model or train(programs, scratch), scratch)
        task = scratch / "task.json"
        task.write_text(json.dumps(make_task(folder, scratch)))
        print("| what | threads | ours | theirs | ours / theirs | the ratio's range |\n|---|---|---|---|---|---|", flush=True)
        for kind in arguments.kinds:
            for threads in arguments.threads:
                print(row(kind, threads, compare(programs, folder, task, kind, threads, arguments.pairs)), flush=True)


def build():
    packages = ["--package", "duologue", "--package", "duologue-benches"]
    subprocess.run(["cargo", "build", "--release", *packages], cwd=ROOT, check=True)
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT, check=True, capture_output=True
    )
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release"


def train(programs, scratch):
    """A cold start of 200 updates: enough to make the padding token, which is never learned, as good as impossible."""
    short = ["sft.updates=200", "sft.dialogues=600", "sft.probe_min=0.0", "grpo.steps=0", "eval.items=1"]
    settings = [word for setting in short for word in ("--set", setting)]
    command = [programs / "duologue", "train", ROOT / "configs/quickstart.toml", *settings, "--out", scratch / "run"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return scratch / "run/checkpoints/step-000000/agent"


def without_end(model, scratch):
    """The model with the padding token in place of the closing one, so that all rows grow equally long on both sides."""
    folder = scratch / "model"
    shutil.copytree(model, folder)
    pad = json.loads((folder / "config.json").read_text())["pad_token_id"]
    for file, key in [("config.json", "eos_token_id"), ("generation_config.json", "eos_token_id"), ("duologue.json", "close_id")]:
        content = json.loads((folder / file).read_text())
        content[key] = pad
        (folder / file).write_text(json.dumps(content))
    file = folder / "tokenizer_config.json"
    content = json.loads(file.read_text())
    content["eos_token"] = content["pad_token"]
    file.write_text(json.dumps(content))
    return folder


def make_task(folder, scratch):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    draw = random.Random(1)
    prompts = [prompt(tokenizer, draw) for _ in range(ROWS)]
    return {
        "prompts": [ids for ids, _ in prompts],
        "group_prompts": [ids for ids, _ in prompts[:GROUPS]],
        "group_texts": [text for _, text in prompts[:GROUPS]],
        "group_size": ROWS // GROUPS,
        "new_tokens": NEW,
        "lr": 1e-7,
        "scratch": str(scratch / "trl"),
    }


def prompt(tokenizer, draw):
    """Exactly so many tokens that are the same after they were text."""
    words = [word for word in tokenizer.get_vocab() if word.startswith("Ġ") and word[1:].isalpha()]
    text = ""
    while True:
        longer = text + tokenizer.convert_tokens_to_string([draw.choice(words)])
        ids = tokenizer(longer, add_special_tokens=False)["input_ids"]
        if len(ids) <= PROMPT:
            text = longer
        if len(ids) == PROMPT:
            return ids, text


class Side:
    """One half, alive until its input ends."""

    def __init__(self, name, command, line):
        self.name, self.line = name, line
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=tempfile.TemporaryFile("w+"), text=True
        )

    def once(self):
        self.process.stdin.write(self.line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"error: {self.name} ended with {self.process.wait()}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(programs, folder, task, kind, threads, pairs):
    here = Path(__file__).parent
    ours = Side("our half", [programs / "pace", folder, task, threads], kind)
    theirs = Side("the other half", [sys.executable, here / "other_side.py", folder, task, threads, kind], kind)
    for _ in range(WARM):
        ours.once(), theirs.once()
    measured = [(ours.once(), theirs.once()) for _ in range(pairs)]
    ours.close(), theirs.close()
    return measured


def row(kind, threads, measured):
    speed = lambda one: (1 if kind == "step" else one["tokens"]) / one["seconds"]
    ours, theirs = ([speed(pair[side]) for pair in measured] for side in (0, 1))
    ratios = [a / b for a, b in zip(ours, theirs)]
    middle = statistics.median
    form = "{:.2f}" if kind == "step" else "{:.0f}"
    return (
        f"| {kind}, {UNITS[kind]} | {threads} | {form.format(middle(ours))} | {form.format(middle(theirs))} "
        f"| **{middle(ratios):.1f}** | {min(ratios):.1f} – {max(ratios):.1f} |"
    )


main()
