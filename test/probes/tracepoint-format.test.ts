import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parseTracepointFormat } from "../../src/probes/tracepoint-format.ts";

/** A recorded format file of kernel 6.18. */
function recorded(tracepoint: string): string {
  return readFileSync(new URL(`../fixtures/tracepoints/6.18/${tracepoint}`, import.meta.url), "utf8");
}

const COMMON = `format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
`;
const COMMON_FIELDS = {
  common_type: { type: "unsigned short", offset: 0, size: 2 },
  common_flags: { type: "unsigned char", offset: 2, size: 1 },
  common_preempt_count: { type: "unsigned char", offset: 3, size: 1 },
  common_pid: { type: "int", offset: 4, size: 4 },
};

function fieldsOf(text: string) {
  return Object.fromEntries(parseTracepointFormat(text));
}

describe("parseTracepointFormat", () => {
  test("task/task_newtask of 6.18", () => {
    expect(fieldsOf(recorded("task_newtask"))).toEqual({
      ...COMMON_FIELDS,
      pid: { type: "pid_t", offset: 8, size: 4 },
      comm: { type: "char [16]", offset: 12, size: 16 },
      clone_flags: { type: "u64", offset: 32, size: 8 },
      oom_score_adj: { type: "short", offset: 40, size: 2 },
    });
  });

  test("task/task_rename of 6.18", () => {
    expect(fieldsOf(recorded("task_rename"))).toEqual({
      ...COMMON_FIELDS,
      pid: { type: "pid_t", offset: 8, size: 4 },
      oldcomm: { type: "char [16]", offset: 12, size: 16 },
      newcomm: { type: "char [16]", offset: 28, size: 16 },
      oom_score_adj: { type: "short", offset: 44, size: 2 },
    });
  });

  test("sched/sched_process_exec of 6.18", () => {
    expect(fieldsOf(recorded("sched_process_exec"))).toEqual({
      ...COMMON_FIELDS,
      filename: { type: "__data_loc char[]", offset: 8, size: 4 },
      pid: { type: "pid_t", offset: 12, size: 4 },
      old_pid: { type: "pid_t", offset: 16, size: 4 },
    });
  });

  test("sched/sched_process_exit of 6.18", () => {
    expect(fieldsOf(recorded("sched_process_exit"))).toEqual({
      ...COMMON_FIELDS,
      comm: { type: "char [16]", offset: 8, size: 16 },
      pid: { type: "pid_t", offset: 24, size: 4 },
      prio: { type: "int", offset: 28, size: 4 },
      group_dead: { type: "bool", offset: 32, size: 1 },
    });
  });

  test("formats before 6.16 have no group_dead, and clone_flags of another type", () => {
    const exit = `${COMMON}
	field:char comm[16];	offset:8;	size:16;	signed:1;
	field:pid_t pid;	offset:24;	size:4;	signed:1;
	field:int prio;	offset:28;	size:4;	signed:1;

print fmt: "comm=%s pid=%d prio=%d", REC->comm, REC->pid, REC->prio
`;
    expect(parseTracepointFormat(exit).has("group_dead")).toBe(false);
    expect(parseTracepointFormat(exit).get("prio")?.offset).toBe(28);
    const newtask = `${COMMON}
	field:unsigned long clone_flags;	offset:32;	size:8;	signed:0;
`;
    const flags = { type: "unsigned long", offset: 32, size: 8 };
    expect(parseTracepointFormat(newtask).get("clone_flags")).toEqual(flags);
  });

  test("fields have other offsets if the kernel has more common fields, as with PREEMPT_RT", () => {
    const text = `${COMMON}	field:unsigned char common_preempt_lazy_count;	offset:8;	size:1;	signed:0;

	field:__data_loc char[] filename;	offset:12;	size:4;	signed:0;
`;
    expect(parseTracepointFormat(text).get("filename")?.offset).toBe(12);
  });

  test.each([
    ["	field:const char * name;	offset:8;	size:8;	signed:0;", "name", "const char *"],
    ["	field:const char *name;	offset:8;	size:8;	signed:0;", "name", "const char *"],
    ["	field:struct qdisc * qdisc;	offset:8;	size:8;	signed:0;", "qdisc", "struct qdisc *"],
    ["	field:char comm[TASK_COMM_LEN];	offset:8;	size:16;	signed:0;", "comm", "char [TASK_COMM_LEN]"],
    ["	field:__rel_loc char[] name;	offset:8;	size:4;	signed:0;", "name", "__rel_loc char[]"],
    ["field:u8 a1;offset:8;size:1;signed:0;", "a1", "u8"],
  ])("%s", (line, name, type) => {
    expect(fieldsOf(line)[name]?.type).toBe(type);
    expect(fieldsOf(line)[name]?.offset).toBe(8);
  });

  test.each([
    "",
    "format:",
    'print fmt: "field:int pid;"',
    "	field:int pid;	size:4;",
    "	field:;	offset:1;	size:2;",
  ])("a line that is no complete field is skipped: %j", (text) => {
    expect(parseTracepointFormat(text).size).toBe(0);
  });
});
