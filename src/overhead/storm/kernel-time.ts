import { calledProgramIds, readHeldBpf } from "../../bpf/bpf-held.ts";
import { type BpfProgramInfo, ProgramHandles } from "../../bpf/bpf-programs.ts";
import { runTimeDifference } from "../../bpf/bpf-run-time.ts";
import { enableRunTimeStats } from "../../bpf/bpf-stats.ts";
import { log } from "../../config/log.ts";
import { LinnixError } from "../../errors.ts";

/** Time in the BPF programs that a process attached, from `begin` to `end`. The kernel counts until disposed of. */
export class KernelTime implements Disposable {
  readonly #resources = new DisposableStack();
  readonly #programs: ProgramHandles;
  readonly #isCounted: boolean;
  #before: ReadonlyMap<number, BpfProgramInfo> | null = null;
  #runNs: number | null = null;

  constructor(pid: number) {
    this.#isCounted = this.#enable();
    // Programs that the process calls itself run in its own CPU time.
    const called = calledProgramIds(pid);
    const ids = readHeldBpf(pid).programIds.filter((id) => !called.includes(id));
    this.#programs = this.#resources.use(new ProgramHandles(ids));
  }

  begin(): void {
    if (this.#isCounted) this.#before = this.#programs.read();
  }

  end(): void {
    if (this.#before !== null) this.#runNs = runTimeDifference(this.#before, this.#programs.read()).runNs;
  }

  /** The time, ns; null if the kernel did not count it. */
  get runNs(): number | null {
    return this.#runNs;
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }

  #enable(): boolean {
    try {
      this.#resources.use(enableRunTimeStats());
      return true;
    } catch (error) {
      if (!(error instanceof LinnixError)) throw error;
      log.warn([error.what, error.why].filter(Boolean).join(": "));
      return false;
    }
  }
}
