/** Containers that boot a whole system, by their cgroups: LXC (and so LXD, Incus, Proxmox), systemd-nspawn, libvirt-lxc. */
import type { Container } from "../wire/event.ts";

/** The cgroup that holds all of a container's processes. */
export interface Payload {
  /** Null: the path has no name of it. */
  container: Container | null;
}

/** LXC 4 and later; LXD and Incus put `PROJECT_` before the name outside of the default project. */
const LXC_PAYLOAD = "lxc.payload.";
/** Parents of a cgroup that has the container's name: LXC before 3.1 and Proxmox, LXC 3.1 to 3.2. */
const LXC_PARENTS = new Set(["lxc", "lxc.payload"]);
/** The cgroup of LXC's own process, if the configured path pattern puts it next to the container's cgroup. */
const LXC_MONITOR = "monitor";

const NSPAWN_SERVICE = /^systemd-nspawn@(.+)\.service$/;
const MACHINE_SCOPE = /^machine-(.+)\.scope$/;
/** A virtual machine is no container. */
const VIRTUAL_MACHINE = /^(?:qemu|xen|ch|bhyve)-/;
/** libvirt's name of a domain: with its number since 2.0. */
const LIBVIRT_LXC_SCOPE = /^lxc-(?:[0-9]+-)?(.+)$/;
/** libvirt without systemd. */
const LIBVIRT_LXC = /^(?:lxc-[0-9]+-)?(.+)\.libvirt-lxc$/;
const HOST_UNIT = /\.(?:service|scope)$/;

/** The payload that the part of a path is the top of; null: it is the top of none. */
export function payloadAt(parts: readonly string[], index: number): Payload | null {
  const part = parts[index] as string;
  const parent = parts[index - 1] ?? "";
  const child = parts[index + 1];
  if (part.startsWith(LXC_PAYLOAD)) return named(part.slice(LXC_PAYLOAD.length), "lxc");
  if (LXC_PARENTS.has(parent) && part !== "") {
    if (child === LXC_MONITOR) return null;
    return named(part, parts[index - 2] === "libvirt" ? "libvirt-lxc" : "lxc");
  }
  const domain = LIBVIRT_LXC.exec(part)?.[1];
  if (domain !== undefined) return named(domain, "libvirt-lxc");
  // The cgroup of systemd-nspawn's own process is next to the payload's cgroup.
  if (child === "supervisor") return null;
  const instance = NSPAWN_SERVICE.exec(part)?.[1];
  if (instance !== undefined) return named(unescapeUnitName(instance), "nspawn");
  const machine = MACHINE_SCOPE.exec(part)?.[1];
  if (machine !== undefined) return machineNamed(unescapeUnitName(machine), child);
  // A unit that runs systemd-nspawn by itself.
  return child === "payload" && HOST_UNIT.test(part) ? { container: null } : null;
}

/** systemd-machined names its scopes alike, whatever registers with it. */
function machineNamed(name: string, child: string | undefined): Payload | null {
  if (child === "payload") return named(name, "nspawn");
  if (VIRTUAL_MACHINE.test(name)) return null;
  const domain = LIBVIRT_LXC_SCOPE.exec(name)?.[1];
  if (domain !== undefined) return named(domain, "libvirt-lxc");
  return child === "libvirt" ? null : named(name, "nspawn");
}

function named(id: string, runtime: Container["runtime"]): Payload | null {
  return id === "" ? null : { container: { id, runtime } };
}

/** systemd writes what a unit's name may not have as `\xHH` (systemd.unit(5)). */
function unescapeUnitName(name: string): string {
  if (!name.includes("\\x")) return name;
  const bytes = Buffer.from(name).toString("latin1");
  const unescaped = bytes.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(unescaped, "latin1").toString();
}
