import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BpfLink } from "../../src/bpf/bpf-link.ts";
import { PerfEventRing } from "../../src/bpf/perf-event-ring.ts";
import { CpuRings } from "../../src/collect/cpu-rings.ts";
import { Backend, type BackendKind, TIMESTAMP_OFFSET } from "../../src/probes/backend.ts";
import { btfBackend } from "../../src/probes/btf-backend.ts";
import type { RingSet } from "../../src/ring/ring-set.ts";
import { boottimeNs } from "../../src/sys/clock.ts";
import { possibleCpus } from "../../src/sys/cpus.ts";
import { EVENT_EXEC, EVENT_EXIT, EVENT_FORK, PROCESS_EVENT } from "../../src/wire/layout.gen.ts";
import { probeOptions } from "../collect/collector-options.ts";
import { titled, whyNoBtf } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const noBtf = whyNoBtf();
const fixture = useFixture(noBtf);
const CROWD = 400;
const RING_BYTES = 4 * 1024 * 1024;
const OPTIONS = probeOptions();
const NONE = { fork: 0, exec: 0, exit: 0 };

/** A backend with its own rings, attached until it is disposed of. */
class Watch implements Disposable {
  readonly backend: Backend;
  readonly #rings: RingSet;
  readonly #resources: DisposableStack;

  constructor(kind: BackendKind) {
    using resources = new DisposableStack();
    this.backend = resources.use(new Backend(kind, OPTIONS));
    const sizes = { ringBytes: RING_BYTES, watermarkBytes: RING_BYTES };
    const { eventsMapFd } = this.backend;
    const rings = new CpuRings({
      cpus: possibleCpus(),
      open: (cpu) => new PerfEventRing(eventsMapFd, cpu, sizes),
      hotplugStamp: () => 0,
      noRingStamp: () => 0,
      timestampOffset: TIMESTAMP_OFFSET,
      now: boottimeNs,
    });
    this.#rings = resources.use(rings).set;
    this.backend.attach();
    this.#resources = resources.move();
  }

  /** Ends the watch. Returns the number of records by `"pid type"`. */
  end(): Map<string, number> {
    this.backend.detach();
    const told = new Map<string, number>();
    this.#rings.drainAll((record) => {
      const key = `${record.u32(PROCESS_EVENT.pid)} ${record.u8(PROCESS_EVENT.type)}`;
      told.set(key, (told.get(key) ?? 0) + 1);
    });
    return told;
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

/** A backend without the first programs, as if the kernel skipped each of their runs. */
function retriesAlone(): BackendKind {
  const attach: BackendKind["attach"] = (object) =>
    ["retry_fork", "handle_rename", "retry_exec", "retry_exit"].map((program) => BpfLink.attach(object, program));
  return { ...btfBackend(true), attach };
}

describe.skipIf(noBtf !== null)(titled("a second program at each tracepoint", noBtf), () => {
  test("reports only events for which the kernel skipped the first program", async () => {
    using once = new Watch(btfBackend(false));
    using both = new Watch(btfBackend(true));
    using second = new Watch(retriesAlone());
    const crowd = await fixture().run("crowd", [CROWD]);
    const executed = await fixture().run("exec-args", [fixture().leaf, "empty-last"]);
    const threads = await fixture().run("threads", [8, 5]);
    const processes = [crowd, executed, threads].flatMap((truths) => truths.everyReaped());
    expect(processes.length).toBeGreaterThan(CROWD);
    for (const watch of [once, both, second]) {
      const told = watch.end();
      for (const { pid } of processes) {
        expect([pid, told.get(`${pid} ${EVENT_FORK}`), told.get(`${pid} ${EVENT_EXIT}`)]).toEqual([pid, 1, 1]);
      }
      expect(told.get(`${executed.everyReaped()[0]?.pid} ${EVENT_EXEC}`)).toBe(1);
    }
    expect(both.backend.skipped()).toEqual(NONE);
    // All records, also those of threads, come from the second programs.
    const { seen, retried, threads: counted } = second.backend.counts();
    expect(retried).toEqual({ fork: seen.fork + counted.started, exec: seen.exec, exit: seen.exit + counted.exited });
    expect(retried.fork).toBeGreaterThan(processes.length);
    expect(once.backend.counts().retried).toEqual(NONE);
  });
});
