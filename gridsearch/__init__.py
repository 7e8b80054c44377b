"""Grid search for image classifiers: a YAML job, a resumable store, and dashboards worth showing."""

__version__ = "0.1.0"
