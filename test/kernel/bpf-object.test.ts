import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { BpfLoadError } from "../../src/bpf/bpf-load-error.ts";
import { MappedArray } from "../../src/bpf/bpf-map.ts";
import { BpfObject } from "../../src/bpf/bpf-object.ts";
import { readProgramInfo } from "../../src/bpf/bpf-programs.ts";
import { type BpfObjectName, bpfObject } from "../../src/bpf/embedded.ts";
import { bpfIdsOf, descriptorsOf } from "./support/bpf-objects.ts";
import { titled, whyNoBtf } from "./support/needs.ts";

const noBtf = whyNoBtf();

const [major = 0, minor = 0] = release().split(".").map(Number);

/** Returns the reason to skip a test that needs this kernel version; null if this kernel is new enough. */
function whyOlder(thanMajor: number, thanMinor: number): string | null {
  const isOlder = major < thanMajor || (major === thanMajor && minor < thanMinor);
  return isOlder ? `needs Linux ${thanMajor}.${thanMinor}` : null;
}

const PROGRAMS = {
  process: ["handle_fork", "handle_exec", "handle_exit"],
  sample: ["sample_processes"],
  "sample-hash": ["sample_processes"],
  "sample-walk": ["sample_processes", "store_samples"],
  tasks: ["list_processes"],
  moves: ["handle_cgroup_attach_task"],
  cgroup: ["handle_cgroup_mkdir"],
  "new-processes": ["look"],
  "ring-write": ["write_records", "make_records"],
  "tasks-walk": ["walk_processes"],
} as const;

const WALKING = ["sample-walk", "new-processes", "tasks-walk"];

function opened(name: BpfObjectName): BpfObject {
  return BpfObject.open(name, bpfObject(name));
}

function mapIdOf(fd: number): number {
  return Number(/^map_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1]);
}

/** Descriptors without those that the runtime opens for an event loop when it first needs one. */
const withoutRuntime = (fds: readonly string[]) => fds.filter((fd) => !/anon_inode:\[event(?:poll|fd)\]$/.test(fd));

describe.skipIf(noBtf !== null)(titled("an object of BPF programs", noBtf), () => {
  for (const [name, programs] of Object.entries(PROGRAMS)) {
    // Walking processes needs Linux 6.7; CO-RE relocation by the kernel needs 5.17.
    const reason = WALKING.includes(name) ? whyOlder(6, 7) : whyOlder(5, 17);
    test.skipIf(reason !== null)(titled(`${name} is loaded by a loader program, with all its programs`, reason), () => {
      const before = { ids: bpfIdsOf("self"), fds: descriptorsOf("self") };
      const object = opened(name as BpfObjectName);
      object.load();
      expect(object.loadedBy).toBe("program");
      // The kernel keeps fifteen characters.
      for (const each of programs) expect(readProgramInfo(object.programFd(each)).name).toBe(each.slice(0, 15));
      expect(bpfIdsOf("self").programs.length).toBeGreaterThanOrEqual(before.ids.programs.length + programs.length);
      object.close();
      expect(bpfIdsOf("self")).toEqual(before.ids);
      expect(withoutRuntime(descriptorsOf("self"))).toEqual(withoutRuntime(before.fds));
    });
  }

  test("for classic tracepoints is loaded by libbpf", () => {
    using object = opened("tracepoint");
    object.load();
    expect(object.loadedBy).toBe("libbpf");
    expect(readProgramInfo(object.programFd("handle_exit")).name).toBe("handle_exit");
  });

  test("without a left-out program has all its other programs under their own names", () => {
    using object = opened("process");
    for (const each of ["retry_fork", "handle_exec", "retry_exec"]) object.leaveOut(each);
    object.load();
    expect(() => object.programFd("handle_exec")).toThrow("no program handle_exec");
    for (const each of ["handle_fork", "handle_rename", "handle_exit", "retry_exit"]) {
      expect(readProgramInfo(object.programFd(each)).name).toBe(each);
    }
  });

  test("shares the map of another object, and does not close that map", () => {
    using owner = opened("sample");
    owner.load();
    const fd = owner.mapFd("last_samples");
    const id = mapIdOf(fd);
    const fds = descriptorsOf("self");
    const heir = opened("sample");
    heir.reuseMap("last_samples", fd);
    heir.load();
    expect(mapIdOf(heir.mapFd("last_samples"))).toBe(id);
    expect(readProgramInfo(heir.programFd("sample_processes")).mapIds).toContain(id);
    heir.close();
    expect(descriptorsOf("self")).toEqual(fds);
    expect(mapIdOf(fd)).toBe(id);
  });

  test("throws the kernel's reason if the kernel refuses it, and leaves nothing behind", () => {
    // The first failure opens what stays open: the library and its memory.
    expect(() => refused()).toThrow(BpfLoadError);
    const before = { ids: bpfIdsOf("self"), fds: descriptorsOf("self") };
    expect(() => refused()).toThrow(/could not be loaded: (E2BIG|ENOMEM|EINVAL)/);
    expect(bpfIdsOf("self")).toEqual(before.ids);
    expect(descriptorsOf("self")).toEqual(before.fds);
  });

  test("has the read-only data that was set", () => {
    using object = opened("sample");
    const data = object.readOnlyData;
    data.set(data.map((_, at) => at + 1));
    object.load();
    using map = new MappedArray(object.mapFd("sample.rodata"), data.length);
    expect([...new Uint8Array(map.bytes)]).toEqual([...data]);
  });
});

/** Maps larger than the kernel has memory for. */
function refused(): void {
  using object = opened("sample-hash");
  object.setMaxEntries("last_samples", 2 ** 32 - 1);
  object.load();
}
