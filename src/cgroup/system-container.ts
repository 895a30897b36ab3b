/**
 * Containers that boot a whole system, by their cgroups: LXC (and so LXD, Incus, Proxmox), systemd-nspawn, libvirt-lxc.
 */
import type { Container } from "../wire/event.ts";

/** The cgroup that contains all processes of a container. */
export interface Payload {
  /** Null if the path does not contain the container's name. */
  container: Container | null;
}

/** Prefix in LXC 4 and later. Outside of the default project, LXD and Incus put `PROJECT_` before the name. */
const LXC_PAYLOAD = "lxc.payload.";
/**
 * Parents of cgroups that have the name of their container: `lxc` in LXC before 3.1 and in Proxmox, `lxc.payload` in
 * LXC 3.1 to 3.2.
 */
const LXC_PARENTS = new Set(["lxc", "lxc.payload"]);
/** The cgroup of LXC's own process, if the configured path pattern puts it next to the container's cgroup. */
const LXC_MONITOR = "monitor";

const NSPAWN_SERVICE = /^systemd-nspawn@(.+)\.service$/;
const MACHINE_SCOPE = /^machine-(.+)\.scope$/;
/** Scopes of virtual machines, which are not containers. */
const VIRTUAL_MACHINE = /^(?:qemu|xen|ch|bhyve)-/;
/** libvirt's name of a domain; since 2.0 it contains the domain's number. */
const LIBVIRT_LXC_SCOPE = /^lxc-(?:[0-9]+-)?(.+)$/;
/** Cgroup of a domain of libvirt without systemd. */
const LIBVIRT_LXC = /^(?:lxc-[0-9]+-)?(.+)\.libvirt-lxc$/;
const HOST_UNIT = /\.(?:service|scope)$/;

/** The payload whose topmost cgroup is at `index` in the path; null if there is none. */
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
  // A unit that runs systemd-nspawn directly.
  return child === "payload" && HOST_UNIT.test(part) ? { container: null } : null;
}

/** systemd-machined names the scopes of all kinds of machine in the same way. */
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

/** systemd writes bytes that a unit's name may not contain as `\xHH` (systemd.unit(5)). */
function unescapeUnitName(name: string): string {
  if (!name.includes("\\x")) return name;
  const bytes = Buffer.from(name).toString("latin1");
  const unescaped = bytes.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(unescaped, "latin1").toString();
}
