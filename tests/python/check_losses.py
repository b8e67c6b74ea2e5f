"""Our losses and advantages against those of `trl`.

    pip install -r tests/python/requirements.txt trl==1.16.0
    python tests/python/check_losses.py [--golden]

Calls `trl`'s own `_compute_loss` and `_generate_and_score_completions` on recorded numbers, through trainers of which nothing but these functions is real,
and compares with `crates/rl/tests/trl.json`; `--golden` writes that file, with which the Rust tests compare the numbers of `rl::loss`, the tensors of
`model` and the advantages of `rl`.
Not part of the test command: it needs PyTorch for Python, which nothing else here does.
"""

import collections
import json
import pathlib
import sys
import types

import torch
import trl
from trl import GRPOTrainer, RLOOTrainer

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "crates" / "rl" / "tests" / "trl.json"
TOLERANCE = 1e-9
GROUP = 3
# Tokens of each completion, and of those the ones that were shown in between, as a tool's answer is.
LENGTHS = [5, 9, 3, 7, 4, 6]
SHOWN = {1: [3, 4], 3: [2], 5: [0, 1, 5]}
MAX_LENGTH = 11


def draw(seed: int, low: float, high: float) -> list[list[float]]:
    """Numbers that are exact in few digits, one for each token."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.rand(length, generator=generator, dtype=torch.float64) for length in LENGTHS]
    return [[round(low + (high - low) * value, 5) for value in row.tolist()] for row in rows]


def near(center: list[list[float]], seed: int, width: float) -> list[list[float]]:
    return [
        [round(min(a + b, -1e-5), 5) for a, b in zip(row, moves)]
        for row, moves in zip(center, draw(seed, -width, width))
    ]


SAMPLED = draw(1, -4.0, -0.6)
OLD = near(SAMPLED, 2, 0.9)
NOW = near(SAMPLED, 3, 0.5)
REFERENCE = near(SAMPLED, 4, 1.0)
ENTROPY = draw(5, 0.1, 2.5)
OWN = [[int(at not in SHOWN.get(row, [])) for at in range(length)] for row, length in enumerate(LENGTHS)]
ADVANTAGES = [1.2, -0.7, 0.4, -1.5, 0.9, -0.3]


def padded(rows: list[list[float]], fill: float = 0.0) -> torch.Tensor:
    longest = max(LENGTHS)
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows], dtype=torch.float64)


class Accelerator:
    device = torch.device("cpu")
    num_processes = 1
    process_index = 0
    sync_gradients = True

    def gather(self, numbers):
        return numbers

    gather_for_metrics = gather

    def reduce(self, numbers, reduction):
        return numbers


def stub(base: type, **fields):
    """A trainer of which only `base`'s functions are real: its model is a table of recorded numbers."""

    class Stub(base):
        _tokenizer = types.SimpleNamespace(pad_token_id=0)

        def __init__(self):
            pass

        def _get_per_token_logps_and_entropies(self, model, *args, **kwargs):
            return model.logps, padded(ENTROPY), None

        def _generate(self, prompts):
            prompt_ids = [[1, 2]] * len(LENGTHS)
            completion_ids = [[7] * length for length in LENGTHS]
            if base is RLOOTrainer:
                return prompt_ids, completion_ids, [""] * len(LENGTHS)
            return prompt_ids, completion_ids, OWN, [""] * len(LENGTHS), SAMPLED, {}, None, None

        def _calculate_rewards(self, *args):
            return torch.tensor(self.rewards, dtype=torch.float64)

    trainer = Stub()
    # The base class may define some of these as properties of a trainer that was set up.
    defaults = dict(
        accelerator=Accelerator(),
        model=types.SimpleNamespace(training=True, is_gradient_checkpointing=False, logps=padded(OLD)),
        ref_model=types.SimpleNamespace(logps=padded(REFERENCE)),
        args=types.SimpleNamespace(
            delta=None,
            use_bias_correction_kl=False,
            steps_per_generation=1,
            gradient_accumulation_steps=1,
            gradient_checkpointing_kwargs=None,
            gradient_checkpointing=False,
            per_device_train_batch_size=len(LENGTHS),
        ),
        _metrics={"train": collections.defaultdict(list)},
        _logs={key: collections.defaultdict(list) if key in ("rewards", "extra") else [] for key in LOGS},
        _pending_extra_logs={},
        _pending_metrics={},
        log_multimodal=False,
        tools=None,
        environments=None,
        environment_factories=None,
        pad_to_multiple_of=None,
        mask_truncated_completions=False,
        eos_token_ids=[7],
        num_iterations=1,
        num_generations=GROUP,
        current_gradient_accumulation_steps=1,
        max_completion_length=MAX_LENGTH,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        _entropy_bonus_enabled=False,
        use_adaptive_entropy=False,
        entropy_coef=0.0,
        aux_loss_enabled=False,
        use_vllm=False,
        vllm_importance_sampling_correction=False,
        importance_sampling_level="token",
        loss_type="dapo",
        epsilon_low=0.2,
        epsilon_high=0.2,
        beta=0.0,
        reward_clip_range=None,
        normalize_advantages=False,
        multi_objective_aggregation="sum_then_normalize",
        scale_rewards="group",
        reward_weights=torch.tensor([1.0]),
        reward_funcs=["reward"],
        reward_func_names=["reward"],
        rewards=[[0.0]] * len(LENGTHS),
    )
    for name, value in (defaults | fields).items():
        setattr(trainer, name, value)
    return trainer


LOGS = ["prompt", "completion", "rewards", "advantages", "extra", "images"]


def loss(trainer, inputs: dict) -> tuple[float, list[list[float]]]:
    """The loss, and its slope in the log-probability of each token."""
    now = padded(NOW).requires_grad_()
    model = types.SimpleNamespace(training=True, logps=now)
    value = trainer._compute_loss(model, inputs)
    (slope,) = torch.autograd.grad(value, now)
    rows = [row[:length] for row, length in zip(slope.tolist(), LENGTHS)]
    return value.item(), rows


def inputs(own: torch.Tensor) -> dict:
    """What the loss reads, without a correction between sampler and learner: the old policy is the sampler."""
    ids = torch.full((len(LENGTHS), 2), 1)
    mask = (padded(SAMPLED) != 0).long()
    return {
        "prompt_ids": ids,
        "prompt_mask": torch.ones_like(ids),
        "completion_ids": torch.full(mask.shape, 7),
        "completion_mask": mask,
        "tool_mask": own,
        "advantages": torch.tensor(ADVANTAGES, dtype=torch.float64),
        "old_per_token_logps": padded(SAMPLED),
        "old_logps": (padded(SAMPLED) * mask).sum(1),
        "ref_per_token_logps": padded(REFERENCE),
        "num_items_in_batch": (mask * own).sum(),
    }


def ours(**changes) -> dict:
    """Our words for the same rule: `rl::settings::LossRule`, `rl::loss::Bounds` and the weight of the divergence."""
    rule = {"ratio": "token", "clip": "objective", "normalizer": "tokens", "kl": "k3", "importance": None}
    rule |= {"entropy_weight": 0.0, "low": 0.2, "high": 0.2, "dual": None, "kl_weight": 0.0}
    assert changes.keys() <= rule.keys(), changes
    return rule | changes


def losses() -> list[dict]:
    own = padded([[float(flag) for flag in row] for row in OWN], 1.0).long()
    found = []

    def case(name: str, trainer, rule: dict, given: dict, own: list[list[int]]) -> None:
        value, slope = loss(trainer, given)
        found.append({"name": name, "rule": rule, "own": own, "loss": value, "slope": slope})

    def grpo(name: str, rule: dict, **fields) -> None:
        case(name, stub(GRPOTrainer, **fields), rule, inputs(own), OWN)

    grpo("grpo", ours(normalizer="sequences", kl_weight=0.04), loss_type="grpo", beta=0.04)
    grpo("bnpo", ours(kl_weight=0.04), loss_type="bnpo", beta=0.04)
    fixed = {"fixed": {"tokens": MAX_LENGTH}}
    grpo("dr_grpo", ours(normalizer=fixed), loss_type="dr_grpo")
    grpo("dapo", ours(high=0.28), epsilon_high=0.28)
    args = stub(GRPOTrainer).args
    args.delta = 1.5
    grpo("two-sided", ours(high=0.28, dual=1.5), epsilon_high=0.28, args=args)
    bounds = {"epsilon_low": 3e-4, "epsilon_high": 4e-4}
    rule = ours(ratio="sequence", normalizer="sequences", low=3e-4, high=4e-4)
    grpo("gspo", rule, loss_type="grpo", importance_sampling_level="sequence", **bounds)
    rule = ours(ratio="sequence", normalizer="sequences")
    grpo("gspo, wide", rule, loss_type="grpo", importance_sampling_level="sequence")
    grpo("cispo", ours(clip="weight", low=1.0, high=4.0), loss_type="cispo", epsilon_high=5.0)
    grpo("cispo, narrow", ours(clip="weight", low=1.0, high=0.1), loss_type="cispo", epsilon_high=1.1)
    bonus = {"_entropy_bonus_enabled": True, "entropy_coef": 0.01}
    grpo("entropy", ours(normalizer="sequences", entropy_weight=0.01), loss_type="grpo", **bonus)

    # A completion as one action; shown tokens are not known there.
    everything = [[1] * length for length in LENGTHS]
    rule = ours(ratio="product", normalizer="sequences")
    case("rloo", stub(RLOOTrainer), rule, inputs(torch.ones_like(own)), everything)

    for level in ["token", "sequence"]:
        for beyond in ["truncate", "mask"]:
            bounds = {"min": 0.5, "max": 1.6}
            trainer = stub(
                GRPOTrainer,
                use_vllm=True,
                vllm_importance_sampling_correction=True,
                vllm_importance_sampling_mode=f"{level}_{beyond}",
                vllm_importance_sampling_clip_min=bounds["min"],
                vllm_importance_sampling_clip_max=bounds["max"],
                epsilon_high=0.28,
                beta=0.04,
            )
            given = trainer._generate_and_score_completions([{"prompt": "?"}] * len(LENGTHS))
            # All of its own but the advantages, which are made of rewards elsewhere.
            given["advantages"] = torch.tensor(ADVANTAGES, dtype=torch.float64)
            importance = {"level": level, "beyond": beyond, **bounds}
            rule = ours(high=0.28, kl_weight=0.04, importance=importance)
            case(f"{level}_{beyond}", trainer, rule, given, OWN)
    return found


REWARDS = [[1.0, 0.2, 0.0], [0.0, 0.4, 1.0], [0.5, 0.3, 0.0], [0.25, 0.0, 0.0], [1.0, 0.9, 0.0], [0.75, 0.1, 0.0]]
FLAT = [[0.5, 0.2, 1.0]] * 3 + REWARDS[3:]
WEIGHTS = [1.0, 0.5, 2.0]


def advantages() -> list[dict]:
    found = []

    def case(name: str, base: type, rule: dict, rewards: list[list[float]], **fields) -> None:
        names = ["a", "b", "c"]
        weights = torch.tensor(WEIGHTS, dtype=torch.float64)
        trainer = stub(base, rewards=rewards, reward_weights=weights, reward_funcs=names, reward_func_names=names, **fields)
        given = trainer._generate_and_score_completions([{"prompt": "?"}] * len(LENGTHS))
        found.append({"name": name, "rule": rule, "rewards": rewards, "advantages": given["advantages"].tolist()})

    def rule(**changes) -> dict:
        return {"baseline": "group", "aggregation": "sum_then_normalize", "std_over": "group", "normalize_std": True} | changes

    for which, rewards in [("", REWARDS), (", one flat", FLAT)]:
        case(f"group{which}", GRPOTrainer, rule(), rewards)
        case(f"batch{which}", GRPOTrainer, rule(std_over="batch"), rewards, scale_rewards="batch")
        case(f"none{which}", GRPOTrainer, rule(normalize_std=False), rewards, scale_rewards="none")
        gdpo = {"multi_objective_aggregation": "normalize_then_sum"}
        case(f"gdpo{which}", GRPOTrainer, rule(aggregation="normalize_then_sum"), rewards, **gdpo)
        left_out = rule(baseline="leave_one_out", normalize_std=False)
        case(f"rloo{which}", RLOOTrainer, left_out, rewards)
    return found


def compare(found, golden, path: str) -> None:
    """Every number of `found` is near that of `golden`."""
    if isinstance(found, dict):
        assert found.keys() == golden.keys(), path
        for key in found:
            compare(found[key], golden[key], f"{path}/{key}")
    elif isinstance(found, list):
        assert len(found) == len(golden), path
        for index, (a, b) in enumerate(zip(found, golden)):
            compare(a, b, f"{path}[{index}]")
    elif isinstance(found, float):
        assert abs(found - golden) < TOLERANCE, f"{path}: {found} is not {golden}"
    else:
        assert found == golden, f"{path}: {found} is not {golden}"


def main() -> None:
    torch.set_default_dtype(torch.float64)
    found = {
        "trl": trl.__version__,
        "torch": torch.__version__.split("+")[0],
        "group": GROUP,
        "std_eps": 1e-4,
        "weights": WEIGHTS,
        "tokens": {"now": NOW, "old": OLD, "sampled": SAMPLED, "reference": REFERENCE, "entropy": ENTROPY},
        "token_advantages": ADVANTAGES,
        "losses": losses(),
        "advantages": advantages(),
    }
    if "--golden" in sys.argv:
        # A line for each number list, not for each number.
        lines = [f"{json.dumps(key)}: {one(value)}" for key, value in found.items()]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    compare(found, json.loads(GOLDEN.read_text()), "")
    for case in found["losses"]:
        print(f"{case['name']}: loss {case['loss']:.6f}")
    for case in found["advantages"]:
        print(f"advantages, {case['name']}: {[round(a, 4) for a in case['advantages']]}")


def one(value) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(json.dumps(entry) for entry in value) + "\n]"
    return json.dumps(value)


if __name__ == "__main__":
    main()
