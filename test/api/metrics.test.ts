import { describe, expect, test } from "bun:test";
import { MetricsText } from "../../src/api/metrics-text.ts";
import { programPath } from "../kernel/support/needs.ts";
import { startMadeUp } from "./made-up.ts";

const promtool = programPath("promtool");

describe("metrics", () => {
  test("what must be escaped is, and what is not known is left out", () => {
    const text = new MetricsText();
    text.counter("a_total", "Back\\slash and\nline.", [[{ name: 'q"\\\n' }, 1]]);
    text.gauge("b_bytes", "Not known.", null);
    text.gauge("c_ratio", "A share.", 0.5);
    expect(String(text)).toBe(
      "# HELP a_total Back\\\\slash and\\nline.\n# TYPE a_total counter\n" +
        'a_total{name="q\\"\\\\\\n"} 1\n# HELP c_ratio A share.\n# TYPE c_ratio gauge\nc_ratio 0.5\n',
    );
  });

  test("names and values", async () => {
    await using server = await startMadeUp();
    const response = await fetch(server.url("/metrics"));
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await response.text();
    for (const line of [
      'linnix_events_total{type="fork"} 3',
      'linnix_events_total{type="sample"} 7',
      'linnix_lost_events_total{reason="ring_full"} 3',
      'linnix_lost_events_total{reason="no_ring"} 2',
      'linnix_cpu_lost_events_total{cpu="1"} 1',
      'linnix_lost_samples_total{reason="held_back"} 3',
      'linnix_lost_samples_total{reason="unkept"} 4',
      'linnix_lost_samples_total{reason="forgotten"} 5',
      "linnix_left_out_threads_total 6",
      'linnix_processes{state="live"} 5',
      'linnix_cache_requests_total{cache="cgroup",result="hit"} 9',
      "linnix_lost_cgroup_moves_total 2",
      'linnix_cpu_seconds_total{part="user"} 0.75',
      'linnix_cpu_seconds_total{part="kernel"} 0.125',
      "linnix_budget_level 0",
      "linnix_budget_limit_ratio 0.01",
      "linnix_api_cpu_seconds_total 0.0625",
      "linnix_api_clients 0",
      "process_start_time_seconds 1790000000",
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
    expect(text).toMatch(/^linnix_build_info\{version="[^"]+",backend="btf"\} 1$/m);
    expect(text).toMatch(/^linnix_resident_memory_bytes \d{7,}$/m);
    // A series for each reason from the start, so that an increase of the first loss is seen.
    server.source.told = { lostInAllByReason: { ring_full: 0, no_ring: 0 } };
    const none = await (await fetch(server.url("/metrics"))).text();
    expect(none).toContain('\nlinnix_lost_events_total{reason="ring_full"} 0\n');
    expect(none).toContain('\nlinnix_lost_events_total{reason="no_ring"} 0\n');
    server.source.told = { inKernelCpuS: null, budget: null, lostByCpu: [], lostMoves: null };
    const less = await (await fetch(server.url("/metrics"))).text();
    expect(less).not.toMatch(/page_fault|part="kernel"|linnix_budget_limit_ratio|linnix_cpu_lost|linnix_lost_cgroup/);
    expect(less).toContain('linnix_api_requests_total{code="200"} 2\n');
  });

  test("page faults, where they are told of, are one more type", async () => {
    await using server = await startMadeUp();
    server.source.told = { pageFaults: { seen: 100, emitted: 30, received: 28, lost: 2, suppressed: 70, skipped: 6 } };
    const text = await (await fetch(server.url("/metrics"))).text();
    for (const line of [
      'linnix_events_total{type="page_fault"} 28',
      'linnix_emitted_events_total{type="page_fault"} 30',
      'linnix_suppressed_events_total{type="page_fault"} 70',
      'linnix_skipped_events_total{type="page_fault"} 6',
      'linnix_skipped_events_total{type="exit"} 3',
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
  });

  test.skipIf(promtool === null)("promtool has nothing to say (skipped where there is no promtool)", async () => {
    await using server = await startMadeUp();
    const text = await (await fetch(server.url("/metrics"))).text();
    const { stdout, stderr, exitCode } = Bun.spawnSync([promtool as string, "check", "metrics"], {
      stdin: new TextEncoder().encode(text),
    });
    expect([String(stdout), String(stderr), exitCode]).toEqual(["", "", 0]);
  });
});
