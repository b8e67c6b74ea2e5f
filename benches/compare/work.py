"""How much a time asks of the machine at least, by formula: additions and multiplications, and bytes through memory.

They are counted for the lengths that our half reports, once for whatever need be computed once, without recomputation, padding or activations:
so a share of a ceiling says how far a half is from what cannot be done faster as long as the model is this one in f32.
"""

from dataclasses import dataclass

from shapes import Shape

NUMBER = 4


@dataclass
class Work:
    flops: float = 0.0
    bytes: float = 0.0

    def __add__(self, other):
        return Work(self.flops + other.flops, self.bytes + other.bytes)


def of(kind: str, shape: Shape, task: dict, answer: dict) -> Work:
    if kind == "learn":
        lengths = [len(lesson) for lesson in task["lessons"]]
        return learning(shape, lengths, sum(lengths) - len(lengths))
    sampled = sampling(shape, answer["turns"])
    if kind != "step":
        return sampled
    rows = len(task["prompts"]) * task["group_size"]
    length = len(task["prompts"][0]) + task["new_tokens"]
    return sampled + learning(shape, [length] * rows, rows * task["new_tokens"])


def sampling(shape: Shape, turns: list) -> Work:
    """`turns[turn][row]` is how many tokens were kept from before, shown and sampled."""
    return sum((turn_of(shape, rows) for rows in turns), Work())


def turn_of(shape: Shape, rows: list) -> Work:
    """All weights are read once for what is shown and once for each column that is sampled, and each row's keys and values for each of its tokens."""
    run = sum(shown + sampled for _, shown, sampled in rows)
    heads = sum(sampled for _, _, sampled in rows)
    seen = sum((shown + sampled) * (kept + (shown + sampled) / 2) for kept, shown, sampled in rows)
    read = sum(sampled * (kept + shown + sampled / 2) for kept, shown, sampled in rows)
    passes = 1 + max(sampled for _, _, sampled in rows)
    return Work(
        flops=2 * shape.body * run + 2 * shape.head * heads + attention(shape, seen),
        bytes=NUMBER * (passes * (shape.body + shape.head) + 2 * shape.layers * shape.kv_heads * shape.head_dim * read),
    )


def learning(shape: Shape, lengths: list, losses: int) -> Work:
    """Three times the forward pass. Weights are read forward and backward; AdamW reads weights, gradient and two moments and writes three of them,
    and the gradient was written before."""
    seen = sum(length * length / 2 for length in lengths)
    return Work(
        flops=3 * (2 * shape.body * sum(lengths) + 2 * shape.head * losses + attention(shape, seen)),
        bytes=NUMBER * 10 * (shape.body + shape.head),
    )


def attention(shape: Shape, seen: float) -> float:
    """Queries by keys and weights by values, for so many pairs of a token and one that it sees."""
    return 4 * shape.layers * shape.heads * shape.head_dim * seen
