"""Folders copied as regular files alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from embedtune.machine.folders import copy_file, copy_folder, regular_files
from embedtune.release.choice.soup import cook_soup
from embedtune.release.export.product import cut


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    for name in ("model.safetensors", "1_Pooling/config.json"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("of somebody else")
    return file


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as own:
        place = os.getcwd()
        os.chdir(path.parent)  # the name of a socket must be short
        own.bind(path.name)
        os.chdir(place)


ODD: dict[str, Callable[[Path, Path], object]] = {
    "link to a file": lambda path, secret: path.symlink_to(secret),
    "link to a folder": lambda path, secret: path.symlink_to(secret.parent),
    "link within the folder": lambda path, _: path.symlink_to("model.safetensors"),
    "broken link": lambda path, _: path.symlink_to("nowhere"),
    "link to a device": lambda path, _: path.symlink_to("/dev/zero"),
    "pipe": lambda path, _: os.mkfifo(path),
    "socket": lambda path, _: make_socket(path),
}


@pytest.mark.parametrize("linked", [True, False])
def test_a_copy_has_all_files(model: Path, tmp_path: Path, linked: bool) -> None:
    copy = copy_folder(model, tmp_path / "copy", linked=linked, but=lambda name: name == "x")
    assert regular_files(copy) == ["1_Pooling/config.json", "model.safetensors"]
    assert (copy / "model.safetensors").read_text() == "model.safetensors"
    assert ((copy / "model.safetensors").stat().st_ino == (model / "model.safetensors").stat().st_ino) == linked


@pytest.mark.parametrize("place", ["config.json", "1_Pooling/more.json"])
@pytest.mark.parametrize("kind", ODD)
def test_nothing_but_regular_files_is_copied(model: Path, tmp_path: Path, secret: Path, kind: str, place: str) -> None:
    ODD[kind](model / place, secret)
    (model / "config_sentence_transformers.json").write_text("{}")
    for take in (
        lambda: copy_folder(model, tmp_path / "copy"),
        lambda: cut(model, tmp_path / "copy", 16),
        lambda: cook_soup([model, model], tmp_path / "copy"),
    ):
        with pytest.raises(OSError, match="a model must hold regular files and folders alone") as caught:
            take()
        assert caught.value.filename == str(model / place)
    assert not (tmp_path / "copy").exists()


def test_a_folder_that_is_a_link_is_no_model(model: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(model)
    with pytest.raises(OSError, match="this is a symbolic link"):
        regular_files(tmp_path / "link")


def test_a_file_exchanged_for_a_link_is_not_read(model: Path, tmp_path: Path, secret: Path) -> None:
    (model / "x").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        copy_file(model / "x", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_there_must_be_room_for_a_copy(model: Path, tmp_path: Path) -> None:
    os.truncate(model / "model.safetensors", 1 << 42)
    with pytest.raises(OSError, match="No space left"):
        copy_folder(model, tmp_path / "copy", linked=False)
