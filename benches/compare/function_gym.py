"""UserRL's half of `gyms function`: the release's FunctionGym, a fresh environment for each episode.

    python function_gym.py CHECKOUT/gyms/FunctionGym PLANS.json

Then a line on stdin for each time, answered by one on stdout: {"seconds": ..., "spent": ..., "steps": ..., "reward": ...}.
"""

import json
import os
import sys
import time

FOLDER, PLANS = sys.argv[1:]
sys.path.insert(0, FOLDER)

# What is printed by anybody else goes to stderr: stdout is for answers.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from functiongym import FunctionEnv
from functiongym import FunctionGymConfig

with open(PLANS) as file:
    plans = json.load(file)


def episode(plan):
    """As the release's trainer makes and steps it (verl/tools/env_manager.py)."""
    config = FunctionGymConfig(max_steps=16, verbose=False, data_mode="single", data_source=plan["id"])
    env = FunctionEnv(config)
    env.reset()
    steps, earned = 0, 0.0
    for act in plan["acts"]:
        _, reward, terminated, truncated, _ = env.step(act)
        steps, earned = steps + 1, earned + reward
        if terminated or truncated:
            break
    env.close()
    return steps, earned


for _ in sys.stdin:
    clock, spent = time.perf_counter(), time.process_time()
    done = [episode(plan) for plan in plans]
    answer = {
        "seconds": time.perf_counter() - clock,
        "spent": time.process_time() - spent,
        "steps": sum(steps for steps, _ in done),
        "reward": sum(earned for _, earned in done),
    }
    print(json.dumps(answer), file=ANSWERS, flush=True)
