"""File-system information classes (MS-FSCC 2.5), as QUERY_INFO returns them.

Pure values, both directions.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import Buffer, slice_of, text, unpack_at, utf16

_VOLUME = Struct("<QII?x")
_SIZE = Struct("<QQII")
_FULL_SIZE = Struct("<QQQII")
_DEVICE = Struct("<II")
_ATTRIBUTE = Struct("<III")
_OBJECT_ID = Struct("<16s48x")
_CONTROL = Struct("<QQQQQI4x")
_UNLIMITED = 0xFFFF_FFFF_FFFF_FFFF
_SECTOR_SIZE = Struct("<IIIIIII")

DEVICE_DISK = 7
DEVICE_NAMED_PIPE = 0x11
CHARACTERISTIC_MOUNTED = 0x20

CASE_SENSITIVE_SEARCH = 0x01
CASE_PRESERVED_NAMES = 0x02
UNICODE_ON_DISK = 0x04
PERSISTENT_ACLS = 0x08
SPARSE_FILES = 0x40
NAMED_STREAMS = 0x0004_0000

TRIM_ENABLED = 0x08
"""SSINFO_FLAGS_TRIM_ENABLED (2.5.7)."""


class FsClass(IntEnum):
    VOLUME = 1
    SIZE = 3
    DEVICE = 4
    ATTRIBUTE = 5
    CONTROL = 6
    FULL_SIZE = 7
    OBJECT_ID = 8
    SECTOR_SIZE = 11


@dataclass(frozen=True, slots=True)
class VolumeInformation:
    label: str
    serial: int = 0
    creation_time: int = 0
    supports_objects: bool = False

    @classmethod
    def decode(cls, data: Buffer) -> VolumeInformation:
        creation, serial, length, objects = unpack_at(_VOLUME, data, 0, "FileFsVolumeInformation")
        label = text(slice_of(data, _VOLUME.size, length, "volume label"), "volume label")
        return cls(label, serial, creation, objects)

    def encode(self) -> bytes:
        label = utf16(self.label)
        return _VOLUME.pack(self.creation_time, self.serial, len(label), self.supports_objects) + label


@dataclass(frozen=True, slots=True)
class SizeInformation:
    """Units of `sectors_per_unit` times `bytes_per_sector` bytes."""

    total_units: int
    available_units: int
    sectors_per_unit: int
    bytes_per_sector: int

    @classmethod
    def decode(cls, data: Buffer) -> SizeInformation:
        return cls(*unpack_at(_SIZE, data, 0, "FileFsSizeInformation"))

    def encode(self) -> bytes:
        return _SIZE.pack(
            self.total_units, self.available_units, self.sectors_per_unit, self.bytes_per_sector
        )


@dataclass(frozen=True, slots=True)
class FullSizeInformation:
    """`caller_available` is what this user may fill, `available` what is free at all."""

    total_units: int
    caller_available: int
    available: int
    sectors_per_unit: int
    bytes_per_sector: int

    @classmethod
    def decode(cls, data: Buffer) -> FullSizeInformation:
        return cls(*unpack_at(_FULL_SIZE, data, 0, "FileFsFullSizeInformation"))

    def encode(self) -> bytes:
        return _FULL_SIZE.pack(
            self.total_units,
            self.caller_available,
            self.available,
            self.sectors_per_unit,
            self.bytes_per_sector,
        )


@dataclass(frozen=True, slots=True)
class ControlInformation:
    """FileFsControlInformation of a volume without quotas: neither threshold nor limit."""

    threshold: int = _UNLIMITED
    limit: int = _UNLIMITED
    flags: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> ControlInformation:
        return cls(*unpack_at(_CONTROL, data, 0, "FileFsControlInformation")[3:])

    def encode(self) -> bytes:
        return _CONTROL.pack(0, 0, 0, self.threshold, self.limit, self.flags)


@dataclass(frozen=True, slots=True)
class DeviceInformation:
    device_type: int = DEVICE_DISK
    characteristics: int = CHARACTERISTIC_MOUNTED

    @classmethod
    def decode(cls, data: Buffer) -> DeviceInformation:
        return cls(*unpack_at(_DEVICE, data, 0, "FileFsDeviceInformation"))

    def encode(self) -> bytes:
        return _DEVICE.pack(self.device_type, self.characteristics)


@dataclass(frozen=True, slots=True)
class AttributeInformation:
    attributes: int
    max_component: int
    name: str

    @classmethod
    def decode(cls, data: Buffer) -> AttributeInformation:
        attributes, component, length = unpack_at(_ATTRIBUTE, data, 0, "FileFsAttributeInformation")
        name = text(slice_of(data, _ATTRIBUTE.size, length, "file system name"), "file system name")
        return cls(attributes, component, name)

    def encode(self) -> bytes:
        name = utf16(self.name)
        return _ATTRIBUTE.pack(self.attributes, self.max_component, len(name)) + name


@dataclass(frozen=True, slots=True)
class ObjectIdInformation:
    object_id: uuid.UUID

    @classmethod
    def decode(cls, data: Buffer) -> ObjectIdInformation:
        return cls(uuid.UUID(bytes_le=unpack_at(_OBJECT_ID, data, 0, "FileFsObjectIdInformation")[0]))

    def encode(self) -> bytes:
        return _OBJECT_ID.pack(self.object_id.bytes_le)


@dataclass(frozen=True, slots=True)
class SectorSizeInformation:
    """All sizes in bytes; no alignment offsets are known of a directory. `flags`: SSINFO_FLAGS_*."""

    logical: int
    physical: int
    flags: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> SectorSizeInformation:
        logical, physical, _, _, flags, _, _ = unpack_at(_SECTOR_SIZE, data, 0, "FileFsSectorSizeInformation")
        return cls(logical, physical, flags)

    def encode(self) -> bytes:
        return _SECTOR_SIZE.pack(self.logical, self.physical, self.physical, self.physical, self.flags, 0, 0)
