import { checkAgents } from "./agents.ts";
import { checkAudit } from "./audit.ts";
import { checkCgroup, checkCgroupNames } from "./cgroup.ts";
import type { Check, Section } from "./check.ts";
import { checkClock } from "./clock.ts";
import { checkDescriptors } from "./descriptors.ts";
import type { Facts } from "./facts.ts";
import { checkJit } from "./jit.ts";
import { checkFeatures, checkKernel } from "./kernel.ts";
import { checkLockdown, checkUnprivilegedBpf } from "./lockdown.ts";
import { checkMachine } from "./machine.ts";
import { checkHidepid, checkPidNamespace, checkTimeNamespace } from "./namespaces.ts";
import { checkPerf } from "./perf.ts";
import { checkPrivileges } from "./privileges.ts";
import { checkPrograms } from "./programs.ts";
import { checkPtraceScope } from "./ptrace.ts";
import { checkSampling } from "./sampling.ts";
import { checkTempFolder } from "./temp-folder.ts";
import { checkTracefs } from "./tracefs.ts";
import { checkTrial } from "./trial.ts";

/** Judges the facts; pure. */
export function checkFacts(facts: Facts): Section[] {
  const sections = foundSections(facts);
  const { trial, tempFolder } = facts;
  if (trial === null) return sections;
  // A collector has run, so no other finding can prevent that.
  if (trial.error === null) for (const check of sections.flatMap(({ checks }) => checks)) withoutFailure(check);
  const checks = [checkTrial(trial, facts.ringBytes), ...(tempFolder ? [checkTempFolder(tempFolder)] : [])];
  return [{ title: "Tried", checks }, ...sections];
}

function withoutFailure(check: Check): void {
  if (check.status === "fail") check.status = "warn";
}

function foundSections(facts: Facts): Section[] {
  const { kernel, privileges, machine } = facts;
  return [
    {
      title: "Kernel",
      checks: [
        ...checkKernel(kernel),
        checkJit(facts.jit, kernel),
        ...checkFeatures(kernel),
        checkSampling(facts.sampling, kernel, privileges),
        checkTracefs(facts.tracefs, kernel, privileges),
        ...checkPerf(facts.perf, kernel, privileges, { ringBytes: facts.ringBytes, cpus: machine.cpusOnline }),
      ],
    },
    {
      title: "Privileges",
      checks: [
        ...checkPrivileges(privileges, kernel),
        checkUnprivilegedBpf(facts.lockdown, privileges),
        checkLockdown(facts.lockdown, kernel),
      ],
    },
    {
      title: "Place",
      checks: [
        checkPidNamespace(facts.namespaces),
        checkTimeNamespace(facts.namespaces),
        checkHidepid(facts.namespaces, privileges),
        checkCgroup(facts.cgroup),
        checkCgroupNames(facts.cgroup, kernel, privileges, facts.namespaces),
        ...checkMachine(machine, facts.ringBytes),
        checkDescriptors(machine),
        ...checkClock(facts.clock),
        checkAgents(facts.agents),
      ],
    },
    {
      title: "Programs to compare with",
      checks: [
        ...checkPrograms(facts.programs, machine),
        checkPtraceScope(facts.ptraceScope, privileges),
        ...checkAudit(facts.audit, kernel, machine, privileges),
      ],
    },
  ];
}
