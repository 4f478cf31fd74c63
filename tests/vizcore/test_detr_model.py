"""DETR's parts against torch's own layers, its whole against the paper's numbers, and the small one's promises."""

import json
import math
from dataclasses import asdict, replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet50

from vizcore.models import detr as module
from vizcore.models.detr import (
    CANVAS,
    DETR,
    LITE0_CHANNELS,
    PAPER,
    SMALL,
    Detector,
    DETRConfig,
    MultiheadAttention,
    PositionEmbeddingSine,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
    detect,
    detections,
    fit_photo,
    join_stages,
    normalise_imagenet,
)
from vizcore.seeding import seeded

TINY = replace(PAPER, channels=32, num_heads=4, feedforward=48, dropout=0.0, num_queries=7, num_classes=5)
TINY_SMALL = replace(
    SMALL, channels=32, feedforward=48, num_queries=9, num_encoder_layers=2, num_decoder_layers=3, num_classes=3
)


def random_like(module: nn.Module, *, seed: int = 0) -> nn.Module:
    """The module with weights that are none of the usual initial ones: no zero biases, no unit norms."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    return module.eval()


def features(count: int = 2, grid: tuple[int, int] = (5, 6), *, channels: int = LITE0_CHANNELS, seed: int = 0):
    return torch.randn(count, channels, *grid, generator=torch.Generator().manual_seed(seed))


# -- layer by layer ----------------------------------------------------------------------------------------------------


def torch_attention(ours: MultiheadAttention) -> nn.MultiheadAttention:
    theirs = nn.MultiheadAttention(ours.out_proj.in_features, ours.num_heads, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    return theirs.eval()


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("masked", ["nothing", "padding", "forbidden", "both"])
def test_attention_is_torchs(need_weights, masked):
    ours = random_like(MultiheadAttention(24, 4))
    query, key, value = (torch.randn(3, length, 24) for length in (5, 7, 7))
    padding = torch.rand(3, 7) < 0.3 if masked in ("padding", "both") else None
    if padding is not None:
        padding[:, 0] = False
    forbidden = torch.rand(5, 7) < 0.3 if masked in ("forbidden", "both") else None
    if forbidden is not None:
        forbidden[:, 0] = False
    output, weights = ours(query, key, value, padding=padding, forbidden=forbidden, need_weights=need_weights)
    expected, expected_weights = torch_attention(ours)(
        query, key, value, key_padding_mask=padding, attn_mask=forbidden, average_attn_weights=False
    )
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)
    if need_weights:
        torch.testing.assert_close(weights, expected_weights, rtol=1e-4, atol=1e-6)
    else:
        assert weights is None


def test_an_encoder_layer_is_torchs():
    """torch's has no positions: with none given the whole layer is the same, weight for weight and name for name."""
    ours = random_like(TransformerEncoderLayer(TINY))
    theirs = nn.TransformerEncoderLayer(32, 4, 48, 0.0, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    tokens, padding = torch.randn(2, 9, 32), torch.zeros(2, 9, dtype=torch.bool)
    padding[1, 6:] = True
    output, _ = ours(tokens, torch.zeros(1, 1, 32), padding, False)
    expected = theirs.train()(tokens, src_key_padding_mask=padding)  # in training it takes the plain road
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)


def test_positions_go_to_queries_and_keys_of_the_encoder_alone():
    ours = random_like(TransformerEncoderLayer(TINY))
    tokens, positions = torch.randn(2, 9, 32), torch.randn(2, 9, 32)
    placed = tokens + positions
    seen, _ = torch_attention(ours.self_attn)(placed, placed, tokens)
    first = ours.norm1(tokens + seen)
    expected = ours.norm2(first + ours.linear2(F.relu(ours.linear1(first))))
    torch.testing.assert_close(ours(tokens, positions, None, False)[0], expected, rtol=1e-4, atol=1e-5)


def test_a_decoder_layer_is_torchs():
    ours = random_like(TransformerDecoderLayer(TINY))
    theirs = nn.TransformerDecoderLayer(32, 4, 48, 0.0, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    queries, memory = torch.randn(2, 7, 32), torch.randn(2, 9, 32)
    output, _, _ = ours(queries, torch.zeros(1, 1, 32), memory, memory, None, None, False)
    torch.testing.assert_close(output, theirs(queries, memory), rtol=1e-4, atol=1e-5)


def test_positions_in_the_decoder():
    """Of queries in both attentions; of tokens in the keys of the second, not in its values."""
    ours = random_like(TransformerDecoderLayer(TINY))
    queries, places = torch.randn(2, 7, 32), torch.randn(2, 7, 32)
    memory, positions = torch.randn(2, 9, 32), torch.randn(2, 9, 32)
    seen, _ = torch_attention(ours.self_attn)(queries + places, queries + places, queries)
    first = ours.norm1(queries + seen)
    seen, weights = torch_attention(ours.multihead_attn)(
        first + places, memory + positions, memory, average_attn_weights=False
    )
    second = ours.norm2(first + seen)
    expected = ours.norm3(second + ours.linear2(F.relu(ours.linear1(second))))
    output, _, recorded = ours(queries, places, memory, memory + positions, None, None, True)
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(recorded, weights, rtol=1e-4, atol=1e-6)


def test_the_whole_transformer_is_torchs_without_positions():
    """Encoder, decoder and last norm: the last layer's output, and those before through the same norm."""
    ours = random_like(module.Transformer(replace(TINY, num_encoder_layers=2, num_decoder_layers=3)))
    theirs = nn.Transformer(32, 4, 2, 3, 48, 0.0, batch_first=True)
    theirs.encoder.norm = None
    theirs.load_state_dict(ours.state_dict())
    tokens, queries = torch.randn(2, 9, 32), torch.randn(2, 7, 32)
    nowhere = torch.zeros(1, 1, 32)
    memory, _ = ours.encoder(tokens, nowhere, None, False)
    outputs, _, _ = ours.decoder(queries, nowhere, memory, nowhere, None)
    torch.testing.assert_close(outputs[-1], theirs.train()(tokens, queries), rtol=1e-4, atol=1e-4)
    short = theirs.decoder
    short.layers, short.num_layers = short.layers[:1], 1
    torch.testing.assert_close(outputs[0], short(queries, memory), rtol=1e-4, atol=1e-4)


# -- positions ---------------------------------------------------------------------------------------------------------


def test_sine_positions_number_by_number():
    """The formula of appendix A.4, one number at a time: cells counted from 1, y first, sines and cosines in turn."""
    height, width, channels = 3, 4, 16
    encoded = PositionEmbeddingSine(replace(PAPER, channels=channels, num_heads=1))(
        torch.zeros(1, height, width, dtype=torch.bool)
    )[0]
    for row in range(height):
        for column in range(width):
            for half, share in enumerate([(row + 1) / height, (column + 1) / width]):
                for place in range(channels // 2):
                    angle = 2 * math.pi * share / 10000 ** (2 * (place // 2) / (channels // 2))
                    expected = math.cos(angle) if place % 2 else math.sin(angle)
                    found = encoded[row, column, half * channels // 2 + place].item()
                    assert found == pytest.approx(expected, abs=1e-4)


def test_positions_of_a_padded_picture_are_those_of_the_picture():
    encoding = PositionEmbeddingSine(PAPER)
    padding = torch.ones(1, 6, 8, dtype=torch.bool)
    padding[:, :3, :4] = False
    torch.testing.assert_close(encoding(padding)[:, :3, :4], encoding(padding[:, :3, :4]))


def test_a_start_box_and_a_token_at_one_place_have_one_position():
    detr = DETR(TINY_SMALL)
    tokens = detr.token_positions((4, 4))[0].reshape(4, 4, -1)
    nn.init.zeros_(detr.start_boxes.size.weight)
    box = torch.tensor([0.625, 0.125, 0.3, 0.3])  # the middle of row 0, column 2
    torch.testing.assert_close(detr.start_boxes.position(box), tokens[0, 2], rtol=1e-4, atol=1e-4)


# -- the paper's network -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paper() -> DETR:
    with seeded(0):
        return DETR().eval()


def test_the_papers_network_has_the_papers_parameters(paper):
    def number(part: nn.Module) -> int:
        return sum(parameter.numel() for parameter in part.parameters())

    assert number(paper) == 41_524_768
    assert number(paper.transformer.encoder.layers[0]) == 1_315_072
    assert number(paper.transformer.decoder.layers[0]) == 1_578_752


def official_names() -> set[str]:
    """Names in the authors' file, written down from their modules."""
    attention = ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]

    def layer(attentions, norms):
        names = {f"{each}.{name}" for each in attentions for name in attention}
        linear = ["linear1", "linear2", *(f"norm{number}" for number in range(1, norms + 1))]
        return names | {f"{each}.{kind}" for each in linear for kind in ("weight", "bias")}

    names = {f"transformer.encoder.layers.{i}.{name}" for i in range(6) for name in layer(["self_attn"], 2)}
    names |= {
        f"transformer.decoder.layers.{i}.{name}" for i in range(6) for name in layer(["self_attn", "multihead_attn"], 3)
    }
    heads = ["class_embed", "input_proj", "transformer.decoder.norm", *(f"bbox_embed.layers.{i}" for i in range(3))]
    names |= {f"{each}.{kind}" for each in heads for kind in ("weight", "bias")}
    names.add("query_embed.weight")
    # The body is torchvision's ResNet-50 without its classifier; frozen norms count no batches.
    names |= {
        f"backbone.0.body.{name}"
        for name in resnet50(weights=None).state_dict()
        if not name.startswith("fc.") and not name.endswith("num_batches_tracked")
    }
    return names


def test_the_papers_network_has_the_authors_names(paper):
    assert set(paper.state_dict()) == official_names()


def test_a_picture_through_the_papers_network(paper):
    x = normalise_imagenet(torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8))
    with torch.no_grad():
        output = paper(x, need_weights=True)
    assert output.logits.shape == (6, 1, 100, 92)
    assert output.boxes.shape == (6, 1, 100, 4)
    assert output.grid == (2, 3)
    assert output.attentions.encoder[0].shape == (1, 8, 6, 6)
    assert output.attentions.decoder_cross[5].shape == (1, 8, 100, 6)
    assert torch.all((output.boxes >= 0) & (output.boxes <= 1))


def test_padding_does_not_change_the_answer(paper):
    """A picture in the corner of a larger batch, said to be padding, is the picture alone."""
    backbone_features = torch.randn(1, 2048, 3, 4)
    larger = torch.randn(1, 2048, 5, 6)
    larger[:, :, :3, :4] = backbone_features
    padding = torch.ones(1, 5, 6, dtype=torch.bool)
    padding[:, :3, :4] = False
    with torch.no_grad():
        alone, padded = paper.answers(backbone_features), paper.answers(larger, padding)
    torch.testing.assert_close(alone.boxes, padded.boxes, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(alone.logits, padded.logits, rtol=1e-4, atol=1e-4)


def test_imagenets_normalisation():
    grey = torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)
    assert normalise_imagenet(grey)[0, :, 0, 0].tolist() == pytest.approx(
        [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], rel=1e-5
    )


# -- both --------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["paper", "small"])
def detr(request) -> DETR:
    config = TINY if request.param == "paper" else TINY_SMALL
    return random_like(DETR(config), seed=4)


def features_of(detr: DETR, **options):
    return features(channels=2048 if detr.config.backbone == "resnet50" else LITE0_CHANNELS, **options)


def test_rows_of_attention_sum_to_one_and_recording_changes_nothing(detr):
    x = features_of(detr)
    with torch.no_grad():
        plain, recorded = detr.answers(x), detr.answers(x, need_weights=True)
    torch.testing.assert_close(plain.boxes, recorded.boxes, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(plain.logits, recorded.logits, rtol=1e-4, atol=1e-4)
    assert plain.attentions is None
    for kind, layers in zip(recorded.attentions._fields, recorded.attentions, strict=True):
        expected = detr.config.num_encoder_layers if kind == "encoder" else detr.config.num_decoder_layers
        assert len(layers) == expected
        for weights in layers:
            assert torch.all(weights >= 0)
            torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))


def test_permuting_the_queries_permutes_the_answers(detr):
    x = features_of(detr)
    order = torch.randperm(detr.config.num_queries, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = detr.answers(x)
        detr.query_embed.weight.copy_(detr.query_embed.weight[order].clone())
        if detr.config.start_boxes:
            detr.start_boxes.logits.copy_(detr.start_boxes.logits[order].clone())
        after = detr.answers(x)
    torch.testing.assert_close(after.boxes, before.boxes[:, :, order], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after.logits, before.logits[:, :, order], rtol=1e-4, atol=1e-4)


def test_without_positions_shuffled_tokens_give_the_same_boxes(detr):
    """A transformer without positions reads a bag of tokens; with them the order counts."""
    blind = random_like(DETR(replace(detr.config, spatial_positions=False, convolution=False)), seed=4)
    sees = random_like(DETR(replace(detr.config, convolution=False)), seed=4)
    x = features_of(detr, grid=(4, 4))
    order = torch.randperm(16, generator=torch.Generator().manual_seed(2))
    shuffled = x.flatten(2)[:, :, order].reshape(x.shape)
    with torch.no_grad():
        torch.testing.assert_close(blind.answers(x).boxes, blind.answers(shuffled).boxes, rtol=1e-4, atol=1e-5)
        apart = [(each.answers(x).logits - each.answers(shuffled).logits).abs().max() for each in (blind, sees)]
    assert apart[1] > 20 * apart[0]


def test_without_an_encoder_the_memory_is_the_tokens(detr):
    bare = DETR(replace(detr.config, num_encoder_layers=0, position_values=False)).eval()
    x = features_of(detr)
    with torch.no_grad():
        output = bare.answers(x, need_weights=True)
        assert torch.equal(output.memory, bare.input_proj(x).flatten(2).transpose(1, 2))
    assert output.attentions.encoder == ()


def test_pictures_of_a_batch_do_not_meet(detr):
    x = features_of(detr, count=3)
    with torch.no_grad():
        together, alone = detr.answers(x), detr.answers(x[1:2])
    torch.testing.assert_close(together.boxes[:, 1:2], alone.boxes, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"channels": 30}, "30 channels cannot be shared by 4 heads"),
        ({"num_heads": 5}, "cannot be shared by 5 heads"),
        ({"num_queries": 0}, "at least one query"),
        ({"num_decoder_layers": 0}, "at least one query, one decoder layer"),
        ({"backbone": "vgg"}, "backbone must be one of resnet50, lite0, not 'vgg'"),
    ],
)
def test_a_configuration_that_cannot_be_built(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        DETR(replace(TINY, **change))


# -- the small one -----------------------------------------------------------------------------------------------------


def test_the_small_one_fits_a_file_of_three_megabytes():
    assert 2 * sum(parameter.numel() for parameter in DETR(SMALL).parameters()) < 3e6


def test_a_layer_corrects_the_box_of_the_one_before():
    """Untrained, no layer corrects anything: the boxes are the start boxes. A bias moves them by as much each layer."""
    detr = DETR(TINY_SMALL).eval()
    x = features()
    start = detr.start_boxes.logits.sigmoid().expand(3, 2, -1, -1)
    with torch.no_grad():
        torch.testing.assert_close(detr.answers(x).boxes, start)
        detr.bbox_embed.layers[-1].bias.fill_(0.25)
        moved = detr.answers(x).boxes
    for layer in range(3):
        expected = (detr.start_boxes.logits + 0.25 * (layer + 1)).sigmoid()
        torch.testing.assert_close(moved[layer], expected.expand(2, -1, -1), rtol=1e-4, atol=1e-4)


def test_gradients_do_not_flow_from_layer_to_layer_through_the_boxes():
    """Each correction is taught for itself. Untrained, a correction depends on nothing, so what is left is the box of
    the layer before, added as it is: the first layer's box follows its start box, the last one's has no gradient.
    """
    detr = DETR(TINY_SMALL)
    boxes = detr.answers(features()).boxes
    start = detr.start_boxes.logits
    slope = 2 * start.sigmoid() * (1 - start.sigmoid())  # of two pictures
    (first,) = torch.autograd.grad(boxes[0].sum(), start, retain_graph=True)
    torch.testing.assert_close(first, slope, rtol=1e-3, atol=1e-4)
    (last,) = torch.autograd.grad(boxes[-1].sum(), start, allow_unused=True)
    assert last is None or last.abs().max() == 0


@pytest.mark.parametrize("count", [1, 2, 7, 50, 100])
def test_start_boxes_stand_on_a_grid(count):
    boxes = module._grid_boxes(count)
    assert boxes.shape == (count, 4)
    assert len({tuple(box) for box in boxes.tolist()}) == count
    assert torch.all((boxes[:, :2] > 0) & (boxes[:, :2] < 1))
    assert boxes[:, :2].mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.05)


def test_a_query_first_looks_near_its_own_box():
    """Untrained, before a picture has taught it anything."""
    with seeded(0):
        detr = DETR(SMALL).eval()
    with torch.no_grad():
        output = detr.answers(features(1, (32, 32)), need_weights=True)
    weights = output.attentions.decoder_cross[0][0].mean(0).reshape(50, 32, 32)
    centres = detr.start_boxes.logits.sigmoid()[:, :2] * 32
    rows, columns = torch.meshgrid(torch.arange(32) + 0.5, torch.arange(32) + 0.5, indexing="ij")
    away = ((columns - centres[:, 0, None, None]) ** 2 + (rows - centres[:, 1, None, None]) ** 2).sqrt()
    near = (weights * (away < 4)).sum((1, 2))
    assert near.median() > 0.25  # a circle of 5 % of the picture, which is what it would get by chance


def test_a_token_reads_what_it_covers():
    stages = {
        "C3": torch.arange(32.0).reshape(1, 1, 4, 8).expand(1, 40, 4, 8),
        "C4": torch.full((1, 112, 2, 4), 100.0),
        "C5": torch.tensor([[[[7.0, 8.0]]]]).expand(1, 320, 1, 2),
    }
    joined = join_stages(stages)
    assert joined.shape == (1, LITE0_CHANNELS, 2, 4)
    assert joined[0, :4, 0, 1].tolist() == [2.0, 3.0, 10.0, 11.0]
    assert joined[0, 160, 0, 1] == 100.0
    assert joined[0, -1].tolist() == [[7.0, 7.0, 8.0, 8.0]] * 2


@settings(max_examples=20)
@given(st.integers(1, 70), st.integers(1, 70))
def test_a_photo_is_fitted_into_the_corner(height, width):
    fitted = fit_photo(torch.randint(0, 256, (height, width, 3), dtype=torch.uint8))
    assert fitted.x.shape == (1, 3, CANVAS, CANVAS)
    assert fitted.scale * max(height, width) == pytest.approx(CANVAS)
    if fitted.padding is None:  # the shorter side reaches into the last row of tokens too
        assert min(height, width) * fitted.scale > CANVAS - 16.5
    else:
        seen = (~fitted.padding[0]).nonzero().amax(0) + 1
        assert seen.max() == CANVAS // 16
        assert (~fitted.padding[0]).sum() == seen.prod()
        assert abs(seen[0] * 16 / fitted.scale - height) <= 16 / fitted.scale + 1


def test_a_scene_is_not_resized():
    pixels = torch.randint(0, 256, (CANVAS, CANVAS, 3), dtype=torch.uint8)
    fitted = fit_photo(pixels)
    assert fitted.scale == 1
    assert torch.equal(fitted.x, module.normalise(pixels[None]).permute(0, 3, 1, 2))


def test_scores_leave_no_object_out():
    logits = torch.tensor([[0.0, 1.0, 5.0], [2.0, 0.0, 0.0]])
    found = detections(logits, torch.tensor([[0.5, 0.5, 1.0, 0.5], [0.25, 0.5, 0.5, 0.25]]), (100, 200))
    assert found.labels.tolist() == [1, 0]
    assert found.scores.tolist() == pytest.approx(
        [math.exp(1) / (1 + math.exp(1) + math.exp(5)), math.exp(2) / (math.exp(2) + 2)]
    )
    assert found.boxes.tolist() == [[0.0, 25.0, 200.0, 75.0], [0.0, 37.5, 100.0, 62.5]]


def test_shipped_weights_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WEIGHTS_FOLDER", tmp_path)
    mine = random_like(DETR(TINY_SMALL))
    save_file(
        dict(mine.state_dict()), tmp_path / "trial.safetensors", metadata={"config": json.dumps(asdict(TINY_SMALL))}
    )
    detector = module.load_detr("trial")
    assert detector.detr.config == TINY_SMALL
    assert not any(parameter.requires_grad for parameter in detector.parameters())
    for name, value in mine.state_dict().items():
        assert torch.equal(detector.detr.state_dict()[name], value)
    for name in ("missing", "../trial", "trial.safetensors"):
        with pytest.raises(ValueError, match="no detector called"):
            module.load_detr(name)


def test_boxes_come_back_in_pixels_of_the_photo():
    """Untrained, every box is its start box: of a photo half as large they are half as large."""
    detector = Detector(DETR(SMALL))
    pixels = torch.randint(0, 256, (CANVAS // 2, CANVAS // 4, 3), dtype=torch.uint8)
    start = detector.detr.start_boxes.logits.sigmoid()
    found = detect(detector, pixels)
    torch.testing.assert_close(found.boxes[:, 2] - found.boxes[:, 0], start[:, 2] * CANVAS / 2, rtol=1e-4, atol=1e-2)
    assert found.boxes.shape == (50, 4)


def test_the_configuration_is_plain_numbers():
    assert DETRConfig(**json.loads(json.dumps(asdict(SMALL)))) == SMALL
