"""The process that a user's model is tried in: it reads questions from its stdin and writes answers to its stdout.

Both are JSON, a line each. Whatever the model does, prints, changes or ends, it does here. A time limit is kept by a
thread of native code, which needs nothing of Python's: it ends a model that never returns, and an orphan too.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
import traceback
from dataclasses import asdict, astuple
from pathlib import Path
from typing import IO, Any

from gridsearch.config.identity import parse
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.executors.worker_log import WorkerLog
from gridsearch.engine.prepare.function_trials import function_problem
from gridsearch.engine.prepare.model_questions import Problem, Seen
from gridsearch.engine.prepare.probing import TriedHere
from gridsearch.engine.prepare.probing_losses import (
    LOSS_QUESTIONS,
    LOSS_SIGNATURE,
    METRIC_CODE,
    METRIC_QUESTIONS,
    loss_problem,
    metric_problem,
)
from gridsearch.errors import ModelError, one_line
from gridsearch.models.arguments import Wanted
from gridsearch.models.functions import find_function
from gridsearch.models.layers import layers_of
from gridsearch.models.own_loss import find_loss
from gridsearch.models.own_metric import find_metric
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import ModelClass, find_model

Answer = dict[str, Any]
#: How a copy ends that has served to the end; whatever else ends so, another process is started for the next question.
NOBODY_ASKS = 99
#: How a copy ends that is asked about another model from now on.
FORGET = 98


def main() -> None:
    """Answer until nobody asks any more.

    Where processes can be copied, it is a copy that answers: when a model ends it, the next is there at once, while
    another Python with torch in it would take seconds.
    """
    questions, answers, account = _own_streams()
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    _warm_up()
    _say(answers, {"ready": True})
    while sys.platform == "linux" and (copy := os.fork()):
        status = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
        if status == NOBODY_ASKS:
            return
        if status == FORGET:
            continue
        _say(answers, {"ended": status})
    _serve(questions, answers, account)
    os._exit(NOBODY_ASKS)


def _warm_up() -> None:
    """Have torch load what it loads when a model is first built and looked at: that is no user's time."""
    tried = TriedHere(find_model("shallow"), Seen((1, 2, 2), 2))
    config = TrialConfig(dataset="", model="shallow", batch_size=1, epochs=1, learning_rate=1.0, hyper={"neurons": 2})
    tried.problem(config.hyper, with_numbers=False)
    tried.looks(config)


def _serve(questions: IO[bytes], answers: IO[str], account: IO[str]) -> None:
    faulthandler.enable(account)
    models: dict[str, ModelClass] = {}
    log = WorkerLog()
    for line in questions:
        asked = json.loads(line)
        if asked["question"] == "none":
            os._exit(FORGET)
        faulthandler.dump_traceback_later(asked["seconds"], exit=True, file=account)
        try:
            given = _of_function(asked) if "function" in asked["question"] else _answer(asked, models)
        except ModelError as error:
            given = {"refused": str(error)}
        except BaseException as error:
            given = {"raised": one_line(error), "account": traceback.format_exc()[-20_000:]}
        faulthandler.cancel_dump_traceback_later()
        _say(answers, given | {"id": asked["id"], "log": [astuple(line) for line in log.taken()]})


def _own_streams() -> tuple[IO[bytes], IO[str], IO[str]]:
    """Return streams for questions, answers, and accounts of an end; the usual three lead nowhere from now on."""
    # Unbuffered: what a copy reads ahead would be lost to the next one.
    questions = os.fdopen(os.dup(0), "rb", buffering=0)
    own = [os.fdopen(os.dup(number), "w", encoding="ascii") for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    os.close(nowhere)
    return questions, own[0], own[1]


def _say(answers: IO[str], answer: Answer) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _of_loss_or_metric(question: str, asked: dict[str, Any]) -> Answer:
    name, search = asked["model"], [Path(folder) for folder in asked["search"]]
    if question in METRIC_QUESTIONS:
        metric = find_metric(name, search)
        return {"text": metric.code if question == METRIC_CODE else metric_problem(metric, asked)}
    loss = find_loss(name, search)
    return signature(loss) if question == LOSS_SIGNATURE else {"text": loss_problem(loss, asked)}


def _answer(asked: dict[str, Any], models: dict[str, ModelClass]) -> Answer:
    question = asked["question"]
    of_model = question not in (*LOSS_QUESTIONS, *METRIC_QUESTIONS)
    return _of_model(question, asked, models) if of_model else _of_loss_or_metric(question, asked)


def _of_model(question: str, asked: dict[str, Any], models: dict[str, ModelClass]) -> Answer:
    name, search = asked["model"], [Path(folder) for folder in asked["search"]]
    settings = asked.get("settings", {})
    if name not in models:
        models[name] = find_model(name, search)
    model = models[name]
    if question == "signature":
        return signature(model)
    seen = _seen(asked)
    tried = TriedHere(model, seen)
    if question == "problem":
        found = tried.problem(settings, with_numbers=asked["with_numbers"])
        return {"problem": shortened(found) if found else None}
    if question == "batch":
        return {"text": tried.batch_problem(settings, asked["size"])}
    if question == "freezing":
        return {"text": tried.freezing_problem(settings, asked["patterns"])}
    if question == "pretrained":
        return {"text": tried.pretrained_problem(parse(asked["config"]), Path(asked["file"]))}
    if question == "hidden":
        return {"text": tried.hidden_problem(settings)}
    if question == "notes":
        return {"notes": tried.notes(settings)}
    if question == "layers":
        return asdict(layers_of(model, settings, **asdict(seen), version=asked["version"]))
    return looks(tried, asked["config"])


def _seen(asked: dict[str, Any]) -> Seen:
    whole = asked["whole"]
    return Seen(tuple(asked["image_shape"]), asked["num_classes"], tuple(whole) if whole else None)


def _of_function(asked: dict[str, Any]) -> Answer:
    function = find_function(asked["of"], asked["model"], [Path(folder) for folder in asked["search"]])
    if asked["question"] == "function problem":
        epochs, steps = asked["epochs"], asked["steps"]
        about = {"epochs": epochs, "steps": steps, "precision": asked["precision"]}
        return {"text": function_problem(function, asked["settings"], _seen(asked), **about)}
    return {
        "given": function.given,
        "required": function.required,
        "optional": dict(function.optional),
        "code": function.code,
        "wanted": {key: _wanted(one) for key, one in function.wanted.items()},
    }


def shortened(problem: Problem) -> Answer:
    """Return a problem as JSON values, of its account the end."""
    return asdict(problem) | {"account": problem.account[-20_000:]}


def signature(model: ModelClass) -> Answer:
    """Return what a model takes as JSON values; of defaults that are none, the names."""
    return {
        "data_arguments": model.data_arguments,
        "required": model.required,
        "optional": {key: value for key, value in model.optional.items() if is_plain(value)},
        "opaque": [key for key, value in model.optional.items() if not is_plain(value)],
        "order": list(model.optional),
        "open_ended": model.open_ended,
        "wanted": {key: _wanted(one) for key, one in model.wanted.items()},
        "code": model.code,
        "sources": dict(model.sources),
    }


def _wanted(one: Wanted) -> Answer:
    return {
        "kinds": sorted(one.kinds),
        "items": sorted(one.items),
        "options": list(one.options),
        "each": _wanted(one.each) if one.each else None,
    }


def looks(tried: TriedHere, config: str) -> Answer:
    """Return what packing must know as JSON values; of the shape something that is equal for equal ones."""
    found = tried.looks(parse(config))
    size = found.profile.size
    dense = isinstance(found.shape, tuple) and found.shape[:1] == ("dense",)
    return {
        "shape": None if found.shape is None else repr(found.shape),
        "dense": dense,
        "draws": found.draws,
        "size": asdict(size) if size else None,
        "parameters": found.profile.parameters,
        "saved_bytes": found.profile.saved_bytes,
        "evaluation_bytes": found.profile.evaluation_bytes,
        "stack_bytes": found.profile.stack_bytes,
    }


if __name__ == "__main__":
    main()
