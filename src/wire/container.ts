export const CONTAINER_RUNTIMES = [
  "docker",
  "containerd",
  "cri-o",
  "podman",
  "buildkit",
  "garden",
  "lxc",
  "nspawn",
  "libvirt-lxc",
] as const;

export type ContainerRuntime = (typeof CONTAINER_RUNTIMES)[number];

/** What a process runs in, the innermost one where containers are nested. */
export interface Container {
  /**
   * 64 hexadecimal digits where an OCI runtime made it, BuildKit's and Garden's own ids; the name where it boots a whole
   * system (LXC with LXD and Incus, systemd-nspawn, libvirt-lxc), without systemd's escapes.
   */
  id: string;
  runtime: ContainerRuntime;
}
