"""Documents that follow from the code are up to date, and what the code offers is documented."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import jsonschema
import pytest
import yaml

from gridsearch.config.job_file import JOB_KEYS
from gridsearch.config.named_datasets import DATASETS
from gridsearch.config.trial import RECIPE_KEYS
from gridsearch.models.registry import MODELS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def test_generated_documents_are_up_to_date() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import generate; print(repr((generate.cli(), generate.schema())))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(DOCS)], capture_output=True, text=True, check=True)
    cli, schema = ast.literal_eval(done.stdout)
    assert (DOCS / "cli.md").read_text() == cli, "run: python docs/generate.py"
    assert (DOCS / "job.schema.json").read_text() == schema, "run: python docs/generate.py"


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text())
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_every_key_data_set_model_and_job_is_documented() -> None:
    text = (DOCS / "jobs.md").read_text()
    names = [*JOB_KEYS, *RECIPE_KEYS, *DATASETS, *MODELS, *(path.name for path in (ROOT / "jobs").glob("*.yaml"))]
    missing = [name for name in names if f"| `{name}` |" not in text]
    assert missing == []


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_accepts_our_jobs_and_refuses_mistakes(path: Path) -> None:
    schema = json.loads((DOCS / "job.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)  # `jsonschema.validate` checks the schema itself each time
    job = yaml.safe_load(path.read_text())
    validator.validate(job)
    for change in (
        {"optimizer": "sdg"},
        {"epochs": 0},
        {"nmae": "x"},
        {"split": {"tets": 3}},
        {"space": {"epochs": []}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(job | change)


def test_reading_results_imports_neither_torch_nor_ray() -> None:
    script = (
        "from gridsearch.cli.main import main\n"
        "import gridsearch.cli.reading, gridsearch.cli.render.status, gridsearch.cli.render.trial\n"
        "import gridsearch.analysis.ranking\n"
        "import gridsearch.store.opening, gridsearch.engine.run.liveness, gridsearch"
    )
    assert imported_by(script) & {"torch", "ray", "plotly", "scipy", "sklearn"} == set()


def test_the_command_line_starts_with_the_standard_library_and_three_packages_more() -> None:
    """All commands pay for what it imports: with pandas 0.3 s each, and only a few of them make a table."""
    done = imported_by("import gridsearch.cli.main")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = {re.split(r"[\[>=]", text)[0].lower() for text in project["dependencies"]}
    modules = {name for name, owners in packages_distributions().items() if ours & {one.lower() for one in owners}}
    assert modules & done == {"platformdirs", "typer", "yaml"}


def test_a_status_needs_no_table() -> None:
    """It is called all the time, and what it prints are counts and a few trials."""
    script = "import gridsearch.cli.render.status, gridsearch.engine.disk.disk_use, gridsearch.store.opening"
    assert imported_by(script) & {"numpy", "pandas", "pyarrow"} == set()


def imported_by(script: str) -> set[str]:
    """Return the top-level modules that a process has imported after a script."""
    shown = f"{script}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True).stdout.split())
