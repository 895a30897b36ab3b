import { auditd } from "./auditd.ts";
import { bpftrace } from "./bpftrace.ts";
import { execsnoop } from "./execsnoop.ts";
import { execsnoopExitsnoop } from "./execsnoop-exitsnoop.ts";
import { forkstat } from "./forkstat.ts";
import { linnix, linnixProcesses, linnixSummary } from "./linnix.ts";
import type { Observer } from "./observer.ts";
import { pidstat } from "./pidstat.ts";
import { procList, procScan } from "./proc-scan.ts";
import { ps } from "./ps.ts";
import { psLog } from "./ps-log.ts";
import { strace } from "./strace.ts";
import { taskIterator } from "./task-iterator.ts";
import { top } from "./top.ts";

/** The ways of watching processes, in the order of the report. */
export const OBSERVERS: readonly Observer[] = [
  ps,
  psLog,
  top,
  pidstat,
  procScan,
  procList,
  taskIterator,
  strace,
  auditd,
  linnix,
  linnixProcesses,
  linnixSummary,
  execsnoop,
  execsnoopExitsnoop,
  forkstat,
  bpftrace,
];
