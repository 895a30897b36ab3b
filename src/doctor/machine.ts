import { formatSizeBytes } from "../config/units.ts";
import type { Check } from "./check.ts";
import { type HostReader, readText } from "./host-reader.ts";

export interface MachineFacts {
  cpusOnline: number | null;
  cpusPossible: number | null;
  cpuModel: string | null;
  memoryBytes: number | null;
  memoryAvailableBytes: number | null;
  /** Name of the hypervisor, `vm` if only its presence is known, `none` on bare metal, null if unknown. */
  virtualization: string | null;
  /** PRETTY_NAME of os-release(5). */
  distribution: string | null;
  /** RLIMIT_NOFILE, hard: the runtime raises the soft limit to it; Infinity for unlimited, null if unknown. */
  maxOpenFiles: number | null;
  /** Whether apt installs packages here. */
  usesApt: boolean;
}

/** Available memory that is enough for a collector with a table of some thousand processes. */
const COMFORTABLE_BYTES = 128 << 20;

export function readMachine(host: HostReader): MachineFacts {
  const cpuinfo = readText(host, "/proc/cpuinfo") ?? "";
  const meminfo = readText(host, "/proc/meminfo") ?? "";
  const osRelease = readText(host, "/etc/os-release") ?? readText(host, "/usr/lib/os-release") ?? "";
  const field = (name: string) => new RegExp(`^${name}=["']?(.*?)["']?$`, "m").exec(osRelease)?.[1] ?? null;
  const memory = (name: string) => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  };
  return {
    cpusOnline: countCpus(readText(host, "/sys/devices/system/cpu/online")),
    cpusPossible: countCpus(readText(host, "/sys/devices/system/cpu/possible")),
    cpuModel: /^(?:model name|Model|CPU part)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1] ?? null,
    memoryBytes: memory("MemTotal"),
    memoryAvailableBytes: memory("MemAvailable"),
    virtualization: readVirtualization(host, cpuinfo),
    maxOpenFiles: readMaxOpenFiles(host),
    distribution: field("PRETTY_NAME"),
    usesApt: /\b(debian|ubuntu)\b/.test(`${field("ID")} ${field("ID_LIKE")}`),
  };
}

export function checkMachine(machine: MachineFacts, ringBytes: number): Check[] {
  return [checkCpus(machine, ringBytes), checkMemory(machine)];
}

function checkCpus({ cpusOnline, cpusPossible }: MachineFacts, ringBytes: number): Check {
  const check = { id: "cpus", title: "CPUs" };
  if (cpusOnline === null) return { ...check, status: "info", found: "cannot be read" };
  const possible = cpusPossible === null ? "" : ` of ${cpusPossible} possible`;
  return {
    ...check,
    status: "ok",
    found: `${cpusOnline} online${possible}; rings take ${cpusOnline} × ${formatSizeBytes(ringBytes)}`,
  };
}

function checkMemory({ memoryBytes, memoryAvailableBytes }: MachineFacts): Check {
  const check = { id: "memory", title: "memory" };
  if (memoryBytes === null || memoryAvailableBytes === null) {
    return { ...check, status: "info", found: "cannot be read" };
  }
  const found = `${formatBytes(memoryAvailableBytes)} available of ${formatBytes(memoryBytes)}`;
  if (memoryAvailableBytes >= COMFORTABLE_BYTES) return { ...check, status: "ok", found };
  return { ...check, status: "warn", found, costs: "linnix takes about 40 MiB, most of it pages of its executable" };
}

function formatBytes(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function readMaxOpenFiles(host: HostReader): number | null {
  const limit = /^Max open files\s+\S+\s+(\S+)/m.exec(readText(host, "/proc/self/limits") ?? "")?.[1];
  return limit === undefined ? null : limit === "unlimited" ? Number.POSITIVE_INFINITY : Number(limit);
}

/** Number of CPUs in a list such as `0-3,8,10-11`; null if the text is not such a list. */
function countCpus(list: string | null): number | null {
  if (list === null || !/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(list)) return null;
  let count = 0;
  for (const range of list.split(",")) {
    const [first = 0, last = first] = range.split("-").map(Number);
    count += last - first + 1;
  }
  return count;
}

/** Product and vendor names of DMI that mean a hypervisor. */
const DMI_NAMES: readonly [RegExp, string][] = [
  [/Amazon EC2/, "amazon"],
  [/Google/, "google"],
  [/KVM|QEMU|OpenStack/, "kvm"],
  [/VMware/, "vmware"],
  [/VirtualBox|innotek/, "oracle"],
  [/Virtual Machine/, "microsoft"],
  [/Xen/, "xen"],
  [/Parallels/, "parallels"],
  [/Apple Virtualization/, "apple"],
];

function readVirtualization(host: HostReader, cpuinfo: string): string | null {
  const hypervisor = readText(host, "/sys/hypervisor/type");
  if (hypervisor) return hypervisor;
  // QEMU without KVM has TCG in the name of its CPU. Its DMI names are the same as with KVM.
  if (/^model name\s*:.*\bTCG\b/m.test(cpuinfo)) return "qemu";
  const isVirtual = /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo);
  const dmi = ["sys_vendor", "product_name"].map((name) => readText(host, `/sys/class/dmi/id/${name}`) ?? "").join(" ");
  const named = DMI_NAMES.find(([pattern]) => pattern.test(dmi))?.[1];
  const clocks = readText(host, "/sys/devices/system/clocksource/clocksource0/available_clocksource") ?? "";
  if (named && (isVirtual || host.machine !== "x86_64")) return named;
  if (clocks.includes("kvm-clock")) return "kvm";
  if (clocks.includes("hyperv")) return "microsoft";
  if (isVirtual) return "vm";
  return host.machine === "x86_64" && cpuinfo !== "" ? "none" : null;
}
