/** dist/linnix on other kernels than this machine's, each booted in its own virtual machine. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LostEvent, ProcessEvent } from "../../src/wire/event.ts";
import { balanceProblems, orderProblems, shapeProblems } from "../kernel/support/collect-output.ts";
import { expectSameEnd, Fixture, is } from "../kernel/support/fixture.ts";
import { reasonOf, titled } from "../kernel/support/needs.ts";
import { Booter, type Results } from "./boot.ts";
import { guestFiles, whyNoGuest } from "./guest.ts";
import { writeInitramfs } from "./initramfs.ts";
import { SERIES as EVERY_SERIES, getKernels, type Kernels } from "./kernels.ts";
import { MACHINE } from "./machine.ts";
import { Way } from "./way.ts";

setDefaultTimeout(2_000_000);

/** Guests that run at a time. */
const MAX_RUNNING = 2;

const SERIES = EVERY_SERIES.filter(({ name }) => MACHINE.series?.includes(name) ?? true);

/** Series of kernels that are booted with lockdown: the oldest and the newest. */
const LOCKED_DOWN = [...new Set([SERIES[0]?.name ?? "", "newest"])];

const noGuest = whyNoGuest();
const kernels: Kernels = noGuest === null ? await getKernels(SERIES) : { found: new Map(), missing: new Map() };

/** Number of CPUs of the guest with many CPUs. */
const MANY_CPUS = 16;

/** Every guest that is to be booted, in this order. */
const BOOTS = [
  ...SERIES.map(({ name }) => ({
    id: name,
    series: name,
    commandLine:
      `linnix.ways=auto,tracepoint,cgroup,cgroup-v1,page-faults,no-btf${name === "newest" ? ",crowd" : ""},` +
      "hotplug,hotplug-tracepoint,hotplug-user suspend.pm_test_delay=1",
  })),
  ...LOCKED_DOWN.map((series) => ({
    id: `${series} locked down`,
    series,
    commandLine: "linnix.ways=auto,tracepoint lockdown=confidentiality",
  })),
  { id: "newest, many CPUs", series: "newest", commandLine: "linnix.ways=many-cpus", cpus: MANY_CPUS },
  { id: "5.10 panics", series: "5.10", commandLine: "linnix.ways=auto,tracepoint,no-btf panic_on_warn=1" },
]
  .map((boot) => ({ cpus: 2, ...boot }))
  .filter(({ series }) => kernels.found.has(series));

const scope = new DisposableStack();
const booted = new Map<string, Promise<Results>>();

beforeAll(async () => {
  if (BOOTS.length === 0) return;
  const booter = scope.use(new Booter());
  const fixture = scope.use(new Fixture(MACHINE.compiler));
  const initramfs = booter.path("initramfs");
  writeInitramfs(initramfs, await guestFiles(fixture));
  const lanes: Promise<unknown>[] = Array.from({ length: MAX_RUNNING }, () => Promise.resolve());
  for (const [index, { id, series, commandLine, cpus }] of BOOTS.entries()) {
    const kernel = kernels.found.get(series);
    if (!kernel) continue;
    const boot = (lanes[index % MAX_RUNNING] as Promise<unknown>).then(() =>
      booter.boot(kernel, initramfs, commandLine, cpus),
    );
    booted.set(id, boot);
    // The tests that wait for this guest report the failure; the next guest in the lane starts nevertheless.
    lanes[index % MAX_RUNNING] = boot.catch(() => {});
  }
});

afterAll(() => scope.dispose());

/** Results of a guest; if its boot failed, the tests that use the results fail. */
function useResults(id: string): (way: string) => Way {
  let results: Results | undefined;
  beforeAll(async () => {
    results = await booted.get(id);
  });
  const ways = new Map<string, Way>();
  return (name) => {
    if (results === undefined) throw new Error(`no guest was booted for ${id}`);
    const way = ways.get(name) ?? new Way(results, name);
    ways.set(name, way);
    return way;
  };
}

function reasonFor(series: string): string | null {
  return reasonOf(
    noGuest,
    kernels.missing.get(series) ?? null,
    !kernels.found.has(series) && `not among the series to boot: ${series}`,
  );
}

function releaseOf(series: string): string {
  return kernels.found.get(series)?.release ?? series;
}

/** Id of a container in a v1 hierarchy: the name of its cgroup. */
const CONTAINER = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/** Fields that no classic tracepoint reports. */
const UNKNOWN = {
  parent_start_ns: null,
  euid: null,
  egid: null,
  auid: null,
  start_ns: null,
  args: null,
  exit_code: null,
  signal: null,
  core_dumped: null,
  cpu_user_ns: null,
  cpu_system_ns: null,
  peak_rss_bytes: null,
  minor_faults: null,
  major_faults: null,
  read_bytes: null,
  write_bytes: null,
};

/** Scenarios that report how each of their processes was reaped. */
const SCENARIOS = readFileSync(join(import.meta.dir, "guest/scenarios"), "utf8")
  .trim()
  .split("\n")
  .map((line) => line.split(" ")[0] as string);

/**
 * The time counter of an emulated processor is not steady: the scheduler's clock jumps by the time in which the host
 * does not run the guest. The longest jump observed is 58 ms.
 */
const GUEST_CLOCK_JUMP_NS = 1_000_000_000n;

/** Expects that a run ended normally and its whole output is valid. */
function expectWhole(way: Way, backend: "btf" | "tracepoint"): void {
  const { exitCode, stderr } = way;
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: expect.stringContaining(`watching by the ${backend} backend`),
  });
  expect(way.has("fixture.failed") ? way.text("fixture.failed") + way.text("fixture.stderr") : "").toBe("");
  const { output } = way;
  expect(output.summary).toMatchObject({ backend, lost: 0, skipped: { fork: 0, exec: 0, exit: 0 } });
  expect(shapeProblems(output, output.summary?.missing_fields ?? [], GUEST_CLOCK_JUMP_NS)).toEqual([]);
  expect(orderProblems(output)).toEqual([]);
  expect(balanceProblems(output)).toEqual([]);
  // The kernel reuses no pid in so short a time.
  const exits = output.events.filter(({ type }) => type === "exit").map(({ pid }) => pid);
  expect(exits.filter((pid, index) => exits.indexOf(pid) !== index)).toEqual([]);
}

/** Expects that the kernel logged no warning during the run. */
function expectNoWarning(way: Way): void {
  const [before, after] = way.text("tainted").trim().split(" ");
  expect([way.name, after, way.text("warnings")]).toEqual([way.name, before, ""]);
}

function expectDoctor(way: Way, backend: "btf" | "tracepoint"): void {
  expect(way.text("doctor.stderr")).toBe("");
  const doctor = JSON.parse(way.text("doctor.json"));
  expect(doctor).toMatchObject({ schema: "linnix.doctor/1", backend, can: { collect: true } });
  expect(way.text("doctor.code").trim()).toBe("0");
  expect(doctor.null_fields.toSorted()).toEqual(way.output.summary?.missing_fields.toSorted());
}

for (const { name: series } of SERIES) {
  const reason = reasonFor(series);
  describe.skipIf(reason !== null)(titled(`Linux ${releaseOf(series)}`, reason), () => {
    const way = useResults(series);

    test("the guest ran this kernel, and linnix left nothing mounted", () => {
      const { results } = way("auto");
      expect(results.text("release").trim()).toBe(releaseOf(series));
      expect(results.text("mounts")).not.toMatch(/tracefs|debugfs|bpf/);
    });

    test("the kernel logs no warning, in any way that linnix runs", () => {
      for (const name of ["auto", "tracepoint", "cgroup", "cgroup-v1", "page-faults", "no-btf"])
        expectNoWarning(way(name));
    });

    describe("by BTF tracepoints", () => {
      test("auto uses btf, with every field; the output is valid", () => {
        expectWhole(way("auto"), "btf");
        expect(way("auto").output.summary?.missing_fields).toEqual([]);
        expectDoctor(way("auto"), "btf");
        // Since Linux 5.17 the kernel itself relocates programs.
        expect(way("auto").stderr).toContain(`loaded by ${series === "5.10" ? "libbpf" : "a loader program"}`);
      });

      for (const scenario of SCENARIOS) {
        test(`${scenario}: one fork, one exit, as wait4 reports it`, () => {
          const watched = way("auto").watched(scenario);
          const truths = watched.truths.everyReaped();
          expect(truths).not.toEqual([]);
          for (const truth of truths) {
            const { fork, exit } = watched.story(truth);
            expectSameEnd(exit, truth);
            expect(exit.duration_ns).toBe(exit.ts_ns - (exit.start_ns ?? 0n));
            expect(fork.start_ns).toBe(exit.start_ns);
          }
        });
      }

      test("an exit has its code or signal", () => {
        const end = (scenario: string, label: string) => way("auto").watched(scenario).reaped(label).exit;
        expect(end("code", "code")).toMatchObject({ exit_code: 3, signal: null, core_dumped: false });
        expect(end("killed", "killed")).toMatchObject({ exit_code: null, signal: "SIGKILL", core_dumped: false });
        expect(end("segv", "segv")).toMatchObject({ exit_code: null, signal: "SIGSEGV" });
      });

      test("the leader ends first: the exit comes with the last thread", () => {
        for (const scenario of ["leader-first", "leader-first-group"]) {
          const watched = way("auto").watched(scenario);
          const { exit } = watched.reaped("leader-first");
          expect(Number(exit.ts_ns)).toBeGreaterThan(watched.truths.self("outliving").now_ns);
          expect(exit.duration_ns).toBeGreaterThanOrEqual(60_000_000n);
        }
      });

      for (const [scenario, args] of [
        ["empty-last", ["leaf", "a", ""]],
        ["not-utf-8", ["leaf", "\ufffd\ufffd", "a\ufffd", "\ufffd\ufffd\ufffdz", "\ufffd", "\ufffd\ufffd"]],
      ] as const) {
        test(`arguments are exact: ${scenario}`, () => {
          const { execs, exit } = way("auto").watched(scenario).reaped("executed");
          const image = { exe: "/guest/leaf", args: [...args] };
          expect(execs).toMatchObject([{ ...image, args_truncated: false, comm: "leaf", old_comm: "process-fixture" }]);
          expect(exit).toMatchObject({ ...image, comm: "leaf" });
        });
      }

      test("long arguments are cut, and marked as truncated", () => {
        const [exec] = way("auto").watched("long").reaped("executed").execs;
        expect(exec).toMatchObject({ exe: "/guest/leaf", args_truncated: true });
        expect(exec?.args?.[1]).toMatch(/^x{1800,2048}$/);
      });

      test("an exec by a thread that is not the leader is reported", () => {
        const { execs } = way("auto").watched("thread-exec").reaped("exec-from-thread");
        expect(execs).toMatchObject([{ exe: "/guest/leaf", args: ["leaf-by-thread", "of another thread"] }]);
      });

      test("a path of more than sixty components is complete", () => {
        const { execs } = way("auto").watched("deep").reaped("executed");
        expect(execs).toMatchObject([{ exe: expect.stringMatching(/^\/tmp\/deep(\/d){60}\/leaf$/), args: ["leaf"] }]);
      });

      test("a path crosses a mount point", () => {
        const { execs } = way("auto").watched("tmpfs").reaped("executed");
        expect(execs).toMatchObject([{ exe: "/tmp/scratch/inner/leaf", args: ["leaf", "elsewhere"] }]);
      });

      test("an exit has processor time, page faults and peak memory", () => {
        const burned = way("auto").watched("burn").reaped("burn");
        const cpuUs = Number((burned.exit.cpu_user_ns ?? 0n) + (burned.exit.cpu_system_ns ?? 0n)) / 1000;
        expect(cpuUs).toBeGreaterThanOrEqual(60_000);
        expect(cpuUs).toBeLessThanOrEqual(1.05 * (burned.truth.user_us + burned.truth.system_us) + 100);
        const { exit, truth } = way("auto").watched("touch").reaped("touch");
        expect(exit.minor_faults ?? 0).toBeGreaterThanOrEqual(1000);
        expect([exit.minor_faults, exit.major_faults, exit.peak_rss_bytes]).toEqual([
          truth.minor_faults,
          truth.major_faults,
          truth.max_rss_kib * 1024,
        ]);
        // This process has 400 threads that a tracer keeps beyond its end.
        const traced = way("auto").watched("traced").reaped("traced");
        const tracedUs = Number((traced.exit.cpu_user_ns ?? 0n) + (traced.exit.cpu_system_ns ?? 0n)) / 1000;
        expect(tracedUs).toBeGreaterThanOrEqual(400_000);
        expect(tracedUs).toBeLessThanOrEqual(1.05 * (traced.truth.user_us + traced.truth.system_us) + 100);
        // One of twelve live threads of this process ended the process.
        const group = way("auto").watched("exit-group");
        const ended = group.reaped("exit-group").exit;
        expect(ended.minor_faults ?? 0).toBeGreaterThanOrEqual(group.truths.number("exit-group", "pages"));
        expect(Number((ended.cpu_user_ns ?? 0n) + (ended.cpu_system_ns ?? 0n))).toBeGreaterThanOrEqual(
          group.truths.number("exit-group", "spent_ms") * 1e6,
        );
      });

      test("the kernel side samples linnix with its memory, and a process of several threads", () => {
        const samples = way("auto").samplesOf("linnix");
        expect(samples).not.toEqual([]);
        for (const sample of samples) {
          expect(sample.start_ns).toBeGreaterThan(0n);
          expect(sample.cpu_pct).toBeGreaterThanOrEqual(0);
          expect(sample.rss_bytes).toBeGreaterThan(2 ** 20);
          expect(sample.rss_bytes % 4096).toBe(0);
          expect(sample.threads).toBeGreaterThan(0);
        }
        // A process of several threads has one sample with their sums.
        expect(
          way("auto")
            .samplesOf("ran-before")
            .map(({ threads }) => threads),
        ).toContain(3);
      });

      test("events have CPU, user, cgroup and the pid in the namespace", () => {
        const pinned = way("auto").watched("pinned");
        const truths = pinned.truths.everyReaped("pinned");
        expect(truths.map((truth) => pinned.story(truth).exit.cpu)).toEqual([0, 1]);
        const turned = way("auto").watched("ids").reaped("turned-user");
        expect([turned.fork.uid, turned.fork.gid, turned.exit.uid, turned.exit.gid]).toEqual([0, 0, 2345, 1234]);
        const cgroup = BigInt(way("auto").results.text("cgroup-id"));
        const born = way("auto").watched("cgroup").reaped("born-there");
        expect([born.fork.cgroup_id, born.exit.cgroup_id]).toEqual([cgroup, cgroup]);
        const namespace = way("auto").watched("pid-namespace");
        const ns = (label: string) => namespace.story(namespace.truths.self(label)).fork.ns_pid;
        expect([ns("init"), ns("second")]).toEqual([1, 2]);
      });

      test("threads of what ran before are no processes", () => {
        expectEndOfBefore(way("auto"), 9);
      });

      test("--cgroup: only events in that cgroup and below it are reported", () => {
        expectFiltered(way("cgroup"), "btf");
      });

      test("processes that end before the lookup have their container of a v1 hierarchy", () => {
        const way1 = way("cgroup-v1");
        expectWhole(way1, "btf");
        const outside = way1.watched("outside").reaped("code");
        expect([outside.fork.container, outside.exit.container]).toEqual([undefined, undefined]);
        const watched = way1.watched("cgroup");
        const [moved, born] = [watched.reaped("moved-there"), watched.story(watched.truths.reaped("born-there"))];
        const place = { cgroup: `/docker/${CONTAINER}`, container: { id: CONTAINER, runtime: "docker" } };
        expect(moved.fork).not.toHaveProperty("container");
        for (const event of [moved.exit, born.fork, born.exit]) expect(event).toMatchObject(place);
      });

      // Atomic operations that return the old value exist since Linux 5.12.
      test("--page-faults: a few a second of each process, all counted; refused on 5.10 and on arm64", () => {
        const faults = way("page-faults");
        const refusal = MACHINE.arch !== "x64" ? "x86" : series === "5.10" ? "Linux 5.12" : null;
        if (refusal !== null) {
          const { exitCode, stderr } = faults;
          expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringContaining(refusal) });
          return;
        }
        expectWhole(faults, "btf");
        const { truth, fork, exit } = faults.watched("touch").reaped("touch");
        const told = faults.pageFaultsOf(truth.pid);
        expect(told).not.toEqual([]);
        for (const fault of told) {
          expect(fault).toMatchObject({ comm: "process-fixture", start_ns: fork.start_ns, ppid: fork.ppid });
          expect(fault.ts_ns > fork.ts_ns && fault.ts_ns < exit.ts_ns).toBe(true);
        }
        expect(told.some(({ write }) => write)).toBe(true);
        const counts = faults.output.summary?.page_faults;
        if (!counts) throw new Error("no page faults in the summary");
        expect(counts.seen).toBe(counts.emitted + counts.suppressed);
        expect(counts.emitted).toBe(counts.received + counts.lost);
        expect(counts.seen).toBeGreaterThanOrEqual(1000);
        expect(counts.suppressed).toBeGreaterThan(0);
      });
    });

    // Since Linux 7.0 a program at a tracepoint may be preempted; the kernel then skips it for other tasks.
    function expectCountedCrowd(): void {
      const crowd = way("crowd");
      expect([crowd.exitCode, crowd.text("fixture.stderr")]).toEqual([0, ""]);
      const { summary, events } = crowd.output;
      expect(balanceProblems(crowd.output)).toEqual([]);
      // Records of preempted programs come after younger records; those of each process are in order.
      const told = Map.groupBy(events, ({ pid }) => pid);
      const pids = [1, 2, 3, 4, 5, 6].flatMap((number) => crowd.truths(String(number)).everyReaped("race"));
      expect(pids).toHaveLength(6 * 3 * 40);
      const missing = { fork: 0, exit: 0 };
      for (const { pid } of pids) {
        const story = (told.get(pid) ?? []).map(({ type }) => type).join(" ");
        if (story === "fork") missing.exit++;
        else if (story === "exit") missing.fork++;
        else expect([pid, story]).toEqual([pid, "fork exit"]);
      }
      expect(missing.fork).toBeLessThanOrEqual(summary?.skipped.fork ?? 0);
      expect(missing.exit).toBeLessThanOrEqual(summary?.skipped.exit ?? 0);
      // The emulated arm64 machine does not always preempt there.
      const preempts = MACHINE.arch === "x64" && Number.parseInt(releaseOf(series), 10) >= 7;
      if (preempts) expect(crowd.stderr).toMatch(/then retried: fork [1-9]/);
    }
    if (series === "newest")
      test("a crowd that forks without a pause: every missing event is counted as skipped", expectCountedCrowd);

    describe("a CPU that goes offline and comes back", () => {
      test("every exec on it is reported: offline at the start, briefly, for longer, or during a suspend", () => {
        const hotplug = way("hotplug");
        expectOnlyNoRing(hotplug);
        // Some kernels do not support a test suspend, and an emulated arm64 machine cannot be suspended to RAM.
        const suspends = ["suspended", "asleep"].filter((phase) => hotplug.has(phase));
        if (MACHINE.arch === "x64") expect(suspends).toContain("asleep");
        for (const phase of ["first", "again", "later", ...suspends]) {
          expect([phase, execsOnCpu1(hotplug, phase)]).toEqual([phase, EXECS_A_PHASE]);
        }
        // Events from before the new ring are not lost either.
        expect(hotplug.output.summary?.lost).toBe(0);
        expect(hotplug.text("metrics")).toContain('\nlinnix_degraded{reason="no_ring"} 0\n');
        expect(JSON.parse(hotplug.text("ready.json"))).toMatchObject({ status: "ready" });
      });

      test("every exec on it is reported by classic tracepoints as well", () => {
        const hotplug = way("hotplug-tracepoint");
        expectOnlyNoRing(hotplug);
        expect(execsOnCpu1(hotplug)).toBe(3 * EXECS_A_PHASE);
        expect(hotplug.output.summary?.lost).toBe(0);
      });

      test("if the kernel refuses a new ring (--user), the spare ring is used, and its losses are reported at once", () => {
        const hotplug = way("hotplug-user");
        expectOnlyNoRing(hotplug);
        for (const phase of ["kept", "again", "later"]) {
          expect([phase, execsOnCpu1(hotplug, phase)]).toEqual([phase, EXECS_A_PHASE]);
        }
        // The loss was reported while only that CPU was busy.
        expect(hotplug.text("reported").trim()).toBe("yes");
        expect(hotplug.output.summary?.lost).toBeGreaterThan(0);
        const reason = "CPU 1 has no ring of its own since it came online: perf_event_open: EACCES";
        expect(hotplug.stderr).toContain(`linnix: warning: ${reason}`);
        const ready = JSON.parse(hotplug.text("ready.json"));
        expect(ready).toMatchObject({ status: "degraded" });
        expect(ready.reasons).toContainEqual(expect.stringContaining(reason));
        expect(hotplug.text("metrics")).toContain('\nlinnix_degraded{reason="no_ring"} 1\n');
      });

      test("events have the right time after a suspend, and after the wall clock is set forward or backward", () => {
        const hotplug = way("hotplug");
        const asleep = hotplug.has("asleep") ? ["asleep"] : [];
        for (const phase of [...asleep, "forward", "backward"]) {
          const execs = hotplug.output.events.filter((event) => isPhaseExec(event, phase));
          expect([phase, execs.length]).toEqual([phase, EXECS_A_PHASE]);
          const seconds = (name: string) => Number(hotplug.text(`${phase}.${name}`));
          // The bounds are from the guest's clock, in whole seconds.
          const [before, after] = [seconds("before") - 1, seconds("after") + 1];
          const times = execs.map(({ time }) => Date.parse(time) / 1000);
          expect({ phase, before, after, wrong: times.filter((at) => at < before || at > after) }).toMatchObject({
            wrong: [],
          });
        }
      });
    });

    for (const name of ["tracepoint", "no-btf"]) {
      describe(name === "no-btf" ? "without BTF" : "--backend tracepoint", () => {
        test("by classic tracepoints; the output is valid", () => {
          expectWhole(way(name), "tracepoint");
          for (const field of Object.keys(UNKNOWN)) expect(way(name).stderr).toContain(field);
        });

        for (const scenario of SCENARIOS) {
          test(`${scenario}: one fork, one exit, nothing guessed`, () => {
            const watched = way(name).watched(scenario);
            const truths = watched.truths.everyReaped();
            expect(truths).not.toEqual([]);
            for (const truth of truths) {
              const { fork, exit } = watched.story(truth);
              expect(exit).toMatchObject({
                ...UNKNOWN,
                comm: truth.comm,
                uid: truth.uid,
                gid: truth.gid,
                duration_ns: exit.ts_ns - fork.ts_ns,
              });
            }
          });
        }

        test("samples are reported, from /proc without BTF", () => {
          const samples = way(name).samplesOf("linnix");
          expect(samples).not.toEqual([]);
          for (const sample of samples) {
            expect(sample.rss_bytes).toBeGreaterThan(2 ** 20);
            expect([sample.cpu === null, sample.start_ns === null]).toEqual(
              name === "no-btf" ? [true, true] : [false, false],
            );
          }
        });

        test("events have parent, path and names", () => {
          const watched = way(name).watched("empty-last");
          const { fork, execs, exit } = watched.story(watched.truths.reaped("executed"));
          expect(fork).toMatchObject({ ppid: watched.main.pid, comm: "process-fixture" });
          const unknown = { args: null, args_truncated: null };
          expect(execs).toMatchObject([{ exe: "/guest/leaf", comm: "leaf", old_comm: "process-fixture", ...unknown }]);
          expect(exit).toMatchObject({ exe: "/guest/leaf", comm: "leaf" });
          const pinned = way(name).watched("pinned");
          const cpus = pinned.truths.everyReaped("pinned").map((truth) => pinned.story(truth).exit.cpu);
          expect(cpus).toEqual([0, 1]);
        });

        test("threads of what ran before are no processes", () => {
          expectEndOfBefore(way(name), null);
        });

        test("the leader ends first: the exit comes with the last thread, under the process's name", () => {
          const renamed = way(name).watched("leader-renamed");
          expect(renamed.story(renamed.truths.reaped("leader-first")).exit.comm).toBe("by-thread");
          for (const scenario of ["leader-first", "leader-first-group"]) {
            const watched = way(name).watched(scenario);
            const { exit } = watched.story(watched.truths.reaped("leader-first"));
            expect(Number(exit.ts_ns)).toBeGreaterThan(watched.truths.self("outliving").now_ns);
          }
        });
      });
    }

    test("without BTF: doctor reports it, and --backend btf is refused", () => {
      expectDoctor(way("no-btf"), "tracepoint");
      expect(way("no-btf").text("forced.code").trim()).toBe("3");
      expect(way("no-btf").text("forced")).toMatch(/^linnix: [^\n]+\n {2}[^\n]*no BTF[^\n]*--backend tracepoint\n$/);
    });

    // Linux 5.10 lacks the helper function for classic tracepoints.
    if (series === "5.10") {
      test("--cgroup without BTF: refused with the reason", () => {
        const { exitCode, stderr } = way("no-btf-cgroup");
        expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringContaining("--cgroup") });
        expect(stderr).toMatch(/^linnix: [^\n]+\n {2}[^\n]+\n$/);
      });
    } else {
      test("--cgroup without BTF: only events in that cgroup and below it are reported", () => {
        expectFiltered(way("no-btf-cgroup"), "tracepoint");
      });
    }
  });
}

/** Execs in each phase of the hotplug ways, see test/kernels/guest/init. */
const EXECS_A_PHASE = 20;

function isPhaseExec(event: ProcessEvent, phase: string): boolean {
  return event.type === "exec" && event.comm === "true" && event.args?.[1] === phase;
}

/** @param phase undefined for execs of all phases, if arguments are not known */
function execsOnCpu1(way: Way, phase?: string): number {
  return way.output.events.filter(
    (event) =>
      event.cpu === 1 &&
      event.type === "exec" &&
      event.comm === "true" &&
      (phase === undefined || isPhaseExec(event, phase)),
  ).length;
}

/** Expects a normal end, and that only records of CPU 1 without a ring were lost, counted and reported. */
function expectOnlyNoRing(way: Way): void {
  expect({ exitCode: way.exitCode, stderr: way.stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) });
  expect(balanceProblems(way.output)).toEqual([]);
  const losses = way.output.others.filter(({ type }) => type === "lost") as LostEvent[];
  for (const { cpu, reason } of losses) expect([cpu, reason]).toEqual([1, "no_ring"]);
  const { summary } = way.output;
  expect(losses.reduce((sum, { count }) => sum + count, 0)).toBe(summary?.lost ?? -1);
  expect(summary?.lost_by_reason.ring_full).toBe(0);
}

/** Expects only the exit of a process that had three threads before linnix started. */
function expectEndOfBefore(way: Way, exit_code: number | null): void {
  const { main } = way.watched("before");
  const own = way.output.events.filter((event) => is(event, main));
  expect(own).toMatchObject([{ type: "exit", comm: "ran-before", exit_code }]);
}

/** Expects only the events of two processes in a cgroup below the filtered cgroup. */
function expectFiltered(way: Way, backend: "btf" | "tracepoint"): void {
  expectWhole(way, backend);
  const { truths } = way.watched("cgroup");
  const [moved, born] = [truths.reaped("moved-there").pid, truths.reaped("born-there").pid];
  const seen = way.output.events.map(({ type, pid, cgroup_id }) => ({ type, pid, cgroup_id }));
  const cgroup_id = BigInt(way.results.text("cgroup-id"));
  expect(seen).toEqual([
    { type: "fork", pid: born, cgroup_id },
    { type: "exit", pid: born, cgroup_id },
    { type: "exit", pid: moved, cgroup_id },
  ]);
  expect(way.output.summary?.filtered.exit ?? 0).toBeGreaterThan(0);
}

describe.skipIf(reasonFor("newest") !== null)(
  titled(`Linux ${releaseOf("newest")}, ${MANY_CPUS} CPUs`, reasonFor("newest")),
  () => {
    const results = useResults("newest, many CPUs");

    test("rings of the default size lose nothing, every process has all events, and each parent comes before its child", () => {
      const way = results("many-cpus");
      const { exitCode, stderr } = way;
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining("watching by the btf") });
      expect(way.results.text("cpus").trim()).toBe(String(MANY_CPUS));
      expect(way.text("config")).toContain('size = "auto"  # default; here: 256KiB\n');
      const { events, summary } = way.output;
      expect(balanceProblems(way.output)).toEqual([]);
      expect(summary).toMatchObject({ lost: 0, unexplained_forks: 0 });
      // Linux 7.0 and later may skip programs.
      const skipped = summary?.skipped ?? { fork: 0, exec: 0, exit: 0 };
      const mayLack = skipped.fork + skipped.exec + skipped.exit;
      const execs = events.filter((event) => event.type === "exec" && event.args?.[1] === "many");
      expect(MANY_CPUS * EXECS_A_PHASE - execs.length).toBeLessThanOrEqual(mayLack);
      expect(new Set(execs.map(({ cpu }) => cpu)).size).toBe(MANY_CPUS);
      const stories = Map.groupBy(events, ({ pid }) => pid);
      const unwhole = execs.filter(({ pid }) => {
        const story = stories.get(pid)?.map(({ type }) => type);
        return story?.join(" ") !== "fork exec exit";
      });
      expect(unwhole.length).toBeLessThanOrEqual(mayLack);
      const forkedAt = new Map(events.flatMap(({ type, pid }, index) => (type === "fork" ? [[pid, index]] : [])));
      const early = events.filter(
        ({ type, ppid }, index) => type === "fork" && (forkedAt.get(ppid ?? 0) ?? -1) > index,
      );
      expect(early).toEqual([]);
    });
  },
);

describe.skipIf(reasonFor("5.10") !== null)(
  titled(`Linux ${releaseOf("5.10")}, panic_on_warn`, reasonFor("5.10")),
  () => {
    const way = useResults("5.10 panics");

    for (const [name, backend] of [
      ["auto", "btf"],
      ["tracepoint", "tracepoint"],
      ["no-btf", "tracepoint"],
    ] as const) {
      test(`${name}: runs, and the kernel does not panic`, () => {
        expectWhole(way(name), backend);
        expectNoWarning(way(name));
      });
    }
  },
);

for (const series of LOCKED_DOWN) {
  const reason = reasonFor(series);
  describe.skipIf(reason !== null)(titled(`Linux ${releaseOf(series)}, lockdown=confidentiality`, reason), () => {
    const way = useResults(`${series} locked down`);

    test("doctor reports that collect cannot run, and why", () => {
      expect(way("auto").text("doctor.code").trim()).toBe("3");
      const doctor = JSON.parse(way("auto").text("doctor.json"));
      expect(doctor.can).toMatchObject({ collect: false });
      const lockdown = doctor.checks.find(({ id }: { id: string }) => id === "lockdown");
      expect(lockdown).toMatchObject({ status: "fail", found: "confidentiality" });
    });

    for (const name of ["auto", "tracepoint"]) {
      test(`${name}: refused with one message that names the lockdown; nothing is left behind`, () => {
        const { exitCode, stderr } = way(name);
        expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringContaining("confidentiality") });
        expect(stderr).toMatch(/^linnix: [^\n]+\n {2}[^\n]+\n$/);
        expect(way(name).results.text("mounts")).not.toMatch(/tracefs|debugfs|bpf/);
      });
    }
  });
}
