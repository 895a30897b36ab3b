import { expect, test } from "bun:test";
import { join } from "node:path";

test("a sleep beside the event loop lasts its time, and ends for a signal and for input", async () => {
  await using child = Bun.spawn([process.execPath, join(import.meta.dir, "event-loop-sleeper.ts")], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  let said = "";
  for await (const piece of child.stdout) {
    said += new TextDecoder().decode(piece);
    if (said === "ready\n") {
      await Bun.sleep(200);
      child.stdin.write("something\n");
      child.stdin.flush();
    }
  }
  expect(JSON.parse(said.replace("ready\n", ""))).toEqual({ nothing: true, signal: true, input: true });
});

test("a signal that arrives just before a timer fires ends the next sleep beside the event loop", async () => {
  await using child = Bun.spawn([process.execPath, join(import.meta.dir, "late-signal.ts")], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const { isSafe, flushes } = await child.stdout.json();
  expect(isSafe).toBe(true);
  expect(flushes).toBeLessThan(3);
});
