import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type HostReader, hostReader } from "../../src/doctor/host-reader.ts";
import { OBSERVERS } from "../../src/observers/registry.ts";
import { encodeBtf } from "./btf-encoder.ts";

/** Differences of a machine from the good one below. */
export interface MachineOptions {
  /** Contents by path; null removes the file. */
  files?: Record<string, string | Uint8Array | null>;
  /** Files of an ordinary machine that this machine lacks. */
  without?: (path: string) => boolean;
  /** Targets of symbolic links by path; null removes the link. */
  links?: Record<string, string | null>;
  /** Shell scripts by name, in /usr/bin; null removes the program. */
  programs?: Record<string, string | null>;
  /** Files that this user may not read. */
  denied?: string[];
  machine?: string;
  /** Machine name, as from uname(2). */
  release?: string;
  glibc?: string | null;
}

/** A machine as a directory; its programs are scripts that really run. */
export interface RecordedMachine extends Disposable {
  host: HostReader;
  root: string;
}

/** Bits 0 to 40 without CAP_SYS_RESOURCE: root of an ordinary virtual machine. */
export const ROOT_CAPABILITIES = "000001fffeffffff";

/** The parts of /proc/self/status that matter here. */
export function status({ uid = 0, effective = ROOT_CAPABILITIES, bounding = ROOT_CAPABILITIES, seccomp = 0 } = {}) {
  return `Name:\tlinnix\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapEff:\t${effective}\nCapBnd:\t${bounding}\nSeccomp:\t${seccomp}\n`;
}

/** /proc/self/mountinfo of a machine with cgroup v2; `options` are those of /proc's superblock. */
export function mountinfo({ proc = "rw", cgroup = "v2", tracefs = true } = {}): string {
  const lines = [`22 27 0:21 / /proc rw,relatime - proc proc ${proc}`];
  if (cgroup !== "v1") lines.push("31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw");
  if (cgroup !== "v2") lines.push("32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu");
  if (tracefs) lines.push("35 23 0:12 / /sys/kernel/tracing rw,nosuid - tracefs tracefs rw");
  return `${lines.join("\n")}\n`;
}

/** /proc/cpuinfo of a CPU that linnix runs on. */
export const CPUINFO = "model name\t: Some CPU\nflags\t\t: fpu pni ssse3 cx16 sse4_1 sse4_2 popcnt hypervisor\n";

const FILES: Record<string, string | Uint8Array> = {
  "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
  "/proc/sys/kernel/cap_last_cap": "40\n",
  "/proc/sys/kernel/unprivileged_bpf_disabled": "2\n",
  "/proc/sys/kernel/perf_event_paranoid": "3\n",
  "/proc/sys/kernel/perf_event_mlock_kb": "516\n",
  "/proc/sys/kernel/bpf_stats_enabled": "0\n",
  "/proc/sys/kernel/yama/ptrace_scope": "1\n",
  "/proc/sys/net/core/bpf_jit_enable": "1\n",
  "/proc/sys/net/core/bpf_jit_harden": "0\n",
  "/proc/self/status": status(),
  "/proc/self/limits":
    "Limit  Soft Limit  Hard Limit  Units\nMax locked memory         8388608              8388608              bytes\n",
  "/proc/self/mountinfo": mountinfo(),
  "/proc/self/loginuid": "4294967295",
  "/proc/self/io": "",
  "/proc/1/cmdline": "/sbin/init\0",
  "/proc/filesystems": "nodev\tsysfs\nnodev\ttracefs\n\text4\n",
  "/proc/cmdline": "root=/dev/vda1 ro quiet\n",
  "/proc/stat": "cpu  100 0 100 9800 0 0 0 0 0 0\ncpu0 100 0 100 9800 0 0 0 0 0 0\n",
  "/proc/cpuinfo": CPUINFO,
  "/proc/meminfo": "MemTotal:        4000000 kB\nMemFree:  100 kB\nMemAvailable:    2000000 kB\n",
  "/sys/devices/system/cpu/online": "0-2,4\n",
  "/sys/devices/system/cpu/possible": "0-7\n",
  "/sys/devices/system/clocksource/clocksource0/current_clocksource": "kvm-clock\n",
  "/sys/devices/system/clocksource/clocksource0/available_clocksource": "kvm-clock tsc acpi_pm \n",
  "/sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
  "/sys/kernel/tracing/events/sched/sched_process_exit/format": "name: sched_process_exit\n",
  "/sys/kernel/btf/vmlinux": encodeBtf(),
  "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
};

const LINKS: Record<string, string> = {
  "/proc/1/exe": "/sbin/init",
  "/proc/self/ns/pid": "pid:[4026531836]",
  "/proc/self/ns/user": "user:[4026531837]",
};

const PROGRAMS: Record<string, string> = {
  ...Object.fromEntries(OBSERVERS.flatMap(({ programs }) => programs).map(({ name }) => [name, `echo ${name} 1.0`])),
  ps: "echo ps from procps-ng 4.0.2",
  top: "echo top from procps-ng 4.0.2",
  strace: "echo strace -- version 6.1",
  execsnoop: "echo execsnoop 0.1",
  exitsnoop: "echo exitsnoop 0.1",
  forkstat: "echo; echo forkstat, version 0.03.01",
  bpftrace: "echo bpftrace v0.17.0",
  pidstat: "echo sysstat version 12.6.1 >&2",
  ls: "",
  find: "",
  sha256sum: "",
  auditd: "",
  auditctl: auditctl({}),
};

/** A stand-in for auditctl that answers -v, -s and -l. */
export function auditctl({ enabled = 0, pid = 0, rules = "No rules" }): string {
  return `case $1 in
-v) echo auditctl version 3.0.9;;
-s) echo enabled ${enabled}; echo failure 1; echo pid ${pid};;
-l) echo "${rules}";;
esac`;
}

/** A machine without problems, except for the differences in `options`. */
export function recordMachine(options: MachineOptions = {}): RecordedMachine {
  const root = mkdtempSync(join(tmpdir(), "linnix-doctor-"));
  const place = (path: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    return join(root, path);
  };
  for (const [path, content] of Object.entries({ ...FILES, ...options.files })) {
    if (content !== null && !options.without?.(path)) writeFileSync(place(path), content);
  }
  for (const [path, target] of Object.entries({ ...LINKS, ...options.links })) {
    if (target !== null) symlinkSync(target, place(path));
  }
  for (const [name, script] of Object.entries({ ...PROGRAMS, ...options.programs })) {
    if (script === null) continue;
    const path = place(`/usr/bin/${name}`);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
  const real = hostReader(root);
  const denied = new Set(options.denied);
  return {
    root,
    host: {
      ...real,
      machine: options.machine ?? "x86_64",
      release: options.release ?? "99.0",
      glibc: options.glibc === undefined ? "2.36" : options.glibc,
      readFile: (path, maxBytes) =>
        denied.has(path) ? { ok: false, reason: "denied" } : real.readFile(path, maxBytes),
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
