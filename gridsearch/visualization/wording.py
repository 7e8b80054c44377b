"""Numbers and times as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime

from gridsearch.analysis.labels import brief_text


def brief(value: float) -> str:
    """Return a score with four decimals, or an exponent (`brief_text`)."""
    return brief_text(value)


def percent(share: float) -> str:
    """Return a share of the variance, or a probability, in percent.

    >>> percent(0.7154), percent(0.0001)
    ('71.5\N{NO-BREAK SPACE}%', '0.0\N{NO-BREAK SPACE}%')
    """
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def moment(at: datetime) -> str:
    """Return a time to the minute, in UTC; one without a zone is taken to be in UTC."""
    return (at.astimezone(UTC) if at.tzinfo else at).strftime("%Y-%m-%d %H:%M UTC")


def limit(value: float) -> str:
    """Return a limit as it was meant: `3,600`, `256,000`, `0.5`.

    >>> limit(3600.0), limit(256000), limit(0.5), limit(1e-09)
    ('3,600', '256,000', '0.5', '1e-09')
    """
    return f"{int(value) if float(value).is_integer() else value:,}"


def share(part: int, whole: int) -> str:
    """Return a share as a whole percentage, never 100 % for less than everything."""
    if whole <= 0:
        return "0\N{NO-BREAK SPACE}%"
    percent = round(100 * part / whole)
    return f"{min(percent, 99) if part < whole else percent}\N{NO-BREAK SPACE}%"
