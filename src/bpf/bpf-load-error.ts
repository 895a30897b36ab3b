/** Why a BPF object could not be loaded. */
import type { NativeError } from "../sys/errno.ts";

/** A program that the kernel's verifier refused, or another failure to load. */
export class BpfLoadError extends Error {
  override readonly name = "BpfLoadError";

  /**
   * @param object name of the object
   * @param errno positive errno value of the load
   * @param verifierLog the kernel's log of the program that failed; empty if the load failed before the verifier ran
   */
  constructor(
    readonly object: string,
    readonly errno: number,
    readonly verifierLog: string,
    cause: NativeError,
  ) {
    super(
      `BPF object ${object} could not be loaded: ${[cause.code, verifierSummary(verifierLog)].filter(Boolean).join(": ")}`,
      { cause },
    );
  }
}

/** Matches a line of the log with an instruction. */
const INSTRUCTION = /^\d+: \([0-9a-f]{2}\)/;
/** Matches a line with source code or with the state of the verifier. */
const STATE = /^(;|\d+: R|from \d+ to \d+|R\d+(_\w+)?=|frame\d+:|mark_precise|last_idx|regs=|parent |stack=)/;

/**
 * The line of a verifier's log with the error. It is the first line after the last instruction; hints may follow it.
 */
export function verifierSummary(log: string): string {
  const lines = log.split("\n").filter((line) => line && !line.startsWith("processed ") && !line.startsWith("-- "));
  const last = lines.findLastIndex((line) => INSTRUCTION.test(line));
  const said = lines.slice(last + 1).filter((line) => !STATE.test(line));
  return said[0] ?? lines.at(-1) ?? "";
}
