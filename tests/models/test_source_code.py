"""What a user's model is made of: every module of the user's that it reaches, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gridsearch.models.registry import find_model
from gridsearch.models.source_code import code_fingerprint

FILES = {
    "nets/__init__.py": "",
    "nets/model.py": "import torch\nfrom torch import nn\nfrom . import blocks\nfrom .parts.deep import Deep\n"
    "import plain, json\nclass Net(nn.Linear):\n    def forward(self, x):\n        import late\n        return x\n",
    "nets/blocks.py": "from nets.inner import *\n",
    "nets/inner.py": "import nets.model\n",
    "nets/parts/deep.py": "from ...nets import inner\nfrom .. import sibling\nclass Deep: pass\n",
    "nets/sibling.py": "",
    "plain.py": "import nets\n",
    "late.py": "",
    "unrelated.py": "",
    "nets/unrelated.py": "",
    "venv/pyvenv.cfg": "",
    "venv/src/mine.py": "",
    "lib/site-packages/installed.py": "",
}
REACHED = {
    "nets/__init__.py",
    "nets/model.py",
    "nets/blocks.py",
    "nets/inner.py",
    "nets/parts/deep.py",
    "nets/sibling.py",
    "plain.py",
    "late.py",
}


def write(folder: Path, files: dict[str, str] = FILES) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def code(folder: Path) -> str:
    return code_fingerprint("nets.model", folder / "nets" / "model.py", [folder])


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".py")])
def test_a_changed_module_is_another_model_if_the_model_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for library in ("venv/src", "lib/site-packages"):
        monkeypatch.syspath_prepend(str(tmp_path / library))
    files = FILES | {"plain.py": "import nets, mine, installed\n"}
    before = code(write(tmp_path, files))
    (tmp_path / name).write_text(files[name] + "# changed\n")
    assert (code(tmp_path) != before) == (name in REACHED)


def test_neither_the_place_nor_line_ends_count(tmp_path: Path) -> None:
    windows = {name: text.replace("\n", "\r\n") for name, text in FILES.items()}
    here, there = write(tmp_path / "here"), write(tmp_path / "some" / "where", windows)
    assert code(here) == code(there) == code_fingerprint("nets.model", here / "nets" / "model.py", [])


def test_what_is_loaded_already_makes_no_difference(tmp_path: Path) -> None:
    """One process has the model loaded, and a module of another folder under the name of one that it imports."""
    write(tmp_path / "job", {"mine.py": "from torch import nn\nimport helper\nclass Net(nn.Linear): pass\n"})
    write(tmp_path / "job", {"helper.py": "here = 1\n"})
    write(tmp_path / "other", {"helper.py": "there = 2\n"})
    script = "import sys; sys.path.insert(0, sys.argv[1]); import helper; assert helper.there\n"
    script += "from pathlib import Path\nfrom gridsearch.models.registry import find_model\n"
    script += "print(find_model('mine:Net', [Path(sys.argv[2])]).code)\n"
    command = [sys.executable, "-c", script, str(tmp_path / "other"), str(tmp_path / "job")]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert loaded == code_fingerprint("mine", tmp_path / "job" / "mine.py", [tmp_path / "job"])


def test_two_networks_in_an_imported_module_are_two_models(tmp_path: Path) -> None:
    first = "from torch import nn\nfrom body_of_mine import Body\nclass Net(Body): pass\n"
    write(
        tmp_path, {"head_of_mine.py": first, "body_of_mine.py": "from torch import nn\nclass Body(nn.Linear): pass\n"}
    )
    narrow = find_model("head_of_mine:Net", [tmp_path]).code
    (tmp_path / "body_of_mine.py").write_text("from torch import nn\nclass Body(nn.Bilinear): pass\n")
    assert find_model("head_of_mine:Net", [tmp_path]).code != narrow


def test_an_installed_model_is_its_own_file_alone(tmp_path: Path) -> None:
    library = write(tmp_path / "site-packages")
    before = code_fingerprint("nets.model", library / "nets" / "model.py", [tmp_path])
    (library / "nets" / "blocks.py").write_text("other = 1\n")
    assert code_fingerprint("nets.model", library / "nets" / "model.py", [tmp_path]) == before
    (library / "nets" / "model.py").write_text("other = 1\n")
    assert code_fingerprint("nets.model", library / "nets" / "model.py", [tmp_path]) != before
