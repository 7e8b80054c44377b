"""`gridsearch schema`: the JSON schema of job files."""

from __future__ import annotations

import json

from gridsearch.cli.streams import data


def schema() -> None:
    """Print the JSON schema of job files, for editors."""
    from gridsearch.config.json_schema import job_schema
    from gridsearch.config.named_datasets import DATASETS
    from gridsearch.models.registry import MODELS

    data(json.dumps(job_schema(datasets=list(DATASETS), models=list(MODELS)), indent=2))
