/** The figures of a process that has more live threads at its exit than the kernel side adds up. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Collector } from "../../src/collect/collector.ts";
import type { ExitEvent, ProcessEvent } from "../../src/wire/event.ts";
import { collectorOptions } from "../collect/collector-options.ts";
import { eventOf } from "../process/event-of.ts";
import { until } from "./support/collect-run.ts";
import { titled, whyNoBtf } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const reason = whyNoBtf();
const fixture = useFixture(reason);
const RING_BYTES = 4 * 2 ** 20;

/** The end of a process of 100 threads that a tracer keeps. */
async function endWith(maxExitThreads: number): Promise<ExitEvent> {
  const events: ProcessEvent[] = [];
  using collector = new Collector(
    collectorOptions({ backend: "btf", maxExitThreads, ringBytes: RING_BYTES, watermarkBytes: RING_BYTES / 2 }),
    { event: (view) => void events.push(eventOf(view)), ready: () => true, idle: () => {} },
  );
  collector.start();
  const { pid } = (await fixture().run("traced-threads", [100, 1])).reaped("traced");
  const isEnd = (event: ProcessEvent): event is ExitEvent => event.type === "exit" && event.pid === pid;
  const exit = await until("its end", () => events.find(isEnd));
  await collector.stop();
  return exit;
}

describe.skipIf(reason !== null)(titled("an exit with many threads left", reason), () => {
  test("has no sums if some threads are not added, but has all other figures", async () => {
    expect(await endWith(10)).toMatchObject({
      exit_code: 23,
      cpu_user_ns: null,
      cpu_system_ns: null,
      minor_faults: null,
      major_faults: null,
      read_bytes: null,
      write_bytes: null,
      peak_rss_bytes: expect.any(Number),
    });
  });

  test("has the sums of all threads if all of them are added", async () => {
    // The first few of 101 threads are added in any case.
    const { cpu_user_ns, cpu_system_ns, minor_faults } = await endWith(101);
    expect((cpu_user_ns ?? 0n) + (cpu_system_ns ?? 0n)).toBeGreaterThanOrEqual(100_000_000n);
    expect(minor_faults).toBeGreaterThan(0);
  });
});
