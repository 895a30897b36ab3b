import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExitEvent } from "./support/collect-output.ts";
import { CollectRun, until } from "./support/collect-run.ts";
import { titled, whyNoBtf, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), "linnix-lost-"));
const socket = join(folder, "api.sock");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Forks that execute a program each, many more than fit into a ring of one page; some wait under different names. */
const SCRIPT = `
for i in $(seq 400); do /bin/true flood $i; done
for i in 1 2 3 4 5 6 7 8 9 10; do /bin/bash -c 'read line; exit 7' waits-$i <&0 & /bin/sleep 2$i & done
echo ready; wait`;

interface Answer {
  pid: number;
  exe: string | null;
  args: string[] | null;
}

async function processes(): Promise<Answer[]> {
  const response = await fetch("http://localhost/processes?limit=1000", { unix: socket });
  return ((await response.json()) as { processes: Answer[] }).processes;
}

function commandLine(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return text === "" ? null : text.replace(/\0$/, "").split("\0");
  } catch {
    return null;
  }
}

for (const [backend, reason] of [
  ["btf", whyNoBtf()],
  ["tracepoint", whyNotHere()],
] as const) {
  describe.skipIf(reason !== null)(titled(`lost execs, ${backend} backend`, reason), () => {
    test("arguments are null or those of the running program, in answers and at exits", async () => {
      const args = ["--format", "jsonl", "--ring-size", "4KiB", "--storm-rate", "0", "--backend", backend];
      await using collect = await CollectRun.start([
        ...args,
        "--sample-interval",
        "200ms",
        "--listen",
        `unix:${socket}`,
      ]);
      collect.child.kill("SIGSTOP");
      await using shell = Bun.spawn(["/bin/bash", "-c", SCRIPT, "parent"], { stdin: "pipe", stdout: "pipe" });
      await shell.stdout.getReader().read();
      const children = readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, "utf8")
        .trim()
        .split(" ")
        .map(Number);
      expect(children).toHaveLength(20);
      // The last child may not have executed anything yet.
      const parent = String(commandLine(shell.pid));
      await until("all to execute", () =>
        children.every((pid) => ![parent, "null"].includes(String(commandLine(pid)))),
      );
      const truth = new Map([shell.pid, ...children].map((pid) => [pid, commandLine(pid)]));
      collect.child.kill("SIGCONT");
      let known = 0;
      const deadline = Date.now() + 30_000;
      do {
        const shown = (await processes()).filter(({ pid }) => truth.has(pid));
        for (const { pid, args } of shown) {
          if (args !== null) expect<unknown>([pid, args]).toEqual([pid, truth.get(pid) ?? null]);
        }
        known = shown.filter(({ exe }) => exe !== null).length;
        await Bun.sleep(50);
        // linnix reads them again from /proc until all known processes have their arguments.
      } while (known < truth.size && Date.now() < deadline);
      expect(known).toBe(truth.size);
      await shell.stdin.end();
      for (const pid of children) {
        try {
          process.kill(pid, "SIGTERM");
        } catch {
          // The child has read the end of its input.
        }
      }
      await shell.exited;
      const { events, summary } = await collect.stop();
      expect(summary.lost).toBeGreaterThan(100);
      let exits = 0;
      for (const event of events) {
        if (event.type !== "exit" || !truth.has(event.pid)) continue;
        exits++;
        const { args } = event as ExitEvent;
        if (args !== null) expect<unknown>([event.pid, args]).toEqual([event.pid, truth.get(event.pid) ?? null]);
      }
      expect(exits).toBeGreaterThan(0);
    });
  });
}
