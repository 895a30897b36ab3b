import type { Record } from "../wire/record.ts";

/** Lists live processes; `each` gets a cursor that is invalid after it returns. */
export interface ProcessLister extends Disposable {
  readonly source: "task-iterator" | "proc" | "none";
  list(each: (record: Record) => void): void;
  /**
   * Whether the last list may lack that process although it lives. Then its absence does not mean that it has ended. A
   * lister without this function lists every process of the machine.
   * @param pid the kernel's
   * @param startNs CLOCK_BOOTTIME; 0: not known
   */
  mayHide?(pid: number, startNs: number): boolean;
}
