/**
 * The files that the binary contains: the compiled BPF programs, and libbpf with the libraries that it needs. If linnix
 * runs from source, they come from `.build/`.
 */
import { readFileSync } from "node:fs";
import cgroupObject from "../../.build/cgroup.bpf.o" with { type: "file" };
import faultsObject from "../../.build/faults.bpf.o" with { type: "file" };
import libbpf from "../../.build/lib/libbpf.so.1" with { type: "file" };
import libelf from "../../.build/lib/libelf.so.1" with { type: "file" };
import libz from "../../.build/lib/libz.so.1" with { type: "file" };
import movesObject from "../../.build/moves.bpf.o" with { type: "file" };
import newProcessesObject from "../../.build/new-processes.bpf.o" with { type: "file" };
import processObject from "../../.build/process.bpf.o" with { type: "file" };
import ringWriteObject from "../../.build/ring-write.bpf.o" with { type: "file" };
import sampleObject from "../../.build/sample.bpf.o" with { type: "file" };
import sampleHashObject from "../../.build/sample-hash.bpf.o" with { type: "file" };
import sampleWalkObject from "../../.build/sample-walk.bpf.o" with { type: "file" };
import tasksObject from "../../.build/tasks.bpf.o" with { type: "file" };
import tasksWalkObject from "../../.build/tasks-walk.bpf.o" with { type: "file" };
import tracepointObject from "../../.build/tracepoint.bpf.o" with { type: "file" };

const BPF_OBJECTS = {
  process: processObject,
  tracepoint: tracepointObject,
  tasks: tasksObject,
  "tasks-walk": tasksWalkObject,
  sample: sampleObject,
  "sample-hash": sampleHashObject,
  "sample-walk": sampleWalkObject,
  cgroup: cgroupObject,
  moves: movesObject,
  faults: faultsObject,
  "new-processes": newProcessesObject,
  "ring-write": ringWriteObject,
} as const;

/** Name of a BPF object: `bpf/<name>.bpf.c`. */
export type BpfObjectName = keyof typeof BPF_OBJECTS;

/** The bytes of a compiled BPF object (ELF with BTF), read from the binary at each call. */
export function bpfObject(name: BpfObjectName): Uint8Array {
  return readFileSync(BPF_OBJECTS[name]);
}

/** A shared library that the binary contains. */
export interface EmbeddedLibrary {
  /** The name by which the dynamic loader knows the loaded library, such as `libbpf.so.1`. */
  soname: string;
  /** Reads the library's bytes from the binary, at each call. */
  bytes: () => Uint8Array;
}

/** The libraries in the order in which they have to be loaded: each needs only those before it (and glibc). */
export function libraries(): EmbeddedLibrary[] {
  return [
    { soname: "libz.so.1", bytes: () => readFileSync(libz) },
    { soname: "libelf.so.1", bytes: () => readFileSync(libelf) },
    { soname: "libbpf.so.1", bytes: () => readFileSync(libbpf) },
  ];
}
