"""The shapes of the comparison, and folders with random weights of them that `transformers` and our loader open.

    python shapes.py SHAPE FOLDER      SHAPE is 1m, 40m or 0.6b
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

PAD, EOS = 0, 1
POSITIONS = 1024


@dataclass(frozen=True)
class Shape:
    """A decoder of the Qwen3 kind whose head is its embedding."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int

    @property
    def head(self) -> int:
        """Numbers of the embedding, which is the head too."""
        return self.vocab * self.hidden

    @property
    def body(self) -> int:
        """Numbers of all matrices of the layers."""
        attention = 2 * self.hidden * self.head_dim * (self.heads + self.kv_heads)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)


SHAPES = {
    "1m": Shape(hidden=128, layers=4, heads=4, kv_heads=4, head_dim=32, intermediate=384, vocab=1024),
    "40m": Shape(hidden=512, layers=8, heads=8, kv_heads=4, head_dim=64, intermediate=1536, vocab=32768),
    "0.6b": Shape(hidden=1024, layers=28, heads=16, kv_heads=8, head_dim=128, intermediate=3072, vocab=151936),
}


def word(id: int) -> str:
    """How a token is written: one word, so that text and ids are the same."""
    return {PAD: "<pad>", EOS: "<end>"}.get(id, f"w{id}")


def make(name: str, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(configuration(SHAPES[name]), dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            shake(parameter, model.get_input_embeddings().weight)
    model.save_pretrained(folder)
    write_text_files(folder, SHAPES[name])


def configuration(shape: Shape):
    from transformers import Qwen3Config

    return Qwen3Config(
        vocab_size=shape.vocab, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim, max_position_embeddings=POSITIONS, tie_word_embeddings=True,
        eos_token_id=EOS, pad_token_id=PAD, bos_token_id=None,
    )


def shake(parameter, embedding) -> None:
    """Logits of about half a unit that depend on what was read, so that no token is a favourite and 1 in 16 ids is drawn 1 in 16 times."""
    if parameter.dim() == 2:
        deviation = parameter.shape[1] ** -0.5
        parameter.normal_(0.0, 0.5 * deviation if parameter is embedding else deviation)


def write_text_files(folder: Path, shape: Shape) -> None:
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {
                "id": id, "content": word(id), "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True,
            }
            for id in (PAD, EOS)
        ],
        "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word(id): id for id in range(shape.vocab)}, "unk_token": word(PAD)},
    }
    words = {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": word(EOS), "pad_token": word(PAD),
        "chat_template": "{% for message in messages %}{{ message.content }}{% endfor %}",
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(words) + "\n")


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]))
