import type { Check } from "./check.ts";
import { type HostReader, readFailure, readNumber } from "./host-reader.ts";
import type { KernelFacts } from "./kernel.ts";

export interface JitFacts {
  /** net.core.bpf_jit_enable: 0 off, 1 on, 2 on and dumped to the kernel log; null if it cannot be read. */
  enable: number | null;
  /** Whether the sysctl exists, but this user may not read it. */
  denied: boolean;
  /** net.core.bpf_jit_harden: 2 hardens root's programs too. */
  harden: number | null;
}

const ENABLE_PATH = "/proc/sys/net/core/bpf_jit_enable";

export function readJit(host: HostReader): JitFacts {
  return {
    enable: readNumber(host, ENABLE_PATH),
    denied: readFailure(host, ENABLE_PATH) === "denied",
    harden: readNumber(host, "/proc/sys/net/core/bpf_jit_harden"),
  };
}

/** Whether the kernel compiles BPF programs; null if that is not known. */
export function isJitOn(jit: JitFacts, kernel: KernelFacts): boolean | null {
  if (jit.enable !== null) return jit.enable > 0;
  if (kernel.config("BPF_JIT_ALWAYS_ON") === "y") return true;
  if (kernel.config("BPF_JIT") === "n") return false;
  return null;
}

export function checkJit(jit: JitFacts, kernel: KernelFacts): Check {
  const check = { id: "jit", title: "BPF JIT" };
  const on = isJitOn(jit, kernel);
  if (on === false) {
    return {
      ...check,
      status: "warn",
      found: jit.enable === 0 ? "off (net.core.bpf_jit_enable = 0)" : "not in this kernel",
      costs: "programs are interpreted: each event costs several times as much in the kernel",
      hint: jit.enable === 0 ? "sysctl -w net.core.bpf_jit_enable=1" : "a kernel with CONFIG_BPF_JIT=y",
    };
  }
  if (on === null) {
    return {
      ...check,
      status: "info",
      found: jit.denied
        ? "unknown without root"
        : "net.core.bpf_jit_enable is not visible from this network namespace, or the kernel keeps the JIT always on",
    };
  }
  if (jit.enable === 2) {
    return {
      ...check,
      status: "warn",
      found: "on, and dumping each program to the kernel log (net.core.bpf_jit_enable = 2)",
      costs: "loading is slow and shows kernel addresses",
      hint: "sysctl -w net.core.bpf_jit_enable=1",
    };
  }
  const always = kernel.config("BPF_JIT_ALWAYS_ON") === "y" ? "always on" : "on";
  if (jit.harden === 2) {
    return {
      ...check,
      status: "info",
      found: `${always}, hardened for root too (net.core.bpf_jit_harden = 2)`,
      costs: "programs run slightly slower",
    };
  }
  return { ...check, status: "ok", found: always };
}
