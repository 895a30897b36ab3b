import { describe, expect, test } from "bun:test";
import { containerOf, podUidOf, unitOf } from "../../src/cgroup/cgroup-path.ts";

const ID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d";
const OUTER = "1575e8b4a92a9c340a657f3df4ddc0f6a6305c200879f3898b26368ad019b503";
const UID = "872d2066-00ef-48ea-a7d8-51b18b72d739";
const SLICE_UID = UID.replaceAll("-", "_");
const STATIC_UID = "c704ef4c297ab11032b83ce52cbfc87b";

/** Path, then what the parsers find in it: runtime of the container `ID`, uid of the pod, unit. */
const PATHS: [string, string | null, string | null, string | null][] = [
  // docker: with the cgroup driver systemd, with cgroupfs, and below a cgroup parent that the user chose.
  [`/system.slice/docker-${ID}.scope`, "docker", null, `docker-${ID}.scope`],
  [`/docker/${ID}`, "docker", null, null],
  [`/docker/${ID}/init`, "docker", null, null],
  [`/${ID}`, "docker", null, null],
  [`/ecs/task-arn/${ID}`, "docker", null, null],
  [`/actions_job/${ID}`, "docker", null, null],
  [`/user.slice/user-1000.slice/user@1000.service/app.slice/docker-${ID}.scope`, "docker", null, `docker-${ID}.scope`],
  // systemd in a container: the result is the host's unit that contains the container.
  [`/system.slice/docker-${ID}.scope/system.slice/nginx.service`, "docker", null, `docker-${ID}.scope`],
  [`/system.slice/docker-${ID}.scope/init.scope`, "docker", null, `docker-${ID}.scope`],
  [`/docker/${ID}/system.slice/nginx.service`, "docker", null, null],
  [`/machine.slice/libpod-${ID}.scope/container/system.slice/x.service`, "podman", null, `libpod-${ID}.scope`],
  [`/system.slice/web.service/libpod-payload-${ID}/init.scope`, "podman", null, "web.service"],
  [`/kubepods.slice/kubepods-pod${SLICE_UID}.slice/crio-${ID}.scope/init.scope`, "cri-o", UID, `crio-${ID}.scope`],
  // A container in a container: the result is the innermost container, and the unit of the host.
  [
    `/system.slice/docker-${OUTER}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${SLICE_UID}.slice/cri-containerd-${ID}.scope`,
    "containerd",
    UID,
    `docker-${OUTER}.scope`,
  ],
  [`/lxc.payload.outer/system.slice/docker-${ID}.scope`, "docker", null, null],
  [`/docker/${OUTER}/docker/${ID}`, "docker", null, null],
  [`/docker/${OUTER}/kubelet/kubepods/besteffort/pod${UID}/${ID}`, "containerd", UID, null],
  // Kubernetes
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${SLICE_UID}.slice/cri-containerd-${ID}.scope`,
    "containerd",
    UID,
    `cri-containerd-${ID}.scope`,
  ],
  [`/kubepods.slice/kubepods-pod${SLICE_UID}.slice/docker-${ID}.scope`, "docker", UID, `docker-${ID}.scope`],
  [`/kubepods.slice/kubepods-pod${SLICE_UID}.slice/crio-${ID}.scope`, "cri-o", UID, `crio-${ID}.scope`],
  [`/kubepods.slice/kubepods-pod${SLICE_UID}.slice/crio-${ID}.scope/container`, "cri-o", UID, `crio-${ID}.scope`],
  [`/kubepods/burstable/pod${UID}/crio-${ID}`, "cri-o", UID, null],
  [`/kubepods/burstable/pod${UID}/${ID}`, "containerd", UID, null],
  [`/kubepods/pod${UID}/${ID}`, "containerd", UID, null],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${STATIC_UID}.slice/cri-containerd-${ID}.scope`,
    "containerd",
    STATIC_UID,
    `cri-containerd-${ID}.scope`,
  ],
  [
    `/system.slice/containerd.service/kubepods-besteffort-pod${SLICE_UID}.slice:cri-containerd:${ID}`,
    "containerd",
    UID,
    "containerd.service",
  ],
  [`/kuberuntime/containerd/kubepods-pod${SLICE_UID}:cri-containerd:${ID}`, "containerd", UID, null],
  [
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${SLICE_UID}.slice/cri-containerd-${ID}.scope`,
    "containerd",
    UID,
    `cri-containerd-${ID}.scope`,
  ],
  [
    `/lab.slice/lab-kubepods.slice/lab-kubepods-burstable.slice/lab-kubepods-burstable-pod${SLICE_UID}.slice/crio-${ID}.scope`,
    "cri-o",
    UID,
    `crio-${ID}.scope`,
  ],
  [`/lab/kubepods/besteffort/pod${UID}/${ID}`, "containerd", UID, null],
  // Seen from inside a cgroup namespace.
  [
    `/../../kubepods-besteffort-pod${SLICE_UID}.slice/cri-containerd-${ID}.scope`,
    "containerd",
    UID,
    `cri-containerd-${ID}.scope`,
  ],
  [`/../${ID}`, "docker", null, null],
  // Docker in a pod.
  [`/kubepods/burstable/pod${UID}/${OUTER}/docker/${ID}`, "docker", UID, null],
  // containerd's own tools
  [`/default/${ID}`, "containerd", null, null],
  [`/k8s.io/${ID}`, "containerd", null, null],
  [`/system.slice/nerdctl-${ID}.scope`, "containerd", null, `nerdctl-${ID}.scope`],
  // podman
  [`/machine.slice/libpod-${ID}.scope`, "podman", null, `libpod-${ID}.scope`],
  [`/machine.slice/machine-libpod_pod_${OUTER}.slice/libpod-${ID}.scope`, "podman", null, `libpod-${ID}.scope`],
  [`/machine.slice/libpod-${ID}.scope/container`, "podman", null, `libpod-${ID}.scope`],
  [`/libpod_parent/libpod-${ID}`, "podman", null, null],
  [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`,
    "podman",
    null,
    `libpod-${ID}.scope`,
  ],
  // Quadlet: the payload is below the unit of the system or user manager, beside conmon.
  [`/system.slice/web.service/libpod-payload-${ID}`, "podman", null, "web.service"],
  [`/system.slice/web.service/libpod-payload-${ID}/inner`, "podman", null, "web.service"],
  ["/system.slice/web.service/runtime", null, null, "web.service"],
  [
    `/user.slice/user-1000.slice/user@1000.service/app.slice/app-web.slice/web@80.service/libpod-payload-${ID}`,
    "podman",
    null,
    "web@80.service",
  ],
  // Cgroups beside a container, which are no containers.
  [`/machine.slice/libpod-conmon-${ID}.scope`, null, null, `libpod-conmon-${ID}.scope`],
  [`/kubepods.slice/kubepods-pod${SLICE_UID}.slice/crio-conmon-${ID}.scope`, null, UID, `crio-conmon-${ID}.scope`],
  [
    `/system.slice/var-lib-docker-containers-${ID}-mounts-shm.mount`,
    null,
    null,
    `var-lib-docker-containers-${ID}-mounts-shm.mount`,
  ],
  [`/machine.slice/machine-libpod_pod_${ID}.slice`, null, null, null],
  [`/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${SLICE_UID}.slice`, null, UID, null],
  // Units of systemd without a container.
  ["/", null, null, null],
  ["/init.scope", null, null, "init.scope"],
  ["/system.slice", null, null, null],
  ["/system.slice/ssh.service", null, null, "ssh.service"],
  ["/system.slice/system-getty.slice/getty@tty1.service", null, null, "getty@tty1.service"],
  ["/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service", null, null, "serial-getty@ttyS0.service"],
  ["/system.slice/system-mail.slice/mail@.hidden.service", null, null, "mail@.hidden.service"],
  ["/system.slice/a.service/payload/system.slice/ssh.service", null, null, "a.service"],
  [
    "/user.slice/user-1000.slice/user@1000.service/app.slice/app-flatpak-org.x-12.scope",
    null,
    null,
    "app-flatpak-org.x-12.scope",
  ],
  [
    "/user.slice/user-1000.slice/user@1000.service/app.slice/snap.code.code-0c5f.scope",
    null,
    null,
    "snap.code.code-0c5f.scope",
  ],
  ["/system.slice/srv-my\\x2ddata.mount", null, null, "srv-my\\x2ddata.mount"],
  ["/user.slice/user-1000.slice/session-2.scope", null, null, "session-2.scope"],
  ["/user.slice/user-1000.slice/user@1000.service", null, null, "user@1000.service"],
  ["/user.slice/user-1000.slice/user@1000.service/init.scope", null, null, "init.scope"],
  [
    "/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope",
    null,
    null,
    "vte-spawn-1.scope",
  ],
  ["/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service", null, null, "app-x.service"],
  ["/system.slice/containerd.service/inner/deeper", null, null, "containerd.service"],
  ["/_cpu.service", null, null, "cpu.service"],
  ["/system.slice/dbus.socket", null, null, "dbus.socket"],
];

test.each(PATHS)("%s", (path, runtime, uid, unit) => {
  expect(containerOf(path) as unknown).toEqual(runtime === null ? null : { id: ID, runtime });
  expect(podUidOf(path)).toBe(uid);
  expect(unitOf(path)).toBe(unit);
});

const MACHINE = "/machine.slice";
const GUID = "1be8bdd6-8b2b-4ec8-42e9-1e55e7f0f5cd";
const STEP = "zq2l0vj1c5x9sk4w8g7n3b6ty";

/** Manager that makes the path, then path, container, unit. */
const NAMED_CONTAINERS: [string, string, [string, string] | null, string | null][] = [
  ["LXC 4", "/lxc.payload.web", ["web", "lxc"], null],
  ["LXC 4, systemd inside", "/lxc.payload.web/system.slice/ssh.service", ["web", "lxc"], null],
  ["LXC 4, lxc-attach", "/lxc.payload.my_c-1/.lxc", ["my_c-1", "lxc"], null],
  ["LXC 4, the monitor", "/lxc.monitor.web", null, null],
  ["LXC 4, the pivot", "/lxc.pivot", null, null],
  ["LXC 4, a name with a dot", "/lxc.payload.a.b/init.scope", ["a.b", "lxc"], null],
  ["LXC 4, lxc.cgroup.dir", "/tenants/lxc.payload.web/init.scope", ["web", "lxc"], null],
  [
    "LXC 4, lxc.cgroup.relative",
    "/system.slice/lxc@web.service/lxc.payload.web/init.scope",
    ["web", "lxc"],
    "lxc@web.service",
  ],
  [
    "LXC 4, a user's",
    "/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope/lxc.payload.web/init.scope",
    ["web", "lxc"],
    "run-r1.scope",
  ],
  ["LXC 3.2", "/lxc.payload/web/init.scope", ["web", "lxc"], null],
  ["LXC 3.2, the monitor", "/lxc.monitor/web", null, null],
  ["LXC 3.0, LXD 3", "/lxc/web/system.slice/ssh.service", ["web", "lxc"], null],
  ["LXC with a pattern", "/lxc/web/payload/init.scope", ["web", "lxc"], null],
  ["LXC with a pattern, the monitor", "/lxc/web/monitor", null, null],
  ["LXC in LXC", "/lxc.payload.outer/lxc.payload.inner/init.scope", ["inner", "lxc"], null],
  ["Proxmox", "/lxc/100/ns/system.slice/ssh.service", ["100", "lxc"], null],
  ["Proxmox, the monitor", "/lxc.monitor/100", null, null],
  ["Proxmox, a virtual machine", "/qemu.slice/100.scope", null, "100.scope"],
  ["Incus, LXD: a project", "/lxc.payload.shop_db/init.scope", ["shop_db", "lxc"], null],
  ["Waydroid", "/lxc.payload.waydroid", ["waydroid", "lxc"], null],
  ["from inside a cgroup namespace", "/../lxc.payload.web/init.scope", ["web", "lxc"], null],
  ["nspawn", `${MACHINE}/machine-deb.scope/payload`, ["deb", "nspawn"], "machine-deb.scope"],
  [
    "nspawn, systemd inside",
    `${MACHINE}/machine-deb.scope/payload/system.slice/ssh.service`,
    ["deb", "nspawn"],
    "machine-deb.scope",
  ],
  ["nspawn, itself", `${MACHINE}/machine-deb.scope/supervisor`, null, "machine-deb.scope"],
  ["nspawn, v1", `${MACHINE}/machine-deb.scope/system.slice/ssh.service`, ["deb", "nspawn"], "machine-deb.scope"],
  ["nspawn, v1, no systemd inside", `${MACHINE}/machine-deb.scope`, ["deb", "nspawn"], "machine-deb.scope"],
  [
    "nspawn, escaped",
    `${MACHINE}/machine-my\\x2dbox.scope/payload/init.scope`,
    ["my-box", "nspawn"],
    "machine-my\\x2dbox.scope",
  ],
  [
    "nspawn, a name that libvirt could give",
    `${MACHINE}/machine-qemu\\x2d1.scope/payload/init.scope`,
    ["qemu-1", "nspawn"],
    "machine-qemu\\x2d1.scope",
  ],
  [
    "machinectl start",
    `${MACHINE}/systemd-nspawn@deb.service/payload/system.slice/ssh.service`,
    ["deb", "nspawn"],
    "systemd-nspawn@deb.service",
  ],
  [
    "machinectl start, escaped",
    "/machine.slice/systemd-nspawn@my\\x2dbox.service/payload",
    ["my-box", "nspawn"],
    "systemd-nspawn@my\\x2dbox.service",
  ],
  [
    "machinectl start, not escaped",
    "/machine.slice/systemd-nspawn@my-box.service/init.scope",
    ["my-box", "nspawn"],
    "systemd-nspawn@my-box.service",
  ],
  [
    "machinectl start, nspawn itself",
    `${MACHINE}/systemd-nspawn@deb.service/supervisor`,
    null,
    "systemd-nspawn@deb.service",
  ],
  [
    "libvirt, qemu",
    `${MACHINE}/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator`,
    null,
    "machine-qemu\\x2d1\\x2dvm.scope",
  ],
  [
    "libvirt-lxc",
    `${MACHINE}/machine-lxc\\x2d9115\\x2dmy\\x2dbox.scope/libvirt/init.scope`,
    ["my-box", "libvirt-lxc"],
    "machine-lxc\\x2d9115\\x2dmy\\x2dbox.scope",
  ],
  [
    "libvirt-lxc before 2.0",
    `${MACHINE}/machine-lxc\\x2dbox.scope`,
    ["box", "libvirt-lxc"],
    "machine-lxc\\x2dbox.scope",
  ],
  ["libvirt-lxc without systemd", "/machine/box.libvirt-lxc", ["box", "libvirt-lxc"], null],
  ["libvirt-lxc in a partition", "/machine/web.partition/lxc-7-box.libvirt-lxc", ["box", "libvirt-lxc"], null],
  ["libvirt-lxc before 1.1", "/libvirt/lxc/box", ["box", "libvirt-lxc"], null],
  ["BuildKit in docker", `/docker/buildkit/${STEP}`, [STEP, "buildkit"], null],
  ["BuildKit", `/system.slice/buildkit.service/buildkit/${STEP}`, [STEP, "buildkit"], "buildkit.service"],
  ["BuildKit in a container", `/docker/${OUTER}/buildkit/${STEP}/inner`, [STEP, "buildkit"], null],
  ["Garden", `/system.slice/runc-bpm-garden.scope/garden/good/${GUID}`, [GUID, "garden"], "runc-bpm-garden.scope"],
  ["Garden before", `/garden/${GUID}/inner`, [GUID, "garden"], null],
];

test.each(NAMED_CONTAINERS)("%s: %s", (_, path, container, unit) => {
  expect(containerOf(path) as unknown).toEqual(container && { id: container[0], runtime: container[1] });
  expect(unitOf(path)).toBe(unit);
});

describe("a misleading path", () => {
  test.each([
    "",
    "//",
    `/docker/${ID.slice(1)}`,
    `/docker/${ID}0`,
    `/docker/${ID.toUpperCase()}`,
    `/docker/x${ID}`,
    `/docker-${ID}.scope.d`,
    `/evil-docker-${ID}.scope`,
    `/docker-${ID}\n.scope`,
    `/docker-${ID}".scope`,
    `/docker-${ID.slice(2)}\ufffd\ufffd.scope`,
    `/crio-${ID.slice(0, 12)}.scope`,
    `/a:docker:${ID}x`,
    "/lxc.payload.",
    "/lxc.payload",
    "/lxc",
    "/lxc/",
    "/lxc.payloads.web",
    "/machine.slice/machine-.scope/payload",
    "/machine.slice/systemd-nspawn@.service/payload",
    "/machine.slice/machine-deb.service/payload",
    "/.libvirt-lxc",
    `/buildkit/${STEP}0`,
    `/buildkits/${STEP}`,
    `/garden/${GUID}-0`,
    `/good/${GUID}`,
  ])("%j is not parsed as a container", (path) => {
    expect(containerOf(path)).toBeNull();
  });

  test.each([
    "/pod",
    `/pod${UID}`,
    `/kubepods/pod${UID}x/y`,
    `/kubepods/pod${SLICE_UID.replace("_", "-")}`,
    `/kubepods-pod${UID.toUpperCase()}.slice`,
    `/kubepods/burstable/pod\n${UID}`,
    "/kubepods/pod12345",
  ])("%j is not parsed as a pod", (path) => {
    expect(podUidOf(path)).toBeNull();
  });

  test.each([
    "/.service",
    "/a.service.d",
    "/a.slice",
    "/template@.service",
    "/a\nb.service",
    '/a"b.service',
    "/a b.service",
    "/\ufffd.service",
    "/é.service",
    `/${"x".repeat(256)}.service`,
    "/a.target",
    "/lxc.payload.web/a.service",
    "/lxc/100/ns/a.service",
  ])("%j is not parsed as a unit", (path) => {
    expect(unitOf(path)).toBeNull();
  });

  test("the longest possible path of the kernel is parsed quickly", () => {
    const path = `/${"a:".repeat(120)}`.repeat(17);
    expect([containerOf(path), podUidOf(path), unitOf(path)]).toEqual([null, null, null]);
    expect(podUidOf(`/kubepods-${"a-".repeat(2000)}pod`)).toBeNull();
    expect(podUidOf(`/${"-kubepods-a".repeat(2000)}-pod`)).toBeNull();
  });
});
