import { formatSizeBytes } from "../config/units.ts";
import type { Check } from "./check.ts";
import { type HostReader, readNumber, readText } from "./host-reader.ts";
import { chargesMemlock, hasEnableStats, type KernelFacts } from "./kernel.ts";
import { holds, mayLoad, type PrivilegeFacts } from "./privileges.ts";

export interface PerfFacts {
  /** kernel.perf_event_paranoid; null if there are no perf events. */
  paranoid: number | null;
  /** kernel.perf_event_mlock_kb: ring memory that a user may map, for each online CPU. */
  mlockKib: number | null;
  /** RLIMIT_MEMLOCK, hard, in bytes; Infinity for unlimited, null if it cannot be read. */
  memlockBytes: number | null;
  /** Whether /proc/sys/kernel does not exist, as with the mount option `subset=pid` of /proc. */
  isHidden: boolean;
  /** kernel.bpf_stats_enabled. */
  bpfStats: number | null;
}

/** The control page of a ring is 64 KiB on some machines. */
const CONTROL_PAGE_KIB = 64;
/** More than all maps of a default run take together. */
const MAPS_BYTES = 32 << 20;

export function readPerf(host: HostReader): PerfFacts {
  const limit = /^Max locked memory\s+(\S+)\s+(\S+)/m.exec(readText(host, "/proc/self/limits") ?? "")?.[2];
  return {
    paranoid: readNumber(host, "/proc/sys/kernel/perf_event_paranoid"),
    mlockKib: readNumber(host, "/proc/sys/kernel/perf_event_mlock_kb"),
    memlockBytes: limit === undefined ? null : limit === "unlimited" ? Number.POSITIVE_INFINITY : Number(limit),
    isHidden: !host.exists("/proc/sys/kernel"),
    bpfStats: readNumber(host, "/proc/sys/kernel/bpf_stats_enabled"),
  };
}

/** The rings that `collect` opens. */
export interface WantedRings {
  /** Size of each ring with the settings in force. */
  ringBytes: number;
  /** CPUs that are online; null if unknown. */
  cpus: number | null;
}

export function checkPerf(
  perf: PerfFacts,
  kernel: KernelFacts,
  privileges: PrivilegeFacts,
  rings: WantedRings,
): Check[] {
  return [
    checkParanoid(perf, kernel, privileges),
    checkRingMemory(perf, privileges, rings),
    checkMemlock(perf, kernel, privileges),
    checkStatistics(perf, kernel, privileges),
  ];
}

function checkParanoid(perf: PerfFacts, kernel: KernelFacts, privileges: PrivilegeFacts): Check {
  const check = { id: "perf-event-paranoid", title: "perf events" };
  if (perf.paranoid === null) {
    if (kernel.config("PERF_EVENTS") === "y") {
      return { ...check, status: "info", found: "in this kernel; kernel.perf_event_paranoid cannot be read" };
    }
    if (perf.isHidden) return { ...check, status: "info", found: "unknown: /proc/sys is hidden here" };
    return {
      ...check,
      status: "fail",
      found: "kernel.perf_event_paranoid does not exist",
      costs: "without perf events there is no ring",
      hint: "a kernel with CONFIG_PERF_EVENTS=y",
    };
  }
  const found = `kernel.perf_event_paranoid = ${perf.paranoid}`;
  if (holds(privileges, "CAP_SYS_ADMIN"))
    return { ...check, status: "ok", found: `${found}, which does not apply to this user` };
  // Only kernels of Debian, Ubuntu and Android have levels above 2. Some of these kernels then require CAP_SYS_ADMIN.
  if (perf.paranoid > 2) {
    return {
      ...check,
      status: "warn",
      found,
      costs: "this level of the distribution may refuse perf rings without CAP_SYS_ADMIN",
      hint: "sysctl -w kernel.perf_event_paranoid=2",
    };
  }
  return { ...check, status: mayLoad(privileges) ? "ok" : "info", found };
}

function checkRingMemory(perf: PerfFacts, privileges: PrivilegeFacts, { ringBytes, cpus }: WantedRings): Check {
  const check = { id: "ring-memory", title: "ring memory" };
  if (holds(privileges, "CAP_IPC_LOCK") || perf.paranoid === -1) {
    return { ...check, status: "ok", found: "no limit for this user" };
  }
  if (perf.mlockKib === null) return { ...check, status: "info", found: "kernel.perf_event_mlock_kb cannot be read" };
  const found = `${perf.mlockKib} KiB a CPU (kernel.perf_event_mlock_kb)`;
  const size = formatSizeBytes(ringBytes);
  const wantedKib = Math.ceil(ringBytes / 1024) + CONTROL_PAGE_KIB;
  if (perf.mlockKib >= wantedKib) return { ...check, status: "ok", found: `${found}, a ring takes ${size}` };
  const moreKib = cpus === null ? 0 : cpus * (wantedKib - perf.mlockKib);
  if (cpus !== null && perf.memlockBytes !== null && moreKib * 1024 <= perf.memlockBytes) {
    const rest = `the rest of ${cpus} rings of ${size} fits in RLIMIT_MEMLOCK`;
    return { ...check, status: "ok", found: `${found}, ${rest}` };
  }
  return {
    ...check,
    status: "warn",
    found,
    costs: `the kernel may refuse a ring of ${size} for each CPU`,
    hint: `ulimit -l unlimited or LimitMEMLOCK=infinity, sysctl -w kernel.perf_event_mlock_kb=${wantedKib}, or a smaller --ring-size`,
  };
}

function checkMemlock(perf: PerfFacts, kernel: KernelFacts, privileges: PrivilegeFacts): Check {
  const check = { id: "memlock", title: "RLIMIT_MEMLOCK" };
  const bytes = perf.memlockBytes;
  const limit =
    bytes === null ? "unknown" : bytes === Number.POSITIVE_INFINITY ? "unlimited" : `${Math.round(bytes / 1024)} KiB`;
  const charges = chargesMemlock(kernel);
  if (charges === false) {
    return { ...check, status: "ok", found: `${limit}; BPF maps do not count against it on this kernel` };
  }
  if (holds(privileges, "CAP_SYS_RESOURCE")) {
    return {
      ...check,
      status: "ok",
      found: Number.isFinite(bytes ?? 0) ? `${limit}; linnix may raise it (CAP_SYS_RESOURCE)` : limit,
    };
  }
  if (bytes === null || charges === null) return { ...check, status: "info", found: limit };
  if (bytes >= MAPS_BYTES) return { ...check, status: "ok", found: limit };
  return {
    ...check,
    status: "fail",
    found: `${limit}, and no CAP_SYS_RESOURCE to raise it`,
    costs: "kernels before 5.11 charge BPF maps to it, and linnix's maps do not fit",
    hint: "ulimit -l unlimited as root, or LimitMEMLOCK=infinity in the unit",
  };
}

function checkStatistics(perf: PerfFacts, kernel: KernelFacts, privileges: PrivilegeFacts): Check {
  const check = { id: "bpf-statistics", title: "BPF statistics" };
  if (perf.bpfStats !== null && perf.bpfStats > 0) {
    return {
      ...check,
      status: "warn",
      found: "switched on for the whole machine (kernel.bpf_stats_enabled = 1)",
      costs: "each run of each BPF program reads the clock two more times",
      hint: "sysctl -w kernel.bpf_stats_enabled=0",
    };
  }
  if (hasEnableStats(kernel) === false) {
    return {
      ...check,
      status: "warn",
      found: "this kernel has only the sysctl and no BPF_ENABLE_STATS",
      costs: "overhead-test has no in-kernel figures: it does not set a sysctl that would stay on after a crash",
      hint: "a kernel of 5.8 or later",
    };
  }
  if (holds(privileges, "CAP_SYS_ADMIN")) {
    return { ...check, status: "ok", found: "off; overhead-test turns them on while it measures" };
  }
  return {
    ...check,
    status: "info",
    found: "off, and only CAP_SYS_ADMIN may switch them on",
    costs: "overhead-test has no in-kernel figures",
  };
}
