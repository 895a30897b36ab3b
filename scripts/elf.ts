import { closeSync, openSync, readSync, writeSync } from "node:fs";

/** Offsets and sizes in the header of a 64-bit ELF file (elf.h, Elf64_Ehdr). */
const HEADER_BYTES = 64;
const EI_CLASS = 4;
const ELFCLASS64 = 2;
const EI_DATA = 5;
const ELFDATA2LSB = 1;
const E_MACHINE = 18;
const E_SHOFF = 0x28;
const E_SHNUM = 0x3c;
const E_SHSTRNDX = 0x3e;

/**
 * The header of a 64-bit little-endian ELF file.
 * @throws Error for any other bytes
 */
function elfHeader(bytes: Uint8Array): DataView {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isElf = bytes.length >= HEADER_BYTES && view.getUint32(0, false) === 0x7f454c46;
  if (!isElf || bytes[EI_CLASS] !== ELFCLASS64 || bytes[EI_DATA] !== ELFDATA2LSB) {
    throw new Error("not a 64-bit little-endian ELF file");
  }
  return view;
}

/** `e_machine` of an ELF file. */
export function elfMachine(bytes: Uint8Array): number {
  return elfHeader(bytes).getUint16(E_MACHINE, true);
}

/**
 * Removes the reference to the section headers from an executable. The kernel and the loader read only the program
 * headers.
 *
 * Bun keeps the address of the embedded program in bytes that no section covers. GNU strip and objcopy copy section by
 * section, zero these bytes, and leave an executable that behaves like plain Bun and runs files of the working
 * directory. Without section headers these tools refuse the file.
 */
export function hideSections(path: string): void {
  const fd = openSync(path, "r+");
  try {
    const header = new Uint8Array(HEADER_BYTES);
    readSync(fd, header, 0, header.length, 0);
    const view = elfHeader(header);
    view.setBigUint64(E_SHOFF, 0n, true);
    view.setUint16(E_SHNUM, 0, true);
    view.setUint16(E_SHSTRNDX, 0, true);
    writeSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
}
