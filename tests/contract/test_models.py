"""What every model family promises, for all of its examples and every kind of data that it takes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from small import SPECS, image_spec, params, ring, small

from nnops.batch import TOKENS
from nnops.errors import InputError
from nnops.losses import DEFAULT, LOSSES
from nnops.models import MODELS
from nnops.models.graph import hold_graph
from nnops.training.artifact import read_model, write_model
from nnops.training.optimizer import AdamW
from nnops.training.step import SoloStep, trainable
from nnops.training.train import build_model, hash_weights, train

SHAPES = {**SPECS, "large": image_spec((1, 28, 28)), "colour": image_spec((3, 17, 15))}


def _fits(family, spec):
    if family.dense not in ("any", "mask" if spec.task == "segmentation" else "vector"):
        return False
    try:
        family.build(spec)
    except InputError:
        return False
    return True


CASES = {
    f"{name}-{place}-{kind}": (name, place, kind)
    for name in MODELS.names()
    for place, family in enumerate(MODELS.load(name).examples())
    for kind, spec in SHAPES.items()
    if _fits(family, spec)
}


def _taken(name, kind):
    return any(case[0] == name and case[2] == kind for case in CASES.values())


#: One kind of data for each example, for tests that take long.
KINDS = ("mixed", "graph", "image", "text", "series", "language", "sequence", "colour", "masks")
FIRST = {name: next(kind for kind in KINDS if _taken(name, kind)) for name in MODELS.names()}
ONCE = {key: case for key, case in CASES.items() if case[2] == FIRST[case[0]]}
#: The same for the example with every option in use alone.
LAST = {key: case for key, case in ONCE.items() if case[1] == len(MODELS.load(case[0]).examples()) - 1}
LAST["tabular-1-places"] = ("tabular", 1, "places")


class Spread(torch.nn.Module):
    """A module called with ``*inputs``, whatever its own arguments: the exporter matches shapes by signature."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *inputs):
        return self.module(*inputs)


def every(cases):
    return pytest.mark.parametrize("case", list(cases.values()), ids=list(cases))


def options(name, place):
    return MODELS.load(name).examples()[place].model_dump(mode="json")


def small_of(kind, folder):
    plain = SHAPES[kind].image and kind != "masks"
    return small(folder, "image", shape=SHAPES[kind].shapes[0]) if plain else small(folder, kind)


def module(case, seed=1):
    name, place, kind = case
    model = build_model(params(seed=seed, model={"name": name, "options": options(name, place)}), SHAPES[kind])
    hold_graph(model, ring)
    return model


def batch(spec, rows, seed=0):
    rng = np.random.default_rng(seed)
    inputs = []
    for name, shape in zip(spec.inputs, spec.shapes, strict=True):
        if name == "categories":
            columns = [rng.integers(0, n, rows) for n in spec.cardinalities]
            inputs.append(torch.from_numpy(np.stack(columns, 1)))
        elif name == "node":
            inputs.append(torch.from_numpy(rng.permutation(spec.nodes)[:rows]))
        elif name in ("text", "answer"):
            there = np.arange(shape[0]) < rng.integers(1, shape[0] + 1, rows)[:, None]
            codes = spec.vocabulary if name == "text" else spec.outputs
            inputs.append(torch.from_numpy(rng.integers(1, codes, (rows, *shape)) * there))
        else:
            inputs.append(torch.from_numpy(rng.normal(size=(rows, *shape)).astype(np.float32)))
    if spec.task == "forecasting":
        # The same few weights for every window and variable, so that families of few weights can learn them.
        weight_HL = np.random.default_rng(1).normal(size=(spec.horizon, spec.shapes[0][0])) / spec.shapes[0][0] ** 0.5
        target = np.einsum("blv,hl->bhv", inputs[0].numpy()[:, :, list(spec.targets)], weight_HL)
        return tuple(inputs), torch.from_numpy(target.reshape(rows, -1).astype(np.float32))
    if spec.task == "sequence":
        text, answer = inputs
        # A token is told by the one before it and by the text's first one.
        target = torch.where(answer > 0, 3 + (answer + text[:, :1]) % 6, 0)
        return tuple(inputs), target
    if spec.task == "language_model":
        # The next token follows from this one and the one before it; what is padding is told by nobody.
        (text,) = inputs
        before = torch.nn.functional.pad(text, (1, 0))[:, :-1]
        return tuple(inputs), torch.where(text > 0, 3 + (text + before) % 9, 0)
    if spec.task == "segmentation":
        # Of the level of each pixel, so that a few weights can learn it.
        return tuple(inputs), (inputs[0][:, 0] > -0.4).long() + (inputs[0][:, 0] > 0.4).long()
    if spec.task == "multiclass":
        return tuple(inputs), torch.from_numpy(rng.integers(0, spec.outputs, rows))
    target = rng.integers(0, 2, rows) if spec.task == "binary" else rng.normal(size=rows)
    return tuple(inputs), torch.from_numpy(target.astype(np.float32))


def solo(model, spec, rate=0.01):
    update = AdamW(weight_decay=0.0, lr=rate).build(trainable(model))
    return SoloStep(model, LOSSES.build(DEFAULT[spec.task], {}), update, None)


@every(CASES)
def test_gives_one_row_of_outputs_a_row(case):
    spec = SHAPES[case[2]]
    model = module(case).eval()
    for rows in (1, 2, 5):
        output = model(*batch(spec, rows)[0])
        assert output.shape == (rows, *spec.answer)
        assert output.dtype == torch.float32
        assert output.isfinite().all()


@every(CASES)
def test_rows_do_not_see_each_other_in_evaluation(case):
    spec = SHAPES[case[2]]
    model = module(case).eval()
    inputs, _ = batch(spec, 6)
    alone = torch.cat([model(*(tensor[row : row + 1] for tensor in inputs)) for row in range(6)])
    torch.testing.assert_close(model(*inputs), alone, rtol=1e-4, atol=1e-5)


TEXTS = {key: case for key, case in CASES.items() if case[2] == "text" and case[0] != "own"}
#: A user's own network may look where it wants.
TOLD = {key: case for key, case in CASES.items() if SHAPES[case[2]].task in TOKENS and case[0] != "own"}


@every(TEXTS)
def test_padding_does_not_change_the_answer(case):
    model = module(case).eval()
    (text,), _ = batch(SHAPES["text"], 5)
    short = text * (torch.arange(text.shape[1]) < 3)
    alone = torch.cat([model(row[None, : int((row > 0).sum())]) for row in short])
    # Beside a text of full length, nothing is cut off.
    beside = model(torch.cat([short, torch.full_like(text[:1], 2)]))[:-1]
    torch.testing.assert_close(beside, alone, rtol=1e-4, atol=1e-5)


@every(TEXTS)
def test_a_text_of_padding_alone_gets_a_finite_answer(case):
    model = module(case).eval()
    assert model(torch.zeros(2, 6, dtype=torch.int64)).isfinite().all()


@every(TOLD)
def test_a_later_token_changes_nothing_before_it(case):
    spec = SHAPES[case[2]]
    model = module(case).eval()
    inputs, _ = batch(spec, 5)
    told = torch.full_like(inputs[-1], 4)
    output = model(*inputs[:-1], told)
    for place in range(1, told.shape[1]):
        other = told.clone()
        other[:, place:] = 5
        changed = model(*inputs[:-1], other)
        assert torch.equal(changed[:, :place], output[:, :place])
        assert not torch.equal(changed[:, place], output[:, place])


@every(CASES)
def test_every_weight_gets_a_gradient(case):
    spec = SHAPES[case[2]]
    model = module(case)
    inputs, target = batch(spec, 64)
    LOSSES.build(DEFAULT[spec.task], {})(model(*inputs), target).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.abs().max() > 0, name
        # Updates run over raw memory, so a gradient must lie as its weight does.
        assert weight.grad.stride() == weight.stride(), name


@every(ONCE)
def test_learns_one_batch_by_heart(case):
    spec = SHAPES[case[2]]
    inputs, target = batch(spec, 16)
    step = solo(module(case), spec)
    before = step.loss(step.predict(inputs), target)
    for _ in range(120):
        step.train(inputs, target, 0.01)
    assert step.loss(step.predict(inputs), target) < 0.4 * before


@every(CASES)
def test_first_outputs_are_of_order_one(case):
    spec = SHAPES[case[2]]
    sizes = [module(case, seed)(*batch(spec, 64)[0]).detach().std() for seed in range(5)]
    assert 0.02 < float(torch.stack(sizes).median()) < 5


@every(CASES)
def test_seed_decides_the_first_weights(case):
    def draw(seed):
        return hash_weights(module(case, seed).state_dict())

    first = draw(1)
    torch.rand(3)
    assert draw(1) == first
    assert draw(2) != first


def _trained_hashes():
    hashes = {}
    for key, case in ONCE.items():
        spec = SHAPES[case[2]]
        step = solo(module(case), spec)
        for seed in range(3):
            step.train(*batch(spec, 32, seed), 0.01)
        hashes[key] = hash_weights(step.model.state_dict())
    return hashes


def test_another_process_trains_the_same_bits():
    torch.set_num_threads(1)
    code = f"""
import importlib.util, json, sys, torch
torch.set_num_threads(1)
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
there = importlib.util.spec_from_file_location("contract", {__file__!r})
module = importlib.util.module_from_spec(there)
there.loader.exec_module(module)
print(json.dumps(module._trained_hashes()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == _trained_hashes()


@every(ONCE)
def test_written_and_read_back_it_answers_the_same(case, tmp_path):
    name, place, kind = case
    data = small_of(kind, tmp_path / "data")
    chosen = params(model={"name": name, "options": options(name, place)}, train={"epochs": 1})
    trained = train(chosen, data)
    write_model(tmp_path / "model", trained, chosen, data)
    back = read_model(tmp_path / "model")
    model = module(case)
    model.load_state_dict(trained.weights)
    inputs = data.tensors("test").inputs
    assert back.spec == data.spec
    assert torch.equal(back.module(*inputs), model.eval()(*inputs))


@every(LAST)
def test_resumed_training_ends_in_the_same_bits(case, tmp_path):
    name, place, kind = case
    data = small_of(kind, tmp_path / "data")
    chosen = params(model={"name": name, "options": options(name, place)}, train={"clip_norm": 1.0})
    whole = train(chosen, data)
    part = train(chosen, data, checkpoints=tmp_path / "kept", report=lambda moment: moment.epoch < 2)
    assert (part.ended, len(part.history)) == ("told", 2)
    rest = train(chosen, data, checkpoints=tmp_path / "kept")
    assert rest.history == whole.history
    assert rest.weights_sha256 == whole.weights_sha256
    assert len(rest.history) == 4


@every(LAST)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_onnx_graph_answers_the_same_for_any_batch(case, tmp_path):
    import onnxruntime

    spec = SHAPES[case[2]]
    model = module(case)
    for seed in range(3):  # so that batch normalisation has seen something
        model(*batch(spec, 32, seed)[0])
    model.eval()
    example, _ = batch(spec, 2)
    path = tmp_path / "model.onnx"
    rows = torch.export.Dim("rows", min=1, max=4096)
    names = list(spec.inputs)
    program = torch.onnx.export(
        Spread(model),
        example,
        dynamo=True,
        dynamic_shapes=(tuple({0: rows} for _ in example),),
        input_names=names,
        verbose=False,
    )
    assert program is not None
    program.save(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for rows in (1, 7):
        inputs, _ = batch(spec, rows, seed=9)
        feeds = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
        (output,) = session.run(None, feeds)
        np.testing.assert_allclose(output, model(*inputs).detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        for name in MODELS.names()
        for kind in SPECS
        if kind not in ("image", "masks") and name != "own" and not _fits(MODELS.load(name).examples()[0], SPECS[kind])
    ],
)
def test_data_of_the_wrong_kind_are_refused_in_one_sentence(name, kind):
    with pytest.raises(
        InputError, match=rf"^params.yaml: model.name: '{name}' needs (a )?\w+( or \w+)?, .* write '\w+'\.$"
    ):
        MODELS.load(name).examples()[0].build(SPECS[kind])
