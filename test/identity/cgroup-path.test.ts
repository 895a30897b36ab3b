import { describe, expect, test } from "bun:test";
import { containerOf, podUidOf, unitOf } from "../../src/identity/cgroup-path.ts";

const ID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d";
const OUTER = "1575e8b4a92a9c340a657f3df4ddc0f6a6305c200879f3898b26368ad019b503";
const UID = "872d2066-00ef-48ea-a7d8-51b18b72d739";
const SLICE_UID = UID.replaceAll("-", "_");
const STATIC_UID = "c704ef4c297ab11032b83ce52cbfc87b";

/** Path, runtime of the container `ID`, uid of the pod, unit. */
const PATHS: [string, string | null, string | null, string | null][] = [
  // docker, by the driver systemd, cgroupfs, and below a parent of the user's choice.
  [`/system.slice/docker-${ID}.scope`, "docker", null, `docker-${ID}.scope`],
  [`/docker/${ID}`, "docker", null, null],
  [`/docker/${ID}/init`, "docker", null, null],
  [`/${ID}`, "docker", null, null],
  [`/ecs/task-arn/${ID}`, "docker", null, null],
  [`/actions_job/${ID}`, "docker", null, null],
  [`/user.slice/user-1000.slice/user@1000.service/app.slice/docker-${ID}.scope`, "docker", null, `docker-${ID}.scope`],
  // systemd in a container, and a container in a container: the innermost counts.
  [`/system.slice/docker-${ID}.scope/system.slice/nginx.service`, "docker", null, "nginx.service"],
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
  // Quadlet: below the unit, systemd's or that of a user's manager, beside conmon.
  [`/system.slice/web.service/libpod-payload-${ID}`, "podman", null, "web.service"],
  [`/system.slice/web.service/libpod-payload-${ID}/inner`, "podman", null, "web.service"],
  ["/system.slice/web.service/runtime", null, null, "web.service"],
  [
    `/user.slice/user-1000.slice/user@1000.service/app.slice/app-web.slice/web@80.service/libpod-payload-${ID}`,
    "podman",
    null,
    "web@80.service",
  ],
  // What is beside a container, but none.
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
  // systemd alone
  ["/", null, null, null],
  ["/init.scope", null, null, "init.scope"],
  ["/system.slice", null, null, null],
  ["/system.slice/ssh.service", null, null, "ssh.service"],
  ["/system.slice/system-getty.slice/getty@tty1.service", null, null, "getty@tty1.service"],
  ["/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service", null, null, "serial-getty@ttyS0.service"],
  ["/system.slice/system-mail.slice/mail@.hidden.service", null, null, "mail@.hidden.service"],
  ["/machine.slice/systemd-nspawn@web.service/payload/system.slice/ssh.service", null, null, "ssh.service"],
  ["/lxc.payload.web/system.slice/ssh.service", null, null, "ssh.service"],
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

describe("names that are meant to mislead", () => {
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
  ])("%j is no container", (path) => {
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
  ])("%j is no pod", (path) => {
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
  ])("%j is no unit", (path) => {
    expect(unitOf(path)).toBeNull();
  });

  test("a path as long as the kernel's longest is looked through at once", () => {
    const path = `/${"a:".repeat(120)}`.repeat(17);
    expect([containerOf(path), podUidOf(path), unitOf(path)]).toEqual([null, null, null]);
    expect(podUidOf(`/kubepods-${"a-".repeat(2000)}pod`)).toBeNull();
    expect(podUidOf(`/${"-kubepods-a".repeat(2000)}-pod`)).toBeNull();
  });
});
