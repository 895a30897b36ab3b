import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Group, Groups } from "../../src/api/answers.ts";
import { readHeldMemory } from "../../src/bpf/bpf-memory.ts";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import { KERNEL_BYTES } from "../../src/collect/group-reports.ts";
import type { ExitEvent } from "./support/collect-output.ts";
import { until } from "./support/collect-run.ts";
import { booksOf, countersOf, fallsIn } from "./support/group-counters.ts";
import { GroupsRun } from "./support/groups-run.ts";
import { programPath, reasonOf, titled, whyNoBtf } from "./support/needs.ts";
import { inCgroups, TestCgroup } from "./support/test-cgroup.ts";

setDefaultTimeout(120_000);

const mount = cgroup2Mount();
const reason = reasonOf(whyNoBtf(), mount === null && "no cgroup v2 is mounted");
/** Runs a script in a cgroup by a shell. @returns CPU time of the shell and of all children it waited for, s */
async function inCgroup(directory: string, script: string): Promise<number> {
  const child = Bun.spawn([...inCgroups(directory), "/bin/sh", "-c", script], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  expect(await child.exited).toBe(0);
  return Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6;
}

function named({ groups }: Groups, unit: string): Group {
  const group = groups.find((one) => one.unit === unit);
  if (!group) throw new Error(`no group ${unit}`);
  return group;
}

/** Number of groups that this machine has without the test. */
async function groupsHere(): Promise<number> {
  await using started = await GroupsRun.start("");
  return (await started.groups()).groups.filter(({ kind }) => kind === "group").length;
}

const cpuOf = (group: Group) => group.cpu_user_s + group.cpu_system_s;
const allCpu = ({ groups, ended }: Groups) => groups.reduce((sum, group) => sum + cpuOf(group), ended.cpu_s);

const ROUNDS = 4;
const TRUES = 90;
const FALSES = 10;
const BURN = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";
/** About 200 short processes a second. */
const SCRIPT =
  `r=0; while [ $r -lt ${ROUNDS} ]; do r=$((r+1)); ${BURN}; ` +
  `n=0; while [ $n -lt ${TRUES} ]; do /bin/true; n=$((n+1)); done; ` +
  `n=0; while [ $n -lt ${FALSES} ]; do /bin/false; n=$((n+1)); done; /bin/sleep 0.3; done; exit 0`;
const STARTED = ROUNDS * (TRUES + FALSES + 1);

describe.skipIf(reason !== null)(titled("groups", reason), () => {
  test("starts, ends and CPU time of two units match what their parents know, and the sums are right", async () => {
    await using cgroup = new TestCgroup(mount as string);
    const units = ["linnix-a.service", "linnix-b.service"] as const;
    const paths = units.map((unit) => cgroup.directory(cgroup.make(unit)));
    await using started = await GroupsRun.start("[sampling]\ninterval = '1s'\n");
    expect(started.run.stderr).toContain("up to 100 groups, in at most 1.6 MiB");
    const before = await started.groups();
    const used = await Promise.all(paths.map((path) => inCgroup(path, SCRIPT)));
    // CPU time that a process uses after its exit is known when the kernel frees it.
    await Bun.sleep(1500);
    const after = await started.groups();
    for (const [at, unit] of units.entries()) {
      const group = named(after, unit);
      expect(group).toMatchObject({
        starts: STARTED,
        // The shell is started by another program that moves itself into the cgroup.
        execs: STARTED + 1,
        exits: { ok: ROUNDS * (TRUES + 1) + 1, error: ROUNDS * FALSES, signal: 0, unknown: 0 },
        processes: 0,
        rss_bytes: 0,
      });
      const wanted = used[at] as number;
      expect(Math.abs(cpuOf(group) - wanted) / wanted).toBeLessThan(0.02);
    }
    const { machine } = after;
    const busy = (machine?.busy_cpu_s ?? 0) - (before.machine?.busy_cpu_s ?? 0);
    const unexplained = (machine?.unexplained_cpu_s ?? 0) - (before.machine?.unexplained_cpu_s ?? 0);
    const inGroups = allCpu(after) - allCpu(before);
    expect(Math.abs(busy - inGroups - unexplained - (machine?.irq_cpu_s ?? 0)) / busy).toBeLessThan(0.03);
    expect(unexplained / busy).toBeLessThan(0.05);
    expect(after.groups.some(({ kind, processes }) => kind === "kernel" && processes > 0)).toBe(true);
  });

  test.each(["events", "processes"])("user time of a unit is that of its exits, at the level %s", async (detail) => {
    await using cgroup = new TestCgroup(mount as string);
    const unit = "linnix-user.service";
    const path = cgroup.directory(cgroup.make(unit));
    await using started = await GroupsRun.start(`[probes]\ndetail = '${detail}'\n`, ["--format", "jsonl"]);
    // Each process ends within a tick of the scheduler, which has then not counted its time yet.
    const burn = "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done";
    await inCgroup(path, `n=0; while [ $n -lt 300 ]; do n=$((n+1)); /bin/sh -c '${burn}'; done`);
    await Bun.sleep(1500);
    const group = named(await started.groups(), unit);
    const lines = [...started.run.events, ...(started.run.others as ExitEvent[])];
    const exits = lines.filter((line) => "cpu_user_ns" in line && line.unit === unit) as ExitEvent[];
    expect(exits.length).toBeGreaterThan(300);
    const sumS = (field: "cpu_user_ns" | "cpu_system_ns") =>
      exits.reduce((sum, event) => sum + Number(event[field]), 0) / 1e9;
    expect(Math.abs(group.cpu_user_s / sumS("cpu_user_ns") - 1)).toBeLessThan(0.01);
    expect(group.cpu_system_s).toBeGreaterThan(0.99 * sumS("cpu_system_ns"));
  });

  test("no counter falls across a reload and the end of a group, and promtool reports no problem", async () => {
    await using cgroup = new TestCgroup(mount as string);
    const path = cgroup.make("linnix-gone.service");
    await using started = await GroupsRun.start("[sampling]\ninterval = 0\n[metrics]\ngroup_grace = '8s'\n", [
      "--user",
      "nobody",
    ]);
    const { run } = started;
    const used = await inCgroup(cgroup.directory(path), `${BURN}; /bin/true; exit 0`);
    const texts: string[] = [];
    const look = async (isIt: (text: string) => boolean) => {
      await until("the metrics", async () => {
        const text = await started.metrics();
        texts.push(text);
        return isIt(text);
      });
    };
    await look((text) => /^linnix_group_cpu_seconds_total\{unit="linnix-gone.service",.*\} 0\.\d/m.test(text));
    started.write("[sampling]\ninterval = 0\n[metrics]\ngroup_grace = '8s'\n[probes]\ndetail = 'summary'\n");
    run.child.kill("SIGHUP");
    await until("the reload", () => run.stderr.includes("configuration read again"));
    const usedLater = await inCgroup(cgroup.directory(path), `${BURN}; /bin/true; exit 0`);
    await look((text) => text.includes('linnix_group_starts_total{unit="linnix-gone.service",container=""} 2\n'));
    await look((text) => !text.includes("linnix-gone.service"));
    const promtool = programPath("promtool");
    if (promtool) {
      const check = Bun.spawnSync([promtool, "check", "metrics"], { stdin: Buffer.from(texts[0] as string) });
      expect(`${check.stdout}${check.stderr}`).toBe("");
    }
    const series = texts.map(countersOf);
    expect(fallsIn(series)).toEqual([]);
    const ended = series.at(-1)?.get("linnix_ended_groups_cpu_seconds_total") ?? 0;
    expect(ended).toBeGreaterThan(0.95 * (used + usedLater));
  });

  test("the parts add up to the machine's busy time at each scrape, and none falls: overflow, reload and ends", async () => {
    await using cgroup = new TestCgroup(mount as string);
    const slots = (await groupsHere()) + 3;
    const settings = `[sampling]\ninterval = '1s'\n[metrics]\nmax_groups = ${slots}\ngroup_grace = '4s'\n`;
    await using started = await GroupsRun.start(settings);
    const scrapes: Map<string, number>[] = [];
    const scrape = async (name: string) => {
      const counters = countersOf(await started.metrics());
      scrapes.push(counters);
      return counters.get(name) ?? 0;
    };
    const units = Array.from({ length: 6 }, (_, i) => cgroup.directory(cgroup.make(`linnix-many-${i}.service`)));
    const runAll = () => Promise.all(units.map((unit) => inCgroup(unit, `${BURN}; /bin/true; exit 0`)));
    const hasOverflown = async () => {
      await runAll();
      return (await scrape('linnix_group_starts_total{unit="other",container=""}')) > 0;
    };
    await until("what has no slot", hasOverflown);
    started.write(`${settings}[probes]\ndetail = 'summary'\n`);
    started.run.child.kill("SIGHUP");
    await until("the reload", () => started.run.stderr.includes("configuration read again"));
    await runAll();
    await until("groups that end", async () => (await scrape("linnix_ended_groups_cpu_seconds_total")) > 0.01);
    expect(fallsIn(scrapes)).toEqual([]);
    const books = scrapes.map(booksOf);
    expect(books.map(({ sumNs }) => sumNs)).toEqual(books.map(({ busyNs }) => busyNs));
    expect(books.at(-1)?.busyNs).toBeGreaterThan(books[0]?.busyNs as number);
    const { groups, max_groups } = await started.groups();
    expect(max_groups).toBe(slots);
    expect(groups.filter(({ kind }) => kind === "group").length).toBeLessThanOrEqual(slots);
  });

  test("the scopes of one user use at most a quarter of the slots, and all further scopes count as other", async () => {
    await using cgroup = new TestCgroup(mount as string);
    const share = (await groupsHere()) + 3;
    await using started = await GroupsRun.start(`[metrics]\nmax_groups = ${4 * share}\n`);
    const scopes = Array.from({ length: share + 4 }, (_, i) => `linnix-run-${i}.scope`);
    for (const scope of scopes) {
      await inCgroup(cgroup.directory(cgroup.make("user.slice", "user-4321.slice", scope)), "/bin/true; exit 0");
    }
    await inCgroup(cgroup.directory(cgroup.make("linnix-later.service")), "/bin/true; exit 0");
    await Bun.sleep(1200);
    const answer = await started.groups();
    const units = answer.groups.map(({ unit }) => unit);
    expect(scopes.filter((scope) => units.includes(scope))).toHaveLength(share);
    expect(units).toContain("linnix-later.service");
    expect(answer.groups.find(({ kind }) => kind === "other")?.starts).toBe(4);
  });

  test("the kernel's memory for groups is at most what the log says", async () => {
    await using without = await GroupsRun.start("[metrics]\ngroups = false\n");
    await using started = await GroupsRun.start("");
    const bytesOf = ({ run }: GroupsRun) => {
      const { mapBytes, programBytes } = readHeldMemory([run.pid]);
      return mapBytes + programBytes;
    };
    expect(bytesOf(started) - bytesOf(without)).toBeLessThan(KERNEL_BYTES);
    expect(without.run.stderr).not.toContain("adding up by unit");
  });

  test("with a filter, groups count only matching processes, and no balance of the machine is shown", async () => {
    await using cgroup = new TestCgroup(mount as string);
    const paths = ["linnix-in.service", "linnix-out.service"].map((unit) => cgroup.make(unit));
    await using started = await GroupsRun.start(`[filters]\ncgroup = '${paths[0]}'\n[metrics]\nby_comm = true\n`);
    for (const path of paths) await inCgroup(cgroup.directory(path), "/bin/true; /bin/true; exit 0");
    await Bun.sleep(1200);
    const { groups, machine } = await started.groups();
    expect(machine).toBeNull();
    expect(groups.filter(({ kind }) => kind === "group").map(({ unit }) => unit)).not.toContain("linnix-out.service");
    expect(groups.find(({ comm }) => comm === "true")).toMatchObject({
      unit: "linnix-in.service",
      execs: 2,
      exits: { ok: 2 },
    });
    expect(await started.metrics()).not.toContain("linnix_unexplained_cpu");
  });

  test("the tracepoint backend counts starts and ends, and omits figures that it does not know", async () => {
    await using started = await GroupsRun.start("[probes]\nbackend = 'tracepoint'\n");
    for (let i = 0; i < 5; i++) Bun.spawnSync(["/bin/true"]);
    await Bun.sleep(1200);
    const { groups, machine } = await started.groups();
    expect(machine).toBeNull();
    const sum = (figure: (group: Group) => number) => groups.reduce((all, group) => all + figure(group), 0);
    expect(sum(({ starts }) => starts)).toBeGreaterThanOrEqual(5);
    expect(sum(({ exits }) => exits.unknown)).toBeGreaterThanOrEqual(5);
    expect(sum(({ processes }) => processes)).toBeGreaterThan(1);
    expect(groups.every(({ exits, read_bytes }) => exits.ok === null && read_bytes === null)).toBe(true);
    const metrics = await started.metrics();
    expect(metrics).toContain('result="unknown"');
    expect(metrics).not.toContain("linnix_group_lifetime_seconds");
  });

  test("metrics.groups = false omits the metrics of groups", async () => {
    await using started = await GroupsRun.start("[metrics]\ngroups = false\n");
    expect((await started.get("/groups")).status).toBe(404);
    expect(await started.metrics()).not.toContain("linnix_group");
  });
});
