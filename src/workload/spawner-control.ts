import { EXIT, type ExitCode } from "../errors.ts";
import { LineCutter } from "../sys/child.ts";
import { COMMAND } from "./protocol.ts";
import type { LoopControl } from "./spawn-loop.ts";

const SIGNALS: readonly [NodeJS.Signals, ExitCode][] = [
  ["SIGINT", EXIT.sigint],
  ["SIGTERM", EXIT.sigterm],
  ["SIGHUP", EXIT.sigterm],
];

/** Commands to the spawner process: lines on its standard input, the end of that input, signals. */
export class SpawnerControl implements LoopControl, Disposable {
  request: "stop" | "abort" | null = null;
  /** Whether the process that started this one is gone, so that the output has no reader. */
  orphaned = false;
  /** The exit code for the first signal that arrived; null if none did. */
  signalExitCode: ExitCode | null = null;
  readonly #input: NodeJS.ReadStream;
  readonly #cutter = new LineCutter();
  readonly #lines: string[] = [];
  #wake: (() => void) | null = null;
  readonly #undo = new DisposableStack();

  constructor(input: NodeJS.ReadStream) {
    this.#input = input;
    this.#input.setEncoding("utf8");
    this.#on("data", (piece: string) => {
      for (const line of this.#cutter.push(piece)) this.#line(line);
    });
    const gone = (): void => {
      this.orphaned = true;
      this.#ask("abort");
    };
    this.#on("end", gone);
    this.#on("error", gone);
    for (const [signal, exitCode] of SIGNALS) {
      const handler = (): void => {
        this.signalExitCode ??= exitCode;
        this.#ask("abort");
      };
      process.on(signal, handler);
      this.#undo.defer(() => process.off(signal, handler));
    }
  }

  /** The next line, or null if the end was requested before it arrived. */
  async line(): Promise<string | null> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.request !== null) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    this.#undo.dispose();
    this.#input.pause();
    // An open pipe must not keep this process alive after its work. The stream of a file has no such method.
    (this.#input as { unref?: () => void }).unref?.();
  }

  #on<A extends unknown[]>(event: string, handler: (...args: A) => void): void {
    this.#input.on(event, handler as (...args: unknown[]) => void);
    this.#undo.defer(() => this.#input.off(event, handler as (...args: unknown[]) => void));
  }

  #line(line: string): void {
    if (line === COMMAND.stop) this.#ask("stop");
    else {
      this.#lines.push(line);
      this.#wake?.();
    }
  }

  #ask(request: "stop" | "abort"): void {
    if (this.request !== "abort") this.request = request;
    this.#wake?.();
  }
}
