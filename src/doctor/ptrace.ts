import type { Check } from "./check.ts";
import { type HostReader, readNumber } from "./host-reader.ts";
import { holds, type PrivilegeFacts } from "./privileges.ts";

/** kernel.yama.ptrace_scope: 0 to 3 (Documentation/admin-guide/LSM/Yama.rst); null if there is no Yama. */
export function readPtraceScope(host: HostReader): number | null {
  return readNumber(host, "/proc/sys/kernel/yama/ptrace_scope");
}

export function checkPtraceScope(scope: number | null, privileges: PrivilegeFacts): Check {
  const check = { id: "ptrace-scope", title: "ptrace" };
  if (scope === null) return { ...check, status: "ok", found: "no Yama: a process may trace its own children" };
  const found = `kernel.yama.ptrace_scope = ${scope}`;
  // linnix uses strace only on its own descendants. Level 2 allows that only with CAP_SYS_PTRACE.
  if (scope < 2 || (scope === 2 && holds(privileges, "CAP_SYS_PTRACE"))) return { ...check, status: "ok", found };
  return {
    ...check,
    status: "warn",
    found,
    costs: "compare-with-polling has no strace row",
    hint: scope === 2 ? "run it as root" : "reboot with a lower level: level 3 cannot be lowered",
  };
}
