import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, machine, release } from "node:os";
import { join } from "node:path";
import type { Check } from "../../src/doctor/check.ts";
import { runDoctor } from "../../src/doctor/run.ts";

// The tests start real programs, and the machine may be busy.
setDefaultTimeout(60_000);

const MODULE = join(import.meta.dir, "../../src/doctor/run.ts");
/** Runs doctor in another environment: as another user, or in other namespaces. */
const CODE = `
  const { runDoctor } = await import(${JSON.stringify(MODULE)});
  const { text, exitCode } = await runDoctor({ json: true, color: false, stealWindowMs: 0 });
  process.stdout.write(text);
  process.exitCode = exitCode;
`;

interface Report {
  exitCode: number | null;
  backend: string | null;
  can: Record<string, boolean>;
  check(id: string): Check;
}

function parse(text: string, exitCode: number | null): Report {
  const { backend, can, checks } = JSON.parse(text) as { backend: string; can: Report["can"]; checks: Check[] };
  const check = (id: string) => {
    const found = checks.find((each) => each.id === id);
    if (found === undefined) throw new Error(`no check ${id}`);
    return found;
  };
  return { exitCode, backend, can, check };
}

async function here(): Promise<Report> {
  const { text, exitCode } = await runDoctor({ json: true, color: false, stealWindowMs: 0 });
  return parse(text, exitCode);
}

async function behind(...prefix: string[]): Promise<Report> {
  const child = Bun.spawn([...prefix, process.execPath, "-e", CODE], { stdin: "ignore", stderr: "pipe", cwd: "/" });
  const [text, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  expect(errors).toBe("");
  return parse(text, child.exitCode);
}

/** A shell in its own mount namespace that runs the constant `prepare` text and then executes what follows. */
function inPlace(prepare: string): string[] {
  return ["unshare", "--mount", "--propagation", "private", "sh", "-c", `${prepare} && exec "$@"`, "sh"];
}

function runs(...argv: [string, ...string[]]): boolean {
  try {
    return Bun.spawnSync(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).exitCode === 0;
  } catch {
    return false;
  }
}

const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] as const;

const isRoot = process.geteuid?.() === 0;
/** Mount options of /proc: other users' processes are visible, have unreadable folders, or are hidden. */
const HIDING = ["hidepid=0", "hidepid=1", "hidepid=2"];

const canUnshare = isRoot && runs("unshare", "--mount", "true");
const canBeNobody = isRoot && runs(...AS_NOBODY, process.execPath, "-e", `await import(${JSON.stringify(MODULE)})`);
const hasTracefs = /^nodev\ttracefs$/m.test(readFileSync("/proc/filesystems", "utf8"));
const hasSecurityfs = /^nodev\tsecurityfs$/m.test(readFileSync("/proc/filesystems", "utf8"));

describe("doctor on this machine", () => {
  test("agrees with other sources", async () => {
    const { text } = await runDoctor({ json: true, color: false });
    const { host } = JSON.parse(text);
    expect(host).toMatchObject({ kernel: release(), arch: machine(), btf: existsSync("/sys/kernel/btf/vmlinux") });
    expect(host.cpus).toBeGreaterThanOrEqual(availableParallelism());
    expect(host.steal_pct).toBeGreaterThanOrEqual(0);
  });

  test("reports that collect can run only if no check fails and a backend exists", async () => {
    const { text, exitCode } = await runDoctor({ json: true, color: false });
    const { checks, backend, can } = JSON.parse(text);
    const failed = checks.filter(({ status }: Check) => status === "fail");
    expect(can.collect).toBe(failed.length === 0 && backend !== null);
    expect(exitCode).toBe(can.collect ? 0 : 3);
  });

  test("leaves nothing behind: no mount, no file descriptor, no child", async () => {
    const state = () => ({
      mounts: readFileSync("/proc/self/mountinfo", "utf8"),
      fds: readdirSync("/proc/self/fd").length,
      children: readFileSync("/proc/thread-self/children", "utf8"),
    });
    // The first run may open descriptors that the runtime keeps open.
    await here();
    const before = state();
    await here();
    expect(state()).toEqual(before);
  });
});

describe("doctor in restricted environments", () => {
  test.skipIf(!canBeNobody)(
    "as an ordinary user: it works, and names what only root can see (needs root and setpriv)",
    async () => {
      const report = await behind(...AS_NOBODY);
      expect(report.exitCode).toBe(3);
      expect(report.can).toMatchObject({ collect: false, "compare-with-polling": true });
      expect(report.check("user").found).toBe("uid 65534, not root");
      expect(report.check("cap-bpf")).toMatchObject({ status: "fail" });
      expect(report.check("bpf-agents").found).toContain("unknown without root");
      expect(report.backend).toBe((await here()).backend);
    },
  );

  for (const option of HIDING) {
    test.skipIf(!canBeNobody || !canUnshare)(
      `as nobody, with /proc of ${option} (needs root and unshare)`,
      async () => {
        const report = await behind(...inPlace(`mount -t proc -o ${option} proc /proc`), ...AS_NOBODY);
        expect(report.check("bpf-agents").found).toContain("unknown without root");
        expect(report.check("hidepid").status).toBe(option === "hidepid=0" ? "ok" : "warn");
      },
    );
  }

  test.skipIf(!canUnshare || !hasTracefs)(
    "without BTF: it reports the tracepoint backend (needs root and unshare)",
    async () => {
      const report = await behind(...inPlace("mount -t tmpfs none /sys/kernel/btf"));
      expect(report.check("btf")).toMatchObject({ status: "warn", found: expect.stringContaining("not there") });
      expect(report.backend).toBe("tracepoint");
    },
  );

  test.skipIf(!canUnshare || !hasTracefs)(
    "with tracefs mounted: it finds tracefs (needs root and unshare)",
    async () => {
      // tracefs may be mounted already.
      const prepare = "{ mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; }";
      const report = await behind(...inPlace(prepare));
      expect(report.check("tracefs")).toMatchObject({ status: "ok", found: "mounted on /sys/kernel/tracing" });
    },
  );

  test.skipIf(!canUnshare || !hasSecurityfs)(
    "with securityfs mounted: it knows the lockdown mode (needs root)",
    async () => {
      const prepare = "{ mountpoint -q /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security; }";
      const report = await behind(...inPlace(prepare));
      expect(report.check("lockdown").found).not.toContain("unknown");
    },
  );

  test.skipIf(!canUnshare)("in another pid namespace: it warns (needs root and unshare)", async () => {
    const report = await behind("unshare", "--pid", "--fork", "--mount-proc");
    expect(report.check("pid-namespace")).toMatchObject({ status: "warn" });
  });

  const canMapRoot = canUnshare && runs("unshare", "--user", "--map-root-user", "true");
  test.skipIf(!canMapRoot)("in another user namespace: its root is not enough (needs root and unshare)", async () => {
    const report = await behind("unshare", "--user", "--map-root-user");
    expect(report.exitCode).toBe(3);
    expect(report.check("user-namespace").status).toBe("fail");
    expect(report.check("user").status).toBe("info");
  });

  test.skipIf(!isRoot || !runs("setpriv", "--help"))(
    "as root without capabilities: it fails and gives a hint (needs root and setpriv)",
    async () => {
      const report = await behind("setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin");
      expect(report.exitCode).toBe(3);
      expect(report.check("cap-bpf")).toMatchObject({
        status: "fail",
        found: "neither effective nor in the bounding set",
        hint: expect.stringContaining("--cap-add"),
      });
    },
  );
});
