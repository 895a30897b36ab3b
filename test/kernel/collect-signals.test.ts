import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { EXIT } from "../../src/errors.ts";
import { CollectRun, until } from "./support/collect-run.ts";
import { titled, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(60_000);

const reason = whyNotHere();
const HANGUPS = Number(process.env.LINNIX_TEST_HANGUPS ?? 1_000);

describe.skipIf(reason !== null)(titled("signals", reason), () => {
  test("SIGUSR1, SIGUSR2 and SIGALRM do not end the run; SIGUSR1 writes the state", async () => {
    await using collect = await CollectRun.start();
    for (const signal of ["SIGUSR2", "SIGALRM", "SIGUSR1"] as const) collect.child.kill(signal);
    const line = await until("the state", () => /^\{"type":"state".*\}$/m.exec(collect.stderr)?.[0]);
    expect(line.length).toBeLessThan(4096);
    expect(JSON.parse(line)).toMatchObject({
      type: "state",
      pid: collect.child.pid,
      phase: "watching",
      backend: "btf",
      conditions: {},
      lost: 0,
      lost_by_type: { fork: 0, exec: 0, exit: 0 },
      table: { live: expect.any(Number) },
      output: { blocked: false },
      api: null,
    });
    const { pid } = Bun.spawnSync(["/bin/true"]);
    await collect.event("an exit", (event) => event.type === "exit" && event.pid === pid);
    const { summary, exitCode } = await collect.stop();
    expect([exitCode, summary?.lost]).toEqual([EXIT.ok, 0]);
  });

  test("SIGQUIT ends the run with its summary", async () => {
    await using collect = await CollectRun.start();
    const { summary, exitCode } = await collect.stop("SIGQUIT");
    expect([exitCode, summary?.type]).toEqual([EXIT.ok, "summary"]);
  });

  test(`no event is lost during ${HANGUPS} SIGHUPs in a row`, async () => {
    await using collect = await CollectRun.start();
    const pids: number[] = [];
    for (let i = 0; i < HANGUPS; i++) {
      collect.child.kill("SIGHUP");
      if (i % 10 === 0) pids.push(Bun.spawnSync(["/bin/true"]).pid);
    }
    await until("the last reading", () => collect.stderr.includes("configuration read again"));
    for (const pid of pids) await collect.event("an exit", (event) => event.type === "exit" && event.pid === pid);
    // The kernel merges pending SIGHUPs into one signal: those that arrive during a reload cause one more reload.
    const readings = collect.stderr.split("configuration read again").length - 1;
    expect(readings).toBeGreaterThan(1);
    expect(readings).toBeLessThanOrEqual(HANGUPS);
    const { summary, exitCode } = await collect.stop();
    expect([exitCode, summary?.lost]).toEqual([EXIT.ok, 0]);
  });
});
