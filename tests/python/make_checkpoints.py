"""Twelve small random checkpoints of three families: `transformers` and we compute the same, and what we write back opens there.

    pip install -r tests/python/requirements.txt
    python tests/python/make_checkpoints.py [--golden] [--keep DIR]

For each checkpoint `transformers` (and `peft`) say the logits of 50 prompts and greedy answers of up to 64 tokens. Our half,
`crates/model/examples/hf_families.rs`, opens it as any command would, compares, and writes it back; what it wrote is then opened here again.
`--golden` also writes the small ones that the Rust tests compare with.
Not part of the test command: it needs PyTorch for Python, which nothing else here does.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile

import peft
import torch
import transformers
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

BOUND = {"f32": 1e-4, "bf16": 2e-2}
ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "crates" / "model" / "tests" / "model" / "checkpoints"
KINDS = {"qwen3": Qwen3Config, "qwen2": Qwen2Config, "llama": LlamaConfig}
EOS, PAD, VOCAB = 1, 0, 96

LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}

# Heads and key heads; head_dim where it is not hidden / heads; and what is unusual.
CHECKPOINTS = {
    "qwen3-tied": dict(family="qwen3", heads=4, kv=2, head_dim=16, tied=True, golden=True),
    "qwen3-yarn-untied": dict(family="qwen3", heads=8, kv=2, head_dim=20, rope=YARN, old=True),
    "qwen3-bf16": dict(family="qwen3", heads=3, kv=3, head_dim=48, tied=True, dtype="bf16"),
    "qwen3-biases-linear": dict(
        family="qwen3", heads=4, kv=4, head_dim=10, rope={"rope_type": "linear", "factor": 2.0}, shards=True,
        more={"attention_bias": True},
    ),
    "qwen2-tied": dict(family="qwen2", heads=4, kv=4, tied=True, golden=True),
    "qwen2-bf16-untied": dict(family="qwen2", heads=4, kv=1, dtype="bf16"),
    "qwen2-yarn-shards": dict(
        family="qwen2", heads=4, kv=2, tied=True, shards=True,
        rope=YARN | {"beta_fast": 16.0, "beta_slow": 2.0, "truncate": False, "attention_factor": 1.2},
    ),
    "llama-untied": dict(family="llama", heads=4, kv=2, eos=[EOS, 5, 9]),
    "llama3-rope": dict(family="llama", heads=4, kv=1, head_dim=12, tied=True, rope=LLAMA3, old=True, golden=True),
    "llama-biases-dynamic": dict(
        family="llama", heads=2, kv=2, rope={"rope_type": "dynamic", "factor": 2.0},
        more={"attention_bias": True, "mlp_bias": True},
    ),
    "qwen2-adapter": dict(
        family="qwen2", heads=4, kv=2, tied=True,
        lora=dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], lora_dropout=0.05),
    ),
    "llama3-adapter-all": dict(
        family="llama", heads=4, kv=2, rope=LLAMA3, golden=True,
        lora=dict(r=8, lora_alpha=4, target_modules="all-linear", use_rslora=True),
    ),
}

TOKENIZER = {
    "version": "1.0", "truncation": None, "padding": None,
    "added_tokens": [
        {"id": id, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for id, word in [(PAD, "<pad>"), (EOS, "<end>")]
    ],
    "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"<pad>": 0, "<end>": 1, "hello": 2, "there": 3}, "unk_token": "<pad>"},
}


def make_model(seed: int, spec: dict) -> transformers.PreTrainedModel:
    config = KINDS[spec["family"]](
        vocab_size=VOCAB, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=spec["heads"],
        num_key_value_heads=spec["kv"], max_position_embeddings=256, tie_word_embeddings=spec.get("tied", False),
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0} | spec.get("rope", {}),
        eos_token_id=spec.get("eos", EOS), pad_token_id=PAD, bos_token_id=None,
        **({"head_dim": spec["head_dim"]} if "head_dim" in spec else {}), **spec.get("more", {}),
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            shake(name, parameter)
    return model.eval()


def shake(name: str, parameter: torch.Tensor) -> None:
    """Every norm away from 1 and every bias away from 0, so that none can be forgotten unseen; logits of about half a unit."""
    if "norm" in name:
        parameter.normal_(1.0, 0.3)
    elif parameter.dim() == 1:
        parameter.normal_(0.0, 0.3)
    elif "embed" in name or "lm_head" in name:
        parameter.normal_(0.0, 0.5 * parameter.shape[1] ** -0.5)
    else:
        parameter.normal_(0.0, parameter.shape[1] ** -0.5)


def make_adapter(model: transformers.PreTrainedModel, spec: dict) -> peft.PeftModel:
    adapted = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **spec["lora"]))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(0.0, 0.5 * parameter.shape[1] ** -0.5)
    return adapted.eval()


def save(folder: pathlib.Path, model: transformers.PreTrainedModel, spec: dict) -> None:
    size = {"max_shard_size": "60KB"} if spec.get("shards") else {}
    model.save_pretrained(folder, **size)
    assert (folder / "model.safetensors.index.json").exists() == spec.get("shards", False)
    if spec.get("old"):
        write_old_keys(folder / "config.json")
    (folder / "tokenizer.json").write_text(json.dumps(TOKENIZER) + "\n")
    words = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<end>", "pad_token": "<pad>"}
    template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps(words | {"chat_template": template}) + "\n")


def write_old_keys(path: pathlib.Path) -> None:
    """`config.json` as transformers 4 wrote it."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = {"type" if key == "rope_type" else key: value for key, value in rope.items()}
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2) + "\n")


def prompts(seed: int) -> list[list[int]]:
    """Fifty, of ten lengths from 1 to 46."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(2, VOCAB, [1 + 5 * (index // 5)], generator=generator).tolist() for index in range(50)]


def all_logits(model: torch.nn.Module, asked: list[list[int]]) -> list[torch.Tensor]:
    with torch.no_grad():
        return [model(torch.tensor([prompt])).logits[0].float() for prompt in asked]


def greedy(model: torch.nn.Module, asked: list[list[int]], eos: list[int], steps: int) -> tuple[list, list]:
    """Answers cut behind the first end of text, and the gap between the two best logits at each of their tokens."""
    longest = max(map(len, asked))
    ids = torch.tensor([[PAD] * (longest - len(prompt)) + prompt for prompt in asked])
    seen = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in asked])
    places, past, tokens, distances = (seen.cumsum(1) - 1).clamp(min=0), None, [], []
    for _ in range(steps):
        with torch.no_grad():
            out = model(ids, attention_mask=seen, position_ids=places, past_key_values=past, use_cache=True)
        best = out.logits[:, -1].float().topk(2)
        ids, past = best.indices[:, :1], out.past_key_values
        seen = torch.cat([seen, torch.ones_like(ids)], 1)
        places = places[:, -1:] + 1
        tokens.append(ids[:, 0])
        distances.append(best.values[:, 0] - best.values[:, 1])
    answers, gaps = [], []
    for answer, gap in zip(torch.stack(tokens, 1).tolist(), torch.stack(distances, 1).tolist()):
        end = next((place + 1 for place, token in enumerate(answer) if token in eos), steps)
        answers.append(answer[:end])
        gaps.append([round(distance, 7) for distance in gap[:end]])
    return answers, gaps


def make(folder: pathlib.Path, seed: int, spec: dict) -> None:
    """A checkpoint, and what `transformers` computes for it once it is opened again."""
    dtype = spec.get("dtype", "f32")
    model = make_model(seed, spec)
    if dtype == "bf16":
        model = model.to(torch.bfloat16)
    save(folder / "base", model, spec)
    if "lora" in spec:
        make_adapter(model, spec).save_pretrained(folder / "adapter")
    opened = open_base(folder / "base", dtype)
    if "lora" in spec:
        opened = peft.PeftModel.from_pretrained(opened, folder / "adapter").eval()
    asked = prompts(seed)
    eos = spec.get("eos", EOS)
    answers, gaps = greedy(opened, asked, eos if isinstance(eos, list) else [eos], 64)
    write_expected(folder, all_logits(opened, asked), asked, answers, gaps, dtype, "lora" in spec, last_only=False)


def write_expected(folder, logits, asked, answers, gaps, dtype, adapter, last_only) -> None:
    kept = [of_prompt[-1:] if last_only else of_prompt for of_prompt in logits]
    (folder / "logits.f32").write_bytes(torch.cat(kept).contiguous().numpy().astype("<f4").tobytes())
    expected = dict(prompts=asked, greedy=answers, gaps=gaps, dtype=dtype, adapter=adapter, last_only=last_only)
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def open_base(folder: pathlib.Path, dtype: str) -> transformers.PreTrainedModel:
    numbers = torch.bfloat16 if dtype == "bf16" else torch.float32
    return AutoModelForCausalLM.from_pretrained(folder, dtype=numbers, local_files_only=True).eval()


def read_logits(folder: pathlib.Path) -> torch.Tensor:
    """All positions of all prompts, `[positions, vocab]`."""
    return torch.frombuffer(bytearray((folder / "logits.f32").read_bytes()), dtype=torch.float32).view(-1, VOCAB)


def written_back(folder: pathlib.Path, seed: int, spec: dict) -> dict[str, float]:
    """Largest difference between the logits of what we were given and of each folder that we wrote."""
    dtype, asked, given = spec.get("dtype", "f32"), prompts(seed), read_logits(folder)

    def difference(model: torch.nn.Module) -> float:
        return (torch.cat(all_logits(model.eval(), asked)) - given).abs().max().item()

    if "lora" in spec:
        adapted = peft.PeftModel.from_pretrained(open_base(folder / "base", dtype), folder / "ours")
        return {"ours": difference(adapted), "ours-merged": difference(open_base(folder / "ours-merged", dtype))}
    assert len(list((folder / "ours-sharded").glob("model-*-of-*.safetensors"))) > 1
    written = transformers.AutoConfig.from_pretrained(folder / "ours")
    assert written.model_type == spec["family"], written.model_type
    assert str(written.dtype) == {"f32": "torch.float32", "bf16": "torch.bfloat16"}[dtype], written.dtype
    assert written.architectures == [type(open_base(folder / "ours", dtype)).__name__], written.architectures
    return {which: difference(open_base(folder / which, dtype)) for which in ["ours", "ours-sharded"]}


def golden(folder: pathlib.Path) -> None:
    """The same with eight prompts, answers of 16 tokens and the logits of the last positions."""
    target = GOLDEN / folder.name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for part in ["base", "adapter"]:
        if (folder / part).exists():
            shutil.copytree(folder / part, target / part, ignore=shutil.ignore_patterns("README.md"))
    expected = json.loads((folder / "expected.json").read_text())
    logits = read_logits(folder).split([len(prompt) for prompt in expected["prompts"]])
    chosen = range(2, 50, 6)
    asked = [expected["prompts"][index] for index in chosen]
    answers = [expected["greedy"][index][:16] for index in chosen]
    gaps = [expected["gaps"][index][:16] for index in chosen]
    kept = [logits[index] for index in chosen]
    write_expected(target, kept, asked, answers, gaps, expected["dtype"], expected["adapter"], last_only=True)
    adapter = target / "adapter" / "adapter_config.json"
    if adapter.exists():
        # Where the base lay on this machine is nobody's business.
        adapter.write_text(json.dumps(json.loads(adapter.read_text()) | {"base_model_name_or_path": None}, indent=2) + "\n")


def check(made: pathlib.Path, with_golden: bool) -> None:
    for seed, (name, spec) in enumerate(CHECKPOINTS.items()):
        (made / name).mkdir()
        make(made / name, seed, spec)
    command = ["cargo", "run", "--quiet", "--release", "-p", "duologue-model", "--example", "hf_families", made]
    lines = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    ours = {line["name"]: line for line in map(json.loads, lines)}
    failures = []
    for seed, (name, spec) in enumerate(CHECKPOINTS.items()):
        dtype, found = spec.get("dtype", "f32"), ours[name]
        back = written_back(made / name, seed, spec)
        said = ", ".join(f"{which} {value:.1e}" for which, value in back.items())
        print(
            f"{name:21} {dtype:4}: {found['compared']} logits differ by at most {found['logits']:.1e}; of 50 greedy answers "
            f"{found['inexcusable']} differ, and {found['excused']} after a tie; written back: {said}"
        )
        far = max(found["logits"], *back.values()) > BOUND[dtype]
        if far or (dtype == "f32" and found["inexcusable"] > 0):
            failures.append(name)
        if with_golden and spec.get("golden"):
            golden(made / name)
    assert not failures, f"beyond {BOUND}, or another answer: {failures}"


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--golden", action="store_true")
    arguments.add_argument("--keep", type=pathlib.Path, help="a folder for all of it, which must not be there yet")
    arguments = arguments.parse_args()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    if arguments.keep:
        arguments.keep.mkdir(parents=True)
        check(arguments.keep.resolve(), arguments.golden)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            check(pathlib.Path(scratch), arguments.golden)


if __name__ == "__main__":
    main()
