"""What we hand out is what other people's tools read: models, conversations, charts.

    pip install -r tests/python/requirements.txt
    cargo xtask libtorch
    cargo build --release -p duologue && cargo build --release -p duologue-model --examples
    python tests/python/check_export.py runs/NAME

Of a finished run: each seat's exported model opens in `transformers` and computes our logits on 20 recorded prompts; its chat template
renders recorded conversations to the text that our models saw, byte for byte; `tensorboard` lists every number of metrics.jsonl.
Not part of the test command: it needs PyTorch for Python.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import tempfile

import numpy
import torch
import transformers
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

TOLERANCE = 1e-4
PROMPTS = 20
ROOT = pathlib.Path(__file__).resolve().parents[2]


def call(program: pathlib.Path, *arguments) -> None:
    subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def ours(program: pathlib.Path, run: pathlib.Path, seat: str, vocabulary: int) -> list:
    """Prompts recorded in the run, each with the logits [ids, vocabulary] that we compute."""
    with tempfile.TemporaryDirectory() as scratch:
        call(program, run, seat, PROMPTS, scratch)
        prompts = json.loads((pathlib.Path(scratch) / "prompts.json").read_text())
        numbers = numpy.fromfile(pathlib.Path(scratch) / "logits.f32", dtype="<f4").reshape(-1, vocabulary)
    ends = numpy.cumsum([len(prompt["ids"]) for prompt in prompts])
    assert ends[-1] == len(numpy.asarray(numbers)), "one row of logits for each id"
    for prompt, logits in zip(prompts, numpy.split(numbers, ends[:-1])):
        prompt["logits"] = torch.from_numpy(logits)
    return prompts


def check_model(folder: pathlib.Path, program: pathlib.Path, run: pathlib.Path, lines: dict) -> None:
    """One seat's exported model against ours."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, loading = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(loading.values()), loading
    assert model.dtype == torch.float32, model.dtype
    generation = GenerationConfig.from_pretrained(folder)
    assert tokenizer.eos_token_id == generation.eos_token_id == model.config.eos_token_id
    assert tokenizer.pad_token_id == generation.pad_token_id == model.config.pad_token_id
    # Older tools read the template from here.
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    assert settings["chat_template"] == tokenizer.chat_template == (folder / "chat_template.jinja").read_text()

    worst, same_ids = 0.0, 0
    for prompt in ours(program, run, folder.name, model.config.vocab_size):
        exported = lines[prompt["episode"], folder.name]["messages"]
        assert exported[: len(prompt["messages"])] == prompt["messages"], prompt["episode"]
        text = tokenizer.apply_chat_template(prompt["messages"], tokenize=False, add_generation_prompt=True)
        assert text == prompt["text"] == tokenizer.decode(prompt["ids"]), prompt["episode"]
        # A model may have sampled a text in other ids than the tokenizer's own; that is no matter of the export.
        same_ids += tokenizer(text).input_ids == prompt["ids"]
        with torch.no_grad():
            logits = model(torch.tensor([prompt["ids"]])).logits[0]
        worst = max(worst, (logits - prompt["logits"]).abs().max().item())
    print(f"{folder.name}: {PROMPTS} prompts, {same_ids} of them in the tokenizer's own ids; logits differ by at most {worst:.2e}")
    assert worst < TOLERANCE, f"{folder.name}: more than {TOLERANCE}"

    answer = model.generate(torch.tensor([prompt["ids"]]), max_new_tokens=96, do_sample=False)[0][len(prompt["ids"]) :]
    print(f"{folder.name} says: {tokenizer.decode(answer)}")


def check_templates(exported: pathlib.Path, lines: dict) -> None:
    """Every recorded conversation, rendered by `transformers`, is its messages laid end to end."""
    for seat in ["agent", "user"]:
        tokenizer = AutoTokenizer.from_pretrained(exported / seat)
        of_seat = [line["messages"] for (_, whose), line in lines.items() if whose == seat]
        for messages in of_seat:
            by_hand = "".join(f"<|{message['role']}|>{message['content']}<|end|>" for message in messages)
            assert tokenizer.apply_chat_template(messages, tokenize=False) == by_hand, messages
        print(f"{seat}: {len(of_seat)} conversations render as they should")


def check_charts(run: pathlib.Path) -> None:
    """TensorBoard shows metrics.jsonl, and nothing else."""
    expected = collections.defaultdict(list)
    for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
        prefix = "".join(f"{line[key]}/" for key in ["phase", "opponent"] if key in line)
        for key, value in line.items():
            if key != "step" and isinstance(value, (int, float)):
                expected[prefix + key].append((line["step"], float(numpy.float32(value))))
    charts = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    charts.Reload()
    tags = charts.Tags()["scalars"]
    assert sorted(tags) == sorted(expected), set(tags) ^ set(expected)
    for tag in tags:
        assert [(event.step, event.value) for event in charts.Scalars(tag)] == expected[tag], tag
    print(f"tensorboard: {len(tags)} scalars, {sum(map(len, expected.values()))} points, all as in metrics.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--duologue", type=pathlib.Path, default=ROOT / "target/release/duologue")
    parser.add_argument("--ours", type=pathlib.Path, default=ROOT / "target/release/examples/recorded_logits")
    asked = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as scratch:
        exported = pathlib.Path(scratch) / "models"
        call(asked.duologue, "export", asked.run, "--format", "hf", "--out", exported)
        talks = pathlib.Path(scratch) / "talks.jsonl"
        call(asked.duologue, "export", asked.run, "--format", "messages", "--out", talks)
        lines = {(line["episode"], line["seat"]): line for line in map(json.loads, talks.open())}
        for folder in sorted(exported.iterdir()):
            check_model(folder, asked.ours, asked.run, lines)
        check_templates(exported, lines)
    check_charts(asked.run)


if __name__ == "__main__":
    main()
