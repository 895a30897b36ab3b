import { afterAll, expect, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiServer } from "../../src/api/server.ts";
import { Delivery } from "../../src/collect/delivery.ts";
import { NoneSink } from "../../src/sinks/none.ts";
import { Output, type OutputOptions } from "../../src/sinks/output.ts";

const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface FullFifo extends Disposable {
  output: Output;
  reader: number;
  text: Uint8Array;
}

/** A FIFO that is full: its reader reads nothing. */
async function fullFifo(name: string, options?: OutputOptions): Promise<FullFifo> {
  const path = join(directory, name);
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const output = await Output.open(path, options);
  const text = new TextEncoder().encode("0123456789abcde\n".repeat(20_000));
  output.write(text, text.length);
  expect(output.isBlocked).toBe(true);
  const close = () => {
    void output.close();
    closeSync(reader);
  };
  return { output, reader, text, [Symbol.dispose]: close };
}

test("a reader that takes nothing is asked ever less, and at once again when it takes something", async () => {
  using fifo = await fullFifo("fifo");
  const { output, reader, text } = fifo;
  let looks = 0;
  let isReady = false;
  const look = () => {
    looks++;
    isReady = delivery.ready();
  };
  using delivery: Delivery = new Delivery((error) => expect(error).toBeUndefined(), look);
  delivery.open(new NoneSink(output), output);
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
});

test("while a reader takes nothing, all but the output have their turn", async () => {
  using fifo = await fullFifo("stopped");
  const { output } = fifo;
  using delivery = new Delivery(
    (error) => expect(error).toBeUndefined(),
    () => {},
  );
  const turns: string[] = [];
  const sink = new NoneSink(output);
  sink.flush = () => void turns.push("sink");
  delivery.open(sink, output);
  delivery.api = { flush: () => void turns.push("api") } as ApiServer;
  delivery.onIdle = () => void turns.push("budget");
  expect(delivery.ready()).toBe(false);
  delivery.idle();
  expect(turns.splice(0)).toEqual(["api", "budget"]);
  const bytes = new Uint8Array(64 * 1024);
  while (!delivery.ready()) readSync(fifo.reader, bytes);
  delivery.idle();
  expect(turns).toEqual(["sink", "api", "budget"]);
});
