"""What our models take is written down as they say it themselves."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gridsearch.models.registry import MODELS, ModelSignature, find_model
from gridsearch.models.signatures import FILE, signature_of, signatures_text


def test_what_is_written_down_is_up_to_date() -> None:
    assert FILE.read_text() == signatures_text(), "run: python docs/generate.py"


@pytest.mark.parametrize("name", MODELS)
def test_a_signature_read_is_that_of_the_model(name: str) -> None:
    read, said = signature_of(name), find_model(name)
    for field in fields(ModelSignature):
        ours, own = getattr(read, field.name), getattr(said, field.name)
        assert (ours == own and repr(ours) == repr(own)) or (field.name == "wanted" and ours == own)
