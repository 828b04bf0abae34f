# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kernels are found in the folders that Debian's packages make, with their modules and configurations."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest
import zstandard

from boot.extract_vmlinux import extract
from boot.images import ImagesUnusable, find_kernels, needs


def kernel(folder: Path, vmlinuz: str, *others: str) -> None:
    for name in (vmlinuz, "vmlinux", *others):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_kernels_are_found_in_both_forms_of_packages_the_oldest_first(tmp_path):
    kernel(tmp_path / "7.3.4+deb13-amd64", "usr/lib/modules/7.3.4+deb13-amd64/vmlinuz")
    kernel(tmp_path / "6.12.117+deb13-amd64", "boot/vmlinuz-6.12.117+deb13-amd64", "boot/config-6.12.117+deb13-amd64")
    (tmp_path / "notes").mkdir()
    old, new = find_kernels(tmp_path)
    assert (old.name, old.version, old.release) == ("6.12.117+deb13-amd64", (6, 12, 117), "v6.12")
    assert (new.name, new.vmlinuz.name, new.release) == ("7.3.4+deb13-amd64", "vmlinuz", "v7.3")
    assert find_kernels(tmp_path / "7.3.4+deb13-amd64")[0].name == new.name


def test_a_kernel_without_a_configuration_gets_that_of_the_nearest(tmp_path):
    for version in ("6.12.1", "6.16.1", "7.0.1", "7.2.1", "7.3.1"):
        config = () if version in ("7.0.1", "7.3.1") else ("boot/config",)
        kernel(tmp_path / version, "boot/vmlinuz", *(f"{name}-{version}" for name in config))
    assert [image.config.name for image in find_kernels(tmp_path)] == [
        "config-6.12.1", "config-6.16.1", "config-7.2.1", "config-7.2.1", "config-7.2.1",
    ]  # fmt: skip


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ImagesUnusable, match="there is no kernel"):
        find_kernels(tmp_path)
    kernel(tmp_path / "6.12.1", "boot/vmlinuz")
    (tmp_path / "6.12.1" / "vmlinux").unlink()
    with pytest.raises(ImagesUnusable, match="has no vmlinux"):
        find_kernels(tmp_path)
    kernel(tmp_path / "6.12.1", "boot/vmlinuz")
    kernel(tmp_path / "mine", "boot/vmlinuz")
    with pytest.raises(ImagesUnusable, match="does not begin with a version"):
        find_kernels(tmp_path)


CONNTRACK = b"\x7fELF\0license=GPL\0depends=nf-defrag-ipv4,libcrc32c\0name=nf_conntrack\0"
LIBCRC32C = b"\x7fELF\0softdep=pre: crc32c\0license=GPL\0depends=\0"


def test_a_module_comes_after_those_that_it_needs(tmp_path):
    root = tmp_path / "6.12.1" / "usr/lib/modules/6.12.1/kernel"
    kernel(tmp_path / "6.12.1", "boot/vmlinuz")
    root.mkdir(parents=True)
    (root / "nf_conntrack.ko.xz").write_bytes(lzma.compress(CONNTRACK))
    (root / "libcrc32c.ko.zst").write_bytes(zstandard.compress(LIBCRC32C))
    (root / "nf-defrag-ipv4.ko.gz").write_bytes(gzip.compress(b"\0depends=\0"))
    (root / "crc32c_generic.ko").write_bytes(b"\0depends=\0")
    (image,) = find_kernels(tmp_path)
    assert [*image.with_dependencies(["nf_conntrack", "nf_nat"])] == [
        "nf_defrag_ipv4", "crc32c_generic", "libcrc32c", "nf_conntrack",
    ]  # fmt: skip


def test_a_module_tells_what_it_needs():
    assert needs(CONNTRACK) == ["nf_defrag_ipv4", "libcrc32c"]
    assert needs(LIBCRC32C) == ["crc32c", "crc32c_generic"]
    assert needs(b"\x7fELF") == []


@pytest.mark.parametrize("compress", [zstandard.compress, lzma.compress, gzip.compress])
def test_vmlinux_is_extracted_from_an_image(compress):
    code = b"MZ" + bytes(100) + b"\x1f\x8b\x08 no archive \xfd7zXZ\x00 nor this"
    assert extract(code + compress(b"\x7fELF the kernel") + bytes(40)) == b"\x7fELF the kernel"
    with pytest.raises(ValueError, match="no ELF file"):
        extract(code + compress(b"something else"))
