import { afterAll, expect, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Delivery } from "../../src/collect/delivery.ts";
import type { EventView } from "../../src/process/event-view.ts";
import { NoneSink } from "../../src/sinks/none.ts";
import { Output, type OutputOptions } from "../../src/sinks/output.ts";

const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface FullFifo extends Disposable {
  output: Output;
  reader: number;
  text: Uint8Array;
}

/** A full FIFO whose reader reads nothing. */
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

test("a reader that reads nothing is tried ever less often, and again at once after it has read", async () => {
  using fifo = await fullFifo("fifo");
  const { output, reader, text } = fifo;
  let looks = 0;
  let isReady = false;
  const look = () => {
    looks++;
    isReady = delivery.ready();
  };
  using delivery: Delivery = new Delivery((error) => expect(error).toBeUndefined());
  delivery.open(new NoneSink(output), output, look);
  look();
  await Bun.sleep(1000);
  // Ten tries in the first tenth of a second, nine after it; without the growing pauses a hundred.
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

test("while a reader reads nothing, all work except the output goes on", async () => {
  using fifo = await fullFifo("stopped");
  const { output } = fifo;
  using delivery = new Delivery((error) => expect(error).toBeUndefined());
  const turns: string[] = [];
  const sink = new NoneSink(output);
  sink.flush = () => void turns.push("sink");
  delivery.add({ write() {}, notice() {}, flush: () => void turns.push("api") });
  delivery.open(sink, output, () => {});
  delivery.onIdle = () => void turns.push("budget");
  expect(delivery.ready()).toBe(false);
  delivery.idle();
  expect(turns.splice(0)).toEqual(["api", "budget"]);
  const bytes = new Uint8Array(64 * 1024);
  while (!delivery.ready()) readSync(fifo.reader, bytes);
  delivery.idle();
  expect(turns).toEqual(["sink", "api", "budget"]);
});

/** Gathers a line for each event. */
class Lines extends NoneSink {
  readonly #output: Output;
  #lines = "";

  constructor(output: Output) {
    super(output);
    this.#output = output;
  }

  override write(): void {
    this.#lines += '{"type":"exec"}\n';
  }

  override flush(): void {
    const bytes = new TextEncoder().encode(this.#lines);
    this.#lines = "";
    if (bytes.length > 0) this.#output.write(bytes, bytes.length);
  }
}

test("events after a permanent failure of the output count as unwritten", async () => {
  await using output = await Output.open("/dev/full");
  const errors: unknown[] = [];
  using delivery = new Delivery((error) => void errors.push(error));
  delivery.open(new Lines(output), output, () => {});
  const event = () => delivery.event({} as EventView);
  event();
  delivery.idle();
  event();
  event();
  delivery.idle();
  // At the end of the run the rings are read; the sink keeps this line.
  event();
  expect(errors.map(String)).toEqual([expect.stringContaining("no space is left")]);
  const summaries: number[] = [];
  delivery.summaryToStderr(() => {
    summaries.push(delivery.unwritten.lines);
    return {} as never;
  });
  expect(summaries).toEqual([4]);
  expect(delivery.unwritten.by_type.exec).toBe(4);
});

test("every sink gets each event, the output first; a removed sink gets no more events", async () => {
  await using output = await Output.open("/dev/null");
  using delivery = new Delivery((error) => expect(error).toBeUndefined());
  const turns: string[] = [];
  const sinkOf = (name: string) => ({
    begins: () => void turns.push(`${name} begins`),
    write: () => void turns.push(`${name} event`),
    notice: ({ type }: { type: string }) => void turns.push(`${name} ${type}`),
    flush: () => void turns.push(`${name} flush`),
    isBusy: name === "busy",
  });
  const [api, busy] = [sinkOf("api"), sinkOf("busy")];
  delivery.add(api);
  delivery.open(Object.assign(new NoneSink(output), sinkOf("output")), output, () => {});
  delivery.othersFreeMs = () => 7;
  expect(delivery.freeMs()).toBe(7);
  delivery.add(busy);
  expect(delivery.freeMs()).toBe(0);
  delivery.remove(busy);
  delivery.begins();
  delivery.event({} as EventView);
  delivery.notice({ type: "lost", time: "", ts_ns: 1n, cpu: 0, reason: "ring_full", count: 1 });
  delivery.idle();
  expect(turns).toEqual(["begins", "event", "lost", "flush"].flatMap((turn) => [`output ${turn}`, `api ${turn}`]));
});

test("a sink that throws ends the delivery: no sink gets further events", () => {
  const errors: unknown[] = [];
  using delivery = new Delivery((error) => void errors.push(error));
  let events = 0;
  const throws = () => {
    events++;
    throw new Error("broken");
  };
  delivery.add({ write: throws, notice() {}, flush() {} });
  delivery.event({} as EventView);
  delivery.event({} as EventView);
  expect([errors.map(String), events]).toEqual([["Error: broken"], 1]);
});
