import { describe, expect, test } from "bun:test";
import { MetricsText } from "../../src/api/metrics-text.ts";
import { programPath } from "../kernel/support/needs.ts";
import { Prometheus } from "../kernel/support/prometheus.ts";
import { COUNTERS, PAGE_FAULTS, startMadeUp } from "./made-up.ts";

const promtool = programPath("promtool");

describe("metrics", () => {
  test("escape label values, and omit unknown values", () => {
    const text = new MetricsText();
    text.counter("a_total", "Back\\slash and\nline.", [[{ name: 'q"\\\n' }, 1]]);
    text.gauge("b_bytes", "Not known.", null);
    text.gauge("c_ratio", "A share.", 0.5);
    expect(String(text)).toBe(
      "# HELP a_total Back\\\\slash and\\nline.\n# TYPE a_total counter\n" +
        'a_total{name="q\\"\\\\\\n"} 1\n# HELP c_ratio A share.\n# TYPE c_ratio gauge\nc_ratio 0.5\n',
    );
  });

  test("have the expected names and values", async () => {
    await using server = await startMadeUp();
    const response = await fetch(server.url("/metrics"));
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await response.text();
    for (const line of [
      'linnix_events_total{type="fork"} 3',
      'linnix_events_total{type="sample"} 7',
      'linnix_lost_events_total{reason="ring_full"} 1',
      'linnix_seen_events_total{type="fork"} 15',
      'linnix_filtered_events_total{type="fork"} 5',
      'linnix_suppressed_events_total{type="fork"} 4',
      'linnix_folded_events_total{type="fork"} 2',
      'linnix_emitted_events_total{type="fork"} 4',
      'linnix_skipped_events_total{type="exit"} 3',
      'linnix_cpu_lost_events_total{cpu="0"} 0',
      'linnix_cpu_lost_events_total{cpu="1"} 1',
      'linnix_api_requests_total{code="401"} 0',
      'linnix_api_requests_total{code="429"} 0',
      "linnix_ring_peak_fill_ratio 0.25",
      "linnix_delivery_peak_delay_seconds 1.5",
      "linnix_output_written_bytes_total 4096",
      "linnix_config_last_reload_successful 1",
      "linnix_config_last_reload_success_timestamp_seconds 1790000000.5",
      "linnix_api_connections 1",
      "linnix_api_accept_paused 0",
      'linnix_api_closed_connections_total{reason="peer_limit"} 0',
      'linnix_lost_samples_total{reason="dropped_output_full"} 3',
      'linnix_lost_samples_total{reason="dropped_no_memory"} 4',
      'linnix_lost_samples_total{reason="baseline_missing"} 5',
      "linnix_threads_not_summed_total 6",
      "linnix_unexplained_forks_total 2",
      'linnix_processes{state="live"} 5',
      'linnix_cache_requests_total{cache="cgroup",result="hit"} 9',
      "linnix_lost_cgroup_moves_total 2",
      'linnix_cpu_seconds_total{part="process"} 0.75',
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
    // There is a series for each reason from the start, so that the first loss is an increase.
    expect(text).toContain('\nlinnix_lost_events_total{reason="no_ring"} 0\n');
    expect(text).not.toContain("linnix_resident_memory_bytes");
    for (const name of ["process_resident_memory_bytes", "process_virtual_memory_bytes"]) {
      expect(text).toMatch(new RegExp(`^${name} \\d{7,}$`, "m"));
    }
    expect(text).toMatch(/^process_max_fds \d+$/m);
    server.source.told = { inKernelCpuS: null, budget: null, ringCpus: [], lostMoves: null };
    server.source.told.counters = { ...COUNTERS, lost_by_cpu: [] };
    const less = await (await fetch(server.url("/metrics"))).text();
    expect(less).not.toMatch(/page_fault|part="kernel"|linnix_budget_limit_ratio|linnix_cpu_lost|linnix_lost_cgroup/);
    expect(less).toContain('linnix_api_requests_total{code="200"} 1\n');
  });

  test("have page faults as one more type if they are reported", async () => {
    await using server = await startMadeUp();
    server.source.told = { counters: { ...COUNTERS, page_faults: PAGE_FAULTS } };
    const text = await (await fetch(server.url("/metrics"))).text();
    for (const line of [
      'linnix_events_total{type="page_fault"} 28',
      'linnix_emitted_events_total{type="page_fault"} 32',
      'linnix_seen_events_total{type="page_fault"} 102',
      'linnix_lost_events_total{reason="ring_full"} 3',
      'linnix_lost_events_total{reason="no_ring"} 2',
      'linnix_suppressed_events_total{type="page_fault"} 70',
      'linnix_skipped_events_total{type="page_fault"} 6',
      'linnix_skipped_events_total{type="exit"} 3',
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
    expect(text).not.toMatch(/linnix_(filtered|folded)_events_total\{type="page_fault"\}/);
  });

  test("are in OpenMetrics format if Accept prefers it", async () => {
    await using server = await startMadeUp();
    const ask = async (accept: string) => {
      const answer = await fetch(server.url("/metrics"), { headers: { Accept: accept } });
      expect(answer.headers.get("vary")).toBe("Accept");
      return [answer.headers.get("content-type")?.split(";")[0], await answer.text()] as const;
    };
    // This is the header of Prometheus 2.42.
    const [type, text] = await ask(
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    );
    expect(type).toBe("application/openmetrics-text");
    expect(text).toEndWith("\n# EOF\n");
    expect(text).toContain("# TYPE linnix_events counter\n");
    expect(text).toContain('\nlinnix_events_total{type="fork"} 3\n');
    for (const [, family] of text.matchAll(/^# TYPE (\S+) counter$/gm)) expect(family).not.toEndWith("_total");
    for (const accept of ["*/*", "text/plain", "text/*, application/openmetrics-text;q=0.5", "application/json"]) {
      const [plain, body] = await ask(accept);
      expect([accept, plain, body.includes("# EOF")]).toEqual([accept, "text/plain", false]);
    }
  });

  test.skipIf(promtool === null)("promtool accepts them (skipped without promtool)", async () => {
    await using server = await startMadeUp();
    const text = await (await fetch(server.url("/metrics"))).text();
    const { stdout, stderr, exitCode } = Bun.spawnSync([promtool as string, "check", "metrics"], {
      stdin: new TextEncoder().encode(text),
    });
    expect([String(stdout), String(stderr), exitCode]).toEqual(["", "", 0]);
  });

  test.skipIf(programPath("prometheus") === null)(
    "Prometheus reads them, also as OpenMetrics (skipped without prometheus)",
    async () => {
      await using server = await startMadeUp({ cpuBudgetPct: 0 });
      const { host } = new URL(server.api.url);
      await using prometheus = await Prometheus.start({ target: host, intervalMs: 200 });
      const scraped = "count_over_time(linnix_events_total{type='fork'}[1m]) > 2";
      while ((await prometheus.values(scraped)).length === 0) await Bun.sleep(100);
      expect(await prometheus.values("min_over_time(up[1m]) == 1 or last_over_time(up[1m])")).toEqual(["1"]);
      expect(await prometheus.values("linnix_events_total{type='fork'}")).toEqual(["3"]);
      expect(await prometheus.values("linnix_cpu_lost_events_total{cpu='0'}")).toEqual(["0"]);
    },
    60_000,
  );
});
