"""Trials that a command trains: where its numbers come from, how it fails, how it ends, and who its trials are."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gridsearch import paths
from gridsearch.config.events import TrialState
from gridsearch.engine.prepare.changes import changes
from gridsearch.errors import JobError
from gridsearch.store.opening import open_store
from tests.engine.commands import epochs, job_text, launch, only, prepared, trials, values
from tests.engine.launching import Notes

STDOUT = r"metrics_from: {stdout: 'epoch (?P<epoch>\d+) acc=(?P<acc>[\d.]+)'}"
LOOP = "sh train.sh {rate} {epochs}"
TRAIN = "for e in $(seq 1 $2); do echo epoch $e acc=$1$e; done\n"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def test_what_it_prints_becomes_epochs_and_its_log(tmp_path: Path) -> None:
    write(tmp_path, train_sh=TRAIN)
    end = launch(tmp_path, job_text(LOOP, STDOUT, space="{rate: [0.5, 0.25], epochs: [3]}"))
    assert end.failed == 0
    first, second = trials(tmp_path)
    assert (first.state, first.more, second.more) == (TrialState.COMPLETED, {"acc": 0.53}, {"acc": 0.253})
    assert values(tmp_path, first, "acc") == [None, 0.51, 0.52, 0.53]
    log = paths.trial_log(paths.log_dir(tmp_path / "results.db"), first.lineage_id)
    assert log.read_text().splitlines() == ["epoch 1 acc=0.51", "epoch 2 acc=0.52", "epoch 3 acc=0.53"]


def test_arguments_are_never_seen_by_a_shell(tmp_path: Path) -> None:
    show = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)])); print('acc=1')"
    write(tmp_path, show_py=show)
    odd = """a b'c"d $(touch x); {e} \\"""
    command = (
        f"{sys.executable} show.py '--text={{text}}' {{flag}} {{rate}} '{{{{{{seed}}}}}}' {{trial_dir}} {{trial_id}}"
    )
    text = job_text(
        json.dumps(command),
        "metrics_from: {stdout: 'acc=(?P<acc>.*)'}",
        space=json.dumps({"text": [odd], "flag": [True], "rate": [1e-5]}),
    )
    launch(tmp_path, text)
    row = only(tmp_path)
    log = paths.trial_log(paths.log_dir(tmp_path / "results.db"), row.lineage_id)
    arguments, folder, environment = json.loads(log.read_text().splitlines()[0])
    run = tmp_path / "runs" / "mine" / row.trial_id[:12]
    assert arguments == [f"--text={odd}", "true", "1e-05", "{0}", str(run), row.trial_id]
    assert folder == str(tmp_path)
    assert environment["GRIDSEARCH_TRIAL_ID"] == row.trial_id
    assert environment["GRIDSEARCH_TRIAL_DIR"] == str(run)
    assert environment["GRIDSEARCH_TEXT"] == odd
    assert environment["GRIDSEARCH_ATTEMPT"] == "1"
    assert json.loads(environment["GRIDSEARCH_SETTINGS"])["flag"] is True
    assert run.is_dir()
    assert not (tmp_path / "x").exists()


def test_a_shell_only_if_asked_for(tmp_path: Path) -> None:
    text = job_text('echo "acc=$GRIDSEARCH_RATE" | cat', "shell: true\nmetrics_from: {stdout: 'acc=(?P<acc>.*)'}")
    launch(tmp_path, text)
    assert only(tmp_path).more == {"acc": 0.5}
    with pytest.raises(JobError, match=r'write "\$GRIDSEARCH_RATE"'):
        prepared(tmp_path, text, "command=echo {rate}")


@pytest.mark.parametrize(
    ("script", "source"),
    [
        ('printf "epoch,acc,word\\n1,0.1,a\\n1,,\\n2,0.2,b\\n" > $1/m.csv', "{file: m.csv}"),
        ('echo \'{"epoch": 1, "acc": 0.1}\' > $1/m.jsonl; echo \'{"epoch": 1.5, "acc": 0.2, "x": null}\' >> $1/m.jsonl',
         "{file: m.jsonl}"),
        ('printf "epoch,acc\\n0,0.1\\n1,0.2" > $1/m.csv', "{file: m.csv, first_epoch: 0}"),
        # Written anew with each epoch, and with a column more in the end.
        ('printf "epoch,acc\\n1,0.1\\n" > $1/m.csv; sleep 0.3; printf "epoch,b,acc\\n1,0,0.1\\n2,0,0.2\\n" > $1/m.csv',
         "{file: m.csv}"),
        ('echo Epoch 1/2; echo acc=0.1; echo Epoch 2/2; echo acc=0.2',
         r"{stdout: ['Epoch (?P<epoch>\d+)', 'acc=(?P<acc>[\d.]+)']}"),
        # One line on the terminal, written over and over.
        ('printf "epoch 1 acc=0.0\\repoch 1 acc=0.1\\repoch 2 acc=0.2."',
         r"{stdout: 'epoch (?P<epoch>\d) acc=(?P<acc>[\d.]+)'}"),
    ],
)  # fmt: skip
def test_two_epochs_from_all_sources(tmp_path: Path, script: str, source: str) -> None:
    write(tmp_path, train_sh=script)
    end = launch(tmp_path, job_text("sh train.sh {trial_dir}", f"epochs: 2\nmetrics_from: {source}"))
    row = only(tmp_path)
    assert end.failed == 0, row.error
    assert values(tmp_path, row, "acc") == [None, 0.1, 0.2]


def test_numbers_without_epochs_count_at_the_last(tmp_path: Path) -> None:
    command = "sh -c 'sleep 0.2; echo acc=0.3; echo acc=0.4'"
    launch(tmp_path, job_text(f'"{command}"', "epochs: 4\nmetrics_from: {stdout: 'acc=(?P<acc>.*)'}"))
    row = only(tmp_path)
    assert values(tmp_path, row, "acc") == [None] * 4 + [0.4]
    assert row.seconds is not None
    assert row.seconds > 0.15


def test_a_python_script_reports(tmp_path: Path) -> None:
    write(
        tmp_path, train_py="from gridsearch import report\nreport(1, acc=0.5)\nreport(1, val_loss=2)\nreport(test=1)\n"
    )
    launch(tmp_path, job_text(f"{sys.executable} train.py"))
    assert only(tmp_path).more == {"acc": 0.5, "val_loss": 2.0, "test": 1.0}


@pytest.mark.parametrize(
    ("script", "more", "error"),
    [
        ("echo one; echo two >&2; exit 3", STDOUT, "exit code 3: two"),
        ("kill -9 $$", STDOUT, "ended by SIGKILL (for lack of memory?), and nothing was printed"),
        ("echo a; echo b", STDOUT, "matched none of 2 lines of output; the last was: b"),
        ("echo epoch 2 acc=1; echo epoch 1 acc=1", f"epochs: 2\n{STDOUT}", "epoch 1 was reported after epoch 2"),
        ("echo epoch 2 acc=1", STDOUT, "epoch 2 was reported, and the trial has 1; set epochs to how many"),
        ("true", "metrics_from: {file: m.csv}", "there is no m.csv in the trial's folder"),
        ("echo 1,2 > $1/m.csv", "metrics_from: {file: m.csv}", "the first line '1,2' is no header"),
        ("echo x > $1/m.jsonl", "metrics_from: {file: m.jsonl}", "the line 'x' is no JSON object"),
        ("true", "", "the command ended without a metric: add metrics_from, or call gridsearch.report"),
        ("echo acc=a", "metrics_from: {stdout: 'acc=(?P<acc>.*)'}", "found 'a' for acc, which is no number"),
    ],
)
def test_failures_in_one_line(tmp_path: Path, script: str, more: str, error: str) -> None:
    write(tmp_path, train_sh=script)
    end = launch(tmp_path, job_text("sh train.sh {trial_dir}", more))
    row = only(tmp_path)
    assert (end.failed, row.state) == (1, TrialState.FAILED)
    assert row.error is not None
    assert error in row.error
    assert "\n" not in row.error


def test_what_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    write(tmp_path, train_sh="trap '' TERM; sleep 4321 & setsid sleep 4321 & echo epoch 1 acc=1; wait\n")
    began = time.monotonic()
    launch(tmp_path, job_text("sh train.sh", f"epochs: 2\n{STDOUT}"), patience=0.5)
    assert only(tmp_path).error == "no epoch within 0.5s (--trial-timeout)"
    assert values(tmp_path, only(tmp_path), "acc") == [None, 1.0]
    assert time.monotonic() - began < 30
    assert not sleeping("4321")


def test_what_it_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    write(tmp_path, train_sh="setsid sleep 4322 & sleep 4322 & echo epoch 1 acc=1\n")
    launch(tmp_path, job_text("sh train.sh", STDOUT))
    assert only(tmp_path).state is TrialState.COMPLETED
    assert not sleeping("4322")


def test_a_stop_ends_it_and_the_next_launch_begins_it_anew(tmp_path: Path) -> None:
    loop = "echo $GRIDSEARCH_ATTEMPT >> $1/tries; echo epoch 1 acc=1; [ -e go ] || sleep 4323; echo epoch 2 acc=2\n"
    write(tmp_path, train_sh=loop)
    text = job_text("sh train.sh {trial_dir}", f"epochs: 2\n{STDOUT}")
    tries = lambda: list((tmp_path / "runs").glob("*/*/tries"))  # noqa: E731
    assert launch(tmp_path, text, stopping=lambda: bool(tries())).interrupted
    assert not sleeping("4323")
    write(tmp_path, go="")
    launch(tmp_path, text)
    assert values(tmp_path, only(tmp_path), "acc") == [None, 1.0, 2.0]
    assert [path.read_text() for path in tries()] == ["1\n2\n"]


def test_early_stopping_ends_it(tmp_path: Path) -> None:
    write(tmp_path, train_sh="for e in 1 2 3 4 5; do echo epoch $e acc=$((9 - e)); sleep 0.15; done; sleep 4324\n")
    launch(tmp_path, job_text("sh train.sh", f"epochs: 9\nearly_stopping: 2\n{STDOUT}"))
    row = only(tmp_path)
    assert (row.state, row.stopped_epoch) == (TrialState.STOPPED, 3)
    assert not sleeping("4324")


def test_a_loss_that_is_no_number_is_a_divergence(tmp_path: Path) -> None:
    write(tmp_path, train_sh="for l in 1 nan 2; do e=$((e + 1)); echo epoch $e loss=$l; done; sleep 4325\n")
    source = r"metrics_from: {stdout: 'epoch (?P<epoch>\d+) loss=(?P<loss>.*)'}"
    launch(tmp_path, job_text("sh train.sh", f"epochs: 9\n{source}", metric="loss", mode="min"))
    assert (only(tmp_path).state, only(tmp_path).diverged_epoch) == (TrialState.DIVERGED, 2)
    assert not sleeping("4325")


def test_shared_epochs_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, train_sh=TRAIN)
    text = job_text(LOOP, f"shares_epochs: true\n{STDOUT}", space="{rate: [0.5], epochs: [1, 2]}")
    launch(tmp_path, text)
    assert [row.more["acc"] for row in trials(tmp_path)] == [0.51, 0.52]
    launch(tmp_path, prepared(tmp_path, text, "epochs=[1, 2, 3]"))
    assert [row.more["acc"] for row in trials(tmp_path)] == [0.51, 0.52, 0.53]
    assert len(list((tmp_path / "runs" / "mine").glob("[0-9a-f]*"))) == 1


def test_edited_code_gives_new_trials_and_is_named(tmp_path: Path) -> None:
    write(tmp_path, train_py="import nets\nprint('acc=1')\n", nets_py="", notes_txt="")
    text = job_text(f"{sys.executable} train.py notes.txt", "metrics_from: {stdout: 'acc=(?P<acc>.*)'}")
    launch(tmp_path, text)

    def fresh(text: str) -> list[str]:
        with open_store(tmp_path / "results.db") as store:
            return changes(prepared(tmp_path, text), store)

    assert fresh(text) == []
    write(tmp_path, notes_txt="other")
    assert fresh(text) == []
    (remark, *_) = prepared(tmp_path, text).remarks
    assert "the command does not use rate" in remark
    assert "notes.txt in the command is no part of a trial's identity" in prepared(tmp_path, text).remarks[1]
    write(tmp_path, nets_py="width = 2\n")
    assert fresh(text) == ["edited: nets"]
    write(tmp_path, nets_py="", train_py="import nets\nprint('acc=2')\n")
    assert fresh(text) == ["edited: train.py"]
    launch(tmp_path, text)
    assert fresh(text.replace("acc=(", "acc= *(")) == ["edited: metrics_from"]


def test_code_that_is_edited_during_a_launch_is_not_run(tmp_path: Path) -> None:
    write(tmp_path, train_sh=TRAIN)
    job = prepared(tmp_path, job_text(LOOP, STDOUT))
    write(tmp_path, train_sh=TRAIN + "true\n")
    launch(tmp_path, job)
    assert "changed since this trial was planned; launch again" in (only(tmp_path).error or "")


def test_the_same_command_as_a_list(tmp_path: Path) -> None:
    write(tmp_path, train_sh=TRAIN)
    (text,), (listed,) = (
        [trial.trial_id for trial in prepared(tmp_path, job_text(command, STDOUT)).grid.trials]
        for command in (LOOP, '[sh, train.sh, "{rate}", "{epochs}"]')
    )
    assert text == listed


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("pyhton train.py", "there is no program 'pyhton' (did you mean 'python'?)"),
        ("train.sh", "'train.sh' is a file beside the job, and no program; write sh train.sh"),
        ("./train.sh", "is not executable; run chmod +x train.sh, or write sh ./train.sh"),
        ("./trian.sh", "(did you mean 'train.sh'?)"),
        ("sh trian.sh", "(did you mean 'train.sh'?)"),
        ("sh train.sh {raet}", "{raet} is no setting of this job (did you mean 'rate'?)"),
        ("sh train.sh {rate", "a brace is written {{ or }}"),
        ("sh 'train.sh", "cannot be split into arguments: no closing quotation"),
    ],
)
def test_refusals_before_a_launch(tmp_path: Path, command: str, error: str) -> None:
    write(tmp_path, train_sh=TRAIN)
    with pytest.raises(JobError) as found:
        prepared(tmp_path, job_text(json.dumps(command), STDOUT))
    assert str(found.value).startswith("job:2:10: command: ")
    assert error in str(found.value)
    assert "\n" not in str(found.value)


def test_a_program_that_only_the_trial_names_fails_it(tmp_path: Path) -> None:
    launch(tmp_path, job_text('"{program} x"', STDOUT, space="{program: [nosuchthing, /etc/passwd]}"))
    assert [row.error for row in trials(tmp_path)] == [
        "'nosuchthing' cannot be started: No such file or directory",
        "'/etc/passwd' cannot be started: Permission denied",
    ]


def test_a_store_that_begins_anew_does_not_read_old_files(tmp_path: Path) -> None:
    write(tmp_path, train_sh="[ -e $1/m.csv ] || echo epoch,acc > $1/m.csv; echo 1,0.5 >> $1/m.csv\n")
    text = job_text("sh train.sh {trial_dir}", "metrics_from: {file: m.csv}")
    launch(tmp_path, text)
    (tmp_path / "results.db").unlink()
    notes = Notes()
    assert launch(tmp_path, text, notes=notes).failed == 0
    (aside,) = (tmp_path / "runs" / "mine").glob("*.before-1")
    assert (aside / "m.csv").read_text() == "epoch,acc\n1,0.5\n"
    assert [epoch.more for epoch in epochs(tmp_path, only(tmp_path))] == [{}, {"acc": 0.5}]


def sleeping(seconds: str) -> list[int]:
    """Return the processes that sleep for so many seconds."""
    return [one.pid for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", seconds]]


def test_nothing_of_gridsearch_that_takes_time_is_imported_by_a_report() -> None:
    slow = "sys.exit({'torch', 'pandas', 'pydantic'} & set(sys.modules))"
    code = f"import sys; from gridsearch import report; report(2, acc=0.5); {slow}"
    environment = {key: value for key, value in os.environ.items() if key != "GRIDSEARCH_REPORT"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.stderr.strip()) == ("epoch 2: acc 0.5\n", "set()")


def test_no_room_has_the_name_of_what_a_script_may_use() -> None:
    import gridsearch

    rooms, offered = {room.name for room in pkgutil.iter_modules(gridsearch.__path__)}, set(dir(gridsearch))
    assert "engine" in rooms and {"Trial", "open", "report"} <= offered and not rooms & offered


def test_another_way_to_write_the_command_is_the_same_job(tmp_path: Path) -> None:
    write(tmp_path, train_sh=TRAIN)
    launch(tmp_path, job_text(LOOP, STDOUT))
    launch(tmp_path, job_text(f"env {LOOP}", STDOUT))
    assert [row.state for row in trials(tmp_path)] == [TrialState.COMPLETED]
    with open_store(tmp_path / "results.db") as store:
        assert store.number_of_trials() == 2
