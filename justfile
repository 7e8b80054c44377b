# What CI runs is what you run.

# everything CI checks
check:
    bash .ci/run

# the fast tests only
test:
    .venv/bin/pytest -m "not slow"

# rewrite what is generated from the code: docs/cli.md, docs/job.schema.json
docs:
    .venv/bin/python docs/generate.py

# bring the code into format
format:
    .venv/bin/ruff format . && .venv/bin/ruff check --fix .
