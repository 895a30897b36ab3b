import { closeSync } from "node:fs";
import { EXIT, LinnixError } from "../errors.ts";
import { bpfError } from "./bpf-programs.ts";
import { BPF_CMD, BpfAttr, bpf } from "./cost-bpf.ts";

const BPF_STATS_RUN_TIME = 0;
const EINVAL = -22;

/** Statistics are on as long as this is open. */
export class RunTimeStats implements Disposable {
  #fd: number | null;

  constructor(fd: number) {
    this.#fd = fd;
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes the kernel count the runs of every BPF program on the machine, and their time, as long as the result is open
 * (BPF_ENABLE_STATS, Linux 5.8+). The kernel closes the file descriptor when this process ends, so a crash does not
 * leave the counting on. The sysctl would stay on. Counting adds two reads of the clock to each run; see
 * `priceRunTimeStats`. Needs CAP_SYS_ADMIN.
 *
 * @throws LinnixError (exit code 3) if the kernel does not support or permit it
 */
export function enableRunTimeStats(): RunTimeStats {
  const fd = bpf(BPF_CMD.enableStats, new BpfAttr().setU32(0, BPF_STATS_RUN_TIME));
  if (fd >= 0) return new RunTimeStats(fd);
  if (fd === EINVAL) {
    throw new LinnixError("cannot-run.bpf-stats", EXIT.cannotRun, {
      what: "cannot measure the time in BPF programs",
      why: "this kernel has no BPF_ENABLE_STATS (it came with Linux 5.8)",
      hint: "use a newer kernel",
    });
  }
  throw bpfError("switch the statistics of BPF programs on", fd);
}
