import { afterAll, afterEach, expect, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flushStderr, setStderr, writeStderr } from "../../src/config/log.ts";
import { channelOf } from "../../src/config/unblocked-stderr.ts";

const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => setStderr({ write: (bytes) => writeSync(2, bytes) }));

const MESSAGE = `${"m".repeat(200)}\n`;

test("a file: another thread writes messages in order, and the end waits for them", async () => {
  const path = join(directory, "log");
  const fd = openSync(path, "a");
  setStderr(channelOf(fd));
  for (let i = 0; i < 100; i++) writeStderr(`${i}\n`);
  await flushStderr();
  closeSync(fd);
  expect(readFileSync(path, "utf8")).toBe(Array.from({ length: 100 }, (_, i) => `${i}\n`).join(""));
});

test("a file: messages that arrive faster than they are written are dropped, and the next message has their number", async () => {
  const path = join(directory, "flooded");
  const fd = openSync(path, "a");
  setStderr(channelOf(fd));
  // All messages are sent in one turn of the event loop, so no write can complete meanwhile.
  for (let i = 0; i < 1000; i++) writeStderr(MESSAGE);
  await flushStderr();
  writeStderr("after\n");
  await flushStderr();
  closeSync(fd);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const written = lines.filter((line) => `${line}\n` === MESSAGE).length;
  expect(written).toBeLessThan(1000);
  expect(lines.slice(written)).toEqual([`linnix: ${1000 - written} messages are missing here`, "after"]);
});

test("a pipe that is not read: messages are dropped, and the next message has their number", () => {
  const path = join(directory, "fifo");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const fd = openSync(path, constants.O_WRONLY);
  setStderr(channelOf(fd));
  for (let i = 0; i < 1000; i++) writeStderr(MESSAGE);
  const bytes = new Uint8Array(64 * 1024);
  let text = "";
  const readAll = () => {
    try {
      for (let n = readSync(reader, bytes); n > 0; n = readSync(reader, bytes)) {
        text += new TextDecoder().decode(bytes.subarray(0, n));
      }
    } catch {
      // It is empty.
    }
  };
  readAll();
  writeStderr("after\n");
  readAll();
  expect(text).toMatch(/\nlinnix: \d+ messages are missing here\nafter\n$/);
  closeSync(fd);
  closeSync(reader);
});
