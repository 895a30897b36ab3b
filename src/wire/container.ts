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

/** The innermost container that a process runs in. */
export interface Container {
  /**
   * 64 hexadecimal digits for a container of an OCI runtime. BuildKit and Garden have ids of their own form. For
   * a container that boots a whole system (LXC with LXD and Incus, systemd-nspawn, libvirt-lxc), the id is its name,
   * without systemd's escapes.
   */
  id: string;
  runtime: ContainerRuntime;
}
