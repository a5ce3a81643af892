import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small import SPECS, params, small

from nnops.errors import InputError, ParamsError
from nnops.listed import check_listed
from nnops.models.own import Own
from nnops.params import Params
from nnops.training.train import name_result, own_sources, train

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, spec, width=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(spec.features, width), nn.ReLU(), nn.Linear(width, spec.outputs))

    def forward(self, numeric_BF):
        return self.layers(numeric_BF)

def wide(spec):
    return nn.Linear(spec.features, 3)

def takes_two(spec):
    return nn.Bilinear(2, 2, 1)

def number(spec):
    return 7
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own_net.py").write_text(NET)
    (tmp_path / "own_broken.py").write_text("class Net(:\n")
    (tmp_path / "own_needs.py").write_text("import no_such_library\n")
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


def own(path: str, **arguments: object) -> Params:
    return params(model={"name": "own", "options": {"path": path, "arguments": arguments}})


def test_it_is_trained_and_its_files_name_the_result(here: Path) -> None:
    data = small(here / "data", "numeric")
    first = train(own("own_net:Net", width=6), data)
    assert first.weights["layers.0.weight"].shape == (6, 4)
    assert train(own("own_net:Net", width=6), data).weights_sha256 == first.weights_sha256
    assert list(own_sources(own("own_net:Net"))) == ["own_net.py"]
    before = name_result(own("own_net:Net"), data)
    (here / "own_net.py").write_text(NET + "# another\n")
    assert name_result(own("own_net:Net"), data) != before
    package = here / "own_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "net.py").write_text(NET)
    assert list(own_sources(own("own_package.net:Net"))) == ["own_package/__init__.py", "own_package/net.py"]
    assert own_sources(own("nnops.models.own:small")) == {}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("own_nett:Net", r"there is no module 'own_nett'; write the name of a Python file in /.* without \.py"),
        ("own_broken:Net", r"own_broken cannot be imported: SyntaxError: .*own_broken\.py, line 1"),
        ("own_needs:Net", "own_needs cannot be imported: ModuleNotFoundError: No module named 'no_such_library'"),
        ("own_net:Nett", "own_net has no Nett; unknown name 'Nett'; did you mean 'Net'?"),
        ("own_net:number", "own_net:number must give a torch.nn.Module, got int"),
        ("own_net:wide", r"must answer numeric \[2, 4\] with a tensor \[2, 1\] for the task regression, got \[2, 3\]"),
        ("own_net:takes_two", r"must take numeric \[2, 4\], but its forward fails: TypeError"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_cannot_be_a_network_is_said(path: str, said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        Own(path=path).build(SPECS["numeric"])


@pytest.mark.usefixtures("here")
def test_arguments_that_it_does_not_take_are_said() -> None:
    with pytest.raises(ParamsError, match=r"own_net:Net cannot be built: TypeError: .*depth"):
        Own(path="own_net:Net", arguments={"depth": 3}).build(SPECS["numeric"])


def test_dvc_must_know_its_files(here: Path) -> None:
    files = own_sources(own("own_net:Net"))
    check_listed(files, here, "train", {})
    for deps in (["pipelines/train.py"], ["own"]):
        (here / "dvc.yaml").write_text(json.dumps({"stages": {"train": {"deps": deps}}}))
        with pytest.raises(InputError, match=r"the stage train must depend on 'own_net\.py'"):
            check_listed(files, here, "train", {})
    (here / "dvc.yaml").write_text(json.dumps({"stages": {"train": {"deps": ["own_net.py"]}}}))
    check_listed(files, here, "train", {})
