"""The commit of a job's folder, from real repositories."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gridsearch.engine.run.working_tree import commit_of

WHO = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")


def git(folder: Path, *arguments: str) -> str:
    given = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *WHO, "-C", str(folder), *arguments], env=given, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def repository(folder: Path, *options: str) -> Path:
    folder.mkdir()
    git(folder, "init", "-q", *options)
    (folder / "inner").mkdir()
    (folder / "inner" / "job.yaml").write_text("name: a\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


def test_the_commit_is_that_of_the_repository_around_the_folder(tmp_path: Path) -> None:
    home = repository(tmp_path / "a b")
    inner = home / "inner"
    assert commit_of(inner) == (head(home), True)
    (home / "results.db").touch()  # which git does not know
    assert commit_of(inner) == (head(home), True)
    (inner / "job.yaml").write_text("name: b\n")
    assert commit_of(inner) == commit_of(home) == (head(home), False)
    git(home, "add", ".")
    assert commit_of(inner) == (head(home), False)


def test_a_detached_head_a_worktree_a_submodule_and_sha256_have_commits_too(tmp_path: Path) -> None:
    home = repository(tmp_path / "home")
    first = head(home)
    git(home, "commit", "-q", "--allow-empty", "-m", "second")
    git(home, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"), first)
    assert commit_of(tmp_path / "tree" / "inner") == (first, True)
    part = repository(tmp_path / "part")
    git(home, "submodule", "--quiet", "add", str(part), "sub")
    git(home, "commit", "-qm", "third")
    assert commit_of(home / "sub") == (head(part), True) and commit_of(home) == (head(home), True)
    (home / "sub" / "inner" / "job.yaml").write_text("name: b\n")
    assert commit_of(home / "sub") == (head(part), False) and commit_of(home) == (head(home), False)
    longer = repository(tmp_path / "longer", "--object-format=sha256")
    assert commit_of(longer) == (head(longer), True) and len(head(longer)) == 64


def nothing(folder: Path, patch: pytest.MonkeyPatch) -> None:
    folder.mkdir()


def missing(folder: Path, patch: pytest.MonkeyPatch) -> None:
    pass


def empty(folder: Path, patch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    git(folder, "init", "-q")


def without_git(folder: Path, patch: pytest.MonkeyPatch) -> None:
    repository(folder)
    patch.setenv("PATH", str(folder))


def of_somebody_else(folder: Path, patch: pytest.MonkeyPatch) -> None:
    repository(folder)
    patch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")


def damaged(folder: Path, patch: pytest.MonkeyPatch) -> None:
    repository(folder)
    (folder / ".git" / "HEAD").write_text("nonsense")


@pytest.mark.parametrize("prepare", [nothing, missing, empty, without_git, of_somebody_else, damaged])
def test_where_git_tells_nothing_nothing_is_known_and_nothing_said(
    prepare: Callable[[Path, pytest.MonkeyPatch], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    prepare(tmp_path / "home", monkeypatch)
    assert commit_of(tmp_path / "home") == (None, None)
    assert capfd.readouterr() == ("", "")


def test_another_repository_that_the_environment_names_is_not_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = repository(tmp_path / "home"), repository(tmp_path / "other")
    git(other, "commit", "-q", "--allow-empty", "-m", "second")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert commit_of(home) == (head(home), True)


def test_what_a_repository_names_as_its_monitor_is_not_run(tmp_path: Path) -> None:
    home = repository(tmp_path / "home")
    monitor = tmp_path / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch {tmp_path / 'was-run'}\n")
    monitor.chmod(0o755)
    git(home, "config", "core.fsmonitor", str(monitor))
    assert commit_of(home) == (head(home), True)
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(("slow", "known"), [("rev-parse", False), ("status", True)])
def test_a_git_that_takes_long_is_not_waited_for(
    slow: str, known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    # It waits for a process of its own, which holds its pipe.
    (programs / "git").write_text(f'#!/bin/sh\ncase "$*" in *{slow}*) sleep 60;; *) echo {"a" * 40};; esac\n')
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    began = time.monotonic()
    assert commit_of(tmp_path, patience_s=0.5) == ("a" * 40 if known else None, None)
    assert time.monotonic() - began < 5
