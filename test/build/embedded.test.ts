import { expect, test } from "bun:test";
import { ARCHES, hostArch } from "../../scripts/arch.ts";
import { OBJECTS } from "../../scripts/objects.ts";
import { bpfObject, libraries } from "../../src/bpf/embedded.ts";

const ELF = [0x7f, 0x45, 0x4c, 0x46];
/** e_machine of elf.h. */
const EM_BPF = 247;

function machine(bytes: Uint8Array): number {
  expect([...bytes.subarray(0, 4)]).toEqual(ELF);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint16(18, true);
}

test.each(OBJECTS)("%s is a BPF object with BTF and without DWARF", (name) => {
  const bytes = bpfObject(name);
  expect(machine(bytes)).toBe(EM_BPF);
  const text = Buffer.from(bytes).toString("latin1");
  expect(text).toContain(".BTF.ext\0");
  expect(text).not.toContain(".debug_info");
});

test("no object contains the path of the directory in which it was compiled", () => {
  const root = new URL("../..", import.meta.url).pathname;
  for (const name of OBJECTS) {
    expect(Buffer.from(bpfObject(name)).includes(root)).toBe(false);
  }
});

test("the embedded libraries match this machine, and each comes after the libraries that it needs", () => {
  expect(libraries().map(({ soname }) => soname)).toEqual(["libz.so.1", "libelf.so.1", "libbpf.so.1"]);
  for (const { bytes } of libraries()) expect(machine(bytes())).toBe(ARCHES[hostArch()].elfMachine);
});
