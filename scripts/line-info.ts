import { readFileSync, writeFileSync } from "node:fs";
import { output } from "./command.ts";

/** struct btf_ext_header of tools/lib/bpf/btf.h: a magic, version, flags, its own length; then offsets and lengths. */
const HEADER_LENGTH_AT = 4;
const LINE_INFO_AT = { offset: 16, length: 20 };
const CORE_RELOCATIONS_AT = { offset: 24, length: 28 };

/**
 * Removes the source lines of each instruction from a BPF object. The kernel only prints them in the verifier's log,
 * and they take 40 % of an object. That is space in the file, memory of libbpf during the load, and memory of the
 * kernel while a program is loaded. The relocations that only a linker needs are removed too.
 */
export function removeLineInfo(object: string): void {
  const file = `${object}.ext`;
  output("llvm-objcopy", ["--dump-section", `.BTF.ext=${file}`, object]);
  writeFileSync(file, withoutLineInfo(readFileSync(file)));
  const unused = [".rel.BTF", ".rel.BTF.ext"].map((section) => `--remove-section=${section}`);
  output("llvm-objcopy", ["--update-section", `.BTF.ext=${file}`, ...unused, object]);
}

/** @param ext the section .BTF.ext, little-endian, with function info, line info and CO-RE relocations in this order */
export function withoutLineInfo(ext: Uint8Array): Uint8Array {
  const view = new DataView(ext.buffer, ext.byteOffset, ext.byteLength);
  const at = (offset: number): number => view.getUint32(offset, true);
  const header = at(HEADER_LENGTH_AT);
  const start = header + at(LINE_INFO_AT.offset);
  const length = at(LINE_INFO_AT.length);
  const relocations = at(CORE_RELOCATIONS_AT.offset);
  if (at(CORE_RELOCATIONS_AT.length) > 0 && header + relocations < start + length) {
    throw new Error("the CO-RE relocations do not follow the line info");
  }
  const result = Buffer.concat([ext.subarray(0, start), ext.subarray(start + length)]);
  result.writeUInt32LE(0, LINE_INFO_AT.length);
  result.writeUInt32LE(relocations - length, CORE_RELOCATIONS_AT.offset);
  return result;
}
