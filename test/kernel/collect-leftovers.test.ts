import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { AttachLoop } from "./support/attach-loop.ts";
import { bpftool, countOf, stillThere } from "./support/bpf-objects.ts";
import { until } from "./support/collect-run.ts";
import { reasonOf, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(120_000);

// The kernel takes about 0.2 s to detach from a classic tracepoint.
for (const [backend, rounds, whyNot] of [
  ["btf", 50, whyNoBtf()],
  ["tracepoint", 25, whyNotHere()],
] as const) {
  const reason = reasonOf(whyNot, bpftool === null && "needs bpftool");

  describe.skipIf(reason !== null)(titled(`attached and detached ${rounds} times, ${backend} backend`, reason), () => {
    test("no descriptor, mapping, program, map or link is left while the process goes on", async () => {
      const script = join(import.meta.dir, "support/attach-loop.ts");
      await using child = Bun.spawn([process.execPath, script, backend, String(rounds)], {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
      });
      let log = "";
      const logged = (async () => {
        for await (const bytes of child.stderr) log += new TextDecoder().decode(bytes);
      })();
      let text = "";
      const decoder = new TextDecoder();
      for await (const bytes of child.stdout) {
        text += decoder.decode(bytes, { stream: true });
        if (text.endsWith("\n")) break;
      }
      const loop = JSON.parse(text) as AttachLoop;
      expect(child.exitCode).toBeNull();
      expect(loop).toMatchObject({ rounds, balanced: true });
      // linnix saw the child that each round made.
      expect(loop.received).toBeGreaterThanOrEqual(rounds);
      expect(loop.made.programs.length).toBeGreaterThanOrEqual(3 * rounds);
      expect(loop.made.maps.length).toBeGreaterThanOrEqual(2 * rounds);
      expect(loop.made.links.length).toBeGreaterThanOrEqual(3 * rounds);
      expect(loop.mappings.last).toEqual([]);
      await until("all to be gone", () => countOf(stillThere(loop.made)) === 0);
      await child.stdin.end();
      expect(await child.exited).toBe(0);
      await logged;
      // Another test may have a process whose files hang. Such a read keeps its descriptor, and linnix logs a warning.
      const hangs = (descriptor: string): boolean => {
        const pid = /\/proc\/(\d+)\/cmdline$/.exec(descriptor)?.[1];
        return pid !== undefined && log.includes(`the command line of process ${pid} cannot be read`);
      };
      // The first round may still have had a descriptor of the child that it made.
      const left = loop.descriptors.last.filter((descriptor) => !loop.descriptors.first.includes(descriptor));
      expect(left.filter((descriptor) => !hangs(descriptor))).toEqual([]);
    });
  });
}
