"""OpenAI's own Python client against `duologue serve`: a conversation with tools, a stream, many at once, errors, the record.

    pip install -r tests/python/requirements.txt
    cargo build --release -p duologue
    python tests/python/check_serve.py target/release/duologue MODEL_DIR

MODEL_DIR is a model that has learned to call `interact_with_env`. With `duologue-without-torch` it may be any agent's n-gram: a copy of it is
taught to call first. Not part of the test command: it needs Python.
"""

import argparse
import asyncio
import collections
import json
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile

import openai
import tokenizers

SEEDS = 200
CROWD = 64

TOOL = {
    "type": "function",
    "function": {
        "name": "interact_with_env",
        "description": "Acts on the environment.",
        "parameters": {
            "type": "object",
            "properties": {"choice": {"type": "string"}, "content": {"type": "string"}},
            "required": ["choice", "content"],
        },
    },
}


# What an n-gram is taught, markers included: to call after the opening, and to talk after the tool.
TAUGHT = [
    ' a trip.<|end|><|assistant|><tool_call>{"name": "interact_with_env", "arguments": {"choice": "action", "content": "When?"}}</tool_call><|end|>',
    "<|tool|>ok<|end|><|assistant|>Thank you.<|end|>",
]
CONTEXT_MAX = 8


def teach(folder: pathlib.Path) -> None:
    """Replaces an n-gram's counts: of contexts of up to eight ids, 16 bits each, the newest lowest."""
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    counts = collections.Counter()
    for text in TAUGHT:
        ids = tokenizer.encode(text).ids
        begin = ids.index(tokenizer.token_to_id("<|assistant|>")) + 1
        for place in range(begin, len(ids)):
            for length in range(min(place, CONTEXT_MAX) + 1):
                newest_first = reversed(ids[place - length : place])
                context = sum(token << (16 * age) for age, token in enumerate(newest_first))
                counts[length, context, ids[place]] += 1000.0
    with (folder / "counts.bin").open("wb") as file:
        file.write(b"NGRAMS01" + struct.pack("<Q", len(counts)))
        for (length, context, token), count in sorted(counts.items()):
            file.write(bytes([length]) + context.to_bytes(16, "little") + struct.pack("<Id", token, count))


def opening() -> list:
    """A conversation's beginning, new each time: it is added to."""
    return [
        {"role": "system", "content": "You find out what a request leaves out."},
        {"role": "user", "content": "I want to plan a trip."},
    ]


def calling(client: openai.OpenAI, model: str, messages: list) -> tuple:
    """The first of some seeds with which the model calls the tool, and its completion."""
    for seed in range(SEEDS):
        completion = client.chat.completions.create(
            model=model, messages=messages, tools=[TOOL], seed=seed, extra_body={"return_token_ids": True}
        )
        if completion.choices[0].finish_reason == "tool_calls":
            return seed, completion
    raise AssertionError(f"no call of the tool with {SEEDS} seeds: has this model learned to?")


def check_tools(client: openai.OpenAI, model: str) -> tuple:
    messages = opening()
    seed, first = calling(client, model, messages)
    call = first.choices[0].message.tool_calls[0]
    assert call.function.name == "interact_with_env" and call.type == "function", call
    assert isinstance(json.loads(call.function.arguments), dict), call
    messages.append(first.choices[0].message)
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "ok"})
    second = client.chat.completions.create(
        model=model, messages=messages, tools=[TOOL], seed=seed, extra_body={"return_token_ids": True}
    )
    usage = second.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens == len(second.prompt_token_ids)
    assert usage.completion_tokens == len(second.choices[0].token_ids)
    before = [*first.prompt_token_ids, *first.choices[0].token_ids]
    print(f"tools: seed {seed} calls {call.function.arguments}; the second prompt has {usage.prompt_tokens} tokens")
    return before, second.prompt_token_ids


def check_stream(client: openai.OpenAI, model: str) -> None:
    asked = {"model": model, "messages": opening(), "seed": 3, "max_tokens": 60, "logprobs": True}
    whole = client.chat.completions.create(**asked)
    text, count, pieces, logprobs = "", None, 0, []
    for piece in client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        pieces += 1
        count = piece.usage or count
        for choice in piece.choices:
            text += choice.delta.content or ""
            if choice.logprobs:
                logprobs += [token.logprob for token in choice.logprobs.content]
    assert text == (whole.choices[0].message.content or ""), (text, whole)
    assert logprobs == [token.logprob for token in whole.choices[0].logprobs.content]
    assert count == whole.usage and all(logprob <= 0 for logprob in logprobs)
    print(f"stream: {pieces} pieces come to the whole answer of {count.completion_tokens} tokens")


def check_text(client: openai.OpenAI, model: str) -> None:
    completion = client.completions.create(model=model, prompt="I want", max_tokens=5, seed=1, n=2)
    assert [choice.index for choice in completion.choices] == [0, 1]
    assert completion.usage.completion_tokens <= 10


def check_errors(client: openai.OpenAI, model: str) -> None:
    wrong = [
        (openai.NotFoundError, {"model": "gpt-4o"}),
        (openai.BadRequestError, {"top_p": 0.0}),
        (openai.BadRequestError, {"tool_choice": "required", "tools": [TOOL]}),
        (openai.BadRequestError, {"messages": [{"role": "user", "content": "long " * 100_000}]}),
    ]
    for kind, more in wrong:
        try:
            client.chat.completions.create(**{"model": model, "messages": opening(), **more})
        except kind as error:
            assert error.body["message"], error
        else:
            raise AssertionError(f"{more} was taken")


async def check_crowd(base: str, model: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="none") as client:

        async def ask(seed: int) -> str:
            asked = client.chat.completions.create(model=model, messages=opening(), seed=seed, max_tokens=40)
            return (await asked).choices[0].to_json()

        alone = [await ask(seed) for seed in range(CROWD)]
        together = await asyncio.gather(*(ask(seed) for seed in range(CROWD)))
        same = sum(one == other for one, other in zip(alone, together))
        print(f"crowd: {same} of {CROWD} answers are the same alone and together")


def check(program: str, model: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        if json.loads((model / "config.json").read_text())["model_type"] == "ngram":
            model = pathlib.Path(shutil.copytree(model, pathlib.Path(scratch) / "model"))
            teach(model)
        serving = [program, "serve", str(model), "--port", "0", "--json", "--capture", scratch]
        process = subprocess.Popen(serving, stdout=subprocess.PIPE, text=True)
        try:
            said = json.loads(process.stdout.readline())
            base, name = said["address"], said["model"]
            client = openai.OpenAI(base_url=f"{base}/v1", api_key="none")
            assert [listed.id for listed in client.models.list()] == [name]
            check_stream(client, name)
            check_text(client, name)
            check_errors(client, name)
            asyncio.run(check_crowd(base, name))
            # Recorded, the second prompt begins with the very ids of the first call.
            recorded = openai.OpenAI(base_url=f"{base}/episodes/talk/v1", api_key="none")
            before, after = check_tools(recorded, name)
            assert after[: len(before)] == before
            lines = [json.loads(line) for line in (pathlib.Path(scratch) / "talk.jsonl").read_text().splitlines()]
            assert lines[-1]["continues"] and lines[-1]["branch"] is None and lines[-1]["prompt_kept"] == len(before)
            assert lines[-1]["prompt_token_ids"] == after
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0, "it ends well"
        finally:
            process.kill()
    print("done")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("model", type=pathlib.Path)
    parsed = arguments.parse_args()
    check(parsed.program, parsed.model)
