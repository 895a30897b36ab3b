import { describe, expect, test } from "bun:test";
import { verifierSummary } from "../../src/bpf/bpf-load-error.ts";

const TRACE = `0: R1=ctx(off=0,imm=0) R10=fp0
; struct task_struct *task = (void *)ctx[0]; @ process.bpf.c:60
0: (79) r6 = *(u64 *)(r1 +0)          ; R1_w=ctx() R6_w=trusted_ptr_task_struct()
from 4 to 6: R6_w=trusted_ptr_task_struct() R10=fp0
1: (71) r2 = *(u8 *)(r7 +0)
R2_w=scalar()`;
const END = "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0";

describe("verifierSummary", () => {
  test.each([
    ["the line before the statistics", `${TRACE}\nR7 !read_ok\n${END}\n`, "R7 !read_ok"],
    [
      "the line before the statistics, not a hint after them",
      `${TRACE}\nR7 !read_ok\nhint: initialise it on every path\n${END}\n`,
      "R7 !read_ok",
    ],
    [
      "the line before the statistics, not libbpf's end mark",
      `-- BEGIN PROG LOAD LOG --\n${TRACE}\nR7 !read_ok\n${END}\n-- END PROG LOAD LOG --`,
      "R7 !read_ok",
    ],
    ["an error that precedes all instructions", "unknown func bpf_loop#181\n", "unknown func bpf_loop#181"],
    ["an empty string for an empty log", "", ""],
  ])("returns %s", (_, log, line) => {
    expect(verifierSummary(log)).toBe(line);
  });
});
