import { constants, write, writeSync } from "node:fs";
import { isBackgroundHeld, onBackgroundReleased } from "../sys/background-hold.ts";
import { fileStatus } from "../sys/file-status.ts";
import { sendNow } from "../sys/send.ts";
import { unblocked } from "../sys/unblocked.ts";
import { type StderrChannel, setStderr } from "./log.ts";

const STDERR = 2;
/** Maximum log text that waits while the file accepts nothing, bytes. */
const MAX_WAITING_BYTES = 64 * 1024;

/**
 * After this call, writing a message never blocks this thread, even if the terminal is stopped (Ctrl-S), a pipe or
 * socket has no reader, or the filesystem of a file does not answer.
 */
export function unblockStderr(): void {
  try {
    setStderr(channelOf(STDERR));
  } catch {
    // stderr is closed, so nothing can block.
  }
}

/** @returns a way to write to that descriptor that never blocks */
export function channelOf(fd: number): StderrChannel {
  const { kind, isNull } = fileStatus(fd);
  if (kind === "socket") return { write: (bytes) => sendNow(fd, bytes) };
  const own = kind === "file" ? fd : unblocked(fd);
  const mayBlock = kind === "file" || (!isNull && (fileStatus(own).flags & constants.O_NONBLOCK) === 0);
  if (mayBlock) return new BackgroundStderr(own);
  return { write: (bytes) => writeSync(own, bytes) };
}

/** Another thread writes the messages, one after the other. */
class BackgroundStderr implements StderrChannel {
  readonly #fd: number;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isUnderWay = false;
  #whenDone = Promise.withResolvers<void>();

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Uint8Array): number {
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      throw Object.assign(new Error("no room"), { code: "ENOBUFS" });
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writeOn();
    return bytes.length;
  }

  async flushed(): Promise<void> {
    while (this.#waiting.length > 0) await this.#whenDone.promise;
  }

  #writeOn(): void {
    const [first] = this.#waiting;
    if (this.#isUnderWay || !first) return;
    this.#isUnderWay = true;
    if (isBackgroundHeld()) {
      onBackgroundReleased(() => {
        this.#isUnderWay = false;
        this.#writeOn();
      });
      return;
    }
    write(this.#fd, first, 0, first.length, null, (error, written) => {
      this.#isUnderWay = false;
      // A failed write is not tried again, because a full disk stays full for longer than a message is useful.
      const done = error ? first.length : written;
      this.#waitingBytes -= done;
      if (done < first.length) this.#waiting[0] = first.subarray(done);
      else this.#waiting.shift();
      this.#whenDone.resolve();
      this.#whenDone = Promise.withResolvers();
      this.#writeOn();
    });
  }
}
