import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, tracersOf } from "../../src/observers/proc-fs.ts";
import { OBSERVERS } from "../../src/observers/registry.ts";
import { auditState, processesNamed, processesOf, tracefsMounts, until } from "../observers/machine-state.ts";

setDefaultTimeout(120_000);

const PROGRAM = join(import.meta.dir, "../observers/interrupted-run.ts");

/** Where each method can be interrupted. */
const STAGES: Record<string, string[]> = {
  auditd: [
    ...["guarded", "daemon", "backlog", "rule execve,execveat", "rule exit,exit_group", "watching"],
    ...["stopping", "restored", "stopped"],
  ],
};
const ORDINARY_STAGES = ["launched", "watching", "stopping", "stopped"];

/** A run of a method in its own process, which stops at one stage. */
class InterruptedRun implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "observers-test-"));
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  workloadPid = 0;

  constructor(method: string, stage: string) {
    this.child = Bun.spawn([process.execPath, PROGRAM, method, this.folder, stage], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  /** Reads its output until it has reached a stage; throws if it ends before. */
  async reach(stage: string): Promise<void> {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.child.stdout) {
      text += decoder.decode(chunk, { stream: true });
      this.workloadPid = Number(/^workload (\d+)$/m.exec(text)?.[1] ?? 0);
      if (text.includes(`stage ${stage}\n`)) return;
    }
    throw new Error(`ended before ${stage}: ${await new Response(this.child.stderr).text()}`);
  }

  [Symbol.dispose](): void {
    this.child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function stateOfMachine() {
  return { audit: auditState(), tracefs: tracefsMounts() };
}

function isTraced(pid: number): boolean {
  return isAlive(pid) && tracersOf(pid).some((tracer) => tracer !== 0);
}

/** Waits until no process of a run is left, and expects that the machine is as before. */
async function settle(run: InterruptedRun, before: ReturnType<typeof stateOfMachine>): Promise<void> {
  await run.child.exited;
  await until(() => processesOf(run.folder).length === 0);
  await until(() => processesNamed("linnix-audit-guard").length === 0);
  await until(() => !isTraced(run.workloadPid));
  expect(stateOfMachine()).toEqual(before);
}

for (const observer of OBSERVERS) {
  const availability = await observer.available();
  const skipped = availability.ok ? "" : ` (not here: ${availability.reason})`;

  describe.skipIf(!availability.ok)(`${observer.name}${skipped}`, () => {
    for (const stage of STAGES[observer.name] ?? ORDINARY_STAGES) {
      for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
        test(`${signal} at "${stage}" leaves the machine as it was`, async () => {
          const before = stateOfMachine();
          using run = new InterruptedRun(observer.name, stage);
          await run.reach(stage);
          run.child.kill(signal);
          await settle(run, before);
          if (signal === "SIGKILL") return;
          // A process that can handle the signal also removes its files.
          expect(await new Response(run.child.stderr).text()).toBe("");
          expect(run.child.exitCode).toBe(0);
          expect(readdirSync(run.folder)).toEqual([]);
        });
      }
    }
  });
}

const auditAvailability = await OBSERVERS.find(({ name }) => name === "auditd")?.available();

describe.skipIf(!auditAvailability?.ok)("auditd whose guard is killed as well (needs an idle audit)", () => {
  test("the next start restores the audit state", async () => {
    const before = stateOfMachine();
    using run = new InterruptedRun("auditd", "watching");
    await run.reach("watching");
    for (const pid of processesNamed("linnix-audit-guard")) process.kill(pid, "SIGKILL");
    run.child.kill("SIGKILL");
    await run.child.exited;
    expect(auditState()?.daemon).not.toBe("0");
    expect(auditState()?.rules).toContain("key=linnix-e");

    using next = new InterruptedRun("auditd", "never");
    await next.reach("stopped");
    await settle(next, before);
  });

  test("SIGTERM to the run restores the audit state", async () => {
    const before = stateOfMachine();
    using run = new InterruptedRun("auditd", "watching");
    await run.reach("watching");
    for (const pid of processesNamed("linnix-audit-guard")) process.kill(pid, "SIGKILL");
    run.child.kill("SIGTERM");
    await settle(run, before);
  });

  test("the run removes the rules and the pid file of a killed daemon", async () => {
    const before = stateOfMachine();
    using run = new InterruptedRun("auditd", "watching");
    await run.reach("watching");
    process.kill(Number(auditState()?.daemon), "SIGKILL");
    run.child.kill("SIGTERM");
    await settle(run, before);
  });
});
