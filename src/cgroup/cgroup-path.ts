/**
 * Reads container, pod and systemd unit from the path of a cgroup. The names of cgroups depend on the cgroup driver
 * of the OCI runtime: systemd (`NAME-ID.scope`) or cgroupfs (`…/ID`). They are the same in v1 and v2 hierarchies. The
 * cgroups of containers that boot a whole system contain the name that the user gave the container.
 */
import type { Container, ContainerRuntime } from "../wire/event.ts";
import { payloadAt } from "./system-container.ts";

const RUNTIMES: { [prefix: string]: ContainerRuntime } = {
  docker: "docker",
  "cri-containerd": "containerd",
  containerd: "containerd",
  nerdctl: "containerd",
  crio: "cri-o",
  libpod: "podman",
  // With `--cgroups=split`, below the unit in which podman runs. Quadlet uses this option for all containers.
  "libpod-payload": "podman",
};

const ID = "([0-9a-f]{64})";
/** `docker-ID.scope` of the systemd driver; `crio-ID` and `libpod-ID` of the cgroupfs driver. */
const NAMED = new RegExp(`^(docker|cri-containerd|containerd|nerdctl|crio|libpod|libpod-payload)-${ID}(?:\\.scope)?$`);
/** `SLICE:PREFIX:ID`, an OCI path for the systemd driver. The cgroupfs driver uses it unchanged. */
const COLONS = new RegExp(`^[^:]*:(docker|cri-containerd|containerd|nerdctl|crio|libpod):${ID}$`);
const BARE = new RegExp(`^${ID}$`);
/** Namespaces that containerd's own tools use as a path: `/default/ID`. */
const CONTAINERD_NAMESPACES = new Set(["default", "k8s.io"]);

/** Id of a build step, in `buildkit/ID` below the configured parent of buildkitd or docker. */
const BUILD_STEP = /^[0-9a-z]{25}$/;
/** Id of a container on a cell of Cloud Foundry: `garden/ID`, `garden/good/ID`, `garden/bad/ID`. */
const GARDEN_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4,12}){4}$/;
const GARDEN_PARENTS = new Set(["good", "bad"]);

/**
 * The container that a cgroup belongs to, the innermost one if containers are nested; null if there is none. A bare id
 * below kubepods counts as a containerd container, although docker uses the same path there. Any other bare id counts
 * as a docker container.
 */
export function containerOf(path: string): Container | null {
  const parts = path.split("/");
  for (let i = parts.length - 1; i >= 0; i--) {
    const container = ociContainerAt(parts, i) ?? payloadAt(parts, i)?.container;
    if (container) return container;
  }
  return null;
}

/** The container of an OCI runtime whose cgroup is at `index` in the path; null if there is none. */
function ociContainerAt(parts: readonly string[], index: number): Container | null {
  const part = parts[index] as string;
  if (part.length >= 64) {
    const [, prefix, id] = NAMED.exec(part) ?? COLONS.exec(part) ?? [];
    if (prefix !== undefined && id !== undefined) return { id, runtime: RUNTIMES[prefix] as ContainerRuntime };
    return BARE.test(part) ? { id: part, runtime: runtimeAbove(parts, index) } : null;
  }
  const parent = parts[index - 1] ?? "";
  if (parent === "buildkit" && BUILD_STEP.test(part)) return { id: part, runtime: "buildkit" };
  const garden = GARDEN_PARENTS.has(parent) ? parts[index - 2] : parent;
  return garden === "garden" && GARDEN_ID.test(part) ? { id: part, runtime: "garden" } : null;
}

function runtimeAbove(parts: readonly string[], index: number): ContainerRuntime {
  const isContainerd =
    CONTAINERD_NAMESPACES.has(parts[index - 1] ?? "") || parts.slice(0, index).some((part) => isKubepods(part));
  // Docker inside a pod's container makes its cgroups below that container's cgroup.
  return isContainerd && parts[index - 1] !== "docker" ? "containerd" : "docker";
}

/**
 * Whether the part is the kubelet's own cgroup, of either driver. With `--cgroup-root`, the names of systemd's slices
 * begin with that root.
 */
function isKubepods(part: string): boolean {
  return part.startsWith("kubepods") || part.includes("-kubepods");
}

/** `pod` and the uid of the Kubernetes API, or a hash for static pods. systemd's slices use `_` for `-`. */
const POD =
  /^(?:(?:.*-)?kubepods-(?:[a-z]+-)?)?pod([0-9a-f]{8}([-_])[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?::.*)?$/;

/** Uid of the pod that a cgroup belongs to, with dashes as in the Kubernetes API; null if there is none. */
export function podUidOf(path: string): string | null {
  const parts = path.split("/");
  for (let i = parts.length - 1; i >= 0; i--) {
    const part = parts[i] as string;
    const uid = POD.exec(part)?.[1];
    if (uid === undefined) continue;
    if (part.startsWith("pod") && !parts.slice(0, i).some(isKubepods)) continue;
    return uid.replaceAll("_", "-");
  }
  return null;
}

/** The types of unit that have processes (systemd.unit(5)); a slice only contains other units. */
const UNIT = /^[A-Za-z0-9:_.\\@-]+\.(?:service|scope|socket|mount|swap)$/;
/** A template, which is not a unit. The instances of a template are units, and their names may begin with a dot. */
const TEMPLATE = /^[^@]*@\.[a-z]+$/;
/** UNIT_NAME_MAX. */
const MAX_UNIT_LENGTH = 255;

/**
 * The innermost unit of the host's systemd that a cgroup belongs to; null if there is none. Below `user@1000.service`
 * this is a unit of the user's manager. Units of a systemd inside a container do not count: for their processes, this
 * is the host's unit that contains the outermost container. Escapes stay as systemd prints them.
 */
export function unitOf(path: string): string | null {
  const parts = path.split("/");
  const outermost = parts.findIndex((_, i) => ociContainerAt(parts, i) !== null || payloadAt(parts, i) !== null);
  for (let i = outermost < 0 ? parts.length - 1 : outermost; i >= 0; i--) {
    const part = parts[i] as string;
    // systemd puts `_` before a name that could collide with a file that the kernel creates in the directory.
    const name = part.startsWith("_") ? part.slice(1) : part;
    if (name.length <= MAX_UNIT_LENGTH && UNIT.test(name) && !TEMPLATE.test(name)) return name;
  }
  return null;
}
