"""The other half of compare.py: `transformers` and `trl` doing what `benches/src/pace.rs` does.

    python other_side.py MODEL_DIR TASK.json THREADS KIND      KIND is decode, episodes, step, learn, or memory and its variants

Then a line on stdin for each time, answered by one on stdout: {"seconds": ..., "tokens": ...}; `memory` adds "level" and "peak" in bytes. The line
`ceilings` is answered by what the machine can do at best with these threads: {"flops": ..., "bytes": ...} a second.
"""

import json
import os
import sys
import time

FOLDER, TASK, THREADS, KIND = sys.argv[1:]
os.environ["OMP_NUM_THREADS"] = THREADS
os.environ.update(TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1", TRL_EXPERIMENTAL_SILENCE="1")

import torch
from transformers import AutoModelForCausalLM
from transformers import AutoTokenizer

# What is printed by anybody else goes to stderr: stdout is for answers.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
torch.set_num_threads(int(THREADS))
torch.set_num_interop_threads(1)
with open(TASK) as file:
    task = json.load(file)


def main():
    model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    # What closes a turn is the task's to say: nothing, so that rows grow equally long, or many ids.
    model.generation_config.eos_token_id = task.get("closing")
    kinds = {
        "decode": decode, "episodes": episodes, "learn": learn, "step": step, "memory": memory,
        "memory-checkpointed": lambda model: memory(model, gradient_checkpointing=True),
        # Rows of a micro-batch as ours has them: 4 of 256 tokens.
        "memory-accumulated": lambda model: memory(model, per_device_train_batch_size=4, gradient_accumulation_steps=8),
    }
    kinds[KIND](model)


def answer(**values):
    print(json.dumps(values), file=ANSWERS, flush=True)


def asked():
    """Once for each time; the ceilings are told on the way."""
    for line in sys.stdin:
        if line.strip() == "ceilings":
            answer(**ceilings())
        else:
            yield


def ceilings():
    """As `benches/src/ceiling.rs` measures them."""
    matrix, large = torch.ones(2048, 2048), torch.ones(1 << 26)
    into = torch.ones(1 << 26)
    return {
        "flops": 2 * 2048**3 / best(lambda: matrix @ matrix),
        "bytes": 2 * large.nbytes / best(lambda: into.copy_(large)),
    }


def best(work):
    def once():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    with torch.inference_mode():
        return min(once() for _ in range(5))


def generate(model, streams):
    """One turn of all rows, as `trl` has it done: padded on the left into one batch, and cut behind the first closing id."""
    longest = max(map(len, streams))
    pad = model.config.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(stream)) + stream for stream in streams])
    mask = torch.tensor([[0] * (longest - len(stream)) + [1] * len(stream) for stream in streams])
    with torch.inference_mode():
        tokens = model.generate(
            ids, attention_mask=mask, max_new_tokens=task["new_tokens"], do_sample=True, temperature=1.0, top_k=0,
            top_p=1.0, use_cache=True, pad_token_id=pad,
        )
    closing = set(task.get("closing", []))
    return [until(closing, row) for row in tokens[:, longest:].tolist()]


def until(closing, tokens):
    end = next((place + 1 for place, token in enumerate(tokens) if token in closing), len(tokens))
    return tokens[:end]


def decode(model):
    model.eval()
    for _ in asked():
        start = time.perf_counter()
        replies = generate(model, task["prompts"])
        answer(seconds=time.perf_counter() - start, tokens=sum(map(len, replies)))


def episodes(model):
    """Each turn is asked for with the whole conversation so far, and nothing is kept in between."""
    model.eval()
    for _ in asked():
        start, tokens = time.perf_counter(), 0
        streams = [[] for _ in task["shown"]]
        for turn in zip(*task["shown"]):
            for stream, shown in zip(streams, turn):
                stream.extend(shown)
            for stream, reply in zip(streams, generate(model, streams)):
                stream.extend(reply)
                tokens += len(reply)
        answer(seconds=time.perf_counter() - start, tokens=tokens)


def learn(model):
    """Forward, backward, clipping and AdamW on the batch as a whole, every token but the first a loss token."""
    tokens = torch.tensor(task["lessons"])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=task["lr"], betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True
    )
    model.train()
    for _ in asked():
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        model(input_ids=tokens, labels=tokens, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        answer(seconds=time.perf_counter() - start, tokens=tokens.numel())


def step(model):
    """`GRPOTrainer`, one update for each generation. The clock runs from the step's beginning to its end."""
    times, sampled = asked(), []

    def begin(_):
        if next(times, "over") == "over":
            sys.exit(0)
        return {"start": time.perf_counter()}

    def end(start):
        answer(seconds=time.perf_counter() - start, tokens=sampled[0])

    trainer(model, begin, end, counted=sampled).train()


def memory(model, **settings):
    """The same trainer, with answers that are given instead of generated: what the process held before the one step, and at its peak."""

    def begin(optimizer):
        next(asked())
        make_moments(optimizer)
        return {"start": time.perf_counter(), "level": held("VmRSS")}

    def end(start, level):
        answer(seconds=time.perf_counter() - start, tokens=sum(map(len, task["completions"])), level=level, peak=held("VmHWM"))

    one = trainer(model, begin, end, max_steps=1, **settings)
    one._generate_single_turn = lambda prompts, *_: (task["completions"], None)
    one.train()


def make_moments(optimizer):
    """AdamW makes its moments at its first step, ours when a model is opened: so a step without a gradient goes before."""
    plain = getattr(optimizer, "optimizer", optimizer)
    for group in plain.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    plain.step()
    plain.zero_grad()


def held(key):
    """Bytes of this process."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(key))


def trainer(model, begin, end, counted=None, **settings):
    """A trainer that says when a step begins and ends. Unless `settings` say otherwise all rows are one micro-batch; what is not named has the
    trainer's default."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig
    from trl import GRPOTrainer

    class Clock(TrainerCallback):
        def on_step_begin(self, args, state, control, optimizer=None, **kwargs):
            self.begun = begin(optimizer)

        def on_step_end(self, args, state, control, **kwargs):
            end(**self.begun)

    def reward(completion_ids, **_):
        if counted is not None:
            counted[:] = [sum(map(len, completion_ids))]
        return [sum(token % 2 == 0 for token in ids) / len(ids) for ids in completion_ids]

    rows = len(task["texts"]) * task["group_size"]
    defaults = dict(
        output_dir=TASK + ".trl", use_cpu=True, bf16=False, gradient_checkpointing=False,
        per_device_train_batch_size=rows, gradient_accumulation_steps=1, num_generations=task["group_size"],
        num_iterations=1, max_completion_length=task["new_tokens"], temperature=1.0, top_k=0, top_p=1.0, beta=0.0,
        learning_rate=task["lr"], lr_scheduler_type="constant", max_grad_norm=1.0, max_steps=10**6,
        save_strategy="no", logging_strategy="no", report_to="none", disable_tqdm=True, shuffle_dataset=False,
    )
    made = GRPOTrainer(
        model=model, reward_funcs=reward, args=GRPOConfig(**(defaults | settings)), callbacks=[Clock()],
        processing_class=AutoTokenizer.from_pretrained(FOLDER, padding_side="left"),
        train_dataset=Dataset.from_dict({"prompt": task["texts"]}),
    )
    return without_end(made)


def without_end(made):
    """The trainer adds the tokenizer's end of text to what closes a row; here nothing does."""
    made.eos_token_ids = []
    made.generation_config.eos_token_id = None
    made.generation_kwargs["eos_token_id"] = None
    made.model.generation_config.eos_token_id = None
    return made


main()
