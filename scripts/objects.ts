import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ARCHES, type Arch, hostArch } from "./arch.ts";
import { output } from "./command.ts";
import { writeFileAtomically } from "./files.ts";
import { type BtfDump, layoutText } from "./layout.ts";
import { removeLineInfo } from "./line-info.ts";

/** Every BPF program of linnix: `bpf/<name>.bpf.c` becomes `.build/<name>.bpf.o`. */
export const OBJECTS = [
  "process",
  "tracepoint",
  "tasks",
  "tasks-walk",
  "sample",
  "sample-hash",
  "sample-walk",
  "cgroup",
  "moves",
  "faults",
  "new-processes",
  "ring-write",
] as const;

/** The headers that declare the wire. */
const HEADERS = [
  "bpf/process.h",
  "bpf/detail.h",
  "bpf/storm.h",
  "bpf/ended.h",
  "bpf/sample.h",
  "bpf/cgroup.h",
  "bpf/moves.h",
  "bpf/faults.h",
  "bpf/new-processes.h",
  "bpf/ring-write.h",
] as const;

/** The generated layout, relative to the root of the repository. */
export const LAYOUT_FILE = "src/wire/layout.gen.ts";

/**
 * Compiles `bpf/<name>.bpf.c` to `object` and removes the DWARF and the line info; BTF and CO-RE relocations stay. The
 * object contains no path of this machine: it depends only on the sources and the compiler.
 */
function compileObject(root: string, arch: Arch, name: string, object: string): void {
  const flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", `-D__TARGET_ARCH_${ARCHES[arch].bpf}`, "-Wall", "-Werror"];
  const paths = ["-I", "bpf", `-fdebug-prefix-map=${root}=.`, "-fdebug-compilation-dir=."];
  output("clang", [...flags, ...paths, "-c", `bpf/${name}.bpf.c`, "-o", object], { cwd: root });
  output("llvm-strip", ["-g", object], { cwd: root });
  removeLineInfo(object);
}

/** The result of compiling the sources. */
interface Compiled {
  objects: { name: string; bytes: Uint8Array }[];
  /** Text of `src/wire/layout.gen.ts`. */
  layout: string;
}

/** Compiles every BPF program and reads the layout of the wire from their BTF. It removes its temporary files. */
export function compileObjects(root: string, arch: Arch = hostArch()): Compiled {
  const directory = mkdtempSync(join(tmpdir(), "linnix-objects-"));
  try {
    const compiled = OBJECTS.map((name) => {
      const object = join(directory, `${name}.bpf.o`);
      compileObject(root, arch, name, object);
      const btf = JSON.parse(output("bpftool", ["btf", "dump", "file", object, "-j"])) as BtfDump;
      return { name: `${name}.bpf.o`, bytes: readFileSync(object), btf };
    });
    const headers = HEADERS.map((header) => readFileSync(join(root, header), "utf8"));
    return { objects: compiled, layout: layoutText(headers.join("\n"), compiled) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Compiles the objects into `directory` and brings the generated layout up to date. */
export function buildObjects(root: string, arch: Arch, directory: string): void {
  const { objects, layout } = compileObjects(root, arch);
  for (const { name, bytes } of objects) writeFileAtomically(join(directory, name), bytes);
  writeFileAtomically(join(root, LAYOUT_FILE), layout);
}
