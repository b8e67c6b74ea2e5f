"""The other half of compare.py: `transformers` and `trl` doing what `benches/src/pace.rs` does.

    python other_side.py MODEL_DIR TASK.json THREADS KIND      KIND is decode, learn or step

Then a line on stdin for each time, answered by one on stdout: {"seconds": ..., "tokens": ...}.
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
model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)


def answer(start, tokens):
    print(json.dumps({"seconds": time.perf_counter() - start, "tokens": tokens}), file=ANSWERS, flush=True)


def real(tokens):
    """Sampled tokens up to the closing one, which is counted."""
    closed = (tokens == model.config.eos_token_id).int()
    return int(((closed.cumsum(1) - closed) == 0).sum())


def decode():
    prompts = torch.tensor(task["prompts"])
    model.eval()
    for _ in sys.stdin:
        start = time.perf_counter()
        with torch.inference_mode():
            tokens = model.generate(
                prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=task["new_tokens"],
                do_sample=True, temperature=1.0, top_k=0, top_p=1.0, use_cache=True,
            )
        answer(start, real(tokens[:, prompts.shape[1]:]))


def learn():
    length = len(task["prompts"][0]) + task["new_tokens"]
    tokens = torch.tensor([(prompt * length)[:length] for prompt in task["prompts"]])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=task["lr"], betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True
    )
    model.train()
    for line in sys.stdin:
        # Rows at once: the whole batch, or as many as fit a cache, with their gradients added up.
        micro = int(line.split()[1]) if len(line.split()) > 1 else len(tokens)
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        for rows in tokens.split(micro):
            loss = model(input_ids=rows, labels=rows, use_cache=False).loss
            (loss * (len(rows) / len(tokens))).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        answer(start, tokens.numel())


def step():
    """`GRPOTrainer`, one update for each generation. The clock runs from the step's beginning to its end."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig
    from trl import GRPOTrainer

    sampled = []

    def reward(completion_ids, **_):
        sampled[:] = [sum(len(ids) for ids in completion_ids)]
        return [sum(token % 2 == 0 for token in ids) / len(ids) for ids in completion_ids]

    class Clock(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if not sys.stdin.readline():
                sys.exit(0)
            self.start = time.perf_counter()

        def on_step_end(self, args, state, control, **kwargs):
            answer(self.start, sampled[0])

    rows = len(task["group_prompts"]) * task["group_size"]
    config = GRPOConfig(
        output_dir=task["scratch"], use_cpu=True, bf16=False, gradient_checkpointing=False,
        per_device_train_batch_size=rows, gradient_accumulation_steps=1, num_generations=task["group_size"],
        num_iterations=1, max_completion_length=task["new_tokens"], temperature=1.0, top_k=0, top_p=1.0, beta=0.0,
        learning_rate=task["lr"], lr_scheduler_type="constant", max_grad_norm=1.0, max_steps=10**6,
        save_strategy="no", logging_strategy="no", report_to="none", disable_tqdm=True, shuffle_dataset=False,
    )
    trainer = GRPOTrainer(
        model=model, reward_funcs=reward, args=config, callbacks=[Clock()],
        processing_class=AutoTokenizer.from_pretrained(FOLDER, padding_side="left"),
        train_dataset=Dataset.from_dict({"prompt": task["group_texts"]}),
    )
    trainer.train()


{"decode": decode, "learn": learn, "step": step}[KIND]()
