import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { version } from "../../package.json";
import { runDoctor } from "../../src/doctor/run.ts";
import { recordMachine, status } from "./recorded-machine.ts";

// The tests start real programs, and the machine may be busy.
setDefaultTimeout(60_000);

const QUICK = { color: false, columns: null, stealWindowMs: 0 };

describe("runDoctor", () => {
  test("returns a table that ends with the verdict, and exit code 0 if collect can run", async () => {
    using machine = recordMachine();
    const { text, exitCode } = await runDoctor({ ...QUICK, json: false, host: machine.host });
    expect(exitCode).toBe(0);
    expect(text).toStartWith(`linnix ${version} doctor on Linux 6.1.0-18-amd64, Debian GNU/Linux 12 (bookworm)\n`);
    expect(text.trimEnd().split("\n").at(-1)).toBe(
      "✓ collect and overhead-test can run here: btf backend, every field known; " +
        "compare-with-polling can run too, with every method",
    );
  });

  test("returns exit code 3 if collect cannot run, and reports why", async () => {
    using machine = recordMachine({
      files: { "/proc/self/status": status({ uid: 1000, effective: "0000000000000000" }) },
    });
    const { text, exitCode } = await runDoctor({ ...QUICK, json: false, host: machine.host });
    expect(exitCode).toBe(3);
    expect(text.trimEnd().split("\n").at(-1)).toStartWith(
      "✗ collect and overhead-test cannot run here (CAP_BPF, CAP_PERFMON), the kernel itself offers the btf backend",
    );
  });

  test("returns the same as JSON", async () => {
    using machine = recordMachine({ programs: { strace: null } });
    const { text, exitCode } = await runDoctor({ ...QUICK, json: true, host: machine.host });
    expect(exitCode).toBe(0);
    const report = JSON.parse(text);
    expect(report).toMatchObject({
      schema: "linnix.doctor/1",
      version,
      host: {
        kernel: "6.1.0-18-amd64",
        arch: "x86_64",
        distribution: "Debian GNU/Linux 12 (bookworm)",
        cpus: 4,
        cpu_model: "Some CPU",
        memory_bytes: 4_096_000_000,
        btf: true,
        jit: true,
        virtualization: "kvm",
        clocksource: "kvm-clock",
      },
      backend: "btf",
      null_fields: [],
      sampling: "process-walk",
      can: { collect: true, "overhead-test": true, "compare-with-polling": true },
      missing_rows: ["strace"],
    });
    expect(report.checks).toContainEqual({
      id: "strace",
      title: "strace",
      status: "warn",
      found: "not installed",
      costs: "compare-with-polling has no strace row",
      hint: "apt-get install strace",
    });
  });

  test("names the hypervisor if the machine names it", async () => {
    const virtualization = async (files: Record<string, string | null>) => {
      using machine = recordMachine({ files });
      return JSON.parse((await runDoctor({ ...QUICK, json: true, host: machine.host })).text).host.virtualization;
    };
    const clocks = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    expect(await virtualization({ [clocks]: "tsc\n" })).toBe("vm");
    expect(await virtualization({ [clocks]: "tsc\n", "/sys/class/dmi/id/sys_vendor": "VMware, Inc.\n" })).toBe(
      "vmware",
    );
    expect(await virtualization({ [clocks]: "tsc\n", "/sys/hypervisor/type": "xen\n" })).toBe("xen");
    expect(await virtualization({ [clocks]: "tsc hpet\n", "/proc/cpuinfo": "flags\t: fpu\n" })).toBe("none");
    const emulated = "model name\t: QEMU TCG CPU version 2.5+\nflags\t: fpu hypervisor\n";
    const files = { [clocks]: "hpet\n", "/sys/class/dmi/id/sys_vendor": "QEMU\n", "/proc/cpuinfo": emulated };
    expect(await virtualization(files)).toBe("qemu");
  });
});
