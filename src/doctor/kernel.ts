import { KERNEL_BTF } from "../bpf/bpf-object.ts";
import { isOldGlibc, missingCpuFlags, OLDEST_GLIBC_MINOR, OLDEST_KERNEL } from "../floor.ts";
import { IO_ACCOUNTING_FILE, LOGIN_UID_FILE } from "../probes/missing-fields.ts";
import { POSSIBLE_CPUS } from "../sys/cpus.ts";
import { isAtLeast, type KernelVersion, kernelRelease, parseKernelVersion } from "../sys/kernel-version.ts";
import { type BtfFeatures, readBtfFeatures } from "./btf.ts";
import type { Check } from "./check.ts";
import { type HostReader, type ReadFailure, readText } from "./host-reader.ts";

export interface KernelFacts {
  release: string | null;
  version: KernelVersion | null;
  /** As `uname -m` prints it. */
  machine: string;
  /** CPU features that linnix needs and this CPU lacks. */
  missingCpuFlags: string[];
  /** Version of the C library; null if unknown. */
  glibc: string | null;
  /** Whether the kernel was built with bpf(2). False may also mean that a container hides it. */
  hasBpf: boolean;
  btf: BtfFacts;
  /** Whether /sys is mounted. */
  hasSysfs: boolean;
  /** Whether the kernel counts the bytes that each process reads and writes. */
  ioAccounting: boolean;
  /** Whether the kernel stores the login uid of each process. */
  loginUids: boolean;
  /** Value of an option of the kernel's configuration: `n` if it is not set; null if no configuration is readable. */
  config(name: string): string | null;
  /** Words of the kernel command line. */
  commandLine: string[];
}

export interface BtfFacts {
  /** Why there are no features: the file is absent, denied, unreadable, or not BTF. Null if there are features. */
  failure: ReadFailure | "malformed" | null;
  sizeBytes: number;
  features: BtfFeatures | null;
}

/** Current kernels have 5 to 10 MB of BTF. */
const MAX_BTF_BYTES = 64 << 20;

export function readKernel(host: HostReader): KernelFacts {
  const ofProc = readText(host, "/proc/sys/kernel/osrelease");
  const release = ofProc && kernelRelease(ofProc, host.release);
  return {
    release,
    version: parseKernelVersion(release),
    machine: host.machine,
    missingCpuFlags: missingCpuFlags(readText(host, "/proc/cpuinfo")),
    glibc: host.glibc,
    // The sysctl and the mount point both come with CONFIG_BPF_SYSCALL; a container may hide either.
    hasBpf: host.exists("/proc/sys/kernel/unprivileged_bpf_disabled") || host.exists("/sys/fs/bpf"),
    btf: readBtf(host),
    hasSysfs: host.exists(POSSIBLE_CPUS),
    ioAccounting: host.exists(IO_ACCOUNTING_FILE),
    loginUids: host.exists(LOGIN_UID_FILE),
    config: readConfig(host, release),
    commandLine: (readText(host, "/proc/cmdline") ?? "").split(/\s+/),
  };
}

/** Whether BPF programs can read the boot-time clock, the newest feature that both backends need. Null if unknown. */
export function hasBootClock(kernel: KernelFacts): boolean | null {
  return kernel.btf.features?.bootClock ?? isAtLeast(kernel.version, 5, 8);
}

/** Whether BPF maps are charged to RLIMIT_MEMLOCK; null if that is not known. */
export function chargesMemlock(kernel: KernelFacts): boolean | null {
  const isNew = kernel.btf.features?.memcgAccounting ?? isAtLeast(kernel.version, 5, 11);
  return isNew === null ? null : !isNew;
}

/** Whether BPF statistics can be turned on by a file descriptor (`BPF_ENABLE_STATS`); null if unknown. */
export function hasEnableStats(kernel: KernelFacts): boolean | null {
  return kernel.btf.features?.enableStats ?? isAtLeast(kernel.version, 5, 8);
}

/** Whether the `btf` backend finds what it needs in this kernel. */
export function offersBtfBackend(kernel: KernelFacts): boolean {
  return kernel.btf.features?.processTracepoints === true;
}

export function checkKernel(kernel: KernelFacts): Check[] {
  return [checkRelease(kernel), checkMachine(kernel), checkCLibrary(kernel), checkBpf(kernel), checkBtf(kernel)];
}

/** Checks smaller features of the kernel, which linnix uses if they exist. */
export function checkFeatures(kernel: KernelFacts): Check[] {
  return [checkTaskIterator(kernel), checkTaskStorage(kernel), checkGroupDead(kernel), checkIoAccounting(kernel)];
}

function checkRelease(kernel: KernelFacts): Check {
  const check = { id: "kernel", title: "kernel", found: kernel.release ?? "/proc/sys/kernel/osrelease cannot be read" };
  const hint = "boot a kernel of 5.10 or later";
  const isNew = isAtLeast(kernel.version, OLDEST_KERNEL.major, OLDEST_KERNEL.minor);
  if (isNew === false || hasBootClock(kernel) === false) {
    return { ...check, status: "fail", costs: "linnix needs BPF features of Linux 5.10", hint };
  }
  if (isNew) return { ...check, status: "ok", found: `${check.found} (5.10 and later are tested)` };
  return { ...check, status: "warn", costs: "its version is unknown, so its features are a guess" };
}

function checkMachine(kernel: KernelFacts): Check {
  const check = { id: "arch", title: "architecture", found: kernel.machine };
  if (kernel.missingCpuFlags.length > 0) {
    return {
      ...check,
      status: "fail",
      costs: `linnix needs x86-64-v2, and this CPU has no ${kernel.missingCpuFlags.join(", ")}`,
      hint: "give a virtual machine another CPU model, such as host or Nehalem",
    };
  }
  if (kernel.machine === "x86_64" || kernel.machine === "aarch64") return { ...check, status: "ok" };
  return { ...check, status: "warn", costs: "linnix is made for x86_64 and aarch64" };
}

function checkCLibrary({ glibc }: KernelFacts): Check {
  const check = { id: "c-library", title: "C library", found: glibc === null ? "version unknown" : `glibc ${glibc}` };
  const oldest = `2.${OLDEST_GLIBC_MINOR}`;
  if (glibc === null) return { ...check, status: "info" };
  if (!isOldGlibc(glibc)) return { ...check, status: "ok", found: `${check.found} (linnix needs ${oldest} or later)` };
  return {
    ...check,
    status: "fail",
    costs: `the libraries in linnix need glibc ${oldest}`,
    hint: "use a newer distribution, such as Debian 11",
  };
}

function checkBpf(kernel: KernelFacts): Check {
  const check = { id: "bpf", title: "bpf(2)" };
  if (kernel.hasBpf) return { ...check, status: "ok", found: "in this kernel" };
  if (kernel.config("BPF_SYSCALL") === "y") {
    return {
      ...check,
      status: "ok",
      found: "in this kernel; /proc/sys/kernel/unprivileged_bpf_disabled and /sys/fs/bpf are hidden",
    };
  }
  return {
    ...check,
    status: "fail",
    found: "neither /proc/sys/kernel/unprivileged_bpf_disabled nor /sys/fs/bpf exists",
    costs: "without bpf(2) no program can be loaded",
    hint: "a kernel with CONFIG_BPF_SYSCALL=y",
  };
}

function checkBtf(kernel: KernelFacts): Check {
  const { failure, sizeBytes, features } = kernel.btf;
  const check = { id: "btf", title: "kernel BTF" };
  const costs = "collect uses the tracepoint backend, which reports neither arguments nor the figures of exits";
  if (features === null && !kernel.hasSysfs) {
    return { ...check, status: "warn", found: "/sys is not mounted", costs, hint: "mount -t sysfs sysfs /sys" };
  }
  if (features === null) {
    const why = { absent: "not there", denied: "not readable", failed: "not readable", malformed: "not BTF" };
    return {
      ...check,
      status: "warn",
      found: `${KERNEL_BTF} is ${why[failure ?? "absent"]}`,
      costs,
      hint:
        failure === "absent"
          ? "use a kernel built with CONFIG_DEBUG_INFO_BTF=y; most distributions' kernels are"
          : `make ${KERNEL_BTF} of the host readable here`,
    };
  }
  const found = `${KERNEL_BTF}, ${(sizeBytes / 2 ** 20).toFixed(1)} MiB`;
  if (features.processTracepoints) return { ...check, status: "ok", found };
  return {
    ...check,
    status: "warn",
    found: `${found}, without the tracepoints of fork, exec and exit`,
    costs,
    hint: "boot a kernel of 5.5 or later",
  };
}

function checkTaskIterator(kernel: KernelFacts): Check {
  const check = { id: "task-iterator", title: "task iterator" };
  if (kernel.btf.features?.taskIterator) return { ...check, status: "ok", found: "iter/task" };
  return {
    ...check,
    status: "warn",
    found: unknownWithoutBtf(kernel, "not in this kernel"),
    costs: "processes that ran before collect began are read from /proc, at about 40 times the cost",
    hint: "a kernel of 5.8 or later with BTF",
  };
}

function checkTaskStorage(kernel: KernelFacts): Check {
  const check = { id: "task-storage", title: "task storage" };
  if (kernel.btf.features?.taskStorage) return { ...check, status: "ok", found: "for tracing programs" };
  return {
    ...check,
    status: "info",
    found: unknownWithoutBtf(kernel, "not in this kernel (5.13)"),
    costs: "linnix uses a hash map instead",
  };
}

function checkGroupDead(kernel: KernelFacts): Check {
  const check = { id: "group-dead", title: "group_dead" };
  if (kernel.btf.features?.exitHasGroupDead) {
    return { ...check, status: "ok", found: "sched_process_exit reports which thread was the last" };
  }
  return {
    ...check,
    status: "info",
    found: unknownWithoutBtf(kernel, "sched_process_exit does not report which thread was the last"),
    costs: "linnix counts threads itself",
  };
}

function checkIoAccounting(kernel: KernelFacts): Check {
  const check = { id: "io-accounting", title: "I/O accounting" };
  if (kernel.ioAccounting) return { ...check, status: "ok", found: "read_bytes and write_bytes of each process" };
  return {
    ...check,
    status: "warn",
    found: "not in this kernel",
    costs: "read_bytes and write_bytes are null",
    hint: "a kernel with CONFIG_TASK_IO_ACCOUNTING=y",
  };
}

function unknownWithoutBtf(kernel: KernelFacts, otherwise: string): string {
  return kernel.btf.features === null ? "unknown without BTF" : otherwise;
}

function readBtf(host: HostReader): BtfFacts {
  const result = host.readFile(KERNEL_BTF, MAX_BTF_BYTES);
  if (!result.ok) return { failure: result.reason, sizeBytes: 0, features: null };
  const features = readBtfFeatures(result.bytes);
  return { failure: features ? null : "malformed", sizeBytes: result.bytes.length, features };
}

function readConfig(host: HostReader, release: string | null): KernelFacts["config"] {
  const text = unzipped(host, "/proc/config.gz") ?? (release && readText(host, `/boot/config-${release}`));
  if (!text) return () => null;
  const values = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/^CONFIG_(\w+)=(.*)$/gm)) {
    if (name !== undefined && value !== undefined) values.set(name, value);
  }
  return (name) => values.get(name) ?? "n";
}

function unzipped(host: HostReader, path: string): string | null {
  const result = host.readFile(path);
  if (!result.ok) return null;
  try {
    return new TextDecoder().decode(Bun.gunzipSync(new Uint8Array(result.bytes)));
  } catch {
    return null;
  }
}
