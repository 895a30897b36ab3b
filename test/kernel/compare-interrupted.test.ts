import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OBSERVERS } from "../../src/observers/registry.ts";
import { auditState, processesNamed, processesOf, tracefsMounts, until } from "../observers/machine-state.ts";

setDefaultTimeout(120_000);

const MAIN = join(import.meta.dir, "../../src/main.ts");
const EXIT_CODE = { SIGINT: 130, SIGTERM: 143 } as const;
const there = new Set<string>();
for (const { name, available } of OBSERVERS) if ((await available()).ok) there.add(name);

/** A running comparison, with a temporary folder by which all its processes are found. */
class Comparison implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "compare-test-"));
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly stdout: Promise<string>;
  #stderr = "";

  constructor(words: readonly string[]) {
    this.child = Bun.spawn([process.execPath, MAIN, "compare", "--rate", "50", ...words], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", TMPDIR: this.folder },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.stdout = new Response(this.child.stdout).text();
    void this.#listen();
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.child.stderr) this.#stderr += decoder.decode(bytes, { stream: true });
  }

  /** Waits until stderr shows a stage, and a given time after that. */
  async reach(words: string, afterMs: number): Promise<void> {
    await until(() => this.#stderr.includes(words) || this.child.exitCode !== null);
    expect({ words, ended: this.child.exitCode, said: this.#stderr }).toMatchObject({ ended: null });
    await Bun.sleep(afterMs);
  }

  [Symbol.dispose](): void {
    this.child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function machine() {
  return { audit: auditState(), tracefs: tracefsMounts() };
}

/** Stages at which a comparison is interrupted: a method starts, it watches, or it watches sleeping processes. */
const STAGES: { methods: string; at: string; afterMs: number; words?: string[] }[] = [
  { methods: "ps,proc-scan", at: "(about", afterMs: 0 },
  { methods: "ps", at: "ps every 1 s", afterMs: 1500 },
  { methods: "strace", at: "strace", afterMs: 300 },
  { methods: "strace", at: "strace", afterMs: 3000 },
  { methods: "linnix", at: "linnix", afterMs: 1500 },
  { methods: "auditd", at: "auditd", afterMs: 400 },
  { methods: "auditd", at: "auditd", afterMs: 3000 },
  {
    methods: "proc-scan",
    at: "among 200 sleeping processes",
    afterMs: 200,
    words: ["--quick", "--interval", "10ms", "--duration", "500ms", "--lifetimes", "1ms", "--processes", "200"],
  },
];

for (const { methods, at, afterMs, words = ["--processes", "none"] } of STAGES) {
  const absent = methods.split(",").filter((name) => !there.has(name));
  const title = `${methods}, ${afterMs} ms after "${at}"${absent.length > 0 ? ` (skipped: no ${absent})` : ""}`;

  describe.skipIf(absent.length > 0)(title, () => {
    const options = words.includes("--duration") ? words : ["--duration", "20s", ...words];

    for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
      // Each stage is interrupted by a signal that can be handled, and some stages by SIGKILL.
      const isOther = (afterMs === 0 || afterMs === 1500) === (signal === "SIGTERM");
      if (signal !== "SIGKILL" && isOther) continue;
      if (signal === "SIGKILL" && afterMs < 200) continue;

      test(`${signal} leaves the machine as it was`, async () => {
        const before = machine();
        using run = new Comparison(["--methods", methods, ...options]);
        await run.reach(at, afterMs);
        run.child.kill(signal);
        await run.child.exited;
        await until(() => processesOf(run.folder).length === 0);
        await until(() => processesNamed("linnix-audit-guard").length === 0);
        await until(() => processesNamed("linnix-sleepers").length === 0);
        expect(machine()).toEqual(before);
        if (signal === "SIGKILL") return;
        expect(run.child.exitCode).toBe(EXIT_CODE[signal]);
        expect(await run.stdout).toContain(`(incomplete: ended by ${signal})`);
        expect(readdirSync(run.folder)).toEqual([]);
      });
    }
  });
}
