import { afterAll, expect, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Delivery } from "../../src/collect/delivery.ts";
import { NoneSink } from "../../src/sinks/none.ts";
import { Output } from "../../src/sinks/output.ts";

const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("a reader that takes nothing is asked ever less, and at once again when it takes something", async () => {
  const path = join(directory, "fifo");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  using output = Output.open(path);
  const text = new TextEncoder().encode("0123456789abcde\n".repeat(20_000));
  let looks = 0;
  let isReady = false;
  const look = () => {
    looks++;
    isReady = delivery.ready();
  };
  using delivery: Delivery = new Delivery((error) => expect(error).toBeUndefined(), look);
  delivery.open(new NoneSink(output), output);
  output.write(text, text.length);
  look();
  await Bun.sleep(1000);
  // Ten in the first tenth of a second, nine after it; a hundred where it is not given up.
  expect(looks).toBeLessThan(40);
  expect(isReady).toBe(false);
  const bytes = new Uint8Array(64 * 1024);
  for (let read = 0; read < text.length; ) {
    try {
      read += readSync(reader, bytes);
    } catch {
      await Bun.sleep(1);
    }
  }
  expect(isReady).toBe(true);
  closeSync(reader);
});
