import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { readBtfFeatures } from "../../src/doctor/btf.ts";
import type { Check } from "../../src/doctor/check.ts";
import { checkFacts } from "../../src/doctor/checks.ts";
import { checkClock, readClock } from "../../src/doctor/clock.ts";
import { readFacts } from "../../src/doctor/facts.ts";
import { hostReader } from "../../src/doctor/host-reader.ts";
import type { KernelFacts } from "../../src/doctor/kernel.ts";
import { samplingWay } from "../../src/doctor/sampling.ts";
import { judge, type Verdict } from "../../src/doctor/verdict.ts";
import { OBSERVERS } from "../../src/observers/registry.ts";
import { encodeBtf } from "./btf-encoder.ts";
import { auditctl, CPUINFO, type MachineOptions, mountinfo, recordMachine, status } from "./recorded-machine.ts";

// The tests start real programs, and the machine may be busy.
setDefaultTimeout(60_000);

/** Only CAP_BPF and CAP_PERFMON. */
const BPF_AND_PERFMON = "000000c000000000";
const NOTHING = "0000000000000000";

interface Examination {
  check(id: string): Check;
  /** Ids of the checks that are neither ok nor info. */
  troubles: string[];
  verdict: Verdict;
}

async function examine(options: MachineOptions = {}): Promise<Examination> {
  using machine = recordMachine(options);
  const facts = await readFacts(machine.host, { stealWindowMs: 0 });
  const sections = checkFacts(facts);
  const checks = sections.flatMap((section) => section.checks);
  const ids = checks.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const check of checks) {
    // Every problem names its consequence.
    if (check.status === "warn" || check.status === "fail") expect(check.costs).toBeString();
  }
  return {
    check: (id) => {
      const found = checks.find((check) => check.id === id);
      if (found === undefined) throw new Error(`no check ${id}`);
      return found;
    },
    troubles: checks.filter(({ status }) => status === "warn" || status === "fail").map(({ id }) => id),
    verdict: judge(facts, sections),
  };
}

test("a good machine has no problem, and can run everything", async () => {
  const { troubles, verdict } = await examine();
  expect(troubles).toEqual([]);
  expect(verdict).toMatchObject({
    backend: "btf",
    nullFields: [],
    sampling: "process-walk",
    can: { collect: true, overheadTest: true, compareWithPolling: true },
    missingRows: [],
    status: "ok",
  });
});

describe("kernel", () => {
  test("without BTF falls back to tracepoints, and names what is null", async () => {
    const { check, verdict } = await examine({ files: { "/sys/kernel/btf/vmlinux": null } });
    expect(check("btf")).toMatchObject({ status: "warn", hint: expect.stringContaining("CONFIG_DEBUG_INFO_BTF") });
    expect(check("task-iterator")).toMatchObject({ status: "warn", found: "unknown without BTF" });
    expect(verdict.backend).toBe("tracepoint");
    expect(verdict.can.collect).toBeTrue();
    expect(verdict.nullFields).toContain("exit_code");
    expect(verdict.nullFields).not.toContain("pid");
    expect(verdict.missingRows).toEqual(["task-iterator"]);
    expect(verdict.sentence).toContain("tracepoint backend, null: parent_start_ns, euid, egid, auid, start_ns");
    expect(verdict.sentence).toContain("write_bytes, samples from /proc; compare");
    expect(verdict.sampling).toBe("proc");
  });

  test("with an invalid or unreadable BTF file names the reason", async () => {
    const garbage = await examine({ files: { "/sys/kernel/btf/vmlinux": "garbage" } });
    expect(garbage.check("btf").found).toEndWith("is not BTF");
    const denied = await examine({ denied: ["/sys/kernel/btf/vmlinux"] });
    expect(denied.check("btf").found).toEndWith("is not readable");
    expect(denied.verdict.backend).toBe("tracepoint");
  });

  test("without BTF and tracefs has no backend", async () => {
    const { check, verdict } = await examine({
      files: {
        "/sys/kernel/btf/vmlinux": null,
        "/proc/filesystems": "nodev\tsysfs\n",
        "/proc/self/mountinfo": mountinfo({ tracefs: false }),
      },
    });
    expect(check("tracefs").status).toBe("fail");
    expect(verdict).toMatchObject({ backend: null, nullFields: [], sampling: null, can: { collect: false } });
  });

  test("before 5.10 cannot run, whatever a distribution has backported", async () => {
    for (const release of ["4.18.0-553.el8.x86_64", "5.4.0-150-generic", "5.9.16"]) {
      for (const btf of [encodeBtf(), null]) {
        const files = { "/proc/sys/kernel/osrelease": `${release}\n`, "/sys/kernel/btf/vmlinux": btf };
        const { check, verdict } = await examine({ files });
        expect(check("kernel")).toMatchObject({ status: "fail", hint: expect.stringContaining("5.10") });
        expect(verdict.can.collect).toBeFalse();
      }
    }
  });

  test("whose BTF has no boot-time clock cannot run, whatever its version", async () => {
    const { check, verdict } = await examine({ files: { "/sys/kernel/btf/vmlinux": encodeBtf({ bootClock: false }) } });
    expect(check("kernel")).toMatchObject({ status: "fail", hint: expect.stringContaining("5.10") });
    expect(verdict.can.collect).toBeFalse();
  });

  test("with an older version in uname(2) than in /proc cannot run", async () => {
    const { check, verdict } = await examine({ release: "4.4.0-gvisor" });
    expect(check("kernel")).toMatchObject({ status: "fail", found: "4.4.0-gvisor" });
    expect(verdict.can.collect).toBeFalse();
  });

  test("of unknown version is a warning, not a failure", async () => {
    const { check, verdict } = await examine({ files: { "/proc/sys/kernel/osrelease": "something" } });
    expect(check("kernel").status).toBe("warn");
    expect(verdict.can.collect).toBeTrue();
  });

  test("without I/O accounting makes two fields null", async () => {
    const { check, verdict } = await examine({ files: { "/proc/self/io": null } });
    expect(check("io-accounting").status).toBe("warn");
    expect(verdict).toMatchObject({ backend: "btf", nullFields: ["read_bytes", "write_bytes"], status: "warn" });
  });

  test("without group_dead or task storage loses nothing", async () => {
    const { check, troubles } = await examine({
      files: { "/sys/kernel/btf/vmlinux": encodeBtf({ exitParameters: 2, taskStorage: false }) },
    });
    expect(check("group-dead").status).toBe("info");
    expect(check("task-storage").status).toBe("info");
    expect(troubles).toEqual([]);
  });

  test("has a source of samples, which is reported", async () => {
    const way = async (btf: Uint8Array | null, processes: Record<string, string> = {}) => {
      const { check } = await examine({ files: { "/sys/kernel/btf/vmlinux": btf, ...processes } });
      return check("sampling");
    };
    expect(await way(encodeBtf())).toMatchObject({ status: "ok", found: expect.stringContaining("a walk") });
    const withoutWalk = await way(encodeBtf({ processWalk: false }));
    expect(withoutWalk).toMatchObject({ status: "ok", found: expect.stringContaining("task storage") });
    const old = await way(encodeBtf({ processWalk: false, taskStorage: false }));
    expect(old).toMatchObject({ status: "ok", found: expect.stringContaining("in a map") });
    for (const btf of [null, encodeBtf({ taskIterator: false })]) {
      const { check, verdict } = await examine({ files: { "/sys/kernel/btf/vmlinux": btf } });
      expect(verdict).toMatchObject({ sampling: "proc", status: "warn" });
      expect(check("sampling")).toMatchObject({
        status: "warn",
        found: "from /proc",
        costs: expect.stringMatching(/30 times.*ticks.*null.*readyz/),
        hint: expect.stringContaining("BTF"),
      });
    }
  });

  test("with more processes than a walk has room for uses the task iterator", () => {
    const kernel = { btf: { failure: null, sizeBytes: 1, features: readBtfFeatures(encodeBtf()) } } as KernelFacts;
    expect(samplingWay(kernel, { processes: 10_000 })).toBe("process-walk");
    expect(samplingWay(kernel, { processes: 10_001 })).toBe("task-storage");
  });

  test("reports whether removed cgroups have names", async () => {
    const names = async (options: MachineOptions) => (await examine(options)).check("cgroup-names");
    expect(await names({})).toMatchObject({
      status: "ok",
      found: expect.stringContaining("by file handle; names of removed cgroups"),
    });
    for (const btf of [null, encodeBtf({ cgroupTracepoint: false })]) {
      const check = await names({ files: { "/sys/kernel/btf/vmlinux": btf } });
      expect(check).toMatchObject({ status: "info", costs: expect.stringContaining("removed") });
    }
    const v1 = await names({ files: { "/proc/self/mountinfo": mountinfo({ cgroup: "v1" }) } });
    expect(v1.found).toBe("from /proc/PID/cgroup alone");
    const withoutHandles = await names({ files: { "/proc/self/status": status({ effective: BPF_AND_PERFMON }) } });
    expect(withoutHandles.found).toStartWith("from /proc/PID/cgroup, or by search; names of removed cgroups");
  });

  test("without bpf(2) cannot run", async () => {
    const { check, verdict } = await examine({ files: { "/proc/sys/kernel/unprivileged_bpf_disabled": null } });
    expect(check("bpf").status).toBe("fail");
    expect(verdict.can.collect).toBeFalse();
  });

  test("of another architecture is untried", async () => {
    expect((await examine({ machine: "riscv64" })).check("arch").status).toBe("warn");
    expect((await examine({ machine: "aarch64" })).check("arch").status).toBe("ok");
    // This is the value of this machine's own reader.
    expect(["x86_64", "aarch64"]).toContain(hostReader().machine);
  });

  test("below x86-64-v2 cannot run", async () => {
    const files = { "/proc/cpuinfo": CPUINFO.replace(" sse4_2", "").replace(" popcnt", "") };
    const { check, verdict } = await examine({ files });
    expect(check("arch")).toMatchObject({ status: "fail", costs: expect.stringContaining("no sse4_2, popcnt") });
    expect(verdict.can.collect).toBeFalse();
  });
});

describe("the C library", () => {
  test("that is older than the embedded libraries need cannot run", async () => {
    const { check, verdict } = await examine({ glibc: "2.27" });
    expect(check("c-library")).toMatchObject({ status: "fail", found: "glibc 2.27" });
    expect(verdict.can).toMatchObject({ collect: false, overheadTest: false });
    for (const glibc of ["2.28", "2.31", "3.0"])
      expect((await examine({ glibc })).check("c-library").status).toBe("ok");
    expect((await examine({ glibc: null })).check("c-library").status).toBe("info");
  });
});

describe("JIT", () => {
  const jit = async (enable: string | null, more: Record<string, string | Uint8Array> = {}) =>
    (await examine({ files: { "/proc/sys/net/core/bpf_jit_enable": enable, ...more } })).check("jit");
  const config = (text: string) => ({ "/proc/config.gz": Bun.gzipSync(new TextEncoder().encode(text)) });

  test("off is slow, and 2 logs every program", async () => {
    expect(await jit("0\n")).toMatchObject({ status: "warn", hint: "sysctl -w net.core.bpf_jit_enable=1" });
    expect(await jit("2\n")).toMatchObject({ status: "warn", hint: "sysctl -w net.core.bpf_jit_enable=1" });
  });

  test("is read from the kernel's configuration if the sysctl is missing", async () => {
    expect(await jit(null)).toMatchObject({ status: "info" });
    const boot = "/boot/config-6.1.0-18-amd64";
    expect(await jit(null, { [boot]: "CONFIG_BPF_JIT=y\nCONFIG_BPF_JIT_ALWAYS_ON=y\n" })).toMatchObject({
      status: "ok",
      found: "always on",
    });
    expect(await jit(null, config("CONFIG_BPF=y\n# CONFIG_BPF_JIT is not set\n"))).toMatchObject({
      status: "warn",
      found: "not in this kernel",
    });
    expect(await jit(null, { "/proc/config.gz": "no gzip" })).toMatchObject({ status: "info" });
  });

  test("hardened for root is reported as slower", async () => {
    expect(await jit("1\n", { "/proc/sys/net/core/bpf_jit_harden": "2\n" })).toMatchObject({ status: "info" });
  });

  test("hidden from this user is unknown without root", async () => {
    const { check } = await examine({ denied: ["/proc/sys/net/core/bpf_jit_enable"] });
    expect(check("jit").found).toBe("unknown without root");
  });
});

describe("privileges", () => {
  const as = (options: Parameters<typeof status>[0], more: MachineOptions = {}) =>
    examine({ ...more, files: { "/proc/self/status": status(options), ...more.files } });

  test("none: cannot run, and the hint is sudo", async () => {
    const { check, verdict } = await as({ uid: 1000, effective: NOTHING });
    expect(check("cap-bpf")).toMatchObject({ status: "fail", hint: expect.stringContaining("sudo") });
    expect(check("cap-perfmon").status).toBe("fail");
    expect(check("cap-sys-admin").status).toBe("info");
    expect(verdict).toMatchObject({ backend: "btf", can: { collect: false, compareWithPolling: true } });
    expect(verdict.missingRows).toEqual(
      OBSERVERS.filter(({ needs }) => needs.root ?? needs.bpf).map(({ name }) => name),
    );
    expect(verdict.missingRows).toContain("execsnoop+exitsnoop");
  });

  test("root without the capabilities: the hint names the container, not sudo", async () => {
    const { check } = await as({ effective: NOTHING, bounding: NOTHING });
    expect(check("cap-bpf")).toMatchObject({ status: "fail", hint: expect.stringContaining("--cap-add BPF") });
  });

  test("CAP_BPF and CAP_PERFMON are enough to collect, but not for BPF statistics", async () => {
    const { check, verdict } = await as({ uid: 1000, effective: BPF_AND_PERFMON });
    expect(check("user").status).toBe("ok");
    expect(check("cap-sys-admin")).toMatchObject({ status: "warn", costs: expect.stringContaining("in-kernel") });
    expect(verdict.can.collect).toBeTrue();
    expect(verdict.sentence).toContain("the latter without in-kernel figures");
  });

  test("CAP_SYS_ADMIN replaces CAP_BPF and CAP_PERFMON", async () => {
    const { check, verdict } = await as({ effective: "0000000000200000" });
    expect(check("cap-bpf")).toMatchObject({
      status: "ok",
      found: expect.stringContaining("included in CAP_SYS_ADMIN"),
    });
    expect(verdict.can.collect).toBeTrue();
  });

  test("CAP_BPF alone is not enough", async () => {
    const { check, verdict } = await as({ uid: 1000, effective: "0000008000000000" });
    expect(check("cap-bpf").status).toBe("ok");
    expect(check("cap-perfmon").status).toBe("fail");
    expect(verdict.can.collect).toBeFalse();
  });

  test("capabilities in another user namespace do not count", async () => {
    const { check, verdict } = await examine({ links: { "/proc/self/ns/user": "user:[4026532500]" } });
    expect(check("user-namespace").status).toBe("fail");
    expect(check("user").status).toBe("info");
    expect(check("cap-bpf")).toMatchObject({ status: "fail", found: "in this user namespace only" });
    expect(check("cap-bpf").hint).toBeUndefined();
    expect(verdict.can.collect).toBeFalse();
  });

  test("a kernel without CAP_BPF is reported", async () => {
    const { check } = await examine({
      files: {
        "/proc/sys/kernel/cap_last_cap": "37\n",
        "/proc/self/status": status({ effective: "0000003fffffffff" }),
      },
    });
    expect(check("cap-bpf")).toMatchObject({ status: "ok", found: expect.stringContaining("unknown to this kernel") });
  });

  test("a seccomp filter may block system calls", async () => {
    expect((await as({ seccomp: 2 })).check("seccomp").status).toBe("info");
    expect((await as({ uid: 1000, effective: NOTHING, seccomp: 2 })).check("seccomp").status).toBe("warn");
  });

  test("a missing /proc/self/status grants nothing", async () => {
    const { verdict } = await examine({ files: { "/proc/self/status": null } });
    expect(verdict.can.collect).toBeFalse();
  });
});

describe("lockdown", () => {
  const lockdown = async (text: string | null, more: MachineOptions = {}) =>
    examine({ ...more, files: { "/sys/kernel/security/lockdown": text, ...more.files } });

  test("confidentiality stops root too", async () => {
    const { check, verdict } = await lockdown("none integrity [confidentiality]\n");
    expect(check("lockdown")).toMatchObject({ status: "fail", hint: expect.stringContaining("lockdown=integrity") });
    expect(verdict.can.collect).toBeFalse();
    expect(verdict.sentence).toContain("lockdown");
  });

  test("integrity does not stop collect", async () => {
    expect((await lockdown("none [integrity] confidentiality\n")).troubles).toEqual([]);
  });

  test("is not active if securityfs has no such file", async () => {
    const { check } = await lockdown(null, { files: { "/sys/kernel/security/lsm": "capability" } });
    expect(check("lockdown")).toMatchObject({ status: "ok", found: "not active" });
  });

  test("is unknown if securityfs is not mounted or not readable", async () => {
    expect((await lockdown(null)).check("lockdown")).toMatchObject({
      status: "info",
      hint: expect.stringContaining("mount -t securityfs"),
    });
    const booted = await lockdown(null, { files: { "/proc/cmdline": "quiet lockdown=confidentiality\n" } });
    expect(booted.check("lockdown").status).toBe("warn");
    const denied = await lockdown("[none] integrity confidentiality\n", { denied: ["/sys/kernel/security/lockdown"] });
    expect(denied.check("lockdown").found).toBe("unknown without root");
  });

  test("does not exist in a kernel built without it", async () => {
    const files = { "/boot/config-6.1.0-18-amd64": "# CONFIG_SECURITY_LOCKDOWN_LSM is not set\n" };
    expect((await lockdown(null, { files })).check("lockdown").found).toBe("not in this kernel");
  });
});

describe("limits and sysctls", () => {
  const nobody = { "/proc/self/status": status({ uid: 1000, effective: BPF_AND_PERFMON }) };

  test("statistics that are left on slow every program", async () => {
    const { check, verdict } = await examine({ files: { "/proc/sys/kernel/bpf_stats_enabled": "1\n" } });
    expect(check("bpf-statistics")).toMatchObject({ status: "warn", hint: "sysctl -w kernel.bpf_stats_enabled=0" });
    expect(verdict.can.collect).toBeTrue();
  });

  test("a kernel without BPF_ENABLE_STATS has no in-kernel figures", async () => {
    const files = { "/sys/kernel/btf/vmlinux": encodeBtf({ enableStats: false }) };
    const { check, verdict } = await examine({ files });
    expect(check("bpf-statistics").status).toBe("warn");
    expect(verdict.sentence).toContain("without in-kernel figures");
  });

  test("perf_event_paranoid above the kernel's own levels restricts all users except root", async () => {
    const { check } = await examine({ files: { ...nobody, "/proc/sys/kernel/perf_event_paranoid": "3\n" } });
    expect(check("perf-event-paranoid").status).toBe("warn");
    const ordinary = await examine({ files: { ...nobody, "/proc/sys/kernel/perf_event_paranoid": "2\n" } });
    expect(ordinary.check("perf-event-paranoid").status).toBe("ok");
  });

  test("without perf events there are no rings", async () => {
    const { check, verdict } = await examine({ files: { "/proc/sys/kernel/perf_event_paranoid": null } });
    expect(check("perf-event-paranoid").status).toBe("fail");
    expect(verdict.can.collect).toBeFalse();
  });

  test("too little ring memory restricts only users without CAP_IPC_LOCK", async () => {
    const little = { "/proc/sys/kernel/perf_event_mlock_kb": "128\n" };
    expect((await examine({ files: little })).check("ring-memory").status).toBe("ok");
    // Of these 4 rings, the memory above the kernel's own limit counts against RLIMIT_MEMLOCK.
    expect((await examine({ files: { ...little, ...nobody } })).check("ring-memory").status).toBe("ok");
    const limits = "Max locked memory         65536              65536              bytes\n";
    const bound = { ...little, ...nobody, "/proc/self/limits": limits };
    expect((await examine({ files: bound })).check("ring-memory")).toMatchObject({
      status: "warn",
      hint: expect.stringContaining("--ring-size"),
    });
  });

  test("few file descriptors, a hidden /proc/sys and a missing /sys are named", async () => {
    const limits = "Max open files            64                   64                   files     \n";
    expect((await examine({ files: { "/proc/self/limits": limits } })).check("descriptors")).toMatchObject({
      status: "warn",
      hint: expect.stringContaining("ulimit -n"),
    });
    const isSysctl = (path: string) => path.startsWith("/proc/sys/");
    const hidden = (await examine({ without: isSysctl })).check("perf-event-paranoid");
    expect(hidden).toMatchObject({ status: "info", found: "unknown: /proc/sys is hidden here" });
    const btf = (await examine({ without: (path) => path.startsWith("/sys/") })).check("btf");
    expect(btf).toMatchObject({ status: "warn", found: "/sys is not mounted", hint: "mount -t sysfs sysfs /sys" });
  });

  test("RLIMIT_MEMLOCK restricts kernels before 5.11 if it cannot be raised", async () => {
    const old = {
      "/proc/sys/kernel/osrelease": "5.10.0\n",
      "/sys/kernel/btf/vmlinux": encodeBtf({ memcgAccounting: false }),
    };
    const limits = (hard: string) => ({ "/proc/self/limits": `Max locked memory         65536   ${hard}   bytes\n` });
    const memlock = async (files: Record<string, string | Uint8Array>) =>
      (await examine({ files })).check("memlock").status;
    expect(await memlock({ ...old, ...limits("65536") })).toBe("fail");
    expect(await memlock({ ...old, ...limits("unlimited") })).toBe("ok");
    expect(
      await memlock({ ...old, ...limits("65536"), "/proc/self/status": status({ effective: "ffffffffffffffff" }) }),
    ).toBe("ok");
    expect(await memlock(limits("65536"))).toBe("ok");
  });

  test("switched-off unprivileged BPF does not restrict root", async () => {
    const id = "unprivileged-bpf";
    expect((await examine()).check(id).status).toBe("ok");
    expect((await examine({ files: { "/proc/sys/kernel/unprivileged_bpf_disabled": "0\n" } })).check(id).status).toBe(
      "info",
    );
    const plain = { "/proc/self/status": status({ uid: 1000, effective: NOTHING }) };
    expect((await examine({ files: plain })).check(id).status).toBe("info");
  });

  test("ptrace_scope 2 restricts all users except root, 3 restricts every user", async () => {
    const scope = (value: string, more = {}) =>
      examine({ files: { "/proc/sys/kernel/yama/ptrace_scope": value, ...more } });
    expect((await scope("2")).check("ptrace-scope").status).toBe("ok");
    expect((await scope("2", nobody)).check("ptrace-scope").status).toBe("warn");
    const locked = await scope("3");
    expect(locked.check("ptrace-scope").status).toBe("warn");
    expect(locked.verdict.missingRows).toEqual(["strace"]);
  });
});

describe("tracefs", () => {
  const unmounted = { "/proc/self/mountinfo": mountinfo({ tracefs: false }) };
  const nobody = { "/proc/self/status": status({ uid: 1000, effective: BPF_AND_PERFMON }) };
  const noBtf = { "/sys/kernel/btf/vmlinux": null };

  test("that is not mounted is mounted by collect as root", async () => {
    expect((await examine({ files: unmounted })).check("tracefs").status).toBe("ok");
    const { check, verdict } = await examine({ files: { ...unmounted, ...noBtf } });
    expect(check("tracefs").status).toBe("ok");
    expect(verdict).toMatchObject({ backend: "tracepoint", can: { collect: true } });
  });

  test("that cannot be mounted stops only the tracepoint backend", async () => {
    expect((await examine({ files: { ...unmounted, ...nobody } })).check("tracefs").status).toBe("info");
    const { check, verdict } = await examine({ files: { ...unmounted, ...nobody, ...noBtf } });
    expect(check("tracefs")).toMatchObject({ status: "fail", hint: expect.stringContaining("mount -t tracefs") });
    expect(verdict).toMatchObject({ backend: "tracepoint", can: { collect: false } });
  });

  test("whose files this user may not read is for root only", async () => {
    const denied = ["/sys/kernel/tracing/events/sched/sched_process_exit/format"];
    expect((await examine({ denied })).check("tracefs")).toMatchObject({
      status: "info",
      found: expect.stringContaining("only root can read its files"),
    });
  });
});

describe("environment", () => {
  test("in a container the pid namespace is reported", async () => {
    const { check, verdict } = await examine({ links: { "/proc/self/ns/pid": "pid:[4026532999]" } });
    expect(check("pid-namespace")).toMatchObject({ status: "warn", hint: expect.stringContaining("--pid=host") });
    expect(verdict.can.collect).toBeTrue();
  });

  test("in a time namespace the offset is subtracted, if it is known", async () => {
    expect((await examine()).check("time-namespace")).toMatchObject({ status: "ok", found: "the initial one" });
    const links = {
      "/proc/self/ns/time": "time:[4026532999]",
      "/proc/self/ns/time_for_children": "time:[4026532999]",
    };
    const files = { "/proc/self/timens_offsets": "monotonic           0         0\nboottime         -600         0\n" };
    expect((await examine({ links, files })).check("time-namespace")).toMatchObject({
      status: "ok",
      found: expect.stringContaining("-600 s"),
    });
    expect((await examine({ links })).check("time-namespace")).toMatchObject({
      status: "warn",
      hint: expect.stringContaining("nsenter"),
    });
  });

  test("the verdict in a container names the missing parts", async () => {
    const container = { "/proc/self/ns/pid": "pid:[4026532999]" };
    const { verdict } = await examine({ links: container });
    expect(verdict).toMatchObject({ status: "warn", can: { collect: true, overheadTest: true } });
    expect(verdict.sentence).toContain("pids are the host's");
    expect(verdict.missingRows).toEqual(expect.arrayContaining(["auditd", "execsnoop", "forkstat", "bpftrace"]));
    expect(verdict.missingRows).not.toContain("linnix");
    // Events of the tracepoint backend have no pid of the namespace to match.
    const { verdict: without } = await examine({ links: container, files: { "/sys/kernel/btf/vmlinux": null } });
    expect(without.can).toMatchObject({ collect: true, overheadTest: false });
    expect(without.missingRows).toContain("linnix");
  });

  test("with another namespace's /proc nothing can be measured", async () => {
    const links = { "/proc/self/ns/pid": "pid:[4026532999]", "/proc/1/ns/pid": "pid:[4026531836]" };
    const { check, verdict } = await examine({ links });
    expect(verdict.can).toEqual({ collect: true, overheadTest: false, compareWithPolling: false });
    expect(check("pid-namespace").costs).toContain("overhead-test and compare-with-polling cannot run");
  });

  test("hidepid hides processes from all users except root", async () => {
    const hidden = { "/proc/self/mountinfo": mountinfo({ proc: "rw,hidepid=invisible" }) };
    expect((await examine({ files: hidden })).check("hidepid").status).toBe("ok");
    const nobody = { "/proc/self/status": status({ uid: 1000, effective: NOTHING }) };
    expect((await examine({ files: { ...hidden, ...nobody } })).check("hidepid").status).toBe("warn");
  });

  test("cgroups are v2, hybrid, v1 or none", async () => {
    const cgroup = async (kind: string) =>
      (await examine({ files: { "/proc/self/mountinfo": mountinfo({ cgroup: kind }) } })).check("cgroup");
    expect(await cgroup("v2")).toMatchObject({ status: "ok", found: "v2 on /sys/fs/cgroup" });
    expect(await cgroup("hybrid")).toMatchObject({ status: "info" });
    expect(await cgroup("v1")).toMatchObject({ status: "warn", found: "v1 only, 1 hierarchy" });
    const none = await examine({ files: { "/proc/self/mountinfo": null } });
    expect(none.check("cgroup")).toMatchObject({ status: "warn", found: "not mounted" });
  });

  test("a cgroup namespace hides names, unless cgroups can be opened by handle", async () => {
    const links = { "/proc/self/ns/cgroup": "cgroup:[4026532999]" };
    expect((await examine({ links })).check("cgroup-names").status).toBe("ok");
    const files = { "/proc/self/status": status({ effective: "000001c0a80425fb" }) };
    const without = (await examine({ links, files })).check("cgroup-names");
    expect(without).toMatchObject({ status: "warn", hint: expect.stringContaining("--cgroupns=host") });
    const initial = { "/proc/self/ns/cgroup": "cgroup:[4026531835]" };
    expect((await examine({ links: initial, files })).check("cgroup-names").status).not.toBe("warn");
  });

  test("a covered mount of cgroups is ignored", async () => {
    const covered = [
      "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
      "40 31 0:50 / /sys/fs/cgroup rw - tmpfs tmpfs rw",
      "41 40 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
    ];
    const seen = await examine({ files: { "/proc/self/mountinfo": `${covered.join("\n")}\n` } });
    expect(seen.check("cgroup").found).toBe("v2 on /sys/fs/cgroup/unified");
  });

  test("mount points with spaces are read correctly", async () => {
    const line = "31 23 0:28 / /mnt/c\\040group rw - cgroup2 cgroup2 rw\n";
    const { check } = await examine({ files: { "/proc/self/mountinfo": line } });
    expect(check("cgroup").found).toBe("v2 on /mnt/c group");
  });

  test("a slow clock makes each event expensive, and the hint names a better clock", async () => {
    const path = "/sys/devices/system/clocksource/clocksource0";
    const slow = await examine({ files: { [`${path}/current_clocksource`]: "acpi_pm\n" } });
    expect(slow.check("clocksource")).toMatchObject({
      status: "warn",
      hint: expect.stringContaining("echo kvm-clock"),
    });
    const none = await examine({ files: { [`${path}/current_clocksource`]: null } });
    expect(none.check("clocksource").status).toBe("info");
  });

  test("steal time makes measuring noisy, now or since boot", () => {
    const steal = (now: number | null, sinceBoot: number) =>
      checkClock({ clocksource: "tsc", availableClocksources: [], stealPct: now, stealSinceBootPct: sinceBoot })[1];
    expect(steal(0.4, 0.1)).toMatchObject({ status: "ok", found: "0.4 % now, 0.1 % since boot" });
    expect(steal(7, 0.1)).toMatchObject({ status: "warn", costs: expect.stringContaining("INCONCLUSIVE") });
    expect(steal(0, 8)).toMatchObject({ status: "warn" });
    expect(steal(null, 8)).toMatchObject({ status: "warn", found: "8.0 % since boot" });
  });

  test("steal time is its increase while doctor watches", async () => {
    using machine = recordMachine({ files: { "/proc/stat": "cpu  100 0 100 9700 0 0 0 100 0 0\n" } });
    const reading = readClock(machine.host, 0);
    writeFileSync(`${machine.root}/proc/stat`, "cpu  110 0 110 9770 0 0 0 110 0 0\n");
    expect(await reading).toMatchObject({ stealPct: 10, stealSinceBootPct: (100 * 110) / 10_100 });
  });

  test("CPUs and memory are counted", async () => {
    const { check } = await examine();
    expect(check("cpus").found).toStartWith("4 online of 8 possible");
    expect(check("memory").found).toBe("1.9 GiB available of 3.8 GiB");
    const tight = await examine({ files: { "/proc/meminfo": "MemTotal: 200000 kB\nMemAvailable: 50000 kB\n" } });
    expect(tight.check("memory").status).toBe("warn");
  });

  test("other processes with BPF programs are named", async () => {
    const { check } = await examine({
      files: { "/proc/77/comm": "falco\n", "/proc/77/cmdline": "falco\0" },
      links: { "/proc/77/fd/3": "anon_inode:bpf-prog", "/proc/77/exe": "/usr/bin/falco" },
    });
    expect(check("bpf-agents")).toMatchObject({ status: "info", found: "falco (77)" });
    const closed = await examine({ files: { "/proc/77/comm": "falco\n", "/proc/77/cmdline": "falco\0" } });
    expect(closed.check("bpf-agents").found).toBe("unknown without root");
  });

  test("other processes with BPF programs are unknown if /proc hides them", async () => {
    expect((await examine()).check("bpf-agents").found).toBe("none");
    // hidepid=2: no other process is visible.
    const hidden = await examine({ files: { "/proc/1/cmdline": null }, links: { "/proc/1/exe": null } });
    expect(hidden.check("bpf-agents")).toMatchObject({ status: "info", found: "unknown without root" });
    // hidepid=1: the process is visible, but its files are unreadable.
    const closed = await examine({ links: { "/proc/1/exe": null }, denied: ["/proc/1/cmdline"] });
    expect(closed.check("bpf-agents").found).toBe("unknown without root");
    // This is a kernel thread.
    const kernel = await examine({ files: { "/proc/2/cmdline": "", "/proc/2/comm": "kthreadd\n" } });
    expect(kernel.check("bpf-agents").found).toBe("none");
  });
});

describe("programs", () => {
  test("print path and version", async () => {
    const { check } = await examine();
    expect(check("ps").found).toBe("/usr/bin/ps 4.0.2");
    expect(check("bpftrace").found).toBe("/usr/bin/bpftrace 0.17.0");
    expect(check("pidstat").found).toBe("/usr/bin/pidstat 12.6.1");
  });

  test("that are missing are reported with their package and the missing row", async () => {
    const { check, verdict } = await examine({ programs: { strace: null, pidstat: null, ps: null, find: null } });
    expect(check("strace")).toMatchObject({ status: "warn", found: "not installed", hint: "apt-get install strace" });
    expect(check("pidstat")).toMatchObject({ status: "info", hint: "apt-get install sysstat" });
    expect(check("workload-programs")).toMatchObject({ status: "warn", hint: "apt-get install findutils" });
    expect(verdict.missingRows).toEqual(["ps", "ps-log", "pidstat", "strace"]);
    expect(verdict.can.collect).toBeTrue();
  });

  test("are not installed by apt on another distribution", async () => {
    const { check } = await examine({
      programs: { strace: null },
      files: { "/etc/os-release": 'PRETTY_NAME="Fedora Linux 40"\nID=fedora\n' },
    });
    expect(check("strace").hint).toBe("install it (Debian's package: strace)");
  });

  test("without a version are listed nevertheless", async () => {
    const { check } = await examine({ programs: { strace: "exit 1" } });
    expect(check("strace")).toMatchObject({ status: "ok", found: "/usr/bin/strace, version unknown" });
  });

  test("of BusyBox do not count", async () => {
    const busyBox =
      'echo "ps: unrecognized option: version\nBusyBox v1.36.1 (2023-11-07) multi-call binary." >&2; exit 1';
    const { check } = await examine({ programs: { ps: busyBox } });
    expect(check("ps")).toMatchObject({ status: "warn", found: "/usr/bin/ps BusyBox 1.36.1" });
  });

  test("of bcc are found under Debian's name for them", async () => {
    const { check } = await examine({ programs: { execsnoop: null, "execsnoop-bpfcc": "exit 2" } });
    expect(check("execsnoop").found).toStartWith("/usr/bin/execsnoop-bpfcc");
  });
});

describe("audit", () => {
  test("that is unused is ok, on or off", async () => {
    expect((await examine()).check("audit")).toMatchObject({
      status: "ok",
      found: expect.stringContaining("off, no rules"),
    });
    const on = await examine({ programs: { auditctl: auditctl({ enabled: 1 }) } });
    expect(on.check("audit")).toMatchObject({ status: "ok", found: expect.stringContaining("on, no rules") });
  });

  test("in use is not touched", async () => {
    const rules = "-a always,exit -F arch=b64 -S execve\n-w /etc/passwd -p wa";
    const { check, verdict } = await examine({ programs: { auditctl: auditctl({ enabled: 1, rules }) } });
    expect(check("audit")).toMatchObject({
      status: "warn",
      found: "in use: no auditd runs, 2 rules",
      hint: expect.stringContaining("--force-audit"),
    });
    expect(verdict.missingRows).toEqual(["auditd"]);
    const running = await examine({ files: { "/proc/321/comm": "auditd\n" } });
    expect(running.check("audit").found).toBe("in use: auditd runs, 0 rules");
  });

  test("locked, switched off at boot, or not in the kernel cannot be used", async () => {
    expect((await examine({ programs: { auditctl: auditctl({ enabled: 2 }) } })).check("audit").hint).toBe("reboot");
    const off = await examine({ files: { "/proc/cmdline": "quiet audit=0\n" } });
    expect(off.check("audit")).toMatchObject({ status: "warn", hint: "boot without audit=0" });
    expect((await examine({ files: { "/proc/self/loginuid": null } })).check("audit").status).toBe("warn");
  });

  test("is unknown where auditctl is missing or refused", async () => {
    const refused = await examine({
      programs: { auditctl: "echo You must be root to run this program. >&2; exit 4" },
      files: { "/proc/self/status": status({ uid: 1000, effective: NOTHING }) },
    });
    expect(refused.check("audit")).toMatchObject({ status: "info", found: expect.stringContaining("without root") });
    const missing = await examine({ programs: { auditctl: null } });
    expect(missing.check("auditd")).toMatchObject({ status: "warn", hint: "apt-get install auditd" });
    expect(missing.check("audit").found).toContain("without auditctl");
  });
});

test("a machine without any file does not crash doctor", async () => {
  using machine = recordMachine();
  const nothing = `${machine.root}/empty`;
  const { hostReader } = await import("../../src/doctor/host-reader.ts");
  const facts = await readFacts(hostReader(nothing), { stealWindowMs: 0 });
  const sections = checkFacts(facts);
  expect(judge(facts, sections)).toMatchObject({ backend: null, can: { collect: false }, status: "fail" });
});
