import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Group, Groups } from "../../src/api/answers.ts";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import { CollectRun, until } from "./support/collect-run.ts";
import { programPath, reasonOf, titled, whyNoBtf } from "./support/needs.ts";
import { inCgroups, TestCgroup } from "./support/test-cgroup.ts";

setDefaultTimeout(120_000);

const mount = cgroup2Mount();
const reason = reasonOf(whyNoBtf(), mount === null && "no cgroup v2 is mounted");
const directory = mkdtempSync(join(tmpdir(), "linnix-groups-"));
// Another account reads the configuration again.
chmodSync(directory, 0o755);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let sockets = 0;

/** A run that answers over HTTP, and what it answers. */
async function startRun(toml: string, before: readonly string[] = []) {
  const socket = join(directory, `${++sockets}.sock`);
  const path = join(directory, `${sockets}.toml`);
  const write = (text: string) => {
    const head = `[output]\nformat = 'none'\n[api]\nlisten = 'unix:${socket}'\ncpu_budget = 0\n`;
    writeFileSync(path, head + text, { mode: 0o644 });
  };
  write(toml);
  const run = await CollectRun.start(["--config", path, ...before]);
  const get = (route: string) => fetch(`http://localhost${route}`, { unix: socket });
  return {
    run,
    write,
    get,
    groups: async () => (await (await get("/groups")).json()) as Groups,
    metrics: async () => (await get("/metrics")).text(),
  };
}

/** Has a shell run that script in a cgroup. @returns its CPU time and that of all that it waited for, s */
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

const cpuOf = (group: Group) => group.cpu_user_s + group.cpu_system_s;
const allCpu = ({ groups, ended }: Groups) => groups.reduce((sum, group) => sum + cpuOf(group), ended.cpu_s);

const OF_GROUPS = /^linnix_(?:group|ended_groups|machine|unattributed|unexplained)_/;

/** Values of the counters of groups, and of the buckets of histograms, by series. */
function countersOf(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  let isCounter = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("# TYPE ")) isCounter = /(?:counter|histogram)$/.test(line);
    else if (isCounter && OF_GROUPS.test(line)) {
      const at = line.lastIndexOf(" ");
      counters.set(line.slice(0, at), Number(line.slice(at + 1)));
    }
  }
  return counters;
}

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
  test("starts, ends and CPU time of two units are what their parents know, and the books add up", async () => {
    await using cgroup = new TestCgroup(mount as string);
    const units = ["linnix-a.service", "linnix-b.service"] as const;
    const paths = units.map((unit) => cgroup.directory(cgroup.make(unit)));
    const started = await startRun("[sampling]\ninterval = '1s'\n");
    await using _run = started.run;
    expect(started.run.stderr).toContain("up to 100 groups, in at most 1.6 MiB");
    const before = await started.groups();
    const used = await Promise.all(paths.map((path) => inCgroup(path, SCRIPT)));
    // What a process uses after its end is known when the kernel frees it.
    await Bun.sleep(1500);
    const after = await started.groups();
    for (const [at, unit] of units.entries()) {
      const group = named(after, unit);
      expect(group).toMatchObject({
        starts: STARTED,
        // The shell comes as another program that moves itself.
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

  test("no counter falls across a reload and the end of a group, and promtool has nothing to say", async () => {
    await using cgroup = new TestCgroup(mount as string);
    const path = cgroup.make("linnix-gone.service");
    const started = await startRun("[sampling]\ninterval = 0\n[metrics]\ngroup_grace = '8s'\n", ["--user", "nobody"]);
    await using run = started.run;
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
    for (const [at, counters] of series.slice(1).entries()) {
      for (const [name, value] of series[at] as Map<string, number>) {
        const now = counters.get(name);
        if (now !== undefined && now < value) throw new Error(`${name} fell from ${value} to ${now}`);
      }
    }
    const ended = series.at(-1)?.get("linnix_ended_groups_cpu_seconds_total") ?? 0;
    expect(ended).toBeGreaterThan(0.95 * (used + usedLater));
  });

  test("with a filter the groups have what passes it, and no balance of the machine is shown", async () => {
    await using cgroup = new TestCgroup(mount as string);
    const paths = ["linnix-in.service", "linnix-out.service"].map((unit) => cgroup.make(unit));
    const started = await startRun(`[filters]\ncgroup = '${paths[0]}'\n[metrics]\nby_comm = true\n`);
    await using _run = started.run;
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

  test("the tracepoint backend counts starts and ends, without what it does not know", async () => {
    const started = await startRun("[probes]\nbackend = 'tracepoint'\n");
    await using _run = started.run;
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

  test("metrics.groups = false leaves them out", async () => {
    const started = await startRun("[metrics]\ngroups = false\n");
    await using _run = started.run;
    expect((await started.get("/groups")).status).toBe(404);
    expect(await started.metrics()).not.toContain("linnix_group");
  });
});
