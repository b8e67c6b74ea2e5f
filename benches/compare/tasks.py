"""What is to be done each time, by kind and shape: a JSON file that both halves read. All ids are drawn once, from a fixed seed."""

import random

from shapes import SHAPES, word

ROWS = 32
# `step` and `learn`: groups, tokens of a prompt, tokens after it.
STEPS = {"1m": (8, 64, 32), "40m": (4, 32, 32)}
GROUP = 8


def make(kind: str, name: str) -> dict:
    draw = Draw(SHAPES[name].vocab)
    if kind == "decode":
        return decode(draw, name)
    if kind.startswith("episodes"):
        return episodes(draw)
    if kind.startswith("memory"):
        return memory(draw)
    return {"step": step, "learn": learn}[kind](draw, name)


class Draw:
    def __init__(self, vocab):
        self.vocab, self.random = vocab, random.Random(1)

    def ids(self, length):
        return [self.random.randrange(2, self.vocab) for _ in range(length)]


def decode(draw, name):
    """`tokens` is how many have to come out on both sides: no row ends early."""
    new = {"1m": 128, "40m": 64, "0.6b": 16}[name]
    return {"prompts": [draw.ids(32) for _ in range(ROWS)], "new_tokens": new, "tokens": ROWS * new}


def episodes(draw):
    """Eight turns; before each a row is shown 8 to 24 new tokens. One id in 16 closes a turn, so its length is geometric with mean 16, within 64."""
    shown = [[draw.ids(draw.random.randint(8, 24)) for _ in range(8)] for _ in range(ROWS)]
    return {"shown": shown, "new_tokens": 64, "closing": list(range(7, draw.vocab, 16))}


def step(draw, name):
    groups, prompt, new = STEPS[name]
    prompts = [draw.ids(prompt) for _ in range(groups)]
    return {
        "prompts": prompts, "texts": [" ".join(map(word, ids)) for ids in prompts], "group_size": GROUP,
        "new_tokens": new, "tokens": groups * GROUP * new, "lr": 1e-7,
    }


def learn(draw, name):
    groups, prompt, new = STEPS[name]
    return {"lessons": [draw.ids(prompt + new) for _ in range(groups * GROUP)], "lr": 1e-7}


def memory(draw):
    """32 rows of 256 tokens in groups of 8, learned from on their last 192."""
    prompts = [draw.ids(64) for _ in range(ROWS // GROUP)]
    return {
        "prompts": [ids for ids in prompts for _ in range(GROUP)],
        "texts": [" ".join(map(word, ids)) for ids in prompts],
        "completions": [draw.ids(192) for _ in range(ROWS)], "group_size": GROUP, "new_tokens": 192, "lr": 1e-7,
    }
