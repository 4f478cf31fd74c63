"""Weights arrive whole or not at all, whatever the network, the disk and the file do."""

import errno
import hashlib
import io
import os
import pickle
import socket
import sys
from pathlib import Path

import pytest
import torch

from tests.weights_server import serve_weights
from vizcore import weights
from vizcore.weights import (
    WeightsCancelledError,
    WeightsError,
    WeightsSource,
    download_weights,
    find_weights,
    load_weights,
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """An empty cache folder, an empty torch hub beside it, and no proxy between us and 127.0.0.1."""
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def server():
    with serve_weights() as running:
        yield running


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {"layer.weight": torch.randn(300, 1000, generator=generator), "layer.bias": torch.randn(300)}


@pytest.fixture(scope="module")
def content(state) -> bytes:
    """A state dict as a file: 1.2 MB, five pieces."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_name_host_and_checksum_come_from_the_address():
    source = WeightsSource("https://download.pytorch.org/models/ssdlite320_mobilenet_v3_large_coco-a79551df.pth")
    assert source.file_name == "ssdlite320_mobilenet_v3_large_coco-a79551df.pth"
    assert source.host == "download.pytorch.org"
    assert source.sha256_prefix == "a79551df"
    assert WeightsSource("https://example.org/plain.pth").sha256_prefix == ""


def test_download_check_load(server, content, state, folder):
    source = WeightsSource(server.put("model", content))
    assert find_weights(source) is None
    seen = []
    path = download_weights(source, on_progress=lambda done, total: seen.append((done, total)))
    assert path == find_weights(source) == folder / source.file_name
    assert path.read_bytes() == content
    assert leftovers(folder) == [source.file_name]
    assert seen[0] == (0, len(content))
    assert seen[-1] == (len(content), len(content))
    assert len(seen) >= 5
    assert seen == sorted(seen)
    loaded = load_weights(source)
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], state[name]) for name in state)


def test_a_second_call_asks_nobody(server, content):
    source = WeightsSource(server.put("model", content))
    download_weights(source)
    download_weights(source)
    assert server.ranges == [None]


def test_a_file_in_torch_hubs_cache_is_found(content, tmp_path):
    source = WeightsSource("https://example.org/model.pth")
    hub = tmp_path / "torch" / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    (hub / "model.pth").write_bytes(b"")
    assert find_weights(source) is None  # an empty file is no weights
    (hub / "model.pth").write_bytes(content)
    assert find_weights(source) == hub / "model.pth"
    assert load_weights(source)["layer.bias"].shape == (300,)


def test_without_the_variable_torch_hubs_folder_is_used(monkeypatch, tmp_path, server, content):
    monkeypatch.delenv("GRAD2BOX_WEIGHTS")
    path = download_weights(WeightsSource(server.put("model", content)))
    assert path.parent == tmp_path / "torch" / "hub" / "checkpoints"


def test_resume_after_a_cut(server, content, folder):
    source = WeightsSource(server.put("model", content))
    server.cut_after = 700_000
    with pytest.raises(WeightsError, match=r"broke after 0\.7 of 1\.2 MB"):
        download_weights(source)
    assert leftovers(folder) == [f"{source.file_name}.part"]
    assert find_weights(source) is None
    seen = []
    path = download_weights(source, on_progress=lambda done, total: seen.append((done, total)))
    assert server.ranges == [None, "bytes=700000-"]
    assert seen[0] == (700_000, len(content))
    assert path.read_bytes() == content


def test_cut_without_a_content_length_is_found_by_the_checksum(server, content, folder):
    source = WeightsSource(server.put("model", content))
    server.says_length, server.cut_after = False, 700_000
    with pytest.raises(WeightsError, match="damaged"):
        download_weights(source)
    assert leftovers(folder) == []
    seen = []
    assert download_weights(source, on_progress=lambda done, total: seen.append(total)).read_bytes() == content
    assert set(seen) == {0}


def test_server_that_ignores_range_sends_all_again(server, content):
    source = WeightsSource(server.put("model", content))
    server.cut_after = 700_000
    with pytest.raises(WeightsError):
        download_weights(source)
    server.honours_range = False
    assert download_weights(source).read_bytes() == content


@pytest.mark.parametrize("rest", [b"old version of the file", b"x" * 5_000_000])
def test_a_stale_partial_file_is_dropped(server, content, folder, rest):
    """Shorter than the file: the checksum tells after resuming. Longer: the server answers 416."""
    source = WeightsSource(server.put("model", content))
    folder.mkdir()
    (folder / f"{source.file_name}.part").write_bytes(rest)
    assert download_weights(source).read_bytes() == content


def test_a_complete_partial_file_only_needs_its_name(server, content, folder):
    source = WeightsSource(server.put("model", content))
    folder.mkdir()
    (folder / f"{source.file_name}.part").write_bytes(content)
    assert download_weights(source).read_bytes() == content
    assert server.ranges == [f"bytes={len(content)}-"]


def test_corruption(server, content, folder):
    source = WeightsSource(server.put("model", content))
    server.files = {path: body[:-1] + b"\0" for path, body in server.files.items()}
    server.files = {path: b"\0" + body[1:] for path, body in server.files.items()}
    with pytest.raises(WeightsError, match=f"SHA-256 starts with .* instead of {source.sha256_prefix}"):
        download_weights(source)
    assert leftovers(folder) == []


def test_a_corrupt_file_on_disk_is_not_loaded_and_is_replaced(server, content, folder):
    source = WeightsSource(server.put("model", content))
    folder.mkdir()
    (folder / source.file_name).write_bytes(content[:1000])
    with pytest.raises(WeightsError, match="is damaged"):
        load_weights(source)
    download_weights(source)
    assert load_weights(source)["layer.bias"].shape == (300,)


@pytest.mark.parametrize(
    ("status", "match"), [(404, r"has no file model.*404"), (503, "refused.*503"), (403, "refused.*403")]
)
def test_http_errors(server, content, status, match, folder):
    source = WeightsSource(server.put("model", content))
    server.status = status
    with pytest.raises(WeightsError, match=match):
        download_weights(source)
    assert leftovers(folder) == []


def test_timeout_keeps_what_arrived(server, content, folder):
    source = WeightsSource(server.put("model", content))
    server.stall_after = 300_000
    with pytest.raises(WeightsError, match=r"did not answer for 0\.2 seconds"):
        download_weights(source, timeout=0.2)
    server.go_on.set()
    server.stall_after = None
    assert (folder / f"{source.file_name}.part").stat().st_size == 300_000
    assert download_weights(source).read_bytes() == content
    assert server.ranges[1] == "bytes=300000-"


def test_timeout_before_the_first_byte():
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # accepts, says nothing
        source = WeightsSource(f"http://127.0.0.1:{deaf.getsockname()[1]}/model.pth")
        with pytest.raises(WeightsError, match="did not answer"):
            download_weights(source, timeout=0.2)


def test_no_network():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(WeightsError, match=f"127.0.0.1:{port} cannot be reached.*go on without"):
        download_weights(WeightsSource(f"http://127.0.0.1:{port}/model.pth"))


def test_a_name_that_does_not_resolve(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(WeightsError, match=r"nowhere\.invalid cannot be reached"):
        download_weights(WeightsSource("https://nowhere.invalid/model.pth"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full exists on Linux only")
def test_full_disk(server, content, folder):
    source = WeightsSource(server.put("model", content))
    folder.mkdir()
    (folder / f"{source.file_name}.part").symlink_to("/dev/full")
    with pytest.raises(WeightsError, match=r"no room in .*cache for model-.*needs 1\.2 MB"):
        download_weights(source)
    assert find_weights(source) is None


def test_full_disk_is_seen_before_downloading(server, content, folder, monkeypatch):
    source = WeightsSource(server.put("model", content))
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WeightsError, match="no room"):
        download_weights(source)
    assert leftovers(folder) == []


def test_quota_met_while_renaming(server, content, monkeypatch):
    def replace(*paths):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(WeightsError, match="no room"):
        download_weights(WeightsSource(server.put("model", content), num_bytes=len(content)))


def test_folder_that_cannot_be_made(server, content, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path / "file" / "cache"))
    source = WeightsSource(server.put("model", content))
    assert find_weights(source) is None
    with pytest.raises(WeightsError, match="cannot be written to; set GRAD2BOX_WEIGHTS"):
        download_weights(source)


def test_cancel_and_go_on(server, content, folder):
    source = WeightsSource(server.put("model", content))
    seen = []
    with pytest.raises(WeightsCancelledError, match="canceled"):
        download_weights(
            source, on_progress=lambda done, total: seen.append(done), is_cancelled=lambda: seen[-1] > 500_000
        )
    kept = (folder / f"{source.file_name}.part").stat().st_size
    assert 500_000 < kept < len(content)
    assert download_weights(source).read_bytes() == content
    assert server.ranges == [None, f"bytes={kept}-"]


def test_two_at_once(server, content):
    source = WeightsSource(server.put("model", content))
    with pytest.raises(WeightsError, match="being downloaded already"):
        download_weights(source, on_progress=lambda done, total: download_weights(source))
    assert download_weights(source).read_bytes() == content  # the lock went with the failure


def test_a_file_that_runs_code_is_refused(server, tmp_path, folder):
    class Evil:
        def __reduce__(self):
            return (Path(tmp_path / "ran").write_text, ("code ran",))

    buffer = io.BytesIO()
    torch.save({"layer.weight": Evil()}, buffer)
    for content in (buffer.getvalue(), pickle.dumps(Evil(), protocol=2)):
        source = WeightsSource(server.put("evil", content))
        download_weights(source)
        with pytest.raises(WeightsError, match="nothing in it was run"):
            load_weights(source)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("value", [[torch.zeros(2)], {"epoch": 3}, torch.zeros(2)])
def test_what_is_no_state_dict_is_refused(server, value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    source = WeightsSource(server.put("model", buffer.getvalue()))
    download_weights(source)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load_weights(source)


@pytest.mark.parametrize("garbage", [b"PK\x03\x04 half a zip", b"<html>Please log in</html>", b"\x80"])
def test_garbage_without_a_checksum(server, garbage, folder):
    server.files["/plain.pth"] = garbage
    source = WeightsSource(f"{server.url}/plain.pth")
    download_weights(source)
    with pytest.raises(WeightsError):
        load_weights(source)


def test_missing_weights_are_named():
    with pytest.raises(WeightsError, match=r"model\.pth is not on this computer yet"):
        load_weights(WeightsSource("https://example.org/model.pth"))


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/model.pth", "https://example.org/", "model.pth"]
)
def test_other_addresses(url):
    with pytest.raises(ValueError, match="http"):
        download_weights(WeightsSource(url))


def test_looking_does_not_import_anything_heavy_or_touch_the_network(monkeypatch):
    monkeypatch.setattr("socket.socket.connect", None)
    assert find_weights(WeightsSource("https://example.org/model.pth")) is None
    assert weights.__name__ in sys.modules


def test_every_sentence_is_listed():
    templates = {
        value for name, value in vars(weights).items() if name.isupper() and isinstance(value, str) and " " in value
    }
    assert templates == set(weights.MESSAGES)


def test_no_more_is_received_than_the_file_may_have(server, content, folder, monkeypatch):
    monkeypatch.setattr("vizcore.weights.SIZE_TOLERANCE", 0)
    address = server.put("model", content)
    for says_length in (True, False):
        server.says_length = says_length
        with pytest.raises(WeightsError, match="sends more than"):
            download_weights(WeightsSource(address, num_bytes=len(content) - 1))
        assert all(
            (folder / name).stat().st_size < len(content) for name in leftovers(folder) if name.endswith(".part")
        )
    server.says_length = False
    assert download_weights(WeightsSource(address, num_bytes=len(content))).read_bytes() == content


def test_a_server_without_a_length_is_stopped_where_the_size_is_unknown_too(server, content, monkeypatch):
    monkeypatch.setattr("vizcore.weights.MAX_BYTES", len(content) - 1)
    server.says_length = False
    with pytest.raises(WeightsError, match="sends more than"):
        download_weights(WeightsSource(server.put("model", content)))


def test_the_whole_checksum_counts_where_it_is_known(server, content, folder):
    right = hashlib.sha256(content).hexdigest()
    address = server.put("model", content)
    wrong = right[:8] + "0" * 56  # the start that stands in the name is right
    with pytest.raises(WeightsError, match="damaged"):
        download_weights(WeightsSource(address, sha256=wrong))
    source = WeightsSource(address, sha256=right.upper())
    assert download_weights(source).read_bytes() == content
    load_weights(source)
    with pytest.raises(WeightsError, match="damaged"):
        load_weights(WeightsSource(address, sha256=wrong))


@pytest.mark.parametrize(
    "url",
    ["http://example.org/m.pth", "ftp://example.org/m.pth", "file:///etc/m.pth", "http://127.0.0.1.example.org/m.pth"],
)
def test_only_https_is_asked(url):
    with pytest.raises(ValueError, match="https address"):
        download_weights(WeightsSource(url))


def test_a_redirect_to_http_is_not_followed(server, content, monkeypatch):
    source = WeightsSource(server.put("model", content))
    server.redirect = "http://example.org/model.pth"
    with pytest.raises(WeightsError, match=r"example\.org would send .* anyone can change"):
        download_weights(source)
    server.redirect = ""
    assert download_weights(source).read_bytes() == content
