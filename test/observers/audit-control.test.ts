import { expect, test } from "bun:test";
import {
  auditKey,
  auditKeyPrefix,
  ownerLives,
  parseAuditRules,
  parseAuditStatus,
  ruleOwner,
} from "../../src/observers/audit-control.ts";
import { whyNot } from "../../src/observers/auditd.ts";

/** Output of auditctl 3.0.9 on a machine that does not use audit. */
const IDLE = `enabled 0
failure 1
pid 0
rate_limit 0
backlog_limit 64
lost 3
backlog 0
backlog_wait_time 15000
backlog_wait_time_actual 0
loginuid_immutable 0 unlocked
`;
const idle = { enabled: 0, failure: 1, daemonPid: 0, backlogLimit: 64, backlogWaitTime: 15000, lost: 3 };

test("the output of auditctl is parsed: status, rules, and old versions without backlog_wait_time", () => {
  expect(parseAuditStatus(IDLE)).toEqual(idle);
  const old = IDLE.split("\n")
    .filter((line) => !line.startsWith("backlog_wait_time"))
    .join("\n");
  expect(parseAuditStatus(old)).toEqual({ ...idle, backlogWaitTime: null });
  expect(parseAuditStatus("Error - audit support not in kernel\n")).toBeNull();
  expect(parseAuditRules("No rules\n")).toEqual([]);
  expect(parseAuditRules("-w /etc/passwd -p wa -k id\n-a always,exit -S all\n")).toHaveLength(2);
});

test("the key of a rule contains the linnix process that added it and the audit state before", () => {
  const key = auditKey(auditKeyPrefix({ enabled: 1, backlogLimit: 320, backlogWaitTime: null }), 77);
  const owner = ruleOwner(`-a always,exit -F arch=b64 -S execve,execveat -F key=${key}`);
  expect(owner).toMatchObject({ key, pid: process.pid, daemonPid: 77, enabled: 1, backlogLimit: 320 });
  expect(owner?.backlogWaitTime).toBeNull();
  expect(owner !== null && ownerLives(owner)).toBe(true);
  expect(owner !== null && ownerLives({ ...owner, startTicks: owner.startTicks - 1 })).toBe(false);
  expect(ruleOwner("-a always,exit -S execve -F key=linnix")).toBeNull();
  expect(ruleOwner(`-a always,exit -S execve -F key=${key}x`)).toBeNull();
});

test("the audit method is refused if audit is in use, locked, or set to panic", () => {
  const rule = "-w /etc/passwd -p wa -k id";
  expect(whyNot(idle, [], false)).toBeNull();
  expect(whyNot({ ...idle, enabled: 1 }, [], false)).toBeNull();
  expect(whyNot({ ...idle, daemonPid: 77 }, [rule, rule], false)?.reason).toBe(
    "this machine has auditd at work (pid 77) and 2 audit rules",
  );
  expect(whyNot(idle, [rule], false)?.hint).toContain("--force-audit");
  expect(whyNot({ ...idle, daemonPid: 77 }, [rule], true)).toBeNull();
  expect(whyNot({ ...idle, enabled: 2 }, [], true)).not.toBeNull();
  expect(whyNot({ ...idle, failure: 2 }, [], true)).not.toBeNull();
  expect(whyNot(idle, ["-a never,task"], true)?.reason).toContain("task,never");
});

test("a rule of a killed linnix does not prevent the audit method, but a rule of a live linnix does", () => {
  const ours = `-a always,exit -F arch=b64 -S execve,execveat -F key=${auditKey(auditKeyPrefix(idle), 77)}`;
  const gone = ours.replace(/-s\d+-/, "-s1-");
  expect(whyNot(idle, [gone], false)).toBeNull();
  expect(whyNot({ ...idle, daemonPid: 77 }, [gone], false)).toBeNull();
  expect(whyNot({ ...idle, daemonPid: 78 }, [gone], false)?.reason).toBe("this machine has auditd at work (pid 78)");
  expect(whyNot(idle, [ours], true)?.reason).toContain("another linnix");
});
