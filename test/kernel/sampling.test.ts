/** Scans of real processes, by every source that this kernel has. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import { Sleepers } from "../../src/compare/sleepers.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { openSampler } from "../../src/sampling/open.ts";
import { ProcSampler } from "../../src/sampling/proc-sampler.ts";
import { ProcessWalkSampler } from "../../src/sampling/process-walk-sampler.ts";
import { SampleFilter } from "../../src/sampling/sample-filter.ts";
import type { Sampler, SamplerOptions } from "../../src/sampling/sampler.ts";
import { Sampling } from "../../src/sampling/sampling.ts";
import { TaskIteratorSampler } from "../../src/sampling/task-iterator-sampler.ts";
import { boottimeNs, realtimeOffsetNs } from "../../src/sys/clock.ts";
import { EVENT_SAMPLE, FIRST_SEEN, SAMPLE_EVENT } from "../../src/wire/layout.gen.ts";
import type { Record } from "../../src/wire/record.ts";
import { bpfIdsOf, bpftool, countOf, descriptorsOf, stillThere } from "./support/bpf-objects.ts";
import { reasonOf, titled, whyNoBtf } from "./support/needs.ts";
import { WorkerProgram } from "./support/sampling-worker.ts";
import { inCgroups, TestCgroup } from "./support/test-cgroup.ts";

setDefaultTimeout(120_000);

const reason = whyNoBtf();
const IDLE = 1000;
const BUSY = 5;
/** CPU time of a running thread that the kernel has not added up yet: it does so at every tick, at most 10 ms. */
const TICK_NS = 10e6;

const SAMPLERS: { [name: string]: (options?: SamplerOptions) => Sampler } = {
  "a walk": (options) => new ProcessWalkSampler(options),
  "task storage": (options) => TaskIteratorSampler.withTaskStorage(options),
  "a map": (options) => TaskIteratorSampler.withMap(1000, options),
  "/proc": (options) => new ProcSampler(options),
};

interface Sample {
  pid: number;
  runtimeNs: number;
  rssBytes: number;
  threads: number;
  uid: number;
  startNs: number;
  isFirst: boolean;
}

/** One scan: its samples by pid. */
function sweep(sampler: Sampler): Map<number, Sample> {
  const samples = new Map<number, Sample>();
  sampler.sweep((record) => {
    expect(record.u8(SAMPLE_EVENT.type)).toBe(EVENT_SAMPLE);
    const sample = sampleOf(record);
    expect(samples.has(sample.pid)).toBe(false);
    samples.set(sample.pid, sample);
  });
  return samples;
}

function sampleOf(record: Record): Sample {
  return {
    pid: record.u32(SAMPLE_EVENT.pid),
    runtimeNs: record.u64(SAMPLE_EVENT.runtime_ns),
    rssBytes: record.u64(SAMPLE_EVENT.rss_bytes),
    threads: record.u32(SAMPLE_EVENT.threads),
    uid: record.u32(SAMPLE_EVENT.uid),
    startNs: record.u64(SAMPLE_EVENT.start_ns),
    isFirst: (record.u32(SAMPLE_EVENT.known) & FIRST_SEEN) !== 0,
  };
}

function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Run time of all live threads of a process, ns: proc_pid_schedstat. */
function schedNs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, tid) => sum + Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "latin1").split(" ")[0]),
    0,
  );
}

function vmRssBytes(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0);
}

const scope = new DisposableStack();
let program: WorkerProgram;

beforeAll(() => {
  if (reason === null) program = scope.use(new WorkerProgram());
});
afterAll(() => scope.dispose());

for (const [name, open] of Object.entries(SAMPLERS)) {
  const precise = name !== "/proc";

  describe.skipIf(reason !== null)(titled(`scans by ${name}`, reason), () => {
    const tooMany = Sleepers.objection(IDLE);

    test.skipIf(tooMany !== null)(
      titled(`report only the ${BUSY} busy processes among ${IDLE} idle processes`, tooMany),
      async () => {
        await using _ = await Sleepers.start(IDLE, new AbortController().signal);
        const busy = await Promise.all(Array.from({ length: BUSY }, () => program.start("spin")));
        const idle = await sleeping(IDLE);
        const wanted = busy.map(({ pid }) => pid).sort((a, b) => a - b);
        using sampler = open();
        const first = sweep(sampler);
        for (const pid of [...idle, ...wanted]) expect(first.get(pid)?.isFirst).toBe(true);
        for (let i = 0; i < 3; i++) {
          // Each busy process must have run: schedstat shows it, waiting does not.
          const then = wanted.map(schedNs);
          await until(() => wanted.every((pid, at) => schedNs(pid) > (then[at] as number) + 4 * TICK_NS));
          const samples = sweep(sampler);
          const ours = [...samples.keys()].filter((pid) => idle.has(pid) || wanted.includes(pid));
          expect(ours.sort((a, b) => a - b)).toEqual(wanted);
          for (const pid of wanted) expect(samples.get(pid)).toMatchObject({ isFirst: false, threads: 1 });
        }
        for (const worker of busy) worker.end();
      },
    );

    test("report the run time of all threads, exact to the tick", async () => {
      using sampler = open();
      for (const args of [["spin"], ["threads", 3]] as const) {
        const { pid } = await program.start(...args);
        const threads = args[0] === "spin" ? 1 : 4;
        const atFirst = schedNs(pid);
        expect(sweep(sampler).get(pid)?.threads).toBe(threads);
        const afterFirst = schedNs(pid);
        let sum = 0;
        for (let i = 0; i < 3; i++) {
          const then = schedNs(pid);
          await until(() => schedNs(pid) > then + 4 * TICK_NS);
          sum += sweep(sampler).get(pid)?.runtimeNs ?? 0;
        }
        const atLast = schedNs(pid);
        // Both sides read the same sums; one side may be late by a tick of each thread.
        const slack = (precise ? 1 : 3) * threads * TICK_NS;
        expect(sum).toBeGreaterThan(atLast - afterFirst - 2 * slack - 4 * TICK_NS);
        expect(sum).toBeLessThanOrEqual(atLast - atFirst + slack);
      }
    });

    test("report the run time of 600 threads", async () => {
      const threads = 600;
      using sampler = open();
      const { pid } = await program.start("crowd", threads);
      const first = sweep(sampler).get(pid);
      expect(first).toMatchObject({ isFirst: true, threads: threads + 1 });
      expect(first?.runtimeNs).toBeGreaterThanOrEqual(threads * 5e6 - (precise ? 0 : 5 * TICK_NS));
      // Once all threads sleep there is nothing to report.
      await until(() => (sweep(sampler).get(pid)?.runtimeNs ?? 0) === 0);
    });

    test.skipIf(!precise)("count threads beyond the limit of summed threads", async () => {
      const [threads, maxThreads] = [600, 300];
      using whole = open();
      using bounded = open({ maxThreads });
      const { pid } = await program.start("crowd", threads);
      expect(whole.sweep(() => {}).leftOutThreads).toBe(0);
      let sample: Sample | undefined;
      const { leftOutThreads } = bounded.sweep((record) => {
        if (record.u32(SAMPLE_EVENT.pid) === pid) sample = sampleOf(record);
      });
      // The count includes threads of other processes on this machine.
      expect(leftOutThreads).toBeGreaterThanOrEqual(threads + 1 - maxThreads);
      expect(sample?.threads).toBe(threads + 1);
      expect(sample?.runtimeNs).toBeLessThan(threads * 5e6);
      expect(sample?.runtimeNs).toBeGreaterThan(0);
    });

    test("include the CPU time of ended threads, but only the present memory and threads", async () => {
      using sampler = open();
      const startedNs = boottimeNs();
      const { pid } = await program.start("threads-gone", 30);
      const sample = sweep(sampler).get(pid);
      expect(sample).toMatchObject({ isFirst: true, threads: 1 });
      // The first sample covers the time since the process started.
      expect(sample?.runtimeNs).toBeGreaterThanOrEqual(4 * 30e6 - (precise ? 0 : TICK_NS * 5));
      expect(sample?.startNs).toBeGreaterThan(startedNs - TICK_NS);
      expect(sweep(sampler).get(pid)).toBeUndefined();
    });

    test("report a process whose main thread has ended as running, with its memory", async () => {
      using sampler = open();
      const { pid } = await program.start("leader-gone");
      await until(() => / Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1")));
      const first = sweep(sampler).get(pid);
      expect(first?.isFirst).toBe(true);
      // /proc shows no memory of this process.
      if (precise) expect(first?.rssBytes).toBeGreaterThanOrEqual(64 * 1024);
      const then = schedNs(pid);
      await until(() => schedNs(pid) > then + 4 * TICK_NS);
      expect(sweep(sampler).get(pid)?.runtimeNs).toBeGreaterThan(0);
    });

    test("report the same memory as /proc", async () => {
      using sampler = open();
      const worker = await program.start("grow");
      sweep(sampler);
      for (const megabytes of [2, 20]) {
        const before = vmRssBytes(worker.pid);
        await worker.grow(megabytes);
        await until(() => isSleeping(worker.pid));
        const sample = sweep(sampler).get(worker.pid);
        const inProc = vmRssBytes(worker.pid);
        expect(inProc - before).toBeGreaterThanOrEqual((megabytes - 0.5) * 2 ** 20);
        // /proc of kernels before 6.17 omits memory that is counted per CPU.
        expect(Math.abs((sample?.rssBytes ?? 0) - inProc)).toBeLessThanOrEqual(2 ** 20);
        expect(sweep(sampler).get(worker.pid)).toBeUndefined();
      }
    });

    test("report the present user of a process that dropped root and is not dumpable", async () => {
      using sampler = open();
      const worker = await program.start("turns", 65534);
      expect(sweep(sampler).get(worker.pid)?.uid).toBe(65534);
      worker.end();
    });

    test("are not disturbed by processes that start and end in between", async () => {
      using sampler = open();
      const live = await Promise.all(Array.from({ length: 6 }, () => program.start("spin")));
      const first = live.map(({ pid }) => schedNs(pid));
      sweep(sampler);
      const told = live.map(() => 0);
      const startedNs = live.map(() => 0);
      for (let i = 0; i < 4; i++) {
        // A process in the middle ends, so that later processes move up; short processes are never scanned.
        const [gone] = live.splice(1, 1);
        first.splice(1, 1);
        told.splice(1, 1);
        startedNs.splice(1, 1);
        gone?.end();
        for (let short = 0; short < 10; short++) Bun.spawnSync(["true"]);
        const added = await program.start("spin");
        const then = live.map(({ pid }) => schedNs(pid));
        await until(() => live.every(({ pid }, at) => schedNs(pid) > (then[at] as number) + 2 * TICK_NS));
        const addedNs = schedNs(added.pid);
        const samples = sweep(sampler);
        for (const [at, { pid }] of live.entries()) {
          const sample = samples.get(pid) as Sample;
          expect(sample).toMatchObject({ isFirst: false, threads: 1 });
          expect(startedNs[at] || sample.startNs).toBe(sample.startNs);
          startedNs[at] = sample.startNs;
          (told[at] as number) += sample.runtimeNs;
        }
        expect(samples.get(added.pid)?.isFirst).toBe(true);
        expect(samples.has(gone?.pid as number)).toBe(false);
        live.push(added);
        first.push(addedNs);
        told.push(0);
        startedNs.push(0);
      }
      const slack = (precise ? 3 : 6) * TICK_NS;
      for (const [at, { pid }] of live.entries())
        expect(told[at] as number).toBeLessThanOrEqual(schedNs(pid) - (first[at] as number) + slack);
      expect(told[0]).toBeGreaterThan(4 * 2 * TICK_NS - slack);
      for (const worker of live) worker.end();
    });

    // Task storage is freed with the former main thread.
    test(`see ${name === "task storage" ? "a new process" : "the same process"} after an exec by another thread`, async () => {
      using sampler = open();
      const worker = await program.start("exec-aside");
      sweep(sampler);
      await worker.exec();
      const then = schedNs(worker.pid);
      await until(() => schedNs(worker.pid) > then + 2 * TICK_NS);
      const sample = sweep(sampler).get(worker.pid);
      expect(sample).toMatchObject({ isFirst: name === "task storage", threads: 1 });
      worker.end();
    });

    test("report kernel threads that run, without memory", () => {
      using sampler = open();
      const samples = sweep(sampler);
      expect(samples.get(2)).toMatchObject({ rssBytes: 0, threads: 1, isFirst: true });
    });

    test("leave no descriptor or BPF object behind", async () => {
      const descriptors = descriptorsOf("self").length;
      const sampler = open();
      sweep(sampler);
      const ids = bpfIdsOf("self");
      expect(countOf(ids) > 0).toBe(precise);
      sampler[Symbol.dispose]();
      expect(descriptorsOf("self").length).toBeLessThanOrEqual(descriptors);
      // The kernel releases unreferenced objects once every CPU has passed a quiescent state.
      if (bpftool !== null) await until(() => countOf(stillThere(ids)) === 0);
    });
  });
}

describe.skipIf(reason !== null)(titled("a walk that starts again because it has no room", reason), () => {
  const count = 1600;
  const tooMany = Sleepers.objection(count);

  test.skipIf(tooMany !== null)(titled("counts each process once", tooMany), async () => {
    using sampler = new ProcessWalkSampler();
    const before = sampler.sweep(() => {}).processes;
    await using _ = await Sleepers.start(count, new AbortController().signal);
    let told = 0;
    const { processes } = sampler.sweep(() => told++);
    expect(told).toBeGreaterThanOrEqual(count);
    // A second count of all processes would exceed this bound.
    expect(processes).toBeGreaterThanOrEqual(count + before / 2);
    expect(processes).toBeLessThan(count + before * 1.5);
  });
});

describe.skipIf(reason !== null)(titled("zombies", reason), () => {
  const count = 100;

  test("use no place in a walk: processes that start after them are sampled", async () => {
    using before = new ProcessWalkSampler();
    // There is a place for each process, and some for processes that start meanwhile.
    const maxPlaces = before.sweep(() => {}).processes + count / 2;
    using sampler = new ProcessWalkSampler({ maxPlaces });
    const { processes } = sampler.sweep(() => {});
    const zombies = await program.start("zombies", count);
    const busy = await program.start("spin");
    const gone = await program.start("leader-gone");
    await until(() => / Z /.test(readFileSync(`/proc/${gone.pid}/stat`, "latin1")));
    const samples = new Map<number, number>();
    for (let sweeps = 0; sweeps < 3; sweeps++) {
      const then = schedNs(busy.pid);
      await until(() => schedNs(busy.pid) > then + 4 * TICK_NS && schedNs(gone.pid) > 0);
      const swept = sampler.sweep((record) => {
        samples.set(record.u32(SAMPLE_EVENT.pid), record.u64(SAMPLE_EVENT.runtime_ns));
      });
      expect(swept.unkept).toBe(0);
      // The walk passes zombies without sampling them.
      expect(swept.walked).toBeGreaterThanOrEqual(swept.processes + count);
      expect(swept.processes).toBeLessThan(processes + count / 2);
      expect(samples.get(busy.pid)).toBeGreaterThan(0);
    }
    // The leader of this process is a zombie, but the process runs.
    expect(samples.get(gone.pid)).toBeGreaterThan(0);
    for (const worker of [zombies, busy, gone]) worker.end();
  });

  test("use no place in the task storage that succeeds a walk", async () => {
    using before = new ProcessWalkSampler();
    const maxPlaces = before.sweep(() => {}).processes + count / 2;
    const former = new ProcessWalkSampler({ maxPlaces });
    const zombies = await program.start("zombies", count);
    const busy = await program.start("spin");
    const knownNs = boottimeNs();
    sweep(former);
    using successor = former.limit?.successor(20_000) as Sampler;
    former[Symbol.dispose]();
    const then = schedNs(busy.pid);
    await until(() => schedNs(busy.pid) > then + 4 * TICK_NS);
    const samples = sweep(successor);
    expect(samples.get(busy.pid)).toMatchObject({ isFirst: false, threads: 1 });
    for (const { isFirst, startNs } of samples.values()) if (isFirst) expect(startNs).toBeGreaterThan(knownNs);
    for (const worker of [zombies, busy]) worker.end();
  });

  test("without a place are counted, and so are other processes", () => {
    using sampler = new ProcessWalkSampler({ maxPlaces: 5 });
    const { processes, unkept } = sampler.sweep(() => {});
    expect(unkept).toBe(processes - 5);
  });
});

for (const name of ["a walk", "a map"]) {
  describe.skipIf(reason !== null)(titled(`the successor of ${name}`, reason), () => {
    test("continues where its predecessor stopped: no time is lost or reported twice, and no process counts as new", async () => {
      const { pid } = await program.start("threads", 3);
      const slack = 4 * TICK_NS;
      const former = (SAMPLERS[name] as () => Sampler)();
      const atFirst = schedNs(pid);
      sweep(former);
      let sum = 0;
      const ran = async (ms: number) => {
        const then = schedNs(pid);
        await until(() => schedNs(pid) > then + ms * 1e6);
      };
      await ran(100);
      sum += sweep(former).get(pid)?.runtimeNs ?? 0;
      const knownNs = boottimeNs();
      // CPU time before, during and after its opening belongs to the same interval.
      await ran(100);
      using successor = former.limit?.successor(20_000) as Sampler;
      former[Symbol.dispose]();
      await ran(100);
      const samples = sweep(successor);
      const sample = samples.get(pid);
      sum += sample?.runtimeNs ?? 0;
      const atLast = schedNs(pid);
      expect(sample).toMatchObject({ isFirst: false, threads: 4 });
      expect(sum).toBeGreaterThan(300e6 - 2 * slack);
      expect(sum).toBeLessThanOrEqual(atLast - atFirst + slack);
      // Earlier processes are not new, and most of them have been idle.
      for (const { isFirst, startNs } of samples.values()) if (isFirst) expect(startNs).toBeGreaterThan(knownNs);
      expect(samples.size).toBeLessThan(pids().length / 2);
    });

    test("keeps no object of its predecessor except a shared map, and leaves none behind", async () => {
      const former = (SAMPLERS[name] as () => Sampler)();
      sweep(former);
      const ofFormer = bpfIdsOf("self");
      const successor = former.limit?.successor(20_000) as Sampler;
      former[Symbol.dispose]();
      sweep(successor);
      const ofSuccessor = bpfIdsOf("self");
      // Task storage is shared; a map by pid is copied.
      const shared = ofFormer.maps.filter((id) => ofSuccessor.maps.includes(id));
      expect(shared).toHaveLength(name === "a walk" ? 1 : 0);
      if (bpftool !== null) await until(() => countOf(stillThere(ofFormer)) === shared.length);
      successor[Symbol.dispose]();
      expect(countOf(bpfIdsOf("self"))).toBe(0);
      if (bpftool !== null) await until(() => countOf(stillThere(ofSuccessor)) === 0);
    });
  });
}

const mount = cgroup2Mount();
const noCgroup = reasonOf(reason, mount === undefined && "the cgroup v2 hierarchy is not mounted");

describe.skipIf(noCgroup !== null)(titled("a filter by cgroup", noCgroup), () => {
  test.each(Object.entries(SAMPLERS))("matches samples by %s in that cgroup and below it", async (_, open) => {
    await using cgroup = new TestCgroup(mount ?? "");
    const [wanted, inner, beside] = [cgroup.make("wanted"), cgroup.make("wanted", "inner"), cgroup.make("beside")];
    const start = (path: string) => program.startAs(inCgroups(cgroup.directory(path)), "spin");
    const [inside, outside] = [[await start(wanted), await start(inner)], await start(beside)];
    using filter = new SampleFilter({ pids: [], uids: [], comms: [], cgroup: { path: wanted }, minDurationNs: 0 });
    const told = new Set<number>();
    const sample = ({ pid }: EventView) => told.add(pid).size > 0;
    const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(realtimeOffsetNs()));
    using sampling = new Sampling(open(), { view, drain() {}, wants: (seen) => filter.wants(seen), sample });
    sampling.sweep();
    // Each worker must have run.
    const then = [...inside, outside].map(({ pid }) => schedNs(pid));
    await until(() => [...inside, outside].every(({ pid }, at) => schedNs(pid) > (then[at] as number) + 4 * TICK_NS));
    sampling.sweep();
    expect([...told].sort((a, b) => a - b)).toEqual(inside.map(({ pid }) => pid).sort((a, b) => a - b));
  });
});

describe.skipIf(reason !== null)(titled("the best source of samples", reason), () => {
  test("is the task iterator if the kernel has it", () => {
    using sampler = openSampler();
    expect(sampler.source).toBe("task-iterator");
    expect(sweep(sampler).size).toBeGreaterThan(0);
  });

  test("goes on after the process has dropped root", () => {
    const script = `
      import { openSampler } from "${import.meta.dir}/../../src/sampling/open.ts";
      using sampler = openSampler();
      sampler.sweep(() => {});
      const before = sampler.source;
      process.setgid(65534);
      process.setuid(65534);
      const { processes } = sampler.sweep(() => {});
      console.log(JSON.stringify({ before, processes: processes > 0, after: sampler.source }));
    `;
    const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
    const said = JSON.parse(stdout.toString() || JSON.stringify({ stderr: stderr.toString() }));
    // Since Linux 5.19 the holder of the link may read it again; earlier kernels require CAP_BPF for each read.
    expect(said).toMatchObject({ before: "task-iterator", processes: true });
  });
});

/** Waits until `count` children of one process named sleep all sleep, and returns their pids. */
async function sleeping(count: number): Promise<Set<number>> {
  let children: number[] = [];
  let ranNs = -1;
  await until(() => {
    const byParent = new Map<string, number[]>();
    for (const pid of pids()) {
      const parent = parentOfSleep(pid);
      if (parent !== undefined) byParent.set(parent, [...(byParent.get(parent) ?? []), pid]);
    }
    children = [...byParent.values()].find(({ length }) => length === count) ?? [];
    const before = ranNs;
    ranNs = children.reduce((sum, pid) => sum + schedNs(pid), 0);
    return children.length === count && ranNs === before;
  });
  return new Set(children);
}

function parentOfSleep(pid: number): string | undefined {
  try {
    return /^\d+ \(sleep\) S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
  } catch {
    return undefined;
  }
}

function isSleeping(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat[stat.lastIndexOf(")") + 2] === "S";
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const giveUp = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > giveUp) throw new Error(`waited in vain for ${condition}`);
    await Bun.sleep(20);
  }
}
