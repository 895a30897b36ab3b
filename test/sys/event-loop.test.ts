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
