import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { output } from "./command.ts";
import { writeFileAtomically } from "./files.ts";
import { type BtfDump, layoutText } from "./layout.ts";

/** Every BPF program of linnix: `bpf/<name>.bpf.c` becomes `.build/<name>.bpf.o`. */
export const OBJECTS = ["process", "tracepoint", "tasks"].filter((name) => existsSync(`bpf/${name}.bpf.c`));

/** What libbpf's headers call this machine's architecture (`__TARGET_ARCH_…`). */
const BPF_ARCH: Partial<Record<NodeJS.Architecture, string>> = { x64: "x86", arm64: "arm64" };

/** Where the layout is committed, relative to the root of the repository. */
export const LAYOUT_FILE = "src/wire/layout.gen.ts";

function bpfArch(): string {
  const arch = BPF_ARCH[process.arch];
  if (!arch) throw new Error(`linnix is built on ${Object.keys(BPF_ARCH).join(" and ")}, not on ${process.arch}`);
  return arch;
}

/**
 * Compiles `bpf/<name>.bpf.c` and takes the DWARF out again; BTF stays.
 * The object depends on nothing but the sources and the compiler: paths in it are relative to `root`.
 */
function compileObject(root: string, name: string, directory: string): Uint8Array {
  const object = join(directory, `${name}.bpf.o`);
  const flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", `-D__TARGET_ARCH_${bpfArch()}`, "-Wall", "-Werror"];
  const paths = ["-I", "bpf", `-fdebug-prefix-map=${root}=.`, "-fdebug-compilation-dir=."];
  output("clang", [...flags, ...paths, "-c", `bpf/${name}.bpf.c`, "-o", object], { cwd: root });
  output("llvm-strip", ["-g", object]);
  return readFileSync(object);
}

/** What the sources compile to. */
export interface CompiledObjects {
  objects: { name: string; bytes: Uint8Array }[];
  /** Text of `src/wire/layout.gen.ts`. */
  layout: string;
}

/** Compiles every BPF program and reads the layout of the wire from their BTF; writes only below `.build/`. */
export function compileObjects(root: string): CompiledObjects {
  mkdirSync(join(root, ".build"), { recursive: true });
  const directory = mkdtempSync(join(root, ".build", "objects-"));
  try {
    const objects = OBJECTS.map((name) => ({ name, bytes: compileObject(root, name, directory) }));
    const dumps = OBJECTS.map((name) => {
      const path = join(directory, `${name}.bpf.o`);
      return { name: `${name}.bpf.o`, btf: JSON.parse(output("bpftool", ["btf", "dump", "file", path, "-j"])) as BtfDump };
    });
    return { objects, layout: layoutText(readFileSync(join(root, "bpf/process.h"), "utf8"), dumps) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Compiles the objects into `.build/` and brings the generated layout up to date. */
export function buildObjects(root: string): void {
  const { objects, layout } = compileObjects(root);
  for (const { name, bytes } of objects) writeFileAtomically(join(root, ".build", `${name}.bpf.o`), bytes);
  for (const name of ["process", "tracepoint", "tasks"]) {
    if (!OBJECTS.includes(name)) writeFileAtomically(join(root, ".build", `${name}.bpf.o`), "");
  }
  writeFileAtomically(join(root, LAYOUT_FILE), layout);
}
