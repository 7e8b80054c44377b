"""What a document is written in."""

from __future__ import annotations

from enum import StrEnum


class ReportFormat(StrEnum):
    """What a document is written in."""

    MD = "md"
    TEX = "tex"
    HTML = "html"
