import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Description } from "../api/description.ts";
import { CollectRun } from "./support/collect-run.ts";
import { programPath, titled, whyNotHere } from "./support/needs.ts";
import { inMounts } from "./support/places.ts";
import { WorkerProgram } from "./support/sampling-worker.ts";

setDefaultTimeout(60_000);

const why = whyNotHere();
const curl = programPath("curl");
const promtool = programPath("promtool");
const folder = mkdtempSync(join(tmpdir(), "linnix-api-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MAIN = join(import.meta.dir, "../../src/main.ts");
const SOCKET = join(folder, "api.sock");
const ARGS = [
  "--format",
  "jsonl",
  "--flush-interval",
  "50ms",
  "--sample-interval",
  "100ms",
  "--api-cpu-budget",
  "0",
  "--listen",
  `unix:${SOCKET}`,
];

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 1500; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await Bun.sleep(20);
  }
  throw new Error(`waited in vain for ${what}`);
}

const get = (path: string) => fetch(`http://localhost${path}`, { unix: SOCKET });
// biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what is tested
const getJson = async (path: string): Promise<any> => (await get(path)).json();

describe.skipIf(why !== null)(`collect --listen${why ? ` (skipped: ${why})` : ""}`, () => {
  test("lists live processes, their ancestors, and processes that have just exited", async () => {
    await using run = await CollectRun.start(ARGS);
    const sleeper = Bun.spawn(["/bin/sh", "-c", "sleep 60 & wait"], { stdin: "ignore" });
    try {
      const shell = await eventually("the shell's answer", async () => {
        const response = await get(`/graph/${sleeper.pid}`);
        const graph = response.status === 200 ? await response.json() : undefined;
        // biome-ignore lint/suspicious/noExplicitAny: as above
        return (graph as any)?.descendants[0]?.comm === "sleep" ? (graph as any) : undefined;
      });
      expect(shell.process).toMatchObject({ comm: "sh", state: "live", uid: 0, user: "root" });
      expect(shell.ancestors[0].pid).toBe(process.pid);
      expect(shell.descendants[0]).toMatchObject({ ppid: sleeper.pid, args: ["sleep", "60"] });
      expect((await getJson("/processes")).live).toBeGreaterThan(2);
      await eventually("the same answer by both routes, between two samples", async () => {
        const { processes } = await getJson("/processes?comm=sleep&sort=start");
        const one = await getJson(`/processes/${shell.descendants[0].pid}`);
        return processes.some((row: unknown) => Bun.deepEquals(row, one)) || undefined;
      });
      process.kill(shell.descendants[0].pid, "SIGKILL");
      await sleeper.exited;
      const gone = await eventually("the exit", async () => {
        const row = await getJson(`/processes/${shell.descendants[0].pid}`);
        return row.state === "exited" ? row : undefined;
      });
      expect(gone).toMatchObject({ signal: "SIGKILL", exit_code: null, core_dumped: false });
      expect((await getJson(`/graph/${gone.pid}`)).ancestors[0].pid).toBe(sleeper.pid);
    } finally {
      sleeper.kill("SIGKILL");
    }
    await run.stop();
  });

  test("finds a process that has just started, at each of many requests", async () => {
    await using run = await CollectRun.start(ARGS);
    for (let i = 0; i < 20; i++) {
      const child = Bun.spawn(["/bin/sleep", "60"], { stdin: "ignore" });
      try {
        expect((await get(`/processes/${child.pid}`)).status).toBe(200);
      } finally {
        child.kill("SIGKILL");
      }
    }
    await run.stop();
  });

  test("a process whose exec was filtered has its own executable, not its parent's", async () => {
    await using run = await CollectRun.start([...ARGS, "--comm", "sh"]);
    const shell = Bun.spawn(["/bin/sh", "-c", "sleep 60 & echo $!; wait"], { stdin: "ignore", stdout: "pipe" });
    try {
      const { value } = await shell.stdout.getReader().read();
      const pid = Number(new TextDecoder().decode(value));
      // A sample shows the name. The executable is read from /proc after that, and is null until then.
      const child = await eventually("its name and what it executes", async () => {
        const row = await getJson(`/processes/${pid}`);
        return row.comm === "sleep" && row.args !== null ? row : undefined;
      });
      expect(child).toMatchObject({ ppid: shell.pid, args: ["sleep", "60"] });
      expect(child.exe).toEndWith("/sleep");
      process.kill(pid, "SIGKILL");
    } finally {
      shell.kill("SIGKILL");
    }
    await run.stop();
  });

  test("a process that changed its user and its name without an exec has the new ones", async () => {
    using program = new WorkerProgram();
    await using run = await CollectRun.start(ARGS);
    const { pid } = await program.start("turns", 65534);
    const row = await eventually("its sample", async () => {
      const found = await getJson(`/processes/${pid}`);
      return found.comm === "turned" ? found : undefined;
    });
    expect(row).toMatchObject({ uid: 65534, gid: 65534, state: "live" });
    const { processes } = await getJson("/processes?user=65534&comm=turned");
    // Other tests may run the same program beside this one.
    expect(processes.filter((other: { pid: number }) => other.pid === pid)).toHaveLength(1);
    expect(processes.every((other: { uid: number }) => other.uid === 65534)).toBe(true);
    await run.stop();
  });

  test("a process whose exit was filtered does not stay among the live processes", async () => {
    await using run = await CollectRun.start([...ARGS, "--min-duration", "1h"]);
    const child = Bun.spawn(["/bin/cat"], { stdin: "pipe", stdout: "ignore" });
    const stateOf = async () => (await getJson(`/processes/${child.pid}`)).state;
    await eventually("it to be known", async () => ((await stateOf()) === "live" ? true : undefined));
    child.stdin.end();
    await child.exited;
    await eventually("its end", async () => ((await stateOf()) === "exited" ? true : undefined));
    // A filtered exit is not a loss.
    expect((await getJson("/status")).processes.lost_exits).toBe(0);
    await run.stop();
  });

  const noMounts = programPath("unshare") === null ? "needs unshare" : null;
  test.skipIf(noMounts !== null)(
    titled("every answer matches its schema, with and without BTF", noMounts),
    async () => {
      for (const { before, ready } of [
        { before: [], ready: "ready" },
        { before: inMounts("mount -t tmpfs tmpfs /sys/kernel/btf"), ready: "degraded" },
      ]) {
        await using run = await CollectRun.start(ARGS, { before });
        const description = await Description.of(await get("/openapi.json"));
        Bun.spawnSync(["/bin/true"]);
        const paths = ["/", "/healthz", "/readyz", "/status", "/processes", "/metrics", "/processes?limit=0"];
        for (const path of paths) {
          expect(await description.problems(await get(path), path.replace(/\?.*/, ""))).toEqual([]);
        }
        for (const pid of [process.pid, run.pid]) {
          expect(await description.problems(await get(`/processes/${pid}`), "/processes/{pid}")).toEqual([]);
          expect(await description.problems(await get(`/graph/${pid}`), "/graph/{pid}")).toEqual([]);
        }
        const answer = await get("/readyz");
        expect(answer.status).toBe(200);
        const { status, reasons } = (await answer.json()) as { status: string; reasons: string[] };
        if (ready === "degraded") {
          expect(status).toBe("degraded");
          expect(reasons.join("\n")).toContain("samples are read from /proc");
          expect(reasons.join("\n")).toContain("the tracepoint backend has no values for");
        } else if (existsSync("/sys/kernel/btf/vmlinux")) {
          expect([status, reasons]).toEqual(["ready", []]);
        }
        await run.stop();
      }
    },
  );

  test.each(["events", "processes"])(
    "/commands counts the starts and ends since its first request, at the level %s",
    async (detail) => {
      // A name of its own: other programs on this machine run cat as well.
      const name = "cat-of-test";
      const program = join(folder, name);
      copyFileSync("/bin/cat", program);
      await using run = await CollectRun.start([...ARGS, "--detail", detail]);
      Bun.spawnSync([program], { stdin: "ignore" });
      const before = await getJson("/commands?window=1m");
      expect(before).toMatchObject({ window_s: 60, matched: 0, commands: [] });
      for (let i = 0; i < 4; i++) Bun.spawnSync([program], { stdin: "ignore" });
      Bun.spawnSync([program, join(folder, "no-such-file")], { stdin: "ignore", stderr: "ignore" });
      const answer = await eventually("the commands", async () => {
        const found = await getJson("/commands?window=1m&limit=1000");
        const cat = found.commands.find(({ comm }: { comm: string }) => comm === name);
        return cat?.short_lived >= 5 ? { ...found, cat } : undefined;
      });
      const execs = detail === "events" ? answer.cat.ended : null;
      expect(answer.cat).toMatchObject({ execs, cpu_unknown: 0, short_lived: answer.cat.ended });
      expect(answer.cat.failed).toBe(1);
      expect(answer.cat.mean_lifetime_s).toBeGreaterThan(0);
      expect(answer.cat.cpu_ns).toBeGreaterThan(0);
      expect(answer.cat.cpu_ns).toBeLessThanOrEqual(answer.all.cpu_ns);
      expect(answer.all.started).toEqual(detail === "events" ? expect.any(Number) : null);
      await run.stop();
    },
  );

  test("reports that it is ready, and every metric", async () => {
    await using run = await CollectRun.start(ARGS);
    const ready = await get("/readyz");
    expect(ready.status).toBe(200);
    const status = await eventually("samples", async () => {
      const answer = await getJson("/status");
      return answer.received.fork >= 0 && answer.memory.rss_bytes > 0 ? answer : undefined;
    });
    expect(status.lost).toBe(0);
    const metrics = await (await get("/metrics")).text();
    expect(metrics).toMatch(/^linnix_events_total\{type="exit"\} \d+$/m);
    if (promtool !== null) {
      const stdin = new TextEncoder().encode(metrics);
      const { stdout, stderr, exitCode } = Bun.spawnSync([promtool, "check", "metrics"], { stdin });
      expect([String(stdout), String(stderr), exitCode]).toEqual(["", "", 0]);
    }
    await run.stop();
  });

  test.skipIf(curl === null)(
    "curl -N receives the same events as the JSON Lines output (skipped without curl)",
    async () => {
      await using run = await CollectRun.start(ARGS);
      const url = "http://localhost/events?types=exec,summary";
      const child = Bun.spawn([curl as string, "-s", "-N", "--unix-socket", SOCKET, url], { stdout: "pipe" });
      await eventually("a client", async () => (await getJson("/status")).api.clients || undefined);
      Bun.spawnSync(["/bin/true", "for curl"]);
      const { events } = await run.stop();
      const text = await new Response(child.stdout).text();
      const data = [...text.matchAll(/^id: \w+-\d+\nevent: exec\ndata: (.*)$/gm)].map(([, json]) => json as string);
      const mine = data.map((json) => JSON.parse(json)).filter(({ args }) => args?.[1] === "for curl");
      expect(mine).toHaveLength(1);
      const written = events.find(({ pid, type }) => type === "exec" && pid === mine[0].pid);
      expect(mine[0]).toMatchObject({ type: "exec", exe: "/usr/bin/true", comm: "true", time: written?.time });
    },
  );

  test("loads no module of the API without --listen", async () => {
    const loadedWith = (...args: string[]) => {
      const hook = join(folder, "tell-modules.ts");
      writeFileSync(
        hook,
        `process.on("exit", () => {
           require("node:fs").writeFileSync(process.env.MODULES, Object.keys(require.cache).join("\\n"));
         });`,
      );
      const modules = join(folder, "modules");
      const command = ["--preload", hook, MAIN, "collect", "--format", "none", "--duration", "100ms", ...args];
      const { exitCode } = Bun.spawnSync([process.execPath, ...command], { env: { ...process.env, MODULES: modules } });
      expect(exitCode).toBe(0);
      return readFileSync(modules, "utf8").split("\n");
    };
    const loaded = loadedWith();
    expect(loaded.some((path) => path.endsWith("/src/collect/collector.ts"))).toBe(true);
    const ofApi = (paths: string[]) => paths.filter((path) => path.includes("/src/api/"));
    expect(ofApi(loaded)).toEqual([]);
    expect(ofApi(loadedWith("--listen", `unix:${SOCKET}`)).length).toBeGreaterThan(10);
  });

  test("removes its socket at the end, and does not start on a socket that is in use", async () => {
    const run = await CollectRun.start(ARGS);
    const second = await CollectRun.toEnd(ARGS);
    expect(second.exitCode).toBe(3);
    expect(second.stderr).toContain("another program listens there");
    expect((await get("/healthz")).status).toBe(200);
    await run.stop();
    expect(existsSync(SOCKET)).toBe(false);
  });
});
