import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { CannotSetUp, PATH, runQuietly, say, tail } from "./common.mjs";

/** What building needs: how to check that it is there, and the package of each distribution that brings it. */
export const BUILD_NEEDS = [
  { program: "clang", debian: "clang", fedora: "clang", arch: "clang" },
  { program: "llvm-strip", debian: "llvm", fedora: "llvm", arch: "llvm" },
  { program: "bpftool", debian: "bpftool", fedora: "bpftool", arch: "bpf" },
  { file: "/usr/include/bpf/bpf_helpers.h", debian: "libbpf-dev", fedora: "libbpf-devel", arch: "libbpf" },
  { library: "libbpf.so.1", debian: "libbpf1", fedora: "libbpf", arch: "libbpf" },
  { library: "libelf.so.1", debian: "libelf1", fedora: "elfutils-libelf", arch: "libelf" },
  { library: "libz.so.1", debian: "zlib1g", fedora: "zlib-ng-compat", arch: "zlib" },
];

/** What the tests need besides: the ways of watching that linnix is compared with, loads, and a C compiler. */
export const TEST_NEEDS = [
  ...JSON.parse(readFileSync(new URL("observers.json", import.meta.url), "utf8")),
  { program: "perl", debian: "perl", fedora: "perl-interpreter", arch: "perl" },
  { program: "stress-ng", debian: "stress-ng", fedora: "stress-ng", arch: "stress-ng" },
  { program: "tmux", debian: "tmux", fedora: "tmux", arch: "tmux" },
  // To open the reports as a reader does.
  { program: "chromium", debian: "chromium", fedora: "chromium", arch: "chromium" },
  { program: "promtool", debian: "prometheus", fedora: "golang-github-prometheus", arch: "prometheus" },
  { program: "gcc", debian: "gcc", fedora: "gcc", arch: "gcc" },
  { file: "/usr/include/stdio.h", debian: "libc6-dev", fedora: "glibc-devel", arch: "glibc" },
  // To boot other kernels, in a machine without KVM.
  { program: "qemu-system-x86_64", debian: "qemu-system-x86", fedora: "qemu-system-x86-core", arch: "qemu-system-x86" },
  { program: "busybox", debian: "busybox-static", fedora: "busybox", arch: "busybox" },
  // A real container.
  { program: "runc", debian: "runc", fedora: "runc", arch: "runc" },
];

/** What boots arm64 kernels on another machine, and compiles the fixtures for them. */
export const ARM64_NEEDS = [
  {
    program: "qemu-system-aarch64",
    debian: "qemu-system-arm",
    fedora: "qemu-system-aarch64-core",
    arch: "qemu-system-aarch64",
  },
  {
    program: "aarch64-linux-gnu-gcc",
    debian: "gcc-aarch64-linux-gnu",
    fedora: "gcc-aarch64-linux-gnu",
    arch: "aarch64-linux-gnu-gcc",
  },
  {
    file: "/usr/aarch64-linux-gnu/lib/libc.a",
    debian: "libc6-dev-arm64-cross",
    fedora: "sysroot-aarch64-fc-glibc",
    arch: "aarch64-linux-gnu-glibc",
  },
];

/** What packs a release. */
export const RELEASE_NEEDS = [
  { program: "git", debian: "git", fedora: "git-core", arch: "git" },
  { program: "tar", debian: "tar", fedora: "tar", arch: "tar" },
  { program: "gzip", debian: "gzip", fedora: "gzip", arch: "gzip" },
  { program: "xz", debian: "xz-utils", fedora: "xz", arch: "xz" },
];

/** What verifies the signature of a release. */
export const RELEASE_TEST_NEEDS = [
  { program: "ssh-keygen", debian: "openssh-client", fedora: "openssh", arch: "openssh" },
];

/** What makes other places: roots of other Debian versions, and containers. */
export const PLACES_NEEDS = [
  { program: "debootstrap", debian: "debootstrap", fedora: "debootstrap", arch: "debootstrap" },
  { program: "podman", debian: "podman", fedora: "podman", arch: "podman" },
  { program: "systemd-nspawn", debian: "systemd-container", fedora: "systemd-container", arch: "systemd" },
];

/** Installs what is missing where this is Debian and we are root; says what to install everywhere else. */
export async function setUpSystem(needs) {
  const missing = await missingOf(needs);
  if (missing.length === 0) return;
  const family = distributionFamily();
  if (family !== "debian" || process.getuid() !== 0) throw new CannotSetUp(whatToInstall(missing, family));

  const packages = packagesOf(missing, "debian");
  say(`installing ${packages.join(", ")}`);
  await install(packages);
  const still = await missingOf(needs);
  if (still.length > 0) {
    throw new CannotSetUp(`installed ${packages.join(", ")}, and yet there is no ${still.map(nameOf).join(", ")}`);
  }
}

async function missingOf(needs) {
  const libraries = needs.some(({ library }) => library) ? (await runQuietly("ldconfig", ["-p"])).output : "";
  return needs.filter(({ program, file, library }) => {
    if (program) return !isOnPath(program);
    if (file) return !existsSync(file);
    return !libraries.includes(`${library} `);
  });
}

function isOnPath(program) {
  return PATH.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function nameOf({ program, file, library }) {
  return program ?? file ?? library;
}

function packagesOf(needs, family) {
  return [...new Set(needs.map((need) => need[family]))];
}

/** `debian`, `fedora` or `arch`, for these and what descends from them (os-release(5)); else undefined. */
function distributionFamily() {
  const path = ["/etc/os-release", "/usr/lib/os-release"].find((candidate) => existsSync(candidate));
  const text = path ? readFileSync(path, "utf8") : "";
  const words = [...text.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].flatMap(([, value]) =>
    value.replace(/["']/g, "").split(" "),
  );
  return ["debian", "fedora", "arch"].find((family) => words.includes(family));
}

function whatToInstall(missing, family) {
  const lines = [`this machine has no ${missing.map(nameOf).join(", ")}.`];
  const how = { debian: "apt-get install --no-install-recommends", fedora: "dnf install", arch: "pacman -S" }[family];
  if (how) lines.push(`Install it as root: ${how} ${packagesOf(missing, family).join(" ")}`);
  else lines.push(`Install the packages that bring it; on Debian: ${packagesOf(missing, "debian").join(" ")}`);
  if (family === "debian") lines.push("Started as root, the set-up does that by itself.");
  return lines.join("\n");
}

async function install(packages) {
  const options = ["-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"];
  const aptGet = (...args) =>
    runQuietly("apt-get", [...options, ...args], { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" });
  const update = () => {
    say("reading package lists");
    return aptGet("update");
  };

  await withoutStartingServices(packages, async () => {
    const hadLists = existsSync("/var/lib/apt/lists") && readdirSync("/var/lib/apt/lists").some(isPackageList);
    if (!hadLists) await update();
    let done = await aptGet("install", ...packages);
    if (!done.ok && hadLists) {
      // Old lists name versions that the mirror no longer has.
      await update();
      done = await aptGet("install", ...packages);
    }
    if (!done.ok) throw new CannotSetUp(`apt-get could not install ${packages.join(" ")}:\n${tail(done.output)}`);
  });
}

function isPackageList(name) {
  return /_Packages(\.\w+)?$/.test(name);
}

/**
 * Runs `action` while packages' services stay down: auditd is wanted as a program, not as a daemon that writes down
 * what this machine does. invoke-rc.d(8) and deb-systemd-invoke(1) ask policy-rc.d, where there is one, and take 101
 * for "no". Ours says no only as long as this process lives.
 */
async function withoutStartingServices(packages, action) {
  const policy = "/usr/sbin/policy-rc.d";
  const mark = "# Put here by the set-up of linnix while it installs packages.";
  if (existsSync(policy) && readFileSync(policy, "utf8").includes(mark)) rmSync(policy);
  const ours = !existsSync(policy);
  if (ours) {
    const text = `#!/bin/sh\n${mark}\nkill -0 ${process.pid} 2>/dev/null && exit 101\nexit 0\n`;
    writeFileSync(policy, text, { flag: "wx", mode: 0o755 });
  }
  try {
    await action();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
  // With systemd, a service that is installed is also started at the next boot.
  if (packages.includes("auditd") && existsSync("/run/systemd/system")) {
    await runQuietly("systemctl", ["disable", "auditd.service"]);
  }
}
