import { expect, test } from "bun:test";
import { metrics } from "../../src/config/sections/metrics.ts";
import { GroupSlots } from "../../src/groups/group-slots.ts";
import { labelOf } from "../../src/groups/label.ts";
import { programPath } from "../kernel/support/needs.ts";
import { madeUpGroups, startMadeUp } from "./made-up.ts";

const promtool = programPath("promtool");

test("/metrics has groups in a form that promtool accepts", async () => {
  await using server = await startMadeUp();
  server.source.shownGroups = madeUpGroups();
  const text = await (await fetch(server.url("/metrics"))).text();
  const label = 'unit="a.service",container=""';
  for (const line of [
    `linnix_group_starts_total{${label}} 2`,
    `linnix_group_exits_total{${label},result="ok"} 1`,
    `linnix_group_exits_total{${label},result="signal"} 0`,
    `linnix_group_cpu_seconds_total{${label},mode="user"} 2`,
    `linnix_group_cpu_seconds_total{${label},mode="system"} 1.5`,
    `linnix_group_lifetime_seconds_bucket{${label},le="0.001048576"} 0`,
    `linnix_group_lifetime_seconds_bucket{${label},le="0.004194304"} 1`,
    `linnix_group_lifetime_seconds_bucket{${label},le="+Inf"} 1`,
    `linnix_group_lifetime_seconds_sum{${label}} 0.003`,
    `linnix_group_processes{${label}} 1`,
    `linnix_group_resident_memory_bytes{${label}} 8192`,
    `linnix_group_read_bytes_total{${label}} 4096`,
    'linnix_group_starts_total{unit="other",container=""} 0',
    'linnix_group_starts_total{unit="kernel",container=""} 0',
    'linnix_unattributed_cpu_seconds_total{kind="irq"} 0',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  if (promtool) {
    const check = Bun.spawnSync([promtool, "check", "metrics"], { stdin: Buffer.from(text) });
    expect(`${check.stdout}${check.stderr}`).toBe("");
  }
});

test("/metrics has at most 3,000 series with the default limit of groups", async () => {
  await using server = await startMadeUp();
  const groups = madeUpGroups();
  const max = metrics.keys.maxGroups.default;
  const slots = new GroupSlots({ max, graceNs: 1e9 });
  for (let i = 0; i < 2 * max; i++) slots.rowOf(labelOf({ unit: `u${i}.service`, container: null }, ""), null, 0);
  expect(slots.size).toBe(max);
  server.source.shownGroups = { ...groups, slots };
  const text = await (await fetch(server.url("/metrics"))).text();
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(series.filter((line) => line.startsWith("linnix_group_"))).toHaveLength(25 * (max + 2));
  expect(series.length).toBeLessThanOrEqual(3000);
});

test("GET /groups lists the groups", async () => {
  await using server = await startMadeUp();
  expect((await fetch(server.url("/groups"))).status).toBe(404);
  server.source.shownGroups = madeUpGroups();
  const answer = await (await fetch(server.url("/groups"))).json();
  expect(answer).toMatchObject({
    max_groups: 4,
    groups: [
      { kind: "kernel", unit: null },
      { kind: "group", unit: "a.service", starts: 2, cpu_user_s: 2, cpu_system_s: 1.5, mean_lifetime_s: 0.003 },
      { kind: "other", unit: null },
    ],
    ended: { groups: 0, cpu_s: 0 },
    machine: { busy_cpu_s: 0, irq_cpu_s: 0, unexplained_cpu_s: 0 },
  });
});
