import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CompareReport, CompareRow } from "../../src/compare/report/report.ts";
import { OBSERVERS } from "../../src/observers/registry.ts";
import { auditState, processesNamed, processesOf, tracefsMounts } from "../observers/machine-state.ts";

setDefaultTimeout(300_000);

const MAIN = join(import.meta.dir, "../../src/main.ts");
/** Short turns, without long-lived processes whose end the test would have to wait for. */
const TINY = ["--quick", "--interval", "250ms", "--duration", "500ms", "--lifetimes", "1ms,300ms", "--rate", "60"];

const folder = mkdtempSync(join(tmpdir(), "compare-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  exitCode: number;
  stdout: string;
  stderr: string;
}

async function compare(words: readonly string[], prefix: readonly string[] = []): Promise<Run> {
  const child = Bun.spawn([...prefix, process.execPath, MAIN, "compare", ...words], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", TMPDIR: folder },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exitCode, stdout, stderr };
}

function machine() {
  return { audit: auditState(), tracefs: tracefsMounts(), left: processesOf(folder) };
}

const isRoot = process.geteuid?.() === 0;
const why = isRoot ? "" : " (skipped: needs root)";
const there = new Set<string>();
for (const { name, available } of OBSERVERS) if ((await available()).ok) there.add(name);

describe.skipIf(!isRoot)(`every method on a tiny workload${why}`, () => {
  let report: CompareReport;
  let text = "";
  const before = machine();

  beforeAll(async () => {
    const paths = { json: join(folder, "report.json"), html: join(folder, "report.html") };
    const all = OBSERVERS.map(({ name }) => name).join(",");
    const words = ["--methods", all, "--processes", "30", "--json", paths.json, "--html", paths.html];
    const run = await compare([...TINY, ...words]);
    expect(run).toMatchObject({ exitCode: 0 });
    text = run.stdout;
    report = JSON.parse(readFileSync(paths.json, "utf8"));
    expect(readFileSync(paths.html, "utf8")).toContain(report.take_home.slice(0, 20));
    // Each turn is announced on stderr only.
    const announced = run.stderr.split("\n").map((line) => line.split(/ every | among | \(/)[0]);
    expect(announced).toEqual(expect.arrayContaining([...there]));
  });

  function rowOf(method: string): CompareRow {
    const row = report.rows.find((each) => each.method === method);
    if (row === undefined) throw new Error(`no row ${method}`);
    return row;
  }

  test("the comparison leaves the machine as it was", () => {
    expect(machine()).toEqual(before);
    expect(readdirSync(folder).sort()).toEqual(["report.html", "report.json"]);
    expect(processesNamed("linnix-sleepers")).toEqual([]);
  });

  test("the report is complete and has the documented schema", () => {
    expect(report).toMatchObject({ schema: "linnix.compare/1", complete: true, interrupted_by: null });
    expect(report.workload.lifetimes_ms).toEqual([1, 300]);
    expect(report.workload.spawned).toBeGreaterThan(0);
    expect(report.host.kernel).toBeString();
    expect(text).toEndWith(`${report.take_home}\n`);
  });

  for (const { name, kind, inKernel } of OBSERVERS) {
    const absent = there.has(name) ? "" : " (skipped: not here)";

    test.skipIf(absent !== "")(`${name} has its figures${absent}`, () => {
      const row = rowOf(name);
      expect(row.reason).toBeNull();
      expect(row.available).toBe(true);
      expect(row.version).toBeString();
      expect(row.cpu_pct).toBeGreaterThanOrEqual(0);
      expect(row.total_cpu_pct).toBeGreaterThanOrEqual(row.cpu_pct ?? 0);
      expect(row.memory_bytes).toBeGreaterThan(0);
      expect(row.total).toBeGreaterThan(0);
      expect(row.seen).toBeLessThanOrEqual(row.total ?? 0);
      expect(row.slowdown?.pct).toBeNumber();
      expect(row.reports).toEqual([...(OBSERVERS.find((each) => each.name === name)?.reports ?? [])]);
      if (kind === "events") expect(row.warm_up_s).toBeGreaterThan(0);
      else expect(row.warm_up_s).toBeNull();
      expect(row.by_lifetime.reduce((sum, { total }) => sum + total, 0)).toBe(row.total ?? 0);
      // Output of another CPU may come between the two lines of one exec, often during the warm-up.
      expect(row.unparsed).toBeLessThanOrEqual(name === "bpftrace" ? 20 : 1);
      if (kind === "polling") expect(row.interval_ms).toBeGreaterThan(0);
      else expect(row.interval_ms).toBeNull();
      if (inKernel === "bpf" || inKernel === "audit") expect(row.kernel_cpu_pct).toBeGreaterThan(0);
      if (inKernel === "none") expect(row.kernel_cpu_pct).toBe(0);
      if (inKernel === "ptrace" || inKernel === "connector") expect(row.kernel_cpu_pct).toBeNull();
    });
  }

  for (const name of ["strace", "auditd", "linnix"]) {
    test.skipIf(!there.has(name))(`${name} sees every process`, () => {
      const row = rowOf(name);
      if (row.lost === 0) expect({ name, seen: row.seen }).toEqual({ name, seen: row.total });
    });
  }

  test("strace slows the traced processes down, and ps misses short processes", () => {
    expect(rowOf("ps").by_lifetime[0]?.capture_pct).toBeLessThan(100);
    if (there.has("strace")) expect(rowOf("strace").slowdown?.pct).toBeGreaterThan(20);
  });

  test("the report has the cost of ps and linnix among sleeping processes", () => {
    const [size] = report.growth.sizes;
    expect(size).toMatchObject({ sleeping: 30 });
    expect(size?.processes).toBeGreaterThan(30);
    expect(size?.rows.find(({ method }) => method === "ps")?.us_per_look).toBeGreaterThan(0);
    expect(size?.rows.find(({ method }) => method === "linnix")?.cpu_pct).toBeGreaterThan(0);
  });
});

describe("wrong use and missing methods", () => {
  test("an unknown method is refused, and the error names the nearest method", async () => {
    const { exitCode, stderr, stdout } = await compare(["--methods", "ps,auditt"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain("did you mean auditd?");
  });

  for (const words of [
    ["--lifetimes", "1ms:0"],
    ["--lifetimes", "1ms:1,1ms:2"],
    ["--lifetimes", "11s"],
    ["--processes", "none,5"],
    ["--interval", "1"],
    ["--rate", "0"],
    ["--html", "-"],
    ["--json", "/nonexistent/report.json"],
  ]) {
    test(`${words.join(" ")} is refused`, async () => {
      const { exitCode, stderr } = await compare(["--methods", "ps", ...words]);
      expect(exitCode).toBe(2);
      expect(stderr).toStartWith("linnix: ");
    });
  }

  const nobody = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
  const mayRead =
    isRoot && Bun.spawnSync([...nobody, process.execPath, MAIN, "--version"], { env: {}, cwd: "/" }).exitCode === 0;

  test.skipIf(!mayRead)(
    "without root, the available methods are compared (needs root, and a path for all)",
    async () => {
      chmodSync(folder, 0o1777);
      const run = await compare([...TINY, "--methods", "ps,linnix", "--processes", "none", "--json", "-"], nobody);
      expect(run.exitCode).toBe(0);
      const { rows } = JSON.parse(run.stdout) as CompareReport;
      expect(rows.find(({ method }) => method === "ps")).toMatchObject({ available: true, rounds: 1 });
      expect(rows.find(({ method }) => method === "linnix")).toMatchObject({
        available: false,
        reason: "linnix collect needs root",
        hint: "run it with sudo",
        seen: null,
      });
      expect(run.stderr).toContain("linnix itself needs root");
    },
  );

  test("closing the reader of stdout changes neither the other reports nor the exit code", async () => {
    const html = join(folder, "unread.html");
    const unread = ["/bin/sh", "-c", '{ "$0" "$@"; echo "ended with $?" >&2; } | true'];
    const words = ["--methods", "ps", "--processes", "none", "--json", "-", "--html", html];
    const { stderr } = await compare([...TINY, ...words], unread);
    expect(stderr).toEndWith("ended with 0\n");
    expect(stderr).toContain("ps every 250 ms");
    expect(readFileSync(html, "utf8")).toStartWith("<!doctype html>");
  });

  test.skipIf(!mayRead)("without any method there is no report (needs root, and a path for all)", async () => {
    chmodSync(folder, 0o1777);
    const { exitCode, stdout, stderr } = await compare(["--methods", "linnix"], nobody);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toContain("run it with sudo");
  });
});
