"""What recording MTCNN's cascade costs beside the bare three networks on the same inputs."""

import time

import pytest
import torch

from vizcore.data.photos import load_sample
from vizcore.image_pyramid import trace_mtcnn
from vizcore.image_pyramid.mtcnn import crop, normalise
from vizcore.image_pyramid.pyramid import resize
from vizcore.models.mtcnn import load_mtcnn


@pytest.mark.parametrize("side", [320, 512])
def test_recording_costs_less_than_a_third_more_than_the_networks(side):
    torch.set_num_threads(1)
    model = load_mtcnn()
    photo = resize(load_sample("astronaut").pixels, (side, side))
    trace = trace_mtcnn(model, photo)
    levels = [normalise(torch.from_numpy(level.pixels).permute(2, 0, 1)[None]) for level in trace.levels]
    whole = normalise(torch.from_numpy(photo).permute(2, 0, 1)[None])
    crops = crop(whole, torch.from_numpy(trace.proposals), 24), crop(whole, torch.from_numpy(trace.refined_boxes), 48)

    @torch.inference_mode()
    def networks():
        for level in levels:
            model.pnet(level)
        model.rnet(crops[0])
        model.onet(crops[1])

    seconds = {"trace": [], "networks": []}
    for _ in range(15):
        for name, work in (("trace", lambda: trace_mtcnn(model, photo)), ("networks", networks)):
            started = time.thread_time()
            work()
            seconds[name].append(time.thread_time() - started)
    best = {name: min(times) for name, times in seconds.items()}
    print(f"{side} px: {1 / best['trace']:.0f} frames a second, {best['trace'] / best['networks']:.2f} of the networks")
    assert best["trace"] / best["networks"] < 1.3
