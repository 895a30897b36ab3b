import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinnixError } from "../../src/errors.ts";
import { auditd } from "../../src/observers/auditd.ts";
import { matchSightings } from "../../src/observers/match.ts";
import { auditState, until } from "../observers/machine-state.ts";
import { TinyWorkload } from "../observers/tiny-workload.ts";

setDefaultTimeout(120_000);

const idle = await auditd.available();

function auditctl(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["auditctl", ...args]);
  if (exitCode !== 0) throw new Error(stderr.toString());
}

/** Makes this machine use audit, by a rule and a daemon with its own log, until it is disposed of. */
class BusyAudit implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "observers-test-"));
  readonly #watched = join(this.folder, "watched");
  #daemon: Bun.Subprocess | null = null;

  addRule(): void {
    auditctl("-w", this.#watched, "-p", "x", "-k", "observers-test");
  }

  async startDaemon(): Promise<number> {
    mkdirSync(join(this.folder, "plugins.d"));
    const settings = {
      log_file: join(this.folder, "audit.log"),
      log_group: "root",
      log_format: "RAW",
      max_log_file: 64,
      max_log_file_action: "SUSPEND",
      space_left: 16,
      space_left_action: "IGNORE",
      admin_space_left: 8,
      admin_space_left_action: "SUSPEND",
      disk_full_action: "SUSPEND",
      disk_error_action: "SUSPEND",
      plugin_dir: join(this.folder, "plugins.d"),
    };
    const text = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    writeFileSync(join(this.folder, "auditd.conf"), text.join(""), { mode: 0o600 });
    const daemon = Bun.spawn(["auditd", "-n", "-s", "nochange", "-c", this.folder], { stdin: "ignore" });
    this.#daemon = daemon;
    await until(() => auditState()?.daemon === String(daemon.pid) && auditState()?.pidFile === "true");
    return daemon.pid;
  }

  get daemonEnded(): boolean {
    return this.#daemon?.exitCode !== null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Bun.spawnSync(["auditctl", "-W", this.#watched, "-p", "x", "-k", "observers-test"]);
    // The daemon ignores SIGTERM for a while after its start.
    while (this.#daemon !== null && this.daemonEnded === false) {
      this.#daemon.kill("SIGTERM");
      await Promise.race([this.#daemon.exited, Bun.sleep(2000)]);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function startRefused(tempDir: string): Promise<string> {
  try {
    await using running = await auditd.start({ workloadPid: null, tempDir, intervalMs: 100 });
    return `started with pid ${running.pids()}`;
  } catch (error) {
    if (!(error instanceof LinnixError)) throw error;
    return error.what;
  }
}

describe.skipIf(!idle.ok)("auditd on a machine that uses audit (needs root, auditd, and an idle audit)", () => {
  for (const uses of [["rule"], ["daemon"], ["rule", "daemon"]]) {
    test(`with a ${uses.join(" and a ")}: refuses to start unless forced, and restores the state`, async () => {
      const untouched = auditState();
      {
        await using machine = new BusyAudit();
        if (uses.includes("rule")) machine.addRule();
        const daemonPid = uses.includes("daemon") ? await machine.startDaemon() : 0;
        const before = auditState();
        const tempDir = mkdtempSync(join(tmpdir(), "observers-test-"));
        try {
          const availability = await auditd.available();
          expect(availability.ok).toBe(false);
          expect(await startRefused(tempDir)).toContain(uses.includes("daemon") ? "auditd at work" : "1 audit rule");
          expect((await auditd.available({ forceAudit: true })).ok).toBe(true);

          await watchForced(tempDir, daemonPid);
          expect(auditState()).toEqual(before);
          expect(machine.daemonEnded).toBe(!uses.includes("daemon"));
          expect(readdirSync(tempDir)).toEqual([]);
        } finally {
          rmSync(tempDir, { recursive: true, force: true });
        }
      }
      await until(() => auditState()?.daemon === "0");
      expect(auditState()).toEqual(untouched);
    });
  }
});

/** Expects that the forced method sees the whole workload, by the running daemon or by its own. */
async function watchForced(tempDir: string, daemonPid: number): Promise<void> {
  using workload = new TinyWorkload();
  await using running = await auditd.start({ workloadPid: null, tempDir, intervalMs: 100, forceAudit: true });
  if (daemonPid !== 0) expect(running.pids()).toEqual([daemonPid]);
  const truth = await workload.run();
  await running.stop();
  expect(matchSightings(truth, running.seen()).capturePct).toBe(100);
  expect(running.bytesWritten()).toBeGreaterThan(0);
}
