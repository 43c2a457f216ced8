"""Adds the checksum to a ROM: `python -m envs.hillhopper.source.generate.cartridge IN FOLDER`."""

import hashlib
import pathlib
import sys

CHECKSUM, PROGRAM = 0x18E, 0x200


def finished(rom: bytes) -> bytes:
    """Pads a ROM to an even number of bytes and puts the sum of its words into the header."""
    image = bytearray(rom + bytes(len(rom) % 2))
    total = sum(image[PROGRAM::2]) * 256 + sum(image[PROGRAM + 1 :: 2])
    image[CHECKSUM : CHECKSUM + 2] = (total & 0xFFFF).to_bytes(2, 'big')
    return bytes(image)


def main(source: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes `rom.md` and its SHA-1, `rom.sha`."""
    image = finished(source.read_bytes())
    (folder / 'rom.md').write_bytes(image)
    (folder / 'rom.sha').write_text(hashlib.sha1(image).hexdigest() + '\n')
    print(f'{len(image)} bytes')


if __name__ == '__main__':
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
