import { describe, expect, test } from "bun:test";
import { RecentCommands, type Reported } from "../../src/api/commands.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { COUNTED_TYPES } from "../../src/wire/event.ts";
import { recordIn } from "../../src/wire/record.ts";
import { EXEC_KNOWN, EXIT_KNOWN, endedRecord, execRecord, exitRecord, forkRecord } from "../wire/make-record.ts";
import { startMadeUp } from "./made-up.ts";

const SECOND = 1e9;
/** A slice begins here. */
const START = 1000 * SECOND;
const MINUTE = 60 * SECOND;
const EVENTS: Reported = { detail: "events", types: COUNTED_TYPES };
const PROCESSES: Reported = { detail: "processes", types: COUNTED_TYPES };

/** Commands of a machine with its own clock: 1.5 of its cores are busy. */
class Machine {
  nowNs = START;
  isBusyKnown = true;
  busyReads = 0;
  reported = EVENTS;
  readonly #view = new EventView(new ProcessTable({ lingerNs: 1e12 }), new WallClock(0n));
  readonly commands = new RecentCommands({
    nowNs: () => this.nowNs,
    busyNs: () => {
      this.busyReads++;
      return this.isBusyKnown ? this.nowNs * 1.5 : null;
    },
  });
  #pid = 100;

  pass(seconds: number): void {
    for (let s = 0; s < seconds; s++) {
      this.nowNs += SECOND;
      this.commands.tick(this.reported.detail);
    }
  }

  /** Forks a process from `parent`, which executes `comm` and ends after a time by which the clock moves on. */
  run(
    comm: string,
    { seconds = 0, cpuNs = 1e8, parent = "sh", known = EXIT_KNOWN, rss = 4096, status = 0 } = {},
  ): void {
    const pid = ++this.#pid;
    const start_ns = BigInt(this.nowNs);
    const head = { pid, ppid: 1, start_ns };
    this.#take(forkRecord({ ...head, comm: parent, ts_ns: start_ns }));
    this.#take(execRecord({ ...head, comm, ts_ns: start_ns, flags: EXEC_KNOWN }));
    this.pass(seconds);
    const end = { ts_ns: BigInt(this.nowNs), runtime_ns: cpuNs, peak_rss_bytes: rss, known, status };
    this.#take(exitRecord({ ...head, comm, ...end }));
  }

  /** The same at detail `processes`. */
  runFolded(comm: string, seconds: number): void {
    const born = BigInt(this.nowNs);
    this.pass(seconds);
    const head = { pid: ++this.#pid, ppid: 1, start_ns: born, born_ns: born, comm, ts_ns: BigInt(this.nowNs) };
    this.#take(endedRecord({ ...head, runtime_ns: 1e8, exec_count: 1 }));
  }

  answer(windowNs = MINUTE, limit = 100) {
    return this.commands.answer(windowNs, limit, this.reported);
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    this.#view.accept(recordIn(bytes));
    this.commands.event(this.#view);
  }
}

describe("commands of the last minutes", () => {
  test("are counted from the first request on, and cost nothing before", () => {
    const machine = new Machine();
    machine.run("make");
    machine.pass(60);
    expect(machine.busyReads).toBe(0);
    expect(machine.answer()).toMatchObject({ window_s: 60, covered_s: 0, matched: 0, commands: [] });
    machine.pass(20);
    machine.run("make");
    expect(machine.answer()).toMatchObject({ covered_s: 20, matched: 2 });
  });

  test("are added up under the present name: the parent's at the fork, the process's own from the exec on", () => {
    const machine = new Machine();
    machine.answer();
    machine.run("cc1", { seconds: 2, cpuNs: 3e9, rss: 1000 });
    machine.run("cc1", { seconds: 3, cpuNs: 1e9, rss: 9000, status: 1 << 8 });
    machine.run("ld", { cpuNs: 5e8, known: 0 });
    machine.pass(5);
    const { all, commands } = machine.answer();
    // 10 s on 1.5 cores: 40 % of a core is 26.667 % of that.
    expect(commands[0]).toEqual({
      comm: "cc1",
      started: 0,
      execs: 2,
      ended: 2,
      short_lived: 2,
      failed: 1,
      mean_lifetime_s: 2.5,
      cpu_ns: 4e9,
      cpu_unknown: 0,
      cpu_pct: 40,
      busy_share_pct: 26.667,
      peak_rss_bytes: 9000,
    });
    expect(commands.find(({ comm }) => comm === "ld")).toMatchObject({
      cpu_ns: 0,
      cpu_unknown: 1,
      peak_rss_bytes: null,
      // The result of this process is not known either.
      failed: null,
      mean_lifetime_s: 0,
    });
    expect(commands.find(({ comm }) => comm === "sh")).toMatchObject({
      started: 3,
      ended: 0,
      short_lived: 0,
      failed: 0,
      mean_lifetime_s: null,
    });
    expect(all).toMatchObject({
      started: 3,
      execs: 3,
      ended: 3,
      short_lived: 3,
      cpu_ns: 4e9,
      cpu_unknown: 1,
      failed: 1,
    });
    expect(machine.answer(MINUTE, 1)).toMatchObject({ matched: 3, commands: [{ comm: "cc1" }] });
  });

  test("count as failed with an exit code other than 0, or by a signal", () => {
    const machine = new Machine();
    machine.answer();
    for (const status of [0, 0, 1 << 8, 9, 0x80 | 11]) machine.run("job", { status });
    expect(machine.answer().all).toMatchObject({ short_lived: 5, failed: 3 });
  });

  test("count only the end of a process that is older than the window, without its CPU time", () => {
    const machine = new Machine();
    machine.answer();
    machine.run("server", { seconds: 100, cpuNs: 90e9 });
    expect(machine.answer(10 * SECOND).commands).toEqual([
      expect.objectContaining({ comm: "server", ended: 1, short_lived: 0, cpu_ns: 0 }),
    ]);
    expect(machine.answer(2 * MINUTE).commands[0]).toMatchObject({ comm: "server", short_lived: 1, cpu_ns: 90e9 });
    // This process started before counting began.
    const late = new Machine();
    late.nowNs += SECOND;
    late.answer();
    late.nowNs -= SECOND / 2;
    late.run("early", { seconds: 1 });
    expect(late.answer().commands[0]).toMatchObject({ comm: "early", execs: 0, ended: 1, short_lived: 0 });
  });

  test("cover the window, and at most one more slice", () => {
    const machine = new Machine();
    machine.answer();
    for (let s = 0; s < 1300; s++) {
      machine.run("tick", { seconds: 1 });
      for (const windowNs of [10 * SECOND, 63 * SECOND, 10 * MINUTE]) {
        const { covered_s, all } = machine.answer(windowNs);
        const most = Math.min(s + 1, windowNs / SECOND + 5);
        expect(covered_s).toBeLessThanOrEqual(most);
        expect(covered_s).toBeGreaterThanOrEqual(Math.min(s + 1, windowNs / SECOND));
        expect([all.started, all.short_lived]).toEqual([covered_s, covered_s]);
      }
    }
  });

  test("are no longer counted after ten minutes without a request", () => {
    const machine = new Machine();
    machine.answer();
    machine.pass(600);
    machine.run("make");
    const reads = machine.busyReads;
    machine.pass(2);
    machine.run("make");
    machine.pass(60);
    expect(machine.busyReads).toBe(reads);
    expect(machine.answer()).toMatchObject({ covered_s: 0, matched: 0 });
  });

  test("start again at another level of detail, and figures that the level does not report are null", () => {
    const machine = new Machine();
    machine.answer();
    machine.run("make");
    machine.reported = PROCESSES;
    machine.pass(1);
    machine.runFolded("cc1", 9);
    machine.pass(1);
    const { covered_s, all, commands } = machine.answer();
    expect([covered_s, commands.length]).toEqual([10, 1]);
    expect(all).toMatchObject({ started: null, execs: null, ended: 1, short_lived: 1, cpu_ns: 1e8, cpu_pct: 1 });
    machine.reported = EVENTS;
    expect(machine.answer()).toMatchObject({ covered_s: 0, matched: 0 });
  });

  test("have null for events that --events omits, and for unknown figures", () => {
    const machine = new Machine();
    machine.isBusyKnown = false;
    machine.reported = { detail: "events", types: ["fork"] };
    machine.answer();
    machine.run("make");
    machine.pass(5);
    const { all } = machine.answer();
    expect(all).toMatchObject({ started: 1, execs: null, ended: null, short_lived: null, cpu_ns: null, cpu_pct: null });
    expect([all.busy_share_pct, all.failed, all.mean_lifetime_s]).toEqual([null, null, null]);
  });

  test("are bounded in names of a slice and in sums of all slices, of which the oldest are dropped", () => {
    const machine = new Machine();
    machine.answer();
    for (let i = 0; i < 3000; i++) machine.run(`c${i}`, { parent: "p" });
    const once = machine.answer();
    expect(once.matched).toBeLessThanOrEqual(1001);
    expect(once.all).toMatchObject({ started: 3000, ended: 3000, short_lived: 3000 });
    expect(once.commands.map(({ comm }) => comm)).toContain("(others)");
    for (let s = 0; s < 60; s++) {
      for (let i = 0; i < 1000; i++) machine.run(`s${s}-${i}`, { parent: "p" });
      machine.pass(5);
    }
    const { covered_s } = machine.answer(10 * MINUTE);
    expect(covered_s).toBeGreaterThanOrEqual(40);
    expect(covered_s).toBeLessThanOrEqual(60);
  });
});

describe("/commands", () => {
  test("accepts a window and a limit, and names errors in them", async () => {
    await using server = await startMadeUp();
    const ask = async (query = "") => (await fetch(server.url(`/commands${query}`))).json() as Promise<unknown>;
    expect(await ask()).toMatchObject({ window_s: 60, commands: [] });
    expect(await ask("?window=10m&limit=5")).toMatchObject({ window_s: 600 });
    for (const query of ["window=9s", "window=601s", "window=x", "window=", "window=60", "limit=0", "limit=1001"]) {
      const response = await fetch(server.url(`/commands?${query}`));
      expect([query, response.status]).toEqual([query, 400]);
      expect(await response.json()).toMatchObject({ parameter: query.replace(/=.*/, "") });
    }
  });

  test("answers 409 at detail summary, which reports no process", async () => {
    await using server = await startMadeUp();
    server.source.reported = { detail: "summary", types: COUNTED_TYPES };
    const response = await fetch(server.url("/commands"));
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ levels: ["summary"] });
  });
});
