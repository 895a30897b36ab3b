import type { CgroupRef } from "../../wire/cgroup-ref.ts";
import type { Section } from "../section.ts";
import { cgroup, comm, durationNs, integer, listOf } from "../values.ts";

export interface FiltersSettings {
  /** These processes and all their descendants; empty: every process. */
  pids: number[];
  /** Real or effective user ids; empty: every user. */
  uids: number[];
  /** Names of at most 15 bytes; empty: every name. */
  comms: string[];
  cgroup: CgroupRef | null;
  /** Exits of processes that lived for less than this are not reported, ns; 0: all exits are reported. */
  minDurationNs: number;
}

/** PID_MAX_LIMIT of a 64-bit kernel: include/linux/threads.h. */
const PID_MAX = 4 * 1024 * 1024;
/** (uid_t) -1 means "no uid". */
const UID_MAX = 2 ** 32 - 2;
/** Maximum number of values that one filter takes. */
export const MAX_FILTER_VALUES = 64;

export const filters: Section<FiltersSettings> = {
  name: "filters",
  title: "Filters, applied in the kernel",
  keys: {
    pids: {
      toml: "pid",
      flag: "pid",
      hint: "PID",
      type: listOf(integer({ min: 1, max: PID_MAX, name: "a process id" }), { max: MAX_FILTER_VALUES }),
      default: [],
      doc: "only these processes and their descendants",
    },
    uids: {
      toml: "uid",
      flag: "uid",
      hint: "UID",
      type: listOf(integer({ min: 0, max: UID_MAX, name: "a numeric user id" }), { max: MAX_FILTER_VALUES }),
      default: [],
      doc: "only processes with this real or effective user id",
    },
    comms: {
      toml: "comm",
      flag: "comm",
      hint: "NAME",
      type: listOf(comm, { max: MAX_FILTER_VALUES }),
      default: [],
      doc: "only processes of this name (at most 15 bytes)",
    },
    cgroup: {
      toml: "cgroup",
      flag: "cgroup",
      hint: "PATH|ID",
      type: cgroup,
      default: null,
      doc: "only processes in this cgroup (v2 path or id) or below it",
      example: { path: "/system.slice/cron.service" },
    },
    minDurationNs: {
      toml: "min_duration",
      flag: "min-duration",
      hint: "DURATION",
      type: durationNs({ min: 0, max: "24h", example: "10ms" }),
      default: 0,
      doc: "only exits of processes at least this old",
    },
  },
};
