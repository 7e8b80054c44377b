import re
import tomllib
from fnmatch import fnmatch
from importlib import resources
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs, get_plotlyjs_version

from gridsearch.visualization import inlining
from gridsearch.visualization.inlining import asset, page_script, plotly_script

MODULES = [file for file in resources.files("gridsearch.visualization").joinpath("assets", "page").iterdir()]


def test_our_bundle_is_that_of_the_plotly_we_pin() -> None:
    assert f"plotly.js (cartesian - minified) v{get_plotlyjs_version()}\n" in asset("plotly-cartesian.min.js")[:200]
    assert plotly_script() == asset("plotly-cartesian.min.js") and len(plotly_script()) < 1_600_000
    assert "MIT License" in asset("plotly-cartesian.LICENSE")


def test_another_plotly_brings_its_own_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plotly.offline.get_plotlyjs_version", lambda: "3.0.1")
    inlining.plotly_script.cache_clear()
    try:
        assert plotly_script() == get_plotlyjs()
    finally:
        inlining.plotly_script.cache_clear()


def test_every_module_is_in_the_page_once_and_nothing_is_imported() -> None:
    scripts = [page_script(), page_script("compared")]
    for module in MODULES:
        counts = [script.count(f"const module_{module.name.removesuffix('.js')} = ") for script in scripts]
        assert max(counts) == 1, module.name
    for script in scripts:
        assert not re.search(r"^(import|export) ", script, re.MULTILINE)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_what_a_module_imports_is_there(module: object) -> None:
    text = module.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    for names, other in re.findall(r'^import \{(.*?)\} from "\./(\w+)\.js";$', text, re.MULTILINE):
        exported = re.findall(r"^export (?:const|class|function) (\w+)", asset(f"page/{other}.js"), re.MULTILINE)
        assert {name.strip() for name in names.split(",")} <= set(exported)
        for name in names.split(","):
            assert len(re.findall(rf"\b{name.strip()}\b", text)) > 1, f"{name} is not used"


def test_the_assets_are_in_the_package() -> None:
    told = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-data"
    ]
    folder = resources.files("gridsearch")
    for module in MODULES:
        path = str(module).removeprefix(f"{folder}/")
        assert any(fnmatch(path, pattern) for pattern in told["gridsearch"] if pattern.count("/") == path.count("/"))
