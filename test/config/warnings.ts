import { log } from "../../src/config/log.ts";

/** Collects warnings, in place of stderr. */
export class Warnings implements Disposable {
  readonly #reporters = log.options.reporters;
  #texts: string[] = [];

  constructor() {
    log.setReporters([{ log: ({ type, args }) => void (type === "warn" && this.#texts.push(String(args[0]))) }]);
  }

  /** Returns the warnings since the last call. */
  take(): string[] {
    return this.#texts.splice(0);
  }

  [Symbol.dispose](): void {
    log.setReporters(this.#reporters);
  }
}
