import { describe, expect, test } from "bun:test";
import type { Group } from "../../src/api/answers.ts";
import { GroupRates, groupsOfProcesses } from "../../src/page/groups.ts";
import { DaemonRow } from "../../src/top/daemon-row.ts";
import { groupsWith, groupWith } from "./made-up.ts";

const ID = "0123456789ab".padEnd(64, "c");

describe("groups of the daemon", () => {
  test("have the difference of two answers as CPU use, including ended processes", () => {
    const rates = new GroupRates();
    let nowMs = 5000;
    const at = (cpu_user_s: number, cpu_system_s: number, ...more: Group[]) => {
      nowMs += 2000;
      return rates.take(groupsWith(groupWith({ cpu_user_s, cpu_system_s }), ...more), nowMs);
    };
    expect(at(10, 5)).toEqual([{ name: "a.service", unit: "", cpuPct: null, rssBytes: 4096, processes: 2 }]);
    expect(at(10.5, 5.5)[0]?.cpuPct).toBeCloseTo(50);
    // This group is new since the first answer: its counts began at 0.
    const [, late] = at(10.5, 5.5, groupWith({ unit: "b.service", cpu_user_s: 1, cpu_system_s: 0 }));
    expect(late).toMatchObject({ name: "b.service", cpuPct: 50 });
    // This group has lost its slot and has a new slot.
    expect(at(0.1, 0)[0]?.cpuPct).toBe(0);
    rates.clear();
    expect(at(1, 1)[0]?.cpuPct).toBeNull();
  });

  test("keep their CPU use if the user refreshes again at once", () => {
    const rates = new GroupRates();
    const pctAt = (nowMs: number, cpu_user_s: number) =>
      rates.take(groupsWith(groupWith({ cpu_user_s })), nowMs)[0]?.cpuPct;
    expect([pctAt(1000, 1), pctAt(1200, 1), pctAt(3000, 2), pctAt(3100, 2), pctAt(7000, 4)]).toEqual([
      null,
      null,
      50,
      50,
      50,
    ]);
  });

  test("have the names that users know, and are merged if metrics.by_comm splits them", () => {
    const rows = new GroupRates().take(
      groupsWith(
        groupWith({ comm: "a" }),
        groupWith({ comm: "b" }),
        groupWith({ unit: "docker.service", container: ID }),
        groupWith({ unit: null, container: "web" }),
        groupWith({ unit: null }),
        groupWith({ kind: "kernel", unit: null }),
        groupWith({ kind: "other", unit: null }),
        groupWith({ unit: "gone.service", processes: 0 }),
      ),
      1000,
    );
    expect(rows.map(({ name, unit, processes }) => [name, unit, processes])).toEqual([
      ["a.service", "", 4],
      ["0123456789ab", "docker.service", 2],
      ["web", "", 2],
      ["in no unit and no container", "", 2],
      ["kernel threads", "", 2],
      ["groups without a slot", "", 2],
    ]);
  });
});

test("without groups of the daemon, groups are sums over the received processes", () => {
  const row = {
    ...{ pid: 7, ppid: 1, uid: 0, user: "root", comm: "x", exe: null, args: null, args_truncated: null, start_ns: "5" },
    ...{ cgroup: "/system.slice/a.service", container: null, unit: "a.service", cpu_pct: 2, rss_bytes: 10, threads: 1 },
  };
  const rows = [row, { ...row, pid: 8 }].map((one) => new DaemonRow(one, () => null));
  expect(groupsOfProcesses(rows)).toEqual([{ name: "a.service", unit: "", cpuPct: 4, rssBytes: 20, processes: 2 }]);
});
