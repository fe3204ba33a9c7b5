"""PyTorch at work, in a process of its own: the same protocol as host.mjs, for the workload's own Python program."""

import ctypes
import json
import os
import re
import sys
import time

SAMPLE_SECONDS = 0.3

task = json.loads(sys.argv[1])
replies = os.fdopen(3, "w")


def answer(message):
    replies.write(json.dumps(message) + "\n")
    replies.flush()


class Unable(Exception):
    pass


def read_problem(folder):
    import array

    with open(folder + "/problem.json") as f:
        problem = json.load(f)
    data = array.array("f")
    with open(folder + "/tensors.f32", "rb") as f:
        data.frombytes(f.read())
    everything = torch.frombuffer(data, dtype=torch.float32) if data else torch.empty(0)
    problem["tensors"] = {}
    for entry in problem["index"]:
        size = 1
        for n in entry["shape"]:
            size *= n
        part = everything[entry["offset"] : entry["offset"] + size]
        problem["tensors"][entry["name"]] = part.reshape(entry["shape"]).clone()
    return problem


def blas():
    """The library behind torch's products as the process has mapped it, with the kernels that it chose."""
    torch.rand(8, 8) @ torch.rand(8, 8)
    with open("/proc/self/maps") as f:
        files = sorted({line.split()[-1] for line in f if re.search(r"/lib[^/]*(blas|mkl_rt)[^/]*$", line)})
    for file in files:
        try:
            name = ctypes.CDLL(file).openblas_get_corename
        except AttributeError:
            continue
        name.restype = ctypes.c_char_p
        real = [os.path.realpath(f) for f in files if "openblas" in os.path.basename(f)] or [file]
        kind = "OpenMP" if "openmp" in real[0] else "pthread" if "pthread" in real[0] else "serial"
        return f"{os.path.basename(real[0])} ({kind}), {name().decode()} kernels"
    return ", ".join(files) or "unknown BLAS"


def seconds_of(session, n):
    begin = time.perf_counter()
    session.run(n)
    return time.perf_counter() - begin


def warm_up(session):
    n = 1
    while True:
        seconds = seconds_of(session, n)
        if seconds > SAMPLE_SECONDS / 2:
            return max(1, round(n * SAMPLE_SECONDS / seconds))
        n = int(n * min(8, 1.2 * SAMPLE_SECONDS / max(seconds, 1e-4))) + 1


try:
    import torch

    if task["options"].get("threads"):
        torch.set_num_threads(task["options"]["threads"])
    names = {"torch": torch, "Unable": Unable}
    exec(task["program"], names)
    session = names["Session"](read_problem(task["folder"]))
    if task["start"]:
        session.run(1)
        answer({"started": True})
        sys.exit()
    iterations = 1
    for line in sys.stdin:
        if line.strip() == "check":
            value = session.check()
            facts = {"torch": torch.__version__, "blas": blas(), "threads": torch.get_num_threads()}
            answer({"value": value, "facts": facts})
            iterations = warm_up(session)
        else:
            answer({"iterations": iterations, "seconds": seconds_of(session, iterations)})
except Unable as reason:
    answer({"unable": str(reason)})
except ImportError as reason:
    answer({"unable": f"{reason}; apt-get install python3-torch"})
except Exception as error:  # told to the parent, which names the peer
    answer({"error": repr(error)})
