"""Our folders open in Hugging Face's `transformers` with the same logits, and theirs in ours.

    pip install -r tests/python/requirements.txt
    python tests/python/check_hf.py [--golden]

`--golden` also writes what the Rust tests compare with.
Not part of the test command: it needs PyTorch for Python, which nothing else here does.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

TOLERANCE = 1e-4
ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "crates" / "model" / "tests" / "model" / "transformers_logits.json"


def ours(what: str, folder: pathlib.Path) -> None:
    command = ["cargo", "run", "--quiet", "--release", "-p", "duologue-model", "--example", "hf_logits", what, folder]
    subprocess.run(command, check=True, cwd=ROOT)


def theirs(folder: pathlib.Path) -> torch.Tensor:
    """Logits [2, 40, vocab] that `transformers` computes for the tokens in `logits.json`."""
    tokens = json.loads((folder / "logits.json").read_text())["tokens"]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert type(model).__name__ == "Qwen3ForCausalLM", type(model)
    with torch.no_grad():
        return model(torch.tensor(tokens).view(2, -1)).logits


def difference(folder: pathlib.Path) -> float:
    """Largest difference between the logits that `transformers` computes and those in `logits.json`."""
    written = json.loads((folder / "logits.json").read_text())["logits"]
    return (theirs(folder).flatten() - torch.tensor(written)).abs().max().item()


def check(name: str, found: float) -> None:
    print(f"{name}: logits differ by at most {found:.2e}")
    assert found < TOLERANCE, f"{name}: more than {TOLERANCE}"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        made = pathlib.Path(scratch)
        ours("write", made)
        golden = {"transformers": transformers.__version__, "torch": torch.__version__}
        for name in ["tied", "untied"]:
            check(f"{name}, ours read by transformers", difference(made / name))
            golden[name] = theirs(made / name)[:, -1].flatten().tolist()

            tokenizer = AutoTokenizer.from_pretrained(made / name)
            assert tokenizer("hello there").input_ids == [2, 3]
            assert (tokenizer.eos_token, tokenizer.pad_token) == ("<end>", "<pad>")
            assert tokenizer.apply_chat_template([{"role": "user", "content": "hello"}], tokenize=False) == "hello"
            assert GenerationConfig.from_pretrained(made / name).eos_token_id == 1

            saved = made / f"{name}-theirs"
            AutoModelForCausalLM.from_pretrained(made / name, dtype=torch.float32).save_pretrained(saved)
            for text in ["tokenizer.json", "chat_template.jinja"]:
                shutil.copy(made / name / text, saved / text)
            ours("read", saved)
            check(f"{name}, theirs read by us", difference(saved))
        if "--golden" in sys.argv[1:]:
            GOLDEN.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
