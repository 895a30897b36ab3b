/** Rings of CPUs, and the spare ring of CPUs without a ring, on this kernel. CPUs go offline in test/kernels/ only. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { constants } from "node:os";
import { BpfRingMemory } from "../../src/bpf/bpf-ring-memory.ts";
import { PerfEventRing } from "../../src/bpf/perf-event-ring.ts";
import { CpuRings } from "../../src/collect/cpu-rings.ts";
import { Backend, type BackendKind, TIMESTAMP_OFFSET } from "../../src/probes/backend.ts";
import { btfBackend } from "../../src/probes/btf-backend.ts";
import { tracepointBackend } from "../../src/probes/tracepoint-backend.ts";
import { BpfRing } from "../../src/ring/bpf-ring.ts";
import { boottimeNs } from "../../src/sys/clock.ts";
import { possibleCpus } from "../../src/sys/cpus.ts";
import { NativeError } from "../../src/sys/errno.ts";
import { EVENT_EXIT, EVENT_FORK, PROCESS_EVENT } from "../../src/wire/layout.gen.ts";
import { probeOptions } from "../collect/collector-options.ts";
import { titled, whyNoBtf } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const noBtf = whyNoBtf();
const fixture = useFixture(noBtf);
const SIZES = { ringBytes: 1024 * 1024, watermarkBytes: 1024 * 1024 };
const OPTIONS = probeOptions({ filters: { ...probeOptions().filters, pids: [process.pid] } });

/** A backend whose CPUs have rings, or only the spare ring, by `hasRings`. */
class Watch implements Disposable {
  readonly backend: Backend;
  readonly rings: CpuRings;
  /** Whether CPUs get a ring from now on. */
  hasRings: boolean;
  /** The records read so far, each as `"pid type"`. */
  readonly read: string[] = [];
  readonly #resources: DisposableStack;

  constructor(kind: BackendKind, hasRings: boolean) {
    using resources = new DisposableStack();
    this.hasRings = hasRings;
    this.backend = resources.use(new Backend(kind, OPTIONS));
    const { backend } = this;
    this.rings = resources.use(
      new CpuRings({
        cpus: possibleCpus(),
        open: (cpu) => {
          if (!this.hasRings) throw new NativeError("perf_event_open", constants.errno.ENODEV);
          return new PerfEventRing(backend.eventsMapFd, cpu, SIZES);
        },
        spare: new BpfRing(resources.use(new BpfRingMemory(backend.spareEventsMap))),
        hotplugStamp: () => 0,
        noRingStamp: (cpu) => backend.noRingStamp(cpu),
        timestampOffset: TIMESTAMP_OFFSET,
        now: boottimeNs,
      }),
    );
    backend.attach();
    this.#resources = resources.move();
  }

  drain(): void {
    this.rings.set.drainAll((record) =>
      this.read.push(`${record.u32(PROCESS_EVENT.pid)} ${record.u8(PROCESS_EVENT.type)}`),
    );
  }

  /** Number of records that the kernel side emitted and that were neither read nor counted as lost. */
  missing(): number {
    const { emitted, lost_by_type } = this.backend.counts();
    const sum = ({ fork, exec, exit }: typeof emitted) => fork + exec + exit;
    return sum(emitted) - sum(lost_by_type) - this.read.length;
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

const KINDS = { btf: () => btfBackend(), tracepoint: () => tracepointBackend() };

describe.skipIf(noBtf !== null)(titled("CPUs without a ring", noBtf), () => {
  test.each(["btf", "tracepoint"] as const)("use the spare ring until they have their own: %s", async (name) => {
    using watch = new Watch(KINDS[name](), false);
    const expectAll = async () => {
      const truths = await fixture().run("crowd", [20]);
      watch.drain();
      for (const { pid } of truths.everyReaped()) {
        const mine = watch.read.filter((each) => each.startsWith(`${pid} `));
        expect([...new Set(mine)].sort()).toEqual([`${pid} ${EVENT_FORK}`, `${pid} ${EVENT_EXIT}`].sort());
        expect(mine).toHaveLength(2);
      }
    };
    await expectAll();
    const cpus = watch.backend.lostByCpu();
    expect(cpus).toEqual([]);
    // Events on a CPU without a ring show that the CPU has come online.
    watch.hasRings = true;
    expect(watch.rings.follow(boottimeNs())).toBe(true);
    await expectAll();
    watch.backend.detach();
    await Bun.sleep(20);
    watch.drain();
    expect(watch.missing()).toBe(0);
  });

  test("lose events for which the spare ring has no room, and count them by reason", async () => {
    using watch = new Watch(btfBackend(), false);
    // Each record has 224 bytes, and the spare ring has room for 256 KiB.
    for (let i = 0; i < 2; i++) await fixture().run("crowd", [800]);
    watch.backend.detach();
    await Bun.sleep(20);
    watch.drain();
    const { lost_by_reason } = watch.backend.counts();
    expect(lost_by_reason.no_ring).toBeGreaterThan(0);
    expect([lost_by_reason.ring_full, watch.missing()]).toEqual([0, 0]);
  });

  test("a ring is live until it is closed; a ring for a missing CPU is refused with ENODEV", () => {
    using backend = new Backend(btfBackend(), OPTIONS);
    using ring = new PerfEventRing(backend.eventsMapFd, 0, SIZES);
    expect(ring.isLive()).toBe(true);
    expect(() => new PerfEventRing(backend.eventsMapFd, 8191, SIZES)).toThrow(/ENODEV|EINVAL/);
    ring.leaveMap();
    ring.close();
  });
});
